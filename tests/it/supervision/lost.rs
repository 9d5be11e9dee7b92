//! Threads that end or do not start: their workers are started again until that happens too often.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use wpc::{
    CallError, EventName, FunctionError, Pending, RejectReason, RestartPolicy, Run, StartError, ThreadLife,
    WorkerId, WorkerState, Wpc,
};

use crate::support::{
    Latch, Watchdog, assert_ledger_is_even, build, just_under, plugin, reason, start_on, until,
};

/// The longest delay of the default policy with its jitter, before the third restart.
const DELAY_MAX: Duration = Duration::from_millis(500);

mod w12_a_thread_that_ends_or_fails_to_start_too_often_is_given_up {
    use super::*;

    #[test]
    fn a_fourth_end_within_a_minute_exhausts_the_restarts() {
        let _watchdog = Watchdog::start();
        let (clock, hands) = wpc::Clock::manual();
        let is_short = Arc::new(AtomicBool::new(true));
        let short = Arc::clone(&is_short);
        let start = move |_: WorkerId, _: Run| -> Result<ThreadLife, FunctionError> {
            Ok(if short.load(Ordering::SeqCst) { ThreadLife::calls(1) } else { ThreadLife::endless() })
        };
        let wpc = build(Wpc::builder().clock(clock).thread_start(start));
        let events = wpc.subscribe().expect("there is room");
        wpc.define_function("nothing", || ()).expect("a good function");
        start_on(&hands, &wpc, 1);
        for restart in 0..4 {
            wpc.call::<()>("nothing", ()).expect("each run serves one call");
            let lost = if restart < 3 { WorkerState::Backoff } else { WorkerState::GaveUp };
            until(|| wpc.workers()[0].state == lost);
            hands.advance(DELAY_MAX);
            until(|| {
                wpc.workers()[0].state == if restart < 3 { WorkerState::Ready } else { WorkerState::GaveUp }
            });
        }
        assert_eq!(reason(wpc.call::<()>("nothing", ())), RejectReason::NoWorkers { given_up: 1, held: 0 });
        let worker = &wpc.workers()[0];
        assert_eq!(worker.restarts, 3);
        assert!(worker.last_failure.as_deref().is_some_and(|why| why.contains("thread ended")), "{worker:?}");
        let names: Vec<_> = events.drain().iter().map(|event| event.event_name).collect();
        let count = |name| names.iter().filter(|seen| **seen == name).count();
        assert_eq!(count(EventName::WorkerRestartScheduled), 3);
        assert_eq!(count(EventName::WorkerRestartCompleted), 3);
        assert_eq!(count(EventName::WorkerRestartExhausted), 1);
        is_short.store(false, Ordering::SeqCst);
        wpc.stop_workers().expect("it stops");
        start_on(&hands, &wpc, 1);
        for _ in 0..10 {
            wpc.call::<()>("nothing", ()).expect("after a stop and a start the pool serves");
        }
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn a_fourth_start_that_fails_within_a_minute_exhausts_them_too() {
        let _watchdog = Watchdog::start();
        let (clock, hands) = wpc::Clock::manual();
        let starts = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&starts);
        let start = move |worker: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
            if worker.index() == 0 {
                return Ok(ThreadLife::endless());
            }
            counted.fetch_add(1, Ordering::SeqCst);
            Err(FunctionError::new("NoCore", format!("run {run} has no core")))
        };
        let wpc = build(Wpc::builder().clock(clock).thread_start(start));
        let events = wpc.subscribe().expect("there is room");
        let started = wpc.start_workers(2).expect("one is ready");
        hands.advance(Duration::ZERO);
        assert_eq!((started.ready.len(), started.failed.len()), (1, 1), "{started:?}");
        assert!(started.failed[0].reason.contains("run 1 has no core"), "{started:?}");
        for restart in 1..=3 {
            until(|| {
                let worker = &wpc.workers()[1];
                worker.state == WorkerState::Backoff && worker.restarts == restart - 1
            });
            hands.advance(DELAY_MAX);
            until(|| starts.load(Ordering::SeqCst) == restart + 1);
        }
        until(|| wpc.workers()[1].state == WorkerState::GaveUp);
        assert_eq!(starts.load(Ordering::SeqCst), 4);
        let names: Vec<_> = events.drain().iter().map(|event| event.event_name).collect();
        let count = |name| names.iter().filter(|seen| **seen == name).count();
        assert_eq!(count(EventName::WorkerRestartScheduled), 3);
        assert_eq!(count(EventName::WorkerRestartFailed), 3);
        assert_eq!(count(EventName::WorkerRestartExhausted), 1);
        wpc.define_function("where", |ctx: &wpc::Context| ctx.worker_id().index()).expect("a good function");
        for _ in 0..6 {
            assert_eq!(wpc.call::<usize>("where", ()).expect("the other worker serves"), 0);
        }
    }

    #[test]
    fn a_pool_of_which_no_thread_starts_says_why() {
        let _watchdog = Watchdog::start();
        let start = |_: WorkerId, _: Run| -> Result<ThreadLife, FunctionError> { panic!("no more cores") };
        let wpc = build(Wpc::builder().thread_start(start));
        match wpc.start_workers(2) {
            Err(StartError::NoneReady { failed }) => {
                assert_eq!(failed.len(), 2);
                assert!(failed[0].reason.contains("no more cores"), "{failed:?}");
            }
            other => panic!("it started: {other:?}"),
        }
        assert!(wpc.workers().is_empty());
    }

    #[test]
    fn without_restarts_the_first_loss_is_the_last() {
        let _watchdog = Watchdog::start();
        let start = |_: WorkerId, _: Run| -> Result<ThreadLife, FunctionError> { Ok(ThreadLife::calls(1)) };
        let wpc = build(Wpc::builder().thread_start(start).restart(RestartPolicy::never()));
        wpc.define_function("nothing", || ()).expect("a good function");
        wpc.start_workers(1).expect("it starts");
        wpc.call::<()>("nothing", ()).expect("one call");
        until(|| wpc.workers()[0].state == WorkerState::GaveUp);
        assert_eq!(reason(wpc.call::<()>("nothing", ())), RejectReason::NoWorkers { given_up: 1, held: 0 });
    }
}

