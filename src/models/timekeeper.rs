//! The alarm: a timekeeper that looks as a call with a deadline is accepted.

use super::check;
use super::world::{TIMEOUT, World, joined, submit, thread};
use crate::call::{attend, look, next_look};
use crate::plant::Plant;
use crate::pool::Patience;
use crate::sync::park;

#[test]
fn a_call_with_a_deadline_is_met_by_a_look_or_sets_the_alarm() {
    check("alarm / submit", Plant::ForgetsAfterLook, || {
        let world = World::new(1);
        let shift = &world.slots.shift;
        let due = shift.clock.now() + TIMEOUT;
        attend(shift);
        let pool = world.pool.clone();
        ::loom::explore();
        let caller = thread(move || submit(&pool, 7, Patience::Watched).expect("there is room"));
        look(shift, &world.shift.scans);
        // As the thread rests: whoever wakes it has set the alarm.
        while next_look(shift).is_none() {
            park(None);
        }
        joined(caller);
        assert_eq!(next_look(shift), Some(due), "nobody has put it off");
    });
}
