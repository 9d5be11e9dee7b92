//! Integers of 128 bits: as an ordinary integer where 64 bits hold them, else as an extension of 16 bytes.
//!
//! rmp-serde writes both types as the same 16 bytes and casts what it reads, so that `-1` would become `u128::MAX`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

use super::size;

/// rmp-serde's name for the newtype that it writes as an extension.
pub(super) const EXTENSION: &str = "_ExtStruct";

const TAG_SIGNED: i8 = 1;
const TAG_UNSIGNED: i8 = 2;

/// An integer as it will be written.
pub(super) enum Wide {
    /// Fits an `i64`.
    Negative(i64),
    /// Fits a `u64`.
    Positive(u64),
    /// Needs more, and is written as an extension with this tag.
    Extension(i8, [u8; 16]),
}

impl From<i128> for Wide {
    fn from(value: i128) -> Self {
        match (u64::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => Self::Positive(value),
            (_, Ok(value)) => Self::Negative(value),
            _ => Self::Extension(TAG_SIGNED, value.to_be_bytes()),
        }
    }
}

impl From<u128> for Wide {
    fn from(value: u128) -> Self {
        match u64::try_from(value) {
            Ok(value) => Self::Positive(value),
            Err(_) => Self::Extension(TAG_UNSIGNED, value.to_be_bytes()),
        }
    }
}

impl Wide {
    /// Bytes that it takes.
    pub(super) const fn bytes(&self) -> usize {
        match *self {
            Self::Negative(value) => size::signed(value),
            Self::Positive(value) => size::unsigned(value),
            Self::Extension(..) => size::WIDE,
        }
    }
}

impl Serialize for Wide {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Negative(value) => serializer.serialize_i64(value),
            Self::Positive(value) => serializer.serialize_u64(value),
            Self::Extension(tag, octets) => {
                serializer.serialize_newtype_struct(EXTENSION, &(tag, Octets(octets)))
            }
        }
    }
}

/// Reads an `i128` or a `u128`, and refuses what the type does not hold.
pub(super) struct WideVisitor<T>(PhantomData<T>);

impl<T> WideVisitor<T> {
    /// A visitor for `T`.
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: TryFrom<i128> + TryFrom<u128>> Visitor<'de> for WideVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::any::type_name::<T>())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        T::try_from(i128::from(value)).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        T::try_from(u128::from(value)).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let (tag, Octets(octets)) = Deserialize::deserialize(deserializer)?;
        let value = match tag {
            TAG_SIGNED => T::try_from(i128::from_be_bytes(octets)).ok(),
            TAG_UNSIGNED => T::try_from(u128::from_be_bytes(octets)).ok(),
            _ => None,
        };
        value.ok_or_else(|| de::Error::invalid_value(Unexpected::Other("wide integer"), &self))
    }
}

struct Octets([u8; 16]);

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(OctetsVisitor)
    }
}

struct OctetsVisitor;

impl Visitor<'_> for OctetsVisitor {
    type Value = Octets;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("16 bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Octets, E> {
        bytes.try_into().map(Octets).map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}
