//! [`Worker`]: the state of one worker run, on its own thread; and what functions that run there can ask of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::call::current::{Inside, Outgoing};
use crate::call::{
    Bound, Call, CallError, Chain, Definition, Gate, Hand, Load, NESTING_MAX, Outcome, Phase, RejectReason,
    Rejected, Request, Target,
};
use crate::function::{Constant, Context, ContextOf, Host, Interrupt, Locals, Value, Wanted};
use crate::id::{CallId, PoolId, WorkerId};
use crate::registry::Snapshot;

use super::execute;
use super::slot::Slot;
use super::slots::Slots;

/// One running function.
pub(super) struct Frame {
    pub(super) deadline: Option<Instant>,
    pub(super) chain: Chain,
    pub(super) interrupt: Arc<dyn Interrupt>,
}

/// A worker's own state. Nobody else reaches it.
pub(crate) struct Worker {
    pub(super) slots: Arc<Slots>,
    pub(super) at: usize,
    /// The hand as this thread last moved it; if the slot's differs, the run has been abandoned.
    pub(super) hand: Cell<Hand>,
    pub(super) snapshot: RefCell<Arc<Snapshot>>,
    pub(super) locals: Locals,
    pub(super) frames: RefCell<Vec<Frame>>,
    /// It has run a call to its end, without a panic.
    pub(super) has_served: Cell<bool>,
    /// A function panicked inside the one that runs: the worker recycles after it.
    pub(super) is_tainted: Cell<bool>,
}

/// What one function runs with, wherever its call came from.
pub(super) struct Running<'a> {
    pub(super) call_id: CallId,
    pub(super) definition: &'a Definition,
    pub(super) argument: Value,
    pub(super) wanted: &'a Wanted,
    pub(super) frame: Frame,
}

impl Worker {
    pub(super) fn new(slots: Arc<Slots>, at: usize) -> Self {
        let hand = slots.shift.loads[at].hand();
        let snapshot = RefCell::new(slots.registry.publication().newest());
        Self {
            slots,
            at,
            hand: Cell::new(hand),
            snapshot,
            locals: Locals::default(),
            frames: RefCell::default(),
            has_served: Cell::new(false),
            is_tainted: Cell::new(false),
        }
    }

    pub(super) fn slot(&self) -> &Slot {
        &self.slots.all[self.at]
    }

    pub(super) fn load(&self) -> &Load {
        &self.slots.shift.loads[self.at]
    }

    /// Moves the hand on; false if the run has been abandoned, after which nothing of the slot may be touched.
    pub(super) fn move_hand(&self, to: Hand) -> bool {
        let moved = self.load().move_hand(self.hand.get(), to);
        if moved {
            self.hand.set(to);
        }
        moved
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.load().hand() != self.hand.get()
    }

    /// Runs user code that belongs to no call, in a phase of its own; false if the run has been abandoned.
    pub(super) fn clean(&self, code: impl FnOnce()) -> bool {
        let before = self.hand.get();
        let kept = self.move_hand(Hand { phase: Phase::Cleaning, ..before });
        code(); // on an abandoned run too: what it drops, it drops in its fence
        kept && self.move_hand(before)
    }

    /// Runs the function in a frame of its own.
    pub(super) fn run(self: &Rc<Self>, running: Running<'_>) -> Outcome {
        let of = ContextOf {
            call_id: running.call_id,
            function: running.definition.name.shared(),
            deadline: running.frame.deadline,
            constants: Arc::clone(&running.definition.constants),
            interrupt: Arc::clone(&running.frame.interrupt),
        };
        let context = Context::new(Rc::clone(self) as Rc<dyn Host>, of);
        self.frames.borrow_mut().push(running.frame);
        let outcome = execute::run(running.definition, &context, running.argument, running.wanted);
        self.frames.borrow_mut().pop();
        if matches!(outcome, Outcome::Panicked(_)) {
            self.is_tainted.set(true);
        }
        outcome
    }

    /// Whether another function may run inside those that do.
    fn has_depth(&self) -> bool {
        self.frames.borrow().len() <= NESTING_MAX
    }

    /// Checks everything that can be checked before an inline call is accepted.
    fn bind(&self, request: Request<'_>) -> Result<(Arc<Definition>, Bound), Rejected> {
        if self.is_abandoned() {
            return Err(request.refuse(RejectReason::Abandoned));
        }
        if self.slots.shift.gate() == Gate::Closed {
            return Err(request.refuse(RejectReason::NotRunning));
        }
        if !self.has_depth() {
            return Err(request.refuse(RejectReason::NestingTooDeep { limit: NESTING_MAX }));
        }
        let found = match &request.target {
            Target::Name(name) => self.slots.registry.publication().find(name),
            Target::Definition(definition) => Some(Arc::clone(definition)),
        };
        let Some(definition) = found else { return Err(request.refuse(RejectReason::NotDefined)) };
        let bound = definition.bind(request.cargo, request.terms.pin)?;
        Ok((definition, bound))
    }
}

impl Host for Worker {
    fn worker_id(&self) -> WorkerId {
        self.slot().id
    }

    fn now(&self) -> Instant {
        self.slots.shift.clock.now()
    }

    fn constant(&self, name: &str) -> Option<Arc<Constant>> {
        self.snapshot.borrow().constants.get(name).cloned()
    }

