//! The pool: its size, how it starts and stops, where a call goes, how changes of the registry reach the workers.

mod crew;
mod dispatch;
mod info;
mod install;
mod lifecycle;
mod publish;
mod scheduler;
mod settings;
mod stop;

pub use info::{NotInstalled, Stats, WorkerInfo, WorkerState};
pub use lifecycle::{StartError, StartFailure, Started, WORKERS_MAX};
pub use publish::{Defined, WaitError};
pub use stop::{StopError, StopReport};

pub(crate) use lifecycle::Pool;
pub(crate) use settings::Settings;
