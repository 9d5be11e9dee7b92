//! The facade over atomics, locks and parking: everything that several threads touch is built on what this module
//! names, so that a model checker can stand in for it.

mod mutex;
mod pooled;
mod stack;

use std::sync::atomic::Ordering;
use std::time::Duration;

pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use std::hint::spin_loop as spin_hint;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};
pub(crate) use std::thread::{Thread, ThreadId, current, yield_now};

pub(crate) use mutex::Mutex;
pub(crate) use pooled::{AtomicWeak, Free, Held, Kept, Pool, Pooled, Weak, hold_twice};
pub(crate) use stack::Stack;

/// The full barrier between "store mine" and "load yours" of the hand-shakes that need one on both sides.
pub(crate) fn full_fence() {
    // What `mfence` does at several times the cost: the same choice as crossbeam-epoch's when it pins a thread.
    #[cfg(all(target_arch = "x86_64", not(miri), not(wpc_loom), not(wpc_shuttle)))]
    {
        let word = AtomicBool::new(false);
        std::hint::black_box(&word).swap(true, Ordering::SeqCst);
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri), not(wpc_loom), not(wpc_shuttle))))]
    std::sync::atomic::fence(Ordering::SeqCst);
}

/// [`full_fence`], where the last that the calling thread has written for others was by a swap, or another read-modify-write: on
/// x86-64 each of those is a full barrier by itself.
pub(crate) fn full_fence_after_swap() {
    #[cfg(all(target_arch = "x86_64", not(miri), not(wpc_loom), not(wpc_shuttle)))]
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(not(all(target_arch = "x86_64", not(miri), not(wpc_loom), not(wpc_shuttle))))]
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

/// Threads that wait for a condition which other threads make true.
///
/// A waiter enlists, looks at its condition, and parks if it does not hold; who changes what a condition is made of
/// calls [`Signal::notify`] afterwards. No condition runs under the lock.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    count: AtomicUsize,
    waiting: Mutex<Vec<Thread>>,
}

impl Signal {
    /// Wakes every thread that waits, so that it looks again. Nearly free while nobody does.
    pub(crate) fn notify(&self) {
        full_fence();
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        for thread in self.waiting.lock().iter() {
            thread.unpark();
        }
    }

    /// Blocks the calling thread until `holds` is true or `pause` says that the time is up; which of the two is
    /// the answer. `pause` parks the thread, as long as it may, and is false once the time is up.
    pub(crate) fn wait(&self, mut pause: impl FnMut() -> bool, mut holds: impl FnMut() -> bool) -> bool {
        if holds() {
            return true;
        }
        let _enlisted = Enlisted::new(self);
        loop {
            if holds() {
                return true;
            }
            if !pause() {
                return holds();
            }
        }
    }
}

/// A thread's place among those that wait, given up on drop.
struct Enlisted<'a>(&'a Signal);

impl<'a> Enlisted<'a> {
    fn new(signal: &'a Signal) -> Self {
        signal.waiting.lock().push(current());
        signal.count.fetch_add(1, Ordering::Relaxed);
        full_fence();
        Self(signal)
    }
}

impl Drop for Enlisted<'_> {
    fn drop(&mut self) {
        let me = current().id();
        let mut waiting = self.0.waiting.lock();
        if let Some(place) = waiting.iter().position(|thread| thread.id() == me) {
            waiting.swap_remove(place);
        }
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_notified_waiter_sees_what_was_stored_before() {
        let signal = Arc::new(Signal::default());
        let flag = Arc::new(AtomicBool::new(false));
        let (their_signal, their_flag) = (Arc::clone(&signal), Arc::clone(&flag));
        let other = std::thread::spawn(move || {
            their_flag.store(true, Ordering::Release);
            their_signal.notify();
        });
        let pause = || {
            park(Some(Duration::from_secs(10)));
            true
        };
        assert!(signal.wait(pause, || flag.load(Ordering::Acquire)));
        other.join().expect("the notifier does not panic");
    }

    #[test]
    fn a_wait_whose_time_is_up_looks_once_more_and_leaves_no_trace() {
        let signal = Signal::default();
        let mut looks = 0;
        let held = signal.wait(
            || false,
            || {
                looks += 1;
                looks == 3
            },
        );
        assert!(held, "the last look decides");
        assert_eq!(signal.count.load(Ordering::Relaxed), 0);
        assert!(signal.waiting.lock().is_empty());
    }
}
