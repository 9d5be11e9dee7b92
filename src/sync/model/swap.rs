//! [`ArcSwap`]: a pointer that is read and replaced as a whole, under a lock.

use std::ops::Deref;
use std::sync::Arc;

use crate::sync::Mutex;

/// A pointer to a value.
pub(crate) type ArcSwap<T> = Swap<Arc<T>>;

/// A pointer to a value, or none.
pub(crate) type ArcSwapOption<T> = Swap<Option<Arc<T>>>;

/// What can be replaced while others read it.
#[derive(Debug, Default)]
pub(crate) struct Swap<T>(Mutex<T>);

/// What was there when it was read.
pub(crate) struct Guard<T>(T);

impl<T: Clone> Swap<T> {
    pub(crate) fn load(&self) -> Guard<T> {
        Guard(self.load_full())
    }

    pub(crate) fn load_full(&self) -> T {
        self.0.lock().clone()
    }

    pub(crate) fn store(&self, value: T) {
        drop(self.swap(value)); // outside of the lock
    }

    pub(crate) fn swap(&self, value: T) -> T {
        std::mem::replace(&mut self.0.lock(), value)
    }
}

impl<T> Swap<Arc<T>> {
    pub(crate) fn from_pointee(value: T) -> Self {
        Self::from(Arc::new(value))
    }
}

impl<T> From<T> for Swap<T> {
    fn from(value: T) -> Self {
        Self(Mutex::new(value))
    }
}

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
