//! The outcome cell: a worker that answers, a time-out, and a caller that waits.

use super::check;
use super::world::{Ended, World, ended, joined, submit, thread, until};
use crate::call::End;
use crate::plant::Plant;
use crate::pool::Patience;
use crate::worker::played::Next;

#[test]
fn a_call_has_one_outcome_and_its_caller_gets_it() {
    check("outcome cell", Plant::PublishesLoosely, || {
        let world = World::new(1);
        let mut worker = world.worker(0);
        let call = submit(&world.pool, 7, Patience::Blocked).expect("there is room");
        until(&mut worker, Next::Start);
        let late = call.clone();
        ::loom::explore();
        let time = thread(move || late.end(End::TimedOut).is_some());
        let caller = thread(move || {
            while !call.block(None) {}
            ended(&call).expect("it is taken here alone")
        });
        until(&mut worker, Next::Look);
        let (timed_out, ended) = (joined(time), joined(caller));
        match ended {
            Ended::Value(7) => assert!(!timed_out),
            Ended::TimedOut { .. } => assert!(timed_out),
            other => panic!("it ended in {other:?}"),
        }
        assert_eq!(world.shift.shift().in_flight(), 0, "I3");
        assert_eq!(world.pool.totals().ended(), 1, "I1");
    });
}
