//! [`Load`]: what one slot has in flight, and what its worker's hand is doing. A [`Ticket`] is one call in flight, held.
//!
//! What submitters write and what the worker writes lie apart, so that neither waits for the other's lines of the cache. *Taken*: how
//! many tickets ever were; submitters raise it. *Returned*: how many of them have come back, and the execution that was last
//! decided while it still ran; as a rule the worker writes it. The difference is what is in flight. The [`Hand`] lies there too.
//!
//! Tickets only come back, so whoever takes one as long as *taken* has not moved since it was compared with an older *returned*
//! stays below the limit. That is what [`Load::glance`] is for: it looks at the submitters' line alone, and knows how many had come
//! back when somebody last looked.

use std::fmt;
use std::sync::atomic::Ordering;

use crate::clock::Moment;
use crate::id::{Run, WorkerId};
use crate::plant::Plant;
use crate::sync::{self, AtomicU32, AtomicU64, AtomicUsize, CachePadded, Stack};

use super::cell::Call;
use super::hand::{Hand, Phase};
use super::tally::{Ending, Tally, Totals};

/// One ticket that has come back. Below it lies the execution that was decided while it ran.
const ONE_RETURNED: u64 = 1 << 32;
/// One slot's counts, and what submitters put down there: on cache lines of their own, since all are written for each call.
#[repr(align(128))]
pub(crate) struct Load {
    slot: WorkerId,
    front: CachePadded<Front>,
    /// The calls that were put into the slot's queue and that its lock's holder has not taken over yet.
    pub(crate) inbox: CachePadded<Stack<Call>>,
    own: CachePadded<Own>,
}

/// What submitters write, as a rule. The worker looks at none of it on a call's way.
#[derive(Debug)]
struct Front {
    taken: AtomicU64,
    /// How many had come back when that was last looked at: as many as have by now, or less.
    known_returned: AtomicU32,
    /// The execution that may have been decided while it still ran; 0 for none.
    may_be_overdue: AtomicU32,
    /// Places that were taken back: the call was not accepted after all.
    withdrawn: AtomicU64,
    /// Jobs in the queue whose call does not wait any more: as many as there may be, or more.
    shells: AtomicUsize,
}

/// What the worker alone writes, as a rule.
#[derive(Debug)]
struct Own {
    hand: AtomicU64,
    /// When the last call began that began by the clock, in its nanoseconds.
    began: AtomicU64,
    /// The core that its thread was on when that was last looked at.
    core: AtomicUsize,
    returned: AtomicU64,
    /// Tickets of calls that were accepted at another slot and began here.
    raised: AtomicU64,
    /// Calls that ran inside others, and so were accepted without a ticket.
    inline: AtomicU64,
    tally: Tally,
}

/// What was seen of a load: the sum, and what it was true for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Tickets, plus one while the hand still runs a call whose outcome is decided.
    pub(crate) load: u32,
    /// Whether the hand does.
    pub(crate) overdue: bool,
    taken: u64,
}

impl Load {
    pub(crate) fn new(slot: WorkerId, run: Run) -> Self {
        let hand = Hand { run, execution: 0, phase: Phase::Gone };
        Self {
            slot,
            front: CachePadded::new(Front {
                taken: AtomicU64::new(0),
                known_returned: AtomicU32::new(0),
                may_be_overdue: AtomicU32::new(0),
                withdrawn: AtomicU64::new(0),
                shells: AtomicUsize::new(0),
            }),
            inbox: CachePadded::new(Stack::new()),
            own: CachePadded::new(Own {
                hand: AtomicU64::new(hand.pack()),
                began: AtomicU64::new(0),
                core: AtomicUsize::new(usize::MAX),
                returned: AtomicU64::new(0),
                raised: AtomicU64::new(0),
                inline: AtomicU64::new(0),
                tally: Tally::default(),
            }),
        }
    }

    pub(crate) fn slot(&self) -> WorkerId {
        self.slot
    }

