//! Bytes that nobody encoded: lengths that lie, and mutations of good input.

use std::collections::{BTreeMap, HashMap};

use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::super::{CONVERSION_BYTES_MAX, DecodeError, decode, encode};
use super::round_trip::Octets;
use super::{Chance, bytes_of};

/// Must never be looked at.
#[derive(Debug)]
struct Untouched;

impl<'de> Deserialize<'de> for Untouched {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("a type saw bytes that are no whole value");
    }
}

/// Refused before a type could reserve anything.
#[track_caller]
fn is_malformed(bytes: &[u8]) {
    fn refused<T: DeserializeOwned>(bytes: &[u8]) {
        let result = decode::<T>(bytes).err();
        assert!(matches!(result, Some(DecodeError::Malformed { .. })), "{result:?}");
    }
    refused::<Untouched>(bytes);
    refused::<Vec<u64>>(bytes);
    refused::<String>(bytes);
    refused::<Octets>(bytes);
    refused::<HashMap<u64, String>>(bytes);
    refused::<Vec<Vec<Vec<u8>>>>(bytes);
    refused::<u128>(bytes);
}

#[test]
fn lengths_that_nothing_backs_are_not_believed() {
    for marker in [0xc4, 0xc7, 0xd9] {
        is_malformed(&[marker, 0xff, 0]);
    }
    for marker in [0xc5, 0xc8, 0xda, 0xdc, 0xde] {
        is_malformed(&[marker, 0xff, 0xff, 0, 0]);
    }
    for marker in [0xc6, 0xc9, 0xdb, 0xdd, 0xdf] {
        is_malformed(&[marker, 0xff, 0xff, 0xff, 0xff]);
        is_malformed(&[marker, 0xff, 0xff, 0xff, 0xff, 0, 0, 0]);
    }
    // One such header in another, each of which serde would reserve 1 MiB for.
    is_malformed(&[0xdd, 0xff, 0xff, 0xff, 0xff].repeat(100));
    is_malformed(&[0xdd, 0x00, 0x10, 0x00, 0x00].repeat(100));
}

#[test]
fn every_prefix_is_cut_short() {
    let value = (u128::MAX, Some("text"), vec![1.5], HashMap::from([(1000, "x".repeat(40))]));
    let bytes = bytes_of(&value);
    for end in 0..bytes.len() {
        is_malformed(&bytes[..end]);
    }
}

#[test]
fn a_byte_that_begins_nothing_is_refused() {
    is_malformed(&[0xc1]);
    is_malformed(&[0x93, 0x01, 0xc1, 0x02]);
}

#[test]
fn a_wide_integer_of_another_width_is_refused() {
    let bytes = [&[0xd7, 1][..], &[0; 8]].concat();
    let error = decode::<i128>(&bytes).unwrap_err();
    assert!(error.to_string().contains("invalid length 8, expected 16 bytes"), "{error}");
}

#[test]
fn what_follows_the_value_is_refused() {
    for bytes in [&[0xc0, 0xc0][..], &[0x91, 0x01, 0x02], &[0xa1, b'a', 0xc1]] {
        let error = decode::<Untouched>(bytes).unwrap_err();
        assert!(matches!(error, DecodeError::Trailing { offset } if offset == bytes.len() - 1));
    }
}

