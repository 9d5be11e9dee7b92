//! [`Random`]: the numbers of a trial, from the seed that it prints.

use std::time::Duration;

use crate::split_mix::SplitMix;

#[derive(Clone, Debug)]
/// Numbers of every shape that a trial asks for.
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

    /// True once in `so_many` times.
    pub(crate) fn once_in(&mut self, so_many: u64) -> bool {
        self.below(so_many) == 0
    }

    /// An index into something of this length.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("it is below a `usize`")
    }

    /// A time shorter than `limit`.
    pub(crate) fn time_below(&mut self, limit: Duration) -> Duration {
        let micros = u64::try_from(limit.as_micros()).expect("the limits here are short");
        Duration::from_micros(self.below(micros))
    }
}
