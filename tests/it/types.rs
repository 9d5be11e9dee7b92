//! Values between a caller and a function: moved where both name the same type, else converted or refused.

mod conversions;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use wpc::{CallError, Misfit, Ref, RejectReason, Rejected, Wpc};

use crate::support::{Watchdog, assert_ledger_is_even, pool, reason};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Point {
    x: u32,
    y: u32,
}

/// The fields of [`Point`] in the other order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Swapped {
    y: u32,
    x: u32,
}

/// A [`Point`] that lacks a field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Half {
    x: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Path<P> {
    name: String,
    points: Vec<P>,
}

/// A running worker, and how many calls of what [`Counted`] defines have begun.
struct Counted {
    wpc: Wpc,
    ran: Arc<AtomicUsize>,
}

impl Counted {
    fn new() -> Self {
        let wpc = pool();
        wpc.start_workers(1).expect("it starts");
        Self { wpc, ran: Arc::default() }
    }

    /// Defines `f`, which returns its argument.
    fn echo<T: Serialize + for<'de> Deserialize<'de> + Send + 'static>(&self) {
        let ran = Arc::clone(&self.ran);
        let echo = move |value: T| -> T {
            ran.fetch_add(1, Ordering::SeqCst);
            value
        };
        self.wpc.define_function("f", echo).expect("it is defined");
    }

    fn ran(&self) -> usize {
        self.ran.load(Ordering::SeqCst)
    }
}

#[track_caller]
fn rejected<T: std::fmt::Debug>(result: Result<T, CallError>) -> Rejected {
    match result {
        Err(CallError::Rejected(rejected)) => rejected,
        other => panic!("not rejected: {other:?}"),
    }
}

#[track_caller]
fn misfit<T: std::fmt::Debug>(result: Result<T, CallError>) -> Misfit {
    match reason(result) {
        RejectReason::Signature(misfit) => misfit,
        other => panic!("rejected for another reason: {other}"),
    }
}

#[track_caller]
fn failed<T: std::fmt::Debug>(result: Result<T, CallError>) -> (String, String) {
    match result {
        Err(CallError::Failed(error)) => (error.name().to_owned(), error.message().to_owned()),
        other => panic!("not failed: {other:?}"),
    }
}

mod w30_types_that_differ_are_converted_rightly_or_refused_and_nothing_runs {
    use super::*;

    #[test]
    fn a_typed_handle_whose_function_was_redefined_with_other_types() {
        let _watchdog = Watchdog::start();
        let of = Counted::new();
        of.echo::<u64>();
        let handle = of.wpc.function::<u64, u64>("f").expect("these are its types");
        assert_eq!(handle.call(1).expect("a value"), 1);
        of.echo::<String>();
        for result in [handle.call(2), handle.submit(2).and_then(wpc::Pending::wait)] {
            let rejected = rejected(result);
            let RejectReason::Signature(misfit) = rejected.reason() else { panic!("{rejected}") };
            assert_eq!((misfit.expected.as_str(), misfit.found.as_str()), ("String", "u64"));
            assert_eq!(rejected.into_arguments::<u64>().expect("the caller's own"), 2);
        }
        assert_eq!(of.ran(), 1, "nothing ran");
        of.echo::<u64>();
        assert_eq!(handle.call(3).expect("it has its types again"), 3);
        of.wpc.define_function("f", |n: u64| n.to_string()).expect("it is defined");
        let misfit = misfit(handle.call(4));
        assert_eq!((misfit.expected.as_str(), misfit.found.as_str()), ("String", "u64"), "the result's");
        of.wpc.undefine_function("f").expect("a good name");
        let rejected = rejected(handle.call(5));
        assert_eq!(*rejected.reason(), RejectReason::NotDefined);
        assert_eq!(rejected.into_arguments::<u64>().expect("the caller's own"), 5);
        assert_eq!(of.wpc.stats().rejected, 4);
        assert_ledger_is_even(&of.wpc);
    }