#[test]
fn a_size_hint_is_the_number_of_elements_that_are_there() {
    struct Hint(Option<usize>);
    impl<'de> Deserialize<'de> for Hint {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct HintVisitor;
            impl<'de> Visitor<'de> for HintVisitor {
                type Value = Hint;
                fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    formatter.write_str("a sequence or a map")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hint, A::Error> {
                    let hint = map.size_hint();
                    while map.next_entry::<u32, u8>()?.is_some() {}
                    Ok(Hint(hint))
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Hint, A::Error> {
                    let hint = seq.size_hint();
                    while seq.next_element::<u8>()?.is_some() {}
                    Ok(Hint(hint))
                }
            }
            deserializer.deserialize_any(HintVisitor)
        }
    }
    for len in [0, 1, 15, 16, 70_000] {
        let hint = decode::<Hint>(&bytes_of(&vec![0_u8; len])).unwrap();
        assert_eq!(hint.0, Some(len));
        let map: BTreeMap<u32, u8> = (0..).map(|key| (key, 7)).take(len).collect();
        assert_eq!(decode::<Hint>(&bytes_of(&map)).unwrap().0, Some(len));
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Tree {
    Leaf,
    Number(i128),
    Text(Option<String>),
    Nodes(Vec<Tree>),
    Fields { left: Box<Tree>, right: (u8, f32) },
    Flat(Flat),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Flat {
    id: u16,
    #[serde(flatten)]
    rest: BTreeMap<String, Loose>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Loose {
    Number(i64),
    Octets(Octets),
    List(Vec<Loose>),
    Map(BTreeMap<String, Loose>),
    Nothing(()),
}

pub(super) fn tree() -> Tree {
    let rest = [
        ("number", Loose::Number(-70_000)),
        ("octets", Loose::Octets(Octets(vec![7; 20]))),
        ("list", Loose::List(vec![Loose::Nothing(()), Loose::Map(BTreeMap::new())])),
    ];
    let rest = rest.map(|(key, loose)| (key.to_owned(), loose)).into();
    Tree::Nodes(vec![
        Tree::Leaf,
        Tree::Number(i128::MIN),
        Tree::Number(-5),
        Tree::Text(Some("text".repeat(20))),
        Tree::Text(None),
        Tree::Fields { left: Box::new(Tree::Leaf), right: (200, 0.5) },
        Tree::Flat(Flat { id: 500, rest }),
        Tree::Nodes((0..20).map(Tree::Number).collect()),
    ])
}

/// What is decoded can be encoded, decodes to the same again, and is not larger than the input can pay for.
fn survives<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> bool {
    let Ok(value) = decode::<T>(bytes) else {
        return false;
    };
    let again = encode(&value, CONVERSION_BYTES_MAX).unwrap();
    assert!(again.len() <= 9 * bytes.len());
    let value = decode::<T>(&again).unwrap();
    assert_eq!(encode(&value, CONVERSION_BYTES_MAX).unwrap(), again);
    true
}

fn mutate(bytes: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len());
        match chance.below(6) {
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes[at] = u8::try_from(chance.below(256)).unwrap(),
            2 => bytes[at] = 0xc0 + u8::try_from(chance.below(32)).unwrap(),
            3 => bytes.truncate(at + 1),
            4 => bytes.insert(at, 0x80 + u8::try_from(chance.below(32)).unwrap()),
            _ => {
                let piece: Vec<u8> = bytes[at..].iter().take(chance.below(12)).copied().collect();
                let to = chance.below(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
}

#[test]
fn mutated_input_never_panics() {
    let mut chance = Chance(0x5eed_0001);
    let seed = bytes_of(&tree());
    let mut accepted = 0;
    for _ in 0..6000 {
        let mut bytes = seed.clone();
        mutate(&mut bytes, &mut chance);
        accepted += usize::from(survives::<Tree>(&bytes));
        accepted += usize::from(survives::<Loose>(&bytes));
        survives::<BTreeMap<String, Vec<Flat>>>(&bytes);
        survives::<Vec<u8>>(&bytes);
        survives::<(u128, String)>(&bytes);
    }
    assert!(accepted > 100, "the mutations are too coarse to reach a decoder: {accepted}");
}

#[test]
fn random_input_never_panics() {
    let mut chance = Chance(0x5eed_0002);
    for _ in 0..6000 {
        let len = 1 + chance.below(40);
        let bytes: Vec<u8> = (0..len).map(|_| chance.next().to_be_bytes()[0]).collect();
        survives::<Loose>(&bytes);
        survives::<Tree>(&bytes);
        survives::<Vec<Option<f64>>>(&bytes);
        survives::<HashMap<u8, u128>>(&bytes);
        survives::<Octets>(&bytes);
    }
}
