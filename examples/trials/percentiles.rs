//! [`Percentiles`]: times, sorted, as they are shown and compared.

use std::fmt;
use std::time::Duration;

/// All that were measured, sorted.
pub(crate) struct Percentiles(Vec<Duration>);

impl Percentiles {
    /// Of these times.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The time that so many in a thousand do not exceed; zero where there are none.
    pub(crate) fn per_mille(&self, so_many: usize) -> Duration {
        let rank = (self.0.len() * so_many).div_ceil(1_000);
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The longest.
    pub(crate) fn max(&self) -> Duration {
        self.per_mille(1_000)
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, so_many) in [("p50", 500), ("p99", 990), ("p99.9", 999)] {
            write!(f, "{name} {:.3} ms, ", self.per_mille(so_many).as_secs_f64() * 1e3)?;
        }
        write!(f, "max {:.3} ms", self.max().as_secs_f64() * 1e3)
    }
}
