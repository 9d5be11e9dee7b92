//! What one type writes another reads rightly or not at all.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::convert;
use super::round_trip::Octets;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Deep {
    list: Vec<Named>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle(f64),
    Box { low: Point, high: Point },
}

/// The path and the reason of a conversion to `T` that fails.
#[track_caller]
fn misfit<T: serde::de::DeserializeOwned + std::fmt::Debug>(
    value: &(impl Serialize + ?Sized),
) -> (String, String) {
    let error = convert::<T>(value).unwrap_err();
    (error.path().to_owned(), error.reason())
}

#[test]
fn a_missing_field_is_named_with_its_path() {
    let (path, reason) = misfit::<Deep>(&HashMap::from([("list", vec![BTreeMap::<u8, u8>::new()])]));
    assert_eq!((&*path, &*reason), ("list[0]", "missing field `name`"));

    let nested = HashMap::from([("Box", HashMap::from([("low", HashMap::from([("x", 1)]))]))]);
    let error = convert::<Shape>(&nested).unwrap_err();
    assert_eq!(error.to_string(), "missing field `y` at `Box.low`");
}

#[test]
fn a_failure_at_the_root_has_an_empty_path() {
    let error = convert::<Point>("text").unwrap_err();
    assert_eq!(error.path(), "");
    assert_eq!(error.to_string(), "invalid type: string \"text\", expected struct Point");
}

#[test]
fn a_failure_below_options_and_newtypes_has_its_whole_path() {
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only decoded")]
        inner: Option<Box<Deep>>,
    }
    let value = HashMap::from([("inner", Some(HashMap::from([("list", [HashMap::from([("name", 5)])])])))]);
    let (path, reason) = misfit::<Outer>(&value);
    assert_eq!(path, "inner.list[0].name");
    assert_eq!(reason, "invalid type: integer `5`, expected a string");
}

#[test]
fn unknown_fields_are_dropped() {
    let wide = HashMap::from([("x", u128::MAX), ("y", 2), ("z", u128::MAX)]);
    assert_eq!(misfit::<Point>(&wide).0, "x");
    let value = ([("x", 1.0), ("extra", 9.0), ("y", 2.0)]).into_iter().collect::<HashMap<_, _>>();
    assert_eq!(convert::<Point>(&value).unwrap(), Point { x: 1.0, y: 2.0 });
    let value = BTreeMap::from([("low", u128::MAX), ("name", 0)]);
    assert_eq!(misfit::<Named>(&value).0, "name");
}

#[test]
fn fields_go_by_name_and_not_by_order() {
    #[derive(Serialize)]
    struct Swapped {
        y: f64,
        x: f64,
    }
    let point = convert::<Point>(&Swapped { y: 2.0, x: 1.0 }).unwrap();
    assert_eq!(point, Point { x: 1.0, y: 2.0 });
}

#[test]
fn a_tuple_fills_a_struct_by_position_and_never_the_reverse() {
    assert_eq!(convert::<Point>(&(1, 2.0)).unwrap(), Point { x: 1.0, y: 2.0 });
    assert!(misfit::<Point>(&(1, 2, 3)).1.contains("more elements"));
    assert!(misfit::<Point>(&[1]).1.contains("invalid length 1"));
    assert!(misfit::<(f64, f64)>(&Point { x: 1.0, y: 2.0 }).1.contains("invalid type: map"));
}

#[test]
fn integer_keys_stand_for_fields_by_position() {
    let point = convert::<Point>(&BTreeMap::from([(1, 2.0), (0, 1.0)])).unwrap();
    assert_eq!(point, Point { x: 1.0, y: 2.0 });
    misfit::<Point>(&BTreeMap::from([(0, 1.0), (2, 2.0)]));
}

#[test]
fn what_serde_does_not_read_in_an_untagged_enum_is_an_error() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Wide(u128),
        Address(std::net::IpAddr),
    }
    misfit::<Untagged>(&Untagged::Wide(5));
    misfit::<Untagged>(&Untagged::Wide(u128::MAX));
    misfit::<Untagged>(&Untagged::Address([127, 0, 0, 1].into()));
}

