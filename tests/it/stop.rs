//! Starting and stopping: what a stop drains, cancels, abandons and reports, and what is left when workers are lost.

mod inside;
mod lost;
mod start;

use std::thread::JoinHandle;

use wpc::{ManualClock, Pending, RejectReason, RestartPolicy, StopError, StopReport, Wpc};

use crate::support::{Latch, build, reason, start_on, until};

/// How many calls may wait at each worker here, so that a pool can be filled.
const WAITING_MAX: u32 = 3;

/// A pool on a hand-moved clock with the default times: 10 s for a stop, 1 s of it grace.
struct Stage {
    wpc: Wpc,
    hands: ManualClock,
    latch: Latch,
}

impl Stage {
    /// So many workers; `held` stays until the latch is released, and `quick` does nothing.
    fn new(workers: usize) -> Self {
        let (clock, hands) = wpc::Clock::manual();
        let wpc = build(
            Wpc::builder()
                .clock(clock)
                .restart(RestartPolicy::never())
                .max_pending_calls_per_worker(WAITING_MAX),
        );
        let latch = Latch::new();
        let held = latch.clone();
        wpc.define_function("held", move || held.hold()).expect("it is defined");
        wpc.define_function("quick", || 1_u8).expect("it is defined");
        wpc.define_function("nothing", || ()).expect("it is defined");
        start_on(&hands, &wpc, workers);
        Self { wpc, hands, latch }
    }

    fn submit(&self, name: &str) -> Pending<()> {
        self.wpc.submit(name, ()).expect("it is accepted")
    }

    /// Fills the queue of the one worker, which is inside a call.
    fn fill(&self, name: &str) -> Vec<Pending<()>> {
        let calls = (0..WAITING_MAX).map(|_| self.submit(name)).collect();
        assert_eq!(self.probe(), RejectReason::Saturated { limit: WAITING_MAX });
        calls
    }

    /// Why one call more is rejected.
    fn probe(&self) -> RejectReason {
        reason(self.wpc.submit::<()>("held", ()))
    }

    /// Has another thread stop the pool, which is full, and waits until that has begun.
    fn begin_stop(&self) -> JoinHandle<Result<StopReport, StopError>> {
        let wpc = self.wpc.clone();
        let stopping = std::thread::spawn(move || wpc.stop_workers());
        until(|| self.probe() == RejectReason::NotRunning);
        stopping
    }
}

fn joined(stopping: JoinHandle<Result<StopReport, StopError>>) -> StopReport {
    stopping.join().expect("a stop does not panic").expect("it stops")
}

/// Completed, cancelled while they waited, cancelled while they ran, and the abandoned workers.
fn figures(report: &StopReport) -> (u64, u64, u64, Vec<usize>) {
    let abandoned = report.abandoned.iter().map(|worker| worker.index()).collect();
    (report.completed, report.cancelled_queued, report.cancelled_running, abandoned)
}

mod w25_stop_drains_then_cancels_then_abandons_and_reports_exactly {
    use std::sync::Arc;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use wpc::{CallError, Context, WorkerState};

    use crate::support::{Watchdog, assert_ledger_is_even, finish, just_under, pool};

    use super::*;

    /// The first mark, after which nothing is drained any more, and the time from it to the second.
    const DRAIN: Duration = Duration::from_secs(9);
    const GRACE: Duration = Duration::from_secs(1);
    const MOMENT: Duration = Duration::from_nanos(1);

    #[track_caller]
    fn assert_cancelled<T: std::fmt::Debug>(outcome: &Result<T, CallError>, was_started: bool) {
        let is_right =
            matches!(outcome, Err(CallError::Cancelled { started, .. }) if *started == was_started);
        assert!(is_right, "{outcome:?}");
    }

