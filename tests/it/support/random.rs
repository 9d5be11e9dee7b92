//! [`Random`]: the numbers of a random test, from a seed that the test prints.

use std::hash::{BuildHasher, Hasher, RandomState};

use super::split_mix::SplitMix;

/// The variable that a seed is read from, to run a random test again.
const SEED_VARIABLE: &str = "WPC_SEED";

/// The numbers of one seed.
pub(crate) struct Random(SplitMix);

impl Random {
    /// The numbers of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(SplitMix::new(seed))
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// The seed of this run: another one each time, unless `WPC_SEED` says which. It is printed.
pub(crate) fn seed() -> u64 {
    let seed = match std::env::var(SEED_VARIABLE) {
        Ok(text) => text.parse().expect("the seed is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    eprintln!("the seed is {seed}: run again with {SEED_VARIABLE}={seed}");
    seed
}