    /// The load now. What was taken is read first. If it still stands when a ticket is taken, the load is that of the moment at which
    /// the other word was read; and if more has come back until then than had been taken, it was nothing at some moment between.
    pub(crate) fn see(&self) -> Seen {
        let taken = self.front.taken.load(Ordering::Acquire);
        let returned = self.own.returned.load(Ordering::Acquire);
        self.front.known_returned.store(tickets_of(returned), Ordering::Release);
        let is_at = |decided: u32| {
            let hand = self.hand();
            hand.phase == Phase::Running && hand.execution == decided
        };
        let decided = execution_of(returned);
        let overdue = decided != 0 && is_at(decided);
        let hinted = self.front.may_be_overdue.load(Ordering::Acquire);
        if overdue && hinted != decided {
            // Of two that ended calls at once, one has taken the other's word back.
            self.front.may_be_overdue.store(decided, Ordering::Release);
        } else if hinted != 0 && !is_at(hinted) {
            // Whoever finds it gone has no word of another one to lose.
            let _ =
                self.front.may_be_overdue.compare_exchange(hinted, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
        Seen { load: in_flight(taken, tickets_of(returned)) + u32::from(overdue), overdue, taken }
    }

    /// The load that was there at the most, as far as submitters know without a look at the worker's line; none where its call may
    /// be overdue.
    pub(crate) fn glance(&self) -> Option<Seen> {
        if self.front.may_be_overdue.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let known = self.front.known_returned.load(Ordering::Acquire);
        let taken = self.front.taken.load(Ordering::Acquire);
        Some(Seen { load: in_flight(taken, known), overdue: false, taken })
    }

    /// Forgets that a call was decided while this hand ran it, or one inside of it; false if none was.
    pub(crate) fn forget_overdue(&self, hand: Hand) -> bool {
        let is_own = |returned: u64| execution_of(returned) == hand.execution;
        let forgotten = |returned: u64| is_own(returned).then_some(returned & !(ONE_RETURNED - 1));
        is_own(self.own.returned.load(Ordering::Acquire))
            && self.own.returned.fetch_update(Ordering::AcqRel, Ordering::Acquire, forgotten).is_ok()
    }

    /// The tickets that are out: as many as there were at some moment of this look.
    pub(crate) fn tickets(&self) -> u32 {
        out_at_one_moment(
            || self.front.taken.load(Ordering::Acquire),
            || tickets_of(self.own.returned.load(Ordering::Acquire)),
        )
    }

    /// Whether a ticket was out when what had come back was this.
    fn has_out(&self, returned: u64) -> bool {
        in_flight(self.front.taken.load(Ordering::Relaxed), tickets_of(returned)) > 0
    }

    /// Takes a ticket if none has been taken since `seen`: the one place where what is in flight rises.
    pub(crate) fn admit(&self, seen: Seen) -> Option<Ticket<'_>> {
        self.front
            .taken
            .compare_exchange(seen.taken, seen.taken + 1, Ordering::AcqRel, Ordering::Relaxed)
            .ok()
            .map(|_| Ticket { load: self, overdue: None })
    }

    /// Takes a ticket whatever is out: for a call that moves here from another slot, which has accepted it.
    pub(crate) fn raise(&self) -> Ticket<'_> {
        loop {
            if let Some(ticket) = self.admit(self.see()) {
                self.own.raised.fetch_add(1, Ordering::AcqRel);
                return ticket;
            }
        }
    }

    /// A call that was given a ticket was not accepted after all.
    pub(crate) fn withdraw(&self) {
        self.front.withdrawn.fetch_add(1, Ordering::AcqRel);
    }

    /// Accepts a call that runs at once, inside another one, and holds no ticket.
    pub(crate) fn accept_inline(&self) {
        self.own.tally.begin_inline();
        self.own.inline.fetch_add(1, Ordering::AcqRel);
    }

    /// The same, if it may not run after all.
    pub(crate) fn withdraw_inline(&self) {
        self.own.inline.fetch_sub(1, Ordering::AcqRel);
        self.own.tally.leave_inline();
    }

    /// The same, as it ends.
    pub(crate) fn end_inline(&self, ending: Ending) {
        self.own.tally.end(ending);
        self.own.tally.leave_inline();
    }

    /// A call has ended that waits in the queue, or has begun without leaving it: its job is left there.
    pub(crate) fn leave_shell(&self) {
        self.front.shells.fetch_add(1, Ordering::AcqRel);
    }

    /// How many shells may lie in the queue at the most.
    pub(crate) fn shells(&self) -> usize {
        self.front.shells.load(Ordering::Acquire)
    }

    /// There are no more shells than jobs, of which there are so many. `before` is what [`Load::shells`] has said before these
    /// were counted. The caller has the queue's lock.
    pub(crate) fn bound_shells(&self, before: usize, jobs: usize) {
        self.front.shells.fetch_sub(before.saturating_sub(jobs), Ordering::AcqRel);
    }

    /// How the calls have ended.
    pub(crate) fn tally(&self) -> &Tally {
        &self.own.tally
    }

