//! Functions that panic: the caller reads the message, the worker goes on under another run number.

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use wpc::{CallError, Context, EventName, LocalInUse, PanicLocation, Pending, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, pool, until};

/// Panics when it is dropped.
#[derive(Serialize, Deserialize)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// Panics when it is dropped, with itself.
struct Chain;

impl Drop for Chain {
    fn drop(&mut self) {
        panic_any(Self);
    }
}

/// One worker with a function `fine` and one that panics in every known way.
fn panicking() -> Wpc {
    let wpc = pool();
    wpc.define_function("fine", |n: u64| n).expect("it is defined");
    let function = |kind: String| -> u64 {
        match kind.as_str() {
            "text" => panic!("a text"),
            "formatted" => panic!("number {}", kind.len()),
            "custom" => panic_any(7_u8),
            "bomb" => panic_any(Bomb),
            "chain" => panic_any(Chain),
            long => panic!("{}", "ä".repeat(long.len() * 1_000)),
        }
    };
    wpc.define_function("panic", function).expect("it is defined");
    wpc.start_workers(1).expect("it starts");
    wpc
}

#[track_caller]
fn message<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> (String, String) {
    match outcome {
        Err(CallError::Panicked { function, message, .. }) => (function.to_string(), message),
        other => panic!("no panic: {other:?}"),
    }
}

mod w10_a_panic_of_any_kind_is_told_with_its_message_and_costs_only_its_own_call_and_local_state {
    use super::*;

