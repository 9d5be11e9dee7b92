//! Calls that are accepted between the changes: each keeps what it was bound to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::bound_of;
use super::change::{self, Op, dependency, function_name};
use super::model::{Bound, Model};
use crate::call::{Definition, RejectReason};
use crate::function::{Argument, Requirement};
use crate::hash::Hash;
use crate::id::Generation;
use crate::registry::Registry;

/// A change, or a call that is accepted.
#[derive(Clone, Debug)]
enum Step {
    Change(Op),
    Accept { name: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => change::op().prop_map(Step::Change),
        1 => (0..3_u8).prop_map(|name| Step::Accept { name }),
    ];
    proptest::collection::vec(step, 0..60)
}

/// Everything that an accepted call reads is still what it was.
fn assert_kept(definition: &Definition, bound: &Bound, values: &[u8]) {
    assert_eq!(bound_of(definition), *bound);
    let read = definition.constants.iter().map(|constant| constant.value.shared::<u8>());
    let read: Vec<u8> = read.map(|value| *value.expect("it was defined as one")).collect();
    assert_eq!(read, values);
}

/// The answers to a call with its own hash, without one, and with another.
fn assert_binds(definition: &Definition, bound: &Bound) {
    let arguments = || ().carry().0;
    for pin in [None, Some(bound.hash)] {
        // `same` wants a number, and is given nothing: that it does not fit is found out last.
        let found = definition.bind(arguments(), pin).err().map(|rejected| rejected.reason().clone());
        match (&bound.missing, found) {
            (Some(missing), found) => {
                let name = missing.name().to_owned();
                assert_eq!(found, Some(RejectReason::MissingRequirement { name }));
            }
            (None, found) => {
                let is_unfit = matches!(found, Some(RejectReason::Signature(_)));
                assert!(found.is_none() || is_unfit, "{found:?}");
                assert_eq!(is_unfit, definition.signature.contains("u64)"), "{}", definition.signature);
            }
        }
    }
    let expected = Hash::of_bytes(b"something else");
    let found = definition.bind(arguments(), Some(expected)).err().map(|rejected| {
        let reason = rejected.reason().clone();
        assert!(rejected.into_arguments::<()>().is_ok(), "the arguments come back");
        reason
    });
    assert_eq!(found, Some(RejectReason::HashDrift { expected, found: bound.hash }));
}

proptest! {
    #[test]
    fn an_accepted_call_keeps_what_it_was_bound_to(steps in steps()) {
        let (registry, mut model) = (Registry::new(), Model::default());
        let mut accepted = Vec::new();
        for step in &steps {
            match step {
                Step::Change(op) => op.apply(&registry, &mut model),
                Step::Accept { name } => {
                    let found = registry.publication().find(&function_name(*name));
                    let bound = model.bound(&function_name(*name));
                    prop_assert_eq!(found.is_some(), bound.is_some());
                    let (Some(definition), Some(bound)) = (found, bound) else { continue };
                    assert_binds(&definition, &bound);
                    let value = |(name, _): &(String, u64)| model.constants[name].1;
                    let values: Vec<u8> = bound.constants.iter().map(value).collect();
                    accepted.push((definition, bound, values));
                }
            }
        }
        for (definition, bound, values) in &accepted {
            assert_kept(definition, bound, values);
        }
    }

    #[test]
    fn a_superseded_dependency_is_let_go_of_with_the_last_call_that_is_bound_to_it(
        loads in 1_usize..12,
        held in proptest::collection::vec(any::<bool>(), 12),
    ) {
        let registry = Registry::new();
        let function = crate::function::Function::new(|| 0_u64).requires(Requirement::dependency("file"));
        registry.define_function("asks", function).expect("a good one");
        let released = Arc::new(AtomicUsize::new(0));
        let mut accepted: Vec<(Arc<Definition>, Generation)> = Vec::new();
        for is_held in &held[..loads] {
            let theirs = Arc::clone(&released);
            let dependency = dependency("file", 0, move || {
                theirs.fetch_add(1, Ordering::SeqCst);
            });
            registry.define_dependency(&dependency).expect("there is room");
            if *is_held {
                let definition = registry.publication().find("asks").expect("it is defined");
                accepted.push((definition, dependency.generation()));
            }
        }
        let superseded = held[..loads - 1].iter().filter(|held| !**held).count();
        prop_assert_eq!(released.load(Ordering::SeqCst), superseded, "what no call holds, and is not the newest");
        for (definition, generation) in &accepted {
            prop_assert_eq!(definition.dependencies[0].generation(), *generation);
        }
        drop((accepted, registry));
        prop_assert_eq!(released.load(Ordering::SeqCst), loads);
    }
}
