//! [`Waits`]: which calls the workers of a pool wait for inside their functions; and whether another such wait could
//! never end.
//!
//! A worker that calls another pool says that it waits, looks, and takes its word back if the call could never be run: in one
//! step, one worker after the other. So where workers are about to wait for each other in a circle, the last one sees
//! all of it, and nobody sees the word of one that is about to be refused.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::fence;
use crate::id::{CallId, WorkerId};
use crate::sync::{AtomicBool, Held, Mutex, shared};

use super::cell::Call;
use super::hand::Hand;
use super::shift::Shift;
use super::start_word::Stage;

/// How many waits are looked at for one call; beyond it the call is taken for one that ends.
const LOOKS_MAX: usize = 1_024;

/// What the workers of one pool wait for, from a start to the stop after it.
pub(crate) struct Waits {
    places: Box<[Place]>,
}

/// One worker's.
#[derive(Default)]
struct Place {
    /// The call that it waits for, and the hand that does: an abandoned one waits for nobody but itself.
    awaited: Mutex<Option<(Hand, Held<Call>)>>,
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

/// Who waits: a worker, in the function that its hand runs.
pub(crate) struct Position {
    pub(crate) shift: Arc<Shift>,
    pub(crate) worker: WorkerId,
    pub(crate) hand: Hand,
}

/// A worker's word that it waits for a call, until this drops.
#[must_use]
pub(crate) struct Waiting {
    shift: Arc<Shift>,
    worker: WorkerId,
    call: Held<Call>,
}

shared! {
    /// One worker at a time says that it waits and looks whether that could end; for as long as the two take.
    static LOOKING: Mutex<()> = Mutex::new(());
}

impl Waiting {
    /// Says that it waits for the call.
    pub(crate) fn new(position: &Position, call: &Held<Call>) -> Self {
        let Position { shift, worker, hand } = position;
        let mut awaited = shift.waits.places[worker.index()].awaited.lock();
        if shift.loads[worker.index()].hand() == *hand {
            *awaited = Some((*hand, call.clone())); // what an abandoned run waited for goes: its own thread has it
        }
        drop(awaited);
        Self { shift: Arc::clone(shift), worker: *worker, call: call.clone() }
    }

    /// The same for a call that has not been placed yet; none if no worker could ever run it: each one waits itself, for
    /// a call that cannot end before this one does, or for one that no worker can run either.
    ///
    /// One look sees each worker at another moment. What two of them find alike was so at the moment between them: a wait
    /// is begun and ended once, and a call that was started does not wait again.
    pub(crate) fn unless_stuck(position: &Position, call: &Held<Call>) -> Option<Self> {
        let mut met = Vec::new();
        let looking = LOOKING.lock();
        let waiting = Self::new(position, call);
        let first = Look::at(call, &mut met);
        let is_stuck = first.is_some() && first == Look::at(call, &mut met);
        let waiting = Some(waiting).filter(|_| !is_stuck); // before anybody else looks
        drop(looking);
        fence::drop_value(met); // perhaps the last holder of some by now
        waiting
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut awaited = self.shift.waits.places[self.worker.index()].awaited.lock();
        let own = awaited.take_if(|(_, call)| call.is(&self.call));
        drop(awaited);
        drop(own); // not the last holder: `call` is
    }
}

/// A call that a worker waits for, and what that is at.
type Wait = (CallId, Stage);

/// Whoever would have to go on.
enum Whom {
    /// Any worker of a pool.
    Any(Arc<Shift>),
    /// The worker that runs the call which is waited for.
    One(Arc<Shift>, usize),
}

/// One look at everybody who would have to go on for a call to be run.
struct Look<'a> {
    /// Those who are still to be looked at.
    left: Vec<Whom>,
    /// The pools all of whose workers were looked at or are among those left: who is waited for by itself is stuck.
    pools: Vec<Arc<Shift>>,
    /// The same for single workers.
    workers: Vec<(Arc<Shift>, usize)>,
    found: Vec<Wait>,
    /// The calls that were met, to be let go of outside of every lock.
    met: &'a mut Vec<Held<Call>>,
}

