//! [`Import`]: a dependency in the hands of a running function.

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::codec;

use super::context::{Context, Host};
use super::dependency::{Dependency, ImportError, Instance};
use super::signature::short;
use super::value::{Argument, Cargo, Misfit};

/// This worker's instance of a dependency, as [`Context::import`] lends it to a running function.
///
/// It belongs to the worker's thread and cannot leave it.
pub struct Import<'a> {
    host: &'a dyn Host,
    dependency: Arc<Dependency>,
    instance: Rc<dyn Instance>,
}

impl Context<'_> {
    /// The dependency `alias`, as this worker has it.
    ///
    /// For an alias that the function records (a literal one in [`function!`](crate::function!), or
    /// [`Function::requires`](crate::Function::requires)) it is the version that the call was bound to when it was
    /// accepted; else the newest that this worker has. Each worker has an instance of its own, made before the worker
    /// is ready, or here if it is not there yet.
    ///
    /// # Errors
    ///
    /// [`ImportError::NotDefined`] for an alias that is not registered, [`ImportError::NotInstalled`] where this worker's
    /// instance cannot be made.
    ///
    /// # Blocking
    ///
    /// As long as the library's `init`, if the instance is made here.
    pub fn import(&self, alias: &str) -> Result<Import<'_>, ImportError> {
        let bound =
            self.of.dependencies.iter().find(|dependency| dependency.alias.as_str() == alias).cloned();
        let dependency = bound
            .or_else(|| self.host.dependency(alias))
            .ok_or_else(|| ImportError::NotDefined { alias: alias.to_owned() })?;
        let instance = self
            .host
            .instance(&dependency)
            .map_err(|cause| ImportError::NotInstalled { alias: alias.to_owned(), cause })?;
        Ok(Import { host: self.host, dependency, instance })
    }
}

impl Import<'_> {
    /// The name that it is imported by.
    pub fn alias(&self) -> &str {
        self.dependency.alias.as_str()
    }

    /// Calls the plugin's function `name`. Arguments and result cross as `MessagePack`, whatever their types: nothing is
    /// moved. Arguments are one value, as for a call: `()`, the value itself, or a tuple; `Ref(&value)` lends one.
    ///
    /// # Errors
    ///
    /// [`ImportError::NoFunction`] and [`ImportError::WrongKind`] before anything runs; [`ImportError::Type`] when
    /// arguments or result do not fit; [`ImportError::Failed`] and [`ImportError::Panicked`] when the function did;
    /// [`ImportError::TooLarge`] and [`ImportError::Garbage`] for an answer that cannot be taken; [`ImportError::InUse`]
    /// inside a call of the same dependency.
    ///
    /// # Blocking
    ///
    /// As long as the function runs. It is the library's code: no deadline ends it.
    pub fn call<R: DeserializeOwned>(&self, name: &str, arguments: impl Argument) -> Result<R, ImportError> {
        self.run(Some(name), arguments)
    }

    /// Calls the one function that the alias is bound to (`Dylib::export`), as [`Import::call`].
    ///
    /// # Errors
    ///
    /// [`ImportError::Unbound`] if it is bound to none, else those of [`Import::call`].
    ///
    /// # Blocking
    ///
    /// As [`Import::call`].
    pub fn invoke<R: DeserializeOwned>(&self, arguments: impl Argument) -> Result<R, ImportError> {
        self.run(None, arguments)
    }

    /// The address of a listed symbol of a C library.
    pub(crate) fn address(&self, name: &str) -> Result<NonNull<c_void>, ImportError> {
        let address = self.instance.symbol(name);
        address.map_err(|error| ImportError::new(self.alias(), Some(name), "", error))
    }

    fn run<R: DeserializeOwned>(
        &self,
        name: Option<&str>,
        arguments: impl Argument,
    ) -> Result<R, ImportError> {
        let (encoded, found) = match arguments.carry().0 {
            Cargo::Owned(value, given) => (given.encode(value.as_any()), given.name()),
            Cargo::Encoded(bytes, found) => (bytes, found),
        };
        let function = name.unwrap_or("(bound)").to_owned();
        let misfit =
            |misfit| ImportError::Type { alias: self.alias().to_owned(), function, misfit: Box::new(misfit) };
        let bytes = match encoded {
            Ok(bytes) => bytes,
            Err(error) => {
                let path = error.path().to_owned();
                return Err(misfit(Misfit::foreign("MessagePack", &short(found), path, error.reason())));
            }
        };
        let answer = self.instance.call(name, &bytes).map_err(|error| {
            let error = ImportError::new(self.alias(), name, &short(found), error);
            if matches!(error, ImportError::Panicked { .. }) {
                self.host.taint(); // what the panic left of the library's state is not to be used again
            }
            error
        })?;
        codec::decode(&answer).map_err(|error| {
            let (expected, path) = (short(std::any::type_name::<R>()), error.path().to_owned());
            misfit(Misfit::foreign(&expected, "the plugin's result", path, error.reason()))
        })
    }
}

impl fmt::Debug for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import").field("dependency", &self.dependency).finish_non_exhaustive()
    }
}
