//! [`Verdict`]: the place of a call's outcome, which is written once and taken once.
//!
//! Who decides the call has a [`Decided`], and with it alone can publish: it writes the outcome, then stores `DONE`, and
//! wakes who waits. Whoever waits for longer than it likes to stay awake leaves word first.
//!
//! # Rules of the unsafe code
//!
//! 1. A `Decided` is made once for a call, by the step that ends it, and is used up by publishing in that call's verdict: so
//!    the outcome is written once, by one thread, before `DONE` is stored with `Release`.
//! 2. The outcome is initialised from then on. Who swaps `DONE` for `TAKEN` (`Acquire`) has it alone and moves it out, which
//!    happens once, since nothing stores `DONE` again.
//! 3. Whoever drops the verdict has it alone, and drops the outcome if it is there and nobody has taken it.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;

use crate::sync::{AtomicU8, Mutex};

use super::outcome::{Outcome, Waiter};
use super::start_word::Decided;

const PENDING: u8 = 0;
const DONE: u8 = 1;
const TAKEN: u8 = 2;
const STATE: u8 = 3;
/// Somebody has left word.
const AWAITED: u8 = 4;

/// Where a call's outcome comes to lie.
pub(super) struct Verdict {
    state: AtomicU8,
    waiter: Mutex<Option<Waiter>>,
    outcome: UnsafeCell<MaybeUninit<Outcome>>,
}

// SAFETY: rules 1 and 2: the threads that share the verdict share no `Outcome`: one writes it and one takes it, for which it is
// `Send`. The rest of it is made to be shared.
#[expect(unsafe_code, reason = "its rules stand above")]
unsafe impl Sync for Verdict {}

impl Verdict {
    pub(super) fn new() -> Self {
        Self {
            state: AtomicU8::new(PENDING),
            waiter: Mutex::new(None),
            outcome: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Whether the outcome is there, or has been taken.
    pub(super) fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) & STATE != PENDING
    }

    /// Publishes the outcome of the call that this is the verdict of; who is to be woken comes back.
    #[expect(unsafe_code, reason = "its rules stand above")]
    pub(super) fn publish(&self, _: Decided, outcome: Outcome) -> Option<Waiter> {
        // SAFETY: rule 1: nobody reads it before `DONE`, and nobody else writes it.
        unsafe { (*self.outcome.get()).write(outcome) };
        let before = self.state.swap(DONE, Ordering::AcqRel);
        debug_assert_eq!(before & STATE, PENDING, "rule 1");
        // Who leaves word from here on sees that it is done.
        if before & AWAITED == 0 { None } else { self.waiter.lock().take() }
    }

    /// Leaves word for whoever publishes; true if the outcome is there already. Who was left before is forgotten.
    pub(super) fn leave_word(&self, waiter: Waiter) -> bool {
        if self.is_done() {
            return true;
        }
        let before = self.waiter.lock().replace(waiter);
        drop(before); // outside of the lock: a waker's drop is a user's code
        let is_done = self.state.fetch_or(AWAITED, Ordering::AcqRel) & STATE != PENDING;
        if is_done {
            let own = self.waiter.lock().take();
            drop(own);
        }
        is_done
    }

    /// Takes the outcome, if it is there. It is there once.
    #[expect(unsafe_code, reason = "its rules stand above")]
    pub(super) fn take(&self) -> Option<Outcome> {
        let seen = self.state.load(Ordering::Acquire);
        if seen & STATE != DONE {
            return None;
        }
        let awaited = seen & AWAITED;
        // Only somebody who leaves word changes it meanwhile, and the outcome's one taker does not.
        let taken = TAKEN | awaited;
        if self.state.compare_exchange(seen, taken, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return None;
        }
        // SAFETY: rule 2: this is the one thread that swapped it.
        let outcome = unsafe { &*self.outcome.get() };
        // SAFETY: rule 2: it is initialised, and not used again.
        Some(unsafe { outcome.assume_init_read() })
    }
}

impl Drop for Verdict {
    #[expect(unsafe_code, reason = "its rules stand above")]
    fn drop(&mut self) {
        if self.state.load(Ordering::Acquire) & STATE == DONE {
            // SAFETY: rule 3.
            unsafe { self.outcome.get_mut().assume_init_drop() };
        }
    }
}
