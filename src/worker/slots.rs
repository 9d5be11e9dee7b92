//! [`Slots`]: all slots of one shift, and what their workers share.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::call::{End, Job, Load, Phase, Round, Scan, Shift};
use crate::id::{Version, WorkerId};
use crate::registry::Registry;
use crate::supervise::{ChildId, Mailbox, RunEnd};
use crate::sync::{AtomicU64, Signal};

use super::reaper;
use super::slot::{AbandonedRun, Slot};

/// So many abandoned threads may be out at least; more where there are more workers.
const ABANDONED_MIN: usize = 4;

/// Counts that a pool keeps over every stop and start.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Calls that were not accepted.
    pub(crate) rejected: AtomicU64,
    /// Threads that were abandoned and have not ended.
    pub(crate) abandoned: AtomicU64,
    /// Threads that were ever abandoned.
    pub(crate) abandoned_ever: AtomicU64,
}

/// The slots from one start to the stop after it.
pub(crate) struct Slots {
    pub(crate) all: Box<[Slot]>,
    pub(crate) shift: Arc<Shift>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) counts: Arc<Counts>,
    /// Notified when a worker has acknowledged a version, and when one serves no more.
    pub(crate) acknowledgements: Signal,
    mailbox: std::sync::OnceLock<Mailbox>,
}

impl Slots {
    pub(crate) fn new(
        shift: Arc<Shift>,
        registry: Arc<Registry>,
        counts: Arc<Counts>,
        calls_max: usize,
    ) -> Self {
        let all = shift.loads.iter().map(|load| Slot::new(load.slot(), calls_max)).collect();
        Self {
            all,
            shift,
            registry,
            counts,
            acknowledgements: Signal::default(),
            mailbox: std::sync::OnceLock::new(),
        }
    }

    /// Says where the supervisor is told of abandoned runs.
    pub(super) fn report_to(&self, mailbox: &Mailbox) {
        self.mailbox.get_or_init(|| mailbox.clone());
    }

    pub(crate) fn load(&self, slot: &Slot) -> &Load {
        &self.shift.loads[slot.id.index()]
    }

    /// Each slot with its load.
    pub(crate) fn with_loads(&self) -> impl Iterator<Item = (&Slot, &Load)> {
        self.all.iter().zip(&self.shift.loads)
    }

    /// Puts the job into a slot's queue and wakes a worker for it, if one sleeps: the slot's own, or else another,
    /// which takes the job.
    pub(crate) fn push(&self, slot: &Slot, job: Job) -> Result<(), super::Closed> {
        let watched = job.call().deadline.filter(|_| job.call().watched);
        let shells = slot.queue.push(job, || self.load(slot).tally.accept())?;
        crate::sync::full_fence();
        if !slot.wake() {
            self.wake_one();
        }
        if let Some(deadline) = watched {
            self.shift.arm(deadline);
        }
        for shell in shells {
            crate::function::fence::drop_value(shell);
        }
        Ok(())
    }

    fn wake_one(&self) {
        for slot in &self.all {
            if slot.wake() {
                return;
            }
        }
    }

    pub(crate) fn wake_all(&self) {
        for slot in &self.all {
            slot.wake();
        }
    }

    /// The first job of the longest queue.
    pub(super) fn take(&self) -> Option<Job> {
        let longest = self.all.iter().max_by_key(|slot| slot.queue.len())?;
        longest.queue.pop().or_else(|| self.all.iter().find_map(|slot| slot.queue.pop()))
    }

    pub(super) fn has_jobs(&self) -> bool {
        self.all.iter().any(|slot| slot.queue.len() > 0)
    }

    /// Tells the supervisor of an abandoned run, which replaces it while fewer are out than there may be.
    pub(super) fn abandoned(&self, slot: &Slot, run: &AbandonedRun) {
        let out = self.counts.abandoned.load(Ordering::Acquire);
        self.acknowledgements.notify();
        if let Some(mailbox) = self.mailbox.get() {
            let child: ChildId = slot.id.0;
            let may_replace = out <= self.abandoned_max();
            mailbox.exited(child, run.started_as, run.last, RunEnd::Abandoned { may_replace });
        }
    }

    /// How many abandoned threads of the pool may be out for one more to be replaced.
    fn abandoned_max(&self) -> u64 {
        ABANDONED_MIN.max(self.all.len()) as u64
    }

    /// How many workers serve that have acknowledged `version`.
    pub(crate) fn installed(&self, version: Version) -> usize {
        self.all.iter().filter(|slot| slot.has_version(version)).count()
    }

    /// The workers that serve and have not acknowledged `version`.
    pub(crate) fn pending(&self, version: Version) -> Vec<WorkerId> {
        self.all
            .iter()
            .filter(|slot| slot.is_serving() && !slot.has_version(version))
            .map(|slot| slot.id)
            .collect()
    }

    /// Closes every queue and ends every call that waits. What they hold is dropped by the reaper.
    pub(crate) fn close_all(&self, end: End) {
        self.all.iter().for_each(Slot::close);
        let jobs: Vec<Job> = self.all.iter().flat_map(|slot| slot.queue.drain()).collect();
        for job in &jobs {
            drop(job.call().end_queued(end));
        }
        reaper::drop_later(jobs);
    }

    /// The worker of `slot` is lost for good. Its queue is left to the others; without another worker nothing that
    /// waits can run.
    pub(super) fn lose(&self, slot: &Slot) {
        slot.close();
        slot.vacate();
        self.acknowledgements.notify();
        if self.all.iter().all(Slot::is_closed) {
            self.close_all(End::WorkerLost);
        }
        self.wake_all();
    }

    /// Whether nothing is in flight and no worker is inside user code.
    pub(crate) fn is_quiet(&self) -> bool {
        let is_free = |load: &Load| matches!(load.hand().phase, Phase::Between | Phase::Gone);
        self.shift.loads.iter().all(|load| load.tickets() == 0 && is_free(load))
    }
}

impl Scan for Slots {
    fn scan(&self, round: &mut Round) {
        for (slot, load) in self.with_loads() {
            if let Some(run) = slot.scan(load, &self.counts, round) {
                self.abandoned(slot, &run);
            }
        }
    }
}
