//! Local states whose drop hangs between two calls: the worker is left behind and replaced like one that overruns.

use wpc::{CallError, Context, FunctionError, Pending, Run, ThreadLife, WorkerId};

use crate::support::{Latch, Watchdog, outlast, until};

use super::{GRACE, Stage};

/// A local state whose drop stays until the latch is released.
struct Hanging(Latch);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.hold();
    }
}

/// Defines `keep`, which leaves such a state on its worker, and then panics if it is told to.
fn define_keep(stage: &Stage) -> Latch {
    let drops = Latch::new();
    let held = drops.clone();
    let keep = move |ctx: &Context, panics: bool| {
        ctx.local(|| Hanging(held.clone()), |_| ()).expect("nobody uses it");
        assert!(!panics, "on purpose");
    };
    stage.wpc.define_function("keep", keep).expect("it is defined");
    drops
}

/// The only worker is in the drop: its thread is left behind after two graces, and the next one serves.
#[track_caller]
fn assert_is_replaced_in_time(stage: &Stage, drops: &Latch) {
    drops.wait_entered(1);
    let waiting: Pending<()> = stage.wpc.request("nothing").no_timeout().submit(()).expect("it is accepted");
    outlast(&stage.hands, GRACE);
    until(|| waiting.is_done());
    waiting.wait().expect("the next run serves it");
    assert_eq!(stage.wpc.stats().abandoned_threads, 1);
    until(|| stage.wpc.workers()[0].restarts == 1);
    drops.release();
    stage.assert_settles();
    stage.wpc.call::<()>("nothing", ()).expect("it serves on");
    assert_eq!(stage.wpc.stats().abandoned_threads_ever, 1);
}

#[test]
fn a_worker_that_hangs_in_the_drop_of_a_local_state_after_a_panic_is_replaced() {
    let _watchdog = Watchdog::start();
    let stage = Stage::with(|builder| builder);
    let drops = define_keep(&stage);
    stage.start(1);
    let outcome = stage.wpc.call::<()>("keep", true);
    assert!(matches!(outcome, Err(CallError::Panicked { .. })), "{outcome:?}");
    assert_is_replaced_in_time(&stage, &drops);
}

#[test]
fn a_thread_whose_life_is_over_and_that_hangs_in_the_drop_of_a_local_state_is_replaced() {
    let _watchdog = Watchdog::start();
    let start = |_: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
        Ok(if run.get() == 1 { ThreadLife::calls(1) } else { ThreadLife::endless() })
    };
    let stage = Stage::with(|builder| builder.thread_start(start));
    let drops = define_keep(&stage);
    stage.start(1);
    stage.wpc.call::<()>("keep", false).expect("it is the first and the last");
    assert_is_replaced_in_time(&stage, &drops);
}