    /// What it has counted.
    pub(crate) fn totals(&self) -> Totals {
        // The ends first: what has ended was accepted before. Then what is taken off, so that never too much is.
        let ended = self.own.tally.read();
        let (raised, withdrawn) =
            (self.own.raised.load(Ordering::Acquire), self.front.withdrawn.load(Ordering::Acquire));
        let taken = self.front.taken.load(Ordering::Acquire) - raised - withdrawn;
        Totals { accepted: taken + self.own.inline.load(Ordering::Acquire), ..ended }
    }

    pub(crate) fn hand(&self) -> Hand {
        Hand::unpack(self.own.hand.load(Ordering::Acquire))
    }

    /// The worker's thread notes which core it is on.
    pub(crate) fn note_core(&self) {
        if let Some(core) = sync::core() {
            self.own.core.store(core, Ordering::Relaxed);
        }
    }

    /// Whether the calling thread is, as far as is known, on the core that the worker was on.
    pub(crate) fn shares_core(&self) -> bool {
        sync::core().is_none_or(|core| core == self.own.core.load(Ordering::Relaxed))
    }

    /// A call has begun.
    pub(crate) fn begins(&self, now: Moment) {
        self.own.began.store(now.nanos(), Ordering::Relaxed);
    }

    /// Since when the worker has been inside the call that it runs; none if it runs none. It says more than is so of a call that it has
    /// just taken, and of one without a deadline whose function is short.
    pub(crate) fn runs_since(&self) -> Option<Moment> {
        let is_running = self.hand().phase == Phase::Running;
        is_running.then(|| Moment::from_nanos(self.own.began.load(Ordering::Relaxed)))
    }

    /// Moves the hand, if it still is what the caller takes it for.
    pub(crate) fn move_hand(&self, from: Hand, to: Hand) -> bool {
        self.own.hand.compare_exchange(from.pack(), to.pack(), Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load").field("slot", &self.slot).field("seen", &self.see()).finish_non_exhaustive()
    }
}

/// One call in flight at one slot. Dropping it is the one place where the count falls.
#[must_use]
#[derive(Debug)]
pub(crate) struct Ticket<'a> {
    load: &'a Load,
    overdue: Option<u32>,
}

impl<'a> Ticket<'a> {
    /// Takes up a ticket that [`Ticket::leave`] left with a call.
    pub(super) fn resume(load: &'a Load) -> Self {
        Self { load, overdue: None }
    }

    pub(super) fn slot(&self) -> WorkerId {
        self.load.slot
    }

    /// The slot whose ticket it is; the count stays up, kept by the call's start word.
    pub(super) fn leave(self) -> WorkerId {
        let slot = self.load.slot;
        std::mem::forget(self);
        slot
    }

    /// Says that the call's execution still runs: as the ticket drops, the slot's load takes note, in one step.
    pub(super) fn overdue(mut self, mark: u32) -> Self {
        self.overdue = Some(mark);
        self
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if Plant::Drift.strikes() {
            return;
        }
        let returned = &self.load.own.returned;
        let before = match self.overdue {
            None => returned.fetch_add(ONE_RETURNED, Ordering::AcqRel),
            Some(mark) => {
                // Before it is so, and before anybody can know of it: whoever does looks at the worker's line.
                self.load.front.may_be_overdue.store(mark, Ordering::Release);
                let note = |returned: u64| {
                    Some((returned & !(ONE_RETURNED - 1)).wrapping_add(ONE_RETURNED) | u64::from(mark))
                };
                let noted = returned.fetch_update(Ordering::AcqRel, Ordering::Acquire, note);
                noted.expect("the closure always gives a value")
            }
        };
        debug_assert!(self.load.has_out(before), "I3: a ticket is dropped once");
    }
}

/// How many tickets have come back; it begins anew after 2^32.
fn tickets_of(returned: u64) -> u32 {
    (returned >> 32) as u32
}

/// The execution that was decided while it ran.
#[expect(clippy::cast_possible_truncation, reason = "it is the lower half of the word")]
fn execution_of(returned: u64) -> u32 {
    returned as u32
}

/// The tickets that were out at a moment at which no other was taken.
fn out_at_one_moment(taken: impl Fn() -> u64, returned: impl Fn() -> u32) -> u32 {
    let mut before = taken();
    loop {
        let back = returned();
        match taken() {
            same if same == before => return in_flight(before, back),
            more => before = more,
        }
    }
}

