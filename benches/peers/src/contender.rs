//! [`Service`] and [`Caller`]: what a contender is to the measurements, whatever it calls its threads, tasks and replies.

use std::time::Duration;

/// Threads that serve calls of one function.
pub(crate) trait Service<A, R>: Sized {
    type Caller: Caller<A, R>;

    /// Starts `workers` threads, all of which are there to serve when it returns.
    fn start(workers: usize, function: fn(A) -> R) -> anyhow::Result<Self>;

    /// What one thread calls through; each thread has one of its own.
    fn caller(&self) -> anyhow::Result<Self::Caller>;

    /// Ends the threads. Its callers are gone by then.
    fn stop(self) -> anyhow::Result<()>;
}

/// One calling thread's end of a service.
pub(crate) trait Caller<A, R>: Send + 'static {
    /// A call that was submitted and whose reply is to come.
    type Pending;

    /// Whether `wait` gives the reply of just the call that it is given, and not that of any call in flight.
    const IN_ORDER: bool = true;

    /// Calls and waits for the reply.
    fn call(&mut self, argument: A) -> anyhow::Result<R> {
        let pending = self.submit(argument)?;
        self.wait(pending)
    }

    /// Begins a call; blocks at most while a queue is full.
    fn submit(&mut self, argument: A) -> anyhow::Result<Self::Pending>;

    /// Waits for the reply; calls are waited for in the order in which they were submitted.
    fn wait(&mut self, pending: Self::Pending) -> anyhow::Result<R>;
}

/// Calls in flight from one thread where calls are pipelined.
pub(crate) const WINDOW: usize = 64;

/// The function that is called where only the call itself is measured.
pub(crate) fn increment(n: u64) -> u64 {
    std::hint::black_box(n) + 1
}

/// How much one turn measures: it ends by its calls or by its time, whichever is first, the warm-up too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Calls before the first that is measured.
    pub(crate) warm_up: usize,
    /// Calls that are measured at most.
    pub(crate) calls: usize,
    /// Time that is measured at most.
    pub(crate) time: Duration,
}

impl Budget {
    /// Enough to show that everything answers.
    pub(crate) const SMOKE: Self =
        Self { warm_up: 2 * WINDOW, calls: 4 * WINDOW, time: Duration::from_millis(50) };
}
