//! [`RestartPolicy`]: whether and when a lost worker is started again. Pure: no clock, no chance.

use std::time::Duration;

/// Whether and when a lost worker is started again.
///
/// The `k`th restart in a row comes after `base * factor^k`, at most `max`, plus up to `jitter`. A run that was ready for
/// `stable_after` and ran a call to its end begins the row anew. Beyond so many restarts within a window of time the
/// worker is given up.
///
/// A run that was abandoned because its function went on for too long is replaced at once and counts for neither: what
/// bounds those is how many abandoned threads are still out, 4, or the number of workers if that is more. Beyond it the
/// worker is replaced once one of them has returned.
///
/// | setting | of [`RestartPolicy::on_failure`] | rule |
/// |---|---|---|
/// | `base` | 100 ms | more than zero, at most `max` |
/// | `factor` | 2 | at least 1 |
/// | `max` | 5 s | |
/// | `jitter` | 100 ms | at most `max` |
/// | `within` | 3 restarts in 60 s | at least one, in a window that so many restarts can fit into |
/// | `stable_after` | 60 s | |
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use wpc::{RestartPolicy, Wpc};
/// let patient = RestartPolicy::on_failure().within(10, Duration::from_secs(300));
/// assert!(Wpc::builder().restart(patient).build().is_ok());
/// // The tenth restart in a row comes after more than 20 s: this window could never trip.
/// let never_trips = RestartPolicy::on_failure().within(10, Duration::from_secs(20));
/// assert!(Wpc::builder().restart(never_trips).build().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a policy does nothing until a builder is given it"]
pub struct RestartPolicy {
    when: When,
    base: Duration,
    factor: u32,
    max: Duration,
    jitter: Duration,
    limit: Limit,
    stable_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Never,
    OnFailure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Within(u32, Duration),
    Unlimited,
}

/// The most restarts that a window may count.
const RESTARTS_MAX: u32 = 1_000;

/// A restart policy that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The first delay is zero, or more than the longest.
    #[error("`base` is {base:?}: it must be more than zero and at most `max`, {max:?}")]
    Base {
        /// The first delay.
        base: Duration,
        /// The longest delay.
        max: Duration,
    },
    /// Delays would shrink.
    #[error("`factor` is {factor}: it must be at least 1")]
    Factor {
        /// Its value.
        factor: u32,
    },
    /// The jitter is longer than the longest delay.
    #[error("`jitter` is {jitter:?}: it must be at most `max`, {max:?}")]
    Jitter {
        /// Its value.
        jitter: Duration,
        /// The longest delay.
        max: Duration,
    },
    /// The window counts no restart, or too many.
    #[error("`within` allows {restarts} restarts: it must be 1 to {limit}", limit = RESTARTS_MAX)]
    Restarts {
        /// Their number.
        restarts: u32,
    },
    /// So many restarts take longer than the window, so that it would never trip.
    #[error("{restarts} restarts take at least {taken:?}: a window of {window:?} can never trip")]
    Window {
        /// The restarts that are allowed.
        restarts: u32,
        /// The window.
        window: Duration,
        /// How long so many restarts in a row take at the least.
        taken: Duration,
    },
}

impl RestartPolicy {
    /// A lost worker is given up.
    pub fn never() -> Self {
        Self { when: When::Never, ..Self::on_failure() }
    }

    /// A lost worker is started again, by the documented delays: the default.
    pub fn on_failure() -> Self {
        Self {
            when: When::OnFailure,
            base: Duration::from_millis(100),
            factor: 2,
            max: Duration::from_secs(5),
            jitter: Duration::from_millis(100),
            limit: Limit::Within(3, Duration::from_secs(60)),
            stable_after: Duration::from_secs(60),
        }
    }

    /// The delay before the first restart in a row.
    pub fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// What each delay in a row is multiplied by.
    pub fn factor(mut self, factor: u32) -> Self {
        self.factor = factor;
        self
    }

    /// The longest delay, without jitter.
    pub fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// What is added to each delay at the most, by chance.
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// So many restarts within a window of time; one more and the worker is given up.
    pub fn within(mut self, restarts: u32, window: Duration) -> Self {
        self.limit = Limit::Within(restarts, window);
        self
    }

    /// As many restarts as it takes.
    pub fn unlimited(mut self) -> Self {
        self.limit = Limit::Unlimited;
        self
    }

    /// How long a run must have been ready, besides having run a call to its end, for the delays to begin anew.
    pub fn stable_after(mut self, uptime: Duration) -> Self {
        self.stable_after = uptime;
        self
    }

