//! [`Tree`]: calls that make calls, drawn from a seed. Whoever has the seed knows how many calls it is.

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// How many pools the calls go to.
pub(crate) const POOLS: usize = 3;

/// A call, and by it all calls that are made inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tree {
    /// The pool that its function runs in.
    pub(crate) pool: usize,
    /// How many calls may still be made inside each other below this one.
    pub(crate) depth: u32,
    /// How many calls it is, itself included.
    pub(crate) calls: u32,
    /// Whether calls go to any pool, the calling ones included, or only to the same and to later ones.
    pub(crate) crosses: bool,
    pub(crate) seed: u64,
}

/// How a function makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Blocking,
    /// Submits it, and waits for it at once.
    Waiting,
    /// Submits it, and waits for it when the other calls have been made.
    WaitingLater,
}

impl Tree {
    /// The calls that its function makes, in their order.
    pub(crate) fn children(&self) -> Vec<(Way, Tree)> {
        let mut random = Random::new(self.seed);
        let mut left = if self.depth == 0 { 0 } else { self.calls - 1 };
        let mut children = Vec::new();
        while left > 0 {
            // A few large parts rather than many small ones, so that trees are deep.
            let calls = if random.once_in(2) {
                left
            } else {
                1 + u32::try_from(random.below(left.into())).expect("less")
            };
            left -= calls;
            let pool = match random.below(3) {
                0 if self.crosses => random.index(POOLS),
                0 => (self.pool + 1).min(POOLS - 1),
                _ => self.pool,
            };
            let way = match random.below(4) {
                0 => Way::Waiting,
                1 => Way::WaitingLater,
                _ => Way::Blocking,
            };
            let depth = self.depth - 1;
            children.push((way, Tree { pool, depth, calls, crosses: self.crosses, seed: random.next() }));
        }
        children
    }

    /// How many calls are made inside it: at the bottom none are, however many were left.
    pub(crate) fn nested(&self) -> u64 {
        self.children().iter().map(|(_, child)| 1 + child.nested()).sum()
    }
}
