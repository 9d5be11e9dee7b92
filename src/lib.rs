//! Worker procedure call: named functions on a pool of supervised workers. What follows is the README.

#![doc = include_str!("../README.md")]

mod call;
mod clock;
mod codec;
mod function;
mod hash;
mod id;
mod pool;
mod registry;
mod supervise;
mod sync;
mod worker;
mod wpc;

pub use call::{CallError, NESTING_MAX, Pending, RejectReason, Rejected, Totals};
pub use clock::{Clock, ManualClock};
pub use function::{
    Argument, Callable, ConstantError, Context, Function, FunctionError, HashOf, Interrupted, IntoFunction,
    IsFunction, LocalInUse, Misfit, Parameter, Ref, Requirement, ReturnsResult, ReturnsValue, WithContext,
    fallible,
};
pub use hash::{Hash, HashParseError};
pub use id::{CallId, NAME_BYTES_MAX, NameError, PoolId, Run, Version, WorkerId};
pub use pool::{
    Defined, StartError, StartFailure, Started, Stats, StopError, StopReport, WORKERS_MAX, WaitError,
    WorkerInfo, WorkerState,
};
pub use registry::{ConstantInfo, DEFINITIONS_MAX, DefineError, FunctionInfo};
pub use supervise::{PolicyError, RestartPolicy};
pub use wpc::{BuildError, CallRequest, FunctionHandle, WeakWpc, Wpc, WpcBuilder};

/// What the macro `function!` expands to.
#[doc(hidden)]
pub mod __private {
    pub use crate::function::{BuildFallible, BuildPlain, Carried, Probe};
}