    pub(crate) fn check(&self) -> Result<(), PolicyError> {
        let Self { base, factor, max, jitter, limit, .. } = *self;
        if base.is_zero() || base > max {
            return Err(PolicyError::Base { base, max });
        }
        if factor == 0 {
            return Err(PolicyError::Factor { factor });
        }
        if jitter > max {
            return Err(PolicyError::Jitter { jitter, max });
        }
        let Limit::Within(restarts, window) = limit else { return Ok(()) };
        if restarts == 0 || restarts > RESTARTS_MAX {
            return Err(PolicyError::Restarts { restarts });
        }
        let taken =
            (0..restarts).map(|attempt| self.delay(attempt)).fold(Duration::ZERO, Duration::saturating_add);
        if taken >= window { Err(PolicyError::Window { restarts, window, taken }) } else { Ok(()) }
    }

    pub(super) fn restarts(&self) -> bool {
        self.when == When::OnFailure
    }

    /// The delay before restart number `attempt` in a row, counted from 0, without jitter.
    pub(crate) fn delay(&self, attempt: u32) -> Duration {
        let factor = self.factor.checked_pow(attempt).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.max)
    }

    pub(super) fn jitter_max(&self) -> Duration {
        self.jitter
    }

    /// How many restarts fit into which window; none if they are not counted.
    pub(super) fn window(&self) -> Option<(usize, Duration)> {
        match self.limit {
            Limit::Within(restarts, window) => Some((restarts as usize, window)),
            Limit::Unlimited => None,
        }
    }

    pub(super) fn is_stable(&self, uptime: Duration) -> bool {
        uptime >= self.stable_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_longest_and_never_overflow() {
        let policy = RestartPolicy::on_failure();
        let millis: Vec<u128> = (0..8).map(|attempt| policy.delay(attempt).as_millis()).collect();
        assert_eq!(millis, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(policy.delay(u32::MAX), Duration::from_secs(5));
    }

    #[test]
    fn a_window_is_refused_exactly_when_it_cannot_trip() {
        let policy = RestartPolicy::on_failure();
        assert_eq!(policy.check(), Ok(()));
        // 100 + 200 + 400 ms
        let just = Duration::from_millis(700);
        assert!(
            matches!(policy.within(3, just).check(), Err(PolicyError::Window { taken, .. }) if taken == just)
        );
        assert_eq!(policy.within(3, just + Duration::from_nanos(1)).check(), Ok(()));
    }

    #[test]
    fn each_setting_is_taken_at_its_limits_and_refused_beyond_them() {
        let policy = RestartPolicy::on_failure();
        let (second, nano, zero) = (Duration::from_secs(1), Duration::from_nanos(1), Duration::ZERO);
        let long = Duration::MAX;
        assert_eq!(policy.base(nano).check(), Ok(()));
        assert_eq!(policy.base(second).max(second).check(), Ok(()));
        let too_long = second + nano;
        assert_eq!(
            policy.base(too_long).max(second).check(),
            Err(PolicyError::Base { base: too_long, max: second })
        );
        assert!(matches!(policy.base(zero).check(), Err(PolicyError::Base { base, .. }) if base == zero));
        assert_eq!(policy.factor(1).check(), Ok(()));
        assert_eq!(policy.factor(0).check(), Err(PolicyError::Factor { factor: 0 }));
        assert_eq!(policy.max(second).jitter(second).check(), Ok(()));
        assert_eq!(
            policy.max(second).jitter(too_long).check(),
            Err(PolicyError::Jitter { jitter: too_long, max: second })
        );
        for restarts in [1, RESTARTS_MAX] {
            assert_eq!(policy.within(restarts, long).check(), Ok(()));
        }
        for restarts in [0, RESTARTS_MAX + 1] {
            assert_eq!(policy.within(restarts, long).check(), Err(PolicyError::Restarts { restarts }));
        }
        assert_eq!(policy.unlimited().check(), Ok(()));
    }

    #[test]
    fn what_was_set_is_what_the_driver_goes_by() {
        let (minute, milli) = (Duration::from_secs(60), Duration::from_millis(1));
        let policy = RestartPolicy::on_failure().within(5, minute).jitter(milli).stable_after(minute);
        assert!(policy.restarts() && !RestartPolicy::never().restarts());
        assert_eq!((policy.window(), policy.jitter_max()), (Some((5, minute)), milli));
        assert_eq!(policy.unlimited().window(), None);
        assert!(policy.is_stable(minute) && !policy.stable_after(minute + milli).is_stable(minute));
        assert_eq!(policy.base(milli).factor(3).max(minute).delay(2), 9 * milli);
    }
}
