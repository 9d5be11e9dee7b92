//! [`Listener`]: a user's callback that is called with each event, on a thread of its own.
//!
//! # Theory of operation
//!
//! The thread owns the callback. It parks on its ring, which an emitter fills and then wakes, and calls the callback in
//! a fence, one event after the other. It ends when its ring is closed and read to the end, when its ring is discarded
//! because the listener was removed, or after the callback's third panic. Then it drops the callback, in a fence too,
//! leaves the bus, and only then says that it has ended. So no thread but this one ever runs what the user wrote.
//! It does not keep the bus: a bus that is dropped closes the ring.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::clock::Clock;
use crate::fence;
use crate::sync::{self, AtomicBool, OnceLock, Signal, ThreadId, current};

use super::bus::Bus;
use super::event::Event;
use super::name::EventName;
use super::ring::{Popped, Ring};

/// How often a listener may panic: with the last of these panics it is dropped.
pub const LISTENER_PANICS_MAX: usize = 3;

/// One listener. No two listeners of a process have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(u64);

impl ListenerId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number behind the identity, counted from 1, as `listener_id` in the details of an event.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ListenerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What the bus and the thread share.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) id: ListenerId,
    pub(super) ring: Arc<Ring>,
    thread: OnceLock<ThreadId>,
    ended: AtomicBool,
    end: Signal,
}

impl Listener {
    pub(super) fn new(ring: Ring) -> Self {
        Self {
            id: ListenerId::next(),
            ring: Arc::new(ring),
            thread: OnceLock::new(),
            ended: AtomicBool::new(false),
            end: Signal::default(),
        }
    }

    /// Starts the thread of a listener that the bus has. If there is none to be had, the listener has left the bus.
    pub(super) fn start(
        self: &Arc<Self>,
        bus: &Arc<Bus>,
        callback: impl FnMut(&Event) + Send + 'static,
    ) -> io::Result<()> {
        let seat = Seat { listener: Arc::clone(self), bus: Arc::downgrade(bus) };
        let serve = move || seat.serve(callback);
        sync::spawn("wpc-listener".into(), serve).map(drop)
    }

    /// Whether the calling thread is this listener's.
    pub(super) fn is_here(&self) -> bool {
        self.thread.get() == Some(&current().id())
    }

    /// Waits until the thread runs no user code any more, at the latest until `until`; not on the thread itself.
    pub(super) fn wait_for_end(&self, clock: &Clock, until: Option<Instant>) {
        if !self.is_here() {
            let pause = || clock.wait(until).park(sync::park);
            self.end.wait(pause, || self.ended.load(Ordering::Acquire));
        }
    }
}

/// The thread's place in the audience, given up on drop.
struct Seat {
    listener: Arc<Listener>,
    bus: Weak<Bus>,
}

impl Seat {
    fn serve(self, mut callback: impl FnMut(&Event)) {
        self.listener.thread.get_or_init(|| current().id());
        let mut panics = 0;
        while let Some(event) = self.next() {
            if let Err(message) = fence::run(|| callback(&event)) {
                panics += 1;
                if panics == LISTENER_PANICS_MAX {
                    self.give_up(&message);
                    break;
                }
            }
        }
        // What a panic in here says is nothing that the pool could act on.
        fence::drop_value(callback);
    }

    fn next(&self) -> Option<Arc<Event>> {
        let pause = || {
            sync::park(None);
            true
        };
        match self.listener.ring.pop_when_there(pause) {
            Popped::Event(event) => Some(event),
            Popped::Empty | Popped::Closed => None,
        }
    }

    /// Takes the listener out of the audience for its panics, unless it has been removed by now.
    fn give_up(&self, message: &str) {
        if !self.listener.ring.discard() {
            return;
        }
        if let Some(bus) = self.bus.upgrade() {
            bus.refresh();
            bus.emit(EventName::ListenerDropped, |draft| {
                draft.error("panicked", message).detail("listener_id", self.listener.id.get())
            });
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(bus) = self.bus.upgrade() {
            bus.change(|audience| audience.remove_listener(self.listener.id));
        }
        self.listener.ended.store(true, Ordering::Release);
        self.listener.end.notify();
    }
}
