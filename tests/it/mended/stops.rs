//! Stops: calls inside calls that a stop abandons or asks to return, and what its report counts.

use wpc::{CallError, Context, Pending};

use crate::support::{Watchdog, finish, until};

use super::{DRAIN, GRACE, Stage, abandoned, joined};

/// Defines `outer`, which submits `name` and waits for it: on the one worker that runs it there and then.
fn define_waiting(stage: &Stage, name: &'static str) {
    let weak = stage.wpc.downgrade();
    let outer = move || {
        let wpc = weak.upgrade().expect("the test holds it");
        let pending: Pending<()> = wpc.submit(name, ()).expect("it is accepted");
        drop(pending.wait());
    };
    stage.wpc.define_function("outer", outer).expect("it is defined");
}

/// Stops the pool while `outer` is inside `held`, and lets that return afterwards.
fn assert_evens_out_after_a_stop(stage: &Stage) {
    let running = stage.submit("outer");
    stage.latch.wait_entered(1);
    let stopping = stage.begin_stop();
    stage.hands.advance(DRAIN + GRACE);
    assert_eq!(abandoned(&joined(stopping)), [0]);
    let outcome = running.wait();
    assert!(matches!(outcome, Err(CallError::Cancelled { started: true, .. })), "{outcome:?}");
    stage.latch.release();
    stage.assert_settles();
}

#[test]
fn a_call_inside_a_function_that_a_stop_abandons_is_counted_when_it_returns() {
    let _watchdog = Watchdog::start();
    let stage = Stage::started(1);
    let outer = |ctx: &Context| drop(ctx.call::<()>("held", ()));
    stage.wpc.define_function("outer", outer).expect("it is defined");
    assert_evens_out_after_a_stop(&stage);
}

#[test]
fn a_call_that_is_waited_for_inside_a_function_that_a_stop_abandons_is_counted_when_it_returns() {
    let _watchdog = Watchdog::start();
    let stage = Stage::started(1);
    define_waiting(&stage, "held");
    assert_evens_out_after_a_stop(&stage);
}

#[test]
fn a_call_that_is_waited_for_inside_a_function_sees_that_a_stop_wants_the_worker_back() {
    let _watchdog = Watchdog::start();
    let stage = Stage::started(1);
    let entered = stage.latch.clone();
    entered.release();
    let polite = move |ctx: &Context| {
        entered.hold();
        until(|| ctx.is_cancelled());
    };
    stage.wpc.define_function("polite", polite).expect("it is defined");
    define_waiting(&stage, "polite");
    let running = stage.submit("outer");
    stage.latch.wait_entered(1);
    let stopping = stage.begin_stop();
    stage.hands.advance(DRAIN);
    assert_eq!(abandoned(&joined(stopping)), [0; 0]);
    running.wait().expect("it returned when it was told");
    stage.assert_settles();
}

#[test]
fn a_call_that_its_caller_cancels_while_it_waits_is_not_reported_as_one_that_ran() {
    let _watchdog = Watchdog::start();
    let stage = Stage::started(2);
    let mut running = stage.hold(2);
    let waiting = stage.submit("held");
    let stopping = stage.begin_stop();
    assert!(waiting.cancel() && running.remove(0).cancel());
    stage.latch.release();
    finish(running);
    let report = joined(stopping);
    assert_eq!((report.completed, report.cancelled_running, abandoned(&report)), (1, 1, vec![]));
    assert!(report.cancelled_queued >= 1, "{report:?}");
    assert_eq!(stage.latch.entered(), 2, "what waited never ran");
    stage.assert_settles();
}
