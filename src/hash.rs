//! The digest by which a function's source, a library or a manifest is known: SHA-1, of normalised text or of bytes.
//!
//! It shows drift between two sides that trust each other. It is no proof against someone who wants two texts with
//! one digest, and nothing here uses it as such.

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use sha1::{Digest, Sha1};

/// How many bytes a digest has; its text has two digits for each.
const HASH_BYTES: usize = 20;

/// The SHA-1 digest of 20 bytes that tells whether what runs is what the caller expects; its text, which is also how
/// it is serialised, is 40 lower-case hexadecimal digits.
///
/// It detects drift and is no trust decision: texts with equal digests can be made on purpose. A function's hash covers
/// its own text, not what it captures or calls.
///
/// # Examples
///
/// ```
/// use wpc::Hash;
///
/// let hash = Hash::of_source("|a: u64| a + 1\r\n");
/// assert_eq!(hash, Hash::of_source("|a: u64| a + 1"));
/// assert_eq!(hash.to_string().parse(), Ok(hash));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; HASH_BYTES]);

impl Hash {
    /// The digest of a source text: line endings (CRLF and a lone CR) count as LF, white space at both ends does not
    /// count, and all else does. No limit of length; nothing is copied.
    ///
    /// # Examples
    ///
    /// ```
    /// use wpc::Hash;
    ///
    /// assert_eq!(Hash::of_source("\n a\r\nb\rc \n"), Hash::of_source("a\nb\nc"));
    /// assert_ne!(Hash::of_source("a b"), Hash::of_source("a  b"));
    /// assert_eq!(Hash::of_source("abc").to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
    /// ```
    pub fn of_source(text: &str) -> Self {
        let mut digest = Sha1::new();
        let mut rest = text.trim();
        while let Some((line, after)) = rest.split_once('\r') {
            digest.update(line);
            digest.update("\n");
            rest = after.strip_prefix('\n').unwrap_or(after);
        }
        digest.update(rest);
        Self(digest.finalize().into())
    }

    /// The digest of the bytes as they are.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha1::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// How many characters of a rejected text an error keeps.
const REJECTED_CHARS_MAX: usize = 64;

/// A text that is no [`struct@Hash`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashParseError {
    /// The text is shorter or longer than 40 characters.
    #[error("`{value}` has {characters} characters: a hash is 40 hexadecimal digits")]
    Length {
        /// The text with its control characters escaped, cut to 64 characters.
        value: String,
        /// How many characters the whole text has.
        characters: usize,
    },
    /// A character is no hexadecimal digit.
    #[error("`{value}` has `{}` at character {at}: a hash is 40 hexadecimal digits", .character.escape_debug())]
    Digit {
        /// The text with its control characters escaped, cut to 64 characters.
        value: String,
        /// The first character that is no hexadecimal digit.
        character: char,
        /// Its place, counted from 0 in characters.
        at: usize,
    },
}

impl FromStr for Hash {
    type Err = HashParseError;

    /// Reads exactly 40 hexadecimal digits, of either case, with nothing around them.
    ///
    /// # Errors
    ///
    /// [`HashParseError::Length`] when the text has not 40 characters, else [`HashParseError::Digit`] for the first
    /// character that is no hexadecimal digit.
    ///
    /// # Examples
    ///
    /// ```
    /// use wpc::{Hash, HashParseError};
    ///
    /// let hash: Hash = "A9993E364706816ABA3E25717850C26C9CD0D89D".parse()?;
    /// assert_eq!(hash, Hash::of_source("abc"));
    /// assert!(matches!("a9993e36".parse::<Hash>(), Err(HashParseError::Length { characters: 8, .. })));
    /// # Ok::<(), HashParseError>(())
    /// ```
    fn from_str(text: &str) -> Result<Self, HashParseError> {
        let value = || text.chars().flat_map(char::escape_debug).take(REJECTED_CHARS_MAX).collect();
        let characters = text.chars().count();
        if characters != 2 * HASH_BYTES {
            return Err(HashParseError::Length { value: value(), characters });
        }
        let mut bytes = [0; HASH_BYTES];
        for (at, character) in text.chars().enumerate() {
            match character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
                Some(digit) => bytes[at / 2] = bytes[at / 2] << 4 | digit,
                None => {
                    return Err(HashParseError::Digit { value: value(), character, at });
                }
            }
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(HashVisitor)
    }
}

struct HashVisitor;

impl Visitor<'_> for HashVisitor {
    type Value = Hash;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hash of 40 hexadecimal digits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Hash, E> {
        text.parse().map_err(E::custom)
    }
}

/// Digests what is written to it, for what need not be in memory at once. Writing never fails.
#[derive(Default)]
pub(crate) struct HashWriter(Sha1);

impl HashWriter {
    /// The digest of all that was written.
    pub(crate) fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde::de::value::{Error, StrDeserializer, U64Deserializer};

