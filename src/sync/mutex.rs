//! [`Mutex`]: the standard one without its poison: a user's panic never happens under one of ours. It allocates nothing, also
//! where threads wait for it, which those of `parking_lot` do.

use std::fmt;
use std::sync::PoisonError;

use super::machine::{Lock, MutexGuard};

/// A lock around a value.
#[derive(Default)]
pub(crate) struct Mutex<T>(Lock<T>);

impl<T> Mutex<T> {
    #[cfg(not(wpc_loom))]
    pub(crate) const fn new(value: T) -> Self {
        Self(Lock::new(value))
    }

    #[cfg(wpc_loom)]
    pub(crate) fn new(value: T) -> Self {
        Self(Lock::new(value))
    }

    /// Locks it, as soon as nobody else has.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value, of a lock that the caller has alone.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
