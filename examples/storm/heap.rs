//! The heap's live bytes: what the process has allocated and not freed, whatever the allocator keeps besides.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The bytes at about this moment: what is allocated and freed during the look may be counted on one side alone.
pub(crate) fn live_bytes() -> usize {
    let stats = HEAP.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}
