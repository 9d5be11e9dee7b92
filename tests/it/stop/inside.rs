//! Stops that functions ask for, and the last handle, wherever it goes.

use std::sync::Arc;

use wpc::{CallError, Context, Pending, RejectReason};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, pool, reason, until};

#[test]
fn a_stop_of_another_pool_inside_a_function_is_carried_out() {
    let _watchdog = Watchdog::start();
    let (near, far) = (pool(), pool());
    let there = far.clone();
    near.define_function("stop", move || there.stop_workers().is_ok()).expect("it is defined");
    near.start_workers(1).expect("it starts");
    far.start_workers(2).expect("they start");
    assert!(near.call::<bool>("stop", ()).expect("a value"));
    assert!(far.workers().is_empty() && near.workers().len() == 1);
}

#[test]
fn a_stop_that_is_requested_inside_a_function_drains_that_function() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let weak = wpc.downgrade();
    let stop = move || {
        let wpc = weak.upgrade().expect("the test holds it");
        wpc.request_stop().expect("it is under way");
        // Calls of other threads are refused from then on, and those of this function are not.
        std::thread::scope(|scope| {
            let refused = || until(|| wpc.call::<u8>("quick", ()).is_err());
            scope.spawn(refused).join().expect("it is refused in the end");
        });
        wpc.call::<u8>("quick", ()).expect("a call inside")
    };
    wpc.define_function("stop", stop).expect("it is defined");
    wpc.define_function("quick", || 1_u8).expect("it is defined");
    wpc.start_workers(2).expect("they start");
    assert_eq!(wpc.call::<u8>("stop", ()).expect("it is drained"), 1);
    until(|| wpc.workers().is_empty());
    assert_eq!(reason(wpc.call::<u8>("quick", ())), RejectReason::NotRunning);
    assert_ledger_is_even(&wpc);
    until(|| wpc.start_workers(1).is_ok());
    assert_eq!(wpc.call::<u8>("quick", ()).expect("it runs again"), 1);
}

#[test]
fn the_drop_of_the_last_handle_cancels_what_waits_and_gives_what_runs_the_grace() {
    let _watchdog = Watchdog::start();
    let (wpc, entered) = (pool(), Latch::new());
    entered.release();
    let (inside, token) = (entered.clone(), Arc::new(()));
    let kept = Arc::clone(&token);
    let polite = move |ctx: &Context| {
        inside.hold();
        until(|| ctx.is_cancelled());
        Arc::strong_count(&kept)
    };
    wpc.define_function("polite", polite).expect("it is defined");
    wpc.start_workers(1).expect("it starts");
    let weak = wpc.downgrade();
    let running: Pending<usize> = wpc.submit("polite", ()).expect("it is accepted");
    entered.wait_entered(1);
    let waiting: Pending<usize> = wpc.submit("polite", ()).expect("it is accepted");
    let other = wpc.clone();
    drop(wpc);
    assert!(weak.upgrade().is_some() && !running.is_done() && !waiting.is_done(), "another handle is left");
    drop(other);
    assert!(weak.upgrade().is_none());
    assert!(running.is_done() && waiting.is_done(), "the drop waited for both");
    let outcome = waiting.wait();
    assert!(matches!(outcome, Err(CallError::Cancelled { started: false, .. })), "{outcome:?}");
    assert_eq!(running.wait().expect("it returned when it was told"), 2);
    until(|| Arc::strong_count(&token) == 1); // the registry went with the pool
}
