//! [`Ledger`]: what the callers of one pool know of their calls, to be held against what the pool says.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use anyhow::ensure;
use wpc::{CallError, RejectReason, Stats};

/// How one call ended, as far as the books tell calls apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) values: u64,
    pub(crate) failed: u64,
    pub(crate) panicked: u64,
    pub(crate) timed_out: u64,
    pub(crate) cancelled_queued: u64,
    pub(crate) cancelled_running: u64,
    pub(crate) worker_lost: u64,
    pub(crate) rejected: u64,
}

impl Counts {
    /// What came since then.
    pub(crate) fn since(self, then: Self) -> Self {
        Self {
            values: self.values - then.values,
            failed: self.failed - then.failed,
            panicked: self.panicked - then.panicked,
            timed_out: self.timed_out - then.timed_out,
            cancelled_queued: self.cancelled_queued - then.cancelled_queued,
            cancelled_running: self.cancelled_running - then.cancelled_running,
            worker_lost: self.worker_lost - then.worker_lost,
            rejected: self.rejected - then.rejected,
        }
    }

    /// The calls that ended otherwise than by being cancelled.
    pub(crate) fn uncancelled(&self) -> u64 {
        self.values + self.failed + self.panicked + self.timed_out + self.worker_lost
    }
}

/// The books of all calls of one pool. Every call has a number of its own in its round.
#[derive(Default)]
pub(crate) struct Ledger {
    values: AtomicU64,
    failed: AtomicU64,
    panicked: AtomicU64,
    timed_out: AtomicU64,
    cancelled_queued: AtomicU64,
    cancelled_running: AtomicU64,
    worker_lost: AtomicU64,
    rejected: AtomicU64,
    /// Replies that were for another call, calls that ended twice, rejections that nothing explains.
    wrong: AtomicU64,
}

/// What has become of the calls of one round, by their numbers: how often they ended and ran, and what the end said.
pub(crate) struct Fates(Vec<[AtomicU8; 3]>);

const ENDED: usize = 0;
const RAN: usize = 1;
/// 0: nothing; 1: it had started; 2: it had not.
const SAID: usize = 2;

impl Fates {
    /// For so many calls.
    pub(crate) fn new(calls: usize) -> Self {
        Self((0..calls).map(|_| Default::default()).collect())
    }

    /// How many calls they are for.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The function of this call has begun.
    pub(crate) fn run(&self, call: usize) {
        self.0[call][RAN].fetch_add(1, Ordering::SeqCst);
    }

    /// No call has ended twice or run twice, none has run that was said not to have, and no value came of nothing.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        for (call, fate) in self.0.iter().enumerate() {
            let [ended, ran, said] = [ENDED, RAN, SAID].map(|part| fate[part].load(Ordering::SeqCst));
            ensure!(ended <= 1 && ran <= 1, "call {call} has ended {ended} times and run {ran} times");
            ensure!(ended == 1 || ran == 0, "call {call} has run and never ended");
            ensure!(said != 2 || ran == 0, "call {call} was said not to have started, and has run");
        }
        Ok(())
    }
}

impl Ledger {
    /// Enters the end of a call.
    pub(crate) fn book(&self, fates: &Fates, call: usize, outcome: &Result<usize, CallError>) {
        let (counter, started) = match outcome {
            Ok(replied) => {
                self.suspect(*replied != call);
                (&self.values, true)
            }
            Err(CallError::Failed(_)) => (&self.failed, true),
            Err(CallError::Panicked { .. }) => (&self.panicked, true),
            Err(CallError::TimedOut { started, .. }) => (&self.timed_out, *started),
            Err(CallError::Cancelled { started: true, .. }) => (&self.cancelled_running, true),
            Err(CallError::Cancelled { .. }) => (&self.cancelled_queued, false),
            Err(CallError::WorkerLost { started, .. }) => (&self.worker_lost, *started),
            Err(CallError::Rejected(rejected)) => {
                self.suspect(!is_explained(rejected.reason()));
                (&self.rejected, false)
            }
            Err(_) => {
                self.suspect(true);
                return;
            }
        };
        counter.fetch_add(1, Ordering::SeqCst);
        fates.0[call][ENDED].fetch_add(1, Ordering::SeqCst);
        fates.0[call][SAID].store(if started { 1 } else { 2 }, Ordering::SeqCst);
    }

    /// Enters a rejection that belongs to no round.
    pub(crate) fn count_rejected(&self) {
        self.rejected.fetch_add(1, Ordering::SeqCst);
    }

    /// What has been entered so far.
    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Counts {
            values: read(&self.values),
            failed: read(&self.failed),
            panicked: read(&self.panicked),
            timed_out: read(&self.timed_out),
            cancelled_queued: read(&self.cancelled_queued),
            cancelled_running: read(&self.cancelled_running),
            worker_lost: read(&self.worker_lost),
            rejected: read(&self.rejected),
        }
    }

    /// The pool says the same, now that nothing runs.
    pub(crate) fn compare(&self, stats: &Stats) -> anyhow::Result<()> {
        let wrong = self.wrong.load(Ordering::SeqCst);
        ensure!(wrong == 0, "{wrong} outcomes were not the call's own");
        let (ours, theirs) = (self.counts(), stats.calls);
        let cancelled = ours.cancelled_queued + ours.cancelled_running;
        let same = ours.values == theirs.values
            && ours.failed == theirs.failed
            && ours.panicked == theirs.panicked
            && ours.timed_out == theirs.timed_out
            && cancelled == theirs.cancelled
            && ours.worker_lost == theirs.worker_lost
            && ours.rejected == stats.rejected;
        ensure!(same, "the callers have {ours:?}, the pool {stats:?}");
        ensure!(theirs.accepted == theirs.ended() && stats.in_flight == 0, "the pool's own sum: {stats:?}");
        Ok(())
    }

    fn suspect(&self, is_wrong: bool) {
        self.wrong.fetch_add(u64::from(is_wrong), Ordering::SeqCst);
    }
}

/// Whether a rejection is one that a pool which is stopped under load may give.
fn is_explained(reason: &RejectReason) -> bool {
    matches!(
        reason,
        RejectReason::NotRunning
            | RejectReason::NoWorkers { .. }
            | RejectReason::Saturated { .. }
            | RejectReason::Abandoned
    )
}
