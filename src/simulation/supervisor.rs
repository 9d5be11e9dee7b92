//! The driver's turns, held against what the books say that news of a child may change; and the timekeeper's rounds.

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::call::{look, next_look};
use crate::id::Run;
use crate::supervise::played::{Driver, Input, Message};
use crate::supervise::{ChildId, Departure, Observed, RunEnd};

use super::plan::{Plan, WORKERS_MAX};
use super::shift::Shift;
use super::violation::{Checked, Rule, Violation, ensure};
use super::world::World;

/// What the books say of one child.
#[derive(Default)]
pub(super) struct Kept {
    /// When restarts were decided on that count.
    restarts: Vec<Instant>,
    /// How many restarts in a row there were.
    attempts: u32,
    /// The run that was ready last, and since when.
    ready: Option<(Run, Instant)>,
}

/// How many messages may wait for a rumour to come beside them: the mailbox is bounded.
const MESSAGES_MAX: usize = 4;

/// A child, before a turn or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Glance {
    observed: Observed,
    run: Run,
    due: Option<Instant>,
}

impl Glance {
    fn of(driver: &Driver, child: usize) -> Self {
        let child = driver.child(id_of(child));
        Self { observed: child.observed(), run: child.run(), due: child.deadline() }
    }

    fn is_settled(self) -> bool {
        matches!(self.observed, Observed::Stopped | Observed::Backoff | Observed::GaveUp)
    }

    fn is_at(self, observed: Observed, run: Run) -> bool {
        self.observed == observed && self.run == run
    }
}

impl World {
    /// The driver takes a turn, if there is anything for it to do.
    pub(super) fn drive(&mut self) -> Result<bool, Violation> {
        let (now, is_short) = (self.now(), self.random.one_in(self.plan.thread_fails));
        let Some(shift) = &mut self.shift else { return Ok(false) };
        if shift.played.driver.has_ended() {
            return Ok(false);
        }
        shift.played.begun.is_short.store(is_short, Ordering::Relaxed);
        let took = shift.turn(&self.plan, now)?;
        if took {
            shift.check_children()?;
            let begun = shift.played.begun.take();
            ensure(begun.is_empty() || !shift.is_stopping, Rule::Stops, || {
                format!("run {} begins after the stop", begun[0].number)
            })?;
            self.runs.extend(begun);
        }
        Ok(took)
    }

    /// A message comes once more of a run that is dead.
    pub(super) fn rumour(&mut self) -> bool {
        let Some(shift) = &self.shift else { return false };
        let driver = &shift.played.driver;
        let child = self.random.place(shift.children.len());
        let present = driver.child(id_of(child)).run();
        if driver.messages() >= MESSAGES_MAX || present.get() < 2 || driver.has_ended() {
            return false;
        }
        let run = Run(self.random.between(1, present.get() - 1));
        let end = match self.random.below(3) {
            0 => RunEnd::Abandoned { may_replace: self.random.one_in(2) },
            _ => RunEnd::Ended { succeeded: self.random.one_in(2) },
        };
        driver.mailbox().exited(id_of(child), Departure { run, last: run, end, why: None });
        true
    }

    /// The timekeeper looks, if its time has come; now and then before that.
    pub(super) fn keep(&mut self) -> bool {
        let is_early = self.random.one_in(16);
        let now = self.now();
        let Some(shift) = &self.shift else { return false };
        let is_due = next_look(shift.played.shift()).is_some_and(|at| at <= now);
        if is_due || is_early {
            look(shift.played.shift(), &shift.played.scans);
        }
        is_due || is_early
    }
}