impl<'a> Look<'a> {
    /// The waits that keep the call from being run; none if somebody goes on who might run it, in the end.
    fn at(call: &Call, met: &'a mut Vec<Held<Call>>) -> Option<Vec<Wait>> {
        let left = vec![Whom::Any(Arc::clone(&call.shift))];
        let mut look = Self { left, pools: Vec::new(), workers: Vec::new(), found: Vec::new(), met };
        while let Some(whom) = look.left.pop() {
            let waits = match whom {
                Whom::Any(shift) => look.all_wait(&shift),
                Whom::One(shift, at) => look.waits(&shift, at),
            };
            if !waits {
                return None;
            }
        }
        Some(look.found)
    }

    /// Whether every worker that is there, or may come, waits.
    fn all_wait(&mut self, shift: &Arc<Shift>) -> bool {
        if self.pools.iter().any(|seen| Arc::ptr_eq(seen, shift)) {
            return true;
        }
        self.pools.push(Arc::clone(shift));
        let is_there = |at: &usize| !shift.waits.places[*at].is_lost.load(Ordering::Acquire);
        let there: Vec<usize> = (0..shift.waits.places.len()).filter(is_there).collect();
        // Where no worker is left, calls end.
        !there.is_empty() && there.into_iter().all(|at| self.waits(shift, at))
    }

