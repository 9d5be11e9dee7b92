//! [`Op`]: one change of a registry, made of few names and few values, so that they meet often.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::model::{Code, Model};
use crate::function::{Dependency, Function, Instance, InstanceError, Library, LibraryFacts, Requirement};
use crate::hash::Hash;
use crate::id::{Generation, Name};
use crate::registry::Registry;

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Op {
    DefineFunction { name: u8, code: Code, label: Option<u8>, requires: Vec<Requirement> },
    DefineConstant { name: u8, value: u8 },
    DefineDependency { alias: u8, file: u8 },
    UndefineFunction { name: u8 },
    UndefineConstant { name: u8 },
    UndefineDependency { alias: u8 },
}

/// Any change.
pub(super) fn op() -> impl Strategy<Value = Op> {
    let define = (0..3_u8, code(), proptest::option::of(0..2_u8), requires());
    prop_oneof![
        6 => define.prop_map(|(name, code, label, requires)| Op::DefineFunction { name, code, label, requires }),
        4 => (0..3_u8, 0..3_u8).prop_map(|(name, value)| Op::DefineConstant { name, value }),
        3 => (0..2_u8, 0..2_u8).prop_map(|(alias, file)| Op::DefineDependency { alias, file }),
        1 => (0..3_u8).prop_map(|name| Op::UndefineFunction { name }),
        1 => (0..3_u8).prop_map(|name| Op::UndefineConstant { name }),
        1 => (0..2_u8).prop_map(|alias| Op::UndefineDependency { alias }),
    ]
}

fn code() -> impl Strategy<Value = Code> {
    prop_oneof![
        3 => Just(Code::Zero),
        1 => Just(Code::One),
        1 => Just(Code::Captures(7)),
        1 => Just(Code::Same),
        1 => Just(Code::Text("text A")),
        1 => Just(Code::Text(" text A\r\n")),
        1 => Just(Code::Text("text B")),
    ]
}

fn requires() -> impl Strategy<Value = Vec<Requirement>> {
    let constant = (0..3_u8).prop_map(|name| Requirement::constant(constant_name(name)));
    let dependency = (0..2_u8).prop_map(|alias| Requirement::dependency(alias_name(alias)));
    proptest::collection::vec(prop_oneof![constant, dependency], 0..3)
}

pub(super) fn function_name(name: u8) -> String {
    format!("function{name}")
}

fn constant_name(name: u8) -> String {
    format!("CONSTANT{name}")
}

/// A constant and an alias may have the same name: they are apart.
fn alias_name(alias: u8) -> String {
    format!("CONSTANT{alias}")
}

/// A constant that no other change is of, and that nothing requires.
const SPARE: u8 = 3;

impl Op {
    /// These changes, after the definition of a constant that the last of them takes back.
    pub(super) fn with_spare(ops: &[Self]) -> Vec<Self> {
        let define = Self::DefineConstant { name: SPARE, value: 0 };
        let undefine = Self::UndefineConstant { name: SPARE };
        [&[define], ops, &[undefine]].concat()
    }

    /// Changes that come to the same, in the same versions, without these dependencies: each change of one of them is one
    /// of the spare constant instead.
    pub(super) fn without(ops: &[Self], lacking: &[String]) -> Vec<Self> {
        let mut defined = BTreeSet::new();
        let stand_in = |op: &Self| match op {
            Self::DefineDependency { alias, .. } if lacking.contains(&alias_name(*alias)) => {
                defined.insert(*alias);
                Self::DefineConstant { name: SPARE, value: 0 }
            }
            Self::UndefineDependency { alias } if defined.remove(alias) => {
                Self::DefineConstant { name: SPARE, value: 0 }
            }
            op => op.clone(),
        };
        ops.iter().map(stand_in).collect()
    }

    /// Carries the change out on both, and compares what the registry answers.
    pub(super) fn apply(&self, registry: &Registry, model: &mut Model) {
        match self {
            Self::DefineFunction { name, code, label, requires } => {
                let function = function(*code, *label, requires);
                let signature = function.signature();
                let change = registry.define_function(&function_name(*name), function).expect("a good one");
                // What is required twice is recorded once.
                let mut once: Vec<Requirement> = Vec::new();
                for requirement in requires {
                    if !once.contains(requirement) {
                        once.push(requirement.clone());
                    }
                }
                let hash = code.hash(&signature, *label);
                let version = model.define_function(function_name(*name), (*code, *label), once, hash);
                assert_eq!((change.version.get(), change.hash), (version, hash));
            }
            Self::DefineConstant { name, value } => {
                let change = registry.define_constant(&constant_name(*name), *value).expect("a good one");
                assert_eq!(change.version.get(), model.define_constant(constant_name(*name), *value));
            }
            Self::DefineDependency { alias, file } => {
                let dependency = dependency(&alias_name(*alias), *file, || ());
                let change = registry.define_dependency(&dependency).expect("there is room");
                let version = model.define_dependency(alias_name(*alias), *file, dependency.generation());
                assert_eq!((change.version.get(), change.hash), (version, dependency.hash()));
            }
            Self::UndefineFunction { name } => {
                let gone = registry.undefine_function(&function_name(*name)).expect("a good name");
                assert_eq!(gone.is_some(), model.undefine_function(&function_name(*name)));
            }
            Self::UndefineConstant { name } => {
                let gone = registry.undefine_constant(&constant_name(*name)).expect("a good name");
                assert_eq!(gone.is_some(), model.undefine_constant(&constant_name(*name)));
            }
            Self::UndefineDependency { alias } => {
                let gone = registry.undefine_dependency(&alias_name(*alias)).expect("a good name");
                assert_eq!(gone.is_some(), model.undefine_dependency(&alias_name(*alias)));
            }
        }
    }
}

fn zero() -> u64 {
    0
}

fn one() -> u64 {
    1
}

fn same(number: u64) -> u64 {
    number
}

fn function(code: Code, label: Option<u8>, requires: &[Requirement]) -> Function {
    let function = match code {
        Code::Zero => Function::new(zero),
        Code::One => Function::new(one),
        Code::Captures(number) => Function::new(move || number),
        Code::Same => Function::new(same),
        Code::Text(text) => Function::new(zero).source(text),
    };
    let function = match label {
        Some(label) => function.label(label.to_string()),
        None => function,
    };
    requires.iter().cloned().fold(function, Function::requires)
}

/// A library that is never loaded.
struct File {
    generation: Generation,
    facts: LibraryFacts,
}

impl Library for File {
    fn generation(&self) -> Generation {
        self.generation
    }

    fn facts(&self) -> &LibraryFacts {
        &self.facts
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, InstanceError> {
        Err(InstanceError::NotBegun)
    }
}

/// A new load of this file; `released` is called when nobody holds it any more.
pub(super) fn dependency(
    alias: &str,
    file: u8,
    released: impl Fn() + Send + Sync + 'static,
) -> Arc<Dependency> {
    let facts = LibraryFacts { hash: Some(Hash::of_bytes(&[file])), ..LibraryFacts::default() };
    let library = Arc::new(File { generation: Generation::next(), facts });
    let alias = Name::new(alias).expect("a good name");
    Arc::new(Dependency { alias, library, released: Box::new(released) })
}
