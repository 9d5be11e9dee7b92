//! The time that the process has had of all cores together, and pauses.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::time::{ClockId, clock_gettime};

use crate::drive::now;

/// CPU time of all threads of this process since its start, those that have ended included.
pub(in crate::goals) fn cpu_time() -> anyhow::Result<Duration> {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).ok().context("the CPU time is negative")
}

/// Does nothing for that long, and some 50 us more, which is how exactly the system wakes a thread.
#[expect(
    clippy::disallowed_methods,
    reason = "a pause is part of the load that is measured, not synchronisation"
)]
pub(in crate::goals) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Does nothing until then; returns at once if that has passed.
pub(in crate::goals) fn pause_until(then: Instant) {
    let left = then.saturating_duration_since(now());
    if !left.is_zero() {
        pause(left);
    }
}
