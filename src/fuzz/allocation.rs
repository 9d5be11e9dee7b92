//! What the unit tests allocate, counted for each thread.
//!
//! # Rules
//!
//! 1. Whoever calls an allocator keeps to its contract; each call here is passed on as it came.
//! 2. Counting allocates nothing and never panics: it would come back here.

#![expect(unsafe_code, reason = "an allocator is one that promises what the language cannot check")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread has allocated and freed, as a sum; and the highest that it was.
    static COUNTED: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
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

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: rule 1: the block came from `System` with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: rule 1: the block came from `System` with this layout, and the size is the caller's.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// No block is larger than an `isize` can say, and what wraps is wrong in a figure only.
fn count(more: usize, less: usize) {
    // While the thread's own locals are destroyed nothing is counted.
    let _ = COUNTED.try_with(|counted| {
        let (now, highest) = counted.get();
        let now = now.wrapping_add_unsigned(more).wrapping_sub_unsigned(less);
        counted.set((now, highest.max(now)));
    });
}

/// What `run` returns, and the most bytes that it had allocated at a time on this thread.
pub(super) fn peak_of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = COUNTED.with(|counted| {
        let (now, _) = counted.get();
        counted.set((now, now));
        now
    });
    let result = run();
    let (_, highest) = COUNTED.with(Cell::get);
    (result, usize::try_from(highest - before).expect("the highest is not below the beginning"))
}

#[test]
fn what_is_allocated_and_freed_again_is_counted() {
    let (kept, peak) = peak_of(|| {
        drop(vec![0_u8; 100_000]);
        vec![0_u8; 10_000]
    });
    assert_eq!((kept.len(), peak), (10_000, 100_000));
    assert_eq!(peak_of(|| drop(kept)).1, 0);
}
