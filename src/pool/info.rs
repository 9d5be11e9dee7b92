//! What the pool tells of its workers and its calls.

use std::fmt;

use serde::Serialize;

use crate::call::Totals;
use crate::function::InstanceError;
use crate::hash::Hash;
use crate::id::{Run, Version, WorkerId};
use crate::registry::{ConstantInfo, DependencyInfo, FunctionInfo, Published, Snapshot};
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
    /// It was lost, and is started again after a delay, for which calls may wait; or, where too many abandoned threads are
    /// out, once one of them has returned.
    Backoff,
    /// It was lost, and is not started again before the pool is stopped and started.
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
    /// The digest of the manifest that it acknowledged with: of everything that it has.
    pub manifest_sha1: Option<Hash>,
    /// Whether it serves, and that is the manifest of the newest version, less what it has not got.
    pub is_in_step: bool,
    /// The dependencies that it could not be given. It is tried again after the delays of the restart policy, without
    /// jitter and without an end; but not where the library's `init` did not return.
    pub not_installed: Vec<NotInstalled>,
    /// How often it was started again since `start_workers`, replacements of abandoned threads included.
    pub restarts: u32,
    /// Why its last run ended or could not be started, if nobody had asked for that.
    pub last_failure: Option<String>,
}

/// A dependency that a worker could not be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NotInstalled {
    /// The dependency.
    pub alias: String,
    /// Why not.
    pub cause: InstanceError,
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
    /// Threads that drop values of users which no worker was left to drop, and are still at it: as a rule one for a moment, at
    /// most 16.
    pub reaper_threads: u64,
    /// Events, heard or not, since the pool was built.
    pub events: u64,
    /// Events that a subscriber missed because it read too slowly, over all subscribers.
    pub events_dropped: u64,
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

    /// The dependencies that are defined now, sorted by alias.
    pub(crate) fn dependencies(&self) -> Vec<DependencyInfo> {
        let crew = self.crew();
        let installed = |of: &Published| {
            crew.as_ref().map_or(0, |crew| crew.slots.with_instance(of.dependency.generation()))
        };
        let snapshot = self.registry().publication().newest();
        let mut all: Vec<_> =
            snapshot.dependencies.values().map(|of| DependencyInfo::new(of, installed(of))).collect();
        all.sort_unstable_by(|one, other| one.alias.cmp(&other.alias));
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
        let newest = self.registry().publication().newest();
        self.crew().as_ref().map_or_else(Vec::new, |crew| crew.workers(&newest))
    }

    pub(crate) fn stats(&self) -> Stats {
        // Under this lock no shift is retired, so that none is counted twice or not at all.
        let mut past = self.past.lock();
        let (before, ending) = past.sum();
        let crew = self.crew();
        let shift = crew.as_ref().map(|crew| crew.shift());
        let (counts, events) = (self.counts(), self.bus().counts());
        let read = |counter: &crate::sync::AtomicU64| counter.load(std::sync::atomic::Ordering::Acquire);
        Stats {
            calls: before + shift.map_or_else(Totals::default, |shift| shift.totals()),
            rejected: self.rejected(),
            in_flight: ending + shift.map_or(0, |shift| shift.in_flight()),
            abandoned_threads: read(&counts.abandoned),
            abandoned_threads_ever: read(&counts.abandoned_ever),
            reaper_threads: counts.reaper.threads(),
            events: events.emitted,
            events_dropped: events.dropped,
        }
    }
}

impl Crew {
    fn workers(&self, newest: &Snapshot) -> Vec<WorkerInfo> {
        let info = |(slot, load): (&crate::worker::Slot, &crate::call::Load)| {
            let acknowledged = slot.acknowledged();
            let lacking = acknowledged.as_ref().map_or(&[][..], |it| &it.lacking);
            let is_own = |digest: Hash| {
                digest == if lacking.is_empty() { newest.digest() } else { newest.digest_without(lacking) }
            };
            let is_in_step = slot.is_serving() && acknowledged.as_ref().is_some_and(|it| is_own(it.digest));
            let not_installed = slot
                .installed
                .failures()
                .into_iter()
                .map(|failure| NotInstalled { alias: failure.alias.to_string(), cause: failure.cause });
            let state = match self.board.observed(slot.id.0) {
                Observed::Starting => WorkerState::Starting,
                // The hand knows it before the supervisor has looked.
                Observed::Ready | Observed::Degraded if load.see().overdue => WorkerState::Degraded,
                Observed::Ready | Observed::Degraded => WorkerState::Ready,
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
                handled: load.tally().handled(),
                version: acknowledged.as_ref().map(|it| it.version),
                manifest_sha1: acknowledged.as_ref().map(|it| it.digest),
                is_in_step,
                not_installed: not_installed.collect(),
                restarts: self.board.restarts(slot.id.0),
                last_failure: self.board.failure(slot.id.0).map(|why| why.to_string()),
            }
        };
        self.slots.with_loads().map(info).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_shown_as_events_name_it() {
        let shown = [
            (WorkerState::Starting, "starting"),
            (WorkerState::Ready, "ready"),
            (WorkerState::Degraded, "degraded"),
            (WorkerState::Draining, "draining"),
            (WorkerState::Stopped, "stopped"),
            (WorkerState::Backoff, "backoff"),
            (WorkerState::GaveUp, "gave up"),
        ];
        for (state, text) in shown {
            assert_eq!(state.to_string(), text);
        }
        assert_eq!(format!("{:>8}", WorkerState::Ready), "   ready");
    }
}
