//! The worker under the calling thread, if it is one: nested calls run there.

use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use crate::clock::Moment;
use crate::function::{Argument, Context, Host, Wanted, unbox};
use crate::id::PoolId;
use crate::sync::{Held, local};
use crate::value::Value;

use super::cell::Call;
use super::chain::{Chain, Link};
use super::error::{CallError, RejectReason};
use super::request::{Request, Target, Terms};
use super::waits::Position;

/// The inside of a worker, as calls made on its thread see it.
pub(crate) trait Inside: Host {
    fn pool_id(&self) -> PoolId;

    /// Whether the worker has been abandoned: its function can call nothing any more.
    fn is_abandoned(&self) -> bool;

    /// Looks the function up and runs it here and now, inside the function that calls it.
    fn call_inline(&self, request: Request<'_>) -> Result<Value, CallError>;

    /// A panic begins on this thread.
    fn note_panic(&self, panic: &PanicHookInfo<'_>);

    /// Runs a call of this pool that still waits, here and now; nothing happens if it does not wait any more.
    fn run_here(&self, call: &Held<Call>);

    /// Where a wait of this worker stands, for others to see.
    fn position(&self) -> Position;

    /// What a call that goes to a queue inherits of the innermost running function; none while no function runs.
    fn outgoing(&self) -> Option<Outgoing>;
}

/// What a call to another pool inherits, and one to the own pool that is not run inline.
pub(crate) struct Outgoing {
    /// The function's own.
    pub(crate) deadline: Moment,
    /// The function's own.
    pub(crate) chain: Chain,
    /// The call in whose function it is made.
    pub(crate) link: Link,
}

local! {
    static CURRENT: RefCell<Option<Rc<dyn Inside>>> = RefCell::new(None);
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

impl Context<'_> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;
    use crate::function::{Constant, Dependency, Instance, InstanceError, Locals};
    use crate::id::WorkerId;

    /// A worker that is asked for its pool alone.
    struct Somebody(PoolId);

    const NEVER: &str = "nobody asks";

    impl Host for Somebody {
        fn worker_id(&self) -> WorkerId {
            unreachable!("{NEVER}")
        }

        fn clock(&self) -> &Clock {
            unreachable!("{NEVER}")
        }

        fn constant(&self, _: &str) -> Option<Arc<Constant>> {
            unreachable!("{NEVER}")
        }

        fn locals(&self) -> &Locals {
            unreachable!("{NEVER}")
        }

        fn dependency(&self, _: &str) -> Option<Arc<Dependency>> {
            unreachable!("{NEVER}")
        }

        fn instance(&self, _: &Arc<Dependency>) -> Result<Rc<dyn Instance>, InstanceError> {
            unreachable!("{NEVER}")
        }

        fn taint(&self) {
            unreachable!("{NEVER}")
        }
    }

    impl Inside for Somebody {
        fn pool_id(&self) -> PoolId {
            self.0
        }

        fn is_abandoned(&self) -> bool {
            unreachable!("{NEVER}")
        }

        fn call_inline(&self, _: Request<'_>) -> Result<Value, CallError> {
            unreachable!("{NEVER}")
        }

        fn note_panic(&self, _: &PanicHookInfo<'_>) {}

        fn run_here(&self, _: &Held<Call>) {
            unreachable!("{NEVER}")
        }

        fn position(&self) -> Position {
            unreachable!("{NEVER}")
        }

        fn outgoing(&self) -> Option<Outgoing> {
            unreachable!("{NEVER}")
        }
    }

    #[test]
    fn a_thread_is_a_worker_s_until_the_guard_drops_which_lets_go_of_the_worker() {
        let (pool, other) = (PoolId::next(), PoolId::next());
        let somebody = Rc::new(Somebody(pool));
        assert!(!is_inside());
        let entered = enter(Rc::clone(&somebody) as Rc<dyn Inside>);
        assert!(is_inside() && inside_of(pool).is_some() && inside_of(other).is_none());
        drop(entered);
        assert!(!is_inside() && inside_of(pool).is_none());
        assert_eq!(Rc::strong_count(&somebody), 1);
    }
}