    #[test]
    fn what_was_accepted_is_drained() {
        let _watchdog = Watchdog::start();
        let stage = Stage::new(1);
        let running = stage.submit("held");
        stage.latch.wait_entered(1);
        let waiting = stage.fill("held");
        let stopping = stage.begin_stop();
        stage.hands.advance(just_under(DRAIN));
        stage.latch.release();
        assert_eq!(figures(&joined(stopping)), (4, 0, 0, vec![]));
        running.wait().expect("it was drained");
        finish(waiting);
        assert!(stage.wpc.workers().is_empty());
        assert_ledger_is_even(&stage.wpc);
    }

    /// A running function that makes a call whenever it is told to, and returns when nobody can tell it any more.
    fn define_courier(stage: &Stage) -> (Sender<()>, Receiver<Result<u8, RejectReason>>) {
        let ((order, orders), (report, reports)) = (channel::<()>(), channel());
        let ends = Mutex::new((orders, report));
        let latch = stage.latch.clone();
        let courier = move |ctx: &Context| {
            let ends = ends.lock().expect("one runs at a time");
            latch.release(); // for who waits until this one runs
            for () in &ends.0 {
                let result = ctx.call::<u8>("quick", ());
                let result = if result.is_ok() { Ok(1) } else { Err(reason(result)) };
                ends.1.send(result).expect("the test waits for it");
            }
            until(|| ctx.is_cancelled());
        };
        stage.wpc.define_function("courier", courier).expect("it is defined");
        (order, reports)
    }

    #[test]
    fn until_the_first_mark_running_functions_may_call_and_then_what_waits_is_cancelled() {
        let _watchdog = Watchdog::start();
        let stage = Stage::new(1);
        let (order, reports) = define_courier(&stage);
        let running = stage.submit("courier");
        stage.latch.hold();
        let waiting = stage.fill("nothing");
        let stopping = stage.begin_stop();
        let call_inside = || {
            order.send(()).expect("it runs");
            reports.recv().expect("it runs")
        };
        assert_eq!(call_inside(), Ok(1));
        stage.hands.advance(just_under(DRAIN));
        assert_eq!(call_inside(), Ok(1), "the first mark has not come");
        assert!(waiting.iter().all(|call| !call.is_done()));
        stage.hands.advance(MOMENT);
        for call in waiting {
            assert_cancelled(&call.wait(), false);
        }
        assert_eq!(call_inside(), Err(RejectReason::NotRunning));
        assert!(!running.is_done(), "it has the grace to return");
        drop(order);
        running.wait().expect("a value");
        assert_eq!(figures(&joined(stopping)), (2 + 1, 3, 0, vec![]));
        assert_ledger_is_even(&stage.wpc);
    }

    #[test]
    fn at_the_second_mark_what_runs_is_cancelled_and_its_thread_abandoned() {
        let _watchdog = Watchdog::start();
        let stage = Stage::new(1);
        let running = stage.submit("held");
        stage.latch.wait_entered(1);
        let waiting = stage.fill("held");
        let stopping = stage.begin_stop();
        stage.hands.advance(DRAIN);
        for call in waiting {
            assert_cancelled(&call.wait(), false);
        }
        stage.hands.advance(just_under(GRACE));
        assert!(!running.is_done() && !stopping.is_finished());
        stage.hands.advance(MOMENT);
        assert_cancelled(&running.wait(), true);
        assert_eq!(figures(&joined(stopping)), (0, 3, 1, vec![0]));
        let stats = stage.wpc.stats();
        assert_eq!((stats.abandoned_threads, stats.abandoned_threads_ever), (1, 1));
        assert_ledger_is_even(&stage.wpc);
        stage.latch.release();
        until(|| stage.wpc.stats().abandoned_threads == 0);
        let stats = stage.wpc.stats();
        assert_eq!((stats.abandoned_threads_ever, stats.calls.cancelled), (1, 4));
        assert_eq!(stage.latch.entered(), 1, "what waited never ran");
    }

