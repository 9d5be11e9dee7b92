//! Publishing: what a define waits for, and who has what.

use std::time::{Duration, Instant};

use crate::call::{Phase, current};
use crate::hash::Hash;
use crate::id::{Version, WorkerId};
use crate::registry::Change;
use crate::sync;
use crate::worker::{Slot, Slots};

use super::lifecycle::Pool;

/// What a define has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Defined {
    /// The version that every call accepted from now on runs; the one before, if nothing has changed.
    pub version: Version,
    /// The hash of the function, of the constant's encoding, or of the dependency's library (of a C library that the
    /// system's loader finds: of its name and listed symbols).
    pub hash: Hash,
    /// How many workers have acknowledged it; of a dependency, how many have their instance.
    pub installed: usize,
    /// The workers that have not: each of them does before it runs anything that needs it.
    pub pending: Vec<WorkerId>,
}

/// Why waiting for acknowledgements ended without them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// Asked for on a worker of this very pool, whose own acknowledgement comes only after the function that waits.
    #[error("a worker cannot wait for its own acknowledgement")]
    WouldDeadlock,
    /// The time was up first.
    #[error("{} workers have not acknowledged version {version} in time", pending.len())]
    TimedOut {
        /// The version that was waited for.
        version: Version,
        /// The workers that have not acknowledged it.
        pending: Vec<WorkerId>,
    },
}

impl Pool {
    /// Says where the workers stand with what was published, after those that are not inside a call have had
    /// `control_timeout` to take it.
    pub(crate) fn defined(&self, change: Change) -> Defined {
        let Change { version, hash } = change;
        let crew = self.crew();
        let Some(crew) = crew.as_ref() else {
            return Defined { version, hash, installed: 0, pending: Vec::new() };
        };
        self.await_acknowledgements(version, self.control_deadline());
        let slots = &crew.slots;
        Defined { version, hash, installed: slots.installed(version), pending: slots.pending(version) }
    }

    /// Wakes the workers for what was published, and waits for those that are not inside a call or a library's `init`.
    pub(super) fn await_acknowledgements(&self, version: Version, until: Option<Instant>) {
        let crew = self.crew();
        let Some(crew) = crew.as_ref() else { return };
        let slots = &crew.slots;
        slots.wake_all();
        let own = current::inside_of(self.id()).map(|inside| inside.worker_id());
        self.wait_for(slots, until, |slot| !is_waited_for(slots, slot, own) || slot.has_version(version));
    }

    pub(super) fn control_deadline(&self) -> Option<Instant> {
        self.settings().clock.now().checked_add(self.settings().control_timeout)
    }

    /// Wakes the workers for what was taken away; nobody waits for that.
    pub(crate) fn undefined(&self) {
        if let Some(crew) = self.crew().as_ref() {
            crew.slots.wake_all();
        }
    }

    /// Waits until every worker that serves has acknowledged `version`; how many these are.
    pub(crate) fn wait_installed(&self, version: Version, timeout: Duration) -> Result<usize, WaitError> {
        if self.is_waited_for_here() {
            return Err(WaitError::WouldDeadlock);
        }
        let crew = self.crew();
        let Some(crew) = crew.as_ref() else { return Ok(0) };
        let slots = &crew.slots;
        let until = self.settings().clock.now().checked_add(timeout);
        if self.wait_for(slots, until, |slot| !slot.is_serving() || slot.has_version(version)) {
            Ok(slots.installed(version))
        } else {
            Err(WaitError::TimedOut { version, pending: slots.pending(version) })
        }
    }

    fn wait_for(&self, slots: &Slots, until: Option<Instant>, holds: impl Fn(&Slot) -> bool) -> bool {
        let clock = &self.settings().clock;
        let pause = || clock.wait(until).park(sync::park);
        slots.acknowledgements.wait(pause, || slots.all.iter().all(&holds))
    }
}

/// Whether a define waits for the slot's worker. One that only drops what it has done with is waited for too; but not by
/// a worker (`own`), which may be doing so itself: it cannot wait for itself, and two could wait for each other.
pub(super) fn is_waited_for(slots: &Slots, slot: &Slot, own: Option<WorkerId>) -> bool {
    let waited_for: &[Phase] =
        if own.is_some() { &[Phase::Between] } else { &[Phase::Between, Phase::Cleaning] };
    Some(slot.id) != own
        && slot.is_serving()
        && waited_for.contains(&slots.load(slot).hand().phase)
        && !slot.is_installing()
}
