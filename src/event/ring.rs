//! [`Ring`]: the bounded queue of one reader, which forgets its oldest events rather than hold up who emits.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::sync::{Mutex, Signal};

use super::draft::Draft;
use super::event::Event;
use super::name::EventName;

/// How many events are kept for a subscription or a listener that does not read them, unless the builder says otherwise.
pub const EVENT_BUFFER_DEFAULT: usize = 4_096;

/// What a reader has not read yet.
#[derive(Debug)]
pub(super) struct Ring {
    events_max: usize,
    state: Mutex<RingState>,
    changed: Signal,
}

#[derive(Debug)]
struct RingState {
    events: VecDeque<Arc<Event>>,
    lost: Option<Lost>,
    phase: Phase,
}

/// The events that had to go since the reader last read.
#[derive(Debug)]
struct Lost {
    count: u64,
    last: Arc<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing more comes in; the rest is to be read.
    Closed,
    /// Nothing is to be read any more.
    Discarded,
}

/// What a reader finds.
#[must_use]
#[derive(Debug)]
pub(super) enum Popped {
    /// The next event, or the marker for those that are gone.
    Event(Arc<Event>),
    /// Nothing yet.
    Empty,
    /// Nothing, and nothing will come.
    Closed,
}

/// What became of an event that was pushed.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// There was room.
    Kept,
    /// The oldest event had to go for it.
    OldestDropped,
    /// The ring takes nothing any more.
    Refused,
}

impl Ring {
    /// A ring for at most `events_max` events, and for one at least: an event that is emitted can be read.
    pub(super) fn new(events_max: usize) -> Self {
        let state = RingState { events: VecDeque::new(), lost: None, phase: Phase::Open };
        Self { events_max: events_max.max(1), state: Mutex::new(state), changed: Signal::default() }
    }

    /// Appends an event. Its reader is woken by [`Ring::wake`] alone, which comes after the locks.
    pub(super) fn push(&self, event: &Arc<Event>) -> Pushed {
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            return Pushed::Refused;
        }
        let oldest = if state.events.len() < self.events_max { None } else { state.events.pop_front() };
        state.events.push_back(Arc::clone(event));
        match oldest {
            None => Pushed::Kept,
            Some(oldest) => {
                state.lose(oldest);
                Pushed::OldestDropped
            }
        }
    }

    /// Takes the next event, or the marker for those that are gone.
    pub(super) fn pop(&self) -> Popped {
        self.state.lock().pop()
    }

    /// Takes the next event, and waits for it as long as `pause` parks the thread; `Empty` says that the time was up.
    pub(super) fn pop_when_there(&self, pause: impl FnMut() -> bool) -> Popped {
        let mut popped = Popped::Empty;
        self.changed.wait(pause, || {
            popped = self.pop();
            !matches!(popped, Popped::Empty)
        });
        popped
    }

    /// Takes everything that is there at this moment.
    pub(super) fn drain(&self) -> Vec<Arc<Event>> {
        let mut state = self.state.lock();
        let marker = state.take_marker();
        marker.into_iter().chain(state.events.drain(..)).collect()
    }

    /// Lets nothing more in: what is there may still be read.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closed;
        }
    }

    /// Lets nothing more in nor out; true for whoever does it first.
    pub(super) fn discard(&self) -> bool {
        let (before, unread) = {
            let mut state = self.state.lock();
            state.lost = None;
            (std::mem::replace(&mut state.phase, Phase::Discarded), std::mem::take(&mut state.events))
        };
        drop(unread);
        before != Phase::Discarded
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.lock().phase == Phase::Open
    }

    /// Has the reader look again. Under no lock.
    pub(super) fn wake(&self) {
        self.changed.notify();
    }
}

impl RingState {
    fn lose(&mut self, event: Arc<Event>) {
        let count = self.lost.as_ref().map_or(0, |lost| lost.count) + 1;
        self.lost = Some(Lost { count, last: event });
    }

    fn pop(&mut self) -> Popped {
        match self.take_marker().or_else(|| self.events.pop_front()) {
            Some(event) => Popped::Event(event),
            None if self.phase == Phase::Open => Popped::Empty,
            None => Popped::Closed,
        }
    }

    /// The marker stands where the last event that is gone stood, so that number and time stay in order.
    fn take_marker(&mut self) -> Option<Arc<Event>> {
        let Lost { count, last } = self.lost.take()?;
        let marker = Draft::new(EventName::EventsDropped).detail("dropped", count);
        Some(Arc::new(marker.finish(last.event_id, last.timestamp)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Detail;
    use super::*;
    use std::time::SystemTime;

    fn event(event_id: u64) -> Arc<Event> {
        Arc::new(Draft::new(EventName::WorkerReady).finish(event_id, SystemTime::UNIX_EPOCH))
    }

    /// The numbers of what `events` holds, and for markers how many events are gone.
    fn shown(events: &[Arc<Event>]) -> Vec<(u64, Option<u64>)> {
        let dropped = |event: &Event| event.detail("dropped").and_then(Detail::as_number);
        events.iter().map(|event| (event.event_id, dropped(event))).collect()
    }

    #[test]
    fn below_and_at_its_limit_a_ring_forgets_nothing_and_above_it_the_oldest() {
        let ring = Ring::new(3);
        for id in 1..=3 {
            assert_eq!(ring.push(&event(id)), Pushed::Kept, "{id}");
        }
        assert_eq!(ring.push(&event(4)), Pushed::OldestDropped);
        assert_eq!(ring.push(&event(5)), Pushed::OldestDropped);
        assert_eq!(
            shown(&ring.drain()),
            [(2, Some(2)), (3, None), (4, None), (5, None)],
            "the marker stands for 1 and 2"
        );
        assert!(ring.drain().is_empty());
    }

    #[test]
    fn a_marker_comes_before_what_is_left_and_each_loss_is_told_once() {
        let ring = Ring::new(1);
        assert_eq!(ring.push(&event(1)), Pushed::Kept);
        assert_eq!(ring.push(&event(2)), Pushed::OldestDropped);
        let Popped::Event(marker) = ring.pop() else { panic!("a marker is there") };
        assert_eq!(shown(&[marker]), [(1, Some(1))]);
        assert_eq!(ring.push(&event(3)), Pushed::OldestDropped);
        assert_eq!(shown(&ring.drain()), [(2, Some(1)), (3, None)]);
    }

    #[test]
    fn a_ring_without_room_has_room_for_one() {
        let ring = Ring::new(0);
        assert_eq!(ring.push(&event(1)), Pushed::Kept);
        assert_eq!(shown(&ring.drain()), [(1, None)]);
    }

    #[test]
    fn a_closed_ring_is_read_to_its_end_and_a_discarded_one_is_not() {
        let ring = Ring::new(2);
        assert_eq!(ring.push(&event(1)), Pushed::Kept);
        ring.close();
        assert_eq!(ring.push(&event(2)), Pushed::Refused);
        assert!(matches!(ring.pop(), Popped::Event(_)));
        assert!(matches!(ring.pop(), Popped::Closed));

        let ring = Ring::new(1);
        assert!(matches!(ring.pop(), Popped::Empty));
        assert_eq!(ring.push(&event(1)), Pushed::Kept);
        assert_eq!(ring.push(&event(2)), Pushed::OldestDropped);
        assert!(ring.discard());
        assert!(!ring.discard(), "one discards it");
        ring.close();
        assert!(!ring.is_open());
        assert!(matches!(ring.pop(), Popped::Closed));
    }
}
