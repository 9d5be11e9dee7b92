//! [`Subscription`]: events, as their owner reads them.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::clock::Clock;
use crate::sync;

use super::bus::Bus;
use super::error::WaitEventError;
use super::event::Event;
use super::ring::{Popped, Ring};

/// The events of a pool from the moment of subscribing, in order and without a gap, for its owner to read.
///
/// It keeps as many events as the pool was built to keep ([`EVENT_BUFFER_DEFAULT`](crate::EVENT_BUFFER_DEFAULT) unless told otherwise). If more are
/// emitted before they are read, the oldest are dropped, and the next event that is read is the marker
/// [`EventName::EventsDropped`](crate::EventName::EventsDropped), which says under `dropped` how many. So for two events
/// in a row the later number is the earlier one and 1; for an event and a marker, it is the earlier one and `dropped`.
///
/// It does not keep the pool. Dropping it ends the subscription.
pub struct Subscription {
    bus: Weak<Bus>,
    ring: Arc<Ring>,
    clock: Clock,
}

impl Subscription {
    pub(super) fn new(bus: &Arc<Bus>, ring: Arc<Ring>) -> Self {
        Self { bus: Arc::downgrade(bus), ring, clock: bus.clock.clone() }
    }

    /// Takes the next event, if one is there.
    pub fn try_next(&self) -> Option<Arc<Event>> {
        match self.ring.pop() {
            Popped::Event(event) => Some(event),
            Popped::Empty | Popped::Closed => None,
        }
    }

    /// Takes the next event, and waits for it for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](WaitEventError::TimedOut) when no event came in that time, [`Closed`](WaitEventError::Closed) when
    /// the pool is gone and every event was read.
    ///
    /// # Blocking
    ///
    /// Until an event comes, for at most `timeout`.
    pub fn wait(&self, timeout: Duration) -> Result<Arc<Event>, WaitEventError> {
        let until = self.clock.now().checked_add(timeout);
        match self.ring.pop_when_there(|| self.clock.wait(until).park(sync::park)) {
            Popped::Event(event) => Ok(event),
            Popped::Empty => Err(WaitEventError::TimedOut),
            Popped::Closed => Err(WaitEventError::Closed),
        }
    }

    /// Takes every event that is there.
    pub fn drain(&self) -> Vec<Arc<Event>> {
        self.ring.drain()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(bus) = self.bus.upgrade() {
            bus.change(|audience| audience.remove_subscription(&self.ring));
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}
