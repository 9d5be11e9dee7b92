//! Deadlines that pass while the call waits: it never runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use wpc::{ManualClock, Pending, Wpc};

use super::{LIMIT, assert_timed_out, stopped_clock};
use crate::support::{Busy, Latch, Watchdog, assert_ledger_is_even, build};

/// A pool whose workers are all busy, with a function `count` that counts its runs.
fn all_busy(workers: usize) -> (Wpc, ManualClock, Busy, Arc<AtomicU32>) {
    let (wpc, hands, mut busy) = stopped_clock(Wpc::builder());
    let runs = count(&wpc);
    wpc.start_workers(workers).expect("threads can be had");
    busy.occupy(&wpc, workers);
    (wpc, hands, busy, runs)
}

fn count(wpc: &Wpc) -> Arc<AtomicU32> {
    let runs = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&runs);
    let count = move || counter.fetch_add(1, Ordering::SeqCst);
    wpc.define_function("count", count).expect("the name is right");
    runs
}

#[test]
fn a_call_that_expires_in_the_queue_is_told_at_once_and_never_runs() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, busy, runs) = all_busy(2);
    let expiring = wpc.request("count").timeout(LIMIT);
    let waited: Pending<u32> = expiring.submit(()).expect("accepted");
    let awaited: Pending<u32> = expiring.submit(()).expect("accepted");
    let detached: Pending<u32> = expiring.submit(()).expect("accepted");
    let patient: Pending<u32> = wpc.request("count").timeout(2 * LIMIT).submit(()).expect("accepted");
    detached.detach();
    hands.advance(LIMIT);
    assert_timed_out(waited.wait(), "count", false);
    assert_timed_out(pollster::block_on(awaited), "count", false);
    crate::support::until(|| wpc.stats().calls.timed_out == 3);
    assert_eq!(wpc.stats().in_flight, 3, "two busy workers and a patient call");
    busy.release();
    assert_eq!(patient.wait().expect("it had time"), 0, "the first to run");
    assert_eq!(wpc.call::<u32>("count", ()).expect("it runs"), 1, "and nobody ran in between");
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    let calls = wpc.stats().calls;
    assert_eq!((calls.timed_out, calls.values, calls.late), (3, 4, 0));
    assert_eq!(calls.handled, 4, "no worker handled what had expired");
    assert_ledger_is_even(&wpc);
}

#[test]
fn a_blocked_caller_whose_call_expires_in_the_queue_is_told_at_once() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, busy, runs) = all_busy(1);
    let in_flight = || wpc.stats().in_flight;
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| wpc.request("count").timeout(LIMIT).call::<u32>(()));
        crate::support::until(|| in_flight() == 2);
        hands.advance(LIMIT);
        assert_timed_out(caller.join().expect("it does not panic"), "count", false);
    });
    assert_eq!(in_flight(), 1);
    busy.release();
    assert_eq!(wpc.call::<u32>("count", ()).expect("it runs"), 0);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_ledger_is_even(&wpc);
}

#[test]
fn a_queued_call_expires_in_real_time_too() {
    let _watchdog = Watchdog::start();
    let wpc = build(Wpc::builder());
    let mut busy = Busy::define(&wpc);
    let runs = count(&wpc);
    wpc.start_workers(1).expect("a thread can be had");
    busy.occupy(&wpc, 1);
    let request = wpc.request("count").timeout(LIMIT);
    let pending: Pending<u32> = request.submit(()).expect("accepted");
    assert_timed_out(request.call::<u32>(()), "count", false);
    assert_timed_out(pending.wait(), "count", false);
    busy.release();
    assert_eq!(wpc.call::<u32>("count", ()).expect("it runs"), 0);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_ledger_is_even(&wpc);
}

