//! Whether what a function returned is its value or its outcome: a `Result` is always the outcome.
//!
//! The macro calls `(&&&Cell::new(Some(returned))).__wpc_outcome()`. The compiler takes the first of these traits that
//! fits after the fewest dereferences, which is what chooses between types that no one trait can tell apart.

use std::cell::Cell;
use std::error::Error;

use crate::error::PluginError;

/// The first choice: a result whose error is boxed for other threads, which no `From` makes a plain box of.
#[doc(hidden)]
pub trait BoxedResult<T> {
    fn __wpc_outcome(&self) -> Result<T, PluginError>;
}

impl<T> BoxedResult<T> for &&Cell<Option<Result<T, Box<dyn Error + Send + Sync>>>> {
    fn __wpc_outcome(&self) -> Result<T, PluginError> {
        taken(self).map_err(|error| PluginError::from_boxed(error))
    }
}

/// The second choice: any other result. That its error fits is asked for only once this is chosen, so that no result is
/// ever taken for a value.
#[doc(hidden)]
pub trait AnyResult<T, E> {
    fn __wpc_outcome(&self) -> Result<T, PluginError>
    where
        E: Into<Box<dyn Error>>;
}

impl<T, E> AnyResult<T, E> for &Cell<Option<Result<T, E>>> {
    fn __wpc_outcome(&self) -> Result<T, PluginError>
    where
        E: Into<Box<dyn Error>>,
    {
        taken(self).map_err(|error| PluginError::from_named(error.into(), std::any::type_name::<E>()))
    }
}

/// The last choice: a value.
#[doc(hidden)]
pub trait Value<T> {
    fn __wpc_outcome(&self) -> Result<T, PluginError>;
}

impl<T> Value<T> for Cell<Option<T>> {
    fn __wpc_outcome(&self) -> Result<T, PluginError> {
        Ok(taken(self))
    }
}

fn taken<T>(cell: &Cell<Option<T>>) -> T {
    cell.take().expect("the macro takes what was returned once")
}
