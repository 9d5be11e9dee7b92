//! What a function of a plugin fails with: a [`PluginError`], made from any error or by hand.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Display};

use crate::type_name;

/// The most causes that an error tells of.
const CAUSES_MAX: usize = 32;

/// The error that a function of a plugin ended with, as its caller reads it.
///
/// It is made by `?` from any error, or by hand with [`PluginError::new`]. It converts into a boxed error but is itself
/// not `Error`, so that `?` makes it from every error. What `?` cannot convert, such as `anyhow::Error`, a boxed error or
/// a text, goes through [`PluginError::from_boxed`].
///
/// A function need not name it: any error, and any text, can be the error of a function's result.
///
/// # Examples
///
/// ```
/// use wpc_plugin::PluginError;
/// let error = PluginError::new("QuotaExceeded", "10 of 10 used").with_code("E_QUOTA").with_detail("limit", 10);
/// assert_eq!(error.name(), "QuotaExceeded");
/// assert_eq!(error.code(), Some("E_QUOTA"));
/// assert_eq!(error.to_string(), "QuotaExceeded: 10 of 10 used");
/// ```
#[derive(Clone, Debug)]
pub struct PluginError(Box<Content>);

#[derive(Clone, Debug)]
struct Content {
    name: String,
    message: String,
    code: Option<String>,
    details: BTreeMap<String, String>,
    causes: Vec<String>,
}

impl PluginError {
    /// An error with a name (such as `QuotaExceeded`) and a message.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::with_causes(name.into(), message.into(), Vec::new())
    }

    /// An error made from a boxed one, which `?` cannot convert by itself. It is called `Error`, since its type is not
    /// known, unless the box holds a [`PluginError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use wpc_plugin::PluginError;
    /// fn half(n: u64) -> Result<u64, PluginError> {
    ///     if n % 2 == 0 { Ok(n / 2) } else { Err(PluginError::from_boxed(format!("{n} is odd").into())) }
    /// }
    /// assert_eq!(half(3).map_err(|error| error.to_string()), Err("Error: 3 is odd".to_owned()));
    /// ```
    pub fn from_boxed(error: Box<dyn Error>) -> Self {
        Self::from_named(error, "Error")
    }

    /// The error of a function whose error type is called `type_name`.
    pub(crate) fn from_named(error: Box<dyn Error>, type_name: &str) -> Self {
        let error = match error.downcast::<Carrier>() {
            Ok(carrier) => return carrier.0,
            Err(other) => other,
        };
        let behind = std::iter::successors(error.source(), |cause| (*cause).source());
        let causes = behind.take(CAUSES_MAX).map(ToString::to_string).collect();
        Self::with_causes(type_name::of_error(type_name), error.to_string(), causes)
    }

    fn with_causes(name: String, message: String, causes: Vec<String>) -> Self {
        Self(Box::new(Content { name, message, code: None, details: BTreeMap::new(), causes }))
    }

    /// Gives the error a code for programs to read.
    #[must_use]
    pub fn with_code(mut self, code: impl Display) -> Self {
        self.0.code = Some(code.to_string());
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
        self.0.details.insert(key.into(), value.to_string());
        self
    }

    /// Adds the message of an error behind this one, behind those that it has; past the 32nd nothing is added.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Display) -> Self {
        if self.0.causes.len() < CAUSES_MAX {
            self.0.causes.push(cause.to_string());
        }
        self
    }

    /// The error's name: given by hand, or the short name of the error's type (`Error` where the type has been erased or
    /// is a text).
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
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }
}

impl<E: Error + 'static> From<E> for PluginError {
    fn from(error: E) -> Self {
        Self::from_named(Box::new(error), std::any::type_name::<E>())
    }
}

impl From<PluginError> for Box<dyn Error> {
    fn from(error: PluginError) -> Self {
        Box::new(Carrier(error))
    }
}

impl From<PluginError> for Box<dyn Error + Send + Sync> {
    fn from(error: PluginError) -> Self {
        Box::new(Carrier(error))
    }
}

impl Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.name, self.0.message)
    }
}

/// Carries a [`PluginError`] through a boxed error and back.
#[derive(Debug)]
struct Carrier(PluginError);

impl Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Carrier {}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error with that many errors behind it.
    #[derive(Debug)]
    struct Chain(u32, Option<Box<Chain>>);

    impl Chain {
        fn of(length: u32) -> Self {
            (1..=length).fold(Self(0, None), |behind, number| Self(number, Some(Box::new(behind))))
        }
    }

    impl Display for Chain {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "number {}", self.0)
        }
    }

    impl Error for Chain {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|behind| behind as &dyn Error)
        }
    }

    #[test]
    fn an_error_by_question_mark_keeps_its_type_name_and_causes() {
        let error = PluginError::from(Chain::of(2));
        assert_eq!((error.name(), error.message()), ("Chain", "number 2"));
        assert_eq!(error.causes(), ["number 1", "number 0"]);
    }

    #[test]
    fn causes_end_at_their_limit() {
        for (length, told) in [(31, 31), (32, 32), (33, 32)] {
            assert_eq!(PluginError::from(Chain::of(length)).causes().len(), told);
        }
        let by_hand = (0..33).fold(PluginError::new("Mine", ""), PluginError::with_cause);
        assert_eq!(by_hand.causes().len(), 32);
    }

    #[test]
    fn boxing_and_unboxing_changes_nothing() {
        let mine = PluginError::new("Mine", "text").with_code(7).with_detail("k", "v").with_cause("c");
        let boxed: Box<dyn Error> = mine.into();
        let back = PluginError::from_boxed(boxed);
        assert_eq!((back.name(), back.message(), back.code()), ("Mine", "text", Some("7")));
        assert_eq!(back.details().get("k").map(String::as_str), Some("v"));
        assert_eq!(back.causes(), ["c"]);
    }
}
