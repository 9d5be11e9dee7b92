//! Functions that do not return: their workers are abandoned, counted and lost, and the others serve on.

use std::time::Duration;

use wpc::{CallError, Pending, RejectReason, WorkerState};

use crate::support::{Watchdog, assert_ledger_is_even, finish, just_under, reason, until};

use super::{Stage, figures};

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_nanos(1);

impl Stage {
    /// A call of `held` that runs, with one second to go.
    fn hold_for_a_second(&self, count: usize) -> Vec<Pending<()>> {
        let before = self.latch.entered();
        let hold = |_| self.wpc.request("held").timeout(SECOND).submit(()).expect("it is accepted");
        let calls = (0..count).map(hold).collect();
        self.latch.wait_entered(before + count);
        calls
    }

    fn states(&self) -> Vec<WorkerState> {
        let mut states: Vec<_> = self.wpc.workers().iter().map(|worker| worker.state).collect();
        states.sort_by_key(|state| format!("{state:?}"));
        states
    }

    fn abandoned(&self) -> (u64, u64) {
        let stats = self.wpc.stats();
        (stats.abandoned_threads, stats.abandoned_threads_ever)
    }
}

#[track_caller]
fn assert_timed_out(call: Pending<()>) {
    let outcome = call.wait();
    assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
}

#[test]
fn a_function_that_returns_within_the_grace_costs_nothing() {
    let _watchdog = Watchdog::start();
    let stage = Stage::new(1);
    let held = stage.hold_for_a_second(1);
    assert_eq!(stage.states(), [WorkerState::Ready]);
    stage.hands.advance(SECOND);
    held.into_iter().for_each(assert_timed_out);
    assert_eq!(stage.states(), [WorkerState::Degraded]);
    let waiting: Pending<()> = stage.submit("nothing"); // it may wait for the worker to come back
    stage.hands.advance(just_under(SECOND));
    assert_eq!((stage.states(), stage.abandoned()), (vec![WorkerState::Degraded], (0, 0)));
    stage.latch.release();
    waiting.wait().expect("the same worker serves again");
    assert_eq!(stage.states(), [WorkerState::Ready]);
    let calls = stage.wpc.stats().calls;
    assert_eq!((calls.late, calls.handled, stage.wpc.workers()[0].run.get()), (1, 2, 1));
    assert_ledger_is_even(&stage.wpc);
}

#[test]
fn a_stuck_worker_is_abandoned_and_counted_until_it_returns_and_the_other_takes_over() {
    let _watchdog = Watchdog::start();
    let stage = Stage::new(2);
    let mut held = stage.hold_for_a_second(1);
    let other = stage.submit("held"); // 30 s to go
    stage.latch.wait_entered(2);
    let waiting: Vec<_> = (0..4).map(|_| stage.submit("nothing")).collect();
    stage.hands.advance(SECOND);
    assert_timed_out(held.remove(0));
    assert_eq!(stage.states(), [WorkerState::Degraded, WorkerState::Ready]);
    stage.hands.advance(SECOND);
    until(|| stage.states() == [WorkerState::GaveUp, WorkerState::Ready]);
    assert_eq!(stage.abandoned(), (1, 1));
    assert!(waiting.iter().all(|call| !call.is_done()), "the other one is held too");
    let lost = stage.wpc.workers().into_iter().find(|worker| worker.state == WorkerState::GaveUp);
    let lost = lost.expect("one gave up").worker_id;
    stage.latch.release();
    other.wait().expect("it is untouched");
    finish(waiting);
    until(|| stage.abandoned() == (0, 1));
    assert_eq!(stage.states(), [WorkerState::GaveUp, WorkerState::Ready], "it is lost all the same");
    for _ in 0..10 {
        stage.wpc.call::<()>("nothing", ()).expect("the other one serves");
    }
    assert_eq!(stage.wpc.workers()[lost.index()].handled, 0);
    assert_ledger_is_even(&stage.wpc);
    let report = stage.wpc.stop_workers().expect("it stops");
    assert_eq!(figures(&report), (0, 0, 0, vec![]), "it was lost before");
}

