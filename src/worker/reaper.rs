//! [`Reaper`]: threads of their own that drop users' values which no worker is left to drop.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::fence;
use crate::sync::{self, Mutex};

/// So many threads may be at it in one pool. What is to be dropped beyond waits until one of them has done: only drops that
/// hang can come to that.
const THREADS_MAX: u64 = 16;

/// The reaper of one pool. A drop that does not return keeps its thread, and is seen in the number of them.
#[derive(Clone, Default)]
pub(crate) struct Reaper(Arc<Mutex<Work>>);

#[derive(Default)]
struct Work {
    waiting: VecDeque<Box<dyn FnOnce() + Send>>,
    threads: u64,
}

impl Reaper {
    /// The threads that are dropping values now.
    pub(crate) fn threads(&self) -> u64 {
        self.0.lock().threads
    }

    /// Drops the values one by one, each in a fence, on a detached thread. Where no thread can be had they are kept until
    /// there is one: their drop is user code, and the calling thread must not run it.
    pub(crate) fn drop_later<T: Send + 'static>(&self, values: Vec<T>) {
        if values.is_empty() {
            return;
        }
        // One by one: what waits behind a drop that hangs is left to the next thread.
        let drops = values.into_iter().map(|value| -> Box<dyn FnOnce() + Send> {
            Box::new(|| {
                fence::drop_value(value);
            })
        });
        let mut work = self.0.lock();
        work.waiting.extend(drops);
        if work.threads >= THREADS_MAX {
            return;
        }
        work.threads += 1;
        drop(work);
        let theirs = self.clone();
        if apart(move || theirs.reap()).is_err() {
            self.0.lock().threads -= 1;
        }
    }

    /// Drops what waits until nothing does.
    fn reap(&self) {
        loop {
            let mut work = self.0.lock();
            let Some(drop_one) = work.waiting.pop_front() else {
                work.threads -= 1;
                return;
            };
            drop(work);
            drop_one();
        }
    }
}

/// Runs `reap` on a thread of its own.
#[cfg(not(test))]
fn apart(reap: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    sync::spawn("wpc-reaper".into(), reap).map(drop)
}

/// Runs `reap` on a thread of its own; at once where threads are played.
#[cfg(test)]
fn apart(reap: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    if super::played::is_here() {
        reap();
        return Ok(());
    }
    sync::spawn("wpc-reaper".into(), reap).map(drop)
}
