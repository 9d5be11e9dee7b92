//! [`Random`]: the numbers that a seed stands for.

use crate::split_mix::SplitMix;

/// Numbers that belong to one thing of many.
pub(crate) struct Random(SplitMix);

impl Random {
    /// The numbers that belong to the `number`th thing under this seed, whatever was drawn for the others.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let own = SplitMix::new(number).next();
        Self(SplitMix::new(SplitMix::new(seed ^ own).next()))
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
