//! The worker under the calling thread, if it is one: nested calls run there.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use serde::de::DeserializeOwned;

use crate::function::{Argument, Context, Host, Value, Wanted, unbox};
use crate::id::PoolId;

use super::cell::Call;
use super::chain::Chain;
use super::error::{CallError, RejectReason};
use super::panic::PanicLocation;
use super::request::{Request, Target, Terms};
use super::waits::Waiting;

/// The inside of a worker, as calls made on its thread see it.
pub(crate) trait Inside: Host {
    fn pool_id(&self) -> PoolId;

    /// Whether the worker has been abandoned: its function can call nothing any more.
    fn is_abandoned(&self) -> bool;

    /// Looks the function up and runs it here and now, inside the function that calls it.
    fn call_inline(&self, request: Request<'_>) -> Result<Value, CallError>;

    /// A panic begins on this thread; where, says `at`.
    fn note_panic(&self, at: &dyn Fn() -> PanicLocation);

    /// Runs a call of this pool that still waits, here and now; nothing happens if it does not wait any more.
    fn run_here(&self, call: &Arc<Call>);

    /// Says that the worker waits for a call that it does not run itself, until what comes back drops.
    fn wait_for(&self, call: &Arc<Call>) -> Waiting;

    /// The deadline of the innermost running function, and the chain of a call that it makes to another pool; none
    /// while no function runs.
    fn outgoing(&self) -> Option<Outgoing>;
}

/// What a call to another pool inherits.
pub(crate) struct Outgoing {
    pub(crate) deadline: Option<Instant>,
    /// None if the chain would get too long.
    pub(crate) chain: Option<Chain>,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<dyn Inside>>> = const { RefCell::new(None) };
}

/// The worker under this thread.
pub(crate) fn inside() -> Option<Rc<dyn Inside>> {
    // While the thread's own locals are destroyed it is no worker any more.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Whether this thread is a worker, of whichever pool.
pub(crate) fn is_inside() -> bool {
    inside().is_some()
}

/// The worker under this thread, if it is one of `pool`.
pub(crate) fn inside_of(pool: PoolId) -> Option<Rc<dyn Inside>> {
    inside().filter(|inside| inside.pool_id() == pool)
}

/// Makes this thread a worker's until the guard drops.
pub(crate) fn enter(inside: Rc<dyn Inside>) -> Entered {
    CURRENT.with(|current| *current.borrow_mut() = Some(inside));
    Entered
}

/// See [`enter`].
pub(crate) struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        let last = CURRENT.try_with(|current| current.borrow_mut().take());
        drop(last); // after the borrow: it may hold the worker's last state
    }
}

impl Context {
    /// Calls another function of this pool, on this worker, inside the running function.
    ///
    /// It is bound to the newest version, as any call is. Its deadline is the running call's own or the pool's
    /// default, whichever is earlier. `wpc.call` on a worker of the same pool does the same.
    ///
    /// # Errors
    ///
    /// Every [`CallError`] of a call, [`NestingTooDeep`](crate::RejectReason::NestingTooDeep) beyond
    /// [`NESTING_MAX`](crate::NESTING_MAX) among them. `TimedOut` is reported when the called function returns: it runs on this very thread.
    ///
    /// # Blocking
    ///
    /// As long as the called function runs: its deadline only sets its flag.
    pub fn call<R: DeserializeOwned + Send + 'static>(
        &self,
        name: &str,
        arguments: impl Argument,
    ) -> Result<R, CallError> {
        let (target, cargo) = (Target::Name(name), arguments.carry().0);
        let request = Request { target, cargo, wanted: Wanted::of::<R>(), terms: Terms::default() };
        match inside() {
            Some(inside) => inside.call_inline(request).map(unbox),
            // Only while the thread's own locals are destroyed, after its worker has ended.
            None => Err(request.refuse(RejectReason::NotRunning).into()),
        }
    }
}