    #[test]
    fn a_panic_ends_the_call_with_its_message_whatever_its_payload_is() {
        let _watchdog = Watchdog::start();
        let wpc = panicking();
        let no_text = "a panic whose payload is no text";
        let messages = [
            ("text", "a text"),
            ("formatted", "number 9"),
            ("custom", no_text),
            ("bomb", no_text),
            ("chain", no_text),
        ];
        for (at, (kind, expected)) in (1_u32..).zip(messages) {
            let told = message(wpc.call::<u64>("panic", kind));
            assert_eq!(told, ("panic".to_owned(), expected.to_owned()), "{kind}");
            assert_eq!(wpc.workers()[0].run.get(), 1 + at, "the run number rises with each panic");
            assert_eq!(wpc.call::<u64>("fine", 3_u64).expect("the worker serves on"), 3);
        }
        let (_, long) = message(wpc.call::<u64>("panic", "-----"));
        assert_eq!(long, "ä".repeat(2 << 10), "at most 4 KiB are told");
        assert_eq!(wpc.stats().calls.panicked, 6);
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn a_thousand_panics_in_a_row_cost_no_worker_and_no_other_call() {
        let _watchdog = Watchdog::start();
        let wpc = panicking();
        let calls: Vec<(Pending<u64>, Pending<u64>)> = (0..1_000)
            .map(|n| {
                let panics = wpc.submit("panic", "text").expect("it is accepted");
                (panics, wpc.submit("fine", n).expect("it is accepted"))
            })
            .collect();
        for (n, (panics, fine)) in (0..).zip(calls) {
            assert_eq!(message(panics.wait()).1, "a text");
            assert_eq!(fine.wait().expect("it is untouched"), n);
        }
        let worker = &wpc.workers()[0];
        assert_eq!((worker.run.get(), worker.state), (1_001, wpc::WorkerState::Ready));
        assert_eq!(wpc.stats().abandoned_threads_ever, 0);
    }

    #[test]
    fn a_panic_drops_the_workers_local_state_and_a_value_does_not() {
        let _watchdog = Watchdog::start();
        let (wpc, state) = (pool(), Arc::new(()));
        let made = Arc::new(AtomicUsize::new(0));
        let (shared, count) = (Arc::clone(&state), Arc::clone(&made));
        let function = move |ctx: &Context| -> Result<(), LocalInUse> {
            let init = || {
                count.fetch_add(1, Ordering::SeqCst);
                Arc::clone(&shared)
            };
            ctx.local(init, |_| ())
        };
        wpc.define_function("keep", function).expect("it is defined");
        wpc.define_function("panic", || -> u64 { panic!("on purpose") }).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        let outside = Arc::strong_count(&state); // this one and the function's
        wpc.call::<()>("keep", ()).expect("a value");
        wpc.call::<()>("keep", ()).expect("a value");
        assert_eq!((made.load(Ordering::SeqCst), Arc::strong_count(&state)), (1, outside + 1));
        message(wpc.call::<u64>("panic", ()));
        until(|| Arc::strong_count(&state) == outside);
        wpc.call::<()>("keep", ()).expect("a value");
        assert_eq!((made.load(Ordering::SeqCst), Arc::strong_count(&state)), (2, outside + 1));
    }

    #[test]
    fn a_panic_while_the_argument_drops_is_a_panic_of_the_call() {
        let _watchdog = Watchdog::start();
        let wpc = panicking();
        wpc.define_function("take", |bomb: Bomb| drop(bomb)).expect("it is defined");
        assert_eq!(message(wpc.call::<()>("take", Bomb)).1, "dropped");
        assert_eq!(wpc.call::<u64>("fine", 4_u64).expect("the worker serves on"), 4);
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn a_panic_while_the_argument_of_a_cancelled_call_drops_harms_nobody() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = (panicking(), Latch::new());
        let held = latch.clone();
        wpc.define_function("held", move || held.hold()).expect("it is defined");
        wpc.define_function("take", |bomb: Bomb| drop(bomb)).expect("it is defined");
        let running: Pending<()> = wpc.submit("held", ()).expect("it is accepted");
        latch.wait_entered(1);
        let waiting: Pending<()> = wpc.submit("take", Bomb).expect("it is accepted");
        assert!(waiting.cancel());
        drop(waiting);
        latch.release();
        running.wait().expect("a value");
        assert_eq!(wpc.call::<u64>("fine", 4_u64).expect("the worker serves on"), 4);
        assert_eq!(wpc.stats().calls.panicked, 0);
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn a_panic_while_a_late_result_drops_harms_nobody() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = (panicking(), Latch::new());
        let held = latch.clone();
        let late = move || {
            held.hold();
            Bomb
        };
        wpc.define_function("late", late).expect("it is defined");
        let running: Pending<Bomb> = wpc.submit("late", ()).expect("it is accepted");
        latch.wait_entered(1);
        assert!(running.cancel());
        drop(running);
        latch.release();
        assert_eq!(wpc.call::<u64>("fine", 4_u64).expect("the worker serves on"), 4);
        assert_eq!((wpc.stats().calls.late, wpc.stats().calls.panicked), (1, 0));
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn a_panic_inside_a_call_is_the_inner_calls_own_and_the_worker_recycles_after_the_outermost() {
        let _watchdog = Watchdog::start();
        let wpc = panicking();
        let outer = |ctx: &Context| message(ctx.call::<u64>("panic", "text")).1;
        wpc.define_function("outer", outer).expect("it is defined");
        assert_eq!(wpc.workers()[0].run.get(), 1);
        assert_eq!(wpc.call::<String>("outer", ()).expect("a value"), "a text");
        assert_eq!(wpc.workers()[0].run.get(), 2);
        assert_eq!(wpc.call::<u64>("fine", 4_u64).expect("the worker serves on"), 4);
        let calls = wpc.stats().calls;
        assert_eq!((calls.values, calls.panicked, calls.handled), (2, 1, 3));
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn its_location_is_told_where_that_was_asked_for() {
        let _watchdog = Watchdog::start();
        for wanted in [true, false] {
            let wpc = build(Wpc::builder().panic_locations(wanted));
            let events = wpc.subscribe().expect("there is room");
            let line = line!() + 1;
            wpc.define_function("panic", |n: u64| assert!(n > 5, "{n} is too small")).expect("it is defined");
            let second = |n: u64| {
                let first = std::panic::catch_unwind(|| panic!("the first one stays inside"));
                assert!(first.is_ok(), "{n}: the second one comes out");
            };
            let second_line = line!() - 2;
            wpc.define_function("second", second).expect("it is defined");
            let resumed = |n: u64| -> u64 { std::panic::resume_unwind(Box::new(n)) };
            wpc.define_function("resumed", resumed).expect("it is defined");
            let bomb = |_: u64| -> u64 { panic_any(Bomb) };
            let bomb_line = line!() - 1;
            wpc.define_function("bomb", bomb).expect("it is defined");
            let outer = |ctx: &Context, n: u64| place(ctx.call::<()>("panic", n));
            wpc.define_function("outer", outer).expect("it is defined");
            wpc.start_workers(1).expect("it starts");
            let told = place(wpc.call::<()>("panic", 3_u64));
            assert_eq!(told.as_ref().map(|at| at.1), wanted.then_some(line));
            assert!(told.is_none_or(|at| at.0.ends_with("panics.rs")));
            assert_eq!(place(wpc.call::<()>("second", 3_u64)).map(|at| at.1), wanted.then_some(second_line));
            assert_eq!(place(wpc.call::<u64>("resumed", 3_u64)), None, "no hook has seen it");
            assert_eq!(
                place(wpc.call::<u64>("bomb", 3_u64)).map(|at| at.1),
                wanted.then_some(bomb_line),
                "not its drop"
            );
            let inner: Option<(String, u32)> = wpc.call("outer", 3_u64).expect("a value");
            assert_eq!(inner.map(|at| at.1), wanted.then_some(line));
            let text = wpc.call::<()>("panic", 3_u64).expect_err("it panics").to_string();
            assert_eq!(text.contains(&format!("panics.rs:{line}:")), wanted, "{text}");
            wpc.stop_workers().expect("it stops");
            let told = events.drain();
            let failed: Vec<_> =
                told.iter().filter(|it| it.event_name == EventName::CallExecutionFailed).collect();
            assert_eq!(failed.len(), 6);
            assert_eq!(
                failed.iter().filter(|it| it.detail("location").is_some()).count(),
                if wanted { 5 } else { 0 }
            );
        }
    }

    /// Panics inside while it drops, and keeps that to itself.
    struct Guard;

    impl Drop for Guard {
        fn drop(&mut self) {
            let inside = std::panic::catch_unwind(|| panic!("in the guard"));
            assert!(inside.is_err());
        }
    }

    /// Makes a call while it drops.
    struct Caller(wpc::WeakWpc);

    impl Drop for Caller {
        fn drop(&mut self) {
            let called = self.0.upgrade().expect("the test holds it").call::<u64>("fine", 1_u64);
            assert_eq!(called.expect("a value"), 1);
        }
    }

    #[test]
    fn its_location_is_its_own_whatever_else_panics_meanwhile() {
        let _watchdog = Watchdog::start();
        let wpc = build(Wpc::builder().panic_locations(true));
        let weak = wpc.downgrade();
        let other = |_: u64| -> u64 {
            let caught = std::panic::catch_unwind(|| panic!("an old one"));
            let theirs = std::thread::spawn(|| panic!("of another thread")).join();
            assert!(caught.is_err());
            std::panic::resume_unwind(theirs.expect_err("it panics"))
        };
        wpc.define_function("other", other).expect("it is defined");
        let guarded = |_: u64| -> u64 {
            let _guard = Guard;
            panic!("here")
        };
        let guarded_line = line!() - 2;
        wpc.define_function("guarded", guarded).expect("it is defined");
        let calling = move |_: u64| -> u64 {
            let _caller = Caller(weak.clone());
            panic!("there")
        };
        let calling_line = line!() - 2;
        wpc.define_function("calling", calling).expect("it is defined");
        wpc.define_function("fine", |n: u64| n).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        let line = |name: &str| place(wpc.call::<u64>(name, 1_u64)).map(|at| at.1);
        assert_eq!(line("other"), None, "no hook has seen it on this thread");
        assert_eq!(line("guarded"), Some(guarded_line));
        assert_eq!(line("calling"), Some(calling_line));
    }

    #[track_caller]
    fn place<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> Option<(String, u32)> {
        match outcome {
            Err(CallError::Panicked { location, .. }) => {
                location.map(|at: PanicLocation| (at.file.to_string(), at.line))
            }
            other => panic!("no panic: {other:?}"),
        }
    }
}
