//! The decoders, open to the fuzz targets of `fuzz/`: in a build with `--cfg fuzzing`, which `cargo fuzz` makes, and in no other.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, CONVERSION_BYTES_MAX, EncodeError};
use crate::plugin::{self, LoadError};

/// Why a value was not encoded.
#[derive(Debug)]
pub enum Refused {
    /// It nests deeper than may be.
    TooDeep,
    /// Anything else, in words.
    Other(String),
}

/// Decodes a payload.
///
/// # Errors
///
/// Why the bytes are refused, in words.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    codec::decode(bytes).map_err(|error| error.to_string())
}

/// Encodes a value as a payload.
///
/// # Errors
///
/// Why the value is refused.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Refused> {
    codec::encode(value, CONVERSION_BYTES_MAX).map_err(|error| match error {
        EncodeError::TooDeep { .. } => Refused::TooDeep,
        other => Refused::Other(other.to_string()),
    })
}

/// Looks at a library's header.
///
/// # Errors
///
/// What is wrong with the file.
pub fn check_library(bytes: &[u8]) -> Result<(), LoadError> {
    plugin::check_library(bytes, Path::new("lib.so"))
}
