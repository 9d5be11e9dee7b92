//! Stop and the last call: a stop that waits until nothing is in flight, and the worker that ends what is.

use super::check;
use super::world::{World, joined, submit, thread, until};
use crate::plant::Plant;
use crate::pool::Patience;
use crate::worker::played::Next;

#[test]
fn a_stop_that_drains_is_told_of_the_end_of_the_last_call() {
    check("stop / last call", Plant::SleepsUntold, || {
        let world = World::new(1);
        let mut worker = world.worker(0);
        let call = submit(&world.pool, 7, Patience::Watched).expect("there is room");
        until(&mut worker, Next::Start);
        let (pool, slots) = (world.pool.clone(), world.slots.clone());
        world.shift.refuse();
        ::loom::explore();
        let stop = thread(move || {
            let clock = &pool.settings().clock;
            let until = clock.now() + pool.settings().stop_timeout;
            let pause = || clock.wait(Some(until)).park(crate::sync::park);
            slots.shift.quiet.wait(pause, || slots.is_quiet())
        });
        until(&mut worker, Next::GetUp);
        assert!(joined(stop), "it was told");
        assert!(call.is_done());
    });
}
