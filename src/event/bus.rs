//! [`Bus`]: gives events their numbers and hands them to their readers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde::Serialize;

use crate::clock::Clock;
use crate::sync::{AtomicU64, Mutex};

use super::audience::Audience;
use super::draft::Draft;
use super::error::SubscribeError;
use super::event::Event;
use super::listener::{Listener, ListenerId};
use super::name::EventName;
use super::ring::{Pushed, Ring};
use super::sequence::Sequence;
use super::subscription::Subscription;
use super::trace;

/// How many events there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EventCounts {
    /// How many were emitted, whether or not anybody heard them.
    pub emitted: u64,
    /// How many were dropped from full rings, each once for every ring that it was dropped from.
    pub dropped: u64,
}

/// The events of one pool. Shared by all who emit; its readers do not keep it, and dropped it closes.
#[derive(Debug)]
pub(crate) struct Bus {
    pub(super) clock: Clock,
    ring_max: usize,
    sequence: Sequence,
    dropped: AtomicU64,
    audience: Mutex<Audience>,
}

impl Bus {
    /// A bus whose readers may each be `ring_max` events behind.
    pub(crate) fn new(clock: Clock, ring_max: usize) -> Arc<Self> {
        let bus = Arc::new(Self {
            clock,
            ring_max,
            sequence: Sequence::default(),
            dropped: AtomicU64::new(0),
            audience: Mutex::default(),
        });
        trace::attend(&bus);
        bus
    }

    /// Emits an event. `draft` says what it tells, and is called only if somebody hears it: otherwise the event is only
    /// counted. It runs nobody's code but ours: it may be called on every thread of the pool.
    pub(crate) fn emit(&self, name: EventName, draft: impl FnOnce(Draft) -> Draft) {
        if self.sequence.count_unheard() {
            return;
        }
        let rings = self.publish(draft(Draft::new(name)));
        for ring in rings.iter() {
            ring.wake();
        }
    }

    /// Whether anybody hears of what is emitted now: if not, it is not worth a copy.
    pub(crate) fn is_heard(&self) -> bool {
        self.sequence.is_heard()
    }

    /// Reads the events from now on.
    pub(crate) fn subscribe(self: &Arc<Self>) -> Result<Subscription, SubscribeError> {
        let ring = Arc::new(Ring::new(self.ring_max));
        self.change(|audience| audience.add_subscription(&ring))?;
        Ok(Subscription::new(self, ring))
    }

    /// Has `callback` called with each event from now on, on a thread of its own.
    pub(crate) fn listen(
        self: &Arc<Self>,
        callback: impl FnMut(&Event) + Send + 'static,
    ) -> Result<ListenerId, SubscribeError> {
        let listener = Arc::new(Listener::new(Ring::new(self.ring_max)));
        self.change(|audience| audience.add_listener(&listener))?;
        listener.start(self, callback).map_err(SubscribeError::Thread)?;
        Ok(listener.id)
    }

    /// Removes a listener; false if there is none of that name. It is called with no further event. Returns when it
    /// runs no more and has been dropped, at the latest at `until`, and at once on the listener's own thread.
    pub(crate) fn unlisten(&self, id: ListenerId, until: Option<Instant>) -> bool {
        let Some(listener) = self.audience.lock().listener(id).cloned() else { return false };
        if !listener.ring.discard() {
            return false;
        }
        self.refresh();
        listener.ring.wake();
        listener.wait_for_end(&self.clock, until);
        true
    }

    /// Whether the calling thread is that of one of this bus's listeners.
    pub(crate) fn is_listening_here(&self) -> bool {
        self.audience.lock().is_listening_here()
    }

    /// Ends the events: listeners are called with those that are in their rings and end, subscriptions are read to their
    /// end. What is emitted from now on is only counted. Waits for nobody.
    pub(crate) fn close(&self) {
        let rings = self.change(|audience| {
            audience.close();
            Arc::clone(audience.open())
        });
        for ring in rings.iter() {
            ring.wake();
        }
    }

    /// How many events there were so far.
    pub(crate) fn counts(&self) -> EventCounts {
        EventCounts { emitted: self.sequence.last(), dropped: self.dropped.load(Ordering::Relaxed) }
    }

    /// Changes who is told. From here on everybody emits according to it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Audience) -> T) -> T {
        let mut audience = self.audience.lock();
        let result = change(&mut audience);
        audience.refresh();
        self.sequence.set_heard(!audience.open().is_empty());
        result
    }

    /// Takes note that a ring has been closed or discarded.
    pub(super) fn refresh(&self) {
        self.change(|_| ());
    }

    /// Numbers the event and puts it into the rings, whose readers are to be woken then. All of it is under one lock, so
    /// that every ring has the events in the order of their numbers.
    fn publish(&self, draft: Draft) -> Arc<[Arc<Ring>]> {
        let audience = self.audience.lock();
        let event = Arc::new(draft.finish(self.sequence.next(), self.clock.system_time()));
        for ring in audience.open().iter() {
            if ring.push(&event) == Pushed::OldestDropped {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        Arc::clone(audience.open())
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.close();
    }
}
