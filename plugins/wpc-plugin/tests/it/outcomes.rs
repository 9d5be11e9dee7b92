//! How a function ends: in a value, in an error, in a panic.

use std::error::Error;
use std::num::ParseIntError;
use std::panic::panic_any;

use serde::{Deserialize, Serialize};
use wpc_plugin::PluginError;
use wpc_plugin::abi::{self, Descriptor};

use crate::host::Worker;

type Boxed = Box<dyn Error>;
type BoxedForThreads = Box<dyn Error + Send + Sync>;
type Parsed = Result<u64, ParseIntError>;

static PLUGIN: Descriptor = wpc_plugin::__descriptor! {
    functions: {
        fn parse(text: String) -> Parsed = |text| text.parse();
        fn by_hand(limit: u64) -> Result<(), PluginError>;
        fn text(text: String) -> Result<(), String> = Err;
        fn literal() -> Result<(), &'static str> = || Err("literal");
        fn boxed(text: String) -> Result<u64, Boxed> = |text| Ok(text.parse::<u64>()?);
        fn boxed_for_threads(text: String) -> Result<u64, BoxedForThreads> = |text| Ok(text.parse::<u64>()?);
        fn boxed_by_hand() -> Result<(), BoxedForThreads> = || Err(PluginError::new("Mine", "it").into());
        fn behind(limit: u64) -> Result<(), Boxed> = |limit| Ok(by_hand(limit)?);
        fn option(value: Option<u64>) -> Option<u64> = |value| value;
        fn panics(text: String) = |text| panic!("told {text}");
        fn panics_with_literal() = || panic!("literal");
        fn panics_with_number() = || panic_any(7);
        fn panics_with_bomb() = || panic_any(Bomb("payload".into()));
        fn takes(bomb: Bomb) = |_| ();
        fn returns() -> Bomb = || Bomb("result".into());
        fn returns_late() -> Late = || Late(Bomb("result".into()));
        fn fails() -> Result<(), Shout> = || Err(Shout);
    }
};

fn by_hand(limit: u64) -> Result<(), PluginError> {
    let error = PluginError::new("QuotaExceeded", "no more").with_code("E_QUOTA");
    Err(error.with_detail("limit", limit).with_cause("too many"))
}

/// Panics when it is dropped, with itself.
#[derive(Serialize, Deserialize)]
struct Bomb(String);

impl Drop for Bomb {
    fn drop(&mut self) {
        match self.0.as_str() {
            "payload" => panic_any(Bomb("payload".into())),
            what => panic!("a bomb went off: {what}"),
        }
    }
}

/// Panics when it is encoded and when it is dropped.
struct Late(#[expect(dead_code, reason = "it is there to be dropped")] Bomb);

impl Serialize for Late {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("encoding it");
    }
}

/// Panics when it is asked for its message.
#[derive(Debug)]
struct Shout;

impl std::fmt::Display for Shout {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("no message");
    }
}

impl Error for Shout {}

fn worker() -> Worker {
    Worker::start(&PLUGIN).unwrap()
}

#[test]
fn a_result_is_the_outcome() {
    assert_eq!(worker().call("parse", "12").value::<u64>(), 12);
    let failure = worker().call("parse", "x").failure();
    assert_eq!((failure.name.as_str(), failure.code), ("ParseIntError", None));
    assert_eq!(failure.message, "invalid digit found in string");
    assert!(failure.details.is_empty() && failure.causes.is_empty());
}

#[test]
fn an_option_is_a_value() {
    assert_eq!(worker().call("option", Some(7)).value::<Option<u64>>(), Some(7));
    assert_eq!(worker().call("option", ()).value::<Option<u64>>(), None);
}

#[test]
fn an_error_by_hand_arrives_whole() {
    for name in ["by_hand", "behind"] {
        let failure = worker().call(name, 10).failure();
        assert_eq!((failure.name.as_str(), failure.message.as_str()), ("QuotaExceeded", "no more"));
        assert_eq!(failure.code.as_deref(), Some("E_QUOTA"));
        assert_eq!(failure.details.into_iter().collect::<Vec<_>>(), [("limit".into(), "10".into())]);
        assert_eq!(failure.causes, ["too many"]);
    }
}

#[test]
fn texts_and_boxes_are_errors() {
    let told = |name: &str, text: &str| {
        let answer = if text.is_empty() { worker().call(name, ()) } else { worker().call(name, text) };
        let failure = answer.failure();
        (failure.name, failure.message)
    };
    let error = |name: &str, message: &str| (name.to_owned(), message.to_owned());
    assert_eq!(told("text", "why"), error("Error", "why"));
    assert_eq!(told("literal", ""), error("Error", "literal"));
    assert_eq!(told("boxed", "x"), error("Error", "invalid digit found in string"));
    assert_eq!(told("boxed_for_threads", "x"), error("Error", "invalid digit found in string"));
    assert_eq!(told("boxed_by_hand", ""), error("Mine", "it"));
}

#[test]
fn a_panic_ends_in_its_message() {
    assert_eq!(worker().call("panics", "x").panic(), "told x");
    assert_eq!(worker().call("panics_with_literal", ()).panic(), "literal");
    assert_eq!(worker().call("panics_with_number", ()).panic(), "a panic whose payload is no text");
    assert_eq!(worker().call("panics_with_bomb", ()).panic(), "a panic whose payload is no text");
}

#[test]
fn a_panic_outside_of_the_function_ends_there_too() {
    assert_eq!(worker().call("takes", "argument").panic(), "a bomb went off: argument");
    assert_eq!(worker().call("returns", ()).panic(), "a bomb went off: result");
    assert_eq!(worker().call("returns_late", ()).panic(), "a bomb went off: result");
    assert_eq!(worker().call("fails", ()).panic(), "no message");
}

#[test]
fn a_panic_whose_message_is_refused_is_still_a_panic() {
    assert_eq!(worker().limit(3).call("panics", "x").status, abi::STATUS_PANICKED);
    assert_eq!(worker().limit(3).call("parse", "x").status, abi::STATUS_REFUSED);
}
