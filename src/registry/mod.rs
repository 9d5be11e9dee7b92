//! The parent registry: functions and constants by name, published as immutable, versioned [`Snapshot`]s.

mod error;
mod info;
mod publication;
mod snapshot;
mod writer;

pub use error::DefineError;
pub use info::{ConstantInfo, FunctionInfo};
pub use writer::DEFINITIONS_MAX;

pub(crate) use snapshot::Snapshot;
pub(crate) use writer::{Change, Registry};
