//! Stop and submit: a call that is made while the pool closes.

use super::check;
use super::world::{Ended, World, ended, joined, submit, thread};
use crate::plant::Plant;
use crate::pool::Patience;

#[test]
fn a_call_that_is_made_during_a_stop_is_rejected_or_cancelled() {
    check("stop / submit", Plant::DrainsOpenQueues, || {
        let world = World::new(1);
        let kill_at = world.pool.settings().clock.now();
        let pool = world.pool.clone();
        ::loom::explore();
        let caller = thread(move || submit(&pool, 7, Patience::Watched));
        world.shift.refuse();
        world.shift.close(kill_at);
        if let Some(call) = joined(caller) {
            assert_eq!(ended(&call), Some(Ended::Cancelled { started: false }), "I1: it has an outcome");
        }
        assert_eq!(world.shift.shift().in_flight(), 0, "I3");
    });
}
