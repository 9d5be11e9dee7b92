//! [`Random`]: the numbers of a random test, from a seed that the test prints.

use std::hash::{BuildHasher, Hasher, RandomState};

/// The variable that a seed is read from, to run a random test again.
const SEED_VARIABLE: &str = "WPC_SEED";

/// A small generator (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
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