    use super::*;

    const ABC: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

    /// A formatter is a serializer: this shows the text that a hash is serialised as.
    struct Serialised(Hash);

    impl fmt::Display for Serialised {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.serialize(f)
        }
    }

    #[test]
    fn known_vectors_of_sha1_come_out() {
        let long = "a".repeat(1_000_000);
        let known = [
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", ABC),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            ),
            ("The quick brown fox jumps over the lazy dog", "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"),
            (&long, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        ];
        for (text, digest) in known {
            assert_eq!(Hash::of_bytes(text.as_bytes()).to_string(), digest);
            assert_eq!(Hash::of_source(text).to_string(), digest);
        }
    }

    #[test]
    fn line_endings_and_outer_blanks_of_a_source_do_not_count() {
        let hash = Hash::of_bytes("fn f() {\n\n    1\n}".as_bytes());
        for same in [
            "fn f() {\n\n    1\n}",
            "fn f() {\r\n\r\n    1\r\n}",
            "fn f() {\r\r    1\r}",
            "fn f() {\n\r    1\r\n}",
            "\r\n \tfn f() {\r\n\n    1\n}\n\n",
            "\u{a0}\u{2028}fn f() {\n\n    1\n}\u{3000}\r",
        ] {
            assert_eq!(Hash::of_source(same), hash, "{same:?}");
        }
        assert_eq!(Hash::of_source(" \r\n\t"), Hash::of_bytes(b""));
    }

    #[test]
    fn anything_else_in_a_source_counts() {
        let hash = Hash::of_source("a;\nb // c");
        for other in [
            "a;\n\nb // c",
            "a;\n b // c",
            "a; \nb // c",
            "a; b // c",
            "a;\nb",
            "a;\nb // C",
            "\u{feff}a;\nb // c",
        ] {
            assert_ne!(Hash::of_source(other), hash, "{other:?}");
        }
    }

    #[test]
    fn what_is_written_in_pieces_has_the_digest_of_the_whole() -> io::Result<()> {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        let mut writer = HashWriter::default();
        for piece in bytes.chunks(37) {
            writer.write_all(piece)?;
        }
        writer.flush()?;
        assert_eq!(writer.finish(), Hash::of_bytes(&bytes));
        assert_eq!(HashWriter::default().finish(), Hash::of_bytes(b""));
        Ok(())
    }

    #[test]
    fn text_of_either_case_is_read_and_lower_case_is_shown() {
        let hash = Hash::of_source("abc");
        assert_eq!(ABC.parse(), Ok(hash));
        assert_eq!(ABC.to_uppercase().parse(), Ok(hash));
        assert_eq!(hash.to_string(), ABC);
        assert_eq!(format!("{hash:?}"), format!("Hash({ABC})"));
    }

    #[test]
    fn what_is_no_hash_is_refused_with_the_value_and_the_rule() {
        let refusal = |text: &str| text.parse::<Hash>().expect_err("no hash").to_string();
        assert_eq!(refusal(""), "`` has 0 characters: a hash is 40 hexadecimal digits");
        assert_eq!(refusal("a9\n"), "`a9\\n` has 3 characters: a hash is 40 hexadecimal digits");
        let blank = format!(" {}", &ABC[1..]);
        assert_eq!(
            refusal(&blank),
            format!("`{blank}` has ` ` at character 0: a hash is 40 hexadecimal digits")
        );
        for (bad, place) in [("+", 39), ("g", 39), ("é", 39), ("\u{ff11}", 39)] {
            match format!("{}{bad}", &ABC[1..]).parse::<Hash>() {
                Err(HashParseError::Digit { at, .. }) => assert_eq!(at, place, "{bad:?}"),
                other => panic!("{bad:?} gave {other:?}"),
            }
        }
        for (length, characters) in [(39, 39), (41, 41), (100_000, 100_000)] {
            match "a".repeat(length).parse::<Hash>() {
                Err(HashParseError::Length { value, characters: found }) => {
                    assert_eq!((value.len(), found), (length.min(REJECTED_CHARS_MAX), characters));
                }
                other => panic!("{length} digits gave {other:?}"),
            }
        }
    }

    #[test]
    fn it_is_serialised_as_its_text() {
        let hash = Hash::of_source("abc");
        assert_eq!(Serialised(hash).to_string(), ABC);
        let read = |text| Hash::deserialize(StrDeserializer::<Error>::new(text));
        assert_eq!(read(ABC), Ok(hash));
        let refused = read("abc").expect_err("no hash").to_string();
        assert_eq!(refused, "`abc` has 3 characters: a hash is 40 hexadecimal digits");
        let refused = Hash::deserialize(U64Deserializer::<Error>::new(7)).expect_err("no text").to_string();
        assert_eq!(refused, "invalid type: integer `7`, expected a hash of 40 hexadecimal digits");
    }
}
