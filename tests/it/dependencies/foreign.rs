//! What a plugin's functions do to the function that calls them.

use wpc::{ANSWER_BYTES_MAX, CallError, Context, EventName, FunctionError, ImportError, Wpc, function};

use crate::support::{Probe, Watchdog, assert_ledger_is_even, plugin, pool};

/// A pool whose one worker has the plugin `misbehaving` as `bad`.
fn with_bad() -> Wpc {
    let wpc = pool();
    wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
    wpc.start_workers(1).expect("it starts");
    wpc
}

/// The error that the plugin's function gave, as text and as a variant's first word.
#[track_caller]
fn import_error<T: std::fmt::Debug>(result: Result<T, CallError>) -> (String, String) {
    let Err(CallError::Failed(error)) = result else { panic!("it did not fail: {result:?}") };
    let found = error.downcast_ref::<ImportError>().expect("it is the function's own error");
    let variant = format!("{found:?}").split([' ', '{']).next().expect("it has a name").to_owned();
    (variant, found.to_string())
}

#[test]
fn a_plugin_s_panic_is_an_error_of_the_caller_and_makes_the_worker_s_instance_anew() {
    let _watchdog = Watchdog::start();
    let wpc = with_bad();
    let events = wpc.subscribe().expect("there is room");
    let probe = Probe::define(&wpc, "bad");
    let panic_text = |ctx: &Context, message: String| -> Result<(), ImportError> {
        ctx.import("bad")?.call("panic_text", message)
    };
    wpc.define_function("panic_text", panic_text).expect("a good function");
    for (inits, function) in (2..).zip(["panic_text", "panic_payload", "panic_bomb"]) {
        assert_eq!((probe.number("bump"), probe.number("bump")), (1, 2), "before {function}");
        let run = wpc.workers()[0].run;
        let called = match function {
            "panic_text" => wpc.call(function, "the roof is on fire"),
            _ => probe.run(function),
        };
        let (variant, text) = import_error(called);
        assert_eq!(variant, "Panicked", "{text}");
        let start = format!("`bad.{function}` panicked: ");
        assert!(text.starts_with(&start), "{text}");
        assert_eq!(text == format!("{start}the roof is on fire"), function == "panic_text", "{text}");
        assert_eq!((probe.number("inits"), probe.number("live")), (inits, 1), "after {function}");
        assert!(wpc.workers()[0].run > run);
        assert_eq!(probe.number("frees_elsewhere"), 0);
        let recycled = events.drain().iter().filter(|it| it.event_name == EventName::WorkerRecycled).count();
        assert_eq!(recycled, 1, "after {function}");
        // It is another instance, which counts from the beginning: the next round sees it.
    }
    assert_eq!(probe.number("bump"), 1);
    assert_eq!(wpc.workers()[0].restarts, 0);
    assert_ledger_is_even(&wpc);
}

#[test]
fn a_plugin_s_error_becomes_the_caller_s_own_by_the_question_mark() {
    let _watchdog = Watchdog::start();
    let wpc = with_bad();
    let fail = function!(|ctx: &Context| -> Result<(), FunctionError> {
        let told = ("OutOfPaper", "no page is left", "E_PAPER");
        Ok(ctx.import("bad")?.call("fail", told)?)
    });
    wpc.define_function("fail", fail).expect("a good function");
    let run = wpc.workers()[0].run;
    let Err(CallError::Failed(error)) = wpc.call::<()>("fail", ()) else { panic!("it did not fail") };
    assert_eq!((error.name(), error.message()), ("OutOfPaper", "no page is left"));
    assert_eq!(error.code(), Some("E_PAPER"));
    let details: Vec<_> = error.details().iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(details, [("limit", "3"), ("unit", "pages")]);
    assert_eq!(error.causes(), ["the drawer is full", "nobody empties it"]);
    wpc.define_function("nothing", || ()).expect("a good function");
    wpc.call::<()>("nothing", ()).expect("it serves on");
    assert_eq!(wpc.workers()[0].run, run, "an error is no reason for another run");
    assert_ledger_is_even(&wpc);
}

