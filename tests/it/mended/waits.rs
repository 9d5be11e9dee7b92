//! Calls that wait for calls: what was refused and would have been served, what was run and should not have been.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use wpc::{
    CallError, Clock, FunctionError, Pending, RejectReason, Run, ThreadLife, WorkerId, WorkerState, Wpc,
};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, pool, reason, start_on, until};

use super::SECOND;

fn is_would_deadlock<T>(outcome: &Result<T, CallError>) -> bool {
    let Err(CallError::Rejected(rejected)) = outcome else { return false };
    matches!(rejected.reason(), RejectReason::WouldDeadlock { .. })
}

/// Runs `name` with `argument` on a worker of a pool of its own, as a call that one function of `from` makes to `to`.
fn relay(from: &Wpc, to: &Wpc, name: &'static str) {
    let there = to.downgrade();
    let relay = move |n: u64| there.upgrade().expect("the test holds it").call::<u64>(name, n);
    from.define_function(name, relay).expect("it is defined");
}

#[test]
fn a_call_is_served_whose_chain_goes_through_one_that_nobody_waits_for() {
    let _watchdog = Watchdog::start();
    let (near, far, third) = (pool(), pool(), pool());
    let (latch, asked) = (Latch::new(), Latch::new());
    near.define_function("end", || 5_u64).expect("it is defined");
    let (beside, held) = (third.downgrade(), latch.clone());
    let detach = move |n: u64| -> Result<u64, CallError> {
        beside.upgrade().expect("the test holds it").submit::<u64>("later", ())?.detach();
        held.hold();
        Ok(n)
    };
    far.define_function("detach", detach).expect("it is defined");
    relay(&near, &far, "detach");
    let (home, told, asks) = (near.downgrade(), Arc::new(Mutex::new(None)), asked.clone());
    let tell = Arc::clone(&told);
    asked.release();
    let later = move || {
        asks.hold();
        let outcome = home.upgrade().expect("the test holds it").call::<u64>("end", ());
        *tell.lock().expect("nobody panics under it") = Some(outcome.map_err(|error| error.to_string()));
    };
    third.define_function("later", later).expect("it is defined");
    for wpc in [&near, &far, &third] {
        wpc.start_workers(1).expect("it starts");
    }
    let outer: Pending<u64> = near.submit("detach", 1_u64).expect("accepted");
    latch.wait_entered(1);
    asked.wait_entered(1);
    until(|| near.stats().calls.accepted == 2 || told.lock().expect("nobody panics under it").is_some());
    latch.release();
    assert_eq!(outer.wait().expect("a value"), 1);
    until(|| told.lock().expect("nobody panics under it").is_some());
    assert_eq!(*told.lock().expect("nobody panics under it"), Some(Ok(5)));
}

#[test]
fn a_function_that_submits_its_successor_does_so_for_ever() {
    let _watchdog = Watchdog::start();
    let (here, there, ran) = (pool(), pool(), Arc::new(AtomicU64::new(0)));
    for (own, other) in [(&here, &here), (&here, &there), (&there, &here)] {
        let (next, count) = (other.downgrade(), Arc::clone(&ran));
        let tick = move |left: u64| -> Result<(), CallError> {
            count.fetch_add(1, Ordering::SeqCst);
            if left > 0 {
                next.upgrade().expect("the test holds it").submit::<()>("tick", left - 1)?.detach();
            }
            Ok(())
        };
        own.define_function("tick", tick).expect("it is defined");
        if !own.workers().is_empty() {
            continue;
        }
        own.start_workers(1).expect("it starts");
    }
    here.call::<()>("tick", 100_u64).expect("a value");
    until(|| ran.load(Ordering::SeqCst) == 101);
    until(|| here.stats().in_flight + there.stats().in_flight == 0);
    assert_eq!(here.stats().calls.failed + there.stats().calls.failed, 0);
}

