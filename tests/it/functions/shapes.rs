//! What can be defined as a function, and how it reads.

use serde::{Deserialize, Serialize};
use wpc::{Context, DefineError, Function, FunctionError, HashOf, Wpc, fallible, function};

use crate::support::{Watchdog, pool};

fn started_with(define: impl FnOnce(&Wpc)) -> Wpc {
    let wpc = pool();
    define(&wpc);
    wpc.start_workers(1).expect("a thread can be had");
    wpc
}

#[track_caller]
fn define<M>(wpc: &Wpc, name: &str, function: impl wpc::IntoFunction<M>) {
    wpc.define_function(name, function).expect("the name is right");
}

#[track_caller]
fn signature(wpc: &Wpc, name: &str) -> String {
    let info = wpc.functions().into_iter().find(|info| info.name == name);
    info.expect("it is defined").signature
}

/// Calls `n0` to `n8` with the numbers from 1, which each gives back.
#[track_caller]
fn assert_each_arrives_at_its_place(wpc: &Wpc) {
    assert_eq!(wpc.call::<u64>("n0", ()).expect("it runs"), 0);
    assert_eq!(wpc.call::<u64>("n1", 1_u64).expect("it runs"), 1);
    let results = [
        wpc.call::<Vec<u64>>("n2", (1_u64, 2_u64)),
        wpc.call("n3", (1_u64, 2_u64, 3_u64)),
        wpc.call("n4", (1_u64, 2_u64, 3_u64, 4_u64)),
        wpc.call("n5", (1_u64, 2_u64, 3_u64, 4_u64, 5_u64)),
        wpc.call("n6", (1_u64, 2_u64, 3_u64, 4_u64, 5_u64, 6_u64)),
        wpc.call("n7", (1_u64, 2_u64, 3_u64, 4_u64, 5_u64, 6_u64, 7_u64)),
        wpc.call("n8", (1_u64, 2_u64, 3_u64, 4_u64, 5_u64, 6_u64, 7_u64, 8_u64)),
    ];
    for (result, count) in results.into_iter().zip(2_u64..) {
        assert_eq!(result.expect("it runs"), (1..=count).collect::<Vec<_>>());
    }
}

#[test]
fn zero_to_eight_parameters_arrive_each_at_its_place() {
    let _watchdog = Watchdog::start();
    let wpc = started_with(|wpc| {
        define(wpc, "n0", || 0_u64);
        define(wpc, "n1", |a: u64| a);
        define(wpc, "n2", |a: u64, b: u64| vec![a, b]);
        define(wpc, "n3", |a: u64, b: u64, c: u64| vec![a, b, c]);
        define(wpc, "n4", |a: u64, b: u64, c: u64, d: u64| vec![a, b, c, d]);
        define(wpc, "n5", |a: u64, b: u64, c: u64, d: u64, e: u64| vec![a, b, c, d, e]);
        define(wpc, "n6", |a: u64, b: u64, c: u64, d: u64, e: u64, f: u64| vec![a, b, c, d, e, f]);
        define(wpc, "n7", |a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64| vec![a, b, c, d, e, f, g]);
        define(wpc, "n8", |a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64| {
            vec![a, b, c, d, e, f, g, h]
        });
    });
    assert_each_arrives_at_its_place(&wpc);
    assert_eq!(signature(&wpc, "n0"), "() -> u64");
    assert_eq!(signature(&wpc, "n8"), "(u64, u64, u64, u64, u64, u64, u64, u64) -> Vec<u64>");
}

#[test]
fn the_context_comes_before_zero_to_eight_parameters_and_is_none_of_them() {
    let _watchdog = Watchdog::start();
    let own = |ctx: &Context| ctx.worker_id().index() as u64;
    let wpc = started_with(|wpc| {
        define(wpc, "n0", move |ctx: &Context| own(ctx));
        define(wpc, "n1", move |ctx: &Context, a: u64| own(ctx) + a);
        define(wpc, "n2", move |ctx: &Context, a: u64, b: u64| vec![a + own(ctx), b]);
        define(wpc, "n3", |_: &Context, a: u64, b: u64, c: u64| vec![a, b, c]);
        define(wpc, "n4", |_: &Context, a: u64, b: u64, c: u64, d: u64| vec![a, b, c, d]);
        define(wpc, "n5", |_: &Context, a: u64, b: u64, c: u64, d: u64, e: u64| vec![a, b, c, d, e]);
        define(wpc, "n6", |_: &Context, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64| {
            vec![a, b, c, d, e, f]
        });
        define(wpc, "n7", |_: &Context, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64| {
            vec![a, b, c, d, e, f, g]
        });
        define(wpc, "n8", |_: &Context, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64| {
            vec![a, b, c, d, e, f, g, h]
        });
    });
    assert_each_arrives_at_its_place(&wpc);
    assert_eq!(signature(&wpc, "n1"), "(u64) -> u64");
    assert_eq!(signature(&wpc, "n8"), "(u64, u64, u64, u64, u64, u64, u64, u64) -> Vec<u64>");
}

fn triple(n: u64) -> u64 {
    n * 3
}

fn checked_half(_: &Context, n: u64) -> Result<u64, FunctionError> {
    if n.is_multiple_of(2) { Ok(n / 2) } else { Err(FunctionError::new("Odd", format!("{n} is odd"))) }
}

