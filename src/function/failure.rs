//! What a function fails with: a [`FunctionError`], made from any error or by hand.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Display};

use super::dependency::ImportError;
use super::signature::short;

/// Any error that can be sent to another thread.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// The error that a function ended with, as its caller reads it.
///
/// It is made by `?` from any error, or by hand with [`FunctionError::new`]. In process the original error arrives
/// too ([`FunctionError::downcast_ref`]). It converts into a boxed error but is itself neither `Error` nor
/// `Serialize`: the first lets `?` make it from every error, the second keeps a `Result` that holds it an outcome
/// and never a value.
///
/// `?` cannot convert what is no `Error` itself, such as `anyhow::Error`, a boxed error or a text: write
/// `.map_err(|error| FunctionError::from_boxed(error.into()))?`. After `?` on a nested call the error is called
/// `CallError`; the inner function's own, with its code and details, is found by `downcast_ref::<CallError>()`.
///
/// # Examples
///
/// ```
/// use wpc::FunctionError;
/// let error = FunctionError::new("QuotaExceeded", "10 of 10 used").with_code("E_QUOTA").with_detail("limit", 10);
/// assert_eq!(error.name(), "QuotaExceeded");
/// assert_eq!(error.code(), Some("E_QUOTA"));
/// assert_eq!(error.to_string(), "QuotaExceeded: 10 of 10 used");
/// ```
pub struct FunctionError(Box<Content>);

/// How many causes an error tells of.
const CAUSES_MAX: usize = 32;

struct Content {
    name: String,
    message: String,
    code: Option<String>,
    details: BTreeMap<String, String>,
    backtrace: Backtrace,
    source: Option<BoxError>,
}

impl FunctionError {
    /// An error with a name (such as `QuotaExceeded`) and a message.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::with_source(name.into(), message.into(), None)
    }

    /// An error made from a boxed one, which `?` cannot convert by itself.
    pub fn from_boxed(error: BoxError) -> Self {
        Self::from_named(error, "Error")
    }

    /// The error of a function whose error type is called `type_name`.
    pub(crate) fn from_named(error: BoxError, type_name: &str) -> Self {
        let error = match error.downcast::<Carrier>() {
            Ok(carrier) => return carrier.0,
            Err(other) => other,
        };
        let error = match error.downcast::<ImportError>().map(|error| *error) {
            // What the dependency's function failed with is what this one fails with.
            Ok(ImportError::Failed { error, .. }) => return error,
            Ok(other) => Box::new(other),
            Err(other) => other,
        };
        let short = short(type_name);
        let name = match short.split(['<', ' ']).next() {
            Some(name) if !matches!(name, "" | "String" | "&str" | "Box" | "&") => name.to_owned(),
            _ => "Error".to_owned(),
        };
        let message = error.to_string();
        Self::with_source(name, message, Some(error))
    }

    fn with_source(name: String, message: String, source: Option<BoxError>) -> Self {
        let backtrace = Backtrace::capture();
        Self(Box::new(Content { name, message, code: None, details: BTreeMap::new(), backtrace, source }))
    }

    /// Gives the error a code for programs to read.
    #[must_use]
    pub fn with_code(mut self, code: impl Display) -> Self {
        self.0.code = Some(format!("{code}"));
        self
    }

    /// Gives the error another name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// Adds a fact under a key; an earlier one under the same key goes.
    #[must_use]
    pub fn with_detail(mut self, key: impl Into<String>, value: impl Display) -> Self {
        self.0.details.insert(key.into(), format!("{value}"));
        self
    }

    /// Says more than the error that this one was made from.
    pub(crate) fn with_message(mut self, message: String) -> Self {
        self.0.message = message;
        self
    }

    /// Keeps what another library told of the errors behind this one, the nearest first; at most 32 of them.
    pub(crate) fn with_causes(mut self, causes: Vec<String>) -> Self {
        let chain = causes.into_iter().take(CAUSES_MAX).rev();
        if let Some(cause) = chain.fold(None, |cause, message| Some(Box::new(Told { message, cause }))) {
            self.0.source = Some(Box::new(Told { message: self.0.message.clone(), cause: Some(cause) }));
        }
        self
    }

    /// The error's name: given by hand, or the short name of the error's type (`Error` where the type has been
    /// erased or is a string).
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What was wrong.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The code, if one was given.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The facts that were added, sorted by key.
    pub fn details(&self) -> &BTreeMap<String, String> {
        &self.0.details
    }

    /// The messages of the errors behind this one, the nearest first; at most 32.
    pub fn causes(&self) -> Vec<String> {
        let first = self.source().and_then(Error::source);
        std::iter::successors(first, |error| (*error).source())
            .take(CAUSES_MAX)
            .map(ToString::to_string)
            .collect()
    }

    /// Where the error was made, if `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` asks for backtraces.
    pub fn backtrace(&self) -> Option<&Backtrace> {
        Some(&self.0.backtrace).filter(|backtrace| backtrace.status() == BacktraceStatus::Captured)
    }

    /// The original error, if it was of type `E`. An error inside another one that hides it, such as `anyhow::Error`,
    /// is not found.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.source.as_deref()?.downcast_ref()
    }

    /// The error that this one was made from, if it was made from one.
    pub(crate) fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|error| error as &(dyn Error + 'static))
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for FunctionError {
    fn from(error: E) -> Self {
        Self::from_named(Box::new(error), std::any::type_name::<E>())
    }
}

impl From<FunctionError> for BoxError {
    fn from(error: FunctionError) -> Self {
        Box::new(Carrier(error))
    }
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.name, self.0.message)
    }
}