#[test]
fn a_bystander_is_served_while_others_are_refused() {
    let _watchdog = Watchdog::start();
    let (near, far, third) = (pool(), pool(), pool());
    relay(&near, &far, "round");
    let home = near.downgrade();
    let refused = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&refused);
    let round = move |n: u64| {
        let back = home.upgrade().expect("the test holds it").call::<u64>("round", n);
        assert!(is_would_deadlock(&back), "{back:?}");
        count.fetch_add(1, Ordering::SeqCst);
        n
    };
    far.define_function("round", round).expect("it is defined");
    far.define_function("fine", |n: u64| n).expect("it is defined");
    relay(&third, &far, "fine");
    for wpc in [&near, &far, &third] {
        wpc.start_workers(1).expect("it starts");
    }
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                near.call::<u64>("round", 1_u64).expect("a value");
            }
        });
        let mut calls = 0;
        while calls < 2_000 || refused.load(Ordering::SeqCst) < 100 {
            calls += 1;
            let outcome = third.call::<u64>("fine", calls);
            if !matches!(outcome, Ok(value) if value == calls) {
                is_over.store(true, Ordering::SeqCst);
                panic!("call {calls}: {outcome:?}");
            }
        }
        is_over.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_call_waits_behind_one_that_waits_for_a_function_that_goes_on() {
    let _watchdog = Watchdog::start();
    let (near, far, third) = (pool(), pool(), pool());
    let latch = Latch::new();
    let inside = latch.clone();
    let held = move |n: u64| {
        inside.hold();
        n
    };
    near.define_function("held", held).expect("it is defined");
    relay(&far, &near, "held");
    far.define_function("fine", |n: u64| n).expect("it is defined");
    relay(&third, &far, "fine");
    for wpc in [&near, &far, &third] {
        wpc.start_workers(1).expect("it starts");
    }
    let first: Pending<u64> = far.submit("held", 1_u64).expect("accepted");
    latch.wait_entered(1);
    let behind: Pending<u64> = third.submit("fine", 2_u64).expect("accepted");
    until(|| far.stats().calls.accepted == 2 || behind.is_done());
    latch.release();
    assert_eq!((first.wait().expect("a value"), behind.wait().expect("it only had to wait")), (1, 2));
}

#[test]
fn a_circle_is_found_beside_a_worker_that_is_lost_for_good() {
    let _watchdog = Watchdog::start();
    let start = |worker: WorkerId, _: Run| -> Result<ThreadLife, FunctionError> {
        Ok(if worker.index() == 0 { ThreadLife::calls(0) } else { ThreadLife::endless() })
    };
    let near = build(Wpc::builder().thread_start(start).restart(wpc::RestartPolicy::never()));
    let far = pool();
    relay(&near, &far, "round");
    relay(&far, &near, "round");
    near.define_function("end", || 1_u8).expect("it is defined");
    near.start_workers(2).expect("one of them is ready");
    far.start_workers(1).expect("it starts");
    until(|| near.workers()[0].state == WorkerState::GaveUp);
    let error = near.call::<u64>("round", 1_u64).expect_err("it comes back to the one worker that is left");
    let CallError::Failed(error) = error else { panic!("{error}") };
    let inner = error.downcast_ref::<CallError>().expect("far's own");
    let CallError::Failed(inner) = inner else { panic!("{inner}") };
    let inner = inner.downcast_ref::<CallError>().expect("the refusal");
    assert!(
        matches!(inner, CallError::Rejected(no) if matches!(no.reason(), RejectReason::WouldDeadlock { .. }))
    );
    assert_ledger_is_even(&near);
}

#[test]
fn what_an_abandoned_run_waits_for_keeps_nobody_from_its_successor() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let near = build(Wpc::builder().clock(clock).overrun_grace(SECOND));
    let (far, latch) = (pool(), Latch::new());
    let (held, home) = (latch.clone(), near.downgrade());
    // The call that the abandoned run waits for goes on, and calls back to where that run was.
    let back = move |n: u64| -> Result<u64, CallError> {
        held.hold();
        home.upgrade().expect("the test holds it").call("end", n)
    };
    far.define_function("back", back).expect("it is defined");
    far.define_function("fine", |n: u64| n).expect("it is defined");
    let there = far.downgrade();
    let out = move |n: u64| -> Result<u64, FunctionError> {
        let far = there.upgrade().expect("the test holds it");
        Ok(far.submit::<u64>("back", n)?.wait()?)
    };
    near.define_function("out", out).expect("it is defined");
    near.define_function("end", |n: u64| n + 1).expect("it is defined");
    start_on(&hands, &near, 1);
    far.start_workers(1).expect("it starts");
    let (tell, told) = std::sync::mpsc::channel();
    let call: Pending<u64> = near.request("out").timeout(SECOND).submit(1_u64).expect("accepted");
    latch.wait_entered(1);
    hands.advance(SECOND);
    assert!(matches!(call.wait(), Err(CallError::TimedOut { started: true, .. })));
    hands.advance(SECOND);
    until(|| near.stats().abandoned_threads == 1 && near.workers()[0].state == WorkerState::Ready);
    let home = near.downgrade();
    let third = pool();
    let ask = move |n: u64| {
        let outcome = home.upgrade().expect("the test holds it").call::<u64>("end", n);
        tell.send(outcome.is_ok()).expect("the test waits");
    };
    third.define_function("ask", ask).expect("it is defined");
    third.start_workers(1).expect("it starts");
    third.call::<()>("ask", 1_u64).expect("a value");
    assert_eq!(told.recv(), Ok(true), "the next run serves it");
    latch.release();
    until(|| near.stats().abandoned_threads == 0);
    until(|| near.stats().calls.values == 2);
}

