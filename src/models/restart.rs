//! Restart and dispatch: a worker that is lost as a call comes, and another one that sleeps.

use std::time::Duration;

use super::check;
use super::world::{Ended, World, ended, joined, serve_one, submit, thread, until};
use crate::call::{look, next_look};
use crate::plant::Plant;
use crate::pool::Patience;
use crate::sync::{JoinHandle, park};
use crate::worker::played::Next;

/// So often the timekeeper looks; the second look at the latest has the call taken.
const LOOKS: usize = 3;

/// The second worker, asleep, on a thread of its own: it runs one call.
fn sleeper(world: &World) -> JoinHandle<()> {
    let (slots, begun) = (world.slots.clone(), world.shift.begun.clone());
    let sleeper = thread(move || {
        let mut run = begun.take_of(1).expect("it was begun");
        until(&mut run, Next::GetUp);
        slots.acknowledgements.notify();
        serve_one(&mut run);
    });
    let pause = || {
        park(None);
        true
    };
    world.slots.acknowledgements.wait(pause, || world.slots.all[1].is_sleeping());
    sleeper
}

#[test]
fn a_call_for_which_a_worker_was_woken_that_is_lost_is_run_by_another() {
    check("restart / dispatch", Plant::EndsUnseen, || {
        let world = World::new(2);
        let mut lost = world.worker(0);
        let sleeper = sleeper(&world);
        until(&mut lost, Next::GetUp);
        let pool = world.pool.clone();
        ::loom::explore();
        let caller = thread(move || submit(&pool, 7, Patience::Watched).expect("a worker is there"));
        until(&mut lost, Next::Look);
        assert!(lost.lose(), "it runs nothing");
        until(&mut lost, Next::Nothing);
        let call = joined(caller);
        joined(sleeper);
        assert_eq!(ended(&call), Some(Ended::Value(7)));
        assert_eq!(world.shift.shift().in_flight(), 0, "I3");
    });
}

#[test]
fn a_call_that_is_left_to_a_worker_which_is_lost_is_run_by_another_before_long() {
    check("restart / rescue", Plant::LeavesUnwatched, || {
        let world = World::new(2);
        let mut lost = world.worker(0);
        let sleeper = sleeper(&world);
        // Nobody is woken for a short function where somebody is awake.
        let definition = world.pool.registry().publication().find("echo").expect("it is defined");
        definition.pace.learn(Duration::from_micros(1));
        let pool = world.pool.clone();
        ::loom::explore();
        let caller = thread(move || submit(&pool, 7, Patience::Watched).expect("a worker is there"));
        assert!(lost.lose(), "it runs nothing");
        until(&mut lost, Next::Nothing);
        let call = joined(caller);
        let shift = &world.slots.shift;
        for _ in 0..LOOKS {
            let (now, due) = (shift.clock.now(), call.deadline().expect("it has one"));
            let Some(at) = next_look(shift).filter(|at| *at < due && !call.is_done()) else { break };
            world.hands.advance(at.saturating_duration_since(now));
            look(shift, &world.shift.scans);
        }
        joined(sleeper);
        assert_eq!(ended(&call), Some(Ended::Value(7)));
        assert_eq!(shift.in_flight(), 0, "I3");
    });
}
