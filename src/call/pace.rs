//! [`Pace`]: how long a function takes, as its last runs have shown.
//!
//! Waking a worker that sleeps costs as much as a hundred runs of a short function. So a call of a short function goes to a
//! worker that is awake, as long as waiting behind what that has in flight is expected to cost less than a wake.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::sync::AtomicU32;

use super::spin::WAKE;

/// What a function is taken to need that has not run yet, and the most that one run counts.
const UNKNOWN: Duration = Duration::from_millis(1);

/// One run in so many is timed of a function that is known to be short.
pub(crate) const TIMED_EVERY: u64 = 8;

/// A new time counts so much of the mean.
const WEIGHT: u32 = 8;

/// The moving mean of the times of one function, in nanoseconds; 0 while none is known.
#[derive(Debug, Default)]
pub(crate) struct Pace(AtomicU32);

impl Pace {
    /// Counts one run. Where the clock stood still nothing is learnt.
    pub(crate) fn learn(&self, time: Duration) {
        let nanos =
            |time: Duration| u32::try_from(time.min(UNKNOWN).as_nanos()).expect("a millisecond has few");
        let (time, before) = (nanos(time), self.0.load(Ordering::Relaxed));
        let mean = match before {
            0 => time,
            // Rounded up: the mean of a function that takes no time is not unknown.
            _ => (before * (WEIGHT - 1) + time).div_ceil(WEIGHT),
        };
        // Two that learn at once lose one of their times: the mean stays one of times that were measured.
        if mean != before {
            self.0.store(mean, Ordering::Relaxed);
        }
    }

    /// Whether waking a worker for one run takes longer than the run.
    pub(crate) fn is_short(&self) -> bool {
        self.wake_worth() > 0
    }

    /// How many runs fit into the time that it takes to wake a worker.
    pub(crate) fn wake_worth(&self) -> u32 {
        match self.0.load(Ordering::Relaxed) {
            0 => 0,
            nanos => WAKE_NANOS / nanos,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is some microseconds")]
const WAKE_NANOS: u32 = WAKE.as_nanos() as u32;

impl Clone for Pace {
    fn clone(&self) -> Self {
        Self(AtomicU32::new(self.0.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_has_not_run_is_not_short() {
        let pace = Pace::default();
        assert_eq!((pace.wake_worth(), pace.is_short()), (0, false));
        pace.learn(Duration::ZERO);
        assert_eq!(pace.wake_worth(), 0, "the clock stood still: nothing is known");
    }

    #[test]
    fn a_wake_is_worth_as_many_runs_as_it_takes_time() {
        for (micros, worth) in [(1, 50), (10, 5), (25, 2), (50, 1), (51, 0), (2_000, 0)] {
            let pace = Pace::default();
            pace.learn(Duration::from_micros(micros));
            assert_eq!((pace.wake_worth(), pace.is_short()), (worth, worth > 0), "{micros} us");
        }
    }

    #[test]
    fn one_long_run_is_forgotten_after_a_few_dozen_short_ones() {
        let pace = Pace::default();
        (0..10).for_each(|_| pace.learn(Duration::from_nanos(100)));
        assert_eq!(pace.wake_worth(), 500);
        pace.learn(Duration::from_secs(20));
        assert!(!pace.is_short(), "{pace:?}");
        (0..24).for_each(|_| pace.learn(Duration::from_nanos(100)));
        assert!(pace.wake_worth() > 5, "{pace:?}");
    }

    #[test]
    fn a_copy_knows_what_the_pace_was() {
        let pace = Pace::default();
        pace.learn(Duration::from_nanos(100));
        assert_eq!((pace.clone().wake_worth(), pace.clone().is_short()), (pace.wake_worth(), true));
    }
}