impl Shift {
    fn turn(&mut self, plan: &Plan, now: Instant) -> Result<bool, Violation> {
        let count = self.children.len();
        let driver = &mut self.played.driver;
        let before: [Glance; WORKERS_MAX] =
            std::array::from_fn(|child| Glance::of(driver, child.min(count - 1)));
        let before = &before[..count];
        if driver.look() {
            self.check_look(before)?;
        } else if let Some(message) = driver.receive() {
            match &message {
                Message::StopAll { .. } => self.is_stopping = true,
                Message::News { .. } => {}
            }
            let news = if let Message::News { child, input, .. } = &message {
                Some((*child as usize, *input))
            } else {
                None
            };
            driver.take(message);
            match news {
                Some((child, input)) => self.check_news(plan, now, (child, input), before[child])?,
                None => self.check_stop(before)?,
            }
        } else if driver.due().is_some_and(|due| due <= now) {
            driver.tick();
            self.check_tick(now, before)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn glance(&self, child: usize) -> Glance {
        Glance::of(&self.played.driver, child)
    }

    fn check_news(
        &mut self,
        plan: &Plan,
        now: Instant,
        (child, input): (usize, Input),
        before: Glance,
    ) -> Checked {
        let after = self.glance(child);
        match input {
            Input::Ready { run } if run == before.run && before.observed == Observed::Starting => {
                self.children[child].ready = Some((run, now));
                ensure(after.is_at(Observed::Ready, run), Rule::DeadRuns, || {
                    format!("child {child} was told to be ready and is {}", after.observed)
                })
            }
            Input::Exited { run, last, end } if run == before.run && !before.is_settled() => {
                self.check_exit(plan, now, child, (before, after, last, end))?;
                self.check_delay(plan, now, child, (before, after, end))
            }
            _ => ensure(before == after, Rule::DeadRuns, || {
                let (was, is) = (before.observed, after.observed);
                format!("news of a dead run made child {child} of {was}, run {}, {is}", before.run)
            }),
        }
    }

    fn check_exit(
        &mut self,
        plan: &Plan,
        now: Instant,
        child: usize,
        (before, after, last, end): (Glance, Glance, Run, RunEnd),
    ) -> Checked {
        if before.observed == Observed::Draining {
            return ensure(after.is_at(Observed::Stopped, last), Rule::Stops, || {
                format!("child {child} was to stop and is {}", after.observed)
            });
        }
        let expected = match end {
            _ if !plan.restarts => (Observed::GaveUp, last),
            RunEnd::Abandoned { may_replace: true } => (Observed::Starting, last.next()),
            RunEnd::Abandoned { may_replace: false } => (Observed::Backoff, last),
            RunEnd::Ended { .. } if self.children[child].count(plan, now) => (Observed::Backoff, last),
            RunEnd::Ended { .. } => (Observed::GaveUp, last),
        };
        ensure(after.is_at(expected.0, expected.1), Rule::Restarts, || {
            let counted = self.children[child].restarts.len();
            let (is, run) = (after.observed, after.run);
            format!("child {child} is {is} as run {run}, not {expected:?}, with {counted} in the window")
        })
    }

    /// A delay is twice as long as the one before it, up to the longest, and begins anew after a run that was stable.
    fn check_delay(
        &mut self,
        plan: &Plan,
        now: Instant,
        child: usize,
        (before, after, end): (Glance, Glance, RunEnd),
    ) -> Checked {
        let RunEnd::Ended { succeeded } = end else { return Ok(()) };
        if after.observed != Observed::Backoff {
            return Ok(());
        }
        let (kept, delays) = (&mut self.children[child], &plan.delays);
        let ready = kept.ready.filter(|(run, _)| *run == before.run);
        let is_stable = ready.is_some_and(|(_, since)| now - since >= delays.stable_after);
        let attempt = if is_stable && succeeded { 0 } else { kept.attempts };
        kept.attempts = attempt + 1;
        let least = (0..attempt).fold(delays.base, |delay, _| (delay * 2).min(delays.max));
        let delay = after.due.map(|due| due.saturating_duration_since(now));
        let is_in_time = delay.is_some_and(|it| it >= least && it <= least + delays.jitter);
        ensure(is_in_time, Rule::Restarts, || {
            format!("child {child} is to start again after {delay:?}, and {least:?} is due for {attempt}")
        })
    }

    fn check_look(&self, before: &[Glance]) -> Checked {
        for (child, before) in before.iter().enumerate() {
            let after = self.glance(child);
            let holds = match before.observed {
                Observed::Ready | Observed::Degraded => {
                    let overdue = self.played.shift().loads[child].see().overdue;
                    let observed = if overdue { Observed::Degraded } else { Observed::Ready };
                    after.is_at(observed, before.run)
                }
                Observed::Backoff if before.due.is_none() => {
                    after == *before || after.is_at(Observed::Starting, before.run.next())
                }
                _ => after == *before,
            };
            ensure(holds, Rule::DeadRuns, || {
                format!("a look made child {child} of {} {}", before.observed, after.observed)
            })?;
        }
        Ok(())
    }

    fn check_stop(&self, before: &[Glance]) -> Checked {
        for (child, before) in before.iter().enumerate() {
            let after = self.glance(child);
            let expected = match before.observed {
                Observed::Starting | Observed::Ready | Observed::Degraded => Observed::Draining,
                Observed::Backoff => Observed::Stopped,
                other => other,
            };
            ensure(after.is_at(expected, before.run), Rule::Stops, || {
                format!("a stop made child {child} of {} {}", before.observed, after.observed)
            })?;
        }
        Ok(())
    }

    fn check_tick(&self, now: Instant, before: &[Glance]) -> Checked {
        for (child, before) in before.iter().enumerate() {
            let after = self.glance(child);
            let holds = match before.observed {
                _ if before.due.is_none_or(|due| due > now) => after == *before,
                Observed::Backoff => after.is_at(Observed::Starting, before.run.next()),
                Observed::Starting | Observed::Draining => after == Glance { due: None, ..*before },
                _ => false,
            };
            ensure(holds, Rule::Timers, || {
                format!("a tick made child {child} of {} {}", before.observed, after.observed)
            })?;
        }
        Ok(())
    }

    /// What holds of every child after each turn.
    fn check_children(&self) -> Checked {
        for child in 0..self.children.len() {
            let Glance { observed, run, due } = self.glance(child);
            let is_timed = matches!(observed, Observed::Starting | Observed::Draining | Observed::Backoff);
            ensure(is_timed || due.is_none(), Rule::Timers, || {
                format!("child {child} is {observed} as run {run} and has a timer")
            })?;
            let is_ending = matches!(observed, Observed::Draining | Observed::Stopped | Observed::GaveUp);
            ensure(is_ending || !self.is_stopping, Rule::Stops, || {
                format!("child {child} is {observed} as run {run} after the stop")
            })?;
        }
        Ok(())
    }
}

impl Kept {
    /// Counts a restart; false if the window is full.
    fn count(&mut self, plan: &Plan, now: Instant) -> bool {
        let Some((most, window)) = plan.window else { return true };
        self.restarts.retain(|at| now.saturating_duration_since(*at) < window);
        let has_room = self.restarts.len() < most;
        if has_room {
            self.restarts.push(now);
        }
        has_room
    }
}

fn id_of(child: usize) -> ChildId {
    ChildId::try_from(child).expect("there are few children")
}