#[test]
fn integers_are_taken_exactly_or_refused() {
    assert_eq!(misfit::<u128>(&-1_i64).1, "invalid value: integer `-1`, expected u128");
    assert_eq!(convert::<u8>(&255_i128).unwrap(), 255);
    assert_eq!(convert::<i128>(&u64::MAX).unwrap(), i128::from(u64::MAX));
    assert_eq!(convert::<u128>(&i128::MAX).unwrap(), i128::MAX.unsigned_abs());
    assert_eq!(convert::<i128>(&(1_u128 << 100)).unwrap(), 1 << 100);

    assert!(misfit::<u8>(&256).1.contains("integer `256`"));
    assert!(misfit::<u64>(&-1).1.contains("integer `-1`"));
    assert!(misfit::<u128>(&-1).1.contains("integer `-1`"));
    misfit::<u128>(&i128::MIN);
    misfit::<i128>(&u128::MAX);
    misfit::<i64>(&(1_u128 << 64));
    misfit::<i8>(&128_u8);
    misfit::<u32>(&1.0);
    misfit::<i128>(&1.0);
    misfit::<u8>(&true);
    misfit::<bool>(&1);
}

#[test]
fn integers_become_floats() {
    assert_eq!(convert::<f64>(&3).unwrap().to_bits(), 3.0_f64.to_bits());
    assert_eq!(convert::<f32>(&u64::MAX).unwrap().to_bits(), 2.0_f32.powi(64).to_bits());
    assert!(convert::<f32>(&1e300).unwrap().is_infinite());
}

#[test]
fn what_is_not_text_is_no_string() {
    assert_eq!(convert::<String>("text").unwrap(), "text");
    assert_eq!(convert::<String>(&'c').unwrap(), "c");
    assert_eq!(misfit::<u64>("5").1, "invalid type: string \"5\", expected u64");
    assert_eq!(convert::<String>(&Octets(b"text".to_vec())).unwrap(), "text");
    misfit::<String>(&Octets(vec![0xff]));
    misfit::<String>(&5);
    misfit::<String>(&u128::MAX);
    misfit::<char>("two");
    misfit::<Vec<u8>>("text");
}

#[test]
fn bytes_fill_a_sequence_only_whole() {
    let octets = Octets(vec![1, 2, 3]);
    assert_eq!(convert::<Vec<u8>>(&octets).unwrap(), [1, 2, 3]);
    assert_eq!(convert::<[u8; 3]>(&octets).unwrap(), [1, 2, 3]);
    assert!(misfit::<[u8; 2]>(&octets).1.contains("more elements"));
    assert!(misfit::<(u8, u8)>(&octets).1.contains("more elements"));
    assert!(misfit::<[u8; 4]>(&octets).1.contains("invalid length 3"));
    misfit::<Vec<u8>>(&u128::MAX);
}

#[test]
fn a_variant_is_a_name_or_a_map_of_one() {
    assert_eq!(convert::<Shape>("Empty").unwrap(), Shape::Empty);
    assert_eq!(convert::<Shape>(&HashMap::from([("Circle", 1)])).unwrap(), Shape::Circle(1.0));
    let corners = [[0, 1], [2, 3]];
    assert!(convert::<Shape>(&HashMap::from([("Box", corners)])).is_ok());

    misfit::<Shape>("Circle");
    misfit::<Shape>("Square");
    assert_eq!(misfit::<Shape>(&0).1, "invalid type: integer `0`, expected enum Shape");
    misfit::<Shape>(&["Empty"]);
    misfit::<(Shape, f64)>(&(["Circle"], 1.0));
    misfit::<Shape>(&HashMap::<String, f64>::new());
    misfit::<Shape>(&HashMap::from([("Empty", 1)]));
    assert!(misfit::<Shape>(&BTreeMap::from([("Circle", 1), ("Other", 2)])).1.contains("more entries"));
}

#[test]
fn options_take_plain_values_and_units() {
    assert_eq!(convert::<Option<u8>>(&5).unwrap(), Some(5));
    assert_eq!(convert::<Option<u8>>(&()).unwrap(), None);
    assert_eq!(convert::<u8>(&Some(5)).unwrap(), 5);
    misfit::<u8>(&None::<u8>);
}
