//! [`Dependency`]: a library of the registry, as functions reach it; what is loaded stands behind traits.

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use serde::Serialize;

use crate::hash::Hash;
use crate::id::{Generation, Name};

use super::failure::FunctionError;
use super::value::Misfit;

/// A library under its alias. Snapshots and accepted calls hold it: when none does, no call needs its instances.
pub(crate) struct Dependency {
    pub(crate) alias: Name,
    pub(crate) library: Arc<dyn Library>,
    /// Called when nobody holds it any more, on whichever thread let go of it last.
    pub(crate) released: Box<dyn Fn() + Send + Sync>,
}

impl Drop for Dependency {
    fn drop(&mut self) {
        (self.released)();
    }
}

/// A loaded library. It stays loaded as long as the process lives.
pub(crate) trait Library: Send + Sync {
    /// Which load it is: two loads of one file are two libraries.
    fn generation(&self) -> Generation;

    fn facts(&self) -> &LibraryFacts;

    /// Makes what one worker has of the library, on that worker's thread: it runs the library's code.
    fn instantiate(&self) -> Result<Box<dyn Instance>, InstanceError>;
}

/// What is known of a loaded library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LibraryFacts {
    /// The path or name that it was asked for by.
    pub(crate) origin: String,
    /// The SHA-1 of the bytes that are mapped; none for a library that the system's loader found.
    pub(crate) hash: Option<Hash>,
    /// The one function that the alias is bound to.
    pub(crate) entry: Option<String>,
    /// A plugin's own name and version.
    pub(crate) plugin: Option<(String, String)>,
    /// A plugin's functions with how they read, sorted by name.
    pub(crate) functions: Vec<(String, String)>,
    /// A C library's listed symbols, in the order in which they were listed.
    pub(crate) symbols: Vec<String>,
}

/// What one worker has of a library. It never leaves that worker's thread; dropping it runs the library's code.
pub(crate) trait Instance {
    /// Calls the function `name` (none: the one that the alias is bound to) with encoded arguments, for its encoded result.
    fn call(&self, name: Option<&str>, arguments: &[u8]) -> Result<Vec<u8>, ForeignError>;

    /// Whether its code has panicked: it takes no more calls, and another one is to be made.
    fn is_spent(&self) -> bool;

    /// The address of a symbol that was listed and resolved when the library was loaded.
    fn symbol(&self, name: &str) -> Result<NonNull<c_void>, ForeignError>;
}

/// Why a worker could not be given its instance of a library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// The library's `init` returned an error: its name and message.
    #[error("its init failed: {name}: {message}")]
    Failed {
        /// The error's name.
        name: String,
        /// The error's message.
        message: String,
    },
    /// The library's `init` panicked.
    #[error("its init panicked: {message}")]
    Panicked {
        /// The panic's message, at most 4 KiB of it.
        message: String,
    },
    /// The library's `init` answered something that the agreement does not know.
    #[error("its init answered with {reason}")]
    Garbage {
        /// What it answered.
        reason: String,
    },
    /// The library's `init` had not returned in time; its worker has been abandoned.
    #[error("its init did not return in time")]
    Hung,
    /// The worker, which was not inside a call, had not come to it in time.
    #[error("the worker had not come to its init in time")]
    NotBegun,
}

/// How a call into a library ended other than in its encoded result. [`ImportError`] tells it to the function.
pub(crate) enum ForeignError {
    /// The library has no such function or symbol; these it has.
    NoFunction {
        known: Vec<String>,
    },
    /// No name was given, and the alias is not bound to one function.
    Unbound,
    /// It is of the other kind: a plugin has no listed symbols, and a C library no functions that take values.
    WrongKind {
        is: &'static str,
    },
    /// The arguments do not fit.
    Misfit {
        expected: String,
        path: String,
        reason: String,
    },
    Failed(FunctionError),
    Panicked {
        message: String,
    },
    /// The result has more bytes than it may.
    TooLarge {
        limit: usize,
    },
    /// The answer is none that the agreement knows.
    Garbage {
        reason: String,
    },
    /// The instance is in use further out on this worker.
    InUse,
}

