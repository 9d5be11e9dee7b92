//! Every shape that serde knows comes back as it went.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::super::{EncodeError, decode, encode};
use super::bytes_of;

#[expect(clippy::needless_pass_by_value, reason = "the callers make the value in place")]
#[track_caller]
fn returns<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let bytes = bytes_of(&value);
    assert_eq!(decode::<T>(&bytes).unwrap(), value);
    // The count that the limit is checked with is exact.
    encode(&value, bytes.len()).unwrap();
    let short = encode(&value, bytes.len() - 1).unwrap_err();
    assert!(matches!(short, EncodeError::TooLarge { .. }), "{short}");
}

/// Bytes that are written as bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Octets(pub(super) Vec<u8>);

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OctetsVisitor;
        impl Visitor<'_> for OctetsVisitor {
            type Value = Octets;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("bytes")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Octets, E> {
                Ok(Octets(bytes.to_vec()))
            }
        }
        deserializer.deserialize_byte_buf(OctetsVisitor)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct UnitStruct;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(Option<u8>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair(i8, String);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sparse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<u32>,
    second: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    third: Vec<String>,
    #[serde(skip)]
    never: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Plain {
    Unit,
    Newtype(Sparse),
    Tuple(u8, Option<char>),
    Struct { left: f32, right: UnitStruct },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Untagged {
    Flag(bool),
    Count(i64),
    Fraction(f64),
    Text(String),
    List(Vec<Untagged>),
    Fields { name: String, unit: UnitStruct },
    Choice(Plain),
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub(super) enum Internal {
    Unit,
    Wrapped(Sparse),
    Struct { plain: Plain, octets: Octets },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "content")]
pub(super) enum Adjacent {
    Unit,
    Newtype(Option<u8>),
    Tuple(u8, u8),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: u64,
    #[serde(flatten)]
    sparse: Sparse,
    #[serde(flatten)]
    rest: BTreeMap<String, Untagged>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FlatByNumber {
    id: u64,
    #[serde(flatten)]
    rest: BTreeMap<u32, String>,
}

fn sparse() -> Sparse {
    Sparse {
        first: Some(u32::MAX), second: i64::MIN, third: vec!["a".to_owned(), "ü".repeat(300)], never: 0
    }
}

#[test]
fn integers_of_every_size_come_back() {
    for power in [5, 7, 8, 15, 16, 31, 32] {
        for near in -1..=1 {
            let edge = (1_i64 << power) + near;
            returns((edge, -edge, edge.unsigned_abs()));
            returns((i128::from(edge), i128::from(-edge), u128::from(edge.unsigned_abs())));
        }
    }
    returns((i8::MIN, i8::MAX, u8::MAX, i16::MIN, i16::MAX, u16::MAX));
    returns((i32::MIN, i32::MAX, u32::MAX, i64::MIN, i64::MAX, u64::MAX));
    returns((i64::from(i32::MIN) - 1, u64::from(u32::MAX) + 1));
}

#[test]
fn integers_of_128_bits_come_back() {
    let edges = [
        i128::MIN,
        i128::from(i64::MIN) - 1,
        i128::from(i64::MIN),
        -1,
        i128::from(u64::MAX),
        i128::from(u64::MAX) + 1,
        i128::MAX,
    ];
    edges.into_iter().for_each(returns);
    let edges = [0, u128::from(u64::MAX) + 1, 1 << 127, u128::MAX];
    edges.into_iter().for_each(returns);
    returns((u128::MAX, vec![Some(i128::MIN), None], "next".to_owned()));
    // An extension of 16 bytes: the name that makes rmp-serde write one is right.
    assert_eq!(bytes_of(&u128::MAX)[..2], [0xd8, 2]);
}

#[test]
fn floats_characters_and_strings_come_back() {
    returns((f32::MIN_POSITIVE, f32::NEG_INFINITY, f64::MAX, f64::EPSILON));
    assert!(decode::<f64>(&bytes_of(&f64::NAN)).unwrap().is_nan());
    returns(('\0', 'ü', char::MAX));
    returns([0, 1, 31, 32, 255, 256, 65_535, 65_536].map(|len| "x".repeat(len)));
    returns([0, 1, 255, 256, 65_535, 65_536].map(|len| Octets(vec![0xc1; len])));
}

#[test]
fn units_options_and_tuples_come_back() {
    returns(());
    returns(UnitStruct);
    returns((UnitStruct, vec![UnitStruct]));
    returns(PhantomData::<String>);
    returns(vec![(); 70_000]);
    returns((None::<u8>, Some(0_u8), Some(Some(Some(1_u8)))));
    returns(None::<Option<()>>);
    returns((Newtype(None), Newtype(Some(7)), Some(Newtype(Some(7)))));
    returns((Pair(-1, String::new()), [[1_u8; 3]; 20], [0_u64; 0]));
    returns(Some(Ok::<(), String>(())));
}

#[test]
fn structs_with_skipped_fields_come_back() {
    returns(Sparse::default());
    returns(sparse());
    returns((sparse(), vec![Sparse::default(); 3], 9_u8));
}

#[test]
fn enums_of_every_tagging_come_back() {
    let octets = Octets(vec![0xff; 40]);
    let (left, right) = (0.1, UnitStruct);
    let plain = Plain::Struct { left, right };
    returns(vec![Plain::Unit, Plain::Newtype(sparse()), plain.clone()]);
    returns(BTreeMap::from([(1, Plain::Tuple(1, None)), (2, Plain::Tuple(2, Some('é')))]));
    returns(vec![Internal::Unit, Internal::Wrapped(sparse()), Internal::Struct { plain, octets }]);
    returns(vec![Adjacent::Unit, Adjacent::Newtype(None), Adjacent::Tuple(1, 2)]);
    returns(vec![
        Untagged::Flag(true),
        Untagged::Count(-1),
        Untagged::Fraction(2.5),
        Untagged::List(vec![Untagged::Text("t".to_owned()), Untagged::Nothing]),
        Untagged::Fields { name: "n".to_owned(), unit: UnitStruct },
        Untagged::Choice(Plain::Newtype(sparse())),
    ]);
}

#[test]
fn flattened_fields_come_back() {
    for len in [0, 1, 14, 15, 40] {
        let rest = (0..len).map(|n| (format!("key{n}"), Untagged::Count(n)));
        let (id, sparse, rest) = (1, sparse(), rest.collect());
        returns(vec![
            Flat { id, sparse, rest },
            Flat { id, sparse: Sparse::default(), rest: BTreeMap::new() },
        ]);
    }
    let rest = BTreeMap::from([(5, "five".to_owned()), (0, "zero".to_owned())]);
    returns(FlatByNumber { id: 3, rest });
}

#[test]
fn arrays_and_maps_of_any_length_come_back() {
    for len in [0, 1, 14, 15, 16, 17, 65_535, 65_536] {
        returns(vec![1_u8; len]);
        returns((0..len).map(|n| (n, ())).collect::<Vec<_>>());
        returns((0..len).map(|n| (n, n % 2 == 0)).collect::<BTreeMap<_, _>>());
    }
}

/// What rmp-serde writes as an extension.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "_ExtStruct")]
struct Extension((i8, Octets));

#[test]
fn extensions_come_back() {
    for len in [1, 2, 3, 4, 8, 15, 16, 17, 255, 256, 65_536] {
        let value = vec![Extension((7, Octets(vec![0xc1; len])))];
        assert_eq!(decode::<Vec<Extension>>(&bytes_of(&value)).unwrap(), value);
    }
}

#[test]
fn maps_and_sets_with_any_key_come_back() {
    returns(HashMap::from([((1_u8, 'a'), -1_i8), ((2, 'b'), -2)]));
    returns(HashMap::from([(None, 0_u8), (Some(1_u64), 1)]));
    returns(BTreeMap::from([(vec![1_u8, 2], BTreeSet::from(["x".to_owned(), String::new()]))]));
    returns((0..70_000_u32).map(|n| (n, true)).collect::<HashMap<_, _>>());
}

#[test]
fn types_of_std_come_back() {
    returns(Duration::new(u64::MAX, 999_999_999));
    returns("::1".parse::<IpAddr>().unwrap());
    returns(PathBuf::from("a/ü"));
    returns((1_u8..9, Box::<str>::from("boxed"), std::num::NonZeroU16::MAX));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Sample {
    Nothing,
    Signed(i64),
    Unsigned(u64),
    Wide(u128, i128),
    Half(u32),
    Octets(Octets),
    Text(Option<String>),
    List(Vec<Sample>),
    Map(BTreeMap<String, Sample>),
    Fields { left: Option<Box<Sample>>, right: (char, bool) },
    Flat(FlatSample),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FlatSample {
    id: i16,
    #[serde(flatten)]
    rest: BTreeMap<String, Untagged>,
}

pub(super) fn sample() -> impl Strategy<Value = Sample> {
    let rest = proptest::collection::btree_map("k[a-z]{0,3}", any::<i64>().prop_map(Untagged::Count), 0..20);
    let leaf = prop_oneof![
        Just(Sample::Nothing),
        any::<i64>().prop_map(Sample::Signed),
        any::<i64>().prop_map(|n| Sample::Signed(n >> 40)),
        any::<u64>().prop_map(Sample::Unsigned),
        any::<(u128, i128)>().prop_map(|(u, i)| Sample::Wide(u, i)),
        any::<u32>().prop_map(|n| Sample::Half(n >> (n % 32))),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(|b| Sample::Octets(Octets(b))),
        any::<Option<String>>().prop_map(Sample::Text),
        (any::<i16>(), rest).prop_map(|(id, rest)| Sample::Flat(FlatSample { id, rest })),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..20).prop_map(Sample::List),
            proptest::collection::btree_map(".{0,40}", inner.clone(), 0..8).prop_map(Sample::Map),
            (proptest::option::of(inner.prop_map(Box::new)), any::<(char, bool)>())
                .prop_map(|(left, right)| Sample::Fields { left, right }),
        ]
    })
}

#[test]
fn arbitrary_values_come_back() {
    let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
    let chance = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, chance)
        .run(&sample(), |value| {
            returns(value);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_map_may_be_written_a_key_and_a_value_at_a_time() {
    struct Apart(BTreeMap<String, u64>);
    impl Serialize for Apart {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.0.len()))?;
            for (key, value) in &self.0 {
                map.serialize_key(key)?;
                map.serialize_value(value)?;
            }
            map.end()
        }
    }
    let map = BTreeMap::from([("one".to_owned(), 1), ("many".to_owned(), u64::MAX)]);
    let bytes = bytes_of(&Apart(map.clone()));
    assert_eq!(decode::<BTreeMap<String, u64>>(&bytes).unwrap(), map);
    encode(&Apart(map.clone()), bytes.len()).unwrap();
    encode(&Apart(map), bytes.len() - 1).unwrap_err();
}
