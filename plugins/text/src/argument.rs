//! What arguments may be written as: a text or bytes, and a path in any of its forms.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// The most bytes that are set aside for a number of elements that was only announced.
const ANNOUNCED_MAX: usize = 64 << 10;

/// Bytes, from a text, from bytes or from a list of numbers, which is how serde writes a `Vec<u8>`.
#[derive(Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// A path, from a text, which is how serde writes a `String` and a `PathBuf`, or from an `OsString`, which also holds a
/// path that is not UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub struct FilePath(pub PathBuf);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor)
    }
}

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PathVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, bytes or a list of bytes")
    }

    fn visit_str<E>(self, text: &str) -> Result<Bytes, E> {
        Ok(Bytes(text.as_bytes().to_vec()))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(Bytes(bytes.to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Bytes, A::Error> {
        let mut bytes = Vec::with_capacity(list.size_hint().unwrap_or(0).min(ANNOUNCED_MAX));
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(Bytes(bytes))
    }
}

struct PathVisitor;

impl<'de> Visitor<'de> for PathVisitor {
    type Value = FilePath;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path, as a text or as an `OsString`")
    }

    fn visit_str<E>(self, text: &str) -> Result<FilePath, E> {
        Ok(FilePath(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, variant: A) -> Result<FilePath, A::Error> {
        OsString::deserialize(MapAccessDeserializer::new(variant)).map(|path| FilePath(path.into()))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{BytesDeserializer, Error, MapDeserializer};

    use super::*;

    #[test]
    fn bytes_come_from_texts_bytes_and_lists() {
        let from = |deserializer: Result<Bytes, Error>| deserializer.unwrap().0;
        assert_eq!(from(Bytes::deserialize("ab".into_deserializer())), b"ab");
        assert_eq!(from(Bytes::deserialize(BytesDeserializer::new(b"\xff"))), b"\xff");
        assert_eq!(from(Bytes::deserialize(vec![0_u8, 255].into_deserializer())), [0, 255]);
        let wrong: Result<_, Error> = Bytes::deserialize(vec![256_u32].into_deserializer());
        assert!(wrong.is_err());
    }

    #[cfg(unix)]
    #[test]
    fn paths_come_from_texts_and_os_strings() {
        use std::os::unix::ffi::OsStringExt;

        let text: Result<_, Error> = FilePath::deserialize("a/b".into_deserializer());
        assert_eq!(text.unwrap().0, PathBuf::from("a/b"));
        let variant = MapDeserializer::<_, Error>::new([("Unix", vec![b'a', 0xff])].into_iter());
        let path = FilePath::deserialize(variant).unwrap();
        assert_eq!(path.0, PathBuf::from(OsString::from_vec(vec![b'a', 0xff])));
        let wrong: Result<_, Error> = FilePath::deserialize(7.into_deserializer());
        assert!(wrong.is_err());
    }
}
