//! [`Slot`]: one place for a worker, fixed from start to stop: its queue, what its worker runs, and what that worker has
//! acknowledged. It outlives the runs of its worker.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::call::{Call, End, Hand, Load, Phase, Round, Seen};
use crate::hash::Hash;
use crate::id::{Run, Version, WorkerId};
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Mutex, Thread, full_fence};

use super::queue::Queue;
use super::reaper;
use super::slots::Counts;

/// What a slot can do for a new call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing {
    /// Its worker serves.
    Ready(Seen),
    /// Its worker starts, or is inside a call that is over; what waits here may wait.
    Waiting(Seen),
    /// No worker will serve here.
    Closed,
}

/// What a worker says it has: the snapshot's version and the digest of its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) version: Version,
    pub(crate) digest: Hash,
}

/// One worker's place.
pub(crate) struct Slot {
    pub(crate) id: WorkerId,
    pub(crate) queue: Queue,
    /// The outermost call that the worker runs, with the hand that runs it.
    running: Mutex<Option<(Hand, Arc<Call>)>>,
    acknowledged: Mutex<Option<Acknowledged>>,
    acknowledged_version: AtomicU64,
    sleeping: AtomicBool,
    serving: AtomicBool,
    closed: AtomicBool,
    stopping: AtomicBool,
    started_as: AtomicU32,
    was_killed: AtomicBool,
    thread: Mutex<Option<Thread>>,
}

/// An abandoned run: what the supervisor is told of it.
pub(crate) struct AbandonedRun {
    pub(crate) started_as: Run,
    pub(crate) last: Run,
}

impl Slot {
    pub(crate) fn new(id: WorkerId, calls_max: usize) -> Self {
        Self {
            id,
            queue: Queue::new(calls_max),
            running: Mutex::default(),
            acknowledged: Mutex::default(),
            acknowledged_version: AtomicU64::new(0),
            sleeping: AtomicBool::new(false),
            serving: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            started_as: AtomicU32::new(0),
            was_killed: AtomicBool::new(false),
            thread: Mutex::default(),
        }
    }

    pub(crate) fn standing(&self, load: &Load) -> Standing {
        if self.closed.load(Ordering::Acquire) {
            return Standing::Closed;
        }
        let seen = load.see();
        if self.serving.load(Ordering::Acquire) && !seen.overdue {
            Standing::Ready(seen)
        } else {
            Standing::Waiting(seen)
        }
    }

    /// A run of the worker takes the slot, on the calling thread.
    pub(super) fn attend(&self, thread: Thread, started_as: Run) {
        self.started_as.store(started_as.0, Ordering::Release);
        let before = self.running.lock().take();
        let_go(before); // outside of the lock
        *self.thread.lock() = Some(thread);
        self.serving.store(true, Ordering::Release);
    }