#[test]
fn w11_the_call_in_the_hand_of_a_thread_that_ends_ends_once_and_the_twenty_behind_it_run_next_by_their_deadlines()
 {
    let _watchdog = Watchdog::start();
    let (clock, hands) = wpc::Clock::manual();
    let start = |_: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
        Ok(if run.get() == 1 { ThreadLife::calls(1).ending_inside_the_next() } else { ThreadLife::endless() })
    };
    let wpc = build(Wpc::builder().clock(clock.clone()).thread_start(start));
    let latch = Latch::new();
    let held = latch.clone();
    wpc.define_function("held", move || held.hold()).expect("a good function");
    let left = move |ctx: &wpc::Context| ctx.deadline().expect("it has one") - clock.now();
    wpc.define_function("left", left).expect("a good function");
    start_on(&hands, &wpc, 1);
    let first: Pending<()> = wpc.submit("held", ()).expect("accepted");
    latch.wait_entered(1);
    let lost: Pending<Duration> = wpc.submit("left", ()).expect("accepted");
    let limits: Vec<Duration> = (10..30).map(Duration::from_secs).collect();
    let waiting: Vec<Pending<Duration>> = limits
        .iter()
        .map(|limit| wpc.request("left").timeout(*limit).submit(()).expect("accepted"))
        .collect();
    latch.release();
    first.wait().expect("it was finished");
    let outcome = lost.wait();
    assert!(matches!(outcome, Err(CallError::WorkerLost { started: true, .. })), "{outcome:?}");
    until(|| wpc.workers()[0].state == WorkerState::Backoff);
    assert!(waiting.iter().all(|call| !call.is_done()), "they wait for the next run");
    let delay = Duration::from_millis(200); // 100 ms and the jitter, at the most
    hands.advance(delay);
    for (limit, call) in limits.iter().zip(waiting) {
        assert_eq!(call.wait().expect("the next run serves it") + delay, *limit);
    }
    assert_eq!(wpc.workers()[0].run.get(), 2);
    let calls = wpc.stats().calls;
    assert_eq!((calls.values, calls.worker_lost, calls.accepted), (21, 1, 22));
    assert_ledger_is_even(&wpc);
}

