//! Constants: of any type, seen by the next call, shared by all workers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wpc::{ConstantError, Context, DefineError, IntoFunction, Pending, Wpc, function};

use crate::support::{Busy, Watchdog, assert_ledger_is_even, pool};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Route {
    name: String,
    weights: BTreeMap<String, Vec<Option<f64>>>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Direct,
    Through { hops: Vec<(u8, String)> },
}

fn running<M>(function: impl IntoFunction<M>) -> Wpc {
    let wpc = pool();
    wpc.define_function("read", function).expect("the name is right");
    wpc.start_workers(2).expect("threads can be had");
    wpc
}

mod w19_a_constant_of_any_type_is_seen_by_the_next_call_once_updated_and_no_copy_of_the_caller_changes_it {
    use super::*;

    /// Defines `first` and then `second`, reads each by the next call, and changes the caller's copies.
    #[track_caller]
    fn assert_is_seen<T>(first: T, second: T, change: impl Fn(&mut T))
    where
        T: Serialize
            + for<'de> Deserialize<'de>
            + Clone
            + PartialEq
            + std::fmt::Debug
            + Send
            + Sync
            + 'static,
    {
        let read = |ctx: &Context| ctx.constant::<T>("VALUE").map(|value| T::clone(&value));
        let wpc = running(read);
        for value in [first, second] {
            let mut mine = value.clone();
            let version = wpc.define_constant("VALUE", mine.clone()).expect("it can be encoded").version;
            change(&mut mine);
            assert_ne!(mine, value, "the copy has changed");
            assert_eq!(wpc.call::<T>("read", ()).expect("it is defined"), value);
            let mut theirs = wpc.call::<T>("read", ()).expect("it is defined");
            change(&mut theirs);
            assert_eq!(wpc.call::<T>("read", ()).expect("it is defined"), value);
            assert_eq!(wpc.constants()[0].version, version, "nothing else was published");
        }
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn a_number_a_text_and_a_big_integer() {
        let _watchdog = Watchdog::start();
        assert_is_seen(1_u8, 2_u8, |n| *n += 7);
        assert_is_seen("api-v1".to_owned(), "api-v2".to_owned(), String::clear);
        assert_is_seen(u128::MAX, u128::MAX - 1, |n| *n /= 2);
        assert_is_seen(i128::MIN, -1_i128, |n| *n /= 2);
    }

    #[test]
    fn a_map_a_set_and_a_list() {
        let _watchdog = Watchdog::start();
        let map = |port: u16| BTreeMap::from([("http".to_owned(), port), ("ssh".to_owned(), 22)]);
        assert_is_seen(map(80), map(8_080), BTreeMap::clear);
        assert_is_seen(BTreeSet::from([3_i64, 1]), BTreeSet::from([-1]), |set| {
            set.insert(99);
        });
        assert_is_seen(vec![1_u32, 2, 3], vec![], |list| list.push(4));
    }

    #[test]
    fn a_nested_structure() {
        let _watchdog = Watchdog::start();
        let weights = BTreeMap::from([("a".to_owned(), vec![Some(0.5), None]), (String::new(), vec![])]);
        let hops = vec![(1, "x".to_owned()), (2, String::new())];
        let first = Route { name: "one".to_owned(), weights, kind: Kind::Through { hops } };
        let second = Route { kind: Kind::Direct, ..first.clone() };
        assert_is_seen(first, second, |route| route.name.push('!'));
    }
}

#[test]
fn a_constant_of_its_own_type_is_one_value_for_all_workers_and_of_another_type_one_for_each() {
    let _watchdog = Watchdog::start();
    let places = |ctx: &Context| -> Result<(usize, usize, usize), ConstantError> {
        let own = ctx.constant::<Vec<u64>>("LIST")?;
        let other = ctx.constant::<Vec<u8>>("LIST")?;
        let again = ctx.constant::<Vec<u8>>("LIST")?;
        assert_eq!((own.as_slice(), other.as_slice()), ([1, 2].as_slice(), [1, 2].as_slice()));
        let place = |list: &Arc<Vec<u8>>| Arc::as_ptr(list) as usize;
        Ok((Arc::as_ptr(&own) as usize, place(&other), place(&again)))
    };
    let wpc = running(places);
    wpc.define_constant("LIST", vec![1_u64, 2]).expect("it can be encoded");
    let calls: Vec<Pending<(usize, usize, usize)>> =
        (0..8).map(|_| wpc.submit("read", ()).expect("accepted")).collect();
    let seen: Vec<_> = calls.into_iter().map(|call| call.wait().expect("it is defined")).collect();
    assert!(seen.iter().all(|(own, ..)| *own == seen[0].0), "{seen:?}");
    assert!(seen.iter().all(|(_, other, again)| other == again), "converted once: {seen:?}");
}

#[test]
fn a_constant_that_does_not_fit_the_type_says_so_with_both_types_and_the_place() {
    let _watchdog = Watchdog::start();
    let wpc = running(|ctx: &Context| ctx.constant::<Vec<u8>>("LIST").map(|list| list.len()));
    wpc.define_constant("LIST", vec![1_u64, 300]).expect("it can be encoded");
    let Err(wpc::CallError::Failed(error)) = wpc.call::<usize>("read", ()) else { panic!("300 is too much") };
    let Some(ConstantError::Type { name, misfit }) = error.downcast_ref() else { panic!("{error:?}") };
    assert_eq!(name, "LIST");
    assert_eq!((&*misfit.expected, &*misfit.found), ("Vec<u8>", "Vec<u64>"));
    assert_eq!(misfit.path, "[1]");
    wpc.define_constant("LIST", vec![1_u64, 200]).expect("it can be encoded");
    assert_eq!(wpc.call::<usize>("read", ()).expect("no failure is remembered"), 2);
}

#[test]
fn a_conversion_is_made_anew_for_each_version() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let read = |ctx: &Context| ctx.constant::<Vec<u8>>("LIST").map(|list| Vec::clone(&list));
    wpc.define_function("read", read).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    for last in [1_u8, 2, 3] {
        wpc.define_constant("LIST", vec![7_u64, u64::from(last)]).expect("it can be encoded");
        for _ in 0..2 {
            assert_eq!(wpc.call::<Vec<u8>>("read", ()).expect("it fits"), [7, last]);
        }
    }
}