    /// Nothing is put here any more. What waits stays, for others to take.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.queue.close();
    }

    /// Whatever served here is gone.
    pub(super) fn vacate(&self) {
        self.serving.store(false, Ordering::Release);
    }

    /// Whether a stop had to abandon its worker.
    pub(crate) fn was_killed(&self) -> bool {
        self.was_killed.load(Ordering::Acquire)
    }

    pub(crate) fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn request_stop(&self) {
        self.stopping.store(true, Ordering::Release);
        full_fence();
        self.wake();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Says that the worker is about to sleep: it must look once more at whatever could wake it before it parks.
    pub(super) fn lie_down(&self) {
        self.sleeping.store(true, Ordering::Relaxed);
        full_fence();
    }

    pub(super) fn get_up(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }

    /// Wakes the worker if it sleeps; true if it did. Whatever it is to find has been stored, and a full fence passed.
    pub(crate) fn wake(&self) -> bool {
        let slept = self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::AcqRel);
        if slept && let Some(thread) = &*self.thread.lock() {
            thread.unpark();
        }
        slept
    }

    pub(super) fn acknowledge(&self, version: Version, digest: Hash) {
        *self.acknowledged.lock() = Some(Acknowledged { version, digest });
        self.acknowledged_version.store(version.0, Ordering::Release);
    }

    /// The newest version that the worker has acknowledged, and its manifest's digest.
    pub(crate) fn acknowledged(&self) -> Option<Acknowledged> {
        *self.acknowledged.lock()
    }

    pub(crate) fn has_version(&self, version: Version) -> bool {
        self.acknowledged_version.load(Ordering::Acquire) >= version.0 && self.serving.load(Ordering::Acquire)
    }

    pub(super) fn show_running(&self, hand: Hand, call: &Arc<Call>) {
        *self.running.lock() = Some((hand, Arc::clone(call)));
    }

    pub(super) fn clear_running(&self) {
        let call = self.running.lock().take();
        drop(call); // not the last holder: the worker still has the call
    }

    /// Asks the function that runs here to return early.
    pub(crate) fn interrupt(&self) {
        if let Some((_, call)) = &*self.running.lock() {
            call.interrupt();
        }
    }

    /// Ends what is due at this slot: calls that wait, and the one that runs. A run that has overstayed its grace is
    /// abandoned; it comes back for the supervisor to be told.
    pub(super) fn scan(&self, load: &Load, counts: &Counts, round: &mut Round) -> Option<AbandonedRun> {
        self.queue.for_each(|job| {
            let call = job.call();
            if let Some(deadline) = call.deadline.filter(|_| call.watched && call.is_queued())
                && round.is_due(deadline)
            {
                round.wake_later(call.end_queued(End::TimedOut));
            }
        });
        let mut running = self.running.lock();
        let (hand, call) = running.as_ref()?;
        if let Some(deadline) = call.deadline.filter(|_| call.watched && !call.is_decided())
            && round.is_due(deadline)
        {
            round.wake_later(call.end(End::TimedOut));
        }
        let abandon_at = call.abandon_at()?;
        if !round.is_due(abandon_at) {
            return None;
        }
        let abandoned = self.leave_behind(load, *hand, counts)?;
        let call = running.take();
        drop(running);
        let_go(call);
        Some(abandoned)
    }

    /// Ends the running call as cancelled and abandons the run that was started as `run`, whatever it does; none if it
    /// has left.
    pub(super) fn abandon(&self, load: &Load, counts: &Counts, run: Run) -> Option<AbandonedRun> {
        let mut running = self.running.lock();
        let mut wakeup = None;
        let abandoned = loop {
            if let Some((_, call)) = &*running {
                wakeup = wakeup.or(call.end(End::Cancelled));
            }
            let hand = load.hand();
            if hand.phase == Phase::Gone && hand.run.is_since(run) {
                break None;
            }
            self.started_as.store(run.0, Ordering::Release);
            if let Some(abandoned) = self.leave_behind(load, hand, counts) {
                self.was_killed.store(true, Ordering::Release);
                break Some(abandoned);
            } // else the worker moved on in between: it does so a few times at most, since it is asked to stop
        };
        let call = running.take();
        drop(running);
        drop(wakeup);
        let_go(call);
        abandoned
    }

    /// It is counted first: the thread that is left behind may see it, return and be taken off the count at once.
    fn leave_behind(&self, load: &Load, hand: Hand, counts: &Counts) -> Option<AbandonedRun> {
        counts.abandoned.fetch_add(1, Ordering::AcqRel);
        let started_as = Run(self.started_as.load(Ordering::Acquire));
        // A thread that has not come yet must find another run than it was started after.
        let last = if hand.run.is_since(started_as) { hand.run } else { started_as };
        if !load.move_hand(hand, Hand { run: last, phase: Phase::Gone, ..hand }) {
            counts.abandoned.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        counts.abandoned_ever.fetch_add(1, Ordering::AcqRel);
        self.serving.store(false, Ordering::Release);
        Some(AbandonedRun { started_as, last })
    }

    /// The worker ends by itself: it serves no more. False if it has been abandoned before.
    pub(super) fn leave(&self, load: &Load, hand: Hand) -> bool {
        let left = load.move_hand(hand, Hand { phase: Phase::Gone, ..hand });
        if left {
            self.serving.store(false, Ordering::Release);
        }
        left
    }
}

/// Lets go of an abandoned call. Where its thread has done so already, what it holds is dropped elsewhere: the last
/// definition of a function that captures something has user code to run.
fn let_go(running: Option<(Hand, Arc<Call>)>) {
    if let Some(call) = running.and_then(|(_, call)| Arc::into_inner(call)) {
        reaper::drop_later(vec![call]);
    }
}
