//! [`Wpc`]: the public face. It wires and delegates.

mod builder;
mod call_request;
mod handle;

pub use builder::{BuildError, WpcBuilder};
pub use call_request::CallRequest;
pub use handle::FunctionHandle;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::current::is_inside;
use crate::call::{CallError, Pending};
use crate::function::{Argument, IntoFunction};
use crate::id::Version;
use crate::pool::{Defined, Pool, StartError, Started, Stats, StopError, StopReport, WaitError, WorkerInfo};
use crate::registry::{ConstantInfo, DefineError, FunctionInfo};

/// A registry of functions and constants, and the pool of workers that runs them.
///
/// It is a handle: clones share one pool. Dropping the last one stops the workers without draining: what waits is
/// cancelled, and what runs has the overrun grace to return. On a worker's own thread the drop does not wait for that. A function that captures a
/// `Wpc` keeps its own pool alive: let it use its [`Context`](crate::Context), or capture [`Wpc::downgrade`].
///
/// # Examples
///
/// ```
/// use wpc::Wpc;
/// let wpc = Wpc::builder().build()?;
/// wpc.define_function("add", |a: u64, b: u64| a + b)?;
/// wpc.start_workers(2)?;
/// let sum: u64 = wpc.call("add", (2_u64, 3_u64))?;
/// assert_eq!(sum, 5);
/// wpc.stop_workers()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Wpc {
    owner: Arc<Owner>,
}

/// A [`Wpc`] that does not keep the pool alive.
#[derive(Clone)]
pub struct WeakWpc {
    owner: Weak<Owner>,
}

/// What all clones of one handle share: dropped, the pool stops.
struct Owner {
    pool: Arc<Pool>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        if is_inside() || self.pool.is_own_thread() {
            self.pool.detach();
        } else {
            // It cannot fail: this thread is no worker, and no start is under way without a handle.
            let _ = self.pool.stop_now();
        }
    }
}

impl Wpc {
    /// A builder with the documented defaults.
    pub fn builder() -> WpcBuilder {
        WpcBuilder::default()
    }

    pub(crate) fn new(pool: Pool) -> Self {
        Self { owner: Arc::new(Owner { pool: Arc::new(pool) }) }
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.owner.pool
    }

    /// Defines or redefines a function, before or while workers run: every call that is accepted after this returned
    /// runs it, and calls accepted before run the version that they were bound to.
    ///
    /// The same code with nothing captured, under the same label and requirements, changes nothing; everything else is
    /// a new version, even where the hash is equal.
    ///
    /// # Errors
    ///
    /// [`DefineError::Name`] for a name outside `[A-Za-z_][A-Za-z0-9_.:-]*` or over 255 bytes, of the function or of
    /// something that it requires; [`DefineError::ResultAsValue`] for a `Result` whose error is plain data;
    /// [`DefineError::TooMany`] beyond [`DEFINITIONS_MAX`](crate::DEFINITIONS_MAX) functions. Nothing has changed then.
    ///
    /// # Blocking
    ///
    /// Until every worker that is not inside a call has acknowledged the new version: a wake-up, some 50 us, and at
    /// most `control_timeout`. Workers inside a call are not waited for; they are [`Defined::pending`].
    pub fn define_function<M>(
        &self,
        name: &str,
        function: impl IntoFunction<M>,
    ) -> Result<Defined, DefineError> {
        let change = self.pool().registry().define_function(name, function.into_function())?;
        Ok(self.pool().defined(change))
    }