#[test]
fn a_worker_that_a_cancelled_call_does_not_leave_is_abandoned_by_that_calls_deadline() {
    let _watchdog = Watchdog::start();
    let stage = Stage::new(1);
    let with_deadline = stage.hold_for_a_second(1).remove(0);
    assert!(with_deadline.cancel());
    stage.hands.advance(just_under(2 * SECOND));
    assert_eq!((stage.states(), stage.abandoned()), (vec![WorkerState::Degraded], (0, 0)));
    stage.hands.advance(MOMENT);
    until(|| stage.states() == [WorkerState::GaveUp]);
    stage.latch.release();

    let stage = Stage::new(1);
    let endless: Pending<()> = stage.wpc.request("held").no_timeout().submit(()).expect("it is accepted");
    stage.latch.wait_entered(1);
    stage.hands.advance(1_000 * SECOND);
    assert!(!endless.is_done());
    assert!(endless.cancel());
    stage.hands.advance(just_under(31 * SECOND)); // `call_timeout` from the cancel on, and the grace
    assert_eq!((stage.states(), stage.abandoned()), (vec![WorkerState::Degraded], (0, 0)));
    stage.hands.advance(MOMENT);
    until(|| stage.states() == [WorkerState::GaveUp]);
    assert_eq!(stage.abandoned(), (1, 1));
    stage.latch.release();
}

#[test]
fn with_no_worker_left_what_waits_is_lost_and_calls_are_rejected_until_the_next_start() {
    let _watchdog = Watchdog::start();
    let stage = Stage::new(2);
    let held = stage.hold_for_a_second(2);
    let waiting: Vec<_> = (0..5).map(|_| stage.submit("nothing")).collect();
    stage.hands.advance(SECOND);
    held.into_iter().for_each(assert_timed_out);
    assert!(waiting.iter().all(|call| !call.is_done()), "they may come back");
    stage.hands.advance(SECOND);
    for call in waiting {
        let outcome = call.wait();
        assert!(matches!(outcome, Err(CallError::WorkerLost { started: false, .. })), "{outcome:?}");
    }
    until(|| stage.states() == [WorkerState::GaveUp, WorkerState::GaveUp]);
    assert_eq!(reason(stage.wpc.call::<()>("nothing", ())), RejectReason::NoWorkers { given_up: 2, held: 0 });
    assert_eq!(stage.abandoned(), (2, 2));
    assert_ledger_is_even(&stage.wpc);
    assert_eq!(figures(&stage.wpc.stop_workers().expect("it stops")), (0, 0, 0, vec![]));
    stage.wpc.start_workers(1).expect("it starts");
    stage.wpc.call::<()>("nothing", ()).expect("it serves again");
    assert_eq!(stage.abandoned(), (2, 2), "they are counted across a stop and a start");
    stage.latch.release();
    until(|| stage.abandoned() == (0, 2));
    assert_eq!(stage.wpc.stats().calls.worker_lost, 5);
}

#[test]
fn an_abandoned_function_can_call_nothing_any_more() {
    let _watchdog = Watchdog::start();
    let stage = Stage::new(1);
    let (latch, weak) = (stage.latch.clone(), stage.wpc.downgrade());
    let (tell, told) = std::sync::mpsc::channel();
    let stuck = move |ctx: &wpc::Context| {
        latch.hold();
        let wpc = weak.upgrade().expect("the test holds it");
        let reasons = [reason(ctx.call::<()>("nothing", ())), reason(wpc.call::<()>("nothing", ()))];
        tell.send(reasons).expect("the test waits for it");
    };
    stage.wpc.define_function("stuck", stuck).expect("it is defined");
    let call: Pending<()> = stage.wpc.request("stuck").timeout(SECOND).submit(()).expect("it is accepted");
    stage.latch.wait_entered(1);
    stage.hands.advance(SECOND);
    assert_timed_out(call);
    stage.hands.advance(SECOND);
    until(|| stage.abandoned() == (1, 1));
    let before = stage.wpc.stats().calls;
    stage.latch.release();
    let reasons = told.recv().expect("it is told");
    assert_eq!(reasons, [RejectReason::Abandoned, RejectReason::Abandoned]);
    until(|| stage.abandoned() == (0, 1));
    assert_eq!(stage.wpc.stats().calls, before, "it touches nothing of the slot again");
}
