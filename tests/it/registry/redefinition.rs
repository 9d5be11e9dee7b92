//! Redefinitions: what is a new version, who runs which.

use std::sync::{Arc, Barrier};

use wpc::{Function, Pending, Wpc, function};

use crate::support::{Busy, Watchdog, assert_ledger_is_even, meet, meeting, pool, reason};

mod w3_a_redefinition_is_a_new_version_unless_the_code_is_the_same_and_captures_nothing {
    use super::*;

    fn running() -> Wpc {
        let wpc = pool();
        wpc.start_workers(2).expect("threads can be had");
        wpc
    }

    fn item(n: u64) -> u64 {
        n + 2
    }

    #[test]
    fn the_same_code_with_nothing_captured_changes_nothing() {
        let _watchdog = Watchdog::start();
        let wpc = running();
        let same = || function!(|n: u64| n + 1);
        let first = wpc.define_function("f", same()).expect("the name is right");
        let version = |wpc: &Wpc| wpc.workers().iter().map(|worker| worker.version).collect::<Vec<_>>();
        let before = (wpc.functions(), version(&wpc));
        for _ in 0..3 {
            let again = wpc.define_function("f", same()).expect("the name is right");
            assert_eq!((again.version, again.hash, again.installed), (first.version, first.hash, 2));
        }
        assert_eq!((wpc.functions(), version(&wpc)), before);
        assert_eq!(wpc.call::<u64>("f", 1_u64).expect("it runs"), 2);

        let first = wpc.define_function("item", item).expect("the name is right");
        let again = wpc.define_function("item", item).expect("the name is right");
        assert_eq!(again.version, first.version);
    }

    #[test]
    fn changed_source_is_another_hash_and_the_next_call_runs_it() {
        let _watchdog = Watchdog::start();
        let wpc = running();
        let first = wpc.define_function("f", function!(|n: u64| n + 1)).expect("the name is right");
        assert_eq!(wpc.call::<u64>("f", 1_u64).expect("it runs"), 2);
        let second = wpc.define_function("f", function!(|n: u64| n + 10)).expect("the name is right");
        assert_eq!(wpc.call::<u64>("f", 1_u64).expect("it runs"), 11);
        assert_ne!(second.hash, first.hash);
        assert!(second.version > first.version);
        let functions = wpc.functions();
        assert_eq!(functions.len(), 1);
        assert_eq!((functions[0].version, functions[0].function_hash_sha1), (second.version, second.hash));
    }

    #[test]
    fn equal_source_with_another_captured_value_is_a_new_version_of_an_equal_hash() {
        let _watchdog = Watchdog::start();
        let wpc = running();
        let adding = |by: u64| function!(move |n: u64| n + by);
        let mut last = wpc.define_function("f", adding(1)).expect("the name is right");
        assert_eq!(wpc.call::<u64>("f", 1_u64).expect("it runs"), 2);
        for by in [10, 100, 100] {
            let next = wpc.define_function("f", adding(by)).expect("the name is right");
            assert_eq!(wpc.call::<u64>("f", 1_u64).expect("it runs"), 1 + by);
            assert_eq!(next.hash, last.hash);
            assert!(next.version > last.version, "even an equal capture may have changed inside");
            last = next;
        }
    }

    #[test]
    fn two_functions_behind_one_pointer_type_are_two_versions() {
        let _watchdog = Watchdog::start();
        let wpc = running();
        let pointers: [fn(u64) -> u64; 2] = [|n| n + 1, |n| n + 10];
        let first = wpc.define_function("f", pointers[0]).expect("the name is right");
        let second = wpc.define_function("f", pointers[1]).expect("the name is right");
        assert_eq!(first.hash, second.hash, "only the signature is known");
        assert!(second.version > first.version);
        assert_eq!(wpc.call::<u64>("f", 1_u64).expect("it runs"), 11);
    }

    #[test]
    fn the_same_code_under_other_terms_is_a_new_version() {
        let _watchdog = Watchdog::start();
        let wpc = running();
        let same = || function!(|n: u64| n + 1);
        let others: [fn(Function) -> Function; 4] = [
            |function| function.label("2"),
            |function| function.label("3"),
            |function| function.requires(wpc::Requirement::constant("LIMIT")),
            |function| function.source("another text"),
        ];
        let mut last = wpc.define_function("f", same()).expect("the name is right");
        for terms in others {
            let next = wpc.define_function("f", terms(same())).expect("the name is right");
            assert!(next.version > last.version);
            last = next;
        }
    }

