//! [`Random`]: the numbers of one seed.

use crate::fuzz::SplitMix;

/// Numbers of every shape that a world asks for.
pub(super) struct Random(SplitMix);

impl Random {
    /// The numbers of this seed. Seeds that follow each other have nothing in common.
    pub(super) fn new(seed: u64) -> Self {
        let mut numbers = SplitMix::new(seed.wrapping_mul(0xD134_2543_DE82_EF95));
        numbers.next();
        Self(numbers)
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        let scaled = (self.next() >> 32) * u64::from(limit);
        u32::try_from(scaled >> 32).expect("it is less than the limit")
    }

    /// A place below `len`.
    pub(super) fn place(&mut self, len: usize) -> usize {
        self.below(u32::try_from(len).expect("worlds are small")) as usize
    }

    /// A number from `least` to `most`.
    pub(super) fn between(&mut self, least: u32, most: u32) -> u32 {
        least + self.below(most - least + 1)
    }

    /// True once in so many times.
    pub(super) fn one_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }
}
