//! Submit and close: what is put into a queue while it is closed and emptied.

use super::check;
use super::world::{World, joined, thread};
use crate::call::Job;
use crate::plant::Plant;
use crate::pool::Patience;

use super::world::submit;

#[test]
fn a_job_is_refused_by_a_closed_queue_or_found_in_it() {
    check("submit / close", Plant::InboxStaysOpen, || {
        let world = World::new(2);
        // Accepted by the second slot, so that there are jobs to put into the first one's queue.
        let [ahead, call] = [1, 2].map(|number| submit(&world.pool, number, Patience::Blocked));
        let jobs = world.slots.all.iter().flat_map(|slot| slot.queue.drain());
        let [first, second] = jobs.collect::<Vec<Job>>().try_into().ok().expect("each lay in a queue");
        let pushing = [first, second].map(|job| {
            let slots = world.slots.clone();
            move || slots.all[0].queue.push(job).is_ok()
        });
        let [one, other] = pushing;
        ::loom::explore();
        let (one, other) = (thread(one), thread(other));
        world.slots.all[0].close();
        let drained = world.slots.all[0].queue.drain();
        let pushed = usize::from(joined(one)) + usize::from(joined(other));
        assert_eq!(drained.len(), pushed, "I1: what was pushed was there to be drained");
        assert!(world.slots.all[0].queue.is_empty());
        drop((ahead, call));
    });
}
