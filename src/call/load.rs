//! [`Load`]: what one slot has in flight, and what its worker's hand is doing. A [`Ticket`] is one call in flight, held.
//!
//! Two words. *Counts*: the tickets, and the execution that was last decided while it still ran. *Hand*:
//! `{run, execution, phase}`, moved by compare-and-swap by the worker before and after each call, and by whoever
//! abandons exactly the execution that it saw.

use std::fmt;
use std::sync::atomic::Ordering;

use crate::id::{Run, WorkerId};
use crate::plant::Plant;
use crate::sync::{AtomicU64, CachePadded, Stack};

use super::cell::Call;
use super::tally::{Ending, Tally, Totals};

const TICKETS: u64 = 0xFFFF_FFFF;
const PHASE_BITS: u32 = 2;
const EXECUTION_BITS: u32 = 64 - Run::BITS - PHASE_BITS;
const EXECUTION_MASK: u64 = (1 << EXECUTION_BITS) - 1;

/// What the worker's thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing of a user's.
    Between,
    /// A call.
    Running,
    /// Dropping a user's values outside of a call.
    Cleaning,
    /// There is no thread: it has not come yet, has left, or was abandoned.
    Gone,
}

/// The hand's word, unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hand {
    pub(crate) run: Run,
    /// The execution's number, by which a call knows it too. It begins anew after 2^32: by then nobody remembers.
    pub(crate) execution: u32,
    pub(crate) phase: Phase,
}

impl Hand {
    /// This hand, taking up its next execution.
    pub(crate) fn running_next(self) -> Self {
        // None is 0, which stands for no execution.
        Self { execution: self.execution.checked_add(1).unwrap_or(1), phase: Phase::Running, ..self }
    }

    pub(crate) fn pack(self) -> u64 {
        let (run, execution) = (u64::from(self.run.0), u64::from(self.execution));
        (run << (EXECUTION_BITS + PHASE_BITS)) | (execution << PHASE_BITS) | self.phase as u64
    }

    fn unpack(word: u64) -> Self {
        let phase = match word & ((1 << PHASE_BITS) - 1) {
            0 => Phase::Between,
            1 => Phase::Running,
            2 => Phase::Cleaning,
            _ => Phase::Gone,
        };
        let run = u32::try_from(word >> (EXECUTION_BITS + PHASE_BITS)).expect("a run has 30 bits");
        let execution =
            u32::try_from((word >> PHASE_BITS) & EXECUTION_MASK).expect("an execution has 32 bits");
        Self { run: Run(run), execution, phase }
    }
}

/// One slot's counts, and what submitters put down there: on cache lines of its own, since both are written for each call.
#[repr(align(128))]
pub(crate) struct Load {
    slot: WorkerId,
    counts: AtomicU64,
    accepted: AtomicU64,
    /// The calls that were put into the slot's queue and that its lock's holder has not taken over yet.
    pub(crate) inbox: Stack<Call>,
    own: CachePadded<Own>,
}

/// What the worker alone writes, as a rule.
#[derive(Debug)]
struct Own {
    hand: AtomicU64,
    tally: Tally,
}

/// What was seen of a load: the sum, and the word that it was true for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Tickets, plus one while the hand still runs a call whose outcome is decided.
    pub(crate) load: u32,
    /// Whether the hand does.
    pub(crate) overdue: bool,
    counts: u64,
}

impl Load {
    pub(crate) fn new(slot: WorkerId, run: Run) -> Self {
        let hand = Hand { run, execution: 0, phase: Phase::Gone };
        Self {
            slot,
            counts: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            inbox: Stack::new(),
            own: CachePadded::new(Own { hand: AtomicU64::new(hand.pack()), tally: Tally::default() }),
        }
    }

    pub(crate) fn slot(&self) -> WorkerId {
        self.slot
    }