#[test]
fn functions_function_pointers_and_closures_that_capture_can_all_be_defined() {
    let _watchdog = Watchdog::start();
    let pointer: fn(u64) -> u64 = triple;
    let captured = [1_u64, 2, 3];
    let wpc = started_with(|wpc| {
        define(wpc, "item", triple);
        define(wpc, "pointer", pointer);
        define(wpc, "fallible_item", checked_half);
        define(wpc, "macro_of_item", function!(triple));
        define(wpc, "captures", move |at: usize| captured[at]);
    });
    assert_eq!(wpc.call::<u64>("item", 2_u64).expect("it runs"), 6);
    assert_eq!(wpc.call::<u64>("pointer", 3_u64).expect("it runs"), 9);
    assert_eq!(wpc.call::<u64>("macro_of_item", 4_u64).expect("it runs"), 12);
    assert_eq!(wpc.call::<u64>("captures", 1_usize).expect("it runs"), 2);
    assert_eq!(wpc.call::<u64>("fallible_item", 8_u64).expect("it runs"), 4);
    let failed = wpc.call::<u64>("fallible_item", 7_u64).expect_err("it is odd");
    assert_eq!(failed.to_string(), "Odd: 7 is odd");
}

#[test]
fn a_result_is_the_outcome_in_a_plain_closure_in_the_macro_and_under_fallible() {
    let _watchdog = Watchdog::start();
    let odd = |n: u64| if n.is_multiple_of(2) { Ok(n / 2) } else { Err(format!("{n} is odd")) };
    let wpc = started_with(|wpc| {
        define(wpc, "plain", |text: String| text.parse::<u64>());
        define(wpc, "macro", function!(move |n: u64| -> Result<u64, String> { odd(n) }));
        define(wpc, "fallible", fallible(move |n: u64| -> Result<u64, String> { odd(n) }));
        define(wpc, "anyhow", |n: u64| -> anyhow::Result<u64> { anyhow::bail!("{n} will not do") });
    });
    for name in ["plain", "macro", "fallible"] {
        assert!(signature(&wpc, name).ends_with("-> u64"), "{name}: the error is no part of the value");
    }
    assert_eq!(wpc.call::<u64>("plain", "12").expect("a number"), 12);
    assert_eq!(wpc.call::<u64>("macro", 12_u64).expect("even"), 6);
    assert_eq!(wpc.call::<u64>("fallible", 12_u64).expect("even"), 6);
    let messages = [
        ("plain", wpc.call::<u64>("plain", "x"), "ParseIntError: invalid digit found in string"),
        ("macro", wpc.call("macro", 7_u64), "Error: 7 is odd"),
        ("fallible", wpc.call("fallible", 7_u64), "Error: 7 is odd"),
        ("anyhow", wpc.call("anyhow", 7_u64), "Error: 7 will not do"),
    ];
    for (name, result, message) in messages {
        let error = result.expect_err("it fails");
        assert!(matches!(error, wpc::CallError::Failed(_)), "{name}: {error:?}");
        assert_eq!(error.to_string(), message, "{name}");
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct PlainData(u32);

#[test]
fn a_result_whose_error_is_plain_data_is_refused_and_never_a_value() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    define(&wpc, "kept", |n: u64| n);
    let as_value = |n: u64| -> Result<u64, PlainData> { Err(PlainData(u32::try_from(n).unwrap_or(0))) };
    let refused = [
        wpc.define_function("plain", as_value),
        wpc.define_function("macro", function!(|n: u64| -> Result<u64, PlainData> { Ok(n) })),
        wpc.define_function("new", Function::new(as_value)),
        wpc.define_function("kept", as_value),
    ];
    for (refused, expected) in refused.into_iter().zip(["plain", "macro", "new", "kept"]) {
        match refused.expect_err("it would be a value") {
            DefineError::ResultAsValue { name, result } => {
                assert_eq!(name, expected);
                assert!(result.contains("Result<u64, ") && result.contains("PlainData"), "{result}");
            }
            other => panic!("{other:?}"),
        }
    }
    let functions = wpc.functions();
    assert_eq!(functions.len(), 1, "{functions:?}");
    assert_eq!(functions[0].signature, "(u64) -> u64", "the earlier one stays");
}

#[test]
fn a_plain_closure_is_known_by_its_signature_and_label() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let hash = |name: &str, function: Function| {
        wpc.define_function(name, function).expect("the name is right");
        let info = wpc.functions().into_iter().find(|info| info.name == name).expect("it is there");
        assert_eq!(info.hash_of, HashOf::Signature);
        (info.function_hash_sha1, info.label)
    };
    let (plain, none) = hash("plain", Function::new(|a: u64| a + 1));
    assert_eq!(none, None);
    assert_eq!(hash("other_body", Function::new(|a: u64| a + 2)).0, plain, "bodies are not known");
    assert_ne!(hash("other_type", Function::new(|a: u32| u64::from(a))).0, plain);
    assert_ne!(hash("other_result", Function::new(|a: u64| a > 1)).0, plain);
    let (labelled, label) = hash("labelled", Function::new(|a: u64| a + 1).label("2"));
    assert_eq!(label.as_deref(), Some("2"));
    assert_ne!(labelled, plain);
    assert_ne!(hash("relabelled", Function::new(|a: u64| a + 1).label("3")).0, labelled);
}
