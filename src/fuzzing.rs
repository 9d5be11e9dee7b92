//! The decoders, open to the fuzz targets of `fuzz/`: in a build with `--cfg fuzzing`, which `cargo fuzz` makes, and in no other.

use std::fmt;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, CONVERSION_BYTES_MAX, EncodeError};
use crate::plugin::{self, LoadError};

/// Why a value was not encoded.
#[derive(Debug)]
pub struct Refused(EncodeError);

impl Refused {
    /// Whether the value nests deeper than may be.
    pub fn is_too_deep(&self) -> bool {
        matches!(self.0, EncodeError::TooDeep { .. })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Decodes a payload; none if it is refused.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    codec::decode(bytes).ok()
}

/// Encodes a value as a payload.
///
/// # Errors
///
/// Why the value is refused.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Refused> {
    codec::encode(value, CONVERSION_BYTES_MAX).map_err(Refused)
}

/// Looks at a library's header.
///
/// # Errors
///
/// What is wrong with the file.
pub fn check_library(bytes: &[u8]) -> Result<(), LoadError> {
    plugin::check_library(bytes, Path::new("lib.so"))
}