    #[test]
    fn each_of_several_workers_is_reported_for_what_it_did() {
        let _watchdog = Watchdog::start();
        let stage = Stage::new(2);
        let entered = crate::support::Latch::new();
        entered.release();
        let inside = entered.clone();
        let polite = move |ctx: &Context| {
            inside.hold();
            until(|| ctx.is_cancelled());
        };
        stage.wpc.define_function("polite", polite).expect("it is defined");
        let (polite, stuck) = (stage.submit("polite"), stage.submit("held"));
        entered.wait_entered(1);
        stage.latch.wait_entered(1);
        let waiting: Vec<_> = (0..2 * WAITING_MAX).map(|_| stage.submit("nothing")).collect();
        let stopping = stage.begin_stop();
        stage.hands.advance(DRAIN);
        polite.wait().expect("it returned when it was told");
        until(|| stage.wpc.workers().iter().any(|worker| worker.state == WorkerState::Stopped));
        stage.hands.advance(GRACE);
        assert_cancelled(&stuck.wait(), true);
        for call in waiting {
            assert_cancelled(&call.wait(), false);
        }
        let (completed, queued, running, abandoned) = figures(&joined(stopping));
        assert_eq!((completed, queued, running, abandoned.len()), (1, 6, 1, 1));
        stage.latch.release();
        assert_ledger_is_even(&stage.wpc);
    }

    #[test]
    fn a_call_that_is_over_by_its_deadline_or_by_its_caller_is_reported_as_that() {
        let _watchdog = Watchdog::start();
        let stage = Stage::new(1);
        let second = Duration::from_secs(1);
        let late = stage.wpc.request("held").timeout(second).submit::<()>(()).expect("it is accepted");
        stage.latch.wait_entered(1);
        let mut waiting = stage.fill("held");
        let stopping = stage.begin_stop();
        let unwanted = waiting.pop().expect("there are some");
        assert!(unwanted.cancel());
        assert_cancelled(&unwanted.wait(), false);
        stage.hands.advance(second);
        let outcome = late.wait();
        assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
        stage.latch.release();
        finish(waiting);
        assert_eq!(figures(&joined(stopping)), (3, 1, 0, vec![]), "the cancelled one had not started");
    }

    #[test]
    fn a_call_that_comes_back_from_another_pool_is_accepted_while_it_drains() {
        let _watchdog = Watchdog::start();
        let (near, far) = (Stage::new(2), Stage::new(1));
        let home = near.wpc.downgrade();
        let back = move || home.upgrade().expect("the test holds it").call::<u8>("quick", ());
        far.wpc.define_function("back", back).expect("it is defined");
        let (latch, there) = (near.latch.clone(), far.wpc.clone());
        let out = move || {
            latch.hold();
            there.call::<u8>("back", ())
        };
        near.wpc.define_function("out", out).expect("it is defined");
        let running = near.wpc.submit::<u8>("out", ()).expect("it is accepted");
        near.latch.wait_entered(1);
        let wpc = near.wpc.clone();
        let stopping = std::thread::spawn(move || wpc.stop_workers());
        // The other worker is free, so calls are accepted until the stop has begun.
        until(|| near.wpc.call::<u8>("quick", ()).is_err());
        let before = near.wpc.stats().calls.values;
        near.latch.release();
        assert_eq!(running.wait().expect("it may call its own pool on the way"), 1);
        joined(stopping);
        assert_eq!(near.wpc.stats().calls.values, before + 2);
    }

    #[test]
    fn stops_at_the_same_time_share_the_report_and_a_later_one_does_nothing() {
        let _watchdog = Watchdog::start();
        let stage = Stage::new(1);
        let running = stage.submit("held");
        stage.latch.wait_entered(1);
        let waiting = stage.fill("held");
        let first = stage.begin_stop();
        let (asking, is_released) = (AtomicUsize::new(0), AtomicBool::new(false));
        let reports: Vec<StopReport> = std::thread::scope(|scope| {
            let stop = || {
                asking.fetch_add(1, Ordering::SeqCst);
                let report = stage.wpc.stop_workers().expect("it stops");
                assert!(is_released.load(Ordering::SeqCst), "it returned before the stop was over");
                report
            };
            let others: Vec<_> = (0..8).map(|_| scope.spawn(stop)).collect();
            until(|| asking.load(Ordering::SeqCst) == 8);
            is_released.store(true, Ordering::SeqCst);
            stage.latch.release();
            others.into_iter().map(|other| other.join().expect("it stops")).collect()
        });
        let report = joined(first);
        assert_eq!(figures(&report), (4, 0, 0, vec![]));
        // A thread that was held up between saying that it asks and asking finds the stop over.
        assert!(reports.iter().all(|other| *other == report || *other == StopReport::default()));
        assert!(reports.contains(&report), "they share it");
        running.wait().expect("it was drained");
        finish(waiting);
        let stats = stage.wpc.stats();
        assert_eq!(stage.wpc.stop_workers().expect("nothing to do"), StopReport::default());
        assert_eq!(stage.wpc.stats(), stats);
    }

