//! Functions and what they see: [`Function`] and how closures become one, [`Context`], [`FunctionError`], constants,
//! and values on their way between two types.

mod callable;
mod constant;
mod context;
mod definition;
mod dependency;
mod failure;
mod import;
mod into_function;
mod lexer;
mod local;
mod signature;
mod source;
mod value;

pub use callable::{Callable, Parameter, WithContext};
pub use constant::ConstantError;
pub use context::{Context, Interrupted};
pub use definition::{Function, HashOf, Requirement};
pub use dependency::{ImportError, InstanceError};
pub use failure::FunctionError;
pub use import::Import;
pub use into_function::{
    BuildFallible, BuildPlain, IntoFunction, IsFunction, Probe, ReturnsResult, ReturnsValue, fallible,
};
pub use local::LocalInUse;
pub use value::{Argument, Carried, Misfit, Ref};

pub(crate) use constant::{Constant, ConstantValue};
pub(crate) use context::{ContextOf, Host, Interrupt};
pub(crate) use dependency::{Dependency, ForeignError, Instance, Library, LibraryFacts};
pub(crate) use local::Locals;
pub(crate) use value::{Cargo, Wanted, unbox};
