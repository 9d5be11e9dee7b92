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
use crate::event::{Event, ListenerId, SubscribeError, Subscription};
use crate::function::{Argument, IntoFunction};
use crate::id::{PoolId, Version};
use crate::plugin::Dylib;
use crate::pool::{Defined, Pool, StartError, Started, Stats, StopError, StopReport, WaitError, WorkerInfo};
use crate::registry::{ConstantInfo, DefineError, DependencyInfo, FunctionInfo};

/// A registry of functions, constants and dependencies, and the pool of workers that runs them.
///
/// It is a handle: clones share one pool. Dropping the last one stops the workers without draining: what waits is
/// cancelled, and what runs has the overrun grace to return. On a worker's own thread the drop does not wait for that. A function that captures a
/// `Wpc` or a [`FunctionHandle`] keeps that pool alive, its own or another: two pools whose functions capture each other keep
/// both alive for ever. Let it use its [`Context`](crate::Context), or capture [`Wpc::downgrade`].
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
        if is_inside() || self.pool.is_own_thread() || self.pool.is_listener() {
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

    /// Defines or redefines a dependency: a library that functions reach by [`Context::import`](crate::Context::import).
    ///
    /// It is read, checked and loaded first, on a thread that loads one library at a time for the whole process. Then each
    /// worker that serves builds an instance of its own between two calls, which runs the library's `init`. If any of them fails,
    /// nothing has changed and the version before serves on. A worker that is inside a call all the while is
    /// [`Defined::pending`]: it builds its instance before it runs anything that needs it.
    ///
    /// The same bytes under the same path and export change nothing. A library is never unloaded: each redefinition
    /// with other bytes keeps the memory of the one before.
    ///
    /// A plugin is native code of this process: it is trusted entirely.
    ///
    /// # Errors
    ///
    /// [`DefineError::Name`] as for functions; [`DefineError::Load`] with what is wrong with the library;
    /// [`DefineError::Install`] naming the workers on which its `init` failed, panicked or did not return in time, and
    /// the cause; [`DefineError::Stopped`] if the pool is stopped meanwhile; [`DefineError::Busy`] if another dependency
    /// is being defined for so long; [`DefineError::TooMany`] beyond [`DEPENDENCIES_MAX`](crate::DEPENDENCIES_MAX);
    /// [`DefineError::WouldDeadlock`] on a worker of this pool or in one of its listeners. Nothing has changed then.
    ///
    /// # Blocking
    ///
    /// Until every worker that serves has its instance. A worker inside a call is waited for too, at most until
    /// `control_timeout` (10 s) is over; the file is read besides.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use wpc::{Context, Dylib, ImportError, Wpc, function};
    /// let wpc = Wpc::builder().build()?;
    /// wpc.define_dependency("text", Dylib::at("plugins/libtext.so"))?;
    /// let base = function!(|ctx: &Context, path: String| -> Result<String, ImportError> {
    ///     ctx.import("text")?.call("basename", path)
    /// });
    /// wpc.define_function("base", base)?;
    /// wpc.start_workers(2)?;
    /// assert_eq!(wpc.call::<String>("base", "notes/example.txt")?, "example.txt");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn define_dependency(&self, alias: &str, library: impl Into<Dylib>) -> Result<Defined, DefineError> {
        self.pool().define_dependency(alias, &library.into())
    }

    /// Takes a dependency away: new calls of functions that require it are rejected, accepted ones keep the version that
    /// they were bound to. True if there was one of that alias.
    ///
    /// # Errors
    ///
    /// [`DefineError::Name`] for what cannot be an alias.
    pub fn undefine_dependency(&self, alias: &str) -> Result<bool, DefineError> {
        let gone = self.pool().registry().undefine_dependency(alias)?;
        self.pool().undefined();
        Ok(gone.is_some())
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

    /// Stops the workers: nothing new is accepted but what the functions that are drained call themselves, through other
    /// pools too; what was accepted is drained until `stop_timeout` less the overrun
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
    /// At most `stop_timeout` (10 s). What [`Wpc::workers`] tells of each worker is gone after it; [`Wpc::stats`] stays.
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
    /// Until the call ends, at the latest at its deadline, which counts from acceptance: arguments are converted before that, on this
    /// thread, for as long as it takes.
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

    /// The dependencies that are defined now, sorted by alias.
    pub fn dependencies(&self) -> Vec<DependencyInfo> {
        self.pool().dependencies()
    }

    /// The workers, sorted by id; empty while they are not running.
    pub fn workers(&self) -> Vec<WorkerInfo> {
        self.pool().workers()
    }

    /// The pool's counters.
    pub fn stats(&self) -> Stats {
        self.pool().stats()
    }

    /// Has `listener` called with each event of the pool from now on, in their order, on a thread of its own. Nobody waits for it:
    /// if it is slow, [`WpcBuilder::event_buffer`] events wait for it, and one
    /// [`EventsDropped`](crate::EventName::EventsDropped) tells how many it has missed.
    ///
    /// A panic in it is caught; after the third it is dropped, and
    /// [`ListenerDropped`](crate::EventName::ListenerDropped) says so. It may use the pool, but not stop it or define dependencies.
    ///
    /// # Errors
    ///
    /// [`SubscribeError`] beyond [`LISTENERS_MAX`](crate::LISTENERS_MAX) listeners and subscriptions, or if its thread cannot be had.
    ///
    /// # Examples
    ///
    /// ```
    /// use wpc::Wpc;
    /// let wpc = Wpc::builder().build()?;
    /// let id = wpc.on_worker_event(|event| eprintln!("{} {}", event.event_id, event.event_name))?;
    /// wpc.start_workers(1)?;
    /// wpc.off_worker_event(id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_worker_event(
        &self,
        listener: impl FnMut(&Event) + Send + 'static,
    ) -> Result<ListenerId, SubscribeError> {
        self.pool().bus().listen(listener)
    }

    /// Removes a listener: nothing is delivered to it after this returned. True if there was one of that id.
    ///
    /// # Blocking
    ///
    /// Until the callback in progress has returned, at most `control_timeout`; not at all inside that callback.
    pub fn off_worker_event(&self, id: ListenerId) -> bool {
        self.pool().stop_listening(id)
    }

    /// The events of the pool from now on, in their order, for whoever reads them: [`WpcBuilder::event_buffer`] of them
    /// wait, then the oldest go, and one [`EventsDropped`](crate::EventName::EventsDropped) tells how many.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::TooMany`] beyond [`LISTENERS_MAX`](crate::LISTENERS_MAX) listeners and subscriptions.
    ///
    /// # Examples
    ///
    /// ```
    /// use wpc::{EventName, Wpc};
    /// let wpc = Wpc::builder().build()?;
    /// let events = wpc.subscribe()?;
    /// wpc.start_workers(1)?;
    /// assert!(events.drain().iter().any(|event| event.event_name == EventName::WorkerReady));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscribe(&self) -> Result<Subscription, SubscribeError> {
        self.pool().bus().subscribe()
    }

    /// The pool's identity in this process, by which [`RejectReason::WouldDeadlock`](crate::RejectReason::WouldDeadlock)
    /// names it.
    pub fn id(&self) -> PoolId {
        self.pool().id()
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
