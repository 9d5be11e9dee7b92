//! [`Caller`]: who has made a call; and what the books say of where it may go and how it may end.

use std::time::Duration;

use crate::call::{
    Call, Definition, End, Limit, Load, Outcome, RejectReason, Request, Target, Terms, Trouble,
};
use crate::function::{Argument, Interrupt, Wanted, unbox};
use crate::hash::Hash;
use crate::id::Version;
use crate::pool::Patience;
use crate::sync::Held;
use crate::worker::Slot;
use crate::worker::played::Played;

use super::definitions::NAMES;
use super::plan::WORKERS_MAX;
use super::shift::{Shift, Wish};
use super::violation::{Checked, Rule, Violation, ensure};
use super::world::World;

/// One accepted call, as the books have it.
pub(super) struct Caller {
    pub(super) call: Held<Call>,
    /// Its argument, and what is to come back.
    pub(super) number: u64,
    /// The version that it was bound to.
    pub(super) version: Version,
    /// Where it waits or runs.
    pub(super) slot: usize,
    /// Whether its function has begun.
    pub(super) began: bool,
    /// Whether its worker was lost inside it, or was left behind with it in its hand.
    pub(super) is_lost: bool,
    has_cancelled: bool,
}

/// What a slot has in flight, by the books.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Booked {
    /// The calls that wait or run there.
    pub(super) calls: u32,
    /// Those that wait.
    pub(super) waiting: u32,
    /// Whether its worker still runs one that has ended.
    pub(super) overdue: bool,
}

/// What a slot has for a call, by the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offered {
    Ready(u32),
    Waiting(u32),
    Nothing,
}

impl World {
    pub(super) fn find(&self, call: &Held<Call>) -> Option<usize> {
        self.callers.iter().position(|caller| caller.call.is(call))
    }

    /// Somebody calls something.
    pub(super) fn submit(&mut self) -> Result<bool, Violation> {
        let function = self.random.place(NAMES.len());
        let name = NAMES[function];
        let limit = match self.random.below(8) {
            0..5 => Limit::Default,
            5..7 => Limit::After(Duration::from_millis(self.random.below(40).into())),
            _ => Limit::None,
        };
        let pin = match self.random.below(16) {
            0..14 => None,
            14 => self.definitions.hash(function),
            _ => Some(Hash::of_bytes(b"drift")),
        };
        let priority = if self.random.one_in(4) { [0, 1, 2][self.random.place(3)] } else { 0 };
        let patience = if self.random.one_in(2) { Patience::Watched } else { Patience::Blocked };
        let number = self.count.accepted + self.count.rejected;
        let request = Request {
            target: Target::Name(name),
            cargo: number.carry().0,
            wanted: Wanted::of::<u64>(),
            terms: Terms { limit, pin, priority },
        };
        let definition = self.pool.registry().publication().find(name);
        let offered = self.offered(definition.as_deref());
        self.check_can_submit(definition.as_deref(), &offered)?;
        match self.pool.accept(request, None, patience) {
            Ok((call, _)) => self.check_accepted((function, pin), number, (call, &offered))?,
            Err(rejected) => {
                self.count.rejected += 1;
                self.check_rejected(function, pin, (rejected.reason(), &offered))?;
            }
        }
        Ok(true)
    }

    /// Somebody does not want to know any more.
    pub(super) fn cancel(&mut self) -> bool {
        if self.callers.is_empty() {
            return false;
        }
        let at = self.random.place(self.callers.len());
        let caller = &mut self.callers[at];
        caller.has_cancelled = true;
        self.trace.add(format_args!("{} ", caller.number));
        drop(caller.call.end(End::Cancelled));
        true
    }

    /// A caller that waits sees that its time is up.
    pub(super) fn expire_any(&mut self) -> bool {
        let now = self.now();
        let is_due = |caller: &&Caller| {
            let call = &caller.call;
            call.watched_until().is_none() && call.deadline().is_some_and(|deadline| deadline <= now)
        };
        let Some(caller) = self.callers.iter().find(is_due) else { return false };
        self.trace.add(format_args!("{} ", caller.number));
        drop(caller.call.end(End::TimedOut));
        true
    }

    /// Takes every outcome that is there.
    pub(super) fn tell_outcomes(&mut self) -> Checked {
        let mut at = 0;
        while at < self.callers.len() {
            if self.callers[at].call.is_done() {
                let caller = self.callers.swap_remove(at);
                self.end(&caller)?;
            } else {
                at += 1;
            }
        }
        Ok(())
    }

