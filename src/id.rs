//! Newtypes for what is counted and named: workers, calls, pools, runs, versions and names.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Serialize, Serializer};

/// A worker's slot in its pool, counted from 0. It stays the same over the runs of that worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct WorkerId(pub(crate) u32);

impl WorkerId {
    /// The position of the slot, from 0 to the number of workers less one.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One call. No two calls of a process have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct CallId(pub(crate) u64);

impl CallId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number behind the identity, counted from 1.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One pool of workers. No two pools of a process have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolId(u64);

impl PoolId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A worker's life: it rises when the worker's thread starts and when a caught panic recycles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Run(pub(crate) u32);

impl Run {
    /// How many bits a run's number has.
    pub(crate) const BITS: u32 = 30;
    const MASK: u32 = (1 << Self::BITS) - 1;

    /// The number of this life, counted from 1 (or anew from 0 after 2^30 of them).
    pub fn get(self) -> u32 {
        self.0
    }

    /// The run after this one. Numbers begin anew after 2^30, so that one fits into a word beside other things.
    pub(crate) fn next(self) -> Self {
        Self((self.0 + 1) & Self::MASK)
    }

    /// Whether this run is `other` or came after it.
    pub(crate) fn is_since(self, other: Self) -> bool {
        (self.0.wrapping_sub(other.0) & Self::MASK) <= Self::MASK / 2
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The number of a published snapshot of the registry: each change publishes the next one. A function's or a
/// constant's version is the number of the snapshot that brought it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Version(pub(crate) u64);

impl Version {
    /// The number, counted from 0 (the empty registry).
    pub fn get(self) -> u64 {
        self.0
    }

    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One load of a library. No two loads of a process have the same; a library is never unloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Generation(u64);

impl Generation {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number behind the identity, counted from 1.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The most bytes that a name may have.
pub const NAME_BYTES_MAX: usize = 255;

/// A name that is no function's, constant's or dependency's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name has no character.
    #[error("a name must not be empty")]
    Empty,
    /// The name has more than [`NAME_BYTES_MAX`] bytes.
    #[error("the name `{start}..` has {bytes} bytes, more than {limit}", limit = NAME_BYTES_MAX)]
    TooLong {
        /// The first 32 characters of the name.
        start: String,
        /// How many bytes the whole name has.
        bytes: usize,
    },
    /// A character is not allowed at its place.
    #[error("the name `{name}` has `{}` at byte {at}: names match [A-Za-z_][A-Za-z0-9_.:-]*", .character.escape_debug())]
    Character {
        /// The name, its control characters escaped.
        name: String,
        /// The first character that is not allowed.
        character: char,
        /// Where it begins, in bytes.
        at: usize,
    },
}

/// A checked name: `[A-Za-z_][A-Za-z0-9_.:-]*`, at most [`NAME_BYTES_MAX`] bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(Arc<str>);

impl Name {
    pub(crate) fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(NameError::TooLong { start: text.chars().take(32).collect(), bytes: text.len() });
        }
        let allowed = |(at, c): &(usize, char)| {
            c.is_ascii_alphabetic()
                || *c == '_'
                || (*at > 0 && (c.is_ascii_digit() || matches!(c, '.' | ':' | '-')))
        };
        match text.char_indices().find(|place| !allowed(place)) {
            None => Ok(Self(text.into())),
            Some((at, character)) => {
                Err(NameError::Character { name: text.escape_debug().to_string(), character, at })
            }
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        &self.0
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_documented_form_are_taken() {
        for good in ["a", "_", "Z9", "ns.fn:part-2", &"x".repeat(NAME_BYTES_MAX)] {
            assert_eq!(Name::new(good).expect("a good name").as_str(), good);
        }
    }

    #[test]
    fn each_is_shown_as_its_number() {
        let (call, pool, generation) = (CallId(7), PoolId(7), Generation(7));
        assert_eq!((WorkerId(7).to_string(), WorkerId(7).index()), ("7".to_owned(), 7));
        assert_eq!((call.to_string(), call.get()), (call.0.to_string(), call.0));
        assert_eq!(pool.to_string(), pool.0.to_string());
        assert_eq!((generation.to_string(), generation.get()), (generation.0.to_string(), generation.0));
        assert_eq!((Run(3).to_string(), Run(3).get()), ("3".to_owned(), 3));
        assert_eq!(
            (Version(9).to_string(), Version(9).get(), Version(9).next()),
            ("9".to_owned(), 9, Version(10))
        );
        assert_eq!(Name::new("sum").expect("a good name").to_string(), "sum");
    }

    #[test]
    fn no_two_have_the_same_number_and_the_next_is_greater() {
        assert!(CallId::next() < CallId::next() && PoolId::next() < PoolId::next());
        assert!(Generation::next() < Generation::next() && CallId::next().get() > 1);
    }

    #[test]
    fn runs_follow_each_other_around_the_end_of_their_numbers() {
        let last = Run(Run::MASK);
        assert_eq!(last.next(), Run(0));
        assert!(last.next().is_since(last) && !last.is_since(last.next()));
        assert!(Run(1_000_000).is_since(Run(7)) && !Run(7).is_since(Run(1_000_000)));
        let half = Run::MASK / 2;
        assert!(Run(7 + half).is_since(Run(7)) && !Run(8 + half).is_since(Run(7)), "half of all are after");
        assert!(Run(7).is_since(Run(7)) && Run(8).is_since(Run(7)) && !Run(6).is_since(Run(7)));
    }

    #[test]
    fn a_bad_name_says_which_rule_it_breaks() {
        assert_eq!(Name::new(""), Err(NameError::Empty));
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        assert!(matches!(Name::new(&long), Err(NameError::TooLong { bytes: 256, .. })));
        for (bad, place) in [("9a", 0), ("a b", 1), ("-a", 0), ("a\n", 1), ("aä", 1), (".a", 0), ("a/b", 1)]
        {
            match Name::new(bad) {
                Err(NameError::Character { at, .. }) => assert_eq!(at, place, "{bad:?}"),
                other => panic!("{bad:?} gave {other:?}"),
            }
        }
    }
}
