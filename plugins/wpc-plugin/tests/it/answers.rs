//! Arguments and results: what crosses, and what is refused.

use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use wpc_plugin::abi::{self, Descriptor};

use crate::host::Worker;

static PLUGIN: Descriptor = wpc_plugin::__descriptor! {
    functions: {
        fn none() -> bool = || true;
        fn one(number: u64) -> u64;
        fn list(numbers: Vec<u8>) -> usize = |numbers| numbers.len();
        fn eight(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) -> u64;
        fn flip(point: Point) -> Point;
        fn nothing(number: u64);
        fn unencodable() -> Unencodable = || Unencodable;
        fn text(length: usize) -> String = |length| "x".repeat(length);
    }
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

struct Unencodable;

impl Serialize for Unencodable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Something is written before it fails.
        [1; 100].serialize(serializer)?;
        Err(S::Error::custom("no bytes for this"))
    }
}

/// The parameter has the name of the function, which a call of it is not to be taken for.
fn one(one: u64) -> u64 {
    one
}

#[expect(
    clippy::too_many_arguments,
    clippy::many_single_char_names,
    reason = "it is as many as there can be"
)]
fn eight(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) -> u64 {
    [a, b, c, d, e, f, g, h].into_iter().fold(0, |number, digit| 10 * number + u64::from(digit))
}

fn flip(Point { x, y }: Point) -> Point {
    Point { x: y, y: x }
}

fn nothing(_: u64) {}

fn worker() -> Worker {
    Worker::start(&PLUGIN).unwrap()
}

#[test]
fn arguments_of_every_number_arrive() {
    let worker = worker();
    assert!(worker.call("none", ()).value::<bool>());
    assert_eq!(worker.call("one", 7).value::<u64>(), 7);
    assert_eq!(worker.call("list", [1, 2, 3]).value::<usize>(), 3);
    assert_eq!(worker.call("eight", (1, 2, 3, 4, 5, 6, 7, 8)).value::<u64>(), 12_345_678);
    worker.call("nothing", 7).value::<()>();
}

#[test]
fn structs_are_maps_by_field_name() {
    let answer = worker().call_raw("flip", b"\x82\xa1y\x02\xa1x\x01");
    assert_eq!(answer.output, b"\x82\xa1x\x02\xa1y\x01");
    assert_eq!(answer.value::<Point>(), Point { x: 2, y: 1 });
}

#[test]
fn arguments_that_do_not_fit_are_told() {
    let misfit = worker().call("one", "seven").misfit();
    assert_eq!((misfit.expected.as_str(), misfit.path.as_str()), ("u64", ""));
    assert_eq!(misfit.reason, "wrong msgpack marker FixStr(5)");
    let misfit = worker().call_raw("flip", b"\x81\xa1x\x01").misfit();
    assert_eq!((misfit.expected.as_str(), misfit.reason.as_str()), ("Point", "missing field `y`"));

    let misfit = worker().call("eight", (1, 2)).misfit();
    assert_eq!(misfit.expected, "(u8, u8, u8, u8, u8, u8, u8, u8)");
    assert_eq!(worker().call("eight", [1; 9]).misfit().expected, misfit.expected);
    assert_eq!(worker().call("none", 7).misfit().expected, "()");
    assert_eq!(worker().call("flip", ("x", 1)).misfit().expected, "Point");
    assert!(worker().call("one", "x".repeat(1 << 20)).misfit().reason.len() <= 4 << 10);
}

#[test]
fn arguments_end_where_their_bytes_do() {
    for bytes in [&[7, 7][..], &[7, 0xc0], &[7, 0x92]] {
        assert_eq!(worker().call_raw("one", bytes).misfit().reason, "more bytes follow the value");
    }
    assert_eq!(worker().call_raw("one", &[]).status, abi::STATUS_MISFIT);
    assert_eq!(worker().call_raw("none", &[]).status, abi::STATUS_MISFIT);
    assert_eq!(worker().call_raw("list", &[0xdd, 0xff, 0xff, 0xff, 0xff]).status, abi::STATUS_MISFIT);
}

#[test]
fn a_result_that_cannot_be_encoded_leaves_the_reason_alone() {
    let answer = worker().call("unencodable", ());
    assert_eq!(answer.status, abi::STATUS_UNENCODABLE);
    assert_eq!(answer.output, b"no bytes for this");
}

#[test]
fn a_result_is_as_long_as_the_host_takes_and_no_longer() {
    // 32 is the first length whose header has two bytes.
    let worker = worker().limit(34);
    assert_eq!(worker.call("text", 32).value::<String>().len(), 32);
    let refused = worker.call("text", 33);
    assert_eq!((refused.status, refused.output.as_slice()), (abi::STATUS_REFUSED, &[][..]));
    assert_eq!(worker.call("text", 1).value::<String>(), "x");
}
