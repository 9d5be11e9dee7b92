//! [`ThreadStart`]: a say in the start of each worker's thread, and in how long it lives.

use crate::function::FunctionError;
use crate::id::{Run, WorkerId};

/// Has a say in the start of each worker's thread: to prepare the thread (its core, its priority, a runtime of its own),
/// to refuse it, or to end it after some calls, as tests of what happens then do.
///
/// It is called on the new thread, before the worker takes anything: when a pool starts and at every restart. A thread
/// that serves on under another run number, since a function panicked on it, does not start again.
///
/// Closures of the same shape are this too.
///
/// # Examples
///
/// ```
/// use wpc::{FunctionError, Run, ThreadLife, WorkerId, Wpc};
/// // The first thread of each worker ends after 100 calls; those after it live on.
/// let start = |_worker: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
///     Ok(if run.get() == 1 { ThreadLife::calls(100) } else { ThreadLife::endless() })
/// };
/// let wpc = Wpc::builder().thread_start(start).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ThreadStart: Send + Sync + 'static {
    /// Prepares the calling thread, which is to be this run of this worker.
    ///
    /// # Errors
    ///
    /// Whatever is wrong: the start has failed then, and the restart policy says what follows. A panic is that too; a start
    /// that takes longer than `start_timeout` is abandoned.
    fn start(&self, worker: WorkerId, run: Run) -> Result<ThreadLife, FunctionError>;
}

impl<F> ThreadStart for F
where
    F: Fn(WorkerId, Run) -> Result<ThreadLife, FunctionError> + Send + Sync + 'static,
{
    fn start(&self, worker: WorkerId, run: Run) -> Result<ThreadLife, FunctionError> {
        self(worker, run)
    }
}

/// How long a worker's thread lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "a life is what a start returns"]
pub struct ThreadLife {
    calls: Option<u64>,
    ends_inside: bool,
}

impl ThreadLife {
    /// Until the pool stops: the default.
    pub fn endless() -> Self {
        Self::default()
    }

    /// The thread runs so many calls and then ends by itself, between two calls: its worker is lost.
    pub fn calls(calls: u64) -> Self {
        Self { calls: Some(calls), ends_inside: false }
    }

    /// The thread ends inside the next call instead, before the function's first instruction: that call ends
    /// [`WorkerLost`](crate::CallError::WorkerLost) with `started: true`.
    pub fn ending_inside_the_next(mut self) -> Self {
        self.ends_inside = true;
        self
    }

    /// Whether it is over after so many calls, before the next one is taken.
    pub(super) fn is_over(self, calls: u64) -> bool {
        !self.ends_inside && self.calls.is_some_and(|limit| calls >= limit)
    }

    /// Whether it ends inside the call that comes after so many.
    pub(super) fn ends_inside(self, calls: u64) -> bool {
        self.ends_inside && self.calls.is_some_and(|limit| calls >= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_over_at_its_number_of_calls_and_not_before() {
        for calls in 0..5 {
            assert!(!ThreadLife::endless().is_over(calls) && !ThreadLife::endless().ends_inside(calls));
            assert_eq!(ThreadLife::calls(3).is_over(calls), calls >= 3);
            assert!(!ThreadLife::calls(3).ends_inside(calls));
            let inside = ThreadLife::calls(3).ending_inside_the_next();
            assert_eq!((inside.is_over(calls), inside.ends_inside(calls)), (false, calls >= 3));
        }
    }
}
