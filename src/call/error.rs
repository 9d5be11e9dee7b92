//! [`CallError`]: every way a call can end other than in its value.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::function::{FunctionError, InstanceError, Misfit};
use crate::hash::Hash;
use crate::id::PoolId;
use crate::sync::Mutex;
use crate::value::Value;

use super::panic::PanicLocation;

/// The most functions that may be running inside one another on one worker, beyond the outermost; and the most calls that
/// may wait inside each other over several pools.
pub const NESTING_MAX: usize = 16;

/// Every way a call can end other than in its value.
///
/// All but [`CallError::Rejected`] are outcomes of calls that were accepted. Where `started` is false no user code ran.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError {
    /// The call was not accepted: nothing ran, and the arguments are inside.
    Rejected(Rejected),
    /// The function returned an error in time, and before a stop asked it to return; or its result did not fit the type that the caller wanted (an error named
    /// `ResultType`).
    Failed(FunctionError),
    /// The function panicked.
    Panicked {
        /// The function.
        function: Arc<str>,
        /// The panic's message, at most 4 KiB of it.
        message: String,
        /// Where the panic was, in pools that were built with
        /// [`panic_locations`](crate::WpcBuilder::panic_locations): the last one of the call with this message. None for
        /// one that no panic hook saw, such as a panic of another thread that a function resumed.
        location: Option<PanicLocation>,
    },
    /// The deadline passed.
    TimedOut {
        /// The function.
        function: Arc<str>,
        /// Whether the function had begun; it may still be running.
        started: bool,
    },
    /// The call was cancelled, by its caller or by a stop.
    Cancelled {
        /// The function.
        function: Arc<str>,
        /// Whether the function had begun; it may still be running.
        started: bool,
    },
    /// The worker ended before the function did, or no worker was left to run it.
    WorkerLost {
        /// The function.
        function: Arc<str>,
        /// Whether the function had begun.
        started: bool,
    },
}

impl CallError {
    /// The error at the bottom: where functions passed on by `?` what the calls that they made had ended in, that of the
    /// innermost one; else this very error.
    ///
    /// # Examples
    ///
    /// ```
    /// use wpc::{CallError, Context, RejectReason, Wpc};
    /// let wpc = Wpc::builder().build()?;
    /// wpc.define_function("outer", |ctx: &Context| ctx.call::<u64>("inner", ()))?;
    /// wpc.define_function("inner", |ctx: &Context| ctx.call::<u64>("missing", ()))?;
    /// wpc.start_workers(1)?;
    /// let error = wpc.call::<u64>("outer", ()).unwrap_err();
    /// assert!(matches!(error, CallError::Failed(_)));
    /// assert!(matches!(error.root(), CallError::Rejected(no) if *no.reason() == RejectReason::NotDefined));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn root(&self) -> &Self {
        match self {
            Self::Failed(error) => error.downcast_ref::<Self>().map_or(self, Self::root),
            _ => self,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = |started: &bool| if *started { "after it had started" } else { "before it started" };
        match self {
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::Failed(error) => error.fmt(f),
            Self::Panicked { function, message, location: None } => {
                write!(f, "function `{function}` panicked: {message}")
            }
            Self::Panicked { function, message, location: Some(location) } => {
                write!(f, "function `{function}` panicked at {location}: {message}")
            }
            Self::TimedOut { function, started } => {
                write!(f, "the call of `{function}` timed out {}", state(started))
            }
            Self::Cancelled { function, started } => {
                write!(f, "the call of `{function}` was cancelled {}", state(started))
            }
            Self::WorkerLost { function, started } => {
                write!(f, "the worker of the call of `{function}` was lost {}", state(started))
            }
        }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // What the function returned is shown by `Display`; this is what was behind it.
            Self::Failed(error) => error.source().and_then(Error::source),
            _ => None,
        }
    }
}

impl From<Rejected> for CallError {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

/// A call that was not accepted, with the reason and the caller's own arguments.
pub struct Rejected(Box<Rejection>);

struct Rejection {
    function: Arc<str>,
    reason: RejectReason,
    // In a mutex because the error must be `Sync`, and the arguments need not be.
    arguments: Mutex<Option<Value>>,
}

impl Rejected {
    pub(crate) fn new(function: Arc<str>, reason: RejectReason, arguments: Option<Value>) -> Self {
        Self(Box::new(Rejection { function, reason, arguments: Mutex::new(arguments) }))
    }

    /// The name that was called.
    pub fn function(&self) -> &str {
        &self.0.function
    }