    fn locals(&self) -> &Locals {
        &self.locals
    }
}

/// The inside of a worker as a calling function sees it: the worker, with the right to hand itself on.
pub(super) struct Nest(pub(super) Rc<Worker>);

impl Host for Nest {
    fn worker_id(&self) -> WorkerId {
        self.0.worker_id()
    }

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn constant(&self, name: &str) -> Option<Arc<Constant>> {
        self.0.constant(name)
    }

    fn locals(&self) -> &Locals {
        &self.0.locals
    }
}

impl Inside for Nest {
    fn pool_id(&self) -> PoolId {
        self.0.slots.shift.pool
    }

    fn is_abandoned(&self) -> bool {
        self.0.is_abandoned()
    }

    fn call_inline(&self, request: Request<'_>) -> Result<Value, CallError> {
        let worker = &self.0;
        let shift = &worker.slots.shift;
        let (limit, wanted) = (request.terms.limit, request.wanted);
        let (definition, bound) = worker.bind(request).inspect_err(|_| {
            worker.slots.counts.rejected.fetch_add(1, Ordering::AcqRel);
        })?;
        let tally = &worker.load().tally;
        tally.accept();
        let own = limit.deadline(shift.clock.now(), shift.call_timeout);
        let frame = worker.inner_frame(own);
        let deadline = frame.deadline;
        let outcome = worker.run(Running {
            call_id: CallId::next(),
            definition: &definition,
            argument: bound.argument,
            wanted: &wanted,
            frame,
        });
        let outcome = worker.unless_late(outcome, deadline);
        tally.end(outcome.ending());
        tally.handle();
        outcome.into_result(definition.name.shared())
    }

    fn run_here(&self, call: &Arc<Call>) {
        let worker = &self.0;
        if worker.is_abandoned() || !worker.has_depth() {
            return;
        }
        if !call.begin(worker.hand.get(), worker.load()) {
            return;
        }
        let reply = crate::call::Reply::new(Arc::clone(call));
        // Without arguments it was ended at once, and whoever met its shell has dropped them.
        let Some(argument) = call.take_argument() else { return };
        let outer = worker.inner_frame(call.deadline);
        let interrupt = Either(Arc::clone(call) as Arc<dyn Interrupt>, outer.interrupt);
        let outcome = worker.run(Running {
            call_id: call.id,
            definition: &call.definition,
            argument,
            wanted: &call.wanted,
            frame: Frame {
                deadline: outer.deadline,
                chain: call.chain.clone(),
                interrupt: Arc::new(interrupt),
            },
        });
        let outcome = worker.unless_asked_to_return(worker.unless_late(outcome, call.deadline), call);
        let tally = &worker.load().tally;
        if let Err(late) = reply.answer(outcome, || tally.handle()) {
            crate::function::fence::drop_value(late);
            tally.late();
            tally.handle();
        }
    }

    fn outgoing(&self) -> Option<Outgoing> {
        let frames = self.0.frames.borrow();
        let frame = frames.last()?;
        Some(Outgoing { deadline: frame.deadline, chain: frame.chain.through(self.pool_id()) })
    }
}

impl Worker {
    /// The frame of an inline call: its deadline is the earlier of its own and the calling function's, whose flag
    /// it shares.
    fn inner_frame(&self, own: Option<Instant>) -> Frame {
        let frames = self.frames.borrow();
        let Some(outer) = frames.last() else {
            return Frame { deadline: own, chain: Chain::default(), interrupt: Arc::new(Never) };
        };
        let deadline = match (own, outer.deadline) {
            (Some(own), Some(outer)) => Some(own.min(outer)),
            (own, outer) => own.or(outer),
        };
        Frame { deadline, chain: outer.chain.clone(), interrupt: Arc::clone(&outer.interrupt) }
    }

    /// An error that comes once the call's time is up, or the stop wants the worker back, is what a function that obeys
    /// returns: the call has timed out, or is cancelled.
    pub(super) fn unless_asked_to_return(&self, outcome: Outcome, call: &Call) -> Outcome {
        if !matches!(outcome, Outcome::Failed(_)) {
            return outcome;
        }
        let instead = if call.deadline.is_some_and(|deadline| self.now() >= deadline) {
            Outcome::TimedOut { started: true }
        } else if call.is_interrupted() {
            Outcome::Cancelled { started: true }
        } else {
            return outcome;
        };
        crate::function::fence::drop_value(outcome);
        instead
    }

    /// An inline overrun is reported when the function returns.
    fn unless_late(&self, outcome: Outcome, deadline: Option<Instant>) -> Outcome {
        if deadline.is_some_and(|deadline| self.now() >= deadline) {
            crate::function::fence::drop_value(outcome);
            return Outcome::TimedOut { started: true };
        }
        outcome
    }
}

/// The flag of a call that is waited for inside another: it is to end with that one.
struct Either(Arc<dyn Interrupt>, Arc<dyn Interrupt>);

impl Interrupt for Either {
    fn is_interrupted(&self) -> bool {
        self.0.is_interrupted() || self.1.is_interrupted()
    }
}

/// The flag of a call that nobody can cancel.
struct Never;

impl Interrupt for Never {
    fn is_interrupted(&self) -> bool {
        false
    }
}
