//! [`Pending`]: a call that has been accepted, as its caller holds it.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use crate::function::unbox;
use crate::id::{CallId, Name};
use crate::sync::Held;
use crate::value::Value;

use super::cell::Call;
use super::current;
use super::error::CallError;
use super::outcome::{End, Outcome, Trouble, Waiter};
use super::panic::Panic;
use super::waits::Waiting;

/// A call that was accepted and whose outcome is to come: to be waited for, awaited, cancelled or let go.
///
/// It may outlive the pool. Dropping it does not cancel the call: that is what [`Pending::cancel`] is for. On a
/// worker of the same pool, waiting for (or polling) a call that has not started runs that call there and then, so that functions
/// that wait for calls of their own cannot block each other.
///
/// # Examples
///
/// ```
/// use wpc::{Pending, Wpc};
/// let wpc = Wpc::builder().build()?;
/// wpc.define_function("add", |a: u64, b: u64| a + b)?;
/// wpc.start_workers(2)?;
/// let pending: Pending<u64> = wpc.submit("add", (2_u64, 3_u64))?;
/// assert_eq!(pending.wait()?, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a call that nobody waits for still runs; `detach` says that this is meant"]
pub struct Pending<R> {
    call: Held<Call>,
    result: PhantomData<fn() -> R>,
}

impl<R: 'static> Pending<R> {
    pub(crate) fn new(call: Held<Call>) -> Self {
        Self { call, result: PhantomData }
    }

    /// The call's identity, as the function sees it in its context.
    pub fn call_id(&self) -> CallId {
        self.call.id
    }

    /// Whether the outcome is there: waiting returns at once.
    pub fn is_done(&self) -> bool {
        self.call.is_done()
    }

    /// Waits for the outcome.
    ///
    /// # Errors
    ///
    /// Every [`CallError`] but `Rejected`.
    ///
    /// # Blocking
    ///
    /// Until the call ends, at the latest at its deadline; without one (`no_timeout`) as long as the function runs.
    pub fn wait(self) -> Result<R, CallError> {
        self.run_here();
        let waiting = current::inside().map(|inside| Waiting::new(&inside.position(), &self.call));
        while !self.call.block(None) {}
        drop(waiting);
        self.take()
    }

    /// Waits for the outcome, but not longer than `limit`; the call goes on after that.
    ///
    /// # Errors
    ///
    /// The inner error is the call's own, as of [`Pending::wait`]. The outer one is the pending call itself, when
    /// `limit` was over first.
    ///
    /// # Blocking
    ///
    /// Until the call ends or `limit` is over. On a worker of the same pool, a call that had not started runs to its
    /// end.
    pub fn wait_timeout(self, limit: Duration) -> Result<Result<R, CallError>, Self> {
        self.run_here();
        let until = self.call.shift.clock.now().checked_add(limit);
        if self.call.block(until) { Ok(self.take()) } else { Err(self) }
    }

    /// Ends the call as `Cancelled`, unless it has ended already; true if this did it.
    ///
    /// A call that waits never runs. One that runs is asked to return early ([`Context::is_cancelled`](crate::Context::is_cancelled)), and
    /// waiting for it returns at once. Its deadline still governs the worker, which takes nothing new until the function
    /// returns or is abandoned: one grace after that deadline, or, for a call without one, after `call_timeout` from now.
    /// Calls that the function waits for in other pools are not cancelled with it.
    pub fn cancel(&self) -> bool {
        self.call.end(End::Cancelled).is_some()
    }

    /// Lets the call go on by itself; its outcome is dropped.
    pub fn detach(self) {}

    fn run_here(&self) {
        if let Some(inside) = current::inside_of(self.call.shift.pool)
            && !self.call.is_decided()
        {
            inside.run_here(&self.call);
        }
    }

    fn take(&self) -> Result<R, CallError> {
        let outcome = self.call.take_outcome().expect("an outcome is taken once, after it is there");
        outcome.into_result(&self.call.definition.name).map(unbox)
    }
}

impl Outcome {
    /// The outcome as the caller reads it.
    pub(crate) fn into_result(self, name: &Name) -> Result<Value, CallError> {
        let function = || name.shared();
        let trouble = match self {
            Self::Value(value) => return Ok(value),
            Self::Trouble(trouble) => *trouble,
        };
        Err(match trouble {
            Trouble::Failed(error) => CallError::Failed(error),
            Trouble::Panicked(Panic { message, location }) => {
                CallError::Panicked { function: function(), message, location }
            }
            Trouble::TimedOut { started } => CallError::TimedOut { function: function(), started },
            Trouble::Cancelled { started } => CallError::Cancelled { function: function(), started },
            Trouble::WorkerLost { started } => CallError::WorkerLost { function: function(), started },
        })
    }
}

impl<R: 'static> Future for Pending<R> {
    type Output = Result<R, CallError>;

    /// Ready once the call has ended; at its deadline the timekeeper ends it, so that no timer of the executor is
    /// needed.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready.
    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.run_here();
        if self.call.leave_word(Waiter::Task(task.waker().clone())) {
            Poll::Ready(self.take())
        } else {
            Poll::Pending
        }
    }
}

impl<R> fmt::Debug for Pending<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("call_id", &self.call.id)
            .field("function", &self.call.definition.name)
            .field("done", &self.call.is_done())
            .finish_non_exhaustive()
    }
}
