//! [`Rest`]: whether a worker without a job waits awake or goes to sleep, as its last waits have shown.

use crate::call::{Budget, WAKE, wait_awake, wait_awake_yielding};
use crate::clock::Clock;

/// What a worker knows of its waits for the next job.
#[derive(Debug)]
pub(super) struct Rest(Budget);

impl Default for Rest {
    fn default() -> Self {
        Self(Budget::new(WAKE))
    }
}

impl Rest {
    /// Waits awake for as long as that is expected to be of use; true if there is something to do. Where it is crowded others may
    /// need the core meanwhile. `has_news` costs more than `has_jobs`, and is asked at the end only: whoever has news for a worker
    /// that is awake can wait for so long.
    pub(super) fn wait_awake(
        &self,
        (clock, is_crowded): (&Clock, bool),
        has_jobs: impl FnMut() -> bool,
        has_news: impl FnOnce() -> bool,
    ) -> bool {
        let budget = self.0.next();
        let has_come = if is_crowded {
            wait_awake_yielding((clock, budget), has_jobs, || true)
        } else {
            wait_awake(clock, budget, has_jobs)
        };
        if !budget.is_zero() {
            self.0.learn(has_come);
        }
        has_come || has_news()
    }
}
