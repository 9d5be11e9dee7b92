//! Who waits for whom when something is defined: a define for no busy worker, and `wait_installed` for all.

use std::time::Duration;

use wpc::{Clock, ConstantError, Context, Version, WaitError, Wpc, function};

use crate::support::{Busy, Watchdog, assert_ledger_is_even, build, pool};

/// The clock stands still but for ten minutes that pass while every worker is inside one call, so a define that waited
/// would end by no timeout, and the watchdog would tell.
mod w35_a_define_while_every_worker_is_inside_a_ten_minute_call_returns_at_once {
    use super::*;

    fn all_busy(workers: usize) -> (Wpc, Busy) {
        let (clock, hands) = Clock::manual();
        let wpc = build(Wpc::builder().clock(clock));
        let mut busy = Busy::define(&wpc);
        wpc.define_constant("N", 1_u64).expect("the name is right");
        let read =
            function!(|ctx: &Context| -> Result<u64, ConstantError> { Ok(*ctx.constant::<u64>("N")?) });
        wpc.define_function("read", read).expect("the name is right");
        wpc.start_workers(workers).expect("threads can be had");
        busy.occupy(&wpc, workers);
        hands.advance(Duration::from_secs(600));
        (wpc, busy)
    }

    fn indices(defined: &wpc::Defined) -> Vec<usize> {
        defined.pending.iter().map(|worker| worker.index()).collect()
    }

    #[test]
    fn a_function() {
        let _watchdog = Watchdog::start();
        let (wpc, busy) = all_busy(3);
        let defined = wpc.define_function("add", |a: u64, b: u64| a + b).expect("the name is right");
        assert_eq!((defined.installed, indices(&defined)), (0, vec![0, 1, 2]));
        let info = wpc.functions().remove(0);
        assert_eq!((&*info.name, info.version, info.installed_worker_count), ("add", defined.version, 0));
        let queued = wpc.submit::<u64>("add", (2_u64, 3_u64)).expect("accepted at once");
        assert_eq!(busy.release(), [0, 1, 2], "they were inside all the time");
        assert_eq!(queued.wait().expect("it was defined"), 5);
        assert_eq!(wpc.wait_installed(defined.version, Duration::from_secs(10)), Ok(3));
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn a_constant() {
        let _watchdog = Watchdog::start();
        let (wpc, busy) = all_busy(3);
        let defined = wpc.define_constant("N", 2_u64).expect("the name is right");
        assert_eq!((defined.installed, indices(&defined)), (0, vec![0, 1, 2]));
        assert_eq!(wpc.constants()[0].installed_worker_count, 0);
        let queued = wpc.submit::<u64>("read", ()).expect("accepted at once");
        assert_eq!(busy.release(), [0, 1, 2], "they were inside all the time");
        assert_eq!(queued.wait().expect("it was defined"), 2);
        assert_eq!(wpc.wait_installed(defined.version, Duration::from_secs(10)), Ok(3));
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn an_undefine() {
        let _watchdog = Watchdog::start();
        let (wpc, busy) = all_busy(2);
        assert!(wpc.undefine_function("read").expect("the name is right"));
        assert!(wpc.undefine_constant("N").expect("the name is right"));
        assert_eq!(busy.release(), [0, 1], "they were inside all the time");
    }
}

#[test]
fn wait_installed_names_the_workers_that_are_busy_until_they_are_not() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let mut busy = Busy::define(&wpc);
    wpc.start_workers(3).expect("threads can be had");
    busy.occupy(&wpc, 2);
    let defined = wpc.define_function("one", || 1_u8).expect("the name is right");
    assert_eq!((defined.installed, defined.pending.len()), (1, 2));
    let waited = wpc.wait_installed(defined.version, Duration::from_millis(1));
    let expected = WaitError::TimedOut { version: defined.version, pending: defined.pending.clone() };
    assert_eq!(waited, Err(expected));
    let pending: Vec<_> = defined.pending.iter().map(|worker| worker.index()).collect();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wpc.wait_installed(defined.version, Duration::from_secs(60)));
        assert_eq!(busy.release(), pending);
        assert_eq!(waiting.join().expect("it does not panic"), Ok(3));
    });
}

#[test]
fn wait_installed_counts_nobody_while_nobody_runs() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let defined = wpc.define_function("one", || 1_u8).expect("the name is right");
    assert_eq!(wpc.wait_installed(defined.version, Duration::from_secs(60)), Ok(0));
    wpc.start_workers(2).expect("threads can be had");
    assert_eq!(wpc.wait_installed(defined.version, Duration::ZERO), Ok(2), "a started worker has it");
    assert_eq!(wpc.wait_installed(Version::default(), Duration::ZERO), Ok(2), "and all before");
    wpc.stop_workers().expect("not on a worker");
    assert_eq!(wpc.wait_installed(defined.version, Duration::from_secs(60)), Ok(0));
}

#[test]
fn wait_installed_on_a_worker_is_an_error_at_once() {
    let _watchdog = Watchdog::start();
    let wpc = build(Wpc::builder().clock(Clock::manual().0));
    let weak = wpc.downgrade();
    let wait = move |_: &Context| {
        let wpc = weak.upgrade().expect("its caller holds the pool");
        let defined = wpc.define_function("one", || 1_u8).expect("the name is right");
        wpc.wait_installed(defined.version, Duration::from_secs(60)) == Err(WaitError::WouldDeadlock)
    };
    wpc.define_function("wait", wait).expect("the name is right");
    wpc.start_workers(2).expect("threads can be had");
    assert!(wpc.call::<bool>("wait", ()).expect("it does not hang"));
}
