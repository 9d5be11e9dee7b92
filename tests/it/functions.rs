//! Functions: what can be defined as one, what is told of it, and what it sees while it runs.

mod context;
mod errors;
mod shapes;
mod source;
mod traits;

use wpc::{ConstantError, Context, FunctionError, HashOf, RejectReason, Requirement, WorkerState, function};

use crate::support::{Watchdog, assert_ledger_is_even, pool, reason};

#[test]
fn w1_a_function_defined_before_two_workers_start_is_callable_and_installed_on_both() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let defined = wpc
        .define_function("length", function!(|path: String, limit: u64| path.len() as u64 + limit))
        .expect("the name is right");
    assert_eq!((defined.installed, defined.pending.len()), (0, 0), "nobody is there to have it");
    assert_eq!(wpc.functions()[0].installed_worker_count, 0);
    let started = wpc.start_workers(2).expect("threads can be had");
    assert_eq!((started.ready.len(), started.failed.len(), started.starting.len()), (2, 0, 0));

    assert_eq!(wpc.call::<u64>("length", ("abc".to_owned(), 4_u64)).expect("it runs"), 7);
    let functions = wpc.functions();
    let [info] = functions.as_slice() else { panic!("one function: {functions:?}") };
    assert_eq!(info.name, "length");
    assert_eq!(info.installed_worker_count, 2);
    assert_eq!(info.signature, "(path: String, limit: u64) -> u64");
    assert_eq!(info.hash_of, HashOf::Source);
    assert_eq!((info.version, info.function_hash_sha1), (defined.version, defined.hash));
    let hash = info.function_hash_sha1.to_string();
    assert_eq!(hash.len(), 40, "{hash}");
    assert!(hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{hash}");
    assert_ledger_is_even(&wpc);
}

#[test]
fn w5_a_function_that_fails_tells_its_error_s_name_message_and_code_and_the_worker_serves_on() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let fail = |used: u64| -> Result<u64, FunctionError> {
        Err(FunctionError::new("QuotaExceeded", format!("{used} of 10 used")).with_code("E_QUOTA"))
    };
    wpc.define_function("fail", fail).expect("the name is right");
    wpc.define_function("where", |ctx: &Context| ctx.worker_id().index()).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let before = wpc.workers();

    let error = wpc.call::<u64>("fail", 12_u64).expect_err("it fails");
    let wpc::CallError::Failed(error) = error else { panic!("not failed: {error:?}") };
    assert_eq!(error.name(), "QuotaExceeded");
    assert_eq!(error.message(), "12 of 10 used");
    assert_eq!(error.code(), Some("E_QUOTA"));

    assert_eq!(wpc.call::<usize>("where", ()).expect("the worker serves"), 0);
    let after = wpc.workers();
    assert_eq!(after[0].run, before[0].run, "an error is no reason for another run");
    assert_eq!((after[0].state, after[0].handled), (WorkerState::Ready, 2));
    let calls = wpc.stats().calls;
    assert_eq!((calls.accepted, calls.failed, calls.values), (2, 1, 1));
    assert_ledger_is_even(&wpc);
}

/// What is required must be there before a call is accepted.
mod w20_a_call_is_rejected_before_dispatch_while_what_its_function_requires_is_missing {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[track_caller]
    fn assert_nothing_was_dispatched(wpc: &wpc::Wpc, rejected: u64) {
        let stats = wpc.stats();
        assert_eq!((stats.calls.accepted, stats.rejected, stats.in_flight), (0, rejected, 0));
        assert!(wpc.workers().iter().all(|worker| worker.handled == 0));
    }

    fn missing(name: &str) -> RejectReason {
        RejectReason::MissingRequirement { name: name.to_owned() }
    }

