//! The caller that polls: a small executor, whose every wait has an end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park_timeout};
use std::time::Duration;

use crate::caller::{Caller, UnderWay, WINDOW};

/// How long the caller sleeps at the most before it looks whether a call is overdue.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A place for a call under way, which is woken for it.
struct Place {
    call: Option<UnderWay>,
    alarm: Arc<Alarm>,
    waker: Waker,
}

/// Says that a call is worth another poll.
struct Alarm {
    rang: AtomicBool,
    caller: Thread,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.caller.unpark();
    }
}

impl Place {
    fn new() -> Self {
        let alarm = Arc::new(Alarm { rang: AtomicBool::new(false), caller: current() });
        Self { call: None, waker: Waker::from(Arc::clone(&alarm)), alarm }
    }

    /// Polls the call if it was woken for it; true if that came to anything.
    fn poll(&mut self, caller: &Caller<'_>) -> bool {
        if !self.alarm.rang.swap(false, Ordering::AcqRel) {
            return false;
        }
        let Some(call) = &mut self.call else { return false };
        let Poll::Ready(outcome) = Pin::new(&mut call.pending).poll(&mut Context::from_waker(&self.waker))
        else {
            return false;
        };
        caller.book(call, outcome);
        self.call = None;
        true
    }
}

impl Caller<'_> {
    /// Keeps a window of calls under way, and polls each when it is woken for it.
    pub(crate) fn poll(&self) {
        let mut places: Vec<Place> = (0..WINDOW).map(|_| Place::new()).collect();
        loop {
            for place in places.iter_mut().filter(|place| place.call.is_none()) {
                let Some(errand) = self.next() else { break };
                place.call = self.submit(errand);
                place.alarm.rang.store(true, Ordering::Release); // the first poll leaves the waker
            }
            let mut has_moved = false;
            for place in &mut places {
                has_moved |= place.poll(self);
            }
            if has_moved {
                continue;
            }
            if places.iter().all(|place| place.call.is_none()) {
                return;
            }
            park_timeout(LOOK_EVERY);
            let now = self.clock.now();
            for place in &mut places {
                if let Some(overdue) = place.call.take_if(|call| now >= call.due) {
                    self.ledger.book_missing(&overdue.errand);
                }
            }
        }
    }
}
