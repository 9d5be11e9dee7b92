//! Calls as their callers hold them: pending calls, calls inside of calls, and panics.

mod circles;
mod nested;
mod panics;

mod w32_a_pending_call_has_one_outcome_however_it_is_waited_for {
    use std::future::{Future, poll_fn};
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc::{Sender, channel};
    use std::task::{Context as TaskContext, Poll, Wake, Waker};
    use std::time::Duration;

    use wpc::{CallError, Clock, Context, Pending, WeakWpc, Wpc};

    use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, pool, start_on, until};

    /// One worker whose function `double` stays until the latch is released.
    fn held() -> (Wpc, Latch) {
        let (wpc, latch) = (pool(), Latch::new());
        define_held(&wpc, &latch);
        wpc.start_workers(1).expect("it starts");
        (wpc, latch)
    }

    fn define_held(wpc: &Wpc, latch: &Latch) {
        let latch = latch.clone();
        let double = move |n: u64| {
            latch.hold();
            2 * n
        };
        wpc.define_function("double", double).expect("it is defined");
    }

    fn submit(wpc: &Wpc, n: u64) -> Pending<u64> {
        wpc.submit("double", n).expect("it is accepted")
    }

    /// Polls the call once while it is held, and lets it go only then.
    async fn awaited_while_held(mut pending: Pending<u64>, latch: &Latch) -> Result<u64, CallError> {
        poll_fn(|task| {
            assert!(Pin::new(&mut pending).poll(task).is_pending(), "the latch holds it");
            Poll::Ready(())
        })
        .await;
        latch.release();
        pending.await
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn poll(pending: &mut Pending<u64>, woken: &Arc<Woken>) -> Poll<Result<u64, CallError>> {
        let waker = Waker::from(Arc::clone(woken));
        Pin::new(pending).poll(&mut TaskContext::from_waker(&waker))
    }

    #[test]
    fn awaited_under_pollster_it_has_its_value() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = held();
        let value = pollster::block_on(awaited_while_held(submit(&wpc, 21), &latch));
        assert_eq!(value.expect("a value"), 42);
        assert_eq!(wpc.stats().calls.values, 1);
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn awaited_under_tokio_it_has_its_value() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = held();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let value = runtime.block_on(awaited_while_held(submit(&wpc, 21), &latch));
        assert_eq!(value.expect("a value"), 42);
        assert_eq!(wpc.stats().calls.values, 1);
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn polled_by_two_tasks_it_wakes_the_last_one_once() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = held();
        let mut pending = submit(&wpc, 4);
        let (first, last) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        assert!(poll(&mut pending, &first).is_pending());
        assert!(poll(&mut pending, &last).is_pending());
        assert_eq!(Arc::strong_count(&first), 1, "the first waker has been let go of");
        latch.release();
        until(|| last.0.load(Ordering::SeqCst) == 1);
        assert!(matches!(poll(&mut pending, &last), Poll::Ready(Ok(8))));
        assert_eq!((first.0.load(Ordering::SeqCst), last.0.load(Ordering::SeqCst)), (0, 1));
    }

    #[test]
    fn awaited_past_its_deadline_it_is_timed_out_without_a_timer_of_the_runtime() {
        let _watchdog = Watchdog::start();
        let (clock, hands) = Clock::manual();
        let (wpc, latch) = (build(Wpc::builder().clock(clock)), Latch::new());
        define_held(&wpc, &latch);
        wpc.start_workers(1).expect("it starts");
        let running = submit(&wpc, 1);
        latch.wait_entered(1);
        let mut waiting = submit(&wpc, 2);
        let woken = Arc::new(Woken::default());
        assert!(poll(&mut waiting, &woken).is_pending());
        hands.advance(Duration::from_secs(30) - Duration::from_nanos(1));
        assert!(poll(&mut waiting, &woken).is_pending(), "its deadline has not come");
        hands.advance(Duration::from_nanos(1));
        until(|| woken.0.load(Ordering::SeqCst) == 1);
        let outcome = pollster::block_on(waiting);
        assert!(matches!(outcome, Err(CallError::TimedOut { started: false, .. })), "{outcome:?}");
        let outcome = pollster::block_on(running);
        assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
        latch.release();
    }

    /// Asks the pool for another call when it is woken.
    struct Asks(WeakWpc, Sender<Pending<u64>>);

    impl Wake for Asks {
        fn wake(self: Arc<Self>) {
            let wpc = self.0.upgrade().expect("the test holds it");
            // By its priority it goes where the one that has ended waits.
            let more = wpc.request("double").priority(1).submit(3_u64).expect("it is accepted");
            self.1.send(more).expect("the test waits for it");
        }
    }

    #[test]
    fn a_waker_may_ask_the_pool_for_more_when_the_deadline_of_a_waiting_call_has_come() {
        let _watchdog = Watchdog::start();
        let (clock, hands) = Clock::manual();
        let (wpc, latch) = (build(Wpc::builder().clock(clock)), Latch::new());
        define_held(&wpc, &latch);
        wpc.start_workers(1).expect("it starts");
        let running: Pending<u64> = wpc.request("double").no_timeout().submit(1_u64).expect("it is accepted");
        latch.wait_entered(1);
        let mut waiting = submit(&wpc, 2);
        let (asked, asking) = channel();
        let waker = Waker::from(Arc::new(Asks(wpc.downgrade(), asked)));
        assert!(Pin::new(&mut waiting).poll(&mut TaskContext::from_waker(&waker)).is_pending());
        hands.advance(Duration::from_secs(30));
        let more = asking.recv_timeout(Duration::from_secs(30)).expect("the waker came to its end");
        latch.release();
        assert_eq!(running.wait().expect("a value"), 2);
        assert_eq!(more.wait().expect("a value"), 6);
    }

    #[test]
    fn dropped_after_a_poll_it_still_runs() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = held();
        let mut pending = submit(&wpc, 1);
        let woken = Arc::new(Woken::default());
        assert!(poll(&mut pending, &woken).is_pending());
        drop(pending);
        submit(&wpc, 2).detach(); // it waits behind the first one
        latch.release();
        until(|| wpc.stats().calls.values == 2);
        assert_eq!((latch.entered(), wpc.stats().calls.cancelled), (2, 0));
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn waited_for_no_longer_than_a_limit_it_goes_on() {
        let _watchdog = Watchdog::start();
        let (clock, hands) = Clock::manual();
        let (wpc, latch) = (build(Wpc::builder().clock(clock)), Latch::new());
        define_held(&wpc, &latch);
        start_on(&hands, &wpc, 1);
        let pending: Pending<u64> = wpc.request("double").no_timeout().submit(5_u64).expect("it is accepted");
        let pending = pending.wait_timeout(Duration::ZERO).expect_err("no time at all");
        let waiter = std::thread::spawn(move || pending.wait_timeout(Duration::from_secs(5)));
        until(|| hands.waiting() == 1);
        hands.advance(Duration::from_secs(5) - Duration::from_nanos(1));
        until(|| hands.waiting() == 1);
        assert!(!waiter.is_finished(), "the limit is not over");
        hands.advance(Duration::from_nanos(1));
        let pending = waiter.join().expect("the waiter ends").expect_err("the latch still holds it");
        assert!(!pending.is_done());
        latch.release();
        let outcome = pending.wait_timeout(Duration::MAX).expect("no limit at all");
        assert_eq!(outcome.expect("a value"), 10);
        assert_eq!(wpc.stats().calls.values, 1);
    }

    #[test]
    fn cancelled_while_it_waits_it_never_runs() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = held();
        let first = submit(&wpc, 1);
        latch.wait_entered(1);
        let second = submit(&wpc, 2);
        assert!(second.cancel(), "this ended it");
        assert!(second.is_done() && !second.cancel(), "it ends once");
        let outcome = second.wait();
        assert!(matches!(outcome, Err(CallError::Cancelled { started: false, .. })), "{outcome:?}");
        latch.release();
        assert_eq!(first.wait().expect("a value"), 2);
        assert_eq!(submit(&wpc, 3).wait().expect("a value"), 6);
        assert_eq!(latch.entered(), 2, "the cancelled one never ran");
        assert_eq!(wpc.stats().calls.cancelled, 1);
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn cancelled_while_it_runs_it_ends_at_once_and_the_function_is_told() {
        let _watchdog = Watchdog::start();
        let (wpc, latch, told) = (pool(), Latch::new(), Arc::new(AtomicBool::new(false)));
        let (held, tell) = (latch.clone(), Arc::clone(&told));
        let function = move |ctx: &Context| {
            assert!(!ctx.is_cancelled() && ctx.check().is_ok());
            held.hold();
            tell.store(ctx.is_cancelled() && ctx.check().is_err(), Ordering::SeqCst);
        };
        wpc.define_function("held", function).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        let pending: Pending<()> = wpc.submit("held", ()).expect("it is accepted");
        latch.wait_entered(1);
        assert!(pending.cancel());
        let outcome = pending.wait(); // the latch still holds the function
        assert!(matches!(outcome, Err(CallError::Cancelled { started: true, .. })), "{outcome:?}");
        assert!(!told.load(Ordering::SeqCst));
        assert_ledger_is_even(&wpc);
        latch.release();
        until(|| wpc.stats().calls.late == 1);
        assert!(told.load(Ordering::SeqCst), "its context said so");
        assert_eq!(wpc.stats().calls.cancelled, 1);
    }

    #[test]
    fn cancelled_after_its_end_it_keeps_its_value() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = held();
        latch.release();
        let pending = submit(&wpc, 8);
        until(|| pending.is_done());
        assert!(!pending.cancel());
        assert_eq!(pending.wait().expect("a value"), 16);
    }

    #[test]
    fn its_identity_is_the_one_that_the_function_sees() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        wpc.define_function("identity", |ctx: &Context| ctx.call_id().get()).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        let calls: Vec<Pending<u64>> =
            (0..3).map(|_| wpc.submit("identity", ()).expect("it is accepted")).collect();
        for pending in calls {
            let expected = pending.call_id().get();
            assert_eq!(pending.wait().expect("a value"), expected);
        }
    }

    #[test]
    fn it_may_outlive_its_pool() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = held();
        let (running, waiting) = (submit(&wpc, 1), submit(&wpc, 2));
        latch.wait_entered(1);
        let stopping = std::thread::spawn(move || drop(wpc));
        let outcome = waiting.wait();
        assert!(matches!(outcome, Err(CallError::Cancelled { started: false, .. })), "{outcome:?}");
        latch.release();
        stopping.join().expect("the drop ends");
        assert_eq!(running.wait().expect("it returned within the grace"), 2);
    }
}
