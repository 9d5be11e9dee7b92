//! Leaving a run behind: a worker that answers its call as it is left behind with it.

use super::check;
use super::world::{Ended, World, ended, joined, submit, thread, until};
use crate::plant::Plant;
use crate::pool::Patience;
use crate::worker::played::Next;

#[test]
fn a_run_that_is_left_behind_as_it_answers_is_counted_once_and_so_is_its_call() {
    check("abandon / answer", Plant::Double, || {
        let mut world = World::new(1);
        let mut worker = world.worker(0);
        let call = submit(&world.pool, 7, Patience::Watched).expect("there is room");
        until(&mut worker, Next::Return);
        world.slots.all[0].request_stop();
        let slots = world.slots.clone();
        let running = world.shift.driver.running(0).expect("it was begun");
        ::loom::explore();
        let killer = thread(move || running.kill());
        until(&mut worker, Next::Nothing);
        joined(killer);
        let ended = ended(&call).expect("I1: it has an outcome");
        assert!(matches!(ended, Ended::Value(7) | Ended::Cancelled { started: true }), "{ended:?}");
        assert_eq!(slots.shift.in_flight(), 0, "I3");
        assert_eq!(slots.shift.totals().ended(), 1, "I1");
        assert_eq!(
            slots.counts.abandoned.load(std::sync::atomic::Ordering::Relaxed),
            0,
            "its thread is back"
        );
        assert!(!slots.all[0].is_serving());
    });
}