#[test]
fn an_answer_that_is_none_is_a_named_error() {
    let _watchdog = Watchdog::start();
    let wpc = with_bad();
    let probe = Probe::define(&wpc, "bad");
    let run = wpc.workers()[0].run;
    for (function, expected) in [
        ("garbage", "Type"),
        ("truncated", "Type"),
        ("trailing", "Type"),
        ("silent", "Type"),
        ("deep", "Type"),
        ("unknown_status", "Garbage"),
        ("garbage_error", "Garbage"),
        ("garbage_misfit", "Garbage"),
        ("garbage_message", "Panicked"),
        ("garbage_reason", "Garbage"),
        ("refused_without_cause", "Garbage"),
    ] {
        let result = wpc.call::<u64>(&probe.function("number"), function);
        let (variant, text) = import_error(result);
        assert!(text.starts_with(&format!("`bad.{function}`")), "{text}");
        assert_eq!(variant, expected, "{function}: {text}");
    }
    assert_eq!(probe.number("live"), 1, "the host lives, and has its instance");
    assert!(wpc.workers()[0].run > run, "what says that it panicked is not used again");
    assert_ledger_is_even(&wpc);
}

#[test]
fn an_answer_of_more_bytes_than_may_be_is_refused() {
    let _watchdog = Watchdog::start();
    let wpc = with_bad();
    let probe = Probe::define(&wpc, "bad");
    let (variant, text) = import_error(wpc.call::<u64>(&probe.function("number"), "flood"));
    assert_eq!(variant, "TooLarge");
    assert_eq!(text, format!("`bad.flood` answered with more than {ANSWER_BYTES_MAX} bytes"));
    let large = |ctx: &Context, bytes: u64| -> Result<u64, ImportError> {
        let text: String = ctx.import("bad")?.call("large", bytes)?;
        Ok(text.len() as u64)
    };
    wpc.define_function("large", large).expect("a good function");
    // A text of that length has five bytes before it.
    let most = ANSWER_BYTES_MAX as u64 - 5;
    assert_eq!(wpc.call::<u64>("large", most).expect("it is as much as may be"), most);
    let (variant, text) = import_error(wpc.call::<u64>("large", most + 1));
    assert_eq!(variant, "TooLarge", "{text}");
    assert_eq!(probe.number("live"), 1);
}

#[test]
fn what_does_not_fit_says_both_types() {
    let _watchdog = Watchdog::start();
    let wpc = with_bad();
    let wrong_argument =
        |ctx: &Context| -> Result<String, ImportError> { ctx.import("bad")?.call("echo", 7_u64) };
    wpc.define_function("wrong_argument", wrong_argument).expect("a good function");
    let wrong_result =
        |ctx: &Context| -> Result<u64, ImportError> { ctx.import("bad")?.call("echo", "seven") };
    wpc.define_function("wrong_result", wrong_result).expect("a good function");
    let (variant, text) = import_error(wpc.call::<String>("wrong_argument", ()));
    assert_eq!(variant, "Type");
    assert!(text.starts_with("`bad.echo`: "), "{text}");
    assert!(text.contains("String") && text.contains("u64"), "{text}");
    let (variant, text) = import_error(wpc.call::<u64>("wrong_result", ()));
    assert_eq!(variant, "Type");
    assert!(text.contains("u64"), "{text}");
}

#[test]
fn a_function_that_is_not_there_is_named_with_those_that_are() {
    let _watchdog = Watchdog::start();
    let wpc = with_bad();
    let probe = Probe::define(&wpc, "bad");
    let Err(CallError::Failed(error)) = probe.run("ehco") else { panic!("there is no such function") };
    let Some(ImportError::NoFunction { alias, name, known }) = error.downcast_ref() else {
        panic!("it is another error: {error}");
    };
    assert_eq!((alias.as_str(), name.as_str()), ("bad", "ehco"));
    assert!(known.is_sorted() && known.iter().any(|it| it == "echo"), "{known:?}");
    let exports: Vec<_> = wpc.dependencies().remove(0).exports.into_iter().map(|it| it.name).collect();
    assert_eq!(*known, exports);
}

#[test]
fn an_alias_that_is_bound_to_one_function_is_invoked_and_others_are_not() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let bound = plugin("misbehaving").export("label");
    wpc.define_dependency("bound", bound).expect("it has that function");
    wpc.define_dependency("unbound", plugin("misbehaving")).expect("it is a plugin");
    let invoke =
        |ctx: &Context, alias: String| -> Result<String, ImportError> { ctx.import(&alias)?.invoke(()) };
    wpc.define_function("invoke", invoke).expect("a good function");
    wpc.start_workers(1).expect("it starts");
    assert_eq!(wpc.dependencies()[0].export.as_deref(), Some("label"));
    assert_eq!(wpc.call::<String>("invoke", "bound").expect("it is bound"), "a");
    let (variant, text) = import_error(wpc.call::<String>("invoke", "unbound"));
    assert_eq!(variant, "Unbound");
    assert!(text.contains("`unbound` is not bound to one function"), "{text}");
}
