//! [`Slot`]: one place for a worker, fixed from start to stop: its queue, what its worker runs, and what that worker has
//! acknowledged. It outlives the runs of its worker.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::call::{Call, Definition, End, Hand, Load, Phase, Round, Seen, Shift, WAKE, Wakeup};
use crate::clock::Moment;
use crate::hash::Hash;
use crate::id::{Generation, Run, Version, WorkerId};
use crate::plant::Plant;
use crate::sync::{
    AtomicBool, AtomicU32, AtomicU64, CachePadded, Held, Mutex, Thread, full_fence, full_fence_after_swap,
};

use super::installed::Installed;
use super::queue::Queue;
use super::reaper::Reaper;
use super::register::{Busy, Installing, Register, Shown, installing};
use super::slots::Counts;

/// What a slot can do for a new call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing {
    /// Its worker serves.
    Ready(Seen),
    /// Its worker starts, or is inside a call that is over; what waits here may wait.
    Waiting(Seen),
    /// No worker will serve here, or none soon.
    Closed,
}

/// What a worker says it has: the snapshot's version, and the digest of its manifest less what it lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) version: Version,
    pub(crate) digest: Hash,
    /// The dependencies of the snapshot that it has no instance of.
    pub(crate) lacking: Vec<Generation>,
}

/// One worker's place.
pub(crate) struct Slot {
    pub(crate) id: WorkerId,
    pub(crate) queue: Queue,
    /// What the worker is at.
    running: Mutex<Register>,
    /// Calls that the running function waits for, and that run inside it for that.
    inside: Mutex<Vec<Held<Call>>>,
    pub(crate) installed: Installed,
    acknowledged: Mutex<Option<Acknowledged>>,
    acknowledged_version: AtomicU64,
    /// Changed by swaps alone: their order is one that everybody agrees on.
    sleeping: AtomicBool,
    /// What the hand was at when it was last looked at whether it is stuck, and when that was.
    seen_at: AtomicU64,
    seen_since: AtomicU64,
    serving: AtomicBool,
    closed: AtomicBool,
    held: AtomicBool,
    stopping: AtomicBool,
    started_as: AtomicU32,
    was_killed: AtomicBool,
    thread: Mutex<Option<Thread>>,
}

/// An abandoned run: what the supervisor is told of it.
pub(crate) struct AbandonedRun {
    pub(crate) started_as: Run,
    pub(crate) last: Run,
    /// The installation that did not return.
    pub(super) hung: Option<Installing>,
}

impl Slot {
    pub(crate) fn new(shift: &Arc<Shift>, id: WorkerId, calls_max: usize) -> Self {
        Self {
            id,
            queue: Queue::new(shift, id, calls_max),
            running: Mutex::default(),
            inside: Mutex::default(),
            installed: Installed::default(),
            acknowledged: Mutex::default(),
            acknowledged_version: AtomicU64::new(0),
            sleeping: AtomicBool::new(false),
            seen_at: AtomicU64::new(0),
            seen_since: AtomicU64::new(0),
            serving: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            held: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            started_as: AtomicU32::new(0),
            was_killed: AtomicBool::new(false),
            thread: Mutex::default(),
        }
    }

    pub(crate) fn standing(&self, load: &Load) -> Standing {
        if self.is_closed() || self.is_held() {
            return Standing::Closed;
        }
        let seen = load.see();
        if self.serving.load(Ordering::Acquire) && !seen.overdue {
            Standing::Ready(seen)
        } else {
            Standing::Waiting(seen)
        }
    }

    /// Whether the worker could not be given what the function requires.
    pub(crate) fn lacks(&self, definition: &Definition) -> bool {
        definition.dependencies.iter().any(|dependency| self.installed.has_failed(dependency.generation()))
    }

    /// A run of the worker takes the slot, on the calling thread; what it is to show its calls by comes back, or none if it has
    /// been abandoned already. The thread's lock is held over the look at the hand and what follows from it, as it is where a
    /// run is left behind: an abandoned run undoes nothing of its successor's.
    pub(super) fn attend(
        &self,
        load: &Load,
        (hand, thread): (Hand, Thread),
    ) -> Option<Arc<CachePadded<Shown>>> {
        let mut running = self.running.lock();
        let mut place = self.thread.lock();
        if load.hand() != hand {
            return None;
        }
        *place = Some(thread);
        self.started_as.store(hand.run.0, Ordering::Release);
        self.installed.begin();
        self.held.store(false, Ordering::Release);
        let before = std::mem::take(&mut *running);
        let shown = Arc::clone(&running.shown);
        drop(place);
        drop(running);
        drop(before); // outside of the locks
        Some(shown)
    }

