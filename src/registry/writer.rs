//! [`Registry`]: the one writer of snapshots.
//!
//! Whatever can fail happens before the lock is taken; under it a snapshot is built from the last one and published,
//! which cannot fail and runs no user code; what is superseded is dropped after it.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::call::{Definition, Pace};
use crate::function::{Constant, ConstantValue, Dependency, Function, Requirement};
use crate::hash::Hash;
use crate::id::{Name, Version};
use crate::sync::Mutex;

use super::error::DefineError;
use super::publication::Publication;
use super::snapshot::{Published, Snapshot};

/// The most functions that may be defined at a time, and the most constants. Each change copies the table, so that it
/// takes longer the more there is: some microseconds for a hundred, about a millisecond for fifty thousand.
pub const DEFINITIONS_MAX: usize = 65_536;

/// The most dependencies that may be defined at a time. Each of them is an instance on every worker.
pub const DEPENDENCIES_MAX: usize = 1_024;

/// What a define did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The version that calls now run.
    pub(crate) version: Version,
    pub(crate) hash: Hash,
}

/// The parent registry of one pool.
pub(crate) struct Registry {
    publication: Publication,
    writing: Mutex<()>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self { publication: Publication::new(Snapshot::default()), writing: Mutex::new(()) }
    }

    pub(crate) fn publication(&self) -> &Publication {
        &self.publication
    }

    /// Defines or redefines a function. The same code with nothing captured, under the same terms, changes nothing.
    pub(crate) fn define_function(&self, name: &str, function: Function) -> Result<Change, DefineError> {
        let name = Name::new(name)?;
        for requirement in &function.requires {
            Name::new(requirement.name())?;
        }
        if let Some(result) = function.result_as_value() {
            return Err(DefineError::ResultAsValue { name: name.to_string(), result });
        }
        let (hash, hash_of) = function.hash();
        let mut definition = Definition {
            signature: function.signature(),
            pace: Pace::default(),
            name: name.clone(),
            version: Version::default(),
            function,
            hash,
            hash_of,
            constants: Arc::default(),
            dependencies: Arc::default(),
            missing: None,
        };
        let superseded = {
            let _writing = self.writing.lock();
            let last = self.publication.newest();
            if let Some(known) = last.functions.get(name.as_str()).filter(|known| is_same(known, &definition))
            {
                return Ok(Change { version: known.version, hash });
            }
            let mut next = last.next();
            admit(&next.functions, &name)?;
            definition.version = next.version;
            let bound = next.bound(&definition);
            next.functions.insert(name, Arc::new(bound));
            (self.publication.publish(next), last)
        };
        drop(superseded);
        Ok(Change { version: definition.version, hash })
    }

    /// Defines or redefines a constant; every define is a new version.
    pub(crate) fn define_constant<T>(&self, name: &str, value: T) -> Result<Change, DefineError>
    where
        T: Serialize + Send + Sync + 'static,
    {
        let name = Name::new(name)?;
        let value = ConstantValue::new(value).map_err(|error| DefineError::Encoding {
            name: name.to_string(),
            path: error.path().to_owned(),
            reason: error.reason(),
        })?;
        let hash = value.hash;
        let (version, superseded) = {
            let _writing = self.writing.lock();
            let last = self.publication.newest();
            let mut next = last.next();
            admit(&next.constants, &name)?;
            let version = next.version;
            let constant = Constant { name: name.clone(), version, value: value.clone() };
            next.constants.insert(name.clone(), Arc::new(constant));
            next.bind_again(&Requirement::constant(name.as_str()));
            (version, (self.publication.publish(next), last))
        };
        drop(superseded);
        Ok(Change { version, hash })
    }

    /// Takes a function away; the version without it, or none if there was none of that name.
    pub(crate) fn undefine_function(&self, name: &str) -> Result<Option<Version>, DefineError> {
        Name::new(name)?;
        Ok(self.take_away(|next| next.functions.remove(name).is_some()))
    }

    /// Takes a constant away; the version without it, or none if there was none of that name.
    pub(crate) fn undefine_constant(&self, name: &str) -> Result<Option<Version>, DefineError> {
        Name::new(name)?;
        Ok(self.take_away(|next| {
            let was_there = next.constants.remove(name).is_some();
            next.bind_again(&Requirement::constant(name));
            was_there
        }))
    }

    /// The dependency of that name, as it is now.
    pub(crate) fn dependency(&self, alias: &str) -> Option<Published> {
        self.publication.newest().dependencies.get(alias).cloned()
    }

    /// Whether one more dependency of this name may be defined.
    pub(crate) fn admits_dependency(&self, alias: &Name) -> Result<(), DefineError> {
        admit_to(&self.publication.newest().dependencies, alias, DEPENDENCIES_MAX)
    }

    /// Publishes a dependency, whose library is loaded and which workers have been given already.
    pub(crate) fn define_dependency(&self, dependency: &Arc<Dependency>) -> Result<Change, DefineError> {
        let hash = dependency.hash();
        let alias = &dependency.alias;
        let (version, superseded) = {
            let _writing = self.writing.lock();
            let last = self.publication.newest();
            let mut next = last.next();
            admit_to(&next.dependencies, alias, DEPENDENCIES_MAX)?;
            let version = next.version;
            let published = Published { version, dependency: Arc::clone(dependency) };
            next.dependencies.insert(alias.clone(), published);
            next.bind_again(&Requirement::dependency(alias.as_str()));
            (version, (self.publication.publish(next), last))
        };
        drop(superseded);
        Ok(Change { version, hash })
    }

    /// Takes a dependency away; the version without it, or none if there was none of that alias.
    pub(crate) fn undefine_dependency(&self, alias: &str) -> Result<Option<Version>, DefineError> {
        Name::new(alias)?;
        Ok(self.take_away(|next| {
            let was_there = next.dependencies.remove(alias).is_some();
            next.bind_again(&Requirement::dependency(alias));
            was_there
        }))
    }

    fn take_away(&self, remove: impl FnOnce(&mut Snapshot) -> bool) -> Option<Version> {
        let (version, superseded) = {
            let _writing = self.writing.lock();
            let last = self.publication.newest();
            let mut next = last.next();
            if !remove(&mut next) {
                return None;
            }
            (next.version, (self.publication.publish(next), last))
        };
        drop(superseded);
        Some(version)
    }
}

/// True where a redefinition would change nothing: the same code with nothing captured, under the same terms.
fn is_same(known: &Definition, next: &Definition) -> bool {
    let (one, other) = (&known.function, &next.function);
    one.code.is_surely(other.code)
        && known.hash == next.hash
        && known.hash_of == next.hash_of
        && one.label == other.label
        && one.requires == other.requires
}

fn admit<T>(table: &FxHashMap<Name, T>, name: &Name) -> Result<(), DefineError> {
    admit_to(table, name, DEFINITIONS_MAX)
}

fn admit_to<T>(table: &FxHashMap<Name, T>, name: &Name, limit: usize) -> Result<(), DefineError> {
    if table.len() >= limit && !table.contains_key(name) {
        return Err(DefineError::TooMany { name: name.to_string(), limit });
    }
    Ok(())
}
