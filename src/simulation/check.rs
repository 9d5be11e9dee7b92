//! What holds after every step.

use super::callers::Booked;
use super::violation::{Checked, Rule, ensure};
use super::world::World;

impl World {
    pub(super) fn check(&mut self) -> Checked {
        self.tell_outcomes()?;
        self.check_loads()?;
        self.check_acknowledged(self.newest())
    }

    /// What each slot says that it has in flight, and what its queue holds.
    fn check_loads(&self) -> Checked {
        let Some(shift) = &self.shift else { return Ok(()) };
        let calls_max = self.plan.settings.pending_calls_max + 1;
        for ((slot, load), booked) in shift.played.slots().with_loads().zip(self.loads()) {
            let Booked { calls, waiting, overdue } = booked;
            let seen = load.see();
            ensure(load.tickets() == calls, Rule::Tickets, || {
                format!("worker {} has {calls} in flight, and {} tickets are out", slot.id, load.tickets())
            })?;
            ensure(
                seen.overdue == overdue && seen.load == calls + u32::from(overdue),
                Rule::Tickets,
                || format!("worker {} shows {seen:?}, with {calls} in flight, overdue: {overdue}", slot.id),
            )?;
            let queued = slot.queue.len();
            ensure(waiting <= calls_max && queued <= 2 * calls_max as usize, Rule::Limits, || {
                format!("{waiting} wait at worker {}, whose queue holds {queued}: {calls_max} may", slot.id)
            })?;
        }
        Ok(())
    }
}
