//! Why something was not defined.

use crate::function::InstanceError;
use crate::id::{NameError, WorkerId};
use crate::plugin::LoadError;

/// Why a function, a constant or a dependency was not defined. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DefineError {
    /// The name, or the name of a requirement, is not of the documented form.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The function returns a `Result` whose error is plain data, so that it would be a value and never an outcome.
    #[error(
        "function `{name}` returns `{result}` as a value: its error must convert into `Box<dyn Error + Send + Sync>`"
    )]
    ResultAsValue {
        /// The function.
        name: String,
        /// The type that it returns.
        result: &'static str,
    },
    /// The constant's value cannot be encoded, so that no other type could be made of it.
    #[error("constant `{name}` cannot be encoded{}: {reason}", at(path))]
    Encoding {
        /// The constant.
        name: String,
        /// Where in the value; empty for the value as a whole.
        path: String,
        /// What was wrong there.
        reason: String,
    },
    /// There are as many functions, constants or dependencies as there may be.
    #[error("`{name}` would be one more than the {limit} that may be defined")]
    TooMany {
        /// The name that was to be defined.
        name: String,
        /// [`DEFINITIONS_MAX`](crate::DEFINITIONS_MAX), or [`DEPENDENCIES_MAX`](crate::DEPENDENCIES_MAX).
        limit: usize,
    },
    /// The library of a dependency could not be loaded.
    #[error("dependency `{alias}` cannot be loaded")]
    Load {
        /// The dependency.
        alias: String,
        /// Why not.
        source: LoadError,
    },
    /// Workers that serve could not be given the dependency: none has it then.
    #[error("dependency `{alias}` cannot be installed on {}", listed(failures))]
    Install {
        /// The dependency.
        alias: String,
        /// The workers with the cause for each; at least one.
        failures: Vec<InstallFailure>,
    },
    /// The pool was stopped while the dependency was being installed.
    #[error("the pool was stopped before dependency `{alias}` was installed")]
    Stopped {
        /// The dependency.
        alias: String,
    },
    /// Another dependency was being defined, or the workers were being started, for the whole of `control_timeout`.
    #[error(
        "dependency `{alias}` has to wait for another one that is being defined, or for workers that start"
    )]
    Busy {
        /// The dependency.
        alias: String,
    },
    /// A dependency cannot be defined on a worker of this very pool, or by a listener: it waits for workers.
    #[error("a worker or a listener of the pool cannot wait for workers to install a dependency")]
    WouldDeadlock,
}

/// A worker that could not be given a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstallFailure {
    /// The worker.
    pub worker_id: WorkerId,
    /// Why not.
    pub cause: InstanceError,
}

impl InstallFailure {
    pub(crate) fn new(worker_id: WorkerId, cause: InstanceError) -> Self {
        Self { worker_id, cause }
    }
}

/// `worker 0: it failed; worker 2: it failed`.
fn listed(failures: &[InstallFailure]) -> String {
    let one = |failure: &InstallFailure| format!("worker {}: {}", failure.worker_id, failure.cause);
    failures.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Where in the value; nothing for the value as a whole.
fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" at `{path}`") }
}
