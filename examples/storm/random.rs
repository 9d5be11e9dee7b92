//! [`Random`]: the numbers that a seed stands for.

/// A small generator (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    /// The numbers that belong to the `number`th thing under this seed, whatever was drawn for the others.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        Self(Self(seed ^ Self(number).next()).next())
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
