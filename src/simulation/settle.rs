//! Rest: everybody does what there is to do, but for functions that run, and time stands still. Then nothing is overdue.

use crate::worker::played::Next;

use super::plan::Kind;
use super::shift::Wish;
use super::violation::{Checked, Rule, ensure};
use super::world::World;

/// How many steps the world may take to come to rest.
const STEPS_MAX: usize = 20_000;

impl World {
    /// Lets the world come to rest, and checks what must hold then.
    pub(super) fn settle(&mut self) -> Checked {
        for _ in 0..STEPS_MAX {
            if !self.go_to_rest()? {
                return self.check_rest();
            }
        }
        ensure(false, Rule::Sound, || "the world does not come to rest".to_owned())
    }

    /// One step of somebody who can take one; false if there is nobody.
    fn go_to_rest(&mut self) -> Result<bool, super::violation::Violation> {
        let awake = self.runs.iter().position(|run| run.next() != Next::Return && !run.sleeps());
        if let Some(at) = awake {
            self.play(at)?;
            self.end_step(Kind::Work)?;
            return Ok(true);
        }
        for kind in [Kind::Drive, Kind::Keep, Kind::Expire, Kind::Poll, Kind::Shift] {
            // Who starts the workers again is nobody who has to.
            let is_wanted = match kind {
                Kind::Shift => self.shift.is_some(),
                Kind::Keep => self.is_look_due(),
                _ => true,
            };
            if is_wanted && self.take(kind)? {
                self.end_step(kind)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_look_due(&self) -> bool {
        let next = self.shift.as_ref().and_then(|shift| crate::call::next_look(shift.played.shift()));
        next.is_some_and(|at| at <= self.now())
    }

    fn check_rest(&self) -> Checked {
        let now = self.now();
        for caller in &self.callers {
            let is_late = caller.call.deadline().is_some_and(|deadline| deadline <= now);
            ensure(!is_late, Rule::Deadlines, || format!("call {} goes on after its time", caller.number))?;
        }
        let Some(shift) = &self.shift else { return Ok(()) };
        if let Wish::End { kill_at } = shift.wish {
            ensure(now < kill_at, Rule::Stops, || "a stop goes on after its second mark".to_owned())?;
        }
        let is_asleep =
            |run: &&crate::worker::played::Played| run.sleeps() && run.is_own() && self.is_present(run);
        for run in self.runs.iter().filter(is_asleep) {
            ensure(!run.has_jobs(), Rule::WakeUps, || format!("worker {} sleeps beside a call", run.at))?;
            ensure(!shift.is_admitted() || run.version() == self.newest(), Rule::WakeUps, || {
                format!(
                    "worker {} sleeps with version {}, and {} is there",
                    run.at,
                    run.version(),
                    self.newest()
                )
            })?;
        }
        self.check_counts()
    }

    /// The sums, as the pool and the books have them.
    fn check_counts(&self) -> Checked {
        let (totals, count) = (self.pool.totals(), &self.count);
        let told = [totals.values, totals.failed, totals.panicked, totals.timed_out, totals.cancelled];
        let known = [count.values, count.failed, count.panicked, count.timed_out, count.cancelled];
        let holds = told == known
            && totals.worker_lost == count.worker_lost
            && totals.accepted == count.accepted
            && totals.accepted == totals.ended() + self.callers.len() as u64;
        ensure(holds, Rule::OneOutcome, || {
            format!("the pool has counted {totals:?}, and the books {count:?}")
        })
    }
}
