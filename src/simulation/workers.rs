//! What the workers' threads do, and what their functions do while they run.

use std::sync::atomic::Ordering;

use crate::call::{Call, Outcome, Panic, Trouble};
use crate::function::{FunctionError, unbox};
use crate::sync::Held;
use crate::value::Value;
use crate::worker::Slot;
use crate::worker::played::{Next, Played};

use super::callers::Caller;
use super::violation::{Checked, Rule, Violation, ensure};
use super::world::World;

impl World {
    /// A thread goes on with what it does next, but for functions and for threads that nobody woke.
    pub(super) fn work(&mut self) -> Result<bool, Violation> {
        let wakes_early = self.random.one_in(64);
        let can_go = |run: &Played| run.next() != Next::Return && (wakes_early || !run.sleeps());
        match self.pick(can_go) {
            Some(at) => self.play(at).map(|()| true),
            None => Ok(false),
        }
    }

    /// A function returns, or panics.
    pub(super) fn return_any(&mut self) -> bool {
        let is_stuck = self.plan.is_stuck;
        let found = self.pick(|run| run.running().is_some() && (!is_stuck || run.is_own()));
        if let Some(at) = found {
            self.return_from(at);
        }
        found.is_some()
    }

    /// A thread is lost.
    pub(super) fn lose(&mut self) -> bool {
        let Some(at) = self.pick(|_| true) else { return false };
        let caller = self.runs[at].running().and_then(|call| self.find(call));
        let is_lost = self.runs[at].lose();
        if let Some(caller) = caller.filter(|_| is_lost) {
            self.callers[caller].is_lost = true;
        }
        is_lost
    }

    pub(super) fn play(&mut self, at: usize) -> Checked {
        self.init_fails.store(self.random.one_in(self.plan.init_fails), Ordering::Relaxed);
        let run = &mut self.runs[at];
        let before = run.next();
        // What a run that was left behind has taken from a queue, it lets fall.
        let fallen = run.found().filter(|_| !run.is_own()).cloned();
        run.go();
        let (slot, number, after) = (run.at, run.run(), run.next());
        let fallen = fallen.and_then(|call| self.find(&call));
        if let Some(caller) = fallen {
            self.callers[caller].is_lost = true;
        }
        let run = &self.runs[at];
        let started = run.running().filter(|_| before == Next::Start).cloned();
        self.trace.add(format_args!("{before:?} of {slot} as {number}, then {after:?} "));
        if after == Next::Nothing {
            drop(self.runs.swap_remove(at));
        }
        if before == Next::Look {
            self.check_order(at)?;
        }
        started.map_or(Ok(()), |call| self.begin(at, &call))
    }

    /// What a worker finds in a queue is the first there that it could take. No queue is longer than a worker looks.
    fn check_order(&self, at: usize) -> Checked {
        let Some(run) = self.runs.get(at) else { return Ok(()) };
        let Some(taken) = run.found().and_then(|call| self.find(call)) else { return Ok(()) };
        let place = |caller: &Caller| (caller.call.priority(), caller.number);
        let taken = &self.callers[taken];
        let is_before =
            |call: &Held<Call>| self.find(call).is_some_and(|at| place(&self.callers[at]) < place(taken));
        ensure(!run.could_take(taken.slot, is_before), Rule::Order, || {
            format!("call {} is taken at {} before one that comes first", taken.number, taken.slot)
        })
    }

    pub(super) fn return_from(&mut self, at: usize) {
        let number =
            self.runs[at].running().and_then(|call| self.find(call)).map(|at| self.callers[at].number);
        let outcome = if self.random.one_in(self.plan.panics) {
            Trouble::Panicked(Panic { message: String::new(), location: None }).into()
        } else if self.random.one_in(8) {
            Trouble::Failed(FunctionError::new("", "")).into()
        } else {
            Outcome::Value(Value::new(number.unwrap_or_default()))
        };
        self.trace.add(format_args!("{:?} of {} ", outcome.ending(), self.runs[at].at));
        self.runs[at].finish(outcome);
    }

    /// A thread of which that is true, by chance.
    fn pick(&mut self, is_it: impl Fn(&Played) -> bool) -> Option<usize> {
        let count = self.runs.len();
        if count == 0 {
            return None;
        }
        let first = self.random.place(count);
        (first..count).chain(0..first).find(|at| is_it(&self.runs[*at]))
    }

    /// A function begins: all that is promised of that holds.
    fn begin(&mut self, at: usize, call: &Held<Call>) -> Checked {
        let now = self.now();
        let argument = self.runs[at].take_argument().map(unbox::<u64>);
        let (run, found) = (&self.runs[at], self.find(call));
        let Some(caller) = found.map(|at| &mut self.callers[at]) else {
            return ensure(false, Rule::OneOutcome, || "a call begins that has ended".to_owned());
        };
        ensure(argument == Some(caller.number) && !caller.began, Rule::OneOutcome, || {
            format!("call {} begins with {argument:?}", caller.number)
        })?;
        caller.began = true;
        caller.slot = run.at;
        let is_late = call.deadline().is_some_and(|deadline| deadline <= now);
        ensure(!is_late && run.is_own(), Rule::Deadlines, || {
            format!("call {} begins at {}, late: {is_late}, own: {}", caller.number, run.at, run.is_own())
        })?;
        let definition = &call.definition;
        ensure(run.can_run(definition), Rule::Eligible, || {
            format!("call {} begins at {}, which lacks what it requires", caller.number, run.at)
        })?;
        let slot = self.shift.as_ref().map(|shift| &shift.played.slots().all[run.at]);
        let acknowledged = slot.and_then(Slot::acknowledged).map(|it| it.version);
        let is_known = acknowledged >= Some(definition.version) && run.version() >= definition.version;
        ensure(is_known && definition.version == caller.version, Rule::Versions, || {
            let (bound, at, has) = (caller.version, run.at, run.version());
            format!(
                "call {} of version {bound} begins at {at}, which has {has} and acknowledged {acknowledged:?}",
                caller.number
            )
        })
    }
}
