//! Defects that were found and mended, one test each.

mod cleaning;
mod drops;
mod inside;
mod lost;
mod plugins;
mod short;
mod starts;
mod stops;
mod waits;
mod wakers;

use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::Duration;

use wpc::{
    Clock, EventName, ManualClock, Pending, RestartPolicy, StopError, StopReport, Subscription, WorkerState,
    Wpc, WpcBuilder,
};

use crate::support::{Latch, assert_ledger_is_even, build, start_on, until};

const SECOND: Duration = Duration::from_secs(1);
/// From a stop's begin to its first mark, after which nothing is drained any more.
const DRAIN: Duration = Duration::from_secs(9);
/// From the first mark to the second; and how long a function may overrun.
const GRACE: Duration = Duration::from_secs(1);

/// A pool on a hand-moved clock with the default times. Nothing that waits for the clock ends before it is moved.
struct Stage {
    wpc: Wpc,
    hands: ManualClock,
    latch: Latch,
}

impl Stage {
    /// Without workers yet, and without restarts.
    fn new() -> Self {
        Self::with(|builder| builder.restart(RestartPolicy::never()))
    }

    /// Without workers yet, with other settings than the default ones; `held` stays until the latch is released, and
    /// `nothing` does nothing.
    fn with(set: impl FnOnce(WpcBuilder) -> WpcBuilder) -> Self {
        let (clock, hands) = Clock::manual();
        let wpc = build(set(Wpc::builder().clock(clock)));
        let latch = Latch::new();
        let held = latch.clone();
        wpc.define_function("held", move || held.hold()).expect("it is defined");
        wpc.define_function("nothing", || ()).expect("it is defined");
        Self { wpc, hands, latch }
    }

    fn start(&self, workers: usize) {
        start_on(&self.hands, &self.wpc, workers);
    }

    /// A stage with so many workers.
    fn started(workers: usize) -> Self {
        let stage = Self::new();
        stage.start(workers);
        stage
    }

    fn submit(&self, name: &str) -> Pending<()> {
        self.wpc.submit(name, ()).expect("it is accepted")
    }

    fn submit_for_a_second(&self, name: &str) -> Pending<()> {
        self.wpc.request(name).timeout(SECOND).submit(()).expect("it is accepted")
    }

    /// So many calls of `held` that run.
    fn hold(&self, count: usize) -> Vec<Pending<()>> {
        let calls = (0..count).map(|_| self.submit("held")).collect();
        self.latch.wait_entered(count);
        calls
    }

    /// Whether all workers serve.
    fn is_ready(&self) -> bool {
        self.wpc.workers().iter().all(|worker| worker.state == WorkerState::Ready)
    }

    /// Has another thread stop the pool.
    fn stop(&self) -> JoinHandle<Result<StopReport, StopError>> {
        let wpc = self.wpc.clone();
        std::thread::spawn(move || wpc.stop_workers())
    }

    /// Has another thread stop the pool, and waits until that has begun.
    fn begin_stop(&self) -> JoinHandle<Result<StopReport, StopError>> {
        let stopping = self.stop();
        until(|| self.wpc.submit::<()>("nothing", ()).map(|probe| probe.cancel()).is_err());
        stopping
    }

    /// Has a stop that has begun pass its first mark, and waits until every worker is asked to end.
    fn end_the_drain(&self) {
        self.hands.advance(DRAIN);
        until(|| self.wpc.workers().iter().all(|worker| worker.state == WorkerState::Draining));
    }

    /// Waits until no abandoned thread is out; after that every call must have ended once.
    #[track_caller]
    fn assert_settles(&self) {
        until(|| self.wpc.stats().abandoned_threads == 0);
        assert_ledger_is_even(&self.wpc);
    }
}

/// The report of a stop that returns by itself.
#[track_caller]
fn joined(stopping: JoinHandle<Result<StopReport, StopError>>) -> StopReport {
    until(|| stopping.is_finished());
    stopping.join().expect("a stop does not panic").expect("it stops")
}

/// The workers that a stop had to abandon.
fn abandoned(report: &StopReport) -> Vec<usize> {
    report.abandoned.iter().map(|worker| worker.index()).collect()
}

/// Waits until this has happened once more. A worker's state and its run are not of one moment; an event is.
#[track_caller]
fn await_next(events: &Subscription, name: EventName) {
    while events.wait(30 * SECOND).expect("it happens").event_name != name {}
}

/// What another thread tells the test.
#[track_caller]
fn heard<T>(told: &Receiver<T>) -> T {
    told.recv_timeout(30 * SECOND).expect("it is told")
}