    #[test]
    fn a_typed_handle_of_other_types() {
        let _watchdog = Watchdog::start();
        let of = Counted::new();
        of.echo::<u64>();
        let arguments = misfit(of.wpc.function::<u32, u64>("f"));
        assert_eq!((arguments.expected.as_str(), arguments.found.as_str()), ("u64", "u32"));
        let result = misfit(of.wpc.function::<u64, i64>("f"));
        assert_eq!((result.expected.as_str(), result.found.as_str()), ("u64", "i64"));
        assert_eq!(reason(of.wpc.function::<u64, u64>("g")), RejectReason::NotDefined);
    }

    #[test]
    fn arguments_that_do_not_fit() {
        let _watchdog = Watchdog::start();
        let of = Counted::new();
        of.echo::<Path<Point>>();
        let bad = Path { name: "bad".to_owned(), points: vec![Half { x: 1 }] };
        let found = misfit(of.wpc.call::<Path<Point>>("f", bad.clone()));
        assert_eq!((found.expected.as_str(), found.found.as_str()), ("Path<Point>", "Path<Half>"));
        assert_eq!((found.path.as_str(), found.reason.as_str()), ("points[0]", "missing field `y`"));
        let text = "`Path<Half>` does not fit `Path<Point>` at `points[0]`: missing field `y`";
        assert_eq!(found.to_string(), text);
        let borrowed = misfit(of.wpc.call::<Path<Point>>("f", Ref(&bad)));
        assert_eq!(borrowed, found, "borrowed ones are refused alike");
        let submitted = misfit(of.wpc.submit::<Path<Point>>("f", bad));
        assert_eq!(submitted, found);
        of.echo::<(u64, String)>();
        for (found, expected) in [
            (misfit(of.wpc.call::<u8>("f", 1_u64)), "u64"),
            (misfit(of.wpc.call::<u8>("f", (1_u64, 2_u64))), "(u64, u64)"),
            (misfit(of.wpc.call::<u8>("f", ())), "()"),
            (misfit(of.wpc.call::<u8>("f", (1_u64, "a", 3_u8))), "(u64, &str, u8)"),
        ] {
            assert_eq!((found.expected.as_str(), found.found.as_str()), ("(u64, String)", expected));
            assert!(!found.reason.is_empty(), "{found}");
        }
        assert_eq!((of.ran(), of.wpc.stats().rejected), (0, 7));
        assert_ledger_is_even(&of.wpc);
    }

    #[test]
    fn a_result_that_does_not_fit() {
        let _watchdog = Watchdog::start();
        let of = Counted::new();
        of.echo::<Path<Half>>();
        let value = Path { name: String::new(), points: vec![Half { x: 1 }] };
        let (name, message) = failed(of.wpc.call::<Path<Point>>("f", value.clone()));
        let text = "`Path<Half>` does not fit `Path<Point>` at `points[0]`: missing field `y`";
        assert_eq!((name.as_str(), message.as_str()), ("ResultType", text));
        let (name, _) = failed(of.wpc.submit::<u64>("f", value.clone()).and_then(wpc::Pending::wait));
        assert_eq!(name, "ResultType");
        assert_eq!(of.wpc.call::<Path<Half>>("f", value.clone()).expect("a value"), value);
        assert_eq!((of.ran(), of.wpc.stats().calls.failed), (3, 2));
        assert_ledger_is_even(&of.wpc);
    }

    #[test]
    fn fields_in_another_order_are_never_swapped() {
        let _watchdog = Watchdog::start();
        let of = Counted::new();
        of.echo::<Point>();
        let (point, swapped) = (Point { x: 1, y: 2 }, Swapped { x: 1, y: 2 });
        assert_eq!(of.wpc.call::<Point>("f", swapped.clone()).expect("a value"), point);
        assert_eq!(of.wpc.call::<Swapped>("f", point.clone()).expect("a value"), swapped);
        assert_eq!(of.wpc.call::<Point>("f", Ref(&swapped)).expect("a value"), point);
        let message = misfit(of.wpc.call::<Point>("f", Half { x: 1 })).to_string();
        assert_eq!(message, "`Half` does not fit `Point`: missing field `y`");
    }

