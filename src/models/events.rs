//! The event ring: who emits more than it keeps, and a reader that sleeps in between.

use std::time::Duration;

use super::check;
use super::world::{joined, thread};
use crate::clock::Clock;
use crate::event::{Bus, Detail, EventName};
use crate::plant::Plant;

/// So many events are emitted; the ring keeps two.
const EVENTS: u64 = 3;

#[test]
fn a_reader_gets_every_event_or_a_marker_for_it() {
    check("event ring", Plant::EnlistsUnseen, || {
        let (clock, _hands) = Clock::manual();
        let bus = Bus::new(clock, 2);
        let events = bus.subscribe().expect("there is room");
        let theirs = bus.clone();
        ::loom::explore();
        let emitter = thread(move || {
            for _ in 0..EVENTS {
                theirs.emit(EventName::WorkerReady, |draft| draft);
            }
        });
        let (mut last, mut dropped) = (0, 0);
        while last < EVENTS {
            let event = events.wait(Duration::from_secs(1)).expect("no time passes");
            let gone = event.detail("dropped").and_then(Detail::as_number);
            assert_eq!(event.event_id, last + gone.unwrap_or(1), "I10: no gap");
            dropped += gone.unwrap_or(0);
            last = event.event_id;
        }
        joined(emitter);
        assert_eq!(bus.counts().dropped, dropped, "I10: the markers are the counter");
    });
}
