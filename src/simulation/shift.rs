//! [`Shift`]: the workers from a start to the stop after it, and who starts and stops them.

use std::time::Instant;

use crate::call::Gate;
use crate::function::Interrupt;
use crate::pool::played::Played;
use crate::supervise::Observed;
use crate::worker::Slot;

use super::supervisor::Kept;
use super::violation::{Checked, Rule, Violation, ensure};
use super::world::World;

/// One shift, with what is wanted of it.
pub(super) struct Shift {
    pub(super) played: Played,
    pub(super) wish: Wish,
    /// What the books say of each child.
    pub(super) children: Vec<Kept>,
    /// Whether the driver has read that it is to stop.
    pub(super) is_stopping: bool,
}

/// What its owner waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    /// That the workers are ready, or have failed once.
    Start { until: Instant },
    /// Nothing.
    Run,
    /// That nothing is in flight any more.
    Drain { until: Instant, kill_at: Instant },
    /// That the driver has ended.
    End { kill_at: Instant },
}

impl Shift {
    /// When it waits no longer.
    pub(super) fn mark(&self) -> Option<Instant> {
        match self.wish {
            Wish::Start { until } | Wish::Drain { until, .. } => Some(until),
            Wish::Run => None,
            Wish::End { kill_at } => Some(kill_at),
        }
    }

    /// Whether calls and defines see it.
    pub(super) fn is_admitted(&self) -> bool {
        !matches!(self.wish, Wish::Start { .. })
    }

    pub(super) fn is_open(&self) -> bool {
        self.played.shift().gate() == Gate::Open
    }

    /// Whether no worker is left, and none will come.
    pub(super) fn is_given_up(&self) -> bool {
        let is_gone = |slot: &Slot| self.played.driver.child(slot.id.0).observed() == Observed::GaveUp;
        self.played.slots().all.iter().all(is_gone)
    }
}

impl World {
    pub(super) fn start(&mut self) {
        let until = self.now() + self.plan.settings.start_timeout;
        let played = self.pool.start_played(self.plan.workers);
        let children = (0..self.plan.workers).map(|_| Kept::default()).collect();
        self.runs.extend(played.begun.take());
        self.shift = Some(Shift { played, wish: Wish::Start { until }, children, is_stopping: false });
    }

    /// Whoever starts or stops the workers goes on, if there is what was waited for.
    pub(super) fn go_on(&mut self) -> Result<bool, Violation> {
        let now = self.now();
        let Some(shift) = &mut self.shift else {
            self.start();
            return Ok(true);
        };
        let played = &shift.played;
        match shift.wish {
            Wish::Start { until } if played.is_settled() || now >= until => {
                if played.slots().all.iter().any(|slot| is_ready(played, slot.id.0)) {
                    self.pool.admit_played(played);
                    shift.wish = Wish::Run;
                } else {
                    played.refuse();
                    shift.close(now + self.plan.settings.overrun_grace);
                    self.check_interrupted()?;
                }
            }
            Wish::Drain { until, kill_at } if played.slots().is_quiet() || now >= until => {
                shift.close(kill_at);
                self.check_interrupted()?;
            }
            Wish::End { .. } if played.driver.has_ended() => self.end_shift()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn ask_to_stop(&mut self) -> bool {
        let now = self.now();
        let settings = &self.plan.settings;
        let draining = settings.stop_timeout.saturating_sub(settings.overrun_grace);
        let Some(shift) = self.shift.as_mut().filter(|shift| matches!(shift.wish, Wish::Run)) else {
            return false;
        };
        let is_at_once = self.random.one_in(3);
        shift.wish = if is_at_once {
            Wish::Drain { until: now, kill_at: now + settings.overrun_grace }
        } else {
            Wish::Drain { until: now + draining, kill_at: now + settings.stop_timeout }
        };
        shift.played.refuse();
        true
    }

    /// The first mark of a stop has come: whatever runs is asked to return.
    fn check_interrupted(&self) -> Checked {
        for run in self.runs.iter().filter(|run| run.is_own() && self.is_present(run)) {
            let is_asked = run.running().is_none_or(|call| call.is_interrupted());
            ensure(is_asked, Rule::Interrupts, || format!("what runs at {} is not asked to return", run.at))?;
        }
        Ok(())
    }

    /// The driver has ended: what the stop promises must hold.
    fn end_shift(&mut self) -> Checked {
        self.tell_outcomes()?;
        let Some(shift) = self.shift.take() else { return Ok(()) };
        for (slot, load) in shift.played.slots().with_loads() {
            ensure(load.tickets() == 0, Rule::Tickets, || {
                format!("worker {} has {} in flight after the stop", slot.id, load.tickets())
            })?;
        }
        ensure(self.callers.is_empty(), Rule::Stops, || {
            format!("{} calls have no outcome after the stop", self.callers.len())
        })?;
        ensure(shift.played.shift().has_told(), Rule::Events, || {
            "a call that has ended was not told of".into()
        })?;
        self.pool.retire_played(&shift.played);
        Ok(())
    }
}

impl Shift {
    fn close(&mut self, kill_at: Instant) {
        self.wish = Wish::End { kill_at };
        self.played.close(kill_at);
    }
}

fn is_ready(played: &Played, child: u32) -> bool {
    matches!(played.driver.board().observed(child), Observed::Ready | Observed::Degraded)
}