    #[test]
    fn calls_before_a_start_and_after_a_stop_are_rejected() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        wpc.define_function("echo", |text: String| text).expect("it is defined");
        let echo = wpc.function::<String, String>("echo").expect("these are its types");
        let assert_rejected = || {
            let text = || "mine".to_owned();
            let results = [
                wpc.call("echo", text()),
                echo.call(text()),
                wpc.submit("echo", text()).and_then(Pending::wait),
            ];
            for result in results {
                let Err(CallError::Rejected(rejected)) = result else { panic!("not rejected: {result:?}") };
                assert_eq!(*rejected.reason(), RejectReason::NotRunning);
                assert_eq!(rejected.into_arguments::<String>().expect("the caller's own"), "mine");
            }
        };
        assert_eq!(wpc.stop_workers().expect("nothing to do"), StopReport::default());
        assert_rejected();
        wpc.start_workers(2).expect("they start");
        assert_eq!(wpc.call::<String>("echo", "heard").expect("a value"), "heard");
        assert_eq!(figures(&wpc.stop_workers().expect("it stops")), (0, 0, 0, vec![]));
        assert_rejected();
        assert_eq!((wpc.stats().rejected, wpc.stats().calls.accepted), (6, 1));
    }

    #[test]
    fn in_a_race_with_callers_every_call_ends_once_and_the_report_is_theirs() {
        let _watchdog = Watchdog::start();
        let (brief, grace) = (Duration::from_millis(2), Duration::from_millis(1));
        let wpc = build(Wpc::builder().stop_timeout(brief).overrun_grace(grace));
        wpc.define_function("work", || (0..50).for_each(|_| std::thread::yield_now()))
            .expect("it is defined");
        for workers in [1, 2, 3].into_iter().cycle().take(30) {
            wpc.start_workers(workers).expect("they start");
            let (queued, running) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let callers: Vec<_> = (0..4)
                .map(|_| {
                    let (wpc, queued, running) = (wpc.clone(), Arc::clone(&queued), Arc::clone(&running));
                    std::thread::spawn(move || {
                        loop {
                            let calls: Vec<_> = (0..8).map(|_| wpc.submit::<()>("work", ())).collect();
                            let is_over = calls.iter().any(Result::is_err);
                            for call in calls.into_iter().flatten() {
                                match call.wait() {
                                    Err(CallError::Cancelled { started: true, .. }) => &running,
                                    Err(CallError::Cancelled { .. }) => &queued,
                                    Ok(()) => continue,
                                    Err(other) => panic!("{other}"),
                                }
                                .fetch_add(1, Ordering::SeqCst);
                            }
                            if is_over {
                                return;
                            }
                        }
                    })
                })
                .collect();
            until(|| wpc.stats().calls.values > 0);
            let report = wpc.stop_workers().expect("it stops");
            for caller in callers {
                caller.join().expect("it ends");
            }
            assert_ledger_is_even(&wpc);
            let seen = (queued.load(Ordering::SeqCst) as u64, running.load(Ordering::SeqCst) as u64);
            assert_eq!((report.cancelled_queued, report.cancelled_running), seen);
        }
        until(|| wpc.stats().abandoned_threads == 0);
    }
}
