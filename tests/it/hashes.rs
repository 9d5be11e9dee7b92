//! Pinned calls: what runs is what the caller expects, or nothing does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use wpc::{CallError, Context, Function, Hash, Pending, RejectReason, Wpc, function};

use crate::support::{Busy, Watchdog, assert_ledger_is_even, pool, reason};

mod w29_a_pinned_call_runs_if_the_hash_is_equal_and_is_rejected_with_both_hashes_if_it_has_drifted {
    use super::*;

    /// A running pool with a function `add` that counts its runs.
    fn counted() -> (Wpc, Hash, Arc<AtomicU32>) {
        let wpc = pool();
        let runs = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&runs);
        let add = function!(move |a: u64, b: u64| {
            counter.fetch_add(1, Ordering::Relaxed);
            a + b
        });
        let hash = wpc.define_function("add", add).expect("the name is right").hash;
        wpc.start_workers(1).expect("a thread can be had");
        (wpc, hash, runs)
    }

    #[test]
    fn equal() {
        let _watchdog = Watchdog::start();
        let (wpc, hash, runs) = counted();
        let request = wpc.request("add").pin(hash);
        assert_eq!(request.call::<u64>((2_u64, 3_u64)).expect("it is what runs"), 5);
        let pending: Pending<u64> = request.submit((3_u64, 4_u64)).expect("it is what runs");
        assert_eq!(pending.wait().expect("it runs"), 7);
        let kept: Hash = hash.to_string().parse().expect("a hash's own text");
        assert_eq!(wpc.request("add").pin(kept).call::<u64>((4_u64, 5_u64)).expect("it is what runs"), 9);
        assert_eq!(runs.load(Ordering::Relaxed), 3);
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn drifted() {
        let _watchdog = Watchdog::start();
        let (wpc, found, runs) = counted();
        let expected = Hash::of_source("what it was last year");
        let drift = RejectReason::HashDrift { expected, found };
        let refused = wpc.request("add").pin(expected).call::<u64>((2_u64, 3_u64));
        let Err(CallError::Rejected(rejected)) = refused else { panic!("not rejected: {refused:?}") };
        assert_eq!(rejected.reason(), &drift);
        assert_eq!(rejected.into_arguments::<(u64, u64)>().expect("they come back"), (2, 3));
        assert_eq!(reason(wpc.request("add").pin(expected).submit::<u64>((2_u64, 3_u64))), drift);
        assert_eq!(runs.load(Ordering::Relaxed), 0, "nothing ran");
        let stats = wpc.stats();
        assert_eq!((stats.calls.accepted, stats.rejected), (0, 2));
        let text = reason(wpc.request("add").pin(expected).call::<u64>((2_u64, 3_u64))).to_string();
        assert!(text.contains(&expected.to_string()) && text.contains(&found.to_string()), "{text}");
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn drifted_by_a_redefinition() {
        let _watchdog = Watchdog::start();
        let (wpc, old, runs) = counted();
        let new = wpc.define_function("add", function!(|a: u64, b: u64| a * b)).expect("a right name").hash;
        let drift = RejectReason::HashDrift { expected: old, found: new };
        assert_eq!(reason(wpc.request("add").pin(old).call::<u64>((2_u64, 3_u64))), drift);
        assert_eq!(wpc.request("add").pin(new).call::<u64>((2_u64, 3_u64)).expect("it is what runs"), 6);
        assert!(wpc.undefine_function("add").expect("the name is right"));
        let gone = reason(wpc.request("add").pin(new).call::<u64>((2_u64, 3_u64)));
        assert_eq!(gone, RejectReason::NotDefined);
        assert_eq!(runs.load(Ordering::Relaxed), 0, "nothing of the old one ran");
    }

    #[test]
    fn redefined_while_it_waits() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let mut busy = Busy::define(&wpc);
        let old = wpc.define_function("add", function!(|a: u64, b: u64| a + b)).expect("a right name").hash;
        wpc.start_workers(1).expect("a thread can be had");
        busy.occupy(&wpc, 1);
        let pinned: Pending<u64> = wpc.request("add").pin(old).submit((2_u64, 3_u64)).expect("equal");
        wpc.define_function("add", function!(|a: u64, b: u64| a * b)).expect("the name is right");
        busy.release();
        assert_eq!(pinned.wait().expect("it was accepted"), 5, "it runs what it was bound to");
    }

    #[test]
    fn inside_a_function() {
        let _watchdog = Watchdog::start();
        let (wpc, hash, runs) = counted();
        let weak = wpc.downgrade();
        let outer = move |_: &Context, pin: String| {
            let wpc = weak.upgrade().expect("its caller holds the pool");
            let pin: Hash = pin.parse().expect("a hash's text");
            match wpc.request("add").pin(pin).call::<u64>((2_u64, 3_u64)) {
                Ok(sum) => sum.to_string(),
                Err(error) => error.to_string(),
            }
        };
        wpc.define_function("outer", outer).expect("the name is right");
        assert_eq!(wpc.call::<String>("outer", hash.to_string()).expect("it runs"), "5");
        let expected = Hash::of_source("what it was last year");
        let drift = RejectReason::HashDrift { expected, found: hash };
        let told = wpc.call::<String>("outer", expected.to_string()).expect("it runs");
        assert_eq!(told, format!("the call of `add` was rejected: {drift}"));
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn a_pin_holds_for_functions_that_are_known_by_their_signature_or_by_a_text() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let text = "SELECT 1";
    wpc.define_function("text", Function::new(|| 1_u64).source(text)).expect("the name is right");
    wpc.define_function("label", Function::new(|| 2_u64).label("2")).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let of_text = wpc.request("text").pin(Hash::of_source(text));
    assert_eq!(of_text.call::<u64>(()).expect("it is what runs"), 1);
    let of_label = wpc.functions()[0].function_hash_sha1;
    assert_eq!(wpc.request("label").pin(of_label).call::<u64>(()).expect("it is what runs"), 2);
    wpc.define_function("label", Function::new(|| 2_u64).label("3")).expect("the name is right");
    let found = wpc.functions()[0].function_hash_sha1;
    let drift = RejectReason::HashDrift { expected: of_label, found };
    assert_eq!(reason(wpc.request("label").pin(of_label).call::<u64>(())), drift);
}

#[test]
fn drift_is_told_before_a_missing_requirement_and_before_a_wrong_argument() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let needs = Function::new(|n: u64| n).requires(wpc::Requirement::constant("LIMIT"));
    let found = wpc.define_function("needs", needs).expect("the name is right").hash;
    wpc.start_workers(1).expect("a thread can be had");
    let expected = Hash::of_source("another");
    let drift = RejectReason::HashDrift { expected, found };
    assert_eq!(reason(wpc.request("needs").pin(expected).call::<u64>("no number")), drift);
    let missing = RejectReason::MissingRequirement { name: "LIMIT".to_owned() };
    assert_eq!(reason(wpc.request("needs").pin(found).call::<u64>(1_u64)), missing);
}
