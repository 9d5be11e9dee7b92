//! [`Model`]: what a registry should hold, as plainly as it can be said.

use std::collections::BTreeMap;

use crate::function::Requirement;
use crate::hash::Hash;
use crate::id::Generation;

/// The code of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Zero,
    One,
    /// Captures a number.
    Captures(u64),
    /// Has another signature.
    Same,
    /// That of `Zero`, with this source.
    Text(&'static str),
}

impl Code {
    /// The hash that it must have.
    pub(super) fn hash(self, signature: &str, label: Option<u8>) -> Hash {
        if let Self::Text(text) = self {
            return Hash::of_bytes(text.trim().as_bytes());
        }
        let label = label.map_or_else(String::new, |label| label.to_string());
        Hash::of_bytes(format!("{signature}\n{label}").trim().as_bytes())
    }

    /// Whether a redefinition of one by the other changes nothing: nothing is captured, and the source is the same.
    fn is_surely(self, other: Self) -> bool {
        match (self, other) {
            (Self::Captures(_), _) => false,
            (Self::Text(one), Self::Text(other)) => one.trim() == other.trim(),
            (one, other) => one == other,
        }
    }
}

/// A function as it is defined.
#[derive(Clone, Debug)]
pub(super) struct ModelFunction {
    version: u64,
    code: Code,
    label: Option<u8>,
    pub(super) requires: Vec<Requirement>,
    hash: Hash,
}

/// A dependency as it is defined.
#[derive(Clone, Debug)]
pub(super) struct ModelDependency {
    pub(super) version: u64,
    pub(super) generation: Generation,
    file: u8,
}

/// What a call of a function is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) version: u64,
    pub(super) hash: Hash,
    /// Each with its version, in the order in which they are required.
    pub(super) constants: Vec<(String, u64)>,
    pub(super) dependencies: Vec<Generation>,
    pub(super) missing: Option<Requirement>,
}

/// A registry at one version.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) version: u64,
    pub(super) functions: BTreeMap<String, ModelFunction>,
    /// Version and value.
    pub(super) constants: BTreeMap<String, (u64, u8)>,
    pub(super) dependencies: BTreeMap<String, ModelDependency>,
}

/// What a manifest tells of.
pub(super) type Content =
    (u64, Vec<(String, u64, Hash, Vec<Requirement>)>, BTreeMap<String, (u64, u8)>, Vec<(String, u64, u8)>);

impl Model {
    fn next(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// The version that calls run from then on.
    pub(super) fn define_function(
        &mut self,
        name: String,
        (code, label): (Code, Option<u8>),
        requires: Vec<Requirement>,
        hash: Hash,
    ) -> u64 {
        if let Some(known) = self.functions.get(&name)
            && known.code.is_surely(code)
            && known.label == label
            && known.requires == requires
        {
            return known.version;
        }
        let version = self.next();
        self.functions.insert(name, ModelFunction { version, code, label, requires, hash });
        version
    }

    pub(super) fn define_constant(&mut self, name: String, value: u8) -> u64 {
        let version = self.next();
        self.constants.insert(name, (version, value));
        version
    }

    pub(super) fn define_dependency(&mut self, alias: String, file: u8, generation: Generation) -> u64 {
        let version = self.next();
        self.dependencies.insert(alias, ModelDependency { version, generation, file });
        version
    }

    pub(super) fn undefine_function(&mut self, name: &str) -> bool {
        let was_there = self.functions.remove(name).is_some();
        self.version += u64::from(was_there);
        was_there
    }

    pub(super) fn undefine_constant(&mut self, name: &str) -> bool {
        let was_there = self.constants.remove(name).is_some();
        self.version += u64::from(was_there);
        was_there
    }

    pub(super) fn undefine_dependency(&mut self, alias: &str) -> bool {
        let was_there = self.dependencies.remove(alias).is_some();
        self.version += u64::from(was_there);
        was_there
    }

    /// What a call that is accepted now is bound to; none of a function that is not defined.
    pub(super) fn bound(&self, name: &str) -> Option<Bound> {
        let function = self.functions.get(name)?;
        let (mut constants, mut dependencies, mut missing) = (Vec::new(), Vec::new(), None);
        for requirement in &function.requires {
            let is_there = match requirement {
                Requirement::Constant(name) => self.constants.get(name).map(|(version, _)| {
                    constants.push((name.clone(), *version));
                }),
                Requirement::Dependency(alias) => {
                    self.dependencies.get(alias).map(|of| dependencies.push(of.generation))
                }
            };
            if is_there.is_none() && missing.is_none() {
                missing = Some(requirement.clone());
            }
        }
        Some(Bound { version: function.version, hash: function.hash, constants, dependencies, missing })
    }

    pub(super) fn content(&self) -> Content {
        let function =
            |(name, of): (&String, &ModelFunction)| (name.clone(), of.version, of.hash, of.requires.clone());
        let dependency = |(alias, of): (&String, &ModelDependency)| (alias.clone(), of.version, of.file);
        (
            self.version,
            self.functions.iter().map(function).collect(),
            self.constants.clone(),
            self.dependencies.iter().map(dependency).collect(),
        )
    }
}
