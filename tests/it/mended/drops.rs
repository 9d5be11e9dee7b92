//! Drops of what functions hold, which are user code: they hang, panic and define while a worker is at work or ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use wpc::{CallError, Context, Defined, LocalInUse, Pending, WeakWpc, WorkerState};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, finish, outlast, until};

use super::{GRACE, SECOND, Stage, abandoned, heard, joined};

/// Its drop stays until the latch is released.
struct Hanging(Latch);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.hold();
    }
}

/// Its drop panics, and the latch counts that.
struct Bomb(Latch);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.hold();
        panic!("a drop panics");
    }
}

/// An argument whose drop is counted.
#[derive(Serialize, Deserialize)]
struct Counted;

static COUNTED: LazyLock<Latch> = LazyLock::new(Latch::new);

impl Drop for Counted {
    fn drop(&mut self) {
        COUNTED.hold();
    }
}

/// Its drop defines a constant and tells what came of it.
struct Defining(WeakWpc, Sender<Defined>);

impl Drop for Defining {
    fn drop(&mut self) {
        let wpc = self.0.upgrade().expect("the test holds it");
        let defined = wpc.define_constant("LAST", 1_u8).expect("it is defined");
        self.1.send(defined).expect("the test waits for it");
    }
}

/// One worker inside `held` that alone has the last definition of a function whose drop hangs; and that drop's latch.
fn with_a_drop_that_hangs() -> (Stage, Latch) {
    let (stage, drops) = (Stage::new(), Latch::new());
    let hanging = Hanging(drops.clone());
    let holds = move || {
        let _ = &hanging;
    };
    stage.wpc.define_function("replaced", holds).expect("it is defined");
    stage.start(1);
    stage.hold(1).into_iter().for_each(Pending::detach);
    stage.wpc.define_function("replaced", || ()).expect("a busy worker is not waited for");
    assert_eq!(drops.entered(), 0, "the worker still has it");
    (stage, drops)
}

/// Defines `next`; how often it has run.
fn define_next(stage: &Stage) -> Arc<AtomicUsize> {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let next = move || {
        counted.fetch_add(1, Ordering::SeqCst);
    };
    stage.wpc.define_function("next", next).expect("it is defined");
    runs
}

#[test]
fn a_worker_whose_last_drop_hangs_is_abandoned_by_the_stop_that_it_ends_for() {
    let _watchdog = Watchdog::start();
    let (stage, drops) = with_a_drop_that_hangs();
    let stopping = stage.begin_stop();
    stage.end_the_drain();
    stage.latch.release();
    drops.wait_entered(1);
    stage.hands.advance(GRACE);
    assert_eq!(abandoned(&joined(stopping)), [0]);
    drops.release();
    stage.assert_settles();
}

#[test]
fn a_call_does_not_wait_for_a_drop_that_hangs_and_the_worker_is_left_behind_in_time() {
    let _watchdog = Watchdog::start();
    let (stage, drops) = with_a_drop_that_hangs();
    let runs = define_next(&stage);
    let next = stage.submit_for_a_second("next");
    stage.latch.release();
    drops.wait_entered(1);
    next.wait().expect("the drop comes after it");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    let waiting: Pending<()> = stage.wpc.request("next").no_timeout().submit(()).expect("it is accepted");
    outlast(&stage.hands, GRACE);
    let outcome = waiting.wait(); // restarts are off here
    assert!(matches!(outcome, Err(CallError::WorkerLost { started: false, .. })), "{outcome:?}");
    until(|| stage.wpc.workers()[0].state == WorkerState::GaveUp);
    assert_eq!(stage.wpc.stats().abandoned_threads, 1);
    drops.release();
    until(|| stage.wpc.stats().abandoned_threads == 0);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_ledger_is_even(&stage.wpc);
}

#[test]
fn an_abandoned_worker_whose_last_definition_panics_as_it_drops_is_taken_off_the_count() {
    let _watchdog = Watchdog::start();
    let (stage, stuck, drops) = (Stage::new(), Latch::new(), Latch::new());
    let (bomb, inside) = (Bomb(drops.clone()), stuck.clone());
    drops.release();
    let holds = move || {
        let _ = &bomb;
        inside.hold();
    };
    stage.wpc.define_function("replaced", holds).expect("it is defined");
    stage.start(2);
    let busy = stage.hold(2);
    let call = stage.submit_for_a_second("replaced");
    stage.wpc.define_function("replaced", || ()).expect("busy workers are not waited for");
    stage.latch.release();
    finish(busy);
    stuck.wait_entered(1);
    stage.wpc.call::<()>("nothing", ()).expect("the other one has let go of what it had by then");
    stage.hands.advance(SECOND);
    let outcome = call.wait();
    assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
    stage.hands.advance(GRACE);
    // Only then has the timekeeper let go of the call.
    until(|| stage.wpc.workers().iter().any(|worker| worker.state == WorkerState::GaveUp));
    assert_eq!(drops.entered(), 0, "the abandoned one has the last of it");
    stuck.release();
    drops.wait_entered(1);
    stage.assert_settles();
}

#[test]
fn a_define_in_the_drop_of_a_local_state_does_not_wait_for_the_worker_that_drops_it() {
    let _watchdog = Watchdog::start();
    let stage = Stage::started(1);
    let (tell, told) = channel();
    let weak = stage.wpc.downgrade();
    let keep = move |ctx: &Context| -> Result<(), LocalInUse> {
        ctx.local(|| Defining(weak.clone(), tell.clone()), |_| ())
    };
    stage.wpc.define_function("keep", keep).expect("it is defined");
    stage.wpc.call::<()>("keep", ()).expect("a value");
    assert_eq!(abandoned(&joined(stage.stop())), [0; 0]);
    assert_eq!(heard(&told).installed, 0, "the one that ends takes nothing any more");
    assert_ledger_is_even(&stage.wpc);
}

#[test]
fn the_arguments_of_a_call_that_a_stop_has_cancelled_are_not_left_for_its_caller_to_drop() {
    let _watchdog = Watchdog::start();
    COUNTED.release();
    let stage = Stage::started(1);
    stage.wpc.define_function("takes", |_: Counted| ()).expect("it is defined");
    let busy = stage.hold(1);
    let call: Pending<()> = stage.wpc.submit("takes", Counted).expect("it is accepted");
    let stopping = stage.begin_stop();
    stage.end_the_drain();
    COUNTED.wait_entered(1); // while the caller still holds the call
    let outcome = call.wait();
    assert!(matches!(outcome, Err(CallError::Cancelled { started: false, .. })), "{outcome:?}");
    stage.latch.release();
    busy.into_iter().for_each(Pending::detach);
    assert_eq!(abandoned(&joined(stopping)), [0; 0]);
    stage.assert_settles();
}