#[test]
fn a_call_reads_by_a_computed_name_what_was_defined_before_it_though_its_worker_never_slept() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let mut busy = Busy::define(&wpc);
    let read = |ctx: &Context, name: String| ctx.constant::<u64>(&name).map(|n| *n);
    wpc.define_function("read", read).expect("the name is right");
    wpc.define_constant("N", 1_u64).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    busy.occupy(&wpc, 1);
    wpc.define_constant("N", 2_u64).expect("the name is right");
    let queued: Pending<u64> = wpc.submit("read", "N").expect("accepted");
    busy.release();
    assert_eq!(queued.wait().expect("it is defined"), 2);
}

#[test]
fn a_queued_call_reads_the_constant_that_it_was_bound_to_and_the_next_one_the_newest() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let mut busy = Busy::define(&wpc);
    let read = function!(|ctx: &Context| -> Result<u64, ConstantError> { Ok(*ctx.constant::<u64>("N")?) });
    wpc.define_function("read", read).expect("the name is right");
    wpc.define_constant("N", 1_u64).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    busy.occupy(&wpc, 1);
    let first: Pending<u64> = wpc.submit("read", ()).expect("accepted");
    wpc.define_constant("N", 2_u64).expect("the name is right");
    let second: Pending<u64> = wpc.submit("read", ()).expect("accepted");
    assert!(wpc.undefine_constant("N").expect("the name is right"));
    busy.release();
    assert_eq!(first.wait().expect("bound to it"), 1);
    assert_eq!(second.wait().expect("bound to it, though it is gone"), 2);
    let missing = wpc::RejectReason::MissingRequirement { name: "N".to_owned() };
    assert_eq!(crate::support::reason(wpc.call::<u64>("read", ())), missing);
    assert_ledger_is_even(&wpc);
}

#[test]
fn every_define_is_a_new_version_and_the_hash_is_that_of_the_value() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let one = wpc.define_constant("N", 1_u64).expect("the name is right");
    let two = wpc.define_constant("N", 2_u64).expect("the name is right");
    let again = wpc.define_constant("N", 1_u64).expect("the name is right");
    assert!(one.version < two.version && two.version < again.version);
    assert_ne!(one.hash, two.hash);
    assert_eq!(one.hash, again.hash);
    let constants = wpc.constants();
    assert_eq!((constants.len(), constants[0].type_name.as_str()), (1, "u64"));
    assert_eq!((constants[0].version, constants[0].value_hash_sha1), (again.version, again.hash));
}

#[test]
fn an_undefined_constant_is_gone_and_an_unknown_one_is_no_error() {
    let _watchdog = Watchdog::start();
    let wpc = running(|ctx: &Context| ctx.constant::<u64>("N").map(|n| *n));
    wpc.define_constant("N", 1_u64).expect("the name is right");
    assert_eq!(wpc.call::<u64>("read", ()).expect("it is defined"), 1);
    assert!(wpc.undefine_constant("N").expect("the name is right"));
    assert!(wpc.constants().is_empty());
    assert!(!wpc.undefine_constant("N").expect("gone already: no error"));
    crate::support::until(|| wpc.workers().iter().all(|worker| worker.is_in_step));
    let Err(wpc::CallError::Failed(error)) = wpc.call::<u64>("read", ()) else { panic!("it is gone") };
    let expected = ConstantError::NotDefined { name: "N".to_owned() };
    assert_eq!(error.downcast_ref::<ConstantError>(), Some(&expected));
}

/// A value that cannot be encoded.
struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not today"))
    }
}

#[test]
fn a_value_that_cannot_be_encoded_is_refused_and_the_earlier_one_stays() {
    let _watchdog = Watchdog::start();
    let wpc = running(|ctx: &Context| ctx.constant::<u64>("N").map(|n| *n));
    wpc.define_constant("N", 1_u64).expect("the name is right");
    let before = wpc.constants();
    match wpc.define_constant("N", vec![Refuses]).expect_err("it refuses") {
        DefineError::Encoding { name, reason, .. } => {
            assert_eq!(name, "N");
            assert!(reason.contains("not today"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(wpc.constants(), before);
    assert_eq!(wpc.call::<u64>("read", ()).expect("the earlier one"), 1);
}
