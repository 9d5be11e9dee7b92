//! What the pool tells of its workers and its calls.

use std::fmt;

use serde::Serialize;

use crate::call::Totals;
use crate::hash::Hash;
use crate::id::{Run, Version, WorkerId};
use crate::registry::{ConstantInfo, FunctionInfo};
use crate::supervise::Observed;

use super::crew::Crew;
use super::lifecycle::Pool;

/// What a worker is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum WorkerState {
    /// It takes the newest snapshot before it is ready.
    Starting,
    /// It serves.
    Ready,
    /// It is still inside a function whose call is over; it takes no new work until that returns.
    Degraded,
    /// It finishes what it runs, and then ends.
    Draining,
    /// It has ended as it was asked to.
    Stopped,
    /// It was lost, and is started again after a delay; calls may wait for it.
    Backoff,
    /// It was lost, and is not started again before the next `start_workers`.
    GaveUp,
}

impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
            Self::Backoff => "backoff",
            Self::GaveUp => "gave up",
        })
    }
}

/// One worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkerInfo {
    /// The slot; it stays the same over the worker's runs.
    pub worker_id: WorkerId,
    /// What it is at.
    pub state: WorkerState,
    /// The number of its life: it rises with each start and with each panic that it caught.
    pub run: Run,
    /// Calls that were accepted for it and have not ended.
    pub in_flight: u32,
    /// Calls that it has run to their end since `start_workers`.
    pub handled: u64,
    /// The newest version of the registry that it has acknowledged.
    pub version: Option<Version>,
    /// The digest of the manifest that it acknowledged with.
    pub manifest_sha1: Option<Hash>,
    /// Whether it serves, and that is the manifest of the newest version.
    pub is_in_step: bool,
}

/// The pool's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Calls that were accepted, and how they ended, since the pool was built.
    pub calls: Totals,
    /// Calls that were not accepted, since the pool was built.
    pub rejected: u64,
    /// Calls that were accepted and have not ended.
    pub in_flight: u64,
    /// Worker threads that were abandoned and have not ended.
    pub abandoned_threads: u64,
    /// Worker threads that were ever abandoned.
    pub abandoned_threads_ever: u64,
}

impl Pool {
    /// The function of that name.
    pub(crate) fn function(&self, name: &str) -> Option<FunctionInfo> {
        let definition = self.registry().publication().find(name)?;
        Some(FunctionInfo::new(&definition, self.installed(definition.version)))
    }

    /// The functions that are defined now, sorted by name.
    pub(crate) fn functions(&self) -> Vec<FunctionInfo> {
        let snapshot = self.registry().publication().newest();
        let mut all: Vec<_> = snapshot
            .functions
            .values()
            .map(|definition| FunctionInfo::new(definition, self.installed(definition.version)))
            .collect();
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// The constants that are defined now, sorted by name.
    pub(crate) fn constants(&self) -> Vec<ConstantInfo> {
        let snapshot = self.registry().publication().newest();
        let mut all: Vec<_> = snapshot
            .constants
            .values()
            .map(|constant| ConstantInfo::new(constant, self.installed(constant.version)))
            .collect();
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        all
    }

    fn installed(&self, version: Version) -> usize {
        self.crew().as_ref().map_or(0, |crew| crew.slots.installed(version))
    }

    /// The workers, sorted by id; none while they are not running.
    pub(crate) fn workers(&self) -> Vec<WorkerInfo> {
        let newest = self.registry().publication().newest().digest();
        self.crew().as_ref().map_or_else(Vec::new, |crew| crew.workers(newest))
    }

    pub(crate) fn stats(&self) -> Stats {
        // Under this lock no shift is retired, so that none is counted twice or not at all.
        let mut past = self.past.lock();
        let (before, ending) = past.sum();
        let crew = self.crew();
        let shift = crew.as_ref().map(|crew| crew.shift());
        let counts = self.counts();
        let read = |counter: &crate::sync::AtomicU64| counter.load(std::sync::atomic::Ordering::Acquire);
        Stats {
            calls: before + shift.map_or_else(Totals::default, |shift| shift.totals()),
            rejected: self.rejected(),
            in_flight: ending + shift.map_or(0, |shift| shift.in_flight()),
            abandoned_threads: read(&counts.abandoned),
            abandoned_threads_ever: read(&counts.abandoned_ever),
        }
    }
}

impl Crew {
    fn workers(&self, newest: Hash) -> Vec<WorkerInfo> {
        let info = |(slot, load): (&crate::worker::Slot, &crate::call::Load)| {
            let acknowledged = slot.acknowledged();
            let manifest_sha1 = acknowledged.map(|acknowledged| acknowledged.digest);
            let state = match self.board.observed(slot.id.0) {
                Observed::Starting => WorkerState::Starting,
                Observed::Ready if load.see().overdue => WorkerState::Degraded,
                Observed::Ready => WorkerState::Ready,
                Observed::Draining => WorkerState::Draining,
                Observed::Stopped => WorkerState::Stopped,
                Observed::Backoff => WorkerState::Backoff,
                Observed::GaveUp => WorkerState::GaveUp,
            };
            WorkerInfo {
                worker_id: slot.id,
                state,
                run: load.hand().run,
                in_flight: load.tickets(),
                handled: load.tally.handled(),
                version: acknowledged.map(|acknowledged| acknowledged.version),
                manifest_sha1,
                is_in_step: slot.is_serving() && manifest_sha1 == Some(newest),
            }
        };
        self.slots.with_loads().map(info).collect()
    }
}
