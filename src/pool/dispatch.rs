//! From a request to an accepted call: look up, bind, choose, push; or a rejection that gives the arguments back.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use crate::call::current::{Inside, Outgoing};
use crate::call::{
    Call, CallError, Chain, Gate, Job, Limit, Making, NESTING_MAX, RejectReason, Rejected, Request, Seen,
    Target, Waiting, current, tell_rejected,
};
use crate::clock::Moment;
use crate::plant::{Plant, SpeedRule};
use crate::sync::{Held, hold_twice};
use crate::value::Value;
use crate::worker::{Slot, Standing};

use super::crew::Crew;
use super::lifecycle::Pool;
use super::scheduler::{self, Choice, Offer};

/// The call, and the word of the worker that waits for it, if it is made on one.
pub(crate) type Accepted = (Held<Call>, Option<Waiting>);

/// How an accepted call will be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// By a thread that blocks, and ends the call at its deadline itself.
    Blocked,
    /// Perhaps by nobody: the timekeeper ends it at its deadline.
    Watched,
}

impl Patience {
    /// The chain of a call that is made inside a function, or outside of all; none if it would get too long.
    fn chain(self, outgoing: Option<Outgoing>) -> Option<Chain> {
        match (outgoing, self) {
            (None, _) => Some(Chain::default()),
            (Some(Outgoing { chain, link, .. }), Self::Blocked) => chain.waited_for(link),
            (Some(Outgoing { chain, link, .. }), Self::Watched) => Some(chain.beside(link)),
        }
    }
}

impl Pool {
    /// Calls and waits: on a worker of this pool there and then, else by way of a queue.
    pub(crate) fn call(&self, request: Request<'_>) -> Result<Value, CallError> {
        let inside = current::inside();
        if let Some(inside) = inside.as_ref().filter(|inside| inside.pool_id() == self.id()) {
            return inside.call_inline(request);
        }
        let (call, waiting) = self.accept(request, inside, Patience::Blocked)?;
        while !call.block(None) {}
        drop(waiting);
        let outcome = call.take_outcome().expect("the outcome of a blocking call is taken here alone");
        outcome.into_result(&call.definition.name)
    }

    /// Accepts the call, or rejects it with the arguments inside. Perhaps nobody waits for it: the timekeeper ends it at its
    /// deadline.
    pub(crate) fn submit(&self, request: Request<'_>) -> Result<Held<Call>, Rejected> {
        self.accept(request, current::inside(), Patience::Watched).map(|(call, _)| call)
    }

    /// Accepts a call that is made on the thread of this worker, if it is one's.
    pub(crate) fn accept(
        &self,
        request: Request<'_>,
        inside: Option<Rc<dyn Inside>>,
        patience: Patience,
    ) -> Result<Accepted, Rejected> {
        let accepted = self.try_accept(request, inside, patience);
        if let Err(rejected) = &accepted {
            self.count_rejected();
            tell_rejected(self.bus(), rejected);
        }
        accepted
    }

    fn try_accept(
        &self,
        request: Request<'_>,
        inside: Option<Rc<dyn Inside>>,
        patience: Patience,
    ) -> Result<Accepted, Rejected> {
        if inside.as_ref().is_some_and(|inside| inside.is_abandoned()) {
            return Err(request.refuse(RejectReason::Abandoned));
        }
        let crew = self.crew();
        let Some(crew) = crew.as_ref() else { return Err(request.refuse(RejectReason::NotRunning)) };
        let Request { target, cargo, wanted, terms } = request;
        let definition = match target {
            Target::Definition(definition) => definition,
            Target::Name(name) => match self.registry().publication().find(name) {
                Some(definition) => definition,
                None => {
                    return Err(Rejected::new(name.into(), RejectReason::NotDefined, cargo.into_original()));
                }
            },
        };
        let outgoing = inside.as_ref().and_then(|inside| inside.outgoing());
        let outer = outgoing.as_ref().map_or(Moment::NEVER, |outgoing| outgoing.deadline);
        let Some(chain) = patience.chain(outgoing) else {
            let (name, reason) =
                (definition.name.shared(), RejectReason::NestingTooDeep { limit: NESTING_MAX });
            return Err(Rejected::new(name, reason, cargo.into_original()));
        };
        let bound = definition.bind(cargo, terms.pin)?;
        // Users' code ran in there.
        if inside.as_ref().is_some_and(|inside| inside.is_abandoned()) {
            let arguments = bound.original.hand_back(bound.argument);
            return Err(Rejected::new(definition.name.shared(), RejectReason::Abandoned, arguments));
        }
        let now = crew.shift().clock.moment();
        let own = terms.limit.deadline(now, self.settings().call_timeout);
        let deadline = match patience {
            Patience::Watched => own,
            Patience::Blocked => match own.min(outer) {
                // A nested call that is waited for always has a deadline.
                Moment::NEVER if chain.is_nested() => {
                    Limit::Default.deadline(now, self.settings().call_timeout)
                }
                deadline => deadline,
            },
        };
        let making = Making {
            definition,
            argument: bound.argument,
            wanted,
            deadline,
            priority: terms.priority,
            chain,
            watched: patience == Patience::Watched,
        };
        let [call, theirs] = hold_twice(Call::new(crew.shift(), making));
        let inside = inside.filter(|_| patience == Patience::Blocked);
        let waiting = inside.map(|inside| Waiting::unless_stuck(&inside.position(), &call));
        let placed = match &waiting {
            Some(None) => Err(RejectReason::WouldDeadlock { pool: self.id(), chain: call.chain.pools() }),
            _ => crew.place(&call, theirs, now),
        };
        match placed {
            Ok(()) => Ok((call, waiting.flatten())),
            Err(reason) => {
                let argument = call.take_argument().expect("a call that was not accepted has its arguments");
                Err(Rejected::new(call.definition.name.shared(), reason, bound.original.hand_back(argument)))
            }
        }
    }
}

