//! What the registry tells of its functions and constants.

use serde::Serialize;

use crate::call::Definition;
use crate::function::{Constant, HashOf, Requirement};
use crate::hash::Hash;
use crate::id::Version;

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
