//! The registry beside a model of it, through arbitrary changes.

mod binding;
mod change;
mod model;

use std::sync::Arc;

use proptest::prelude::*;

use super::{Registry, Snapshot};
use crate::call::Definition;
use change::Op;
use model::{Bound, Model};

/// The most changes of one case.
const OPS_MAX: usize = 40;

fn ops() -> impl Strategy<Value = Vec<Op>> {
    proptest::collection::vec(change::op(), 0..OPS_MAX)
}

/// What a definition is bound to.
fn bound_of(definition: &Definition) -> Bound {
    Bound {
        version: definition.version.get(),
        hash: definition.hash,
        constants: definition.constants.iter().map(|of| (of.name.to_string(), of.version.get())).collect(),
        dependencies: definition.dependencies.iter().map(|of| of.generation()).collect(),
        missing: definition.missing.clone(),
    }
}

/// The snapshot holds what the model does, and nothing else.
fn assert_same(snapshot: &Snapshot, model: &Model) {
    assert_eq!(snapshot.version.get(), model.version);
    let mut names: Vec<&str> = snapshot.functions.keys().map(crate::id::Name::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, model.functions.keys().collect::<Vec<_>>());
    for (name, function) in &model.functions {
        let definition = &snapshot.functions[name.as_str()];
        assert_eq!(definition.name.as_str(), name);
        assert_eq!(definition.function.requires, function.requires);
        assert_eq!(bound_of(definition), model.bound(name).expect("the model has it"));
    }
    assert_eq!(snapshot.constants.len(), model.constants.len());
    for (name, (version, value)) in &model.constants {
        let constant = &snapshot.constants[name.as_str()];
        let found = (constant.version.get(), constant.value.shared::<u8>().as_deref().copied());
        assert_eq!(found, (*version, Some(*value)));
    }
    assert_eq!(snapshot.dependencies.len(), model.dependencies.len());
    for (alias, of) in &model.dependencies {
        let published = &snapshot.dependencies[alias.as_str()];
        let found = (published.version.get(), published.dependency.generation());
        assert_eq!(found, (of.version, of.generation));
    }
}

/// Carries the changes out on a registry and on its model: all snapshots and models, in their order.
fn play(ops: &[Op]) -> Vec<(Arc<Snapshot>, Model)> {
    let (registry, mut model) = (Registry::new(), Model::default());
    let mut states = vec![(registry.publication().newest(), model.clone())];
    for op in ops {
        op.apply(&registry, &mut model);
        assert_eq!(registry.publication().version().get(), model.version);
        states.push((registry.publication().newest(), model.clone()));
    }
    states
}

/// Some, none and all of the dependencies' aliases.
fn subsets(model: &Model) -> Vec<Vec<String>> {
    model.dependencies.keys().fold(vec![Vec::new()], |subsets, alias| {
        let with = subsets.iter().map(|subset| [subset.as_slice(), std::slice::from_ref(alias)].concat());
        subsets.iter().cloned().chain(with).collect()
    })
}

proptest! {
    #[test]
    fn every_snapshot_is_what_the_changes_before_it_make_and_stays_so(ops in ops()) {
        let states = play(&ops);
        for (snapshot, model) in &states {
            assert_same(snapshot, model);
        }
        for pair in states.windows(2) {
            let [(before, _), (after, _)] = pair else { unreachable!("windows of two") };
            prop_assert_eq!(Arc::ptr_eq(before, after), before.version == after.version, "a no-op publishes nothing");
            prop_assert!(after.version.get() - before.version.get() <= 1);
        }
    }

    #[test]
    fn digests_are_equal_where_the_content_is_and_nowhere_else(one in ops(), other in ops()) {
        let (ones, others) = (play(&one), play(&other));
        for (snapshot, model) in &ones {
            for (another, its) in &others {
                prop_assert_eq!(snapshot.digest() == another.digest(), model.content() == its.content());
            }
        }
        for ((snapshot, _), (again, _)) in ones.iter().zip(&play(&one)) {
            prop_assert_eq!(snapshot.digest(), again.digest(), "the same changes make the same");
        }
    }

    #[test]
    fn a_digest_without_a_dependency_is_that_of_a_registry_that_lacks_it(ops in ops()) {
        for (snapshot, model) in play(&ops) {
            let all: Vec<_> = model.dependencies.values().map(|of| of.generation).collect();
            prop_assert_eq!(snapshot.digest_without(&[]), snapshot.digest());
            prop_assert_eq!(snapshot.digest_without(&all) == snapshot.digest(), all.is_empty());
        }
        let steps = Op::with_spare(&ops);
        let (snapshot, model) = play(&steps).pop().expect("there is one before the first change");
        for lacking in subsets(&model) {
            let (other, _) = play(&Op::without(&steps, &lacking)).pop().expect("there is one before the first change");
            let generations: Vec<_> = lacking.iter().map(|alias| model.dependencies[alias].generation).collect();
            prop_assert_eq!(snapshot.digest_without(&generations), other.digest(), "without {:?}", lacking);
            prop_assert_eq!(other.dependencies.len() + lacking.len(), snapshot.dependencies.len());
        }
    }
}
