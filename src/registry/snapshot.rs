//! [`Snapshot`]: the whole registry at one version, immutable; its manifest's digest tells whether two are alike.

use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::call::Definition;
use crate::codec;
use crate::function::{Constant, Dependency, Requirement};
use crate::hash::Hash;
use crate::id::{Generation, Name, Version};

/// Functions and constants by name, at one version.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub(crate) version: Version,
    pub(crate) functions: FxHashMap<Name, Arc<Definition>>,
    pub(crate) constants: FxHashMap<Name, Arc<Constant>>,
    pub(crate) dependencies: FxHashMap<Name, Published>,
    digest: OnceLock<Hash>,
}

/// A dependency with the number of the snapshot that brought it.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) version: Version,
    pub(crate) dependency: Arc<Dependency>,
}

/// One line of the manifest.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Entry<'a> {
    name: &'a Name,
    version: Version,
    hash: Hash,
    requires: &'a [Requirement],
}

impl Snapshot {
    /// The next version, with the same content so far.
    pub(super) fn next(&self) -> Self {
        Self {
            version: self.version.next(),
            functions: self.functions.clone(),
            constants: self.constants.clone(),
            dependencies: self.dependencies.clone(),
            digest: OnceLock::new(),
        }
    }

    /// Binds every function that requires `changed` to what that is now.
    pub(super) fn bind_again(&mut self, changed: &Requirement) {
        let requires = |definition: &Definition| definition.function.requires.contains(changed);
        let found: Vec<_> =
            self.functions.values().filter(|definition| requires(definition)).cloned().collect();
        for definition in found {
            let bound = self.bound(&definition);
            self.functions.insert(bound.name.clone(), Arc::new(bound));
        }
    }

    /// The definition, bound to the constants and dependencies of this snapshot.
    pub(super) fn bound(&self, definition: &Definition) -> Definition {
        let requires = &definition.function.requires;
        let constant = |requirement: &Requirement| match requirement {
            Requirement::Constant(name) => self.constants.get(name.as_str()).cloned(),
            Requirement::Dependency(_) => None,
        };
        let dependency = |requirement: &Requirement| match requirement {
            Requirement::Constant(_) => None,
            Requirement::Dependency(alias) => {
                self.dependencies.get(alias.as_str()).map(|published| Arc::clone(&published.dependency))
            }
        };
        let is_missing =
            |requirement: &&Requirement| constant(requirement).is_none() && dependency(requirement).is_none();
        Definition {
            name: definition.name.clone(),
            version: definition.version,
            function: definition.function.clone(),
            signature: definition.signature.clone(),
            pace: definition.pace.clone(),
            hash: definition.hash,
            hash_of: definition.hash_of,
            constants: requires.iter().filter_map(constant).collect(),
            dependencies: requires.iter().filter_map(dependency).collect(),
            missing: requires.iter().find(is_missing).cloned(),
        }
    }

    /// The digest of the manifest: names, versions, hashes and requirements of what a call bound now would use.
    /// It is made at the first look.
    pub(crate) fn digest(&self) -> Hash {
        *self.digest.get_or_init(|| self.digest_without(&[]))
    }

    /// The digest of what a worker has that lacks these dependencies.
    pub(crate) fn digest_without(&self, lacking: &[Generation]) -> Hash {
        let mut functions: Vec<_> = self
            .functions
            .values()
            .map(|of| Entry {
                name: &of.name,
                version: of.version,
                hash: of.hash,
                requires: &of.function.requires,
            })
            .collect();
        let mut constants: Vec<_> = self
            .constants
            .values()
            .map(|of| Entry { name: &of.name, version: of.version, hash: of.value.hash, requires: &[] })
            .collect();
        let mut dependencies: Vec<_> = self
            .dependencies
            .iter()
            .filter(|(_, of)| !lacking.contains(&of.dependency.generation()))
            .map(|(name, of)| Entry { name, version: of.version, hash: of.dependency.hash(), requires: &[] })
            .collect();
        functions.sort_unstable();
        constants.sort_unstable();
        dependencies.sort_unstable();
        let bytes = codec::manifest_bytes(&(self.version, functions, constants, dependencies));
        Hash::of_bytes(&bytes.expect("a manifest is of our own types, which can all be encoded"))
    }
}
