//! Stops: calls inside calls that a stop abandons or asks to return, and what its report counts.

use wpc::{CallError, Context, Pending};

use crate::support::{Watchdog, finish, until};

use super::{DRAIN, GRACE, SECOND, Stage, abandoned, joined};

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

/// Stops the pool while `outer` is inside `held`, and lets that return afterwards; so many calls are cancelled by it.
#[track_caller]
fn assert_evens_out_after_a_stop(stage: &Stage, cancelled_running: u64) {
    let running = stage.submit("outer");
    stage.latch.wait_entered(1);
    let stopping = stage.begin_stop();
    stage.hands.advance(DRAIN + GRACE);
    let report = joined(stopping);
    assert_eq!(abandoned(&report), [0]);
    assert_eq!(
        (report.completed, report.cancelled_running),
        (0, cancelled_running),
        "nothing has returned yet"
    );
    assert_eq!(stage.wpc.stats().in_flight, 0);
    let outcome = running.wait();
    assert!(matches!(outcome, Err(CallError::Cancelled { started: true, .. })), "{outcome:?}");
    stage.latch.release();
    stage.assert_settles();
}

#[test]
fn a_call_inside_a_function_that_a_stop_abandons_is_counted_when_it_returns_and_not_as_completed() {
    let _watchdog = Watchdog::start();
    let stage = Stage::started(1);
    let outer = |ctx: &Context| drop(ctx.call::<()>("held", ()));
    stage.wpc.define_function("outer", outer).expect("it is defined");
    assert_evens_out_after_a_stop(&stage, 1);
}

#[test]
fn a_call_that_is_waited_for_inside_a_function_that_a_stop_abandons_is_cancelled_with_it() {
    let _watchdog = Watchdog::start();
    let stage = Stage::started(1);
    define_waiting(&stage, "held");
    assert_evens_out_after_a_stop(&stage, 2);
}

#[test]
fn a_call_that_is_waited_for_inside_a_function_is_lost_with_a_worker_that_overstays() {
    let _watchdog = Watchdog::start();
    let stage = Stage::started(1);
    define_waiting(&stage, "held");
    let running = stage.submit_for_a_second("outer");
    stage.latch.wait_entered(1);
    stage.hands.advance(SECOND);
    let outcome = running.wait();
    assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
    stage.hands.advance(GRACE);
    until(|| stage.wpc.stats().abandoned_threads == 1 && stage.wpc.stats().in_flight == 0);
    assert_eq!(stage.wpc.stats().calls.worker_lost, 1, "the inner one");
    stage.latch.release();
    stage.assert_settles();
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
