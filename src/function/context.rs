//! [`Context`]: what a running function can ask of the worker and of its own call.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use serde::de::DeserializeOwned;

use crate::clock::{Clock, Moment};
use crate::id::{CallId, WorkerId};

use super::constant::{Constant, ConstantError};
use super::dependency::{Dependency, Instance, InstanceError};
use super::local::{LocalInUse, Locals};

/// The worker under a running function.
pub(crate) trait Host {
    fn worker_id(&self) -> WorkerId;

    fn clock(&self) -> &Clock;

    /// The newest version that this worker has of a constant, for names that no function records.
    fn constant(&self, name: &str) -> Option<Arc<Constant>>;

    fn locals(&self) -> &Locals;

    /// The newest version that this worker has of a dependency, for aliases that no function records.
    fn dependency(&self, alias: &str) -> Option<Arc<Dependency>>;

    /// This worker's instance of a dependency, made now if there is none yet.
    fn instance(&self, dependency: &Arc<Dependency>) -> Result<Rc<dyn Instance>, InstanceError>;

    /// Has the worker drop its local state and its instances after the outermost call, as after a panic.
    fn taint(&self);
}

/// Tells whether a call has been asked to end early.
pub(crate) trait Interrupt {
    fn is_interrupted(&self) -> bool;
}

/// What a context shows of the call that it belongs to.
pub(crate) struct ContextOf<'a> {
    pub(crate) call_id: CallId,
    pub(crate) function: &'a Arc<str>,
    pub(crate) deadline: Moment,
    pub(crate) constants: &'a [Arc<Constant>],
    pub(crate) dependencies: &'a [Arc<Dependency>],
    pub(crate) interrupt: &'a dyn Interrupt,
}

/// A running function's view of its call and its worker: a parameter of type `&Context`, before the others.
///
/// It belongs to the worker's thread and to this one call, and cannot leave either.
pub struct Context<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) of: ContextOf<'a>,
}

/// The call was cancelled, its deadline has passed, or the pool is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("call {call_id} is to end early: it was cancelled, has passed its deadline, or the pool is stopping")]
pub struct Interrupted {
    /// The call.
    pub call_id: CallId,
}

impl<'a> Context<'a> {
    pub(crate) fn new(host: &'a dyn Host, of: ContextOf<'a>) -> Self {
        Self { host, of }
    }

    /// The slot that the function runs on.
    pub fn worker_id(&self) -> WorkerId {
        self.host.worker_id()
    }

    /// The call that the function runs for.
    pub fn call_id(&self) -> CallId {
        self.of.call_id
    }

    /// When the call's time is up; none for a call without a deadline.
    pub fn deadline(&self) -> Option<Instant> {
        self.host.clock().instant(self.of.deadline)
    }

    /// Whether the result is still of use: true once the call was cancelled, its deadline has passed, or the pool
    /// stops and wants the worker back. A long function looks now and then and returns early.
    pub fn is_cancelled(&self) -> bool {
        self.of.interrupt.is_interrupted()
            || self.of.deadline != Moment::NEVER && self.host.clock().moment() >= self.of.deadline
    }

    /// [`Context::is_cancelled`], to be used with `?`.
    ///
    /// # Errors
    ///
    /// [`Interrupted`] when the call is to end early.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.is_cancelled() { Err(Interrupted { call_id: self.of.call_id }) } else { Ok(()) }
    }

    /// The constant `name` as a `T`.
    ///
    /// For a constant that the function records (a literal name in [`function!`](crate::function!), or
    /// [`Function::requires`](crate::Function::requires)) it is the version that the call was bound to when it was accepted; else the newest
    /// that this worker has. Where `T` is the type that it was defined with, all workers share the one value;
    /// another type is converted once per worker and version.
    ///
    /// # Errors
    ///
    /// [`ConstantError::NotDefined`] when there is none of that name, [`ConstantError::Type`] when its value does not fit
    /// `T`.
    pub fn constant<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        name: &str,
    ) -> Result<Arc<T>, ConstantError> {
        let bound = self.of.constants.iter().find(|constant| constant.name.as_str() == name).cloned();
        let constant = bound
            .or_else(|| self.host.constant(name))
            .ok_or_else(|| ConstantError::NotDefined { name: name.to_owned() })?;
        if let Some(value) = constant.value.shared() {
            return Ok(value);
        }
        self.host
            .locals()
            .converted(&constant.name.shared(), constant.version, || constant.value.converted())
            .map_err(|misfit| ConstantError::Type { name: name.to_owned(), misfit })
    }

    /// Lends state that this worker keeps for this function: made by `init` at the first use on each worker run,
    /// dropped with that run. It is kept by the function's name and the type `T`, also over redefinitions of that name
    /// until it is undefined; no lock is taken.
    ///
    /// # Errors
    ///
    /// [`LocalInUse`] when a call of the same function further out on this worker is using the state.
    ///
    /// # Examples
    ///
    /// ```
    /// use wpc::{Context, LocalInUse, Wpc};
    /// let wpc = Wpc::builder().build()?;
    /// wpc.define_function("count", |ctx: &Context| -> Result<u64, LocalInUse> {
    ///     ctx.local(|| 0_u64, |count| { *count += 1; *count })
    /// })?;
    /// wpc.start_workers(1)?;
    /// assert_eq!(wpc.call::<u64>("count", ())?, 1);
    /// assert_eq!(wpc.call::<u64>("count", ())?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn local<T: 'static, R>(
        &self,
        init: impl FnOnce() -> T,
        use_it: impl FnOnce(&mut T) -> R,
    ) -> Result<R, LocalInUse> {
        self.host.locals().lend(self.of.function, init, use_it)
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("worker_id", &self.worker_id())
            .field("call_id", &self.of.call_id)
            .field("function", &self.of.function)
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}
