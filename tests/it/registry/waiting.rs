//! Who waits for whom when something is defined: a define for no busy worker, and `wait_installed` for all.

use std::time::Duration;

use wpc::{Clock, ConstantError, Context, Version, WaitError, Wpc, function};

use crate::support::{Busy, Watchdog, assert_ledger_is_even, build, pool};

/// The clock stands still but for ten minutes that pass while every worker is inside one call, so a define that waited
/// would end by no timeout, and the watchdog would tell.
mod w35_a_define_while_every_worker_is_inside_a_ten_minute_call_returns_at_once_or_at_control_timeout {
    use wpc::{ImportError, ManualClock};

    use super::*;
    use crate::support::{Built, Scratch, flush_loader, just_under, rest, start_on, until};

    /// The default.
    const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);

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

    /// A pool of three workers with a version of `bad`, each of them inside a call.
    fn all_busy_with_bad(scratch: &Scratch) -> (Wpc, Busy, ManualClock) {
        let (clock, hands) = Clock::manual();
        let wpc = build(Wpc::builder().clock(clock));
        let mut busy = Busy::define(&wpc);
        let one = Built::misbehaving("none", "one").write(scratch, "one.so");
        wpc.define_dependency("bad", one).expect("it is a plugin");
        let label = function!(|ctx: &Context| -> Result<String, ImportError> {
            ctx.import("bad")?.call("label", ())
        });
        wpc.define_function("label", label).expect("the name is right");
        start_on(&hands, &wpc, 3);
        busy.occupy(&wpc, 3);
        rest(&hands);
        (wpc, busy, hands)
    }

    #[test]
    fn a_dependency_at_control_timeout_with_those_workers_pending() {
        let _watchdog = Watchdog::start();
        let scratch = Scratch::new();
        let (wpc, busy, hands) = all_busy_with_bad(&scratch);
        let two = Built::misbehaving("none", "two").write(&scratch, "two.so");
        let before = wpc.dependencies().remove(0);
        let defined = std::thread::scope(|scope| {
            let defining = scope.spawn(|| wpc.define_dependency("bad", two));
            until(|| hands.waiting() == 1);
            flush_loader();
            hands.advance(just_under(CONTROL_TIMEOUT));
            until(|| hands.waiting() == 1);
            assert!(!defining.is_finished(), "it waits for the workers");
            assert_eq!(wpc.dependencies()[0].version, before.version, "nothing can be seen of it yet");
            hands.advance(Duration::from_nanos(1));
            defining.join().expect("it does not panic").expect("busy workers fail nothing")
        });
        assert_eq!((defined.installed, indices(&defined)), (0, vec![0, 1, 2]));
        let info = wpc.dependencies().remove(0);
        assert_eq!((info.version, info.installed_worker_count), (defined.version, 0));
        let call = || wpc.request("label").no_timeout().submit::<String>(()).expect("accepted at once");
        let queued: Vec<_> = (0..6).map(|_| call()).collect();
        assert_eq!(busy.release(), [0, 1, 2], "they were inside all the time");
        for call in queued {
            assert_eq!(call.wait().expect("it is built before it is needed"), "two");
        }
        until(|| wpc.dependencies()[0].installed_worker_count == 3);
        assert_eq!(wpc.wait_installed(defined.version, Duration::from_secs(10)), Ok(3));
        assert!(wpc.workers().iter().all(|worker| worker.is_in_step), "{:?}", wpc.workers());
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn a_function_beside_such_a_dependency() {
        let _watchdog = Watchdog::start();
        let scratch = Scratch::new();
        let (wpc, busy, hands) = all_busy_with_bad(&scratch);
        let two = Built::misbehaving("none", "two").write(&scratch, "two.so");
        std::thread::scope(|scope| {
            let defining = scope.spawn(|| wpc.define_dependency("bad", two));
            until(|| hands.waiting() == 1);
            flush_loader();
            let function = wpc.define_function("one", || 1_u8).expect("the name is right");
            assert_eq!((function.installed, indices(&function)), (0, vec![0, 1, 2]));
            let constant = wpc.define_constant("ONE", 1_u8).expect("the name is right");
            assert_eq!(indices(&constant), [0, 1, 2]);
            assert!(!defining.is_finished(), "it waits for the workers");
            hands.advance(CONTROL_TIMEOUT);
            let defined = defining.join().expect("it does not panic").expect("busy workers fail nothing");
            assert!(defined.version > constant.version, "it is published onto what is there then");
        });
        busy.release();
        assert_eq!(wpc.call::<u8>("one", ()).expect("it is still defined"), 1);
        assert_eq!(wpc.call::<String>("label", ()).expect("it is still defined"), "two");
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