    fn end(&mut self, caller: &Caller) -> Checked {
        let outcome = caller.call.take_outcome();
        let number = caller.number;
        let Some(outcome) = outcome.filter(|_| caller.call.take_outcome().is_none()) else {
            return ensure(false, Rule::OneOutcome, || format!("call {number} has not one outcome"));
        };
        let ending = outcome.ending();
        self.trace.add(format_args!("call {number} ends in {ending:?} "));
        let is_due = caller.call.deadline().is_some_and(|deadline| deadline <= self.now());
        let is_closed = self.shift.as_ref().is_none_or(|shift| matches!(shift.wish, Wish::End { .. }));
        let is_unservable = !caller.began && self.is_unservable(&caller.call.definition);
        let is_given_up = self.shift.as_ref().is_some_and(Shift::is_given_up);
        let runs_it = |run: &Played| run.running().is_some_and(|call| call.is(&caller.call));
        let is_running = self.runs.iter().any(runs_it);
        let count = &mut self.count;
        let trouble = match outcome {
            Outcome::Value(value) => Err(unbox::<u64>(value)),
            Outcome::Trouble(trouble) => Ok(*trouble),
        };
        let (counter, started, holds) = match trouble {
            Err(value) => (&mut count.values, true, value == number),
            // What no worker can run fails without having started.
            Ok(Trouble::Failed(_)) => (&mut count.failed, caller.began, caller.began || is_unservable),
            Ok(Trouble::Panicked(_)) => (&mut count.panicked, true, true),
            Ok(Trouble::TimedOut { started }) => (&mut count.timed_out, started, is_due),
            Ok(Trouble::Cancelled { started }) => {
                (&mut count.cancelled, started, caller.has_cancelled || is_closed)
            }
            Ok(Trouble::WorkerLost { started }) => {
                (&mut count.worker_lost, started, caller.is_lost || !started && is_given_up)
            }
        };
        *counter += 1;
        ensure(!is_running || caller.call.is_interrupted(), Rule::Interrupts, || {
            format!("call {number} ends in {ending:?}, and its function is not asked to return")
        })?;
        ensure(started == caller.began, Rule::Started, || {
            format!("call {number} ends in {ending:?}, started: {started}, and began: {}", caller.began)
        })?;
        ensure(holds, Rule::OneOutcome, || format!("call {number} has no reason to end in {ending:?}"))
    }

    /// What each slot has in flight, by the books.
    pub(super) fn loads(&self) -> [Booked; WORKERS_MAX] {
        let mut loads = [Booked::default(); WORKERS_MAX];
        for caller in &self.callers {
            let booked = &mut loads[caller.slot];
            booked.calls += 1;
            booked.waiting += u32::from(!caller.began);
        }
        for run in &self.runs {
            if run.running().is_some_and(|call| call.is_done()) && run.is_own() && self.is_present(run) {
                loads[run.at].overdue = true;
            }
        }
        loads
    }

    fn offered(&self, definition: Option<&Definition>) -> [Offered; WORKERS_MAX] {
        let mut offers = [Offered::Nothing; WORKERS_MAX];
        let Some(shift) = &self.shift else { return offers };
        let slots = shift.played.slots().all.iter();
        for ((slot, booked), offered) in slots.zip(self.loads()).zip(&mut offers) {
            let lacks = slot.is_serving() && definition.is_some_and(|definition| slot.lacks(definition));
            *offered = match booked.calls + u32::from(booked.overdue) {
                _ if slot.is_closed() || slot.is_held() || lacks => Offered::Nothing,
                load if slot.is_serving() && !booked.overdue => Offered::Ready(load),
                load => Offered::Waiting(load),
            };
        }
        offers
    }

    /// Whoever calls must come back: there is somewhere to go, or a reason why there is not.
    fn check_can_submit(&self, definition: Option<&Definition>, offered: &[Offered]) -> Checked {
        let (Some(shift), Some(definition)) = (&self.shift, definition) else { return Ok(()) };
        let slots = shift.played.slots();
        let is_out = |slot: &Slot| slot.is_closed() || slot.is_held();
        let has_answer = offered.iter().any(|offered| *offered != Offered::Nothing)
            || !shift.is_open()
            || slots.obstacle_to_new(definition).is_some()
            || slots.all.iter().all(is_out);
        ensure(has_answer, Rule::Sound, || {
            let held = slots.all.iter().filter(|slot| slot.is_held()).count();
            format!(
                "a submit looks for a slot without an end: {held} are held, the others lack what it requires"
            )
        })
    }

