//! [`Definition`]: one version of a function, with everything that a call of it is bound to.

use std::sync::Arc;

use crate::function::{Cargo, Constant, Dependency, Function, HashOf, Misfit, Requirement};
use crate::hash::Hash;
use crate::id::{Name, Version};
use crate::value::Value;

use super::error::{RejectReason, Rejected};
use super::pace::Pace;

/// A function under its name. It never changes: a redefinition is another one.
#[repr(align(64))] // apart from the count of its holders, which callers write
pub(crate) struct Definition {
    pub(crate) name: Name,
    pub(crate) version: Version,
    pub(crate) function: Function,
    pub(crate) signature: String,
    pub(crate) pace: Pace,
    pub(crate) hash: Hash,
    pub(crate) hash_of: HashOf,
    /// The versions of the constants that it requires, as far as they are defined.
    pub(crate) constants: Arc<[Arc<Constant>]>,
    /// The versions of the dependencies that it requires, as far as they are defined.
    pub(crate) dependencies: Arc<[Arc<Dependency>]>,
    /// The first requirement that is not defined.
    pub(crate) missing: Option<Requirement>,
}

/// A call's arguments in the type of the function that it is bound to.
pub(crate) struct Bound {
    pub(crate) argument: Value,
    pub(crate) original: Original,
}

/// What goes back to the caller if the call is rejected after all.
pub(crate) enum Original {
    /// The argument: it is the caller's own value.
    IsArgument,
    /// The caller's own value, of which the argument is a conversion.
    Kept(Value),
    /// Nothing: the caller still has it.
    Borrowed,
}

impl Original {
    pub(crate) fn hand_back(self, argument: Value) -> Option<Value> {
        match self {
            Self::IsArgument => Some(argument),
            Self::Kept(value) => Some(value),
            Self::Borrowed => None,
        }
    }
}

impl Definition {
    /// Checks everything that can be checked before a call is accepted, and brings its arguments into the
    /// function's own type, on the caller's thread.
    pub(crate) fn bind(&self, cargo: Cargo, pin: Option<Hash>) -> Result<Bound, Rejected> {
        let reason = match (pin, &self.missing) {
            (Some(expected), _) if expected != self.hash => {
                Some(RejectReason::HashDrift { expected, found: self.hash })
            }
            (_, Some(missing)) => Some(RejectReason::MissingRequirement { name: missing.name().to_owned() }),
            _ => None,
        };
        match reason {
            Some(reason) => Err(Rejected::new(self.name.shared(), reason, cargo.into_original())),
            None => self.fit(cargo),
        }
    }

    fn fit(&self, cargo: Cargo) -> Result<Bound, Rejected> {
        let wanted = &self.function.arguments;
        let refuse = |misfit: Misfit, original| {
            Rejected::new(self.name.shared(), RejectReason::Signature(misfit), original)
        };
        match cargo {
            Cargo::Owned(value, given) if given.id() == wanted.id() => {
                Ok(Bound { argument: value, original: Original::IsArgument })
            }
            Cargo::Owned(value, given) => match wanted.convert_from(value.as_any(), given) {
                Ok(argument) => Ok(Bound { argument, original: Original::Kept(value) }),
                Err(misfit) => Err(refuse(misfit, Some(value))),
            },
            Cargo::Encoded(Ok(bytes), found) => match wanted.decode(&bytes, found) {
                Ok(argument) => Ok(Bound { argument, original: Original::Borrowed }),
                Err(misfit) => Err(refuse(misfit, None)),
            },
            Cargo::Encoded(Err(error), found) => {
                let misfit = Misfit::new(wanted.name(), found, error.path().to_owned(), error.reason());
                Err(refuse(misfit, None))
            }
        }
    }
}
