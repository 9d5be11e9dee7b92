//! The allocator of this test, which counts what the whole process allocates, by the kind of thread.
//!
//! # Rules
//!
//! 1. Whoever calls an allocator keeps to its contract; each call here is passed on as it came.
//! 2. Counting allocates nothing and never panics: it would come back here.

#![expect(unsafe_code, reason = "an allocator is one that promises what the language cannot check")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Sub;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Which kind of thread allocates.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Those of the pool's own, and of the test harness: all that did not say otherwise.
    Other,
    /// The one that makes the calls.
    Caller,
    /// Those that run functions.
    Worker,
}

thread_local! {
    static ROLE: Cell<Role> = const { Cell::new(Role::Other) };
}

static ALLOCATIONS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];
static BYTES: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];
static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

/// What has been allocated, on each kind of thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) allocations: [u64; 3],
    pub(crate) bytes: [u64; 3],
    /// What was allocated and has not been freed.
    pub(crate) live_bytes: i64,
}

impl Role {
    /// Says what the calling thread is.
    pub(crate) fn assume(self) {
        ROLE.set(self);
    }
}

impl Counts {
    /// Since the process began.
    pub(crate) fn now() -> Self {
        let read =
            |counters: &[AtomicU64; 3]| counters.each_ref().map(|counter| counter.load(Ordering::SeqCst));
        let live_bytes = LIVE_BYTES.load(Ordering::SeqCst);
        Self { allocations: read(&ALLOCATIONS), bytes: read(&BYTES), live_bytes }
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        let each = |now: [u64; 3], before: [u64; 3]| [0, 1, 2].map(|at| now[at] - before[at]);
        Self {
            allocations: each(self.allocations, before.allocations),
            bytes: each(self.bytes, before.bytes),
            live_bytes: self.live_bytes - before.live_bytes,
        }
    }
}

/// The system's allocator, counting.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: by rule 1 every block comes from and goes back to the system's allocator, which keeps the contract; by rule 2
// counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: rule 1: the layout is the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: rule 1: the layout is the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(signed(layout.size()), Ordering::SeqCst);
        // SAFETY: rule 1: the block came from `System` with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: rule 1: the block came from `System` with this layout, and the size is the caller's.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// A block that is made larger or smaller counts as a new one.
fn count(more: usize, less: usize) {
    // A thread whose own locals are being destroyed is none that makes or runs calls any more.
    let role = ROLE.try_with(Cell::get).unwrap_or(Role::Other) as usize;
    ALLOCATIONS[role].fetch_add(1, Ordering::SeqCst);
    BYTES[role].fetch_add(more as u64, Ordering::SeqCst);
    LIVE_BYTES.fetch_add(signed(more) - signed(less), Ordering::SeqCst);
}

/// No block is larger than that.
fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