    fn check_accepted(
        &mut self,
        (function, pin): (usize, Option<Hash>),
        number: u64,
        (call, offered): (Held<Call>, &[Offered]),
    ) -> Checked {
        let Some(shift) = &self.shift else {
            return ensure(false, Rule::Stops, || "a call is accepted after the stop".to_owned());
        };
        ensure(shift.is_admitted() && shift.is_open(), Rule::Stops, || {
            format!("call {number} is accepted, and the pool is {:?}", shift.wish)
        })?;
        // The slot is the one that has a ticket more than the books.
        let booked = self.loads();
        let risen = |(at, load): (usize, &Load)| load.tickets() == booked[at].calls + 1;
        let Some(slot) = shift.played.shift().loads.iter().enumerate().position(risen) else {
            return ensure(false, Rule::Tickets, || format!("call {number} has no ticket"));
        };
        let least = least(offered);
        ensure(least.is_some_and(|least| offered[slot] == least), Rule::Eligible, || {
            format!("call {number} went to {slot} of {offered:?}")
        })?;
        let limit = self.plan.settings.pending_calls_max + 1;
        ensure(
            !matches!(least, Some(Offered::Ready(load) | Offered::Waiting(load)) if load >= limit),
            Rule::Limits,
            || format!("call {number} went to {slot} of {offered:?}, beyond {limit}"),
        )?;
        let version = call.definition.version;
        self.definitions.check_bound(function, &call.definition)?;
        ensure(pin.is_none() || pin == self.definitions.hash(function), Rule::Versions, || {
            format!("call {number} is accepted, and pins other code")
        })?;
        self.trace.add(format_args!("call {number} waits at {slot} "));
        self.count.accepted += 1;
        self.callers.push(Caller {
            call,
            number,
            version,
            slot,
            began: false,
            is_lost: false,
            has_cancelled: false,
        });
        Ok(())
    }

    fn check_rejected(
        &mut self,
        function: usize,
        pin: Option<Hash>,
        (reason, offered): (&RejectReason, &[Offered]),
    ) -> Checked {
        let limit = self.plan.settings.pending_calls_max + 1;
        let is_full =
            |least: Offered| matches!(least, Offered::Ready(load) | Offered::Waiting(load) if load >= limit);
        let is_nowhere = least(offered).is_none();
        let is_running = self.shift.as_ref().is_some_and(|shift| shift.is_admitted() && shift.is_open());
        let (rule, holds) = match reason {
            RejectReason::NotRunning => (Rule::Stops, !is_running),
            RejectReason::NotDefined => (Rule::Versions, self.definitions.hash(function).is_none()),
            RejectReason::HashDrift { .. } => {
                (Rule::Versions, pin.is_some_and(|pin| Some(pin) != self.definitions.hash(function)))
            }
            RejectReason::MissingRequirement { .. } => {
                (Rule::Versions, self.definitions.is_missing(function))
            }
            RejectReason::Saturated { .. } => (Rule::Limits, least(offered).is_some_and(is_full)),
            RejectReason::NoWorkers { .. } | RejectReason::NotInstalled { .. } => {
                (Rule::Eligible, is_nowhere)
            }
            _ => (Rule::Sound, false),
        };
        self.count.missing += u64::from(matches!(
            reason,
            RejectReason::NotDefined
                | RejectReason::MissingRequirement { .. }
                | RejectReason::NotInstalled { .. }
        ));
        self.trace.add(format_args!("{reason:?} "));
        ensure(holds, rule, || {
            format!("a call is rejected as {reason:?}, with {offered:?} and {limit} as the limit")
        })
    }
}

/// The best that is offered.
fn least(offered: &[Offered]) -> Option<Offered> {
    let ready = offered.iter().filter(|offered| matches!(offered, Offered::Ready(_)));
    let waiting = offered.iter().filter(|offered| matches!(offered, Offered::Waiting(_)));
    let load = |offered: &&Offered| match offered {
        Offered::Ready(load) | Offered::Waiting(load) => *load,
        Offered::Nothing => u32::MAX,
    };
    ready.min_by_key(load).or(waiting.min_by_key(load)).copied()
}

impl World {
    /// Whether every worker that there is serves and lacks what the function requires.
    fn is_unservable(&self, definition: &Definition) -> bool {
        let Some(shift) = &self.shift else { return false };
        let mut open = shift.played.slots().all.iter().filter(|slot| !slot.is_closed()).peekable();
        let has = |run: &Played| run.is_own() && self.is_present(run) && run.can_run(definition);
        open.peek().is_some() && open.all(Slot::is_serving) && !self.runs.iter().any(has)
    }

    /// Whether the run is one of the workers of now.
    pub(super) fn is_present(&self, run: &Played) -> bool {
        let of = |shift: &Shift| run.is_of(shift.played.slots());
        self.shift.as_ref().is_some_and(of)
    }
}
