//! `rusty_pool`: a task is evaluated, and its own handle brings the reply.
//!
//! <https://docs.rs/rusty_pool/1/rusty_pool/struct.ThreadPool.html#method.evaluate>, with as many core threads as there
//! may be threads, started before the first task.

use rusty_pool::{Builder, JoinHandle, ThreadPool};

use crate::contender::{Caller, Service};

pub(crate) struct RustyPool<A, R> {
    pool: ThreadPool,
    function: fn(A) -> R,
}

impl<A: Send + 'static, R: Send + 'static> Service<A, R> for RustyPool<A, R> {
    type Caller = Self;

    fn start(workers: usize, function: fn(A) -> R) -> anyhow::Result<Self> {
        let pool = Builder::new().core_size(workers).max_size(workers).build();
        pool.start_core_threads();
        Ok(Self { pool, function })
    }

    fn caller(&self) -> anyhow::Result<Self> {
        Ok(Self { pool: self.pool.clone(), function: self.function })
    }

    fn stop(self) -> anyhow::Result<()> {
        self.pool.shutdown_join();
        Ok(())
    }
}

impl<A: Send + 'static, R: Send + 'static> Caller<A, R> for RustyPool<A, R> {
    type Pending = JoinHandle<R>;

    fn submit(&mut self, argument: A) -> anyhow::Result<JoinHandle<R>> {
        let function = self.function;
        Ok(self.pool.evaluate(move || function(argument)))
    }

    fn wait(&mut self, pending: JoinHandle<R>) -> anyhow::Result<R> {
        Ok(pending.try_await_complete()?)
    }
}
