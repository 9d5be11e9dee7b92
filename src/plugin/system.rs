//! [`SystemLibrary`]: a C library that the system's loader found, with the symbols that were listed.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::function::{ForeignError, Instance, InstanceError, Library, LibraryFacts};
use crate::id::Generation;

use super::image::Address;

/// A loaded C library. Its workers share it: what they have of it is only its addresses.
#[derive(Debug)]
pub(super) struct SystemLibrary {
    generation: Generation,
    facts: LibraryFacts,
    symbols: Arc<[(String, Address)]>,
}

#[derive(Debug)]
struct SystemInstance {
    symbols: Arc<[(String, Address)]>,
}

impl SystemLibrary {
    pub(super) fn new(symbols: Vec<(String, Address)>, facts: LibraryFacts) -> Self {
        Self { generation: Generation::next(), facts, symbols: symbols.into() }
    }
}

impl Library for SystemLibrary {
    fn generation(&self) -> Generation {
        self.generation
    }

    fn facts(&self) -> &LibraryFacts {
        &self.facts
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, InstanceError> {
        Ok(Box::new(SystemInstance { symbols: Arc::clone(&self.symbols) }))
    }
}

impl Instance for SystemInstance {
    fn call(&self, _: Option<&str>, _: &[u8]) -> Result<Vec<u8>, ForeignError> {
        Err(ForeignError::WrongKind { is: "a C library: use `symbol`" })
    }

    fn is_spent(&self) -> bool {
        false
    }

    fn symbol(&self, name: &str) -> Result<NonNull<c_void>, ForeignError> {
        let found = self.symbols.iter().find(|(symbol, _)| symbol == name);
        found.map(|(_, address)| address.get()).ok_or_else(|| {
            let mut known: Vec<String> = self.symbols.iter().map(|(symbol, _)| symbol.clone()).collect();
            known.sort_unstable();
            ForeignError::NoFunction { known }
        })
    }
}
