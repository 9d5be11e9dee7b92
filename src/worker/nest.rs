//! [`Nest`]: the inside of a worker as a calling function sees it: calls of functions by functions, on one worker.

use std::panic::PanicHookInfo;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::call::current::{Inside, Outgoing};
use crate::call::{
    Bound, Call, CallError, Chain, Definition, End, Gate, Link, NESTING_MAX, News, Outcome, Position,
    RejectReason, Rejected, Request, Target, Trouble, tell_rejected,
};
use crate::clock::{Clock, Moment};
use crate::event::CallSpan;
use crate::function::{Constant, Dependency, Host, Instance, InstanceError, Interrupt, Locals};
use crate::id::{CallId, PoolId, WorkerId};
use crate::value::Value;

use crate::sync::{Held, Weak};

use super::inside::{Frame, Running, Worker};

/// The worker, with the right to hand itself on.
pub(super) struct Nest(pub(super) Rc<Worker>);

impl Host for Nest {
    fn worker_id(&self) -> WorkerId {
        self.0.worker_id()
    }

    fn clock(&self) -> &Clock {
        self.0.clock()
    }

    fn constant(&self, name: &str) -> Option<Arc<Constant>> {
        self.0.constant(name)
    }

    fn locals(&self) -> &Locals {
        &self.0.locals
    }

    fn dependency(&self, alias: &str) -> Option<Arc<Dependency>> {
        self.0.dependency(alias)
    }

    fn instance(&self, dependency: &Arc<Dependency>) -> Result<Rc<dyn Instance>, InstanceError> {
        self.0.instance(dependency)
    }

    fn taint(&self) {
        self.0.taint();
    }
}

impl Inside for Nest {
    fn pool_id(&self) -> PoolId {
        self.0.slots.shift.pool
    }

    fn is_abandoned(&self) -> bool {
        self.0.is_abandoned()
    }

    fn note_panic(&self, panic: &PanicHookInfo<'_>) {
        if self.0.slots.terms().panic_locations {
            self.0.panics.note(panic);
        }
    }

    fn call_inline(&self, request: Request<'_>) -> Result<Value, CallError> {
        let worker = &self.0;
        let shift = &worker.slots.shift;
        let (limit, wanted) = (request.terms.limit, request.wanted);
        let (definition, bound) = worker.bind(request).inspect_err(|rejected| {
            worker.slots.counts.rejected.fetch_add(1, Ordering::AcqRel);
            tell_rejected(&shift.bus, rejected);
        })?;
        let load = worker.load();
        load.accept_inline();
        // Users' code ran since the first look: a run that was left behind meanwhile calls nothing, and whoever settles the
        // counts after that has seen this one, or it is taken back.
        crate::sync::full_fence();
        let is_closed = shift.gate() == Gate::Closed;
        if is_closed || worker.is_abandoned() {
            load.withdraw_inline();
            let reason = if is_closed { RejectReason::NotRunning } else { RejectReason::Abandoned };
            let arguments = bound.original.hand_back(bound.argument);
            let rejected = Rejected::new(definition.name.shared(), reason, arguments);
            worker.slots.counts.rejected.fetch_add(1, Ordering::AcqRel);
            return Err(rejected.into());
        }
        let own = limit.deadline(shift.clock.moment(), shift.call_timeout);
        let call_id = CallId::next();
        let (frame, interrupt) = worker.inner_frame(own);
        let deadline = frame.deadline;
        let outcome = worker.run(Running {
            call_id,
            definition: &definition,
            argument: bound.argument,
            wanted: &wanted,
            span: &CallSpan::new(definition.name.as_str(), call_id),
            interrupt: &*interrupt,
            frame,
        });
        let outcome = worker.unless_late(outcome, deadline);
        load.end_inline(outcome.ending());
        load.tally().handle();
        if !worker.is_abandoned() {
            drop(News::of(shift, (call_id, definition.name.text()), worker.slot().id, (&outcome, true)));
        }
        outcome.into_result(&definition.name)
    }