    #[test]
    fn a_negative_number_for_an_unsigned_one() {
        let _watchdog = Watchdog::start();
        let of = Counted::new();
        of.echo::<(u64, Vec<u64>)>();
        let found = misfit(of.wpc.call::<u8>("f", (1, vec![5, -1])));
        assert_eq!((found.expected.as_str(), found.found.as_str()), ("(u64, Vec<u64>)", "(i32, Vec<i32>)"));
        assert!(found.path.contains("[1]") && found.reason.contains("-1"), "{found}");
        assert_eq!(of.ran(), 0);
        of.echo::<i32>();
        let (name, message) = failed(of.wpc.call::<u32>("f", -7));
        assert!(name == "ResultType" && message.contains("-7"), "{name}: {message}");
    }

    #[test]
    fn text_literals_integer_literals_and_borrowed_values() {
        let _watchdog = Watchdog::start();
        let of = Counted::new();
        of.echo::<(String, u64)>();
        let expected = ("text".to_owned(), 7_u64);
        let results = [
            of.wpc.call::<(String, u64)>("f", ("text", 7)),
            of.wpc.call("f", Ref(&expected)),
            of.wpc.call("f", Ref(&("text", 7_i8))),
            of.wpc.call("f", ("text".to_owned(), 7_u8)),
        ];
        for result in results {
            assert_eq!(result.expect("a value"), expected);
        }
        of.echo::<String>();
        assert_eq!(of.wpc.call::<String>("f", "literal").expect("a value"), "literal");
        assert_eq!(of.wpc.call::<String>("f", Ref("borrowed")).expect("a value"), "borrowed");
        of.echo::<u64>();
        assert_eq!(of.wpc.call::<u64>("f", 3).expect("a value"), 3);
        assert_eq!(of.wpc.call::<u16>("f", i64::from(u16::MAX)).expect("a value"), u16::MAX);
    }
}

mod w31_values_of_the_functions_own_types_are_moved {
    use super::*;

    const BYTES: usize = 16 << 20;

    /// A way to call `tell`.
    type Way<'a> = dyn Fn(Vec<u8>) -> Result<(usize, Vec<u8>), CallError> + 'a;

    fn place(bytes: &[u8]) -> usize {
        bytes.as_ptr().addr()
    }

    /// A worker whose function tells where it sees the bytes, and returns them.
    fn telling() -> Wpc {
        let wpc = pool();
        let tell = |bytes: Vec<u8>| (place(&bytes), bytes);
        wpc.define_function("tell", tell).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        wpc
    }

    fn large() -> Vec<u8> {
        let mut bytes = vec![0; BYTES];
        bytes[BYTES - 1] = 9;
        bytes
    }

    #[test]
    fn to_the_function_and_back() {
        let _watchdog = Watchdog::start();
        let wpc = telling();
        let handle = wpc.function::<Vec<u8>, (usize, Vec<u8>)>("tell").expect("these are its types");
        let ways: [&Way; 4] = [
            &|bytes| wpc.call("tell", bytes),
            &|bytes| wpc.submit("tell", bytes)?.wait(),
            &|bytes| wpc.request("tell").no_timeout().call(bytes),
            &|bytes| handle.call(bytes),
        ];
        for way in ways {
            let bytes = large();
            let sent = place(&bytes);
            let (seen, returned) = way(bytes).expect("a value");
            assert_eq!((seen, place(&returned)), (sent, sent));
            assert!(returned.len() == BYTES && returned[BYTES - 1] == 9);
        }
    }

    #[test]
    fn to_a_function_that_another_calls() {
        let _watchdog = Watchdog::start();
        let wpc = telling();
        let relay = |ctx: &wpc::Context, bytes: Vec<u8>| ctx.call::<(usize, Vec<u8>)>("tell", bytes);
        wpc.define_function("relay", relay).expect("it is defined");
        let bytes = large();
        let sent = place(&bytes);
        let (seen, returned): (usize, Vec<u8>) = wpc.call("relay", bytes).expect("a value");
        assert_eq!((seen, place(&returned)), (sent, sent));
    }

    #[test]
    fn back_to_the_caller_of_a_rejected_call() {
        let _watchdog = Watchdog::start();
        let wpc = telling();
        let bytes = large();
        let sent = place(&bytes);
        let rejected = rejected(wpc.call::<u8>("nothing", bytes));
        let returned: Vec<u8> = rejected.into_arguments().expect("the caller's own");
        assert_eq!(place(&returned), sent);
    }
}
