//! [`Loaded`]: a library whose instances come about or not as the simulation wants.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::function::{Dependency, ForeignError, Instance, InstanceError, Library, LibraryFacts};
use crate::id::{Generation, Name};

/// One load.
struct Loaded {
    generation: Generation,
    facts: LibraryFacts,
    /// Whether the next instance cannot be made.
    fails: Arc<AtomicBool>,
}

/// Another load of the library, under `alias`.
pub(super) fn load(alias: &str, fails: &Arc<AtomicBool>) -> Arc<Dependency> {
    let (generation, facts) = (Generation::next(), LibraryFacts::default());
    Arc::new(Dependency {
        alias: Name::new(alias).expect("the alias is a name"),
        library: Arc::new(Loaded { generation, facts, fails: Arc::clone(fails) }),
        released: Box::new(|| ()),
    })
}

impl Library for Loaded {
    fn generation(&self) -> Generation {
        self.generation
    }

    fn facts(&self) -> &LibraryFacts {
        &self.facts
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, InstanceError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(InstanceError::Garbage { reason: String::new() });
        }
        Ok(Box::new(Made))
    }
}

/// Never called: the functions of the simulation do nothing.
struct Made;

impl Instance for Made {
    fn call(&self, _: Option<&str>, _: &[u8]) -> Result<Vec<u8>, ForeignError> {
        Err(ForeignError::Unbound)
    }

    fn is_spent(&self) -> bool {
        false
    }

    fn symbol(&self, _: &str) -> Result<NonNull<c_void>, ForeignError> {
        Err(ForeignError::Unbound)
    }
}