    /// The run that has taken the slot serves from now on; false if it has been abandoned.
    pub(super) fn serve(&self, load: &Load, hand: Hand) -> bool {
        let _place = self.thread.lock();
        let is_own = load.hand() == hand;
        if is_own {
            self.serving.store(true, Ordering::Release);
        }
        is_own
    }

    /// Nothing is put here any more. What waits stays, for others to take.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.queue.close();
    }

    /// Nothing new is put here until the next run, which comes only once an abandoned thread has returned. What waits
    /// stays, for that run and for others.
    pub(super) fn hold(&self) {
        self.held.store(true, Ordering::Release);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// Runs `act` unless the run of `hand` has been abandoned: what it changes is its successor's then.
    pub(super) fn as_own(&self, load: &Load, hand: Hand, act: impl FnOnce()) {
        let _place = self.thread.lock();
        if load.hand() == hand {
            act();
        }
    }

    /// Whatever served here is gone.
    pub(super) fn vacate(&self) {
        self.serving.store(false, Ordering::Release);
    }

    /// Whether its worker had to be abandoned during a stop.
    pub(crate) fn was_killed(&self) -> bool {
        self.was_killed.load(Ordering::Acquire)
    }

    pub(crate) fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn request_stop(&self) {
        self.stopping.store(true, Ordering::Release);
        full_fence();
        self.wake();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Says that the worker is about to sleep: it must look once more at whatever could wake it before it parks.
    pub(super) fn lie_down(&self) {
        self.sleeping.swap(true, Ordering::AcqRel);
        full_fence_after_swap();
    }

    pub(crate) fn is_sleeping(&self) -> bool {
        self.sleeping.load(Ordering::Relaxed)
    }

    pub(super) fn get_up(&self) {
        self.sleeping.swap(false, Ordering::AcqRel);
    }

    /// Wakes the worker if it sleeps; true if it did. Whatever it is to find has been stored, and a full fence passed.
    pub(crate) fn wake(&self) -> bool {
        let slept = self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::AcqRel);
        if slept {
            let thread = self.thread.lock().clone(); // whoever is woken takes the lock
            thread.inspect(Thread::unpark);
        }
        slept
    }

    /// Whether the hand is at something, and at the same as it was at the last look, which was a wake's time ago or more; else it looks
    /// again no sooner than after as long.
    pub(super) fn is_stuck(&self, load: &Load, now: Moment) -> bool {
        if now.since(Moment::from_nanos(self.seen_since.load(Ordering::Relaxed))) < WAKE {
            return false;
        }
        let hand = load.hand();
        // Two that look at once may mix up their looks: one wake too many, or one look later.
        let before = self.seen_at.swap(hand.pack(), Ordering::Relaxed);
        self.seen_since.store(now.nanos(), Ordering::Relaxed);
        hand.phase != Phase::Between && before == hand.pack()
    }

    pub(super) fn acknowledge(&self, acknowledged: Acknowledged) {
        let version = acknowledged.version;
        *self.acknowledged.lock() = Some(acknowledged);
        self.acknowledged_version.store(version.0, Ordering::Release);
    }

    /// The newest version that the worker has acknowledged, and its manifest's digest.
    pub(crate) fn acknowledged(&self) -> Option<Acknowledged> {
        self.acknowledged.lock().clone()
    }

    pub(crate) fn has_version(&self, version: Version) -> bool {
        let acknowledged = self.acknowledged_version.load(Ordering::Acquire);
        (acknowledged >= version.0 || Plant::OldAcknowledgement.is_planted())
            && self.serving.load(Ordering::Acquire)
    }

    /// Shows what the hand is at besides a call, unless the run has been abandoned: the place is its successor's then.
    pub(super) fn show_aside(&self, load: &Load, hand: Hand, busy: Busy) {
        let mut running = self.running.lock();
        if load.hand() == hand {
            let before = running.aside.replace((hand, busy));
            drop(running);
            drop(before); // none, or something that its own worker has done with and still holds
        }
    }

    /// Takes that away again, if it still is what is shown.
    pub(super) fn clear_aside(&self, hand: Hand) {
        let mut running = self.running.lock();
        let busy = running.aside.take_if(|(shown, _)| *shown == hand);
        drop(running);
        drop(busy); // not the last holder: the worker still has the dependency
    }

    /// Shows a call that has begun inside the running one; false if the run has been abandoned.
    pub(super) fn show_inside(&self, load: &Load, hand: Hand, call: &Held<Call>) -> bool {
        let mut inside = self.inside.lock();
        let is_own = load.hand() == hand;
        if is_own {
            inside.push(call.clone());
        }
        is_own
    }

    /// Takes that away again.
    pub(super) fn clear_inside(&self, call: &Held<Call>) {
        // What is dropped is not the last holder: the caller has the call too.
        self.inside.lock().retain(|shown| !shown.is(call));
    }

    /// Ends the calls inside the one that an abandoned run was at: they hold tickets too.
    fn end_inside(&self, end: End, reaper: &Reaper) -> Vec<Wakeup> {
        let inside = std::mem::take(&mut *self.inside.lock());
        let ended = inside.iter().filter_map(|call| call.end(end)).collect();
        let_go_of(inside, reaper);
        ended
    }

    /// Whether the worker is inside some library's `init`.
    pub(crate) fn is_installing(&self) -> bool {
        matches!(&self.running.lock().aside, Some((_, Busy::Install(_))))
    }

    /// Asks the function that runs here to return early.
    pub(crate) fn interrupt(&self, load: &Load, reaper: &Reaper) {
        let (running, mut met) = (self.running.lock(), None);
        if let Some(call) = running.call(load, load.hand(), &mut met) {
            call.interrupt();
        }
        drop(running);
        let_go_of(met, reaper);
    }

    /// Ends what is due at this slot: calls that wait, and the one that runs. A run that has overstayed its grace is
    /// abandoned; it comes back for the supervisor to be told.
    pub(super) fn scan(&self, load: &Load, counts: &Counts, round: &mut Round) -> Option<AbandonedRun> {
        self.queue.for_each(|job| {
            let call = job.call();
            if let Some(deadline) = call.watched_until().filter(|_| call.is_queued())
                && round.is_due(deadline)
            {
                round.wake_later(call.end_queued(End::TimedOut));
            }
        });
        if let Some(retry_at) = self.installed.next_retry()
            && round.is_due(retry_at)
        {
            self.wake();
        }
        let mut met = None;
        let abandoned = self.scan_running(load, counts, round, &mut met);
        let_go_of(met, &counts.reaper);
        abandoned
    }

    /// Looks at what the hand is at. A call that is met is held in `met`, to be let go of outside of the lock.
    fn scan_running(
        &self,
        load: &Load,
        counts: &Counts,
        round: &mut Round,
        met: &mut Option<Held<Call>>,
    ) -> Option<AbandonedRun> {
        let mut running = self.running.lock();
        let hand = load.hand();
        let call = running.call(load, hand, met);
        let abandon_at = match (call, running.aside.as_mut()) {
            (Some(call), _) => {
                if let Some(deadline) = call.watched_until().filter(|_| !call.is_decided())
                    && round.is_due(deadline)
                {
                    round.wake_later(call.end(End::TimedOut));
                }
                call.abandon_at()?
            }
            (None, Some((aside, Busy::Install(installing)))) if *aside == hand => installing.until?,
            (None, Some((aside, Busy::Clean(cleaning)))) if *aside == hand => {
                if !cleaning.is_suspect && round.is_due(cleaning.until?) {
                    cleaning.is_suspect = true;
                    cleaning.until = round.now().checked_add(cleaning.grace);
                }
                cleaning.until?
            }
            _ => return None,
        };
        if !round.is_due(abandon_at) {
            return None;
        }
        let mut abandoned = self.leave_behind(load, hand, counts)?;
        let busy = running.aside.take();
        drop(running);
        for ended in self.end_inside(End::WorkerLost, &counts.reaper) {
            round.wake_later(Some(ended));
        }
        abandoned.hung = installing(busy);
        Some(abandoned)
    }

    /// Ends the running call and abandons the run that was started as `run`, whatever it does; none if it
    /// has left.
    pub(super) fn abandon(&self, load: &Load, counts: &Counts, run: Run) -> Option<AbandonedRun> {
        let mut running = self.running.lock();
        let (mut wakeups, mut met) = (Vec::new(), Vec::new());
        // Without a stop it is a start that took too long, or one that has come to its end at this moment and says so: then
        // it may have a call already.
        let end = if self.is_stopping() { End::Cancelled } else { End::WorkerLost };
        let abandoned = loop {
            if !self.is_stopping() && self.is_serving() {
                break None; // what it is at stays shown
            }
            let hand = load.hand();
            let mut one = None;
            if let Some(call) = running.call(load, hand, &mut one) {
                wakeups.extend(call.end(end));
            }
            met.extend(one);
            if hand.phase == Phase::Gone && hand.run.is_since(run) {
                break None;
            }
            self.started_as.store(run.0, Ordering::Release);
            if let Some(abandoned) = self.leave_behind(load, hand, counts) {
                break Some(abandoned);
            } // else the worker moved on in between: it does so a few times at most, since it is asked to stop
        };
        let busy = if abandoned.is_some() { running.aside.take() } else { None };
        drop(running);
        let ended = if abandoned.is_some() { self.end_inside(end, &counts.reaper) } else { Vec::new() };
        drop((wakeups, ended));
        let_go_of(met, &counts.reaper);
        abandoned.map(|abandoned| AbandonedRun { hung: installing(busy), ..abandoned })
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
        self.was_killed.fetch_or(self.is_stopping(), Ordering::AcqRel);
        full_fence();
        let place = self.thread.lock();
        self.serving.store(false, Ordering::Release);
        // Its thread may be about to sleep, and nobody would wake it again. The sleeping bit is its successor's from here on.
        self.sleeping.swap(false, Ordering::AcqRel);
        if let Some(thread) = &*place {
            thread.unpark();
        }
        Some(AbandonedRun { started_as, last, hung: None })
    }

    /// The worker ends by itself: it serves no more. False if it has been abandoned before.
    pub(super) fn leave(&self, load: &Load, hand: Hand) -> bool {
        let left = load.move_hand(hand, Hand { phase: Phase::Gone, ..hand });
        if left {
            let _place = self.thread.lock();
            self.serving.store(false, Ordering::Release);
        }
        left
    }
}

