//! Why something was not defined.

use crate::id::NameError;

use super::writer::DEFINITIONS_MAX;

/// Why a function or a constant was not defined. Nothing has changed then.
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
    /// There are as many functions, or as many constants, as there may be.
    #[error("`{name}` would be one more than the {limit} that may be defined", limit = DEFINITIONS_MAX)]
    TooMany {
        /// The name that was to be defined.
        name: String,
    },
}

/// Where in the value; nothing for the value as a whole.
fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" at `{path}`") }
}
