//! Values as bytes: `MessagePack` for users' values, bincode for the library's own manifest.
//!
//! Structs and the fields of variants travel as maps by name. What one type writes another may read, by serde's own
//! conversions:
//!
//! - Fields that the type does not have are dropped; one that is missing is an error, unless it is an `Option` (then
//!   `None`) or has a default.
//! - An array fills a struct by position, and so does a map whose keys are integers; a struct does not fill a tuple.
//! - Any integer that the type holds is taken, any other refused. An integer becomes the nearest float, and an `f64`
//!   the nearest `f32`, which may be infinite; a float never becomes an integer.
//! - A `char` is a string of one; bytes become a `String` if they are UTF-8, and a sequence of `u8` either way.
//! - A value fills an `Option` of its type. `()` and a unit struct are nil, as `None` is.
//!
//! What would come back as something else is an error when it is encoded ([`EncodeError`]) or decoded
//! ([`DecodeError`]): an `Option` around nil, a number of elements that is not the one announced, a sequence that the
//! type does not read to its end. Two things serde does not read inside `flatten`, `untagged` and tagged enums, and
//! they are errors there: an `i128` or `u128`, and a type that writes itself differently for people (`IpAddr`).

mod decoder;
mod encoder;
mod place;
mod size;
mod structure;
mod wide;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny};
use serde::ser::Serialize;
use thiserror::Error;

use self::decoder::Guard;
use self::encoder::Nested;
use self::place::{Audit, Cause, Fault, Limits, Place};
use self::structure::Flaw;

/// Bytes that a conversion between two types in one process may take.
pub(crate) const CONVERSION_BYTES_MAX: usize = 64 << 20;

/// Arrays and maps that may lie around a value; a struct is a map, and a variant with content is one more.
pub(crate) const DEPTH_MAX: usize = 128;

/// Bytes of a path or a reason that an error keeps; serde quotes whole strings.
const TEXT_BYTES_MAX: usize = 4 << 10;

/// Why a value was not encoded.
#[derive(Debug, Error)]
#[error("{}{}", self.reason(), At(self.path()))]
#[non_exhaustive]
pub(crate) enum EncodeError {
    /// An option holds what encodes as nil (`Some(())`, `Some(None)`), which would come back as `None`.
    Nil {
        /// Where the option is.
        path: String,
    },
    /// Arrays and maps lie deeper than [`DEPTH_MAX`].
    TooDeep {
        /// Where the first one too deep is.
        path: String,
        /// The limit.
        depth_max: usize,
    },
    /// The value takes more bytes than it may.
    TooLarge {
        /// Where the limit was passed.
        path: String,
        /// The limit.
        bytes_max: usize,
    },
    /// A `Serialize` wrote another number of elements than it announced.
    Miscounted {
        /// Where it is.
        path: String,
        /// The number that it announced.
        announced: usize,
        /// The number that it wrote.
        written: usize,
    },
    /// A `Serialize` failed.
    Serialize {
        /// Where it is.
        path: String,
        /// Its message.
        reason: String,
    },
    /// The writer failed.
    Write {
        /// What was being written.
        path: String,
        /// Its error.
        source: io::Error,
    },
}

impl EncodeError {
    /// Where in the value it is, as in `list[0].name`; empty at the root.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Nil { path }
            | Self::TooDeep { path, .. }
            | Self::TooLarge { path, .. }
            | Self::Miscounted { path, .. }
            | Self::Serialize { path, .. }
            | Self::Write { path, .. } => path,
        }
    }

    /// What is wrong there.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Nil { .. } => "an option's content encodes as nil".to_owned(),
            Self::TooDeep { depth_max, .. } => format!("nested deeper than {depth_max}"),
            Self::TooLarge { bytes_max, .. } => format!("longer than {bytes_max} bytes"),
            Self::Miscounted { announced, written, .. } => {
                format!("announced {announced} elements and wrote {written}")
            }
            Self::Serialize { reason, .. } => reason.clone(),
            Self::Write { .. } => "the writer failed".to_owned(),
        }
    }

    fn new(fault: Fault, limits: Limits) -> Self {
        let Fault { path, cause } = fault;
        let path = clip(path);
        let Limits { bytes_max, depth_max } = limits;
        match cause {
            Cause::Nil => Self::Nil { path },
            Cause::TooDeep => Self::TooDeep { path, depth_max },
            Cause::TooLarge => Self::TooLarge { path, bytes_max },
            Cause::Miscounted { announced, written } => Self::Miscounted { path, announced, written },
            Cause::Failed { reason } => Self::Serialize { path, reason: clip(reason) },
        }
    }
}

/// Why bytes were not decoded.
#[derive(Debug, Error)]
#[error("{}{}", self.reason(), At(self.path()))]
#[non_exhaustive]
pub(crate) enum DecodeError {
    /// A value is cut short, or begins with a byte that begins none.
    Malformed {
        /// Where that value begins.
        offset: usize,
    },
    /// Arrays and maps lie deeper than [`DEPTH_MAX`].
    TooDeep {
        /// Where the first one too deep begins.
        offset: usize,
        /// The limit.
        depth_max: usize,
    },
    /// Bytes follow the value.
    Trailing {
        /// Where they begin.
        offset: usize,
    },
    /// The value does not fit the type.
    Mismatch {
        /// Where in the value it is.
        path: String,
        /// serde's message.
        reason: String,
    },
}

