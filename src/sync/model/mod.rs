//! What stands for parts that a model checker cannot look into: each is a lock around what it promises.

pub(crate) mod channel;
mod once;
mod swap;

use std::sync::atomic::Ordering;

use super::machine::fence;

pub(crate) use once::OnceLock;
pub(crate) use swap::{ArcSwap, ArcSwapOption, Guard};

/// The full barrier between "store mine" and "load yours" of the hand-shakes that need one on both sides.
pub(crate) fn full_fence() {
    fence(Ordering::SeqCst);
}

/// The same, where the last that the calling thread has written for others was by a swap: a model takes nothing from that.
pub(crate) fn full_fence_after_swap() {
    full_fence();
}

/// A model has no cores.
pub(crate) fn core() -> Option<usize> {
    None
}
