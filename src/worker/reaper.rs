//! The reaper: a thread of its own that drops users' values which no worker is left to drop.

use std::sync::Arc;

use crate::fence;
use crate::sync::Mutex;

/// Drops the values one by one, each in a fence, on a detached thread. Where no thread can be had they are leaked: their
/// drop is user code, and the calling thread must not run it.
pub(crate) fn drop_later<T: Send + 'static>(values: Vec<T>) {
    if values.is_empty() {
        return;
    }
    // Shared, so that a failed spawn does not drop them here together with its closure.
    let values = Arc::new(Mutex::new(values));
    let theirs = Arc::clone(&values);
    let reap = move || {
        let values = std::mem::take(&mut *theirs.lock());
        for value in values {
            fence::drop_value(value);
        }
    };
    if std::thread::Builder::new().name("wpc-reaper".into()).spawn(reap).is_err() {
        std::mem::forget(std::mem::take(&mut *values.lock()));
    }
}
