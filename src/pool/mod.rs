//! The pool: its size, how it starts and stops, where a call goes, how changes of the registry reach the workers.

mod crew;
mod dispatch;
mod info;
mod install;
mod lifecycle;
#[cfg(test)]
pub(crate) mod played;
mod publish;
mod scheduler;
mod settings;
mod stop;

pub use info::{NotInstalled, Stats, WorkerInfo, WorkerState};
pub use lifecycle::{StartError, StartFailure, Started, WORKERS_MAX};
pub use publish::{Defined, WaitError};
pub use stop::{StopError, StopReport};

#[cfg(test)]
pub(crate) use dispatch::Patience;
pub(crate) use lifecycle::Pool;
pub(crate) use settings::Settings;
