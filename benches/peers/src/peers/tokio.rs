//! tokio, asked from a thread outside of it: a closure on its blocking pool, or a task on its worker threads.
//!
//! A synchronous caller keeps the runtime and waits in `block_on`: <https://tokio.rs/tokio/topics/bridging>. The blocking
//! pool is limited by the builder:
//! <https://docs.rs/tokio/1/tokio/runtime/struct.Builder.html#method.max_blocking_threads>.

use std::marker::PhantomData;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::contender::{Caller, Service};

/// A runtime with that many threads for tasks.
pub(super) fn runtime(workers: usize) -> anyhow::Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(workers).enable_time().build()?)
}

/// Which of its threads tokio is asked for.
pub(crate) trait Place: Send + 'static {
    fn runtime(workers: usize) -> anyhow::Result<Runtime>;

    fn spawn<R: Send + 'static>(
        runtime: &Handle,
        closure: impl FnOnce() -> R + Send + 'static,
    ) -> JoinHandle<R>;
}

/// `spawn_blocking`; the one thread for tasks has nothing to do.
pub(crate) struct OnBlockingPool;

impl Place for OnBlockingPool {
    fn runtime(workers: usize) -> anyhow::Result<Runtime> {
        Ok(Builder::new_multi_thread().worker_threads(1).max_blocking_threads(workers).build()?)
    }

    fn spawn<R: Send + 'static>(
        runtime: &Handle,
        closure: impl FnOnce() -> R + Send + 'static,
    ) -> JoinHandle<R> {
        runtime.spawn_blocking(closure)
    }
}

/// `spawn`.
pub(crate) struct AsTask;

impl Place for AsTask {
    fn runtime(workers: usize) -> anyhow::Result<Runtime> {
        Ok(Builder::new_multi_thread().worker_threads(workers).build()?)
    }

    fn spawn<R: Send + 'static>(
        runtime: &Handle,
        closure: impl FnOnce() -> R + Send + 'static,
    ) -> JoinHandle<R> {
        runtime.spawn(async move { closure() })
    }
}

pub(crate) struct Tokio<P, A, R> {
    runtime: Runtime,
    function: fn(A) -> R,
    place: PhantomData<P>,
}

pub(crate) struct TokioCaller<P, A, R> {
    runtime: Handle,
    function: fn(A) -> R,
    place: PhantomData<P>,
}

impl<P: Place, A: Send + 'static, R: Send + 'static> Service<A, R> for Tokio<P, A, R> {
    type Caller = TokioCaller<P, A, R>;

    fn start(workers: usize, function: fn(A) -> R) -> anyhow::Result<Self> {
        Ok(Self { runtime: P::runtime(workers)?, function, place: PhantomData })
    }

    fn caller(&self) -> anyhow::Result<Self::Caller> {
        Ok(TokioCaller {
            runtime: self.runtime.handle().clone(),
            function: self.function,
            place: PhantomData,
        })
    }

    /// The runtime waits for its threads when it is dropped.
    fn stop(self) -> anyhow::Result<()> {
        Ok(())
    }
}

impl<P: Place, A: Send + 'static, R: Send + 'static> Caller<A, R> for TokioCaller<P, A, R> {
    type Pending = JoinHandle<R>;

    fn submit(&mut self, argument: A) -> anyhow::Result<JoinHandle<R>> {
        let function = self.function;
        Ok(P::spawn(&self.runtime, move || function(argument)))
    }

    fn wait(&mut self, pending: JoinHandle<R>) -> anyhow::Result<R> {
        Ok(self.runtime.block_on(pending)?)
    }
}
