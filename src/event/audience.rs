//! [`Audience`]: who is told.

use std::sync::Arc;

use super::error::SubscribeError;
use super::listener::{Listener, ListenerId};
use super::ring::Ring;

/// How many subscriptions and listeners a pool has at most, taken together. A listener keeps its place until its thread
/// has ended. With the feature `tracing`, what forwards to the tracing subscriber is one of them.
pub const LISTENERS_MAX: usize = 64;

/// The readers of one bus, behind its lock.
#[derive(Debug, Default)]
pub(super) struct Audience {
    closed: bool,
    subscriptions: Vec<Arc<Ring>>,
    listeners: Vec<Arc<Listener>>,
    /// Every ring of the two lists above that takes events. It is shared, so that who emits can wake the readers after
    /// the lock without a copy.
    open: Arc<[Arc<Ring>]>,
}

impl Audience {
    pub(super) fn open(&self) -> &Arc<[Arc<Ring>]> {
        &self.open
    }

    pub(super) fn add_subscription(&mut self, ring: &Arc<Ring>) -> Result<(), SubscribeError> {
        self.make_room()?;
        self.subscriptions.push(Arc::clone(ring));
        Ok(())
    }

    pub(super) fn remove_subscription(&mut self, ring: &Arc<Ring>) {
        self.subscriptions.retain(|other| !Arc::ptr_eq(other, ring));
    }

    pub(super) fn add_listener(&mut self, listener: &Arc<Listener>) -> Result<(), SubscribeError> {
        self.make_room()?;
        self.listeners.push(Arc::clone(listener));
        Ok(())
    }

    pub(super) fn remove_listener(&mut self, id: ListenerId) {
        self.listeners.retain(|listener| listener.id != id);
    }

    /// The listener, as long as its thread lives.
    pub(super) fn listener(&self, id: ListenerId) -> Option<&Arc<Listener>> {
        self.listeners.iter().find(|listener| listener.id == id)
    }

    /// Whether the calling thread is one of the listeners'.
    pub(super) fn is_listening_here(&self) -> bool {
        self.listeners.iter().any(|listener| listener.is_here())
    }

    /// Lets no event and no reader in any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        for ring in self.open.iter() {
            ring.close();
        }
    }

    /// Finds out anew which rings take events. After every change.
    pub(super) fn refresh(&mut self) {
        let listeners = self.listeners.iter().map(|listener| &listener.ring);
        let rings = self.subscriptions.iter().chain(listeners);
        self.open = rings.filter(|ring| ring.is_open()).cloned().collect();
    }

    fn make_room(&self) -> Result<(), SubscribeError> {
        if self.closed {
            return Err(SubscribeError::Closed);
        }
        if self.subscriptions.len() + self.listeners.len() >= LISTENERS_MAX {
            return Err(SubscribeError::TooMany { limit: LISTENERS_MAX });
        }
        Ok(())
    }
}
