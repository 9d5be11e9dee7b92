//! [`Plan`]: what a seed says of its world before anything happens there: its size, its limits, and what is likely.

use std::time::Duration;

use crate::clock::Clock;
use crate::pool::Settings;
use crate::supervise::RestartPolicy;

use super::random::Random;

/// How many workers a world has at most.
pub(super) const WORKERS_MAX: usize = 4;

/// What can be next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Submit,
    Work,
    Return,
    Drive,
    Keep,
    Cancel,
    Expire,
    Advance,
    Read,
    Listen,
    Define,
    Poll,
    Lose,
    Rumour,
    Shift,
    Stop,
    Settle,
}

/// Each kind, with how likely it is: from the first weight to the second, as the seed draws it.
const KINDS: [(Kind, u32, u32); 17] = [
    (Kind::Submit, 20, 200),
    (Kind::Work, 200, 500),
    (Kind::Return, 10, 100),
    (Kind::Drive, 20, 100),
    (Kind::Keep, 4, 40),
    (Kind::Cancel, 1, 30),
    (Kind::Expire, 2, 20),
    (Kind::Advance, 4, 50),
    (Kind::Read, 4, 40),
    (Kind::Listen, 1, 2),
    (Kind::Define, 1, 12),
    (Kind::Poll, 2, 10),
    (Kind::Lose, 0, 8),
    (Kind::Rumour, 0, 8),
    (Kind::Shift, 4, 20),
    (Kind::Stop, 0, 3),
    (Kind::Settle, 1, 3),
];

/// After what time a lost worker is started again.
pub(super) struct Delays {
    pub(super) base: Duration,
    pub(super) max: Duration,
    pub(super) jitter: Duration,
    /// A run that was ready for so long, and of use, begins them anew.
    pub(super) stable_after: Duration,
}

/// A seed's world.
pub(super) struct Plan {
    pub(super) workers: usize,
    pub(super) settings: Settings,
    /// Restarts within a window; none if there is no limit.
    pub(super) window: Option<(usize, Duration)>,
    pub(super) restarts: bool,
    pub(super) delays: Delays,
    /// Whether anybody may read the events.
    pub(super) is_heard: bool,
    /// An instance cannot be made once in so many times.
    pub(super) init_fails: u32,
    /// There is no thread once in so many times.
    pub(super) thread_fails: u32,
    /// A function panics once in so many times.
    pub(super) panics: u32,
    /// Whether a function whose run was left behind stays away.
    pub(super) is_stuck: bool,
    weights: [u32; KINDS.len()],
    total: u32,
}

impl Plan {
    pub(super) fn draw(random: &mut Random, clock: Clock) -> Self {
        let millis =
            |random: &mut Random, least, most| Duration::from_millis(random.between(least, most).into());
        let base = millis(random, 1, 20);
        let max = base * 4;
        let jitter = millis(random, 0, 20).min(max);
        let stable_after = millis(random, 10, 200);
        let (restarts, within) = (random.between(1, 3), millis(random, 300, 3_000));
        let (is_on, is_limited) = (!random.one_in(10), !random.one_in(6));
        let policy = if is_on { RestartPolicy::on_failure() } else { RestartPolicy::never() };
        let policy = policy.base(base).max(max).jitter(jitter).stable_after(stable_after);
        let policy = if is_limited { policy.within(restarts, within) } else { policy.unlimited() };
        policy.check().expect("the plan's policies hold");
        let overrun_grace = millis(random, 5, 60);
        let settings = Settings {
            clock,
            call_timeout: millis(random, 20, 300),
            control_timeout: millis(random, 5, 50),
            start_timeout: millis(random, 20, 200),
            stop_timeout: overrun_grace + millis(random, 1, 100),
            overrun_grace,
            pending_calls_max: random.between(0, 4),
            restart: policy,
            events_max: random.between(1, 12) as usize,
            thread_start: None,
            panic_locations: false,
            allows_panic_abort: false,
            seed: random.next(),
        };
        let weights = KINDS.map(|(_, least, most)| random.between(least, most));
        Self {
            workers: 1 + random.place(WORKERS_MAX),
            settings,
            window: is_limited.then_some((restarts as usize, within)),
            restarts: is_on,
            delays: Delays { base, max, jitter, stable_after },
            is_heard: random.one_in(3),
            init_fails: random.between(2, 20),
            thread_fails: random.between(4, 100),
            panics: random.between(4, 100),
            is_stuck: random.one_in(4),
            total: weights.iter().sum(),
            weights,
        }
    }

    /// What is next, if it can be.
    pub(super) fn next(&self, random: &mut Random) -> Kind {
        let mut drawn = random.below(self.total);
        for (weight, (kind, ..)) in self.weights.iter().zip(KINDS) {
            if drawn < *weight {
                return kind;
            }
            drawn -= weight;
        }
        Kind::Work
    }
}