impl DecodeError {
    /// Where in the value it is, as in `list[0].name`; empty at the root and where no type was looked at.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Mismatch { path, .. } => path,
            Self::Malformed { .. } | Self::TooDeep { .. } | Self::Trailing { .. } => "",
        }
    }

    /// What is wrong there.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Malformed { offset } => format!("no whole value at byte {offset}"),
            Self::TooDeep { offset, depth_max } => {
                format!("nested deeper than {depth_max} at byte {offset}")
            }
            Self::Trailing { offset } => format!("the value ends at byte {offset} and more follow"),
            Self::Mismatch { reason, .. } => reason.clone(),
        }
    }
}

impl From<Flaw> for DecodeError {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Malformed { offset } => Self::Malformed { offset },
            Flaw::TooDeep { offset } => Self::TooDeep { offset, depth_max: DEPTH_MAX },
            Flaw::Trailing { offset } => Self::Trailing { offset },
        }
    }
}

/// The `MessagePack` of `value`, of at most `bytes_max` bytes and never more than 4 GiB.
///
/// # Errors
///
/// Any [`EncodeError`] but `Write`.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T, bytes_max: usize) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    // A length in MessagePack has 32 bits, and rmp-serde cuts off what is more.
    let bytes_max = bytes_max.min(u32::MAX as usize);
    write(value, &mut bytes, bytes_max)?;
    Ok(bytes)
}

/// Writes the `MessagePack` of `value`, however long, in many small pieces.
///
/// Nothing is held back but a map or a sequence of unknown length (`flatten`), until its end. This is for hashing: a
/// length of more than 32 bits is cut off.
///
/// # Errors
///
/// Any [`EncodeError`] but `TooLarge`; the writer may have got a part.
pub(crate) fn encode_into<T: Serialize + ?Sized, W: io::Write>(
    value: &T,
    writer: W,
) -> Result<(), EncodeError> {
    write(value, writer, usize::MAX)
}

fn write<T: Serialize + ?Sized, W: io::Write>(
    value: &T,
    writer: W,
    bytes_max: usize,
) -> Result<(), EncodeError> {
    let limits = Limits { bytes_max, depth_max: DEPTH_MAX };
    let audit = Audit::new(limits);
    let mut serializer = rmp_serde::Serializer::new(writer).with_struct_map();
    let place = Place::root(&audit);
    let result = Nested { value, place }.serialize(&mut serializer);
    match (result, audit.into_fault()) {
        (Ok(()), None) => Ok(()),
        (Err(rmp_serde::encode::Error::InvalidValueWrite(error)), fault) => Err(EncodeError::Write {
            path: clip(fault.map_or_else(String::new, |fault| fault.path)),
            source: error.into(),
        }),
        (_, Some(fault)) => Err(EncodeError::new(fault, limits)),
        (Err(error), None) => {
            Err(EncodeError::Serialize { path: String::new(), reason: clip(error.to_string()) })
        }
    }
}

/// The value that `bytes` are the `MessagePack` of.
///
/// The shape of the input is checked before the type is looked at, so that no length in it is believed; then std's
/// collections reserve at most 1 MiB each, and only for elements that are there. A value that does not fit is decoded
/// a second time to find out where, because a path costs more than all the rest.
///
/// # Errors
///
/// Any [`DecodeError`].
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    structure::check(bytes, DEPTH_MAX)?;
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
    match T::deserialize(Guard::new(&mut deserializer)) {
        Ok(value) => ended(&mut deserializer).map(|()| value),
        Err(_) => decode_with_path(bytes),
    }
}

#[cold]
fn decode_with_path<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
    let value = serde_path_to_error::deserialize(Guard::new(&mut deserializer)).map_err(|error| {
        DecodeError::Mismatch { path: clip(path_text(error.path())), reason: clip(error.inner().to_string()) }
    })?;
    ended(&mut deserializer).map(|()| value)
}

/// A `Deserialize` that looked away has left its bytes to be read again.
fn ended<'de, D>(deserializer: D) -> Result<(), DecodeError>
where
    D: Deserializer<'de, Error = rmp_serde::decode::Error>,
{
    match IgnoredAny::deserialize(deserializer) {
        Err(rmp_serde::decode::Error::InvalidMarkerRead(_)) => Ok(()),
        _ => Err(DecodeError::Mismatch {
            path: String::new(),
            reason: "the type did not read the whole value".to_owned(),
        }),
    }
}

/// The bincode of a value of our own, to be hashed.
///
/// # Errors
///
/// `Serialize`, if the value cannot be encoded.
pub(crate) fn manifest_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    bincode::serde::encode_to_vec(value, bincode::config::standard())
        .map_err(|error| EncodeError::Serialize { path: String::new(), reason: clip(error.to_string()) })
}

fn path_text(path: &serde_path_to_error::Path) -> String {
    match path.iter().next() {
        Some(_) => path.to_string(),
        None => String::new(),
    }
}

fn clip(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX).rfind(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// A path as the end of a message; nothing at the root.
struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            path => write!(formatter, " at `{path}`"),
        }
    }
}
