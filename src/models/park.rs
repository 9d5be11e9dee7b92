//! Parking on both sides: a worker that goes to sleep as a call comes, and a caller that goes to sleep as it ends.

use super::check;
use super::world::{Ended, World, ended, joined, serve_one, submit, thread};
use crate::plant::Plant;
use crate::pool::Patience;

#[test]
fn a_worker_is_woken_for_a_call_and_its_caller_for_the_outcome() {
    check("park / unpark", Plant::PushesUnfenced, || {
        let world = World::new(1);
        let mut worker = world.worker(0);
        let pool = world.pool.clone();
        ::loom::explore();
        let caller = thread(move || {
            let call = submit(&pool, 7, Patience::Blocked).expect("there is room");
            while !call.block(None) {}
            ended(&call)
        });
        serve_one(&mut worker);
        assert_eq!(joined(caller), Some(Ended::Value(7)));
    });
}