/// The tickets that are out, of which there are never 2^31. None, if more have come back than had been taken before.
#[expect(clippy::cast_possible_truncation, reason = "both begin anew after 2^32")]
fn in_flight(taken: u64, returned: u32) -> u32 {
    let out = (taken as u32).wrapping_sub(returned);
    if out > u32::MAX / 2 { 0 } else { out }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn load() -> Load {
        Load::new(WorkerId(3), Run(1))
    }

    /// Has the load's hand take up a call.
    fn running(load: &Load) -> Hand {
        let running = load.hand().running_next();
        assert!(load.move_hand(load.hand(), running));
        running
    }

    #[test]
    fn a_ticket_counts_from_admission_to_its_drop() {
        let load = load();
        let seen = load.see();
        let one = load.admit(seen).expect("nothing changed");
        assert!(load.admit(seen).is_none(), "the count has changed since");
        let other = load.raise();
        assert_eq!((load.tickets(), load.see().load), (2, 2));
        drop(one);
        assert_eq!(load.tickets(), 1);
        assert_eq!(other.leave(), WorkerId(3));
        assert_eq!(load.tickets(), 1, "left with the call");
        drop(Ticket::resume(&load));
        assert_eq!(load.tickets(), 0);
    }

    #[test]
    fn no_look_finds_more_than_there_ever_was_and_none_admits_beyond_a_limit() {
        use std::sync::Barrier;
        const HOLDERS: u32 = 2;
        const ROUNDS: u32 = 100_000;
        let (load, start, out) = (load(), Barrier::new(HOLDERS as usize + 1), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..HOLDERS {
                scope.spawn(|| {
                    start.wait();
                    for round in 0..ROUNDS {
                        let seen = if round % 2 == 0 {
                            load.see()
                        } else {
                            load.glance().unwrap_or_else(|| load.see())
                        };
                        // The last of the places is taken by one.
                        if let Some(ticket) = (seen.load < 1).then(|| load.admit(seen)).flatten() {
                            assert_eq!(out.fetch_add(1, Ordering::AcqRel), 0, "I6");
                            out.fetch_sub(1, Ordering::AcqRel);
                            drop(ticket);
                        }
                    }
                });
            }
            start.wait();
            for _ in 0..ROUNDS {
                assert!(load.see().load <= 1 && load.tickets() <= 1, "{load:?}");
            }
        });
        assert_eq!((load.tickets(), load.see().load), (0, 0));
    }

    #[test]
    fn a_ticket_that_is_taken_during_a_look_has_it_begin_anew() {
        let (takes, returns) = (RefCell::new(vec![9, 8, 8, 7]), RefCell::new(vec![6, 6]));
        let next = |values: &RefCell<Vec<u64>>| values.borrow_mut().pop().expect("it is asked no more often");
        let out = out_at_one_moment(|| next(&takes), || u32::try_from(next(&returns)).expect("it is small"));
        assert_eq!((out, takes.take(), returns.take()), (2, vec![9], Vec::new()));
    }

    #[test]
    fn what_is_in_flight_is_what_was_taken_and_has_not_come_back() {
        for (taken, returned, out) in [(0, 0, 0), (3, 1, 2), (1, 2, 0), (0, u32::MAX, 1)] {
            assert_eq!(in_flight(taken, returned), out, "{taken} less {returned}");
        }
        assert_eq!(in_flight(u64::from(u32::MAX / 2), 0), u32::MAX / 2, "the most");
        assert_eq!(in_flight(u64::from(u32::MAX / 2) + 1, 0), 0, "more have come back than were taken");
        assert_eq!(in_flight((1 << 32) + 1, u32::MAX), 2, "both begin anew");
    }

    #[test]
    fn a_worker_s_core_is_the_one_that_it_noted() {
        let load = load();
        if sync::core().is_none() {
            return assert!(load.shares_core(), "it is not known here");
        }
        assert!(!load.shares_core(), "it has noted none");
        // This thread may be moved to another core in between.
        let shares = |_| {
            load.note_core();
            load.shares_core()
        };
        assert!((0..1_000).any(shares));
    }

    #[test]
    fn a_call_runs_since_it_has_begun() {
        let load = load();
        let running = load.hand().running_next();
        load.begins(Moment::from_nanos(7));
        assert_eq!(load.runs_since(), None, "the hand is not at it");
        assert!(load.move_hand(load.hand(), running));
        assert_eq!(load.runs_since(), Some(Moment::from_nanos(7)));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "I3: a ticket is dropped once")]
    fn a_ticket_that_is_not_out_cannot_come_back() {
        drop(Ticket::resume(&load()));
    }

    #[test]
    fn a_call_that_was_to_run_inside_another_and_does_not_was_not_accepted() {
        let load = load();
        load.accept_inline();
        load.accept_inline();
        assert_eq!((load.totals().accepted, load.tally().inline()), (2, 2));
        load.withdraw_inline();
        assert_eq!((load.totals().accepted, load.tally().inline()), (1, 1));
    }

    #[test]
    fn what_was_decided_is_forgotten_once_and_by_the_hand_that_ran_it() {
        let load = load();
        let running = running(&load);
        assert!(!load.forget_overdue(running), "nothing was decided");
        drop(load.raise().overdue(running.execution));
        assert!(!load.forget_overdue(running.running_next()), "not of that one");
        assert!(load.forget_overdue(running) && !load.forget_overdue(running));
        assert!(!load.see().overdue);
    }

    #[test]
    fn a_hand_that_has_gone_on_is_not_overdue_however_often_one_looks() {
        let load = load();
        let running = running(&load);
        drop(load.raise().overdue(running.execution));
        assert!(load.move_hand(running, running.running_next()), "it has not forgotten yet");
        for _ in 0..3 {
            assert!(!load.see().overdue && load.glance().is_some());
        }
    }

    #[test]
    fn a_word_of_an_overdue_call_that_was_overwritten_is_found_again() {
        let load = load();
        let running = load.hand().running_next().running_next();
        assert!(load.move_hand(load.hand(), running));
        drop(load.raise().overdue(running.execution));
        load.front.may_be_overdue.store(1, Ordering::Release); // by who ended the call before, and is late
        assert!(load.see().overdue);
        assert!(load.glance().is_none() && load.see().overdue, "it is not forgotten");
    }

    #[test]
    fn a_glance_knows_no_less_than_there_is_and_admits_as_a_look_does() {
        let load = load();
        let glance = || load.glance().expect("nothing is overdue");
        let tickets = [load.raise(), load.raise(), load.raise()];
        assert_eq!(glance().load, 3);
        drop(tickets);
        assert_eq!((glance().load, load.tickets()), (3, 0), "nobody has looked since");
        assert_eq!(load.see().load, 0);
        assert_eq!(glance().load, 0);
        let seen = glance();
        let ticket = load.admit(seen).expect("none was taken since");
        assert!(load.admit(seen).is_none());
        assert_eq!((glance().load, load.totals().accepted), (1, 1));
        drop(ticket);
    }

    #[test]
    fn a_glance_finds_nothing_where_the_call_is_overdue_until_somebody_has_seen_that_it_is_not() {
        let load = load();
        let running = running(&load);
        drop(load.raise().overdue(running.execution));
        assert!(load.glance().is_none());
        assert!(load.see().overdue && load.glance().is_none(), "it still is");
        assert!(load.move_hand(running, Hand { phase: Phase::Between, ..running }));
        assert!(load.forget_overdue(running) && load.glance().is_none(), "nobody has looked yet");
        assert!(!load.see().overdue && load.glance().is_some());
    }

    #[test]
    fn what_was_accepted_is_what_was_admitted_but_for_what_was_withdrawn_or_came_from_elsewhere() {
        let load = load();
        let one = load.admit(load.see());
        let (other, moved) = (load.admit(load.see()), load.raise());
        load.withdraw();
        drop(other);
        load.accept_inline();
        load.end_inline(Ending::Value);
        drop((one, moved));
        assert_eq!((load.totals().accepted, load.tickets()), (2, 0));
    }

    #[test]
    fn the_bound_of_the_shells_comes_down_to_the_jobs_that_there_are() {
        let load = load();
        (0..5).for_each(|_| load.leave_shell());
        load.bound_shells(load.shells(), 7);
        assert_eq!(load.shells(), 5);
        let before = load.shells();
        load.leave_shell();
        load.bound_shells(before, 2);
        assert_eq!(load.shells(), 3, "what came after the count stays counted");
    }

    #[test]
    fn a_decided_call_that_still_runs_weighs_until_the_hand_is_free() {
        let load = load();
        let idle = load.hand();
        let running = idle.running_next();
        assert!(load.move_hand(idle, running));
        let ticket = load.raise();
        assert_eq!(load.see().load, 1, "undecided: the ticket alone");
        drop(ticket.overdue(running.execution));
        assert_eq!((load.tickets(), load.see().load, load.see().overdue), (0, 1, true));
        assert!(load.move_hand(running, Hand { phase: Phase::Between, ..running }));
        assert_eq!((load.see().load, load.see().overdue), (0, false));
    }

    #[test]
    fn a_mark_that_comes_late_weighs_nothing() {
        let load = load();
        let next = load.hand().running_next().running_next();
        assert!(load.move_hand(load.hand(), next));
        drop(load.raise().overdue(1));
        assert_eq!(load.see().load, 0);
    }
}
