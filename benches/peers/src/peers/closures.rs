//! Pools that run closures and bring no reply of their own: each closure sends its reply through a oneshot channel.

use crate::contender::{Caller, Service};

/// A pool of threads that runs closures.
pub(crate) trait Pool: Clone + Send + 'static {
    fn start(workers: usize) -> anyhow::Result<Self>;

    fn run(&self, closure: impl FnOnce() + Send + 'static);

    fn stop(self) -> anyhow::Result<()>;
}

/// A pool and the function that its closures call.
pub(crate) struct Closures<P, A, R> {
    pool: P,
    function: fn(A) -> R,
}

impl<P: Pool, A: Send + 'static, R: Send + 'static> Service<A, R> for Closures<P, A, R> {
    type Caller = Self;

    fn start(workers: usize, function: fn(A) -> R) -> anyhow::Result<Self> {
        Ok(Self { pool: P::start(workers)?, function })
    }

    fn caller(&self) -> anyhow::Result<Self> {
        Ok(Self { pool: self.pool.clone(), function: self.function })
    }

    fn stop(self) -> anyhow::Result<()> {
        self.pool.stop()
    }
}

impl<P: Pool, A: Send + 'static, R: Send + 'static> Caller<A, R> for Closures<P, A, R> {
    type Pending = oneshot::Receiver<R>;

    fn submit(&mut self, argument: A) -> anyhow::Result<oneshot::Receiver<R>> {
        let (reply, answer) = oneshot::channel();
        let function = self.function;
        self.pool.run(move || {
            // Whoever asked may have gone.
            let _ = reply.send(function(argument));
        });
        Ok(answer)
    }

    fn wait(&mut self, pending: oneshot::Receiver<R>) -> anyhow::Result<R> {
        Ok(pending.recv()?)
    }
}
