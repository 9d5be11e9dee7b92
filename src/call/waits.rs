//! [`Waits`]: which calls the workers of a pool wait for inside their functions; and whether another such wait could
//! never end.
//!
//! A worker that waits for a call which it does not run itself says so first and looks then, as every other such worker
//! does. So where workers are about to wait for each other in a circle, the last one to say so sees all of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::fence;
use crate::id::{CallId, WorkerId};
use crate::sync::{AtomicBool, Mutex};

use super::cell::Call;
use super::load::Hand;
use super::shift::Shift;
use super::start_word::Stage;

/// How many waits are looked at for one call; beyond it the call is taken for one that ends.
const LOOKS_MAX: usize = 4_096;

/// What the workers of one pool wait for, from a start to the stop after it.
pub(crate) struct Waits {
    places: Box<[Place]>,
}

/// One worker's.
#[derive(Default)]
struct Place {
    /// The call that it waits for, and the hand that does: an abandoned one waits for nobody but itself.
    awaited: Mutex<Option<(Hand, Arc<Call>)>>,
    /// No worker will serve there any more.
    is_lost: AtomicBool,
}

impl Waits {
    pub(super) fn new(count: usize) -> Self {
        Self { places: (0..count).map(|_| Place::default()).collect() }
    }

    /// No worker comes there again, to be waited for.
    pub(crate) fn lose(&self, worker: WorkerId) {
        self.places[worker.index()].is_lost.store(true, Ordering::Release);
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waits").field("places", &self.places.len()).finish_non_exhaustive()
    }
}

/// A worker's word that it waits for a call, until this drops.
#[must_use]
pub(crate) struct Waiting {
    shift: Arc<Shift>,
    worker: WorkerId,
    call: Arc<Call>,
}

impl Waiting {
    /// Says that the worker of `shift`, in the function that `hand` runs, waits for the call.
    pub(crate) fn new(shift: &Arc<Shift>, (worker, hand): (WorkerId, Hand), call: &Arc<Call>) -> Self {
        let mut awaited = shift.waits.places[worker.index()].awaited.lock();
        if shift.loads[worker.index()].hand() == hand {
            *awaited = Some((hand, Arc::clone(call))); // what an abandoned run waited for goes: its own thread has it
        }
        drop(awaited);
        Self { shift: Arc::clone(shift), worker, call: Arc::clone(call) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut awaited = self.shift.waits.places[self.worker.index()].awaited.lock();
        let own = awaited.take_if(|(_, call)| Arc::ptr_eq(call, &self.call));
        drop(awaited);
        drop(own); // not the last holder: `call` is
    }
}

/// Whether no worker could ever run the call, for which its maker has said that it waits: each one waits itself, for a call
/// that cannot end before this one does, or for one that no worker can run either.
///
/// One look sees each worker at another moment. What two of them find alike was so at the moment between them: a wait is
/// begun and ended once, and a call that was started does not wait again.
pub(crate) fn would_deadlock(call: &Call) -> bool {
    Look::at(call).is_some_and(|first| Look::at(call) == Some(first))
}

/// A call that a worker waits for, and what that is at.
type Wait = (CallId, Stage);

/// One look at everybody who would have to go on for the call to be run.
struct Look<'a> {
    call: &'a Call,
    /// The pools whose workers were looked at, or are being: one that is waited for by its own workers is stuck.
    seen: Vec<Arc<Shift>>,
    found: Vec<Wait>,
}

impl<'a> Look<'a> {
    /// The waits that keep the call from being run; none if somebody goes on who might run it, in the end.
    fn at(call: &'a Call) -> Option<Vec<Wait>> {
        let mut look = Self { call, seen: Vec::new(), found: Vec::new() };
        look.is_stuck(&call.shift).then_some(look.found)
    }

    /// Whether every worker that is there, or may come, waits.
    fn is_stuck(&mut self, shift: &Arc<Shift>) -> bool {
        if self.seen.iter().any(|seen| Arc::ptr_eq(seen, shift)) {
            return true;
        }
        self.seen.push(Arc::clone(shift));
        let is_lost = |place: &Place| place.is_lost.load(Ordering::Acquire);
        let mut there = shift.waits.places.iter().enumerate().filter(|(_, place)| !is_lost(place)).peekable();
        // Where no worker is left, calls end.
        there.peek().is_some() && there.all(|(at, _)| self.is_waiting(shift, at))
    }

    fn is_waiting(&mut self, shift: &Shift, at: usize) -> bool {
        if self.found.len() >= LOOKS_MAX {
            return false;
        }
        let hand = shift.loads[at].hand();
        let awaited = match &*shift.waits.places[at].awaited.lock() {
            Some((waiting, call)) if *waiting == hand => Arc::clone(call),
            _ => return false,
        };
        let stage = awaited.stage();
        self.found.push((awaited.id, stage));
        let is_outer = awaited.id == self.call.id || self.call.chain.holds_call(awaited.id);
        let is_waiting = match stage {
            Stage::Dead => false,
            _ if is_outer => true,
            Stage::Queued => self.is_stuck(&awaited.shift),
            Stage::Started(worker) => self.is_waiting(&awaited.shift, worker.index()),
        };
        fence::drop_value(awaited); // perhaps the last holder by now
        is_waiting
    }
}
