//! [`Rest`]: whether a worker without a job waits awake or goes to sleep, as its last gaps have shown.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::call::{WAKE, spin};
use crate::clock::Clock;

/// A worker waits awake only while its gaps are shorter than this on average: else it would mostly be in vain.
const GAP_MAX: Duration = Duration::from_micros(100);

/// The most that one gap counts.
const GAP_COUNTED_MAX: Duration = Duration::from_millis(1);

/// A new gap counts so much of the mean.
const WEIGHT: u32 = 4;

/// What a worker knows of its gaps between two jobs.
#[derive(Debug, Default)]
pub(super) struct Rest {
    mean: Cell<Duration>,
    since: Cell<Option<Instant>>,
}

impl Rest {
    /// Waits awake for as long as that is expected to be of use; true if there is something to do. `has_news` is asked less often than `has_jobs`.
    pub(super) fn wait_awake(
        &self,
        clock: &Clock,
        has_company: impl Fn() -> bool,
        has_jobs: impl Fn() -> bool,
        has_news: impl Fn() -> bool,
    ) -> bool {
        if self.since.get().is_none() {
            self.since.set(Some(clock.now()));
        }
        if self.mean.get() > GAP_MAX {
            return has_news();
        }
        let is_found = Cell::new(false);
        let looks = || {
            is_found.set(is_found.get() || has_news());
            has_company()
        };
        spin(clock, WAKE, looks, || is_found.get() || has_jobs())
    }

    /// There is a job: the gap is over.
    pub(super) fn is_over(&self, clock: &Clock) {
        if let Some(since) = self.since.take() {
            let gap = clock.now().saturating_duration_since(since).min(GAP_COUNTED_MAX);
            self.mean.set((self.mean.get() * (WEIGHT - 1) + gap) / WEIGHT);
        }
    }
}
