//! [`Played`]: one shift of a pool as a simulation plays it, with no thread but the simulation's own.

use std::sync::Arc;
use std::time::Instant;

use crate::call::{Scan, Shift, Totals};
use crate::id::{Run, Version};
use crate::supervise::played::Driver;
use crate::worker::played::{Begun, Stage};
use crate::worker::{Counts, Slots, Threads};

use super::crew::{Crew, scans};
use super::lifecycle::Pool;
use super::publish::is_waited_for;

/// From a start to the stop after it.
pub(crate) struct Played {
    crew: Arc<Crew>,
    pub(crate) driver: Driver,
    pub(crate) begun: Arc<Begun>,
    pub(crate) scans: Arc<[Arc<dyn Scan>]>,
}

impl Pool {
    /// Starts so many workers; calls and defines do not see them before [`Pool::admit_played`].
    pub(crate) fn start_played(&self, count: usize) -> Played {
        let mut runs = self.past.lock().runs.clone();
        runs.resize(count, Run(0));
        let shared = (&self.registry, &self.counts, &self.bus);
        let (slots, setup) = Crew::prepare(self.id(), self.settings(), shared, runs);
        let begun = Arc::<Begun>::default();
        let stage = |mailbox: &_| Stage { threads: Threads::new(&slots, mailbox), begun: Arc::clone(&begun) };
        let driver = Driver::start(setup, stage);
        let (board, mailbox) = (Arc::clone(driver.board()), driver.mailbox().clone());
        let scans = scans(&slots);
        let crew = Arc::new(Crew::new(slots, self.settings(), board, mailbox));
        Played { crew, driver, begun, scans }
    }

    pub(crate) fn admit_played(&self, played: &Played) {
        self.admit(&played.crew);
    }

    /// Ends a shift whose driver has ended.
    pub(crate) fn retire_played(&self, played: &Played) {
        self.retire(&played.crew);
    }

    /// How many calls there were, and how they ended.
    pub(crate) fn totals(&self) -> Totals {
        let (past, _) = self.past.lock().sum();
        let crew = self.crew();
        crew.as_ref().map_or(past, |crew| past + crew.shift().totals())
    }

    pub(crate) fn counts_played(&self) -> &Counts {
        self.counts()
    }
}

impl Played {
    pub(crate) fn slots(&self) -> &Slots {
        &self.crew.slots
    }

    /// The same, to be kept.
    #[cfg(wpc_loom)]
    pub(crate) fn shared_slots(&self) -> Arc<Slots> {
        Arc::clone(&self.crew.slots)
    }

    pub(crate) fn shift(&self) -> &Shift {
        self.crew.shift()
    }

    /// Whether each worker has been ready or has failed once.
    pub(crate) fn is_settled(&self) -> bool {
        self.crew.board.are_settled()
    }

    /// A stop is asked for.
    pub(crate) fn refuse(&self) {
        self.crew.refuse();
    }

    /// Its first mark.
    pub(crate) fn close(&self, kill_at: Instant) {
        self.crew.close(kill_at);
    }

    /// Whether a define has nothing left to wait for.
    pub(crate) fn is_taken_up(&self, version: Version) -> bool {
        let slots = self.slots();
        slots.all.iter().all(|slot| !is_waited_for(slots, slot, None) || slot.has_version(version))
    }
}
