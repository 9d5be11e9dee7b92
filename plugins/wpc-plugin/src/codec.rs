//! Arguments, results and errors as `MessagePack`, structs as maps by field name.

use rmp_serde::Deserializer;
use rmp_serde::decode::Error as DecodeError;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};
use serde::ser::{SerializeStruct, Serializer};

use crate::error::PluginError;
use crate::fence::clip;

/// Arrays and maps that may lie around a value. A host holds to it before the bytes come here, and counts what rmp-serde
/// does not: the variants of enums.
const DEPTH_MAX: usize = 128;

/// Why arguments did not become the values that a function takes.
pub(crate) struct Misfit {
    /// The type that was expected.
    pub(crate) expected: String,
    /// What is wrong.
    pub(crate) reason: String,
}

impl Serialize for Misfit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Misfit", 3)?;
        fields.serialize_field("expected", &self.expected)?;
        // Where it is would cost a second pass and a crate for it; the reason names the type or the field.
        fields.serialize_field("path", "")?;
        fields.serialize_field("reason", &self.reason)?;
        fields.end()
    }
}

/// An error as its caller reads it. The error itself is not `Serialize`, so that no result that holds it is a value.
pub(crate) struct Failure(pub(crate) PluginError);

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Failure", 5)?;
        fields.serialize_field("name", self.0.name())?;
        fields.serialize_field("message", self.0.message())?;
        fields.serialize_field("code", &self.0.code())?;
        fields.serialize_field("details", self.0.details())?;
        fields.serialize_field("causes", self.0.causes())?;
        fields.end()
    }
}

/// The value that `bytes` are, to the last one of them, or the reason why they are not.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut deserializer = Deserializer::from_read_ref(bytes);
    // It refuses the level that brings its count to zero.
    deserializer.set_max_depth(DEPTH_MAX + 1);
    let value = T::deserialize(&mut deserializer).map_err(|error| reason(&error))?;
    // A `bool` is asked for since it reads nothing behind a first byte that is no `bool`: a container that is cut short
    // would end as an input does that is at its end.
    match bool::deserialize(&mut deserializer) {
        Err(DecodeError::InvalidMarkerRead(_)) => Ok(value),
        _ => Err("more bytes follow the value".to_owned()),
    }
}

/// The value's bytes, or the reason why it has none.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, String> {
    rmp_serde::to_vec_named(value).map_err(|error| reason(&error))
}

/// An error may quote the whole value.
fn reason(error: &dyn std::error::Error) -> String {
    clip(&error.to_string()).to_owned()
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    /// Arrays around a nil, as deep as they come.
    #[derive(Debug)]
    struct Deep;

    impl<'de> Deserialize<'de> for Deep {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            IgnoredAny::deserialize(deserializer).map(|_| Self)
        }
    }

    fn nested(depth: usize) -> Vec<u8> {
        let mut bytes = vec![0x91; depth];
        bytes.push(0xc0);
        bytes
    }

    #[test]
    fn nesting_ends_at_its_limit() {
        assert!(decode::<Deep>(&nested(DEPTH_MAX - 1)).is_ok());
        assert!(decode::<Deep>(&nested(DEPTH_MAX)).is_ok());
        let reason = decode::<Deep>(&nested(DEPTH_MAX + 1)).expect_err("it is one too deep");
        assert_eq!(reason, "depth limit exceeded");
        assert!(decode::<Deep>(&nested(1 << 20)).is_err());
    }

    #[test]
    fn all_bytes_are_read() {
        assert_eq!(decode::<u8>(&[7]).expect("it is one number"), 7);
        for bytes in [&[7, 7][..], &[7, 0xc0], &[7, 0xc3], &[7, 0x91], &[7, 0xd9], &[7, 0xc1]] {
            assert_eq!(decode::<u8>(bytes).expect_err("more follows"), "more bytes follow the value");
        }
        assert!(decode::<u8>(&[]).is_err());
    }
}