#[test]
fn w15_a_stop_and_a_start_inside_a_restart_delay_give_exactly_the_asked_number_of_workers() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = wpc::Clock::manual();
    let starts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&starts);
    let start = move |_: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(if run.get() == 1 { ThreadLife::calls(1) } else { ThreadLife::endless() })
    };
    let wpc = build(Wpc::builder().clock(clock).thread_start(start));
    wpc.define_function("nothing", || ()).expect("a good function");
    start_on(&hands, &wpc, 1);
    wpc.call::<()>("nothing", ()).expect("a value");
    until(|| wpc.workers()[0].state == WorkerState::Backoff);
    hands.advance(just_under(Duration::from_millis(100)));
    wpc.stop_workers().expect("it stops");
    assert!(wpc.workers().is_empty());
    start_on(&hands, &wpc, 3);
    assert_eq!(starts.load(Ordering::SeqCst), 4, "one before the stop and three after it");
    hands.advance(Duration::from_secs(60));
    assert_eq!(wpc.workers().len(), 3);
    until(|| wpc.workers().iter().all(|worker| worker.state == WorkerState::Ready));
    // The two new workers end after a call each, and are the only ones that are started again. Which worker runs a call
    // is not given: one that is awake may take another's.
    let is_lost = |worker: &wpc::WorkerInfo| worker.state == WorkerState::Backoff;
    until(|| {
        wpc.call::<()>("nothing", ()).expect("a value");
        wpc.workers().into_iter().filter(is_lost).count() == 2
    });
    assert_eq!(starts.load(Ordering::SeqCst), 4, "the restart that the stop cancelled never came");
    assert_ledger_is_even(&wpc);
}

#[test]
fn a_start_that_hangs_is_abandoned_and_its_successor_keeps_the_slot() {
    let _watchdog = Watchdog::start();
    let latch = Latch::new();
    let held = latch.clone();
    let start = move |worker: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
        if worker.index() == 1 && run.get() == 1 {
            held.hold();
        }
        Ok(ThreadLife::endless())
    };
    let builder = Wpc::builder().thread_start(start).start_timeout(Duration::from_millis(50));
    let wpc = build(builder);
    wpc.define_function("where", |ctx: &wpc::Context| ctx.worker_id().index()).expect("a good function");
    let started = wpc.start_workers(2).expect("one is ready");
    // The start and the run that hangs are over at the same moment: the next run may be ready already.
    assert!(started.ready.iter().any(|worker| worker.index() == 0), "{started:?}");
    until(|| wpc.workers()[1].state == WorkerState::Ready && wpc.workers()[1].run.get() == 2);
    assert_eq!(wpc.stats().abandoned_threads, 1);
    latch.release();
    until(|| wpc.stats().abandoned_threads == 0);
    let calls: Vec<Pending<usize>> = (0..10).map(|_| wpc.submit("where", ()).expect("accepted")).collect();
    for call in calls {
        call.wait().expect("both serve");
    }
    let report = wpc.stop_workers().expect("it stops");
    assert!(report.abandoned.is_empty(), "no stop had to abandon anybody: {report:?}");
}

#[test]
fn a_worker_that_is_lost_for_good_is_not_waited_for_by_a_define() {
    let _watchdog = Watchdog::start();
    let start = |worker: WorkerId, _: Run| -> Result<ThreadLife, FunctionError> {
        Ok(if worker.index() == 0 { ThreadLife::calls(0) } else { ThreadLife::endless() })
    };
    let wpc = build(Wpc::builder().thread_start(start).restart(RestartPolicy::never()));
    wpc.start_workers(2).expect("one of them is ready");
    until(|| wpc.workers()[0].state == WorkerState::GaveUp);
    let defined = wpc.define_dependency("text", plugin("text")).expect("the other one has it");
    assert_eq!((defined.installed, defined.pending.len()), (1, 0));
}
