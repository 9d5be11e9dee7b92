//! The outcome of a call, and the wake-up of who waits for it.

use std::task::Waker;

use crate::fence;
use crate::function::FunctionError;
use crate::sync::Thread;
use crate::value::Value;

use super::news::News;
use super::panic::Panic;
use super::tally::Ending;

/// What a call ended in.
pub(crate) enum Outcome {
    /// A value, of the type that the caller wanted.
    Value(Value),
    /// In a box: what is moved on a call's way is as large as a value, and no larger.
    Trouble(Box<Trouble>),
}

/// What a call ended in that came to no value.
pub(crate) enum Trouble {
    Failed(FunctionError),
    Panicked(Panic),
    TimedOut { started: bool },
    Cancelled { started: bool },
    WorkerLost { started: bool },
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(Box::new(trouble))
    }
}

impl Outcome {
    pub(crate) fn trouble(&self) -> Option<&Trouble> {
        if let Self::Trouble(trouble) = self { Some(trouble) } else { None }
    }

    pub(crate) fn ending(&self) -> Ending {
        match self.trouble() {
            None => Ending::Value,
            Some(Trouble::Failed(_)) => Ending::Failed,
            Some(Trouble::Panicked(_)) => Ending::Panicked,
            Some(Trouble::TimedOut { .. }) => Ending::TimedOut,
            Some(Trouble::Cancelled { started }) => Ending::Cancelled { started: *started },
            Some(Trouble::WorkerLost { .. }) => Ending::WorkerLost,
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
        Outcome::from(match self {
            Self::TimedOut => Trouble::TimedOut { started },
            Self::Cancelled => Trouble::Cancelled { started },
            Self::WorkerLost => Trouble::WorkerLost { started },
        })
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
    pub(super) _news: Option<Box<News>>,
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
