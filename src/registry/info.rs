//! What the registry tells of its functions, constants and dependencies.

use serde::Serialize;

use crate::call::Definition;
use crate::function::{Constant, HashOf, Requirement};
use crate::hash::Hash;
use crate::id::{Generation, Version};

use super::snapshot::Published;

/// A function as it is defined now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FunctionInfo {
    /// The name by which it is called.
    pub name: String,
    /// Parameters and result: `(path: String) -> u64`; parameters are named where `function!` kept their names.
    pub signature: String,
    /// The SHA-1 of what [`FunctionInfo::hash_of`] says. It covers the function's own text, not what it captures or calls.
    pub function_hash_sha1: Hash,
    /// What the hash was made of.
    pub hash_of: HashOf,
    /// The author's own version text.
    pub label: Option<String>,
    /// The number of the snapshot that brought this version.
    pub version: Version,
    /// What it takes from its context by name.
    pub requires: Vec<Requirement>,
    /// How many live workers have acknowledged this version.
    pub installed_worker_count: usize,
}

impl FunctionInfo {
    pub(crate) fn new(definition: &Definition, installed_worker_count: usize) -> Self {
        Self {
            name: definition.name.to_string(),
            signature: definition.signature.clone(),
            function_hash_sha1: definition.hash,
            hash_of: definition.hash_of,
            label: definition.function.label.clone(),
            version: definition.version,
            requires: definition.function.requires.clone(),
            installed_worker_count,
        }
    }
}

/// A constant as it is defined now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConstantInfo {
    /// The name by which functions read it.
    pub name: String,
    /// The short name of its type.
    pub type_name: String,
    /// The SHA-1 of its encoding.
    pub value_hash_sha1: Hash,
    /// The number of the snapshot that brought this version.
    pub version: Version,
    /// How many live workers have acknowledged this version.
    pub installed_worker_count: usize,
}

impl ConstantInfo {
    pub(crate) fn new(constant: &Constant, installed_worker_count: usize) -> Self {
        Self {
            name: constant.name.to_string(),
            type_name: constant.value.type_name(),
            value_hash_sha1: constant.value.hash,
            version: constant.version,
            installed_worker_count,
        }
    }
}

/// A dependency as it is defined now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DependencyInfo {
    /// The alias by which functions import it.
    pub alias: String,
    /// The path, or the system's name, that it was loaded by.
    pub origin: String,
    /// The SHA-1 of the bytes that are mapped; none for a library that the system's loader found.
    pub library_hash_sha1: Option<Hash>,
    /// The one function that the alias is bound to, if it is.
    pub export: Option<String>,
    /// A plugin's own name; none for a C library.
    pub plugin_name: Option<String>,
    /// A plugin's own version; none for a C library.
    pub plugin_version: Option<String>,
    /// What it has: a plugin's functions with how they read, sorted; or a C library's listed symbols.
    pub exports: Vec<ExportInfo>,
    /// Which load of a library it is.
    pub generation: Generation,
    /// The number of the snapshot that brought this version.
    pub version: Version,
    /// How many live workers have an instance of this version.
    pub installed_worker_count: usize,
}

/// One function or symbol of a dependency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExportInfo {
    /// The name that it is called by.
    pub name: String,
    /// How it reads, as far as its author tells; none for the symbols of C libraries.
    pub signature: Option<String>,
}

impl DependencyInfo {
    pub(crate) fn new(published: &Published, installed_worker_count: usize) -> Self {
        let Published { version, dependency } = published;
        let facts = dependency.library.facts();
        let function = |(name, signature): &(String, String)| ExportInfo {
            name: name.clone(),
            signature: Some(signature.clone()),
        };
        let symbol = |name: &String| ExportInfo { name: name.clone(), signature: None };
        let (plugin_name, plugin_version) = facts.plugin.clone().unzip();
        Self {
            alias: dependency.alias.to_string(),
            origin: facts.origin.clone(),
            library_hash_sha1: facts.hash,
            export: facts.entry.clone(),
            plugin_name,
            plugin_version,
            exports: facts.functions.iter().map(function).chain(facts.symbols.iter().map(symbol)).collect(),
            generation: dependency.generation(),
            version: *version,
            installed_worker_count,
        }
    }
}