impl Crew {
    /// Finds a slot for the call and puts it there, with a holder of its own.
    fn place(&self, call: &Call, mut theirs: Held<Call>, now: Moment) -> Result<(), RejectReason> {
        let shift = self.shift();
        match shift.gate() {
            Gate::Open => {}
            Gate::NestedOnly if call.chain.holds(shift.pool) => {}
            Gate::NestedOnly | Gate::Closed => return Err(RejectReason::NotRunning),
        }
        loop {
            let cursor = self.cursor.load(Ordering::Relaxed);
            // A call may wait besides the one that runs.
            let limit = self.pending_calls_max + 1;
            let choice = self.stay(cursor, limit, call).unwrap_or_else(|| {
                scheduler::choose(self.slots.all.len(), cursor, limit, |slot| self.offer(slot, call))
            });
            let (at, seen) = match choice {
                Choice::Slot(at, seen) => (at, seen),
                Choice::Saturated => return Err(RejectReason::Saturated { limit: self.pending_calls_max }),
                Choice::Nobody => {
                    let obstacle = self.slots.obstacle_to_new(&call.definition);
                    return Err(match obstacle {
                        _ if shift.gate() != Gate::Open => RejectReason::NotRunning,
                        Some((alias, cause)) => RejectReason::NotInstalled { name: alias.to_string(), cause },
                        None if self.slots.all.iter().all(|slot| slot.is_closed() || slot.is_held()) => {
                            let given_up = self.slots.all.iter().filter(|slot| slot.is_closed()).count();
                            RejectReason::NoWorkers { given_up, held: self.slots.all.len() - given_up }
                        }
                        None => continue, // a worker has got it just now
                    });
                }
            };
            // If anything has changed at that slot since it was looked at, the choice is made anew.
            let Some(ticket) = shift.loads[at].admit(seen) else { continue };
            self.leave_off(at, cursor, call);
            call.place(ticket);
            match self.slots.push(&self.slots.all[at], (call, Job::new(theirs)), now) {
                Ok(()) => return Ok(()),
                Err(closed) => {
                    // The slot closed in between, and shows as closed at the next look.
                    theirs = closed.0.into_call();
                    call.displace();
                }
            }
        }
    }

    /// What [`scheduler::choose`] would say, where that is plain from what submitters write alone: a call of a short function stays with
    /// the only worker that is awake as long as what is in flight there is worth less than a wake.
    fn stay(&self, cursor: usize, limit: u32, call: &Call) -> Option<Choice<Seen>> {
        let slot = &self.slots.all[cursor];
        let is_ready = slot.is_serving() && !slot.is_closed() && !slot.is_held() && !slot.is_sleeping();
        if !is_ready || !call.definition.dependencies.is_empty() {
            return None;
        }
        let seen = self.slots.load(slot).glance()?;
        let others_sleep =
            || self.slots.all.iter().enumerate().all(|(at, other)| at == cursor || other.is_sleeping());
        let stays = scheduler::stays(seen.load, wake_worth(call), limit) && others_sleep();
        stays.then_some(Choice::Slot(cursor, seen))
    }

    /// Where the next choice begins: equal slots take turns, but calls of a short function stay with the worker that is
    /// awake, so that the others may sleep.
    fn leave_off(&self, at: usize, cursor: usize, call: &Call) {
        let next = if wake_worth(call) > 0 { at } else { (at + 1) % self.slots.all.len() };
        if next != cursor {
            self.cursor.store(next, Ordering::Relaxed);
        }
    }

    #[inline]
    fn offer(&self, at: usize, call: &Call) -> Offer<Seen> {
        let slot = &self.slots.all[at];
        match slot.standing(self.slots.load(slot)) {
            // A worker that is still to come begins anew, and may have what the last one had not.
            Standing::Ready(_) | Standing::Waiting(_)
                if slot.is_serving() && slot.lacks(&call.definition) =>
            {
                Offer::Closed
            }
            Standing::Ready(seen) if slot.is_sleeping() => {
                Offer::Asleep(weight(slot, seen), wake_worth(call), seen)
            }
            Standing::Ready(seen) => Offer::Ready(weight(slot, seen), seen),
            Standing::Waiting(seen) => Offer::Waiting(weight(slot, seen), seen),
            Standing::Closed => Offer::Closed,
        }
    }
}

/// How many calls like this one a wake is worth.
fn wake_worth(call: &Call) -> u32 {
    if SpeedRule::Wake.is_off() { 0 } else { call.definition.pace.wake_worth() }
}

/// What counts against the limit of a slot: the calls that are in flight there, and not what is left of others.
fn weight(slot: &Slot, seen: Seen) -> u32 {
    let shells = if Plant::ShellCounted.is_planted() { slot.queue.len() } else { 0 };
    seen.load.max(u32::try_from(shells).unwrap_or(u32::MAX))
}