    /// Defines or redefines a constant, of any type that can be encoded. It is moved in; all workers share the one
    /// value. Every define is a new version.
    ///
    /// # Errors
    ///
    /// [`DefineError::Name`] as for functions; [`DefineError::Encoding`] for a value that cannot be encoded;
    /// [`DefineError::TooMany`] beyond [`DEFINITIONS_MAX`](crate::DEFINITIONS_MAX) constants. Nothing has changed then.
    ///
    /// # Blocking
    ///
    /// As [`Wpc::define_function`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use wpc::{ConstantError, Context, Wpc};
    /// let wpc = Wpc::builder().build()?;
    /// wpc.define_constant("PORTS", BTreeMap::from([("http".to_owned(), 80_u16)]))?;
    /// wpc.define_function("port", |ctx: &Context, name: String| -> Result<Option<u16>, ConstantError> {
    ///     Ok(ctx.constant::<BTreeMap<String, u16>>("PORTS")?.get(&name).copied())
    /// })?;
    /// wpc.start_workers(1)?;
    /// assert_eq!(wpc.call::<Option<u16>>("port", "http")?, Some(80));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn define_constant<T>(&self, name: &str, value: T) -> Result<Defined, DefineError>
    where
        T: Serialize + Send + Sync + 'static,
    {
        let change = self.pool().registry().define_constant(name, value)?;
        Ok(self.pool().defined(change))
    }

    /// Takes a function away: new calls are rejected, accepted ones are not touched. True if there was one of that
    /// name.
    ///
    /// # Errors
    ///
    /// [`DefineError::Name`] for what cannot be a name.
    pub fn undefine_function(&self, name: &str) -> Result<bool, DefineError> {
        let gone = self.pool().registry().undefine_function(name)?;
        self.pool().undefined();
        Ok(gone.is_some())
    }

    /// Takes a constant away: new calls of functions that require it are rejected, accepted ones keep the version that
    /// they were bound to. True if there was one of that name.
    ///
    /// # Errors
    ///
    /// [`DefineError::Name`] for what cannot be a name.
    pub fn undefine_constant(&self, name: &str) -> Result<bool, DefineError> {
        let gone = self.pool().registry().undefine_constant(name)?;
        self.pool().undefined();
        Ok(gone.is_some())
    }

