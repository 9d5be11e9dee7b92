//! Worker procedure call: named functions on a pool of supervised workers. What follows is the README.

#![doc = include_str!("../README.md")]

mod call;
mod clock;
mod codec;
mod event;
mod fence;
mod function;
#[cfg(test)]
mod fuzz;
#[cfg(fuzzing)]
mod fuzzing;
mod hash;
mod id;
#[cfg(all(test, wpc_loom))]
mod models;
#[cfg(not(wpc_plant))]
mod plant;
#[cfg(wpc_plant)]
#[doc(hidden)]
pub mod plant;
mod plugin;
mod pool;
mod registry;
#[cfg(all(test, wpc_shuttle))]
mod schedules;
#[cfg(test)]
mod simulation;
mod supervise;
mod sync;
mod value;
mod worker;
mod wpc;

pub use call::{CallError, NESTING_MAX, PanicLocation, Pending, RejectReason, Rejected, Totals};
pub use clock::{Clock, ManualClock};
pub use event::{
    Detail, EVENT_BUFFER_DEFAULT, Event, EventCounts, EventError, EventName, EventSource,
    LISTENER_PANICS_MAX, LISTENERS_MAX, ListenerId, Severity, SubscribeError, Subscription, WaitEventError,
};
pub use function::{
    Argument, Callable, ConstantError, Context, Function, FunctionError, HashOf, Import, ImportError,
    InstanceError, Interrupted, IntoFunction, IsFunction, LocalInUse, Misfit, Parameter, Ref, Requirement,
    ReturnsResult, ReturnsValue, WithContext, fallible,
};
pub use hash::{Hash, HashParseError};
pub use id::{CallId, Generation, NAME_BYTES_MAX, NameError, PoolId, Run, Version, WorkerId};
pub use plugin::{
    ANSWER_BYTES_MAX, CFunction, DescriptorFlaw, Dylib, FUNCTIONS_MAX, LIBRARY_BYTES_MAX, LoadError, Symbol,
    TEXT_BYTES_MAX,
};
pub use pool::{
    Defined, NotInstalled, StartError, StartFailure, Started, Stats, StopError, StopReport, WORKERS_MAX,
    WaitError, WorkerInfo, WorkerState,
};
pub use registry::{
    ConstantInfo, DEFINITIONS_MAX, DEPENDENCIES_MAX, DefineError, DependencyInfo, ExportInfo, FunctionInfo,
    InstallFailure,
};
pub use supervise::{PolicyError, RestartPolicy};
pub use worker::{ThreadLife, ThreadStart};
pub use wpc::{BuildError, CallRequest, FunctionHandle, WeakWpc, Wpc, WpcBuilder};

/// What the fuzz targets of `fuzz/` call.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod __fuzzing {
    pub use crate::fuzzing::{Refused, check_library, decode, encode};
}

/// What the macro `function!` expands to.
#[doc(hidden)]
pub mod __private {
    pub use crate::function::{BuildFallible, BuildPlain, Carried, Probe};
}
