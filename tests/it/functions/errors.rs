//! What a function fails with, as its caller reads it.

use std::error::Error;
use std::fmt;

use wpc::{CallError, Context, FunctionError, IntoFunction, Wpc, function};

use crate::support::{Watchdog, pool};

#[derive(Debug)]
struct Outer {
    code: u32,
    inner: Inner,
}

#[derive(Debug)]
struct Inner;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "outer {}", self.code)
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("inner")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.inner)
    }
}

impl Error for Inner {}

fn outer(code: u32) -> Outer {
    Outer { code, inner: Inner }
}

/// A running pool with one worker and this function.
fn running<M>(function: impl IntoFunction<M>) -> Wpc {
    let wpc = pool();
    wpc.define_function("f", function).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    wpc
}

#[track_caller]
fn failure_of<M>(function: impl IntoFunction<M>) -> FunctionError {
    match running(function).call::<u64>("f", ()) {
        Err(CallError::Failed(error)) => error,
        other => panic!("not failed: {other:?}"),
    }
}

#[test]
fn an_error_type_of_one_s_own_arrives_with_its_name_its_causes_and_itself() {
    let _watchdog = Watchdog::start();
    let error = failure_of(|| -> Result<u64, Outer> { Err(outer(7)) });
    assert_eq!((error.name(), error.message(), error.code()), ("Outer", "outer 7", None));
    assert_eq!(error.causes(), ["inner"]);
    assert_eq!(error.downcast_ref::<Outer>().map(|original| original.code), Some(7));
    assert!(error.downcast_ref::<Inner>().is_none());
    assert!(error.details().is_empty());
}

#[test]
fn the_question_mark_makes_a_function_error_of_any_error() {
    let _watchdog = Watchdog::start();
    let error = failure_of(|| -> Result<u64, FunctionError> { Ok("x".parse::<u64>()?) });
    assert_eq!(error.name(), "ParseIntError");
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    let error = failure_of(function!(|| -> Result<u64, FunctionError> { Err(outer(1))? }));
    assert_eq!((error.name(), error.causes()), ("Outer", vec!["inner".to_owned()]));
}

#[test]
fn an_error_made_by_hand_arrives_with_its_code_and_details_however_it_is_boxed() {
    let _watchdog = Watchdog::start();
    let made = || FunctionError::new("Mine", "by hand").with_code(42).with_detail("limit", 10);
    let errors = [
        failure_of(move || -> Result<u64, FunctionError> { Err(made()) }),
        failure_of(move || -> Result<u64, Box<dyn Error + Send + Sync>> { Err(made().into()) }),
        failure_of(move || -> Result<u64, FunctionError> {
            Err(FunctionError::from_boxed(made().into()).with_detail("limit", 11).with_detail("limit", 10))
        }),
    ];
    for error in errors {
        assert_eq!((error.name(), error.message(), error.code()), ("Mine", "by hand", Some("42")));
        let details: Vec<_> = error.details().iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(details, [("limit", "10")]);
        assert!(error.causes().is_empty());
    }
}

#[test]
fn an_erased_error_is_called_error_and_another_name_can_be_given() {
    let _watchdog = Watchdog::start();
    let error = failure_of(|| -> Result<u64, Box<dyn Error + Send + Sync>> { Err(Box::new(outer(3))) });
    assert_eq!((error.name(), error.message()), ("Error", "outer 3"));
    assert!(error.downcast_ref::<Outer>().is_some());
    let error = failure_of(|| -> Result<u64, FunctionError> {
        Err(FunctionError::from(outer(3)).with_name("Renamed"))
    });
    assert_eq!((error.name(), error.message()), ("Renamed", "outer 3"));
}

#[test]
fn an_error_of_anyhow_arrives_with_its_context_and_its_causes() {
    let _watchdog = Watchdog::start();
    let error =
        failure_of(|| -> anyhow::Result<u64> { Err(anyhow::Error::new(outer(5)).context("while counting")) });
    assert_eq!((error.name(), error.message()), ("Error", "while counting"));
    assert_eq!(error.causes(), ["outer 5", "inner"]);
}

#[test]
fn the_original_error_is_at_hand_and_the_chain_of_sources_does_not_repeat_it() {
    let _watchdog = Watchdog::start();
    let wpc = running(|| -> Result<u64, Outer> { Err(outer(9)) });
    let error = wpc.call::<u64>("f", ()).expect_err("it fails");
    assert_eq!(error.to_string(), "Outer: outer 9");
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("inner"));
    assert_eq!(format!("{:#}", anyhow::Error::from(error)), "Outer: outer 9: inner");
    let again = wpc.call::<u64>("f", ());
    let Err(CallError::Failed(failure)) = again else { panic!("not failed: {again:?}") };
    assert!(failure.downcast_ref::<Outer>().is_some(), "{failure:?}");
}

#[test]
fn a_failure_inside_a_nested_call_comes_up_with_all_its_causes() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    wpc.define_function("inner", || -> Result<u64, Outer> { Err(outer(2)) }).expect("the name is right");
    wpc.define_function("f", |ctx: &Context| ctx.call::<u64>("inner", ())).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let Err(CallError::Failed(error)) = wpc.call::<u64>("f", ()) else { panic!("it fails") };
    assert_eq!((error.name(), error.message()), ("CallError", "Outer: outer 2"));
    assert_eq!(error.causes(), ["inner"]);
    assert!(matches!(error.downcast_ref::<CallError>(), Some(CallError::Failed(_))));
}

/// An error with as many causes as it has links.
#[derive(Debug)]
struct Link(Option<Box<Link>>);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("link")
    }
}

impl Error for Link {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|link| link as &dyn Error)
    }
}

#[test]
fn causes_end_after_thirty_two() {
    let _watchdog = Watchdog::start();
    let chain = |causes: usize| (0..causes).fold(Link(None), |inner, _| Link(Some(Box::new(inner))));
    for (causes, told) in [(31, 31), (32, 32), (33, 32)] {
        assert_eq!(FunctionError::from(chain(causes)).causes().len(), told);
    }
}
