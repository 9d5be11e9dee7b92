//! threadpool: a closure is executed on the pool, and its reply comes back through a oneshot channel.
//!
//! The documentation sends replies through a channel of the caller's:
//! <https://docs.rs/threadpool/1.8/threadpool/#synchronized-with-a-channel>; one shot is enough here, and faster.

use threadpool::ThreadPool;

use super::closures::{Closures, Pool};

/// The pool of that name.
pub(crate) type Threadpool<A, R> = Closures<ThreadPool, A, R>;

impl Pool for ThreadPool {
    fn start(workers: usize) -> anyhow::Result<Self> {
        Ok(Self::new(workers))
    }

    fn run(&self, closure: impl FnOnce() + Send + 'static) {
        self.execute(closure);
    }

    fn stop(self) -> anyhow::Result<()> {
        self.join();
        Ok(())
    }
}
