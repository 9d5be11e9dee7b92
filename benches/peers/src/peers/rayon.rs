//! rayon: a closure is spawned on a pool, and its reply comes back through a oneshot channel.
//!
//! `ThreadPool::spawn` is how rayon is asked from outside without waiting; for a reply, what is spawned has to send it:
//! <https://docs.rs/rayon/1/rayon/struct.ThreadPool.html#method.spawn> and <https://docs.rs/rayon/1/rayon/fn.spawn.html>.

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::closures::{Closures, Pool};

pub(crate) type Rayon<A, R> = Closures<Arc<ThreadPool>, A, R>;

impl Pool for Arc<ThreadPool> {
    fn start(workers: usize) -> anyhow::Result<Self> {
        Ok(Self::new(ThreadPoolBuilder::new().num_threads(workers).build()?))
    }

    fn run(&self, closure: impl FnOnce() + Send + 'static) {
        self.spawn(closure);
    }

    /// The threads end by themselves when the pool is dropped; nothing waits for them.
    fn stop(self) -> anyhow::Result<()> {
        Ok(())
    }
}
