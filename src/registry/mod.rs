//! The parent registry: functions, constants and dependencies by name, published as immutable, versioned [`Snapshot`]s.

mod error;
mod info;
#[cfg(test)]
mod properties;
mod publication;
mod snapshot;
mod writer;

pub use error::{DefineError, InstallFailure};
pub use info::{ConstantInfo, DependencyInfo, ExportInfo, FunctionInfo};
pub use writer::{DEFINITIONS_MAX, DEPENDENCIES_MAX};

pub(crate) use snapshot::{Published, Snapshot};
pub(crate) use writer::{Change, Registry};