#[test]
fn a_ring_of_functions_that_wait_for_each_others_pending_calls_is_seen_whole() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let far = build(Wpc::builder().clock(clock));
    let near = pool();
    let given: [Arc<Mutex<Option<Pending<u64>>>>; 2] = Default::default();
    let meet = Arc::new(Barrier::new(3));
    for (name, other) in [("a", 1), ("b", 0)] {
        let (theirs, meet) = (Arc::clone(&given[other]), Arc::clone(&meet));
        let wait = move || {
            meet.wait();
            meet.wait();
            let pending = theirs.lock().expect("nobody panics under it").take().expect("it is there");
            pending.wait().is_ok()
        };
        far.define_function(name, move || u64::from(wait())).expect("it is defined");
    }
    far.define_function("fine", |n: u64| n).expect("it is defined");
    relay(&near, &far, "fine");
    start_on(&hands, &far, 2);
    near.start_workers(1).expect("it starts");
    for (name, at) in [("a", 0), ("b", 1)] {
        let call = far.request(name).timeout(SECOND).submit(()).expect("accepted");
        *given[at].lock().expect("nobody panics under it") = Some(call);
    }
    meet.wait();
    meet.wait();
    // Both are about to wait, and say so in a moment: what is called before that waits for them, in vain.
    until(|| {
        let outcome = near.request("fine").timeout(Duration::from_millis(20)).call::<u64>(1_u64);
        let Err(CallError::Failed(error)) = outcome else { return false };
        error.downcast_ref::<CallError>().is_some_and(|inner| match inner {
            CallError::Rejected(no) => matches!(no.reason(), RejectReason::WouldDeadlock { .. }),
            _ => false,
        })
    });
    hands.advance(SECOND);
    until(|| far.stats().in_flight == 0);
}

#[test]
fn an_abandoned_function_calls_no_other_pool_either() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let near = build(Wpc::builder().clock(clock).overrun_grace(SECOND));
    let (far, latch) = (pool(), Latch::new());
    far.define_function("effect", || 1_u64).expect("it is defined");
    far.start_workers(1).expect("it starts");
    let (held, there) = (latch.clone(), far.downgrade());
    let (tell, told) = std::sync::mpsc::channel();
    let stuck = move || {
        held.hold();
        let far = there.upgrade().expect("the test holds it");
        let called = reason(far.call::<u64>("effect", ()));
        let submitted = reason(far.submit::<u64>("effect", ()).map(|_| ()));
        tell.send([called, submitted]).expect("the test waits");
    };
    near.define_function("stuck", stuck).expect("it is defined");
    start_on(&hands, &near, 1);
    let call: Pending<()> = near.request("stuck").timeout(SECOND).submit(()).expect("accepted");
    latch.wait_entered(1);
    hands.advance(SECOND);
    assert!(matches!(call.wait(), Err(CallError::TimedOut { .. })));
    hands.advance(SECOND);
    until(|| near.stats().abandoned_threads == 1);
    latch.release();
    assert_eq!(told.recv(), Ok([RejectReason::Abandoned, RejectReason::Abandoned]));
    assert_eq!((far.stats().rejected, far.stats().calls.accepted), (2, 0));
}

#[test]
fn a_call_that_has_expired_is_not_run_by_who_waits_for_it() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let wpc = build(Wpc::builder().clock(clock));
    let (ran, weak) = (Arc::new(AtomicBool::new(false)), wpc.downgrade());
    let note = Arc::clone(&ran);
    wpc.define_function("inner", move || note.store(true, Ordering::SeqCst)).expect("it is defined");
    let passing = hands.clone();
    let outer = move || {
        let wpc = weak.upgrade().expect("the test holds it");
        let limit = Duration::from_millis(1);
        let call: Pending<()> = wpc.request("inner").timeout(limit).submit(()).expect("accepted");
        passing.advance(limit);
        matches!(call.wait(), Err(CallError::TimedOut { started: false, .. }))
    };
    wpc.define_function("outer", outer).expect("it is defined");
    start_on(&hands, &wpc, 1);
    assert!(wpc.call::<bool>("outer", ()).expect("a value"));
    assert!(!ran.load(Ordering::SeqCst));
    assert_ledger_is_even(&wpc);
}
