//! Lost workers under a restart policy: the slot and what waits in it outlive the run.

mod delays;
mod lost;
mod reach;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wpc::{CallError, Event, EventName, Pending, RejectReason, RestartPolicy, WorkerState, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, reason, until};

#[test]
fn an_abandoned_run_is_replaced_and_the_next_one_serves_what_waits() {
    let _watchdog = Watchdog::start();
    let builder = Wpc::builder().overrun_grace(Duration::from_millis(20));
    let wpc = build(builder.restart(RestartPolicy::on_failure()));
    let latch = Latch::new();
    let held = latch.clone();
    wpc.define_function("stuck", move || held.hold()).expect("a good function");
    wpc.define_function("next", || 5_u8).expect("a good function");
    wpc.start_workers(1).expect("it starts");
    let stuck: Pending<()> =
        wpc.request("stuck").timeout(Duration::from_millis(10)).submit(()).expect("accepted");
    latch.wait_entered(1);
    let next: Pending<u8> = wpc.submit("next", ()).expect("accepted");
    assert!(matches!(stuck.wait(), Err(CallError::TimedOut { started: true, .. })));
    assert_eq!(next.wait().expect("the next run serves it"), 5);
    assert_eq!(wpc.stats().abandoned_threads, 1);
    let worker = &wpc.workers()[0];
    assert!(worker.run.get() > 1, "{worker:?}");
    latch.release();
    until(|| wpc.stats().abandoned_threads == 0);
    // The abandoned run has ended without a trace in the slot.
    until(|| wpc.workers()[0].state == WorkerState::Ready);
    let report = wpc.stop_workers().expect("it stops");
    assert!(report.abandoned.is_empty(), "{report:?}");
    assert_ledger_is_even(&wpc);
}

#[test]
fn beyond_the_cap_an_abandoned_run_is_replaced_only_once_a_thread_has_returned() {
    let _watchdog = Watchdog::start();
    let wpc = build(Wpc::builder().overrun_grace(Duration::from_millis(5)));
    let events = wpc.subscribe().expect("there is room");
    let (latch, entered) = (Latch::new(), Arc::new(AtomicUsize::new(0)));
    let (held, count) = (latch.clone(), Arc::clone(&entered));
    let stuck = move || {
        count.fetch_add(1, Ordering::Relaxed);
        held.hold();
    };
    wpc.define_function("stuck", stuck).expect("a good function");
    wpc.define_function("next", || 5_u8).expect("a good function");
    wpc.start_workers(1).expect("it starts");
    // One worker: four abandoned threads are replaced, the fifth is not.
    while entered.load(Ordering::Relaxed) < 5 {
        let outcome = wpc.request("stuck").timeout(Duration::from_millis(5)).call::<()>(());
        assert!(matches!(outcome, Err(CallError::TimedOut { .. })), "{outcome:?}");
        let before = entered.load(Ordering::Relaxed);
        until(|| wpc.stats().abandoned_threads == before as u64);
    }
    until(|| wpc.workers()[0].state == WorkerState::Backoff);
    until(|| matches!(wpc.call::<u8>("next", ()), Err(CallError::Rejected(_))));
    assert_eq!(reason(wpc.call::<u8>("next", ())), RejectReason::NoWorkers);
    assert_eq!(entered.load(Ordering::Relaxed), 5);
    let is_exhausted = |event: &Arc<Event>| event.event_name == EventName::WorkerRestartExhausted;
    assert_eq!(events.drain().iter().filter(|event| is_exhausted(event)).count(), 1);
    latch.release();
    until(|| wpc.stats().abandoned_threads == 0);
    until(|| wpc.workers()[0].state == WorkerState::Ready);
    assert_eq!(wpc.call::<u8>("next", ()).expect("it serves again by itself"), 5);
    assert_eq!(wpc.stats().abandoned_threads_ever, 5);
    let returned = |event: &Arc<Event>| event.event_name == EventName::WorkerAbandonedThreadReturned;
    let told = AtomicUsize::new(0);
    until(|| {
        let now = events.drain().iter().filter(|event| returned(event)).count();
        told.fetch_add(now, Ordering::Relaxed) + now == 5
    });
    assert_ledger_is_even(&wpc);
}
