//! Threads that are lost, and what the run after them and the other workers make of it.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wpc::{CallError, Context, EventName, FunctionError, Pending, Run, ThreadLife, WorkerId, WorkerState};

use crate::support::{Latch, Watchdog, meet, meeting, until};

use super::{GRACE, SECOND, Stage, abandoned, await_next, joined};

/// The longest delay before a second restart, by the default policy with its jitter.
const RESTART_MAX: Duration = Duration::from_millis(300);

/// An argument whose drop stays until the latch is released.
#[derive(Serialize, Deserialize)]
struct Hanging {
    #[serde(skip)]
    latch: Option<Latch>,
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.latch.iter().for_each(Latch::hold);
    }
}

#[test]
fn a_thread_that_ends_inside_a_call_and_comes_back_late_does_not_hide_what_the_next_run_is_inside() {
    let _watchdog = Watchdog::start();
    let start = |_: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
        let short = ThreadLife::calls(0).ending_inside_the_next();
        Ok(if run.get() == 1 { short } else { ThreadLife::endless() })
    };
    let stage = Stage::with(|builder| builder.thread_start(start));
    stage.wpc.define_function("take", |_: Hanging| ()).expect("it is defined");
    stage.start(1);
    let drops = Latch::new();
    let argument = Hanging { latch: Some(drops.clone()) };
    let first: Pending<()> = stage.wpc.request("take").timeout(SECOND).submit(argument).expect("accepted");
    drops.wait_entered(1);
    stage.hands.advance(SECOND);
    let outcome = first.wait();
    assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
    stage.hands.advance(GRACE);
    until(|| stage.wpc.stats().abandoned_threads == 1);
    let second: Pending<()> = stage.wpc.request("held").no_timeout().submit(()).expect("accepted");
    stage.latch.wait_entered(1);
    drops.release();
    until(|| stage.wpc.stats().abandoned_threads == 0);
    let stopping = stage.begin_stop();
    stage.end_the_drain();
    stage.hands.advance(GRACE);
    let report = joined(stopping);
    assert_eq!((report.cancelled_running, abandoned(&report)), (1, vec![0]), "{report:?}");
    let outcome = second.wait();
    assert!(matches!(outcome, Err(CallError::Cancelled { started: true, .. })), "{outcome:?}");
    stage.latch.release();
    stage.assert_settles();
}

#[test]
fn a_worker_that_waits_for_abandoned_threads_leaves_the_calls_to_the_other_one_until_they_return() {
    let _watchdog = Watchdog::start();
    let stage = Stage::with(|builder| builder);
    let at = |ctx: &Context| ctx.worker_id().index();
    stage.wpc.define_function("at", at).expect("it is defined");
    stage.wpc.define_function("meet", meeting(&Arc::new(Barrier::new(2)), 1)).expect("it is defined");
    stage.start(2);
    // With two workers, four abandoned threads are replaced and the fifth is not.
    for count in 1..=5 {
        until(|| stage.is_ready());
        let stuck = stage.submit_for_a_second("held");
        stage.latch.wait_entered(count);
        stage.hands.advance(SECOND);
        let outcome = stuck.wait();
        assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
        stage.hands.advance(GRACE);
        until(|| stage.wpc.stats().abandoned_threads == count as u64);
    }
    let lost = || stage.wpc.workers().iter().position(|worker| worker.state == WorkerState::Backoff);
    until(|| lost().is_some());
    for _ in 0..12 {
        let at: usize = stage.wpc.call("at", ()).expect("the other one serves");
        assert_ne!(Some(at), lost());
    }
    assert!(lost().is_some(), "nothing has returned yet");
    stage.latch.release();
    stage.assert_settles();
    until(|| stage.is_ready());
    assert_eq!(meet(&stage.wpc, "meet", 2), [(0, 1), (1, 1)]);
    assert_eq!(stage.wpc.stats().abandoned_threads_ever, 5);
}

#[test]
fn a_thread_with_a_life_of_no_calls_runs_none() {
    let _watchdog = Watchdog::start();
    let start = |_: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
        let calls = u64::from(run.get() == 1);
        Ok(if run.get() <= 2 { ThreadLife::calls(calls) } else { ThreadLife::endless() })
    };
    let stage = Stage::with(|builder| builder.thread_start(start));
    stage.start(1);
    let events = stage.wpc.subscribe().expect("there is room");
    stage.wpc.call::<()>("nothing", ()).expect("the first run runs one");
    await_next(&events, EventName::WorkerRestartScheduled);
    let waiting: Pending<()> = stage.wpc.request("nothing").no_timeout().submit(()).expect("accepted");
    stage.hands.advance(RESTART_MAX);
    await_next(&events, EventName::WorkerRestartScheduled);
    assert!(!waiting.is_done(), "the second run runs none");
    stage.hands.advance(RESTART_MAX);
    until(|| waiting.is_done());
    waiting.wait().expect("the third run serves it");
    assert_eq!(stage.wpc.workers()[0].run.get(), 3);
}