    /// Waits until every worker has acknowledged that version of the registry; how many these are (0 without
    /// workers).
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`], naming the workers that have not; [`WaitError::WouldDeadlock`] on a worker of this pool.
    ///
    /// # Blocking
    ///
    /// Until then, at most for `timeout`.
    pub fn wait_installed(&self, version: Version, timeout: Duration) -> Result<usize, WaitError> {
        self.pool().wait_installed(version, timeout)
    }

    /// Starts `count` workers, in parallel. After a stop it may be any number again.
    ///
    /// # Errors
    ///
    /// [`StartError::Count`] unless 1 to [`WORKERS_MAX`](crate::WORKERS_MAX); [`StartError::AlreadyRunning`];
    /// [`StartError::Busy`] while another thread starts or stops; [`StartError::NoneReady`] if not one worker is ready
    /// by `start_timeout`; [`StartError::Thread`] if the pool's own threads cannot be had. No worker runs then that did
    /// not before.
    ///
    /// # Blocking
    ///
    /// Until each worker is ready or has failed, at most `start_timeout` (10 s), plus the overrun grace if none is ready.
    pub fn start_workers(&self, count: usize) -> Result<Started, StartError> {
        self.pool().start(count)
    }

    /// Stops the workers: nothing new is accepted; what was accepted is drained until `stop_timeout` less the overrun
    /// grace; then what waits is cancelled, and what runs is asked to return; at `stop_timeout` what still runs is
    /// cancelled and its thread abandoned. Without workers it does nothing. Concurrent stops share one report.
    ///
    /// # Errors
    ///
    /// [`StopError::WouldDeadlock`] on a worker of this pool, and in a waker that the pool wakes on a thread of its own;
    /// [`StopError::Starting`] if a start lasts as long.
    ///
    /// # Blocking
    ///
    /// At most `stop_timeout` (10 s).
    pub fn stop_workers(&self) -> Result<StopReport, StopError> {
        self.pool().stop()
    }

    /// Asks for a stop, as [`Wpc::stop_workers`], and does not wait for it. It works on workers too.
    ///
    /// # Errors
    ///
    /// [`StopError::Thread`] if the thread that carries it out cannot be had.
    pub fn request_stop(&self) -> Result<(), StopError> {
        self.pool().request_stop(self.clone())
    }

    /// Calls a function and waits for its result, with the default deadline (`call_timeout`).
    ///
    /// Arguments and result of the function's own types are moved; others are converted where they fit: `3` alone is an
    /// `i32`, so `3_u64` saves the conversion to a `u64`. On a worker of
    /// this pool the function runs there and then, inside the calling one.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Blocking
    ///
    /// Until the call ends, at the latest at its deadline.
    pub fn call<R>(&self, function: &str, arguments: impl Argument) -> Result<R, CallError>
    where
        R: DeserializeOwned + Send + 'static,
    {
        self.request(function).call(arguments)
    }

    /// Submits a call and does not wait for its result.
    ///
    /// # Errors
    ///
    /// [`CallError::Rejected`] when it is not accepted; every other outcome comes by the [`Pending`].
    pub fn submit<R>(&self, function: &str, arguments: impl Argument) -> Result<Pending<R>, CallError>
    where
        R: DeserializeOwned + Send + 'static,
    {
        self.request(function).submit(arguments)
    }

    /// A call on terms of its own: timeout, pinned hash, priority.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use wpc::Wpc;
    /// let wpc = Wpc::builder().build()?;
    /// wpc.define_function("add", |a: u64, b: u64| a + b)?;
    /// wpc.start_workers(1)?;
    /// let hash = wpc.function_info("add").expect("it was just defined").function_hash_sha1;
    /// let sum: u64 = wpc.request("add").timeout(Duration::from_secs(1)).pin(hash).priority(-1).call((2_u64, 3_u64))?;
    /// assert_eq!(sum, 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn request<'a>(&'a self, function: &'a str) -> CallRequest<'a> {
        CallRequest::new(self.pool(), function)
    }

    /// A typed handle to a function whose arguments are `A` and whose result is `R`, exactly: it checks that once per
    /// version.
    ///
    /// # Errors
    ///
    /// [`CallError::Rejected`] with `NotDefined`, or with `Signature` when the types are not the function's own.
    pub fn function<A, R>(&self, name: &str) -> Result<FunctionHandle<A, R>, CallError>
    where
        A: Serialize + Send + 'static,
        R: DeserializeOwned + Send + 'static,
    {
        FunctionHandle::new(self.clone(), name)
    }

    /// The function of that name as it is defined now.
    pub fn function_info(&self, name: &str) -> Option<FunctionInfo> {
        self.pool().function(name)
    }

    /// The functions that are defined now, sorted by name.
    pub fn functions(&self) -> Vec<FunctionInfo> {
        self.pool().functions()
    }

    /// The constants that are defined now, sorted by name.
    pub fn constants(&self) -> Vec<ConstantInfo> {
        self.pool().constants()
    }

    /// The workers, sorted by id; empty while they are not running.
    pub fn workers(&self) -> Vec<WorkerInfo> {
        self.pool().workers()
    }

    /// The pool's counters.
    pub fn stats(&self) -> Stats {
        self.pool().stats()
    }

    /// A handle that does not keep the pool alive.
    pub fn downgrade(&self) -> WeakWpc {
        WeakWpc { owner: Arc::downgrade(&self.owner) }
    }
}

impl WeakWpc {
    /// The handle, unless the last one has been dropped.
    pub fn upgrade(&self) -> Option<Wpc> {
        self.owner.upgrade().map(|owner| Wpc { owner })
    }
}

impl fmt::Debug for Wpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wpc")
            .field("pool", &self.pool().id())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WeakWpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakWpc").field("is_alive", &(self.owner.strong_count() > 0)).finish_non_exhaustive()
    }
}