    #[test]
    fn a_constant_by_its_literal_name_is_required_until_it_is_defined_and_again_when_it_is_gone() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let ran = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&ran);
        let label = function!(move |ctx: &Context, path: String| -> Result<String, ConstantError> {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(format!("{}:{path}", ctx.constant::<String>("PREFIX")?))
        });
        wpc.define_function("label", label).expect("a missing constant is no error of the define");
        assert_eq!(wpc.functions()[0].requires, [Requirement::constant("PREFIX")]);
        wpc.start_workers(2).expect("threads can be had");

        let refused = wpc.call::<String>("label", "a".to_owned());
        let Err(wpc::CallError::Rejected(rejected)) = refused else { panic!("not rejected: {refused:?}") };
        assert_eq!(rejected.reason(), &missing("PREFIX"));
        assert_eq!(rejected.into_arguments::<String>().expect("they come back"), "a");
        assert_nothing_was_dispatched(&wpc, 1);
        assert_eq!(ran.load(Ordering::Relaxed), 0);

        wpc.define_constant("PREFIX", "api".to_owned()).expect("the name is right");
        assert_eq!(wpc.call::<String>("label", "a").expect("it is there now"), "api:a");
        assert!(wpc.undefine_constant("PREFIX").expect("the name is right"));
        assert_eq!(reason(wpc.call::<String>("label", "a")), missing("PREFIX"));
        assert_eq!(ran.load(Ordering::Relaxed), 1);
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn a_dependency_and_a_constant_that_are_said_to_be_required_are_named_one_by_one() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let add = wpc::Function::new(|a: u64, b: u64| a + b)
            .requires(Requirement::constant("LIMIT"))
            .requires(Requirement::dependency("text"));
        wpc.define_function("add", add).expect("the name is right");
        wpc.start_workers(1).expect("a thread can be had");
        assert_eq!(reason(wpc.call::<u64>("add", (1_u64, 2_u64))), missing("LIMIT"));
        wpc.define_constant("LIMIT", 3_u64).expect("the name is right");
        assert_eq!(reason(wpc.submit::<u64>("add", (1_u64, 2_u64))), missing("text"));
        wpc.define_constant("text", "a constant is no dependency").expect("the name is right");
        assert_eq!(reason(wpc.call::<u64>("add", (1_u64, 2_u64))), missing("text"));
        let handle = wpc.function::<(u64, u64), u64>("add").expect("the types are its own");
        assert_eq!(reason(handle.call((1, 2))), missing("text"));
        assert_nothing_was_dispatched(&wpc, 4);
    }

    #[test]
    fn a_function_inside_another_one_is_rejected_too() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let inner = wpc::Function::new(|| 1_u64).requires(Requirement::constant("LIMIT"));
        wpc.define_function("inner", inner).expect("the name is right");
        let outer = |ctx: &Context| match ctx.call::<u64>("inner", ()) {
            Err(wpc::CallError::Rejected(rejected)) => format!("{:?}", rejected.reason()),
            other => format!("{other:?}"),
        };
        wpc.define_function("outer", outer).expect("the name is right");
        wpc.start_workers(1).expect("a thread can be had");
        let told = wpc.call::<String>("outer", ()).expect("the outer one runs");
        assert_eq!(told, format!("{:?}", missing("LIMIT")));
    }

    #[test]
    #[rustfmt::skip] // the comments stay where they are
    fn a_name_in_a_comment_or_in_a_string_is_no_requirement() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        wpc.define_function("quiet", function!(|ctx: &Context| -> Result<usize, ConstantError> {
            // ctx.constant::<String>("IN_A_LINE_COMMENT")
            /* ctx.import("IN_A_BLOCK_COMMENT") */
            let text = "ctx.constant::<String>(\"IN_A_STRING\")";
            let raw = r#"ctx.import("IN_A_RAW_STRING")"#;
            Ok(text.len() + raw.len() + usize::from(ctx.is_cancelled()))
        })).expect("the name is right");
        assert_eq!(wpc.functions()[0].requires, []);
        wpc.start_workers(1).expect("a thread can be had");
        assert_eq!(wpc.call::<usize>("quiet", ()).expect("nothing is missing"), 37 + 29);
    }

    #[test]
    fn a_computed_name_is_no_requirement_and_fails_when_it_runs() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let read = function!(|ctx: &Context, name: String| -> Result<u64, ConstantError> {
            Ok(*ctx.constant::<u64>(&name)?)
        });
        wpc.define_function("read", read).expect("the name is right");
        wpc.start_workers(1).expect("a thread can be had");
        let error = wpc.call::<u64>("read", "LIMIT").expect_err("there is none");
        let wpc::CallError::Failed(error) = error else { panic!("not failed: {error:?}") };
        let expected = ConstantError::NotDefined { name: "LIMIT".to_owned() };
        assert_eq!(error.downcast_ref::<ConstantError>(), Some(&expected));
        wpc.define_constant("LIMIT", 7_u64).expect("the name is right");
        assert_eq!(wpc.call::<u64>("read", "LIMIT").expect("it is there now"), 7);
    }

    #[test]
    fn a_requirement_that_can_be_no_name_is_refused_when_it_is_defined() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let odd = wpc::Function::new(|| 1_u64).requires(Requirement::constant("no name"));
        let error = wpc.define_function("odd", odd).expect_err("a blank is in it");
        assert!(matches!(error, wpc::DefineError::Name(wpc::NameError::Character { .. })), "{error:?}");
        assert!(wpc.functions().is_empty());
    }
}
