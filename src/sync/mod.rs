//! The facade over atomics, locks and parking: everything that several threads touch is built on what this module
//! names, so that a model checker can stand in for it.

#[cfg(not(any(wpc_loom, wpc_shuttle)))]
mod native;
#[cfg(not(any(wpc_loom, wpc_shuttle)))]
use native as machine;

#[cfg(wpc_loom)]
mod loom;
#[cfg(wpc_loom)]
use loom as machine;

#[cfg(wpc_shuttle)]
mod shuttle;
#[cfg(wpc_shuttle)]
use shuttle as machine;

#[cfg(any(wpc_loom, wpc_shuttle))]
mod model;
mod mutex;
mod pooled;
mod signal;
mod stack;
#[cfg(not(wpc_loom))]
mod unsafe_cell;

pub(crate) use crossbeam_utils::CachePadded;

pub(crate) use machine::{
    ArcSwap, ArcSwapOption, AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Guard,
    JoinHandle, OnceLock, Thread, ThreadId, UnsafeCell, channel, core, current, full_fence,
    full_fence_after_swap, local, park, shared, spawn, spin_hint, yield_now,
};
pub(crate) use mutex::Mutex;
pub(crate) use pooled::{AtomicWeak, Free, Held, Kept, Pool, Pooled, Weak, hold_twice};
pub(crate) use signal::Signal;
pub(crate) use stack::Stack;
