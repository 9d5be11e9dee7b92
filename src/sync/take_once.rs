//! [`TakeOnce`]: a value that several threads may ask for, and the first gets.
//!
//! # Rules of the unsafe code
//!
//! 1. The value is initialised when the cell is made. Who swaps `taken` from false to true has it alone from then on, and moves
//!    it out; nobody else touches it. That happens once, since nothing sets `taken` back.
//! 2. Whoever drops the cell has it alone, and drops the value if nobody has taken it.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;

use super::AtomicBool;

/// A value that can be taken once, by whoever comes first.
pub(crate) struct TakeOnce<T> {
    taken: AtomicBool,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: rule 1: the threads that share the cell share no `T`: one of them gets it, for which it must be `Send`.
#[expect(unsafe_code, reason = "its rules stand above")]
unsafe impl<T: Send> Sync for TakeOnce<T> {}

impl<T> TakeOnce<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { taken: AtomicBool::new(false), value: UnsafeCell::new(MaybeUninit::new(value)) }
    }

    /// The value, if nobody has taken it.
    #[expect(unsafe_code, reason = "its rules stand above")]
    pub(crate) fn take(&self) -> Option<T> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: rule 1: this is the one thread that swapped it.
        let value = unsafe { &*self.value.get() };
        // SAFETY: rule 1: it was initialised, and is not used again.
        Some(unsafe { value.assume_init_read() })
    }
}

impl<T> Drop for TakeOnce<T> {
    #[expect(unsafe_code, reason = "its rules stand above")]
    fn drop(&mut self) {
        if !self.taken.load(Ordering::Acquire) {
            // SAFETY: rule 2.
            unsafe { self.value.get_mut().assume_init_drop() };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_first_gets_the_value_and_nobody_else() {
        let cell = TakeOnce::new(Arc::new(5));
        let value = cell.take().expect("it is the first");
        assert!(cell.take().is_none());
        drop(cell);
        assert_eq!((*value, Arc::strong_count(&value)), (5, 1), "it was dropped nowhere else");
    }

    #[test]
    fn what_nobody_takes_is_dropped_with_the_cell() {
        let value = Arc::new(());
        drop(TakeOnce::new(Arc::clone(&value)));
        assert_eq!(Arc::strong_count(&value), 1);
    }

    #[test]
    fn of_two_threads_one_gets_it() {
        for _ in 0..2_000 {
            let cell = TakeOnce::new(Box::new(7));
            let got: usize = std::thread::scope(|scope| {
                let threads = [scope.spawn(|| cell.take()), scope.spawn(|| cell.take())];
                threads.map(|thread| thread.join().expect("it does not panic")).iter().flatten().count()
            });
            assert_eq!(got, 1);
        }
    }
}
