//! [`Signal`]: what threads wait on until others have made a condition true.

use std::sync::atomic::Ordering;

use crate::plant::Plant;

use super::{AtomicUsize, Mutex, Thread, current, full_fence};

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
        if Plant::EnlistsUnseen.is_planted() {
            pause();
        }
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
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::{AtomicBool, park};
    use super::*;

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