/// Lets go of calls. Where nobody else holds one any more, what it holds is dropped elsewhere: its arguments, its result, or the
/// last definition of a function that captures something have user code to run.
fn let_go_of(calls: impl IntoIterator<Item = Held<Call>>, reaper: &Reaper) {
    reaper.drop_later(calls.into_iter().filter_map(Held::into_last).collect());
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::event::Bus;
    use crate::id::PoolId;
    use crate::worker::register::Cleaning;

    /// A slot that a run has taken, on the calling thread.
    fn taken() -> (Slot, Load, Hand) {
        let clock = Clock::system();
        let bus = Bus::new(clock.clone(), 16);
        let times = (Duration::from_secs(1), Duration::from_secs(1));
        let shift = Arc::new(Shift::new(PoolId::next(), (clock, bus), times, &[Run(0)]));
        let (slot, load) = (Slot::new(&shift, WorkerId(0), 4), Load::new(WorkerId(0), Run(0)));
        let own = Hand { run: Run(1), phase: Phase::Between, ..load.hand() };
        assert!(load.move_hand(load.hand(), own));
        assert!(slot.attend(&load, (own, crate::sync::current())).is_some());
        (slot, load, own)
    }

    #[test]
    fn a_run_that_is_left_behind_as_it_lies_down_leaves_no_sleeping_bit() {
        let counts = Counts::default();
        let (slot, load, own) = taken();
        let meet = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                slot.as_own(&load, own, || {
                    meet.wait();
                    while load.hand() == own {
                        std::thread::yield_now();
                    }
                    slot.lie_down();
                });
            });
            scope.spawn(|| {
                meet.wait();
                assert!(slot.abandon(&load, &counts, own.run).is_some());
            });
        });
        assert!(!slot.wake(), "nobody sleeps here");
    }

    #[test]
    fn a_run_that_serves_is_not_killed_for_a_slow_start_and_what_it_is_at_stays_shown() {
        let counts = Counts::default();
        let (slot, load, own) = taken();
        assert!(slot.serve(&load, own));
        let running = own.running_next();
        assert!(load.move_hand(own, running));
        let cleaning = Cleaning { until: None, grace: Duration::ZERO, is_suspect: false };
        slot.show_aside(&load, running, Busy::Clean(cleaning));
        assert!(slot.abandon(&load, &counts, own.run).is_none());
        assert_eq!((load.hand(), counts.abandoned.load(Ordering::Relaxed)), (running, 0));
        assert!(matches!(&slot.running.lock().aside, Some((hand, Busy::Clean(_))) if *hand == running));
        slot.request_stop();
        assert!(slot.abandon(&load, &counts, own.run).is_some(), "a stop kills what serves too");
        assert!(slot.running.lock().aside.is_none());
    }
}
