//! Arrivals of calls that come when they come, whatever is still being served: with gaps by chance, from a seed.

use std::time::Duration;

/// An endless row of gaps, exponentially distributed, and of other chances.
pub(in crate::goals) struct Chance(u64);

impl Chance {
    pub(in crate::goals) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A gap of that length on average.
    pub(in crate::goals) fn gap(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-(1.0 - self.fraction()).ln())
    }

    /// A number below `end`, each as likely.
    pub(in crate::goals) fn below(&mut self, end: u32) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at least 0 and less than `end`"
        )]
        let number = (self.fraction() * f64::from(end)) as u32;
        number
    }

    /// At least 0 and less than 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are left")]
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// `SplitMix64`, by Sebastiano Vigna, in the public domain.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gaps_are_those_of_the_seed_and_of_the_mean() {
        const GAPS: u32 = 100_000;
        let mean = Duration::from_micros(100);
        let sum = |seed| {
            let mut chance = Chance::new(seed);
            (0..GAPS).map(|_| chance.gap(mean)).sum::<Duration>()
        };
        assert_eq!(sum(1), sum(1));
        assert_ne!(sum(1), sum(2));
        let found = sum(1).as_secs_f64() / (mean * GAPS).as_secs_f64();
        assert!((0.98..1.02).contains(&found), "{found}");
    }

    #[test]
    fn numbers_are_below_their_end_and_reach_it() {
        let mut chance = Chance::new(1);
        let numbers: Vec<u32> = (0..1_000).map(|_| chance.below(10)).collect();
        assert_eq!((numbers.iter().min(), numbers.iter().max()), (Some(&0), Some(&9)));
    }
}
