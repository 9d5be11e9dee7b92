//! The stand-ins of shuttle, which plays what many threads do in orders that a seed draws.

use std::io;
use std::time::Duration;

pub(crate) use ::shuttle::hint::spin_loop as spin_hint;
pub(crate) use ::shuttle::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize,
};
pub(crate) use ::shuttle::thread::{JoinHandle, Thread, ThreadId, current, yield_now};

pub(crate) use super::model::{
    ArcSwap, ArcSwapOption, Guard, OnceLock, channel, core, full_fence, full_fence_after_swap,
};
pub(crate) use super::unsafe_cell::UnsafeCell;

pub(super) use ::shuttle::sync::atomic::fence;
pub(super) use ::shuttle::sync::{Mutex as Lock, MutexGuard};

/// Parks the calling thread until it is unparked. No time passes by itself: another thread moves the clock.
pub(crate) fn park(_: Option<Duration>) {
    ::shuttle::thread::park();
}

/// Starts a thread of that name.
pub(crate) fn spawn<T: Send + 'static>(
    name: String,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    ::shuttle::thread::Builder::new().name(name).spawn(work)
}

/// A value of the whole process, made anew for each execution.
macro_rules! shared {
    ($(#[$meta:meta])* static $name:ident: $of:ty = $value:expr;) => {
        ::shuttle::lazy_static! {
            $(#[$meta])*
            static ref $name: $of = $value;
        }
    };
}

/// A value of each thread.
macro_rules! local {
    ($(#[$meta:meta])* static $name:ident: $of:ty = $value:expr;) => {
        ::shuttle::thread_local! {
            $(#[$meta])*
            static $name: $of = $value;
        }
    };
}

pub(crate) use {local, shared};