/// Why a function got nothing from a dependency.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// No dependency has that alias: only what is defined can be imported.
    #[error("no dependency `{alias}` is defined")]
    NotDefined {
        /// The alias that was asked for.
        alias: String,
    },
    /// This worker has no instance of it.
    #[error("dependency `{alias}` is not installed on this worker: {cause}")]
    NotInstalled {
        /// The dependency.
        alias: String,
        /// Why not.
        cause: InstanceError,
    },
    /// It has no function or listed symbol of that name.
    #[error("dependency `{alias}` has no `{name}`; it has: {}", known.join(", "))]
    NoFunction {
        /// The dependency.
        alias: String,
        /// The name that was asked for.
        name: String,
        /// What it has, sorted.
        known: Vec<String>,
    },
    /// It was asked for its one function, but its alias is not bound to one (`Dylib::export`).
    #[error("dependency `{alias}` is not bound to one function: name it, or bind the alias with `export`")]
    Unbound {
        /// The dependency.
        alias: String,
    },
    /// Plugins have functions that take values, C libraries have symbols: it is not of the kind that was asked for.
    #[error("dependency `{alias}` is {is}")]
    WrongKind {
        /// The dependency.
        alias: String,
        /// What it is.
        is: &'static str,
    },
    /// The arguments do not fit the function's parameters, or its result does not fit the type that was asked for.
    #[error("`{alias}.{function}`: {misfit}")]
    Type {
        /// The dependency.
        alias: String,
        /// The function.
        function: String,
        /// Both types, where it does not fit, and why.
        misfit: Box<Misfit>,
    },
    /// The function returned an error. A function that fails with this fails with the plugin's own error: its caller
    /// reads that one's name, message, code, details and causes.
    #[error("`{alias}.{function}` failed: {error}")]
    Failed {
        /// The dependency.
        alias: String,
        /// The function.
        function: String,
        /// Its error, with name, message, code, details and causes.
        error: FunctionError,
    },
    /// The function panicked, inside its own library. The instance takes no more calls: the next import makes another one,
    /// and the worker recycles after the call.
    #[error("`{alias}.{function}` panicked: {message}")]
    Panicked {
        /// The dependency.
        alias: String,
        /// The function.
        function: String,
        /// The panic's message, at most 4 KiB of it.
        message: String,
    },
    /// The result is longer than it may be.
    #[error("`{alias}.{function}` answered with more than {limit} bytes")]
    TooLarge {
        /// The dependency.
        alias: String,
        /// The function.
        function: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer is none that host and plugin have agreed on.
    #[error("`{alias}.{function}` answered with {reason}")]
    Garbage {
        /// The dependency.
        alias: String,
        /// The function.
        function: String,
        /// What was wrong.
        reason: String,
    },
    /// A call of the same dependency is under way further out on this worker. Plugins cannot call their host, so that
    /// none of today's can bring this about.
    #[error("dependency `{alias}` is in use by a call further out on this worker")]
    InUse {
        /// The dependency.
        alias: String,
    },
}

impl ImportError {
    pub(crate) fn new(alias: &str, function: Option<&str>, found: &str, error: ForeignError) -> Self {
        let alias = alias.to_owned();
        let function = function.unwrap_or("(bound)").to_owned();
        match error {
            ForeignError::NoFunction { known } => Self::NoFunction { alias, name: function, known },
            ForeignError::Unbound => Self::Unbound { alias },
            ForeignError::WrongKind { is } => Self::WrongKind { alias, is },
            ForeignError::Misfit { expected, path, reason } => {
                let misfit = Misfit::foreign(&expected, found, path, reason);
                Self::Type { alias, function, misfit: Box::new(misfit) }
            }
            ForeignError::Failed(error) => Self::Failed { alias, function, error },
            ForeignError::Panicked { message } => Self::Panicked { alias, function, message },
            ForeignError::TooLarge { limit } => Self::TooLarge { alias, function, limit },
            ForeignError::Garbage { reason } => Self::Garbage { alias, function, reason },
            ForeignError::InUse => Self::InUse { alias },
        }
    }
}

impl Dependency {
    pub(crate) fn generation(&self) -> Generation {
        self.library.generation()
    }

    /// The hash of the library; of its name and its symbols, if it is one that the system's loader found.
    pub(crate) fn hash(&self) -> Hash {
        let facts = self.library.facts();
        facts.hash.unwrap_or_else(|| {
            let listed = facts.symbols.join("\n");
            Hash::of_bytes(format!("{}\n{listed}", facts.origin).as_bytes())
        })
    }
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependency")
            .field("alias", &self.alias)
            .field("generation", &self.library.generation())
            .finish_non_exhaustive()
    }
}