    fn run_here(&self, call: &Held<Call>) {
        let worker = &self.0;
        if !worker.has_depth() || !call.is_queued() {
            return;
        }
        // Where an instance cannot be made here the call is left to other workers, or ended if there are none.
        if !call.definition.dependencies.iter().all(|dependency| worker.instance_now(dependency).is_ok()) {
            return;
        }
        // After that, since it may have taken its time.
        if worker.is_abandoned() {
            return;
        }
        if worker.is_past(call.due) {
            drop(call.end_queued(End::TimedOut));
            return;
        }
        let waited_at = call.slot();
        let Some(argument) = call.begin(worker.hand.get(), worker.load()) else { return };
        worker.slots.shift.loads[waited_at.index()].leave_shell(); // its job lies there still
        let reply = crate::call::Reply::new(call.clone());
        if !worker.slot().show_inside(worker.load(), worker.hand.get(), call) {
            crate::fence::drop_value(argument); // abandoned a moment ago: the call is lost with this worker
            return;
        }
        let (outer, interrupt) = worker.inner_frame(call.due);
        let interrupt: Rc<dyn Interrupt> = Rc::new(Either(call.clone(), interrupt));
        let outcome = worker.run(Running {
            call_id: call.id,
            definition: &call.definition,
            argument,
            wanted: &call.wanted,
            span: &call.span,
            interrupt: &*interrupt,
            frame: Frame { chain: call.chain.clone(), interrupt: Some(Rc::clone(&interrupt)), ..outer },
        });
        let outcome = worker.unless_asked_to_return(worker.unless_late(outcome, call.due), call);
        let tally = worker.load().tally();
        let answered = reply.answer(outcome, || tally.handle());
        worker.slot().clear_inside(call);
        if let Err(late) = answered {
            crate::fence::drop_value(late);
            if !worker.is_abandoned() {
                tally.late();
                tally.handle();
            }
        }
    }

    fn position(&self) -> Position {
        Position { shift: Arc::clone(&self.0.slots.shift), worker: self.0.slot().id, hand: self.0.hand.get() }
    }

    fn outgoing(&self) -> Option<Outgoing> {
        let frames = self.0.frames.borrow();
        let frame = frames.last()?;
        let link = Link { pool: self.pool_id(), call: self.0.outermost() };
        Some(Outgoing { deadline: frame.deadline, chain: frame.chain.clone(), link })
    }
}

impl Worker {
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
        if definition.missing.is_none() {
            for dependency in &*definition.dependencies {
                if let Err(cause) = self.instance_now(dependency) {
                    let name = dependency.alias.to_string();
                    return Err(request.refuse(RejectReason::NotInstalled { name, cause }));
                }
            }
        }
        let bound = definition.bind(request.cargo, request.terms.pin)?;
        Ok((definition, bound))
    }

    /// The frame of an inline call, and its flag: its deadline is the earlier of its own and the calling function's, whose
    /// flag it shares.
    fn inner_frame(&self, own: Moment) -> (Frame, Rc<dyn Interrupt>) {
        let frames = self.frames.borrow();
        let outer = frames.last();
        let interrupt = match outer {
            None => Rc::new(Never) as Rc<dyn Interrupt>,
            Some(Frame { interrupt: Some(interrupt), .. }) => Rc::clone(interrupt),
            Some(Frame { interrupt: None, .. }) => Rc::new(Outermost(self.outermost())),
        };
        let deadline = outer.map_or(own, |outer| own.min(outer.deadline));
        let chain = outer.map_or_else(Chain::default, |outer| outer.chain.clone());
        (Frame { deadline, chain, interrupt: Some(Rc::clone(&interrupt)) }, interrupt)
    }

    /// An error that comes once the call's time is up, or the stop wants the worker back, is what a function that obeys
    /// returns: the call has timed out, or is cancelled.
    pub(super) fn unless_asked_to_return(&self, outcome: Outcome, call: &Call) -> Outcome {
        if !matches!(outcome.trouble(), Some(Trouble::Failed(_))) {
            return outcome;
        }
        let instead = if self.is_past(call.due) {
            Trouble::TimedOut { started: true }
        } else if call.is_interrupted() {
            Trouble::Cancelled { started: true }
        } else {
            return outcome;
        };
        crate::fence::drop_value(outcome);
        instead.into()
    }

    /// Whether the moment has come; the clock is not asked for what never does.
    fn is_past(&self, moment: Moment) -> bool {
        moment != Moment::NEVER && self.clock().moment() >= moment
    }

    /// An inline overrun is reported when the function returns.
    fn unless_late(&self, outcome: Outcome, deadline: Moment) -> Outcome {
        if self.is_past(deadline) {
            crate::fence::drop_value(outcome);
            return Trouble::TimedOut { started: true }.into();
        }
        outcome
    }
}

/// The flag of the outermost call.
struct Outermost(Weak<Call>);

impl Interrupt for Outermost {
    fn is_interrupted(&self) -> bool {
        // Where the hand is at another call by now this run has been abandoned, and is to end.
        self.0.upgrade().is_none_or(|call| call.is_interrupted())
    }
}

/// The flag of a call that is waited for inside another: it is to end with that one.
struct Either(Held<Call>, Rc<dyn Interrupt>);

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
