//! The registry: what a define, a redefinition and an undefine change, for whom, and when.

mod constants;
mod manifest;
mod redefinition;
mod text;
mod waiting;

use wpc::{CallError, Clock, Context, NameError, Pending, RejectReason, Wpc, function};

use crate::support::{Busy, Watchdog, assert_ledger_is_even, build, pool, reason};

/// The manual clock of these pools stands still: a define that waits for a busy worker never returns.
mod w2_a_function_defined_while_three_workers_run_is_callable_at_once_and_installed_on_all_three {
    use super::*;

    #[test]
    fn all_idle() {
        let _watchdog = Watchdog::start();
        let wpc = build(Wpc::builder().clock(Clock::manual().0));
        wpc.start_workers(3).expect("threads can be had");
        let defined = wpc.define_function("add", |a: u64, b: u64| a + b).expect("the name is right");
        assert_eq!((defined.installed, defined.pending.as_slice()), (3, [].as_slice()));
        assert_eq!(wpc.functions()[0].installed_worker_count, 3);
        assert_eq!(wpc.call::<u64>("add", (2_u64, 3_u64)).expect("it is there"), 5);
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn one_inside_a_long_call() {
        let _watchdog = Watchdog::start();
        let wpc = build(Wpc::builder().clock(Clock::manual().0));
        let mut busy = Busy::define(&wpc);
        wpc.start_workers(3).expect("threads can be had");
        busy.occupy(&wpc, 1);
        let defined = wpc.define_function("add", |a: u64, b: u64| a + b).expect("the name is right");
        assert_eq!((defined.installed, defined.pending.len()), (2, 1));
        assert_eq!(wpc.call::<u64>("add", (2_u64, 3_u64)).expect("callable at once"), 5);
        let info = |name| wpc.functions().into_iter().find(|info| info.name == name).expect("it is defined");
        assert_eq!(info("add").installed_worker_count, 2, "the long call has not ended");
        assert_eq!(busy.release(), [defined.pending[0].index()], "the busy worker is the pending one");
        let installed = wpc.wait_installed(defined.version, std::time::Duration::MAX);
        assert_eq!(installed.expect("the clock stands still"), 3);
        assert_eq!(info("add").installed_worker_count, 3);
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn each_of_a_thousand_in_a_row() {
        let _watchdog = Watchdog::start();
        let wpc = build(Wpc::builder().clock(Clock::manual().0));
        wpc.start_workers(3).expect("threads can be had");
        for at in 0..1_000_u64 {
            let defined = wpc.define_function("at", move || at).expect("the name is right");
            assert_eq!((defined.installed, defined.pending.len()), (3, 0), "define {at}");
            assert_eq!(wpc.functions()[0].installed_worker_count, 3, "define {at}");
        }
    }
}

#[test]
fn w6_an_undefined_function_is_gone_and_its_calls_are_rejected_and_an_unknown_name_is_no_error() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    wpc.define_function("add", |a: u64, b: u64| a + b).expect("the name is right");
    wpc.define_function("kept", || 1_u8).expect("the name is right");
    wpc.start_workers(2).expect("threads can be had");
    let add = wpc.function::<(u64, u64), u64>("add").expect("the types are its own");
    assert_eq!(add.call((2, 3)).expect("it is there"), 5);

    assert!(wpc.undefine_function("add").expect("the name is right"));
    let names: Vec<_> = wpc.functions().into_iter().map(|info| info.name).collect();
    assert_eq!(names, ["kept"]);
    let refused = wpc.call::<u64>("add", (2_u64, 3_u64));
    let Err(CallError::Rejected(rejected)) = refused else { panic!("not rejected: {refused:?}") };
    assert_eq!((rejected.reason(), rejected.function()), (&RejectReason::NotDefined, "add"));
    assert_eq!(rejected.into_arguments::<(u64, u64)>().expect("they come back"), (2, 3));
    assert_eq!(reason(wpc.submit::<u64>("add", (2_u64, 3_u64))), RejectReason::NotDefined);
    assert_eq!(reason(add.call((2, 3))), RejectReason::NotDefined);
    assert_eq!(reason(wpc.function::<(u64, u64), u64>("add")), RejectReason::NotDefined);

    assert!(!wpc.undefine_function("add").expect("gone already: no error"));
    assert!(!wpc.undefine_function("never_defined").expect("unknown: no error"));
    assert_eq!(wpc.call::<u8>("kept", ()).expect("the others stay"), 1);
    wpc.define_function("add", |a: u64, b: u64| a * b).expect("the name is free");
    assert_eq!(add.call((2, 3)).expect("a handle finds the new one"), 6);
    assert_ledger_is_even(&wpc);
}

#[test]
fn an_undefine_of_what_can_be_no_name_is_an_error() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    for undefined in [wpc.undefine_function("no name"), wpc.undefine_constant("no name")] {
        let error = undefined.expect_err("a blank is in it");
        assert!(matches!(error, wpc::DefineError::Name(NameError::Character { at: 2, .. })), "{error:?}");
    }
}

#[test]
fn functions_and_constants_are_listed_by_name_before_during_and_after_a_shift() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let names = |wpc: &Wpc| -> (Vec<_>, Vec<_>) {
        let functions = wpc.functions().into_iter().map(|info| (info.name, info.installed_worker_count));
        let constants = wpc.constants().into_iter().map(|info| (info.name, info.installed_worker_count));
        (functions.collect(), constants.collect())
    };
    let listed = |count: usize| {
        let with = |names: [&str; 2]| names.map(|name| (name.to_owned(), count)).to_vec();
        (with(["alpha", "beta"]), with(["ALPHA", "BETA"]))
    };
    wpc.define_function("beta", || 1_u8).expect("the name is right");
    wpc.define_constant("BETA", 1_u8).expect("the name is right");
    wpc.define_function("alpha", || 2_u8).expect("the name is right");
    wpc.define_constant("ALPHA", 2_u8).expect("the name is right");
    assert_eq!(names(&wpc), listed(0));
    wpc.start_workers(2).expect("threads can be had");
    assert_eq!(names(&wpc), listed(2));
    wpc.stop_workers().expect("not on a worker");
    assert_eq!(names(&wpc), listed(0));
    wpc.start_workers(3).expect("threads can be had");
    assert_eq!(names(&wpc), listed(3), "the registry outlives its workers");
}

#[test]
fn a_function_that_runs_defines_another_and_calls_it() {
    let _watchdog = Watchdog::start();
    let wpc = build(Wpc::builder().clock(Clock::manual().0));
    let weak = wpc.downgrade();
    let grow = move |ctx: &Context, by: u64| {
        let wpc = weak.upgrade().expect("its caller holds the pool");
        let defined = wpc.define_function("grown", function!(move |n: u64| n + by)).expect("a right name");
        (ctx.call::<u64>("grown", 1_u64).expect("it is there"), defined.pending.len())
    };
    wpc.define_function("grow", grow).expect("the name is right");
    wpc.start_workers(2).expect("threads can be had");
    let grown: Pending<(u64, usize)> = wpc.submit("grow", 41_u64).expect("accepted");
    assert_eq!(grown.wait().expect("no wait for itself"), (42, 1), "its own worker is the pending one");
    assert_eq!(wpc.call::<u64>("grown", 2_u64).expect("it is there for all"), 43);
}