    /// Whether the worker waits; for whom is left to be looked at.
    fn waits(&mut self, shift: &Arc<Shift>, at: usize) -> bool {
        if self.workers.iter().any(|(seen, worker)| *worker == at && Arc::ptr_eq(seen, shift)) {
            return true;
        }
        if self.found.len() >= LOOKS_MAX {
            return false;
        }
        let hand = shift.loads[at].hand();
        let awaited = match &*shift.waits.places[at].awaited.lock() {
            Some((waiting, call)) if *waiting == hand => call.clone(),
            _ => return false,
        };
        let stage = awaited.stage();
        self.workers.push((Arc::clone(shift), at));
        self.found.push((awaited.id, stage));
        let is_over = stage == Stage::Dead;
        match stage {
            Stage::Dead => {}
            Stage::Queued => self.left.push(Whom::Any(Arc::clone(&awaited.shift))),
            Stage::Started(worker) => self.left.push(Whom::One(Arc::clone(&awaited.shift), worker.index())),
        }
        self.met.push(awaited);
        !is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::fixture;
    use crate::call::hand::Phase;
    use crate::call::outcome::End;
    use crate::clock::{Clock, Moment};
    use crate::sync::hold_twice;

    /// A pool of two workers.
    fn pool() -> Arc<Shift> {
        fixture::shift(&Clock::manual().0)
    }

    /// The worker is inside a function.
    fn inside(shift: &Arc<Shift>, worker: u32) -> Position {
        let (worker, load) = (WorkerId(worker), &shift.loads[worker as usize]);
        let before = load.hand();
        let hand = if before.phase == Phase::Running { before } else { before.running_next() };
        assert!(load.move_hand(before, hand), "nobody else moves it");
        Position { shift: Arc::clone(shift), worker, hand }
    }

    /// A call that waits in that pool, at its first worker.
    fn queued(shift: &Arc<Shift>) -> Held<Call> {
        let call = unplaced(shift);
        call.place(shift.loads[0].raise());
        call
    }

    /// A call that is about to be placed in that pool.
    fn unplaced(shift: &Arc<Shift>) -> Held<Call> {
        let [call, _] = hold_twice(fixture::call(shift, 0, Moment::NEVER, false));
        call
    }

    /// A call that the worker runs.
    fn started(shift: &Arc<Shift>, worker: u32) -> Held<Call> {
        let (call, hand) = (queued(shift), inside(shift, worker).hand);
        call.begin(hand, &shift.loads[worker as usize]).expect("it waits");
        call
    }

    /// Whether a worker of another pool may wait for a new call of this one.
    #[track_caller]
    fn assert_served(shift: &Arc<Shift>, is_served: bool) {
        let waiting = Waiting::unless_stuck(&inside(&pool(), 0), &unplaced(shift));
        assert_eq!(waiting.is_some(), is_served);
    }

    #[test]
    fn a_call_is_served_while_one_worker_of_its_pool_waits_for_nobody() {
        let (near, far) = (pool(), pool());
        assert_served(&near, true);
        let one = Waiting::new(&inside(&near, 0), &queued(&far));
        assert_served(&near, true);
        let other = Waiting::new(&inside(&near, 1), &queued(&far));
        assert_served(&near, true);
        let first = Waiting::new(&inside(&far, 0), &queued(&near));
        assert_served(&near, true);
        let last = Waiting::new(&inside(&far, 1), &queued(&near));
        assert_served(&near, false);
        drop(last);
        assert_served(&near, true);
        drop((one, other, first));
    }

    #[test]
    fn a_call_that_was_started_is_waited_for_with_the_worker_that_runs_it_alone() {
        let (near, far) = (pool(), pool());
        let on_far = started(&far, 0);
        let waits = [0, 1].map(|worker| Waiting::new(&inside(&near, worker), &on_far));
        assert_served(&near, true);
        let back = Waiting::new(&inside(&far, 0), &queued(&near));
        assert_served(&near, false);
        assert_served(&far, true); // it has another worker
        drop((waits, back));
    }

    #[test]
    fn a_worker_waits_for_a_call_no_longer_than_it_takes() {
        let near = pool();
        let calls = [0, 1].map(|_| queued(&near));
        let waits = [0, 1].map(|at| Waiting::new(&inside(&near, at), &calls[at as usize]));
        assert_served(&near, false);
        drop(calls[1].end(End::Cancelled));
        assert_served(&near, true);
        drop(waits);
    }

    #[test]
    fn what_an_abandoned_run_waits_for_is_nothing_to_its_slot() {
        let near = pool();
        let waits = [0, 1].map(|worker| Waiting::new(&inside(&near, worker), &queued(&near)));
        assert_served(&near, false);
        let load = &near.loads[1];
        let (hand, gone) = (load.hand(), Hand { phase: Phase::Gone, ..load.hand() });
        assert!(load.move_hand(hand, gone), "nobody else moves it");
        assert_served(&near, true);
        let late =
            Waiting::new(&Position { shift: Arc::clone(&near), worker: WorkerId(1), hand }, &queued(&near));
        assert_served(&near, true);
        drop((waits, late));
    }

    #[test]
    fn who_is_refused_does_not_wait() {
        let near = pool();
        let one = Waiting::new(&inside(&near, 0), &queued(&near));
        let refused = Waiting::unless_stuck(&inside(&near, 1), &unplaced(&near));
        assert!(refused.is_none(), "the call would have been the last one's own");
        assert_served(&near, true);
        drop(one);
    }

    #[test]
    fn who_waits_for_another_call_keeps_its_place_when_the_first_wait_ends() {
        let near = pool();
        let one = Waiting::new(&inside(&near, 0), &queued(&near));
        let first = Waiting::new(&inside(&near, 1), &queued(&near));
        let second = Waiting::new(&inside(&near, 1), &queued(&near));
        drop(first);
        assert_served(&near, false);
        drop((one, second));
    }

    #[test]
    fn a_worker_that_is_lost_for_good_is_not_waited_for_and_without_any_calls_end() {
        let near = pool();
        let one = Waiting::new(&inside(&near, 0), &queued(&near));
        near.waits.lose(WorkerId(1));
        assert_served(&near, false);
        near.waits.lose(WorkerId(0));
        assert_served(&near, true);
        drop(one);
    }

    #[test]
    fn a_circle_of_more_waits_than_are_looked_at_is_taken_for_one_that_ends() {
        let pools: Vec<_> = (0..=LOOKS_MAX / 2).map(|_| pool()).collect();
        let following = |at: usize| &pools[(at + 1) % pools.len()];
        let wait = |at: usize| {
            [0, 1].map(|worker| Waiting::new(&inside(&pools[at], worker), &queued(following(at))))
        };
        let waits: Vec<_> = (0..pools.len()).map(wait).collect();
        assert_served(&pools[0], true);
        drop(waits);
        let near = pool();
        let waits = [0, 1].map(|worker| Waiting::new(&inside(&near, worker), &queued(&near)));
        assert_served(&near, false);
        drop(waits);
    }
}
