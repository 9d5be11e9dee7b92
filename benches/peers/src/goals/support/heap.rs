//! The program's allocator: the system's, which counts what it gives and takes back while that is switched on.
//!
//! Switched off, as it is while anything is timed, it costs every contender the load of one flag that nobody writes.
//!
//! Rule 1: every method hands its own arguments on to the system's allocator, unchanged and once, and returns what that
//! returns; what holds for the caller of the one holds for the caller of the other.

#![expect(unsafe_code, reason = "an allocator is unsafe to write")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

#[global_allocator]
static HEAP: Counted = Counted;

static IS_COUNTED: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);

struct Counted;

/// What was counted, of all threads.
#[derive(Clone, Copy, Debug)]
pub(in crate::goals) struct Count {
    /// Blocks that were asked for, or grown.
    pub(in crate::goals) allocations: u64,
    /// Bytes that were asked for and not given back; less than zero, if more from before were given back.
    pub(in crate::goals) bytes: i64,
}

/// Counts from now on, until it is dropped. There is one at a time.
pub(in crate::goals) struct Counting {
    begin: Count,
}

impl Counting {
    pub(in crate::goals) fn begin() -> Self {
        let counting = Self { begin: count() };
        IS_COUNTED.store(true, Relaxed);
        counting
    }

    /// Since it began.
    pub(in crate::goals) fn so_far(&self) -> Count {
        let now = count();
        Count { allocations: now.allocations - self.begin.allocations, bytes: now.bytes - self.begin.bytes }
    }
}

fn count() -> Count {
    Count { allocations: ALLOCATIONS.load(Relaxed), bytes: BYTES.load(Relaxed) }
}

impl Drop for Counting {
    fn drop(&mut self) {
        IS_COUNTED.store(false, Relaxed);
    }
}

fn note(allocations: u64, taken: usize, given: usize) {
    if IS_COUNTED.load(Relaxed) {
        ALLOCATIONS.fetch_add(allocations, Relaxed);
        // No block is larger than `isize::MAX`.
        BYTES.fetch_add(taken.cast_signed() as i64 - given.cast_signed() as i64, Relaxed);
    }
}

// SAFETY: by rule 1 it is the system's allocator; counting allocates nothing and does not unwind.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: rule 1.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: rule 1.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size, layout.size());
        // SAFETY: rule 1.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(0, 0, layout.size());
        // SAFETY: rule 1.
        unsafe { System.dealloc(block, layout) }
    }
}
