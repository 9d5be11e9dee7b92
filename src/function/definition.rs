//! [`Function`]: the code that runs under a name, with what is known of it before it is defined.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;

use crate::hash::Hash;
use crate::value::Value;

use super::callable::Callable;
use super::context::Context;
use super::failure::{BoxError, FunctionError};
use super::into_function::IntoFunction;
use super::value::{Given, Wanted, unbox};
use super::{signature, source};

/// Runs a function with its arguments as one value of the function's own type.
pub(crate) trait Handler: Send + Sync {
    fn run(&self, context: &Context<'_>, arguments: Value) -> Result<Value, FunctionError>;
}

/// What a function's hash was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub enum HashOf {
    /// The function's source: the tokens in `function!`, or the text given by [`Function::source`].
    Source,
    /// The signature and the label, where no source is known.
    Signature,
}

/// Something that a function takes from its context by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub enum Requirement {
    /// A constant of the registry.
    Constant(String),
    /// A dependency of the registry, by its alias.
    Dependency(String),
}

impl Requirement {
    /// A constant that must be defined before the function can be called.
    pub fn constant(name: impl Into<String>) -> Self {
        Self::Constant(name.into())
    }

    /// A dependency that must be defined before the function can be called.
    pub fn dependency(alias: impl Into<String>) -> Self {
        Self::Dependency(alias.into())
    }

    /// The name of what is required.
    pub fn name(&self) -> &str {
        match self {
            Self::Constant(name) | Self::Dependency(name) => name,
        }
    }
}

/// Code, told apart as far as the language allows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code {
    type_id: TypeId,
    captures: bool,
}

impl Code {
    /// True only for the same code with nothing captured.
    pub(crate) fn is_surely(self, other: Self) -> bool {
        self == other && !self.captures
    }
}

/// A function with its label, its source and what it requires, ready to be defined under a name.
///
/// # Examples
///
/// ```
/// use wpc::{Function, Wpc};
/// let wpc = Wpc::builder().build()?;
/// wpc.define_function("area", Function::new(|w: f64, h: f64| w * h).label("2").source("w * h"))?;
/// assert_eq!(wpc.functions()[0].label.as_deref(), Some("2"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Function {
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) code: Code,
    pub(crate) arguments: Wanted,
    pub(crate) result: Given,
    pub(crate) label: Option<String>,
    pub(crate) requires: Vec<Requirement>,
    types: Vec<&'static str>,
    parameters: Vec<String>,
    source_hash: Option<Hash>,
}

impl Function {
    /// A function from a closure or a function item; see [`IntoFunction`] for what fits.
    pub fn new<M>(function: impl IntoFunction<M>) -> Self {
        function.into_function()
    }

    pub(crate) fn from_handler<F, M, T>(handler: impl Handler + 'static) -> Self
    where
        F: Callable<M>,
        T: Serialize + Send + 'static,
    {
        Self {
            handler: Arc::new(handler),
            code: Code { type_id: TypeId::of::<F>(), captures: size_of::<F>() != 0 },
            arguments: Wanted::of::<F::Arguments>(),
            result: Given::of::<T>(),
            label: None,
            requires: Vec::new(),
            types: F::parameter_types(),
            parameters: Vec::new(),
            source_hash: None,
        }
    }

    /// Records what the text in `function!` tells.
    pub(crate) fn with_text(mut self, text: &str) -> Self {
        let read = source::read(text);
        self.source_hash = read.is_closure.then(|| Hash::of_bytes(read.canonical.as_bytes()));
        self.parameters = read.parameters;
        let constants = read.constants.into_iter().map(Requirement::Constant);
        let imports = read.imports.into_iter().map(Requirement::Dependency);
        constants.chain(imports).fold(self, Self::requires)
    }

    /// The author's own version text. It is part of the hash where no source is known.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The source that the function stands for; its hash is then that of the text with line endings made LF and
    /// both ends trimmed ([`Hash::of_source`]).
    #[must_use]
    pub fn source(mut self, text: &str) -> Self {
        self.source_hash = Some(Hash::of_source(text));
        self
    }

    /// Says what the function takes from its context: while it is missing, calls are rejected before they start.
    /// `function!` records literal names by itself.
    #[must_use]
    pub fn requires(mut self, requirement: Requirement) -> Self {
        if !self.requires.contains(&requirement) {
            self.requires.push(requirement);
        }
        self
    }

    /// How the function reads: `(path: String) -> u64`.
    pub(crate) fn signature(&self) -> String {
        signature::render(&self.parameters, &self.types, self.result.name())
    }

    /// The function's hash, and what it was made of.
    pub(crate) fn hash(&self) -> (Hash, HashOf) {
        if let Some(hash) = self.source_hash {
            (hash, HashOf::Source)
        } else {
            let label = self.label.as_deref().unwrap_or_default();
            (Hash::of_source(&format!("{}\n{label}", self.signature())), HashOf::Signature)
        }
    }

    /// The result's type, if it is a `Result` that would travel as plain data.
    pub(crate) fn result_as_value(&self) -> Option<&'static str> {
        Some(self.result.name()).filter(|name| name.starts_with("core::result::Result<"))
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("signature", &self.signature())
            .field("label", &self.label)
            .field("requires", &self.requires)
            .finish_non_exhaustive()
    }
}

/// Runs a function whose result is its value.
pub(crate) struct Plain<F, M>(pub(crate) F, pub(crate) PhantomData<fn(M)>);

impl<F, M> Handler for Plain<F, M>
where
    F: Callable<M>,
    F::Output: Send,
{
    fn run(&self, context: &Context<'_>, arguments: Value) -> Result<Value, FunctionError> {
        Ok(Value::new(self.0.call(context, unbox(arguments))))
    }
}

/// Runs a function whose result is its outcome.
pub(crate) struct Fallible<F, M>(pub(crate) F, pub(crate) PhantomData<fn(M)>);

impl<F, M, T, E> Handler for Fallible<F, M>
where
    F: Callable<M, Output = Result<T, E>>,
    T: Send + 'static,
    E: Into<BoxError>,
{
    fn run(&self, context: &Context<'_>, arguments: Value) -> Result<Value, FunctionError> {
        match self.0.call(context, unbox(arguments)) {
            Ok(value) => Ok(Value::new(value)),
            Err(error) => Err(FunctionError::from_named(error.into(), std::any::type_name::<E>())),
        }
    }
}