    /// The load now. The counts are read first: what the hand says then is true of these counts as long as they stand.
    pub(crate) fn see(&self) -> Seen {
        let counts = self.counts.load(Ordering::Acquire);
        let decided = (counts >> 32) as u32;
        // The hand's line is the worker's own: it is looked at only where that can matter.
        let is_at = |hand: Hand| hand.phase == Phase::Running && hand.execution == decided;
        let overdue = decided != 0 && is_at(self.hand());
        Seen { load: (counts & TICKETS) as u32 + u32::from(overdue), overdue, counts }
    }

    /// Forgets that a call was decided while this hand ran it, or one inside of it; false if none was.
    pub(crate) fn forget_overdue(&self, hand: Hand) -> bool {
        let is_own = |counts: u64| (counts >> 32) as u32 == hand.execution;
        let forgotten = |counts: u64| is_own(counts).then_some(counts & TICKETS);
        is_own(self.counts.load(Ordering::Acquire))
            && self.counts.fetch_update(Ordering::AcqRel, Ordering::Acquire, forgotten).is_ok()
    }

    /// The tickets that are out.
    pub(crate) fn tickets(&self) -> u32 {
        (self.counts.load(Ordering::Acquire) & TICKETS) as u32
    }

    /// Takes a ticket if nothing has changed since `seen`: the one place where what is in flight rises.
    pub(crate) fn admit(&self, seen: Seen) -> Option<Ticket<'_>> {
        self.counts
            .compare_exchange(seen.counts, seen.counts + 1, Ordering::AcqRel, Ordering::Relaxed)
            .ok()
            .map(|_| Ticket { load: self, overdue: None })
    }

    /// Takes a ticket whatever is out: for a call that moves here from another slot.
    pub(crate) fn raise(&self) -> Ticket<'_> {
        loop {
            if let Some(ticket) = self.admit(self.see()) {
                return ticket;
            }
        }
    }

    /// A call is accepted.
    pub(crate) fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes that back: the call was not accepted after all.
    pub(crate) fn withdraw(&self) {
        self.accepted.fetch_sub(1, Ordering::AcqRel);
    }

    /// Accepts a call that runs at once, inside another one, and holds no ticket.
    pub(crate) fn accept_inline(&self) {
        self.own.tally.begin_inline();
        self.accept();
    }

    /// The same, if it may not run after all.
    pub(crate) fn withdraw_inline(&self) {
        self.withdraw();
        self.own.tally.leave_inline();
    }

    /// The same, as it ends.
    pub(crate) fn end_inline(&self, ending: Ending) {
        self.own.tally.end(ending);
        self.own.tally.leave_inline();
    }

    /// How the calls have ended.
    pub(crate) fn tally(&self) -> &Tally {
        &self.own.tally
    }

    /// What it has counted.
    pub(crate) fn totals(&self) -> Totals {
        // The ends first: what has ended was accepted before.
        let ended = self.own.tally.read();
        Totals { accepted: self.accepted.load(Ordering::Acquire), ..ended }
    }

    pub(crate) fn hand(&self) -> Hand {
        Hand::unpack(self.own.hand.load(Ordering::Acquire))
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
        let before = match self.overdue {
            None => self.load.counts.fetch_sub(1, Ordering::AcqRel),
            Some(mark) => {
                let note = |counts: u64| Some((u64::from(mark) << 32) | ((counts & TICKETS) - 1));
                let noted = self.load.counts.fetch_update(Ordering::AcqRel, Ordering::Acquire, note);
                noted.expect("the closure always gives a value")
            }
        };
        debug_assert!(before & TICKETS > 0, "I3: a ticket is dropped once");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load() -> Load {
        Load::new(WorkerId(3), Run(1))
    }

    #[test]
    fn a_hand_survives_packing() {
        for run in [0, 1, (1 << Run::BITS) - 1] {
            for execution in [0, 1, u32::MAX] {
                for phase in [Phase::Between, Phase::Running, Phase::Cleaning, Phase::Gone] {
                    let hand = Hand { run: Run(run), execution, phase };
                    assert_eq!(Hand::unpack(hand.pack()), hand);
                }
            }
        }
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
