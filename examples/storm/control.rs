//! What is done to the pool from beside: the function is redefined, the workers are stopped and started, and those that
//! are stuck are let go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use wpc::{Clock, Wpc};

use crate::ledger::{Flaw, Ledger};
use crate::plan::Class;
use crate::random::Random;
use crate::work::{self, Latches};

/// How long a stop may take.
pub(crate) const STOP_TIMEOUT: Duration = Duration::from_millis(40);

/// How long the counts may take to settle where nothing moves any more.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// How many stuck functions are let go at once at the most, and how long the first of them waits for the others.
const WAVE_MAX: u64 = 6;
const WAVE_WAIT: Duration = Duration::from_millis(20);

/// How long they are held at the most for their threads to be abandoned.
const ABANDONED_BY: Duration = Duration::from_millis(200);

/// How often the counts are read that nobody tells of.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What they all need.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) wpc: Wpc,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) latches: Arc<Latches>,
    pub(crate) clock: Clock,
    pub(crate) seed: u64,
}

impl Control {
    /// Defines one more version for each request.
    pub(crate) fn redefine(&self, requests: &Receiver<()>) {
        for (version, ()) in (2..).zip(requests) {
            match work::define(&self.wpc, &self.ledger, &self.latches, version) {
                Ok(()) => self.ledger.strike(Class::Redefinition),
                Err(error) => self.accuse(Flaw::Unexpected, &format!("a define fails: {error}")),
            }
        }
    }

    /// Stops and starts for each request, with up to `workers` workers; how long the slowest stop took.
    pub(crate) fn restart(&self, requests: &Receiver<()>, workers: usize) -> Duration {
        let mut random = Random::of(self.seed, u64::MAX);
        let mut slowest = Duration::ZERO;
        for () in requests {
            slowest = slowest.max(self.stop());
            // The better of two draws: seldom so few that all of them are stuck.
            let count = 1 + random.below(workers as u64).max(random.below(workers as u64));
            let count = usize::try_from(count).expect("workers are few");
            match self.wpc.start_workers(count) {
                Ok(_) => self.ledger.strike(Class::StopStart),
                Err(error) => self.accuse(Flaw::Unexpected, &format!("a start fails: {error}")),
            }
        }
        slowest
    }

    /// Stops the workers; how long that took. Nothing is in flight then, and every accepted call has ended.
    pub(crate) fn stop(&self) -> Duration {
        let begun = self.clock.now();
        self.ledger.turn_stop();
        let stopped = self.wpc.stop_workers();
        self.ledger.turn_stop();
        if let Err(error) = stopped {
            self.accuse(Flaw::Unexpected, &format!("a stop fails: {error}"));
        }
        let took = self.clock.now() - begun;
        self.latches.outstaying.release();
        let is_even = || {
            let stats = self.wpc.stats();
            stats.in_flight == 0 && stats.calls.accepted == stats.calls.ended()
        };
        // A caller that was just ending a call may still be at it.
        if !settles(&self.clock, SETTLE_MAX, is_even) {
            self.accuse(Flaw::Drift, &format!("after a stop: {:?}", self.wpc.stats()));
        }
        took
    }

    /// Lets stuck functions go in waves, each after its threads have been abandoned, until that is not wanted any more.
    pub(crate) fn release(&self, is_over: &AtomicBool) {
        let mut random = Random::of(self.seed, u64::MAX - 1);
        while !is_over.load(Ordering::Acquire) {
            let stuck = &self.latches.stuck;
            if stuck.wait_inside(1, WAVE_WAIT) == 0 {
                continue;
            }
            stuck.wait_inside(1 + random.below(WAVE_MAX), WAVE_WAIT);
            let are_abandoned = || self.wpc.stats().abandoned_threads >= stuck.wait_inside(0, Duration::ZERO);
            settles(&self.clock, ABANDONED_BY, are_abandoned);
            stuck.release();
        }
        self.latches.stuck.open();
    }

    fn accuse(&self, flaw: Flaw, what: &str) {
        self.ledger.accuse(flaw, || what.to_owned());
        self.ledger.give_up();
    }
}

/// Waits until it holds, for `limit`; whether it does.
pub(crate) fn settles(clock: &Clock, limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let until: Instant = clock.now() + limit;
    loop {
        if holds() {
            return true;
        }
        if clock.now() >= until {
            return false;
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
}
