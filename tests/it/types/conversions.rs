//! What is converted and what is refused at the edges of types, and what a rejection gives back.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wpc::{CallError, Ref, RejectReason};

use crate::support::{Latch, Watchdog, build};

use super::{Counted, failed, misfit, rejected};

/// Calls a function that takes and returns a `T` with a value of another type.
fn given<T, A>(value: A) -> Result<T, CallError>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    A: Serialize + Send + 'static,
{
    let of = Counted::new();
    of.echo::<T>();
    of.wpc.call("f", value)
}

#[track_caller]
fn refused<T, A>(value: A) -> String
where
    T: Serialize + DeserializeOwned + Debug + Send + 'static,
    A: Serialize + Send + 'static,
{
    misfit(given::<T, A>(value)).to_string()
}

#[test]
fn integers_of_128_bits_are_taken_where_they_fit_and_refused_where_not() {
    let _watchdog = Watchdog::start();
    let wide = i128::from(u64::MAX) + 1;
    assert_eq!(given::<i128, u128>(1 << 100).expect("it fits"), 1 << 100);
    assert_eq!(given::<u128, i128>(i128::MAX).expect("it fits"), i128::MAX.unsigned_abs());
    assert_eq!(given::<i128, i64>(-5).expect("it fits"), -5);
    assert_eq!(given::<u64, i128>(wide - 1).expect("it fits"), u64::MAX);
    assert_eq!(given::<i64, i128>(i128::from(i64::MIN)).expect("it fits"), i64::MIN);
    assert_eq!(given::<u8, u128>(255).expect("it fits"), 255);
    let nested = given::<Vec<Option<i128>>, _>(vec![Some(1_u128 << 90), None]).expect("it fits");
    assert_eq!(nested, [Some(1 << 90), None]);
    assert!(refused::<u128, i128>(-1).starts_with("`i128` does not fit `u128`: "));
    refused::<u128, i8>(-1);
    refused::<i128, u128>(1 << 127);
    refused::<u64, i128>(wide);
    refused::<i64, i128>(i128::from(i64::MIN) - 1);
    refused::<u8, u128>(256);
    assert_eq!(given::<i128, i128>(i128::MIN).expect("the same type"), i128::MIN);
    assert_eq!(given::<u128, u128>(u128::MAX).expect("the same type"), u128::MAX);
}

type Deep = Option<Option<u8>>;

#[test]
fn an_option_of_an_option_is_refused_where_it_would_come_back_as_another() {
    let _watchdog = Watchdog::start();
    let message = refused::<Option<Option<u64>>, Option<Option<u8>>>(Some(None));
    let expected =
        "`Option<Option<u8>>` does not fit `Option<Option<u64>>`: an option's content encodes as nil";
    assert_eq!(message, expected);
    let inside = (1_u8, vec![Some(Some(2_u8)), Some(None)]);
    let message = refused::<(u64, Vec<Option<Option<u64>>>), _>(inside);
    assert!(message.contains("[1]"), "{message}");
    refused::<Option<u64>, Option<()>>(Some(()));
    let of = Counted::new();
    of.echo::<u8>();
    misfit(of.wpc.call::<u8>("f", Ref(&Some(None::<u8>))));
    for value in [None, Some(None), Some(Some(3))] {
        assert_eq!(given::<Deep, Deep>(value).expect("the same type is moved"), value);
    }
    of.echo::<Deep>();
    let (name, message) = failed(of.wpc.call::<Option<Option<u64>>>("f", Some(None::<u8>)));
    assert!(name == "ResultType" && message.contains("encodes as nil"), "{message}");
}

#[test]
fn numbers_texts_and_containers_are_converted_by_what_they_hold() {
    let _watchdog = Watchdog::start();
    assert_eq!(given::<f64, i32>(3).expect("it fits").to_bits(), 3.0_f64.to_bits());
    refused::<i32, f64>(3.0);
    refused::<u8, u16>(256);
    refused::<bool, u8>(1);
    refused::<String, u8>(1);
    assert_eq!(given::<String, char>('ä').expect("it fits"), "ä");
    assert_eq!(given::<Option<u64>, u8>(4).expect("it fits"), Some(4));
    assert_eq!(given::<Option<u64>, ()>(()).expect("it fits"), None);
    assert_eq!(given::<Vec<u64>, [u8; 3]>([1, 2, 3]).expect("it fits"), [1, 2, 3]);
    let map: BTreeMap<String, u64> = given(BTreeMap::from([("a", 1_u8)])).expect("it fits");
    assert_eq!(map, BTreeMap::from([("a".to_owned(), 1)]));
    let message = refused::<BTreeMap<String, u64>, _>(BTreeMap::from([("a", vec![1_i8]), ("b", vec![])]));
    assert!(message.contains("at `a`"), "{message}");
}

#[test]
fn a_rejection_gives_the_callers_own_value_back_as_its_own_type() {
    let _watchdog = Watchdog::start();
    let of = Counted::new();
    of.echo::<(String, u64)>();
    let not_defined = rejected(of.wpc.call::<u8>("nothing", ("text", 7)));
    assert_eq!((not_defined.function(), not_defined.reason()), ("nothing", &RejectReason::NotDefined));
    let not_defined =
        not_defined.into_arguments::<(String, u64)>().expect_err("it was given as another type");
    assert_eq!(not_defined.into_arguments::<(&str, i32)>().expect("its own type"), ("text", 7));
    let misfit = rejected(of.wpc.call::<u8>("f", ("text", -7)));
    assert_eq!(misfit.into_arguments::<(&str, i32)>().expect("its own type"), ("text", -7));
    let other = of.wpc.define_function("g", || 1_u8).expect("it is defined").hash;
    let drift = rejected(of.wpc.request("f").pin(other).call::<u8>(("text", 8)));
    assert!(matches!(drift.reason(), RejectReason::HashDrift { expected, .. } if *expected == other));
    assert_eq!(drift.into_arguments::<(&str, i32)>().expect("its own type"), ("text", 8));
    let borrowed = rejected(of.wpc.call::<u8>("nothing", Ref("text")));
    assert!(borrowed.into_arguments::<&str>().is_err(), "the caller still has it");
    of.wpc.stop_workers().expect("it stops");
    let stopped = rejected(of.wpc.submit::<u8>("f", ("text", 9)));
    assert_eq!(*stopped.reason(), RejectReason::NotRunning);
    assert_eq!(stopped.into_arguments::<(&str, i32)>().expect("its own type"), ("text", 9));
    assert_eq!(of.ran(), 0);
}

#[test]
fn a_converted_argument_goes_back_as_it_was_when_there_is_no_room() {
    let _watchdog = Watchdog::start();
    let (wpc, latch) = (build(wpc::Wpc::builder().max_pending_calls_per_worker(1)), Latch::new());
    let inside = latch.clone();
    let function = move |text: String| {
        inside.hold();
        text
    };
    wpc.define_function("f", function).expect("it is defined");
    wpc.start_workers(1).expect("it starts");
    let accepted = ["one", "two"].map(|text| wpc.submit::<String>("f", text).expect("there is room"));
    let full = rejected(wpc.submit::<String>("f", "three"));
    assert_eq!(*full.reason(), RejectReason::Saturated { limit: 1 });
    assert_eq!(full.into_arguments::<&str>().expect("its own type"), "three");
    let full = rejected(wpc.submit::<String>("f", Ref("four")));
    assert!(full.into_arguments::<&str>().is_err(), "the caller still has it");
    latch.release();
    assert_eq!(accepted.map(|call| call.wait().expect("a value")), ["one", "two"]);
}
