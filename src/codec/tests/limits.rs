//! Depth and length: at the limit, one above, and the same for both sides.

use std::collections::BTreeMap;
use std::iter;

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use super::super::{DEPTH_MAX, DecodeError, EncodeError, TEXT_BYTES_MAX, decode, encode, encode_into};
use super::refusal_of;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct List(Vec<List>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Chain {
    End,
    Link(Box<Chain>),
    Pair(Box<Chain>, u8),
    Fields { next: Option<Box<Chain>> },
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Node {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Box<Node>>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, Flat>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(u8),
    List(Vec<Loose>),
}

/// `start`, wrapped as often as `times` says.
fn nested<T>(start: T, times: usize, wrap: impl Fn(T) -> T) -> T {
    (0..times).fold(start, |value, _| wrap(value))
}

/// `make(n)` nests as many containers as `levels * n + base`: the largest that fits comes back, one more is refused.
#[track_caller]
fn agrees<T>(levels: usize, base: usize, make: impl Fn(usize) -> T)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let times = (DEPTH_MAX - base) / levels;
    let bytes = super::bytes_of(&make(times));
    assert_eq!(decode::<T>(&bytes).unwrap(), make(times));
    let error = refusal_of(&make(times + 1));
    assert!(matches!(error, EncodeError::TooDeep { depth_max: DEPTH_MAX, .. }), "{error}");
    // Bytes that nest as deep as the refused value: an array around the largest one.
    let deeper: Vec<u8> = iter::repeat_n(0x91, levels).chain(bytes).collect();
    let error = decode::<T>(&deeper).unwrap_err();
    assert!(matches!(error, DecodeError::TooDeep { depth_max: DEPTH_MAX, .. }), "{error}");
}

#[test]
fn both_sides_agree_on_the_depth() {
    agrees(1, 1, |n| nested(List(vec![]), n, |list| List(vec![list])));
    agrees(1, 0, |n| nested(Chain::End, n, |chain| Chain::Link(Box::new(chain))));
    agrees(2, 0, |n| nested(Chain::End, n, |chain| Chain::Pair(Box::new(chain), 1)));
    agrees(2, 0, |n| nested(Chain::End, n, |chain| Chain::Fields { next: Some(Box::new(chain)) }));
    agrees(1, 1, |n| nested(Node::default(), n, |node| Node { next: Some(Box::new(node)) }));
    agrees(1, 0, |n| nested(Loose::Number(1), n, |loose| Loose::List(vec![loose])));
    agrees(1, 1, |n| {
        nested(Flat::default(), n, |flat| Flat { id: 1, rest: BTreeMap::from([("r".to_owned(), flat)]) })
    });
}

#[test]
fn a_scalar_may_lie_in_as_many_containers_as_the_limit_says() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Tree {
        Leaf(u128),
        Node(Vec<Tree>),
    }
    let wide = |n| nested(Tree::Leaf(u128::MAX), n, |tree| Tree::Node(vec![tree]));
    agrees(2, 1, wide);
}

#[test]
fn the_depth_is_refused_with_its_path() {
    let list = nested(List(vec![]), DEPTH_MAX, |list| List(vec![list]));
    let error = refusal_of(&list);
    assert_eq!(error.path(), "[0]".repeat(DEPTH_MAX));
    assert_eq!(error.reason(), "nested deeper than 128");
    let bytes: Vec<u8> = iter::repeat_n(0x91, DEPTH_MAX).chain([0x90]).collect();
    let error = decode::<List>(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "nested deeper than 128 at byte 128");
}

#[test]
fn variants_cannot_exhaust_the_stack() {
    // rmp-serde counts arrays and maps, but not the map around a variant.
    let mut bytes = b"\x81\xa4Link".repeat(1 << 20);
    bytes.extend(b"\xa3End");
    let error = decode::<Chain>(&bytes).unwrap_err();
    assert!(matches!(error, DecodeError::TooDeep { .. }));
}

#[test]
fn options_that_take_no_bytes_cannot_exhaust_the_stack() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Endless(Option<Box<Endless>>);

    assert!(decode::<Endless>(&[0xc0]).unwrap().0.is_none());
    let error = decode::<Endless>(&[0x01]).unwrap_err();
    assert_eq!(error.to_string(), "options and newtypes nest without end");
}

/// Counts what a writer gets, and how much at once.
#[derive(Default)]
struct Tally {
    bytes: usize,
    piece_max: usize,
}

impl std::io::Write for &mut Tally {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        self.bytes += piece.len();
        self.piece_max = self.piece_max.max(piece.len());
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn streaming_holds_nothing_back() {
    let mut tally = Tally::default();
    encode_into(&vec![u64::MAX; 100_000], &mut tally).unwrap();
    assert_eq!(tally.bytes, 5 + 9 * 100_000);
    assert!(tally.piece_max <= 8);
}

/// A sequence that does not know its length.
struct Uncounted(u32);

impl Serialize for Uncounted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0).map(|n| n % 100).filter(|&n| n < 100))
    }
}

#[test]
fn a_value_of_unknown_length_stops_at_the_limit() {
    let error = encode(&("before", Uncounted(1_000_000)), 10_000).unwrap_err();
    assert!(matches!(error, EncodeError::TooLarge { bytes_max: 10_000, .. }));
    assert_eq!(error.path(), "[1][9992]");
    assert_eq!(encode(&Uncounted(100), 103).unwrap().len(), 103);
    assert_eq!(encode(&Uncounted(100), 102).unwrap_err().path(), "");
}

#[test]
fn the_length_is_checked_before_anything_is_written() {
    let value = ("x".repeat(1000), 5);
    assert_eq!(encode(&value, 1005).unwrap().len(), 1005);
    let error = encode(&value, 1004).unwrap_err();
    assert_eq!((error.path(), error.reason().as_str()), ("[1]", "longer than 1004 bytes"));
    assert_eq!(encode(&value, 1003).unwrap_err().path(), "[0]");
    assert!(matches!(encode(&(), 0).unwrap_err(), EncodeError::TooLarge { .. }));
}

#[test]
fn a_type_that_looks_away_is_refused() {
    #[derive(Debug)]
    struct Blind;
    impl<'de> Deserialize<'de> for Blind {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    assert_eq!(decode::<Blind>(&[0x01]).unwrap_err().reason(), "the type did not read the whole value");
    assert!(decode::<(Blind, u8)>(&[0x92, 0x01, 0x02]).is_err());
}

#[test]
fn what_a_user_s_type_says_is_shown_up_to_four_kibibytes() {
    struct Refusing(String);
    impl Serialize for Refusing {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom(&self.0))
        }
    }
    let shown = |said: &str| match encode(&Refusing(said.to_owned()), usize::MAX) {
        Err(EncodeError::Serialize { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let most = "é".repeat(TEXT_BYTES_MAX / 2);
    assert_eq!(shown(&most), most, "all that may be");
    assert_eq!(shown(&format!("{most}x")), format!("{most}..."));
    let odd = format!("x{}", "é".repeat(TEXT_BYTES_MAX / 2));
    assert_eq!(
        shown(&odd),
        format!("{}...", odd.trim_end_matches('é').to_owned() + &most[2..]),
        "no letter is cut in two"
    );
}
