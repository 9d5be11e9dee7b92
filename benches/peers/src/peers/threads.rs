//! The worker threads of those peers that are only a channel.

use std::thread::JoinHandle;

use anyhow::ensure;

/// Threads that run until what they wait for has ended.
pub(crate) struct Threads(Vec<JoinHandle<()>>);

impl Threads {
    pub(crate) fn start<F: FnOnce() + Send + 'static>(
        workers: usize,
        work: impl Fn() -> F,
    ) -> anyhow::Result<Self> {
        let spawn = |_| std::thread::Builder::new().spawn(work());
        Ok(Self((0..workers).map(spawn).collect::<Result<_, _>>()?))
    }

    pub(crate) fn join(self) -> anyhow::Result<()> {
        for thread in self.0 {
            ensure!(thread.join().is_ok(), "a worker thread panicked");
        }
        Ok(())
    }
}
