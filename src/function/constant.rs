//! [`Constant`]: a value of the registry that all workers share.

use std::any::Any;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, EncodeError};
use crate::hash::{Hash, HashWriter};
use crate::id::{Name, Version};

use super::signature::short;
use super::value::{Given, Misfit, Wanted, unbox};

/// One version of a constant.
pub(crate) struct Constant {
    pub(crate) name: Name,
    pub(crate) version: Version,
    pub(crate) value: ConstantValue,
}

/// A constant's value, before it has a version.
#[derive(Clone)]
pub(crate) struct ConstantValue {
    value: Arc<dyn Any + Send + Sync>,
    given: Given,
    pub(crate) hash: Hash,
}

impl ConstantValue {
    /// Takes the value after it has been encoded once, to learn that it can be, and its hash.
    pub(crate) fn new<T: Serialize + Send + Sync + 'static>(value: T) -> Result<Self, EncodeError> {
        let mut writer = HashWriter::default();
        codec::encode_into(&value, &mut writer)?;
        Ok(Self { value: Arc::new(value), given: Given::of::<T>(), hash: writer.finish() })
    }

    pub(crate) fn type_name(&self) -> String {
        short(self.given.name())
    }

    /// The value itself, if it is a `T`.
    pub(crate) fn shared<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.value).downcast().ok()
    }

    /// The value converted to a `T`.
    pub(crate) fn converted<T: DeserializeOwned + Send + Sync + 'static>(&self) -> Result<Arc<T>, Misfit> {
        Wanted::of::<T>().convert_from(&*self.value, self.given).map(|value| Arc::new(unbox::<T>(value)))
    }
}

/// A constant could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstantError {
    /// No constant has that name.
    #[error("no constant `{name}` is defined")]
    NotDefined {
        /// The name that was asked for.
        name: String,
    },
    /// Its value does not fit the type that was asked for.
    #[error("constant `{name}`: {misfit}")]
    Type {
        /// The constant's name.
        name: String,
        /// Both types, where it does not fit, and why.
        misfit: Misfit,
    },
}