    #[test]
    fn a_define_after_an_undefine_is_a_new_version() {
        let _watchdog = Watchdog::start();
        let wpc = running();
        let same = || function!(|n: u64| n + 1);
        let first = wpc.define_function("f", same()).expect("the name is right");
        assert!(wpc.undefine_function("f").expect("the name is right"));
        let second = wpc.define_function("f", same()).expect("the name is right");
        assert!(second.version > first.version);
        assert_eq!(wpc.call::<u64>("f", 1_u64).expect("it runs"), 2);
    }
}

mod w18_every_call_accepted_after_the_last_redefinition_runs_it_on_every_worker_and_queued_ones_run_theirs {
    use super::*;

    const WORKERS: usize = 3;

    /// What each worker returns when all of them run this version.
    fn all_of(value: u64) -> Vec<(usize, u64)> {
        (0..WORKERS).map(|worker| (worker, value)).collect()
    }

    #[test]
    fn redefinitions_from_two_threads() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let barrier = Arc::new(Barrier::new(WORKERS));
        wpc.start_workers(WORKERS).expect("threads can be had");
        for round in 0..100_u64 {
            let start = Barrier::new(2);
            let redefine = |value: u64| {
                start.wait();
                let defined = wpc.define_function("f", meeting(&barrier, value)).expect("a right name");
                (defined.version, value)
            };
            let (one, other) = std::thread::scope(|scope| {
                let one = scope.spawn(|| redefine(2 * round));
                (redefine(2 * round + 1), one.join().expect("it does not panic"))
            });
            assert_ne!(one.0, other.0, "two versions");
            let (last, value) = one.max(other);
            assert_eq!(wpc.functions()[0].version, last);
            assert_eq!(meet(&wpc, "f", WORKERS), all_of(value), "round {round}");
        }
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn undefined_and_redefined_with_calls_queued() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let barrier = Arc::new(Barrier::new(WORKERS));
        let mut busy = Busy::define(&wpc);
        wpc.define_function("f", || 1_u64).expect("the name is right");
        wpc.start_workers(WORKERS).expect("threads can be had");
        busy.occupy(&wpc, WORKERS);
        let submit = |count: usize| -> Vec<Pending<u64>> {
            (0..count).map(|_| wpc.submit("f", ()).expect("it is defined")).collect()
        };
        let of_first = submit(5);
        assert!(wpc.undefine_function("f").expect("the name is right"));
        assert_eq!(reason(wpc.submit::<u64>("f", ())), wpc::RejectReason::NotDefined);
        wpc.define_function("f", || 2_u64).expect("the name is right");
        let of_second = submit(5);
        let last = wpc.define_function("f", meeting(&barrier, 3)).expect("the name is right");
        assert_eq!((last.installed, last.pending.len()), (0, WORKERS), "nobody could look");
        busy.release();
        let values = |calls: Vec<Pending<u64>>| -> Vec<u64> {
            calls.into_iter().map(|call| call.wait().expect("it was accepted")).collect()
        };
        assert_eq!(values(of_first), [1; 5]);
        assert_eq!(values(of_second), [2; 5]);
        assert_eq!(meet(&wpc, "f", WORKERS), all_of(3));
        assert_ledger_is_even(&wpc);
    }
}

/// Calls that are made while a function changes all end in a version that was current at some moment of the call.
#[test]
fn calls_beside_a_stream_of_redefinitions_never_run_an_older_version_than_was_defined_before_them() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let defined = std::sync::atomic::AtomicU64::new(0);
    wpc.define_function("f", || 0_u64).expect("the name is right");
    wpc.start_workers(2).expect("threads can be had");
    let load = || defined.load(std::sync::atomic::Ordering::SeqCst);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for value in 1..=500_u64 {
                wpc.define_function("f", move || value).expect("the name is right");
                defined.store(value, std::sync::atomic::Ordering::SeqCst);
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                while load() < 500 {
                    let before = load();
                    let ran = wpc.call::<u64>("f", ()).expect("it is always defined");
                    assert!(before <= ran && ran <= load() + 1, "{ran} ran, {before} was defined");
                }
            });
        }
    });
    assert_eq!(wpc.call::<u64>("f", ()).expect("it runs"), 500);
    assert_ledger_is_even(&wpc);
}