impl fmt::Debug for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionError")
            .field("name", &self.0.name)
            .field("message", &self.0.message)
            .field("code", &self.0.code)
            .field("details", &self.0.details)
            .field("causes", &self.causes())
            .finish_non_exhaustive()
    }
}

/// An error of which only the message has come here, with the one behind it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Told {
    message: String,
    #[source]
    cause: Option<Box<Told>>,
}

/// Carries a [`FunctionError`] through a boxed error and back.
struct Carrier(FunctionError);

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for Carrier {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source().and_then(Error::source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::fmt::Error);

    #[test]
    fn an_error_by_question_mark_keeps_its_type_name_and_causes() {
        let error = FunctionError::from(Outer(std::fmt::Error));
        assert_eq!((error.name(), error.message()), ("Outer", "outer"));
        assert_eq!(error.causes(), [std::fmt::Error.to_string()]);
        assert!(error.downcast_ref::<Outer>().is_some());
    }

    #[test]
    fn a_backtrace_is_told_where_one_was_captured() {
        let mut error = FunctionError::new("Mine", "text");
        error.0.backtrace = Backtrace::disabled();
        assert!(error.backtrace().is_none());
        error.0.backtrace = Backtrace::force_capture();
        assert!(error.backtrace().is_some_and(|it| it.status() == BacktraceStatus::Captured));
    }

    #[test]
    fn boxing_and_unboxing_changes_nothing() {
        let boxed: BoxError = FunctionError::new("Mine", "text").with_code(7).with_detail("k", "v").into();
        let back = FunctionError::from_named(boxed, "alloc::boxed::Box<dyn core::error::Error>");
        assert_eq!((back.name(), back.message(), back.code()), ("Mine", "text", Some("7")));
        assert_eq!(back.details().get("k").map(String::as_str), Some("v"));
    }

    #[test]
    fn causes_that_were_told_are_kept_also_through_a_box_and_at_most_32() {
        let told = |count: usize| (0..count).map(|at| format!("cause {at}")).collect::<Vec<_>>();
        assert!(FunctionError::new("Mine", "text").with_causes(told(0)).causes().is_empty());
        let boxed: BoxError = FunctionError::new("Mine", "text").with_causes(told(2)).into();
        assert_eq!(boxed.source().map(ToString::to_string), Some("cause 0".to_owned()));
        assert_eq!(FunctionError::from_named(boxed, "Box").causes(), told(2));
        assert_eq!(FunctionError::new("Mine", "text").with_causes(told(40)).causes(), told(32));
    }

    #[test]
    fn a_string_is_an_error_called_error() {
        let error = FunctionError::from_named("plain".into(), std::any::type_name::<String>());
        assert_eq!(error.to_string(), "Error: plain");
    }
}
