//! [`CallRequest`]: one call on terms of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::call::{CallError, Limit, Pending, Request, Target, Terms};
use crate::function::{Argument, Wanted, unbox};
use crate::hash::Hash;
use crate::pool::Pool;

/// A call to be made, with its terms; made by [`Wpc::request`](crate::Wpc::request).
#[derive(Clone, Copy)]
#[must_use = "a request does nothing until it is called or submitted"]
pub struct CallRequest<'a> {
    pool: &'a Arc<Pool>,
    function: &'a str,
    terms: Terms,
}

impl<'a> CallRequest<'a> {
    pub(super) fn new(pool: &'a Arc<Pool>, function: &'a str) -> Self {
        Self { pool, function, terms: Terms::default() }
    }

    /// The call may take so long from its acceptance, waiting in a queue included. What lies beyond the end of the
    /// clock counts as no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.terms.limit = Limit::After(timeout);
        self
    }

    /// The call may take as long as it needs. A call that a function makes with `call`, and so waits for, still has the deadline of the
    /// calling function, or the pool's default.
    pub fn no_timeout(mut self) -> Self {
        self.terms.limit = Limit::None;
        self
    }

    /// Runs only if the function's hash is this one; else the call is rejected with both.
    ///
    /// A hash tells as much as it was made of ([`HashOf`](crate::HashOf)): without [`function!`](crate::function!),
    /// [`Function::source`](crate::Function::source) or another [`Function::label`](crate::Function::label) a redefinition of the same
    /// signature has the same hash, and passes.
    pub fn pin(mut self, hash: Hash) -> Self {
        self.terms.pin = Some(hash);
        self
    }

    /// Lower goes first among the calls that wait at one worker; equal ones in the order of their coming. Default 0.
    pub fn priority(mut self, priority: i32) -> Self {
        self.terms.priority = priority;
        self
    }

    /// Calls and waits; see [`Wpc::call`](crate::Wpc::call).
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Blocking
    ///
    /// Until the call ends, at the latest at its deadline, which counts from acceptance: arguments are converted before that, on this
    /// thread, for as long as it takes.
    pub fn call<R>(self, arguments: impl Argument) -> Result<R, CallError>
    where
        R: DeserializeOwned + Send + 'static,
    {
        self.pool.call(self.made::<R>(arguments)).map(unbox)
    }

    /// Submits the call and does not wait.
    ///
    /// # Errors
    ///
    /// [`CallError::Rejected`] when it is not accepted.
    pub fn submit<R>(self, arguments: impl Argument) -> Result<Pending<R>, CallError>
    where
        R: DeserializeOwned + Send + 'static,
    {
        let call = self.pool.submit(self.made::<R>(arguments))?;
        Ok(Pending::new(call))
    }

    fn made<R>(&self, arguments: impl Argument) -> Request<'a>
    where
        R: DeserializeOwned + Send + 'static,
    {
        let cargo = arguments.carry().0;
        Request { target: Target::Name(self.function), cargo, wanted: Wanted::of::<R>(), terms: self.terms }
    }
}

impl fmt::Debug for CallRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRequest").field("function", &self.function).field("terms", &self.terms).finish()
    }
}
