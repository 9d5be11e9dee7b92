//! Wakers, which are user code on whatever thread ends the call: they stop the pool and define there.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context as TaskContext, Wake, Waker};

use wpc::{Pending, StopError, Wpc};

use crate::support::{Watchdog, assert_ledger_is_even, finish};

use super::{DRAIN, SECOND, Stage, abandoned, heard, joined};

/// A waker that runs this.
struct Running<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Running<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// Has whoever ends the call do something with the pool; what that gave.
fn on_waking<T: Send + 'static>(
    stage: &Stage,
    pending: &mut Pending<()>,
    act: impl Fn(&Wpc) -> T + Send + Sync + 'static,
) -> Receiver<T> {
    let (tell, told) = channel();
    let weak = stage.wpc.downgrade();
    let run = move || {
        let wpc = weak.upgrade().expect("the test holds it");
        tell.send(act(&wpc)).expect("the test waits for it");
    };
    let waker = Waker::from(Arc::new(Running(run)));
    assert!(Pin::new(pending).poll(&mut TaskContext::from_waker(&waker)).is_pending());
    told
}

/// Whether a stop says that it would deadlock.
fn stop_would_deadlock(wpc: &Wpc) -> bool {
    matches!(wpc.stop_workers(), Err(StopError::WouldDeadlock))
}

#[test]
fn a_stop_in_a_waker_that_a_deadline_wakes_would_deadlock_and_the_next_one_is_carried_out() {
    let _watchdog = Watchdog::start();
    let stage = Stage::started(1);
    let mut call = stage.submit_for_a_second("held");
    stage.latch.wait_entered(1);
    let would_deadlock = on_waking(&stage, &mut call, stop_would_deadlock);
    stage.hands.advance(SECOND);
    assert!(heard(&would_deadlock), "the timekeeper cannot wait for its own end");
    stage.latch.release();
    assert_eq!(abandoned(&joined(stage.stop())), [0; 0]);
    assert_ledger_is_even(&stage.wpc);
}

#[test]
fn a_stop_in_a_waker_that_a_stop_wakes_would_deadlock_and_the_first_goes_on() {
    let _watchdog = Watchdog::start();
    let stage = Stage::started(1);
    let running = stage.hold(1);
    let mut waiting = stage.submit("nothing");
    let would_deadlock = on_waking(&stage, &mut waiting, stop_would_deadlock);
    let stopping = stage.begin_stop();
    stage.hands.advance(DRAIN);
    assert!(heard(&would_deadlock), "the thread that stops the pool cannot wait for that");
    stage.latch.release();
    finish(running);
    assert_eq!(abandoned(&joined(stopping)), [0; 0]);
    assert_ledger_is_even(&stage.wpc);
}

#[test]
fn a_define_in_a_waker_does_not_wait_for_the_worker_that_wakes_it() {
    let _watchdog = Watchdog::start();
    let stage = Stage::started(1);
    let mut call = stage.hold(1).remove(0);
    let defined = on_waking(&stage, &mut call, |wpc| wpc.define_constant("C", 1_u8).expect("it is defined"));
    stage.latch.release();
    let defined = heard(&defined);
    assert_eq!((defined.installed, defined.pending.len()), (0, 1), "it was told at once");
    stage.wpc.call::<()>("nothing", ()).expect("a value");
    assert_eq!(stage.wpc.workers()[0].version, Some(defined.version));
}
