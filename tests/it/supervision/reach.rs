//! Definitions that are made while workers are not there to take them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wpc::{CallError, Clock, Context, FunctionError, Pending, Run, ThreadLife, WorkerId, WorkerState, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, start_on, until};

mod w16_a_define_reaches_every_worker_once_it_is_ready {
    use super::*;

    #[test]
    fn workers_that_are_starting() {
        let _watchdog = Watchdog::start();
        let latch = Latch::new();
        let held = latch.clone();
        let start = move |worker: WorkerId, _: Run| -> Result<ThreadLife, FunctionError> {
            if worker.index() == 1 {
                held.hold();
            }
            Ok(ThreadLife::endless())
        };
        let (clock, hands) = Clock::manual();
        let wpc = build(Wpc::builder().clock(clock).thread_start(start));
        let starting = {
            let wpc = wpc.clone();
            std::thread::spawn(move || wpc.start_workers(2))
        };
        latch.wait_entered(1);
        let defined =
            wpc.define_function("new", |ctx: &Context| ctx.worker_id().index()).expect("a good function");
        assert_eq!((defined.installed, defined.pending.len()), (0, 0), "nobody is ready");
        latch.release();
        let started = starting.join().expect("it does not panic").expect("it starts");
        assert_eq!(started.ready.len(), 2);
        assert_eq!(wpc.wait_installed(defined.version, Duration::from_secs(30)), Ok(2));
        assert!(wpc.workers().iter().all(|worker| worker.is_in_step));
        drop(hands);
    }

    #[test]
    fn a_worker_that_is_degraded() {
        let _watchdog = Watchdog::start();
        let (clock, hands) = Clock::manual();
        let wpc = build(Wpc::builder().clock(clock));
        let latch = Latch::new();
        let held = latch.clone();
        wpc.define_function("held", move || held.hold()).expect("a good function");
        start_on(&hands, &wpc, 2);
        let call: Pending<()> =
            wpc.request("held").timeout(Duration::from_millis(5)).submit(()).expect("accepted");
        latch.wait_entered(1);
        hands.advance(Duration::from_millis(5));
        assert!(matches!(call.wait(), Err(CallError::TimedOut { started: true, .. })));
        assert!(wpc.workers().iter().any(|worker| worker.state == WorkerState::Degraded));
        let defined = wpc.define_function("new", || 5_u8).expect("a good function");
        assert_eq!((defined.installed, defined.pending.len()), (1, 1), "{defined:?}");
        latch.release();
        assert_eq!(wpc.wait_installed(defined.version, Duration::from_secs(30)), Ok(2));
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn a_worker_in_backoff() {
        let _watchdog = Watchdog::start();
        let (clock, hands) = Clock::manual();
        let is_short = Arc::new(AtomicBool::new(true));
        let short = Arc::clone(&is_short);
        let start = move |worker: WorkerId, _: Run| -> Result<ThreadLife, FunctionError> {
            let is_short = worker.index() == 0 && short.swap(false, Ordering::SeqCst);
            Ok(if is_short { ThreadLife::calls(0) } else { ThreadLife::endless() })
        };
        let wpc = build(Wpc::builder().clock(clock).thread_start(start));
        wpc.start_workers(2).expect("one is ready at least");
        hands.advance(Duration::ZERO);
        until(|| wpc.workers()[0].state == WorkerState::Backoff);
        let defined = wpc.define_function("new", || 5_u8).expect("a good function");
        assert_eq!((defined.installed, defined.pending.len()), (1, 0), "{defined:?}");
        hands.advance(Duration::from_millis(200));
        until(|| wpc.workers()[0].state == WorkerState::Ready);
        assert_eq!(wpc.wait_installed(defined.version, Duration::from_secs(30)), Ok(2));
        assert_eq!(wpc.function_info("new").expect("it is defined").installed_worker_count, 2);
    }
}
