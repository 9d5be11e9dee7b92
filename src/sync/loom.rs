//! The stand-ins of loom, which plays every order of what a few threads do, and every value that each of them may see.

mod thread;

pub(crate) use ::loom::cell::UnsafeCell;
pub(crate) use ::loom::hint::spin_loop as spin_hint;
pub(crate) use ::loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};
pub(crate) use ::loom::thread::{ThreadId, yield_now};

pub(crate) use super::model::{
    ArcSwap, ArcSwapOption, Guard, OnceLock, channel, core, full_fence, full_fence_after_swap,
};

pub(crate) use thread::{JoinHandle, Thread, current, park, spawn};

pub(super) use ::loom::sync::atomic::fence;
pub(super) use ::loom::sync::{Mutex as Lock, MutexGuard};

/// A value of the whole process, made anew for each execution.
macro_rules! shared {
    ($(#[$meta:meta])* static $name:ident: $of:ty = $value:expr;) => {
        ::loom::lazy_static! {
            $(#[$meta])*
            static ref $name: $of = $value;
        }
    };
}

/// A value of each thread.
macro_rules! local {
    ($(#[$meta:meta])* static $name:ident: $of:ty = $value:expr;) => {
        ::loom::thread_local! {
            $(#[$meta])*
            static $name: $of = $value;
        }
    };
}

pub(crate) use {local, shared};
