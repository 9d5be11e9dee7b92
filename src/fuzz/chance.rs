//! [`Chance`]: numbers from a seed, and changes that make an input nearly right.

use super::split_mix::SplitMix;

/// How many changes one input gets at the most.
const CHANGES_MAX: usize = 4;

/// The numbers of one seed.
pub(crate) struct Chance(SplitMix);

impl Chance {
    /// The numbers of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(SplitMix::new(seed))
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("it is below a `usize`")
    }

    /// Any byte.
    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// So many bytes, of any kind.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Changes some of the bytes: flips bits, cuts, repeats, puts pieces of `other` in.
    pub(crate) fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(CHANGES_MAX) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(7) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.byte(),
                2 => bytes.truncate(at + 1),
                3 => bytes.insert(at, self.byte()),
                4 => drop(bytes.remove(at)),
                5 => self.splice(bytes, at, other),
                _ => {
                    let own = bytes.clone();
                    self.splice(bytes, at, &own);
                }
            }
        }
    }

    /// Puts a piece of `from` where up to as many bytes stood.
    fn splice(&mut self, bytes: &mut Vec<u8>, at: usize, from: &[u8]) {
        if from.is_empty() {
            return;
        }
        let start = self.below(from.len());
        let length = self.below(32).min(from.len() - start);
        let replaced = self.below(length + 1).min(bytes.len() - at);
        bytes.splice(at..at + replaced, from[start..start + length].iter().copied());
    }
}