#[test]
fn a_call_with_no_time_at_all_never_runs_even_where_a_worker_is_free() {
    let _watchdog = Watchdog::start();
    let (wpc, _hands, _busy) = stopped_clock(Wpc::builder());
    let runs = count(&wpc);
    wpc.start_workers(2).expect("threads can be had");
    let request = wpc.request("count").timeout(Duration::ZERO);
    for _ in 0..50 {
        assert_timed_out(request.call::<u32>(()), "count", false);
        let pending: Pending<u32> = request.submit(()).expect("accepted");
        assert_timed_out(pending.wait(), "count", false);
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    let calls = wpc.stats().calls;
    assert_eq!((calls.accepted, calls.timed_out, calls.handled), (100, 100, 0));
    assert_ledger_is_even(&wpc);
}

/// The worker takes the call at the very moment of its deadline, mostly before anybody else has seen it pass.
#[test]
fn a_call_that_a_worker_takes_after_its_deadline_never_runs() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, _busy) = stopped_clock(Wpc::builder());
    let runs = count(&wpc);
    let latch = Latch::new();
    let (hold, moved) = (latch.clone(), hands.clone());
    let outstay = move || {
        hold.hold();
        moved.advance(LIMIT);
    };
    wpc.define_function("outstay", outstay).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let first: Pending<()> = wpc.submit("outstay", ()).expect("accepted");
    latch.wait_entered(1);
    let expiring = wpc.request("count").timeout(LIMIT);
    let calls: Vec<Pending<u32>> = (0..200).map(|_| expiring.submit(()).expect("accepted")).collect();
    latch.release();
    first.wait().expect("it had time");
    for call in calls {
        assert_timed_out(call.wait(), "count", false);
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    assert_ledger_is_even(&wpc);
}

#[test]
fn a_call_expires_in_its_queue_in_the_order_of_deadlines_not_of_coming() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, busy, runs) = all_busy(1);
    let submit = |limit: Duration| -> Pending<u32> {
        wpc.request("count").timeout(limit).submit(()).expect("accepted")
    };
    let (late, early, middle) = (submit(3 * LIMIT), submit(LIMIT), submit(2 * LIMIT));
    hands.advance(LIMIT);
    assert_timed_out(early.wait(), "count", false);
    assert!(!middle.is_done() && !late.is_done());
    hands.advance(LIMIT);
    assert_timed_out(middle.wait(), "count", false);
    assert!(!late.is_done());
    hands.advance(LIMIT);
    assert_timed_out(late.wait(), "count", false);
    busy.release();
    wpc.stop_workers().expect("not on a worker");
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    assert_ledger_is_even(&wpc);
}

#[test]
fn expired_calls_take_no_place_from_others() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, mut busy) = stopped_clock(Wpc::builder().max_pending_calls_per_worker(1));
    count(&wpc);
    wpc.start_workers(1).expect("a thread can be had");
    busy.occupy(&wpc, 1);
    let first: Pending<u32> = wpc.request("count").timeout(LIMIT).submit(()).expect("one may wait");
    let saturated = wpc::RejectReason::Saturated { limit: 1 };
    assert_eq!(crate::support::reason(wpc.submit::<u32>("count", ())), saturated);
    hands.advance(LIMIT);
    assert_timed_out(first.wait(), "count", false);
    let second: Pending<u32> = wpc.submit("count", ()).expect("the place is free");
    busy.release();
    assert_eq!(second.wait().expect("it runs"), 0);
    assert_ledger_is_even(&wpc);
}

#[test]
fn the_arguments_of_an_expired_call_are_dropped() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, mut busy) = stopped_clock(Wpc::builder());
    wpc.define_function("take", |kept: Arc<str>| kept.len()).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    busy.occupy(&wpc, 1);
    let kept: Arc<str> = "kept".into();
    let request = wpc.request("take").timeout(LIMIT);
    let pending: Pending<usize> = request.submit(Arc::clone(&kept)).expect("accepted");
    assert_eq!(Arc::strong_count(&kept), 2);
    hands.advance(LIMIT);
    assert_timed_out(pending.wait(), "take", false);
    busy.release();
    crate::support::until(|| Arc::strong_count(&kept) == 1);
    assert_ledger_is_even(&wpc);
}
