//! The reaper: threads of their own that drop users' values which no worker is left to drop.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::fence;
use crate::sync::{AtomicU64, Mutex};

/// The reaper of one pool: how many of its threads are at it. A drop that does not return keeps its thread, and is seen
/// in this number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reaper(Arc<AtomicU64>);

impl Reaper {
    /// The threads that are dropping values now.
    pub(crate) fn threads(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Drops the values one by one, each in a fence, on a detached thread. Where no thread can be had they are leaked:
    /// their drop is user code, and the calling thread must not run it.
    pub(crate) fn drop_later<T: Send + 'static>(&self, values: Vec<T>) {
        if values.is_empty() {
            return;
        }
        // Shared, so that a failed spawn does not drop them here together with its closure.
        let values = Arc::new(Mutex::new(values));
        let (theirs, reaping) = (Arc::clone(&values), Reaping::new(self));
        let reap = move || {
            let _reaping = reaping;
            let values = std::mem::take(&mut *theirs.lock());
            for value in values {
                fence::drop_value(value);
            }
        };
        if std::thread::Builder::new().name("wpc-reaper".into()).spawn(reap).is_err() {
            std::mem::forget(std::mem::take(&mut *values.lock()));
        }
    }
}

/// One thread at it, counted until it drops.
struct Reaping(Reaper);

impl Reaping {
    fn new(reaper: &Reaper) -> Self {
        reaper.0.fetch_add(1, Ordering::AcqRel);
        Self(reaper.clone())
    }
}

impl Drop for Reaping {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}
