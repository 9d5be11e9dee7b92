//! The machine's own atomics, locks and threads.

use std::io;
use std::sync::atomic::{self, Ordering};
use std::time::Duration;

pub(crate) use arc_swap::{ArcSwap, ArcSwapOption, Guard};
pub(crate) use crossbeam_channel as channel;
pub(crate) use std::hint::spin_loop as spin_hint;
pub(crate) use std::sync::OnceLock;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};
pub(crate) use std::thread::{JoinHandle, Thread, ThreadId, current, yield_now};

pub(crate) use super::unsafe_cell::UnsafeCell;

pub(super) use std::sync::{Mutex as Lock, MutexGuard};

/// The full barrier between "store mine" and "load yours" of the hand-shakes that need one on both sides.
pub(crate) fn full_fence() {
    // What `mfence` does at several times the cost: the same choice as crossbeam-epoch's when it pins a thread.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let word = AtomicBool::new(false);
        std::hint::black_box(&word).swap(true, Ordering::SeqCst);
        atomic::compiler_fence(Ordering::SeqCst);
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    atomic::fence(Ordering::SeqCst);
}

/// [`full_fence`], where the last that the calling thread has written for others was by a swap, or another read-modify-write: on
/// x86-64 each of those is a full barrier by itself.
pub(crate) fn full_fence_after_swap() {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    full_fence();
}

/// The core that the calling thread runs on at this moment, where the system tells.
#[cfg(all(target_os = "linux", not(miri)))]
#[expect(clippy::unnecessary_wraps, reason = "other systems do not tell")]
pub(crate) fn core() -> Option<usize> {
    Some(rustix::thread::sched_getcpu())
}

/// The core that the calling thread runs on at this moment, where the system tells.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub(crate) fn core() -> Option<usize> {
    None
}

/// Parks the calling thread until it is unparked, for at most `limit` (none: without one). It may return early.
pub(crate) fn park(limit: Option<Duration>) {
    match limit {
        None => std::thread::park(),
        Some(limit) => std::thread::park_timeout(limit),
    }
}

/// Starts a thread of that name.
pub(crate) fn spawn<T: Send + 'static>(
    name: String,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    std::thread::Builder::new().name(name).spawn(work)
}

/// A value of the whole process.
macro_rules! shared {
    ($(#[$meta:meta])* static $name:ident: $of:ty = $value:expr;) => {
        $(#[$meta])*
        static $name: $of = $value;
    };
}

/// A value of each thread.
macro_rules! local {
    ($(#[$meta:meta])* static $name:ident: $of:ty = $value:expr;) => {
        std::thread_local! {
            $(#[$meta])*
            static $name: $of = const { $value };
        }
    };
}

pub(crate) use {local, shared};
