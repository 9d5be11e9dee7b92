//! The outcome of a call, and the wake-up of who waits for it.

use std::task::Waker;

use crate::fence;
use crate::function::FunctionError;
use crate::sync::Thread;
use crate::value::Value;

use super::news::News;
use super::panic::Panic;
use super::tally::Ending;

/// What a call ended in. A value is of the type that the caller wanted.
pub(crate) enum Outcome {
    Value(Value),
    Failed(FunctionError),
    Panicked(Box<Panic>),
    TimedOut { started: bool },
    Cancelled { started: bool },
    WorkerLost { started: bool },
}

impl Outcome {
    pub(crate) fn ending(&self) -> Ending {
        match self {
            Self::Value(_) => Ending::Value,
            Self::Failed(_) => Ending::Failed,
            Self::Panicked(_) => Ending::Panicked,
            Self::TimedOut { .. } => Ending::TimedOut,
            Self::Cancelled { started } => Ending::Cancelled { started: *started },
            Self::WorkerLost { .. } => Ending::WorkerLost,
        }
    }

    /// The same with another value, if it is one.
    pub(super) fn map(self, change: impl FnOnce(Value) -> Value) -> Self {
        if let Self::Value(value) = self { Self::Value(change(value)) } else { self }
    }
}

/// How a call is ended by somebody else than the worker that runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    TimedOut,
    Cancelled,
    WorkerLost,
}

impl End {
    pub(super) fn outcome(self, started: bool) -> Outcome {
        match self {
            Self::TimedOut => Outcome::TimedOut { started },
            Self::Cancelled => Outcome::Cancelled { started },
            Self::WorkerLost => Outcome::WorkerLost { started },
        }
    }
}

/// Who waits for an outcome.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// A thread that parks.
    Thread(Thread),
    /// A task.
    Task(Waker),
}

/// Wakes who waits for an outcome, when it is dropped, and then tells of it: after the outcome is there, and outside of
/// every lock.
#[must_use = "dropped under a lock it would run a waker there"]
#[derive(Debug)]
pub(crate) struct Wakeup {
    pub(super) waiter: Option<Waiter>,
    /// Dropped last.
    pub(super) _news: Option<News>,
}

impl Drop for Wakeup {
    fn drop(&mut self) {
        match self.waiter.take() {
            None => {}
            Some(Waiter::Thread(thread)) => thread.unpark(),
            // A waker is the one piece of a user's code that runs here; if it panics, that is its own affair.
            Some(Waiter::Task(waker)) => drop(fence::run(|| waker.wake())),
        }
    }
}
