//! Acknowledgement and dispatch: a worker that is about to sleep, and a define, with a call after it.

use super::check;
use super::world::{Ended, World, define, ended, joined, submit, thread, until};
use crate::plant::Plant;
use crate::pool::Patience;
use crate::worker::played::Next;

#[test]
fn a_worker_that_goes_to_sleep_takes_what_is_defined_and_runs_it() {
    check("ack / dispatch", Plant::SleepsUnseen, || {
        let world = World::new(1);
        let mut worker = world.worker(0);
        let pool = world.pool.clone();
        ::loom::explore();
        let definer = thread(move || {
            let change = define(&pool);
            let defined = pool.defined(change);
            assert_eq!(defined.installed, 1, "whoever counts as having it has it");
            submit(&pool, 7, Patience::Watched).expect("there is room")
        });
        until(&mut worker, Next::Return);
        let bound = worker.running().expect("it runs").definition.version;
        assert!(worker.version() >= bound, "I5: {bound} runs where it is known");
        until(&mut worker, Next::Look);
        let call = joined(definer);
        assert_eq!(ended(&call), Some(Ended::Value(7)));
    });
}
