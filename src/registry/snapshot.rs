//! [`Snapshot`]: the whole registry at one version, immutable; its manifest's digest tells whether two are alike.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::call::Definition;
use crate::codec;
use crate::function::{Constant, Requirement};
use crate::hash::Hash;
use crate::id::{Name, Version};

/// Functions and constants by name, at one version.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub(crate) version: Version,
    pub(crate) functions: HashMap<Name, Arc<Definition>>,
    pub(crate) constants: HashMap<Name, Arc<Constant>>,
    digest: OnceLock<Hash>,
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
            digest: OnceLock::new(),
        }
    }

    /// Binds every function that requires the constant `name` to what the constant is now.
    pub(super) fn bind_again(&mut self, name: &str) {
        let requires = |definition: &Definition| {
            let this = |requirement: &Requirement| matches!(requirement, Requirement::Constant(constant) if constant == name);
            definition.function.requires.iter().any(this)
        };
        let found: Vec<_> =
            self.functions.values().filter(|definition| requires(definition)).cloned().collect();
        for definition in found {
            let bound = self.bound(&definition);
            self.functions.insert(bound.name.clone(), Arc::new(bound));
        }
    }

    /// The definition, bound to the constants of this snapshot.
    pub(super) fn bound(&self, definition: &Definition) -> Definition {
        let requires = &definition.function.requires;
        let constant = |requirement: &Requirement| match requirement {
            Requirement::Constant(name) => self.constants.get(name.as_str()),
            Requirement::Dependency(_) => None,
        };
        Definition {
            name: definition.name.clone(),
            version: definition.version,
            function: definition.function.clone(),
            signature: definition.signature.clone(),
            hash: definition.hash,
            hash_of: definition.hash_of,
            constants: requires.iter().filter_map(constant).cloned().collect(),
            missing: requires.iter().find(|requirement| constant(requirement).is_none()).cloned(),
        }
    }

    /// The digest of the manifest: names, versions, hashes and requirements of what a call bound now would use.
    /// It is made at the first look.
    pub(crate) fn digest(&self) -> Hash {
        *self.digest.get_or_init(|| {
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
            functions.sort_unstable();
            constants.sort_unstable();
            let bytes = codec::manifest_bytes(&(self.version, functions, constants));
            Hash::of_bytes(&bytes.expect("a manifest is of our own types, which can all be encoded"))
        })
    }
}
