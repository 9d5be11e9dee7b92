//! Work of a known length: steps of a generator, each of which needs the one before. No clock is read while it is done,
//! and what comes out shows that it was.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::drive::now;

const FACTOR: u64 = 6_364_136_223_846_793_005;
const SUMMAND: u64 = 1_442_695_040_888_963_407;

/// Steps of one measurement of the machine's speed: some milliseconds.
const STEPS_PROBED: u32 = 2_000_000;

/// Measurements; the fastest is taken, which nothing else on the machine has made slower.
const PROBES: usize = 15;

/// What is to be done: so many steps from a seed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::goals) struct Spin {
    pub(in crate::goals) seed: u64,
    pub(in crate::goals) steps: u32,
}

/// What has come out, and of what, since replies may come in any order.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::goals) struct Spun {
    seed: u64,
    state: u64,
}

impl Spin {
    /// Does it; the same code for everybody, wherever it is called from.
    #[inline(never)]
    pub(in crate::goals) fn run(self) -> Spun {
        let mut state = black_box(self.seed);
        for _ in 0..black_box(self.steps) {
            state = state.wrapping_mul(FACTOR).wrapping_add(SUMMAND);
        }
        Spun { seed: self.seed, state: black_box(state) }
    }
}

/// What any seed must come to after a number of steps, without taking them: a product and a sum.
#[derive(Clone, Copy, Debug)]
pub(in crate::goals) struct Answer {
    factor: u64,
    summand: u64,
}

impl Answer {
    pub(in crate::goals) fn after(steps: u32) -> Self {
        let (mut factor, mut summand) = (1_u64, 0_u64);
        for _ in 0..steps {
            factor = factor.wrapping_mul(FACTOR);
            summand = summand.wrapping_mul(FACTOR).wrapping_add(SUMMAND);
        }
        Self { factor, summand }
    }

    /// Checks what has come out, whatever the seed.
    pub(in crate::goals) fn check(self, spun: Spun) -> anyhow::Result<()> {
        let right = spun.seed.wrapping_mul(self.factor).wrapping_add(self.summand);
        ensure!(spun.state == right, "seed {} came to {} and not to {right}", spun.seed, spun.state);
        Ok(())
    }
}

impl Spun {
    pub(in crate::goals) fn seed(self) -> u64 {
        self.seed
    }
}

/// How many steps take that long on a core of this machine; its speed is measured once.
pub(in crate::goals) fn steps_of(time: Duration) -> anyhow::Result<u32> {
    static PROBE: OnceLock<Duration> = OnceLock::new();
    let probe = PROBE.get_or_init(|| (0..PROBES).map(|_| probe()).min().unwrap_or_default());
    ensure!(!probe.is_zero(), "the clock stands still");
    Ok(u32::try_from(time.as_nanos() * u128::from(STEPS_PROBED) / probe.as_nanos())?)
}

fn probe() -> Duration {
    let start = now();
    black_box(Spin { seed: 1, steps: STEPS_PROBED }.run());
    now() - start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_that_of_the_steps() {
        for steps in [0, 1, 2, 1_000] {
            let answer = Answer::after(steps);
            let spun = [0, 1, u64::MAX].map(|seed| Spin { seed, steps }.run());
            for spun in spun {
                answer.check(spun).unwrap();
                let wrong = Spun { state: spun.state ^ 1, ..spun };
                assert!(answer.check(wrong).is_err());
            }
        }
    }
}