    /// Why the call was not accepted.
    pub fn reason(&self) -> &RejectReason {
        &self.0.reason
    }

    /// Takes the caller's arguments back, as the type that they were given as.
    ///
    /// # Errors
    ///
    /// The rejection itself, when they were of another type, have been taken already, or were only borrowed
    /// ([`Ref`](crate::Ref)).
    pub fn into_arguments<A: 'static>(mut self) -> Result<A, Self> {
        let arguments = self.0.arguments.get_mut();
        match arguments.take().map(Value::take::<A>) {
            Some(Ok(arguments)) => return Ok(arguments),
            Some(Err(other)) => *arguments = Some(other),
            None => {}
        }
        Err(self)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the call of `{}` was rejected: {}", self.function(), self.reason())
    }
}

impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("function", &self.function())
            .field("reason", self.reason())
            .finish_non_exhaustive()
    }
}

impl Error for Rejected {}

/// Why a call was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// No function has that name.
    #[error("no function of that name is defined")]
    NotDefined,
    /// The workers have not been started, or are stopping or stopped.
    #[error("the pool is not running")]
    NotRunning,
    /// No worker can serve: each was given up, or waits until a thread that was abandoned returns. The first kind comes back
    /// with the next stop and start, the second by itself, once enough of those threads have returned.
    #[error(
        "no worker can serve: {given_up} were given up until the next start, {held} wait until an abandoned thread returns"
    )]
    NoWorkers {
        /// The workers that were given up.
        given_up: usize,
        /// The workers that wait for an abandoned thread.
        held: usize,
    },
    /// Every worker that can take calls has as many waiting as it may have.
    #[error("every worker has {limit} calls waiting, as many as it may have")]
    Saturated {
        /// The limit for each worker, besides the call that it runs.
        limit: u32,
    },
    /// The arguments do not fit the function's parameters, or a typed handle the function's types.
    #[error("{0}")]
    Signature(Misfit),
    /// The function requires something that is not defined.
    #[error("it requires `{name}`, which is not defined")]
    MissingRequirement {
        /// The constant's name or the dependency's alias.
        name: String,
    },
    /// The function requires a dependency that is defined, but that no worker could be given.
    #[error("it requires `{name}`, which is not installed on any worker: {cause}")]
    NotInstalled {
        /// The dependency's alias.
        name: String,
        /// Why one of the workers has not got it.
        cause: InstanceError,
    },
    /// The call was pinned to a hash that is not the function's.
    #[error("it was pinned to {expected}, but the function's hash is {found}")]
    HashDrift {
        /// The hash that the caller expects.
        expected: Hash,
        /// The hash of the function as it is defined now.
        found: Hash,
    },
    /// Functions call functions too deep on one worker, or too many calls to other pools wait inside each other.
    #[error("calls are nested more than {limit} deep")]
    NestingTooDeep {
        /// [`NESTING_MAX`].
        limit: usize,
    },
    /// The call is made inside a function that would wait for it, and no worker could ever run it: each one waits itself, for a
    /// call that cannot end before this one, or ends only by its deadline. Circles of any number of pools are found. Others see
    /// a [`Pending::wait`](crate::Pending::wait), which is not refused itself and ends by its call's deadline; they do not see a
    /// `wait_timeout` or an `.await`.
    #[error(
        "it could never run: every worker of pool {pool} waits for a call that cannot end before it, which was made through {}",
        path(chain)
    )]
    WouldDeadlock {
        /// The pool that was called, as [`Wpc::id`](crate::Wpc::id) names it.
        pool: PoolId,
        /// The pools whose running functions the call was made from, the innermost last.
        chain: Vec<PoolId>,
    },
    /// The function that makes the call runs on a worker that was abandoned: it can call nothing any more.
    #[error("the calling function's worker was abandoned")]
    Abandoned,
}

fn path(chain: &[PoolId]) -> String {
    let pools: Vec<String> = chain.iter().map(|pool| format!("pool {pool}")).collect();
    pools.join(" and then ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_what_the_innermost_of_calls_inside_calls_ended_in() {
        let innermost = CallError::TimedOut { function: "slow".into(), started: true };
        let failed = |error: CallError| CallError::Failed(FunctionError::from(error));
        let error = failed(failed(innermost));
        assert!(matches!(error.root(), CallError::TimedOut { started: true, .. }), "{error:?}");
        let own = CallError::Failed(FunctionError::new("Own", "its own"));
        assert!(matches!(own.root(), CallError::Failed(_)), "it was no call's");
    }
}
