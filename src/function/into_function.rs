//! From a closure, a function or a [`Function`] to a [`Function`]; and `function!`, which keeps the source.

use std::cell::Cell;
use std::marker::PhantomData;

use serde::Serialize;

use super::callable::Callable;
use super::definition::{Fallible, Function, Plain};
use super::failure::BoxError;

/// What can be defined as a function: a closure or function of 0 to 8 owned parameters with written types, after an
/// optional `&Context`, that returns a value or a `Result`; or a [`Function`].
///
/// `M` is inferred. A returned `Result` is the call's outcome when its error converts into
/// `Box<dyn Error + Send + Sync>`. Where that error is also `Serialize` (such as `String`) the compiler cannot
/// choose: write [`function!`](crate::function!) or [`fallible`] around the closure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be defined as a function of the registry",
    label = "not a function that workers can run",
    note = "it must be a closure or `fn` of 0 to 8 owned parameters with written types, after an optional `&Context`; not `async`",
    note = "parameters must be `DeserializeOwned + Send + 'static`, so owned: `String` instead of `&str`",
    note = "the result must be `Serialize + Send + 'static`, or a `Result` of such a value and an error that converts into `Box<dyn Error + Send + Sync>`",
    note = "what it captures must be `Send + Sync + 'static`: `move` it in, share it by `Arc`, not by `Rc` or a borrow"
)]
pub trait IntoFunction<M> {
    /// The function, ready to be defined.
    fn into_function(self) -> Function;
}

/// Marks a function whose result is its value.
#[derive(Debug)]
pub enum ReturnsValue {}

/// Marks a function whose result is its outcome.
#[derive(Debug)]
pub enum ReturnsResult {}

/// Marks what is a [`Function`] already.
#[derive(Debug)]
pub enum IsFunction {}

impl<F, M> IntoFunction<(ReturnsValue, M)> for F
where
    F: Callable<M>,
    F::Output: Serialize + Send + 'static,
    M: 'static,
{
    fn into_function(self) -> Function {
        Function::from_handler::<F, M, F::Output>(Plain::<F, M>(self, PhantomData))
    }
}

impl<F, M, T, E> IntoFunction<(ReturnsResult, M, T, E)> for F
where
    F: Callable<M, Output = Result<T, E>>,
    T: Serialize + Send + 'static,
    E: Into<BoxError> + 'static,
    M: 'static,
{
    fn into_function(self) -> Function {
        fallible(self)
    }
}

impl IntoFunction<IsFunction> for Function {
    fn into_function(self) -> Function {
        self
    }
}

/// A function whose `Result` is its outcome, said outright: for errors that are `Serialize` too, such as `String`.
///
/// # Examples
///
/// ```
/// use wpc::{Wpc, fallible};
/// let wpc = Wpc::builder().build()?;
/// wpc.define_function("half", fallible(|n: u64| -> Result<u64, String> {
///     if n % 2 == 0 { Ok(n / 2) } else { Err(format!("{n} is odd")) }
/// }))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fallible<F, M, T, E>(function: F) -> Function
where
    F: Callable<M, Output = Result<T, E>>,
    T: Serialize + Send + 'static,
    E: Into<BoxError> + 'static,
    M: 'static,
{
    Function::from_handler::<F, M, T>(Fallible::<F, M>(function, PhantomData))
}

/// Chooses, in [`function!`](crate::function!), whether a `Result` is an outcome or a value.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "it lives for one expression of the macro")]
pub struct Probe<F, M>(Cell<Option<F>>, PhantomData<M>);

impl<F: Callable<M>, M> Probe<F, M> {
    #[doc(hidden)]
    pub fn new(function: F) -> Self {
        Self(Cell::new(Some(function)), PhantomData)
    }

    fn take(&self) -> F {
        self.0.take().expect("the macro builds from a probe once")
    }
}

/// The first choice: the result is an outcome.
#[doc(hidden)]
pub trait BuildFallible {
    fn wpc_build(&self, text: &str) -> Function;
}

impl<F, M, T, E> BuildFallible for Probe<F, M>
where
    F: Callable<M, Output = Result<T, E>>,
    T: Serialize + Send + 'static,
    E: Into<BoxError> + 'static,
    M: 'static,
{
    fn wpc_build(&self, text: &str) -> Function {
        fallible(self.take()).with_text(text)
    }
}

/// The second choice, found one reference further: the result is a value.
#[doc(hidden)]
pub trait BuildPlain {
    fn wpc_build(&self, text: &str) -> Function;
}

impl<F, M> BuildPlain for &Probe<F, M>
where
    F: Callable<M>,
    F::Output: Serialize + Send + 'static,
    M: 'static,
{
    fn wpc_build(&self, text: &str) -> Function {
        self.take().into_function().with_text(text)
    }
}

/// A [`Function`] that keeps its source: its hash is the SHA-1 of its tokens, its signature names its
/// parameters, and what it takes by literal name from its context is recorded as required.
///
/// Blanks, line endings and comments do not change the hash; any token does, a trailing comma included (a false
/// alarm). It is of these tokens and no others: what a closure captures, and what a path such as `function!(job)` stands for, may
/// change under the same hash. Recorded are the literal names in `ctx.constant::<T>("NAME")`, where `ctx` is the
/// parameter of type `&Context`; computed names work when they run, but are not checked before.
///
/// # Examples
///
/// ```
/// use wpc::{Context, FunctionError, Wpc, function};
/// let wpc = Wpc::builder().build()?;
/// wpc.define_constant("PREFIX", String::from("api"))?;
/// wpc.define_function("label", function!(|ctx: &Context, path: String| -> Result<String, FunctionError> {
///     Ok(format!("{}:{path}", ctx.constant::<String>("PREFIX")?))
/// }))?;
/// let info = &wpc.functions()[0];
/// assert_eq!(info.signature, "(path: String) -> String");
/// assert_eq!(info.requires[0].name(), "PREFIX");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! function {
    ($($tokens:tt)*) => {{
        #[allow(unused_imports)] // tidy: macro. One of the two is used, whichever fits the result.
        use $crate::__private::{BuildFallible as _, BuildPlain as _};
        let __wpc_function = $($tokens)*;
        (&$crate::__private::Probe::new(__wpc_function)).wpc_build(::core::stringify!($($tokens)*))
    }};
}
