//! Functions that never come back by themselves: told of at once, left behind after the grace, replaced while there may be
//! more of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wpc::{
    CallError, Clock, Event, EventName, ManualClock, Pending, RejectReason, Subscription, WorkerState, Wpc,
};

use crate::support::{
    Latch, Watchdog, assert_ledger_is_even, build, finish, just_under, reason, start_on, until,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn w8_a_function_that_spins_past_its_deadline_is_told_of_at_once_and_after_the_grace_a_new_run_serves() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let wpc = build(Wpc::builder().clock(clock).overrun_grace(SECOND));
    let (inside, is_over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (entered, over) = (Arc::clone(&inside), Arc::clone(&is_over));
    let spin = move || {
        entered.store(true, Ordering::SeqCst);
        while !over.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
    };
    wpc.define_function("spin", spin).expect("a good function");
    wpc.define_function("next", || 5_u8).expect("a good function");
    start_on(&hands, &wpc, 1);
    let spinning: Pending<()> = wpc.request("spin").timeout(SECOND).submit(()).expect("accepted");
    until(|| inside.load(Ordering::SeqCst));
    hands.advance(SECOND);
    let outcome = spinning.wait();
    assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
    until(|| wpc.workers()[0].state == WorkerState::Degraded);
    let next: Pending<u8> = wpc.submit("next", ()).expect("the worker may come back");
    hands.advance(just_under(SECOND));
    assert_eq!(
        (wpc.workers()[0].run.get(), wpc.stats().abandoned_threads_ever),
        (1, 0),
        "the grace is not over"
    );
    hands.advance(Duration::from_nanos(1));
    assert_eq!(next.wait().expect("the next run serves it"), 5);
    assert!(wpc.workers()[0].run.get() > 1);
    let stats = wpc.stats();
    assert_eq!((stats.abandoned_threads, stats.abandoned_threads_ever), (1, 1), "it still spins");
    is_over.store(true, Ordering::SeqCst);
    until(|| wpc.stats().abandoned_threads == 0);
    assert_eq!(
        (wpc.stats().calls.late, wpc.stats().abandoned_threads_ever),
        (0, 1),
        "what it returned is nobody's"
    );
    assert_ledger_is_even(&wpc);
}

/// Stuck functions on a hand-moved clock, whose grace is one second.
struct Stuck {
    wpc: Wpc,
    hands: ManualClock,
    events: Subscription,
    latch: Latch,
}

impl Stuck {
    fn new(workers: usize) -> Self {
        let (clock, hands) = Clock::manual();
        let wpc = build(Wpc::builder().clock(clock).overrun_grace(SECOND));
        let (events, latch) = (wpc.subscribe().expect("there is room"), Latch::new());
        let held = latch.clone();
        wpc.define_function("stuck", move || held.hold()).expect("a good function");
        wpc.define_function("next", || 5_u8).expect("a good function");
        start_on(&hands, &wpc, workers);
        Self { wpc, hands, events, latch }
    }

    /// Has `count` more threads be left behind, one after the other.
    fn leave_behind(&self, count: u64) {
        for _ in 0..count {
            let (entered, before) = (self.latch.entered(), self.wpc.stats().abandoned_threads);
            let call: Pending<()> = self.wpc.request("stuck").timeout(SECOND).submit(()).expect("accepted");
            self.latch.wait_entered(entered + 1);
            self.hands.advance(SECOND);
            let outcome = call.wait();
            assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
            self.hands.advance(SECOND);
            until(|| self.wpc.stats().abandoned_threads == before + 1);
        }
    }

    fn count(&self, state: WorkerState) -> usize {
        self.wpc.workers().iter().filter(|worker| worker.state == state).count()
    }

    /// What has been told since the last look.
    fn told(&self, name: EventName) -> Vec<Arc<Event>> {
        self.events.drain().into_iter().filter(|event| event.event_name == name).collect()
    }
}

mod w9_at_the_cap_of_abandoned_threads_a_stuck_slot_waits_until_one_returns {
    use super::*;

    #[test]
    fn and_the_healthy_workers_serve() {
        let _watchdog = Watchdog::start();
        let stage = Stuck::new(2);
        stage.leave_behind(4);
        until(|| stage.count(WorkerState::Ready) == 2);
        assert!(stage.told(EventName::WorkerRestartExhausted).is_empty(), "four may be out");
        stage.leave_behind(1);
        until(|| stage.count(WorkerState::Backoff) == 1);
        let told = stage.told(EventName::WorkerRestartExhausted);
        assert_eq!(told.len(), 1);
        assert_eq!(
            told[0].detail("reason").map(ToString::to_string).as_deref(),
            Some("too many abandoned threads")
        );
        let calls: Vec<Pending<u8>> =
            (0..100).map(|_| stage.wpc.submit("next", ()).expect("accepted")).collect();
        finish(calls);
        stage.hands.advance(Duration::from_secs(3_600));
        assert_eq!(
            (stage.count(WorkerState::Backoff), stage.count(WorkerState::Ready)),
            (1, 1),
            "no time helps"
        );
        stage.latch.release();
        until(|| stage.wpc.stats().abandoned_threads == 0 && stage.count(WorkerState::Ready) == 2);
        assert_ledger_is_even(&stage.wpc);
    }

    #[test]
    fn and_without_a_healthy_one_calls_are_rejected_at_once_and_its_recovery_is_told() {
        let _watchdog = Watchdog::start();
        let stage = Stuck::new(1);
        stage.leave_behind(5);
        until(|| stage.count(WorkerState::Backoff) == 1);
        until(|| stage.wpc.call::<u8>("next", ()).is_err());
        assert_eq!(
            reason(stage.wpc.call::<u8>("next", ())),
            RejectReason::NoWorkers { given_up: 0, held: 1 }
        );
        assert_eq!(stage.told(EventName::WorkerRestartExhausted).len(), 1);
        stage.latch.release();
        until(|| stage.wpc.stats().abandoned_threads == 0 && stage.count(WorkerState::Ready) == 1);
        assert_eq!(stage.wpc.call::<u8>("next", ()).expect("it serves again by itself"), 5);
        stage.wpc.stop_workers().expect("it stops");
        let events = stage.events.drain();
        let of = |name| events.iter().filter(move |event| event.event_name == name);
        assert_eq!(of(EventName::WorkerAbandonedThreadReturned).count(), 5);
        let recovered = of(EventName::WorkerHealthStateChanged)
            .filter(|event| event.detail("from").map(ToString::to_string).as_deref() == Some("backoff"));
        assert_eq!(recovered.count(), 1, "and one for the slot that serves again");
        assert_ledger_is_even(&stage.wpc);
    }
}
