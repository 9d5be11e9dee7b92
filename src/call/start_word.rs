//! [`StartWord`]: where a call waits or runs, and whose ticket it holds, moved by one read-modify-write at a time.
//!
//! Whoever moves the word out of `Queued` or `Started` takes the ticket that it stood for, and nobody else does. Whoever moves
//! it to `Dead` decides the call's outcome: it knows by the same step whether the function has begun.

use std::sync::atomic::Ordering;

use crate::id::WorkerId;
use crate::plant::Plant;
use crate::sync::AtomicU64;

use super::hand::Hand;
use super::load::{Load, Ticket};

const UNPLACED: u64 = 0;
const QUEUED: u64 = 1;
const STARTED: u64 = 2;
const DEAD: u64 = 3;
const TAG: u64 = 3;
const TAG_BITS: u32 = 2;
/// The arguments have been claimed.
const CLAIMED: u64 = 1 << TAG_BITS;
const SLOT_SHIFT: u32 = TAG_BITS + 1;
const SLOT_BITS: u32 = 32 - SLOT_SHIFT;

/// `{tag, claimed, slot, execution}` in one word.
#[derive(Debug)]
pub(crate) struct StartWord(AtomicU64);

/// What a call is at, as far as anybody else can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It waits for a worker, or is about to.
    Queued,
    /// That worker runs it.
    Started(WorkerId),
    /// It has ended, or ends.
    Dead,
}

/// The right to publish the outcome of a call, which one thread gets, once: who has ended it.
#[must_use = "a call that was ended must be given its outcome"]
#[derive(Debug)]
pub(crate) struct Decided(());

/// The right to the arguments of a call, which one thread gets, once.
#[must_use = "whoever claims the arguments takes them"]
#[derive(Debug)]
pub(crate) struct Claim(());

/// What a call was when it was ended.
#[derive(Debug)]
pub(crate) struct Killed<'a> {
    pub(crate) decided: Decided,
    /// Whether user code has begun.
    pub(crate) started: bool,
    /// The slot that it was at.
    pub(crate) slot: WorkerId,
    /// The ticket that it held.
    pub(crate) ticket: Ticket<'a>,
    /// The execution that had begun.
    mark: u32,
}

impl Killed<'_> {
    /// Drops the ticket, while the execution still runs if one has begun.
    pub(crate) fn drop_ticket(self) -> Decided {
        if self.started {
            drop(self.ticket.overdue(self.mark));
        } else {
            drop(self.ticket);
        }
        self.decided
    }
}

impl StartWord {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(UNPLACED))
    }

    /// Says where the call waits, before any other thread knows of it. The ticket is kept by this word.
    pub(crate) fn place(&self, ticket: Ticket<'_>) {
        debug_assert!(!self.is_claimed(), "its arguments are there");
        self.0.store(pack(QUEUED, ticket.leave(), 0), Ordering::Release);
    }

    pub(crate) fn stage(&self) -> Stage {
        let word = self.0.load(Ordering::Acquire);
        match word & TAG {
            STARTED => Stage::Started(slot_of(word)),
            DEAD => Stage::Dead,
            _ => Stage::Queued,
        }
    }

    /// The slot where the call waits or runs, or where it was last.
    pub(crate) fn slot(&self) -> WorkerId {
        slot_of(self.0.load(Ordering::Acquire))
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.load(Ordering::Acquire) & TAG == DEAD
    }

    pub(crate) fn is_queued(&self) -> bool {
        self.0.load(Ordering::Acquire) & TAG == QUEUED
    }

    /// Starts the call in `hand` at the slot of `own`, which this word then keeps, and claims its arguments. With the claim comes the
    /// ticket of the slot where the call waited, to be dropped; or `own` comes back, if the call does not wait any more.
    pub(crate) fn begin<'a>(
        &self,
        loads: &'a [Load],
        hand: Hand,
        own: Option<Ticket<'a>>,
    ) -> Result<(Claim, Option<Ticket<'a>>), Option<Ticket<'a>>> {
        let seen = self.0.load(Ordering::Acquire);
        let slot = own.as_ref().map_or(slot_of(seen), Ticket::slot);
        let started = pack(STARTED, slot, hand.execution) | CLAIMED;
        // `Queued` moves to `Started` or `Dead` only, so a failed swap cannot be worth another try.
        if seen & (TAG | CLAIMED) != QUEUED
            || self.0.compare_exchange(seen, started, Ordering::AcqRel, Ordering::Acquire).is_err()
        {
            return Err(own);
        }
        let freed = own.map(|own| {
            if !Plant::DoubleTicketDrop.is_planted() {
                own.leave();
            } // else it drops here, and once more when the call ends
            Ticket::resume(&loads[slot_of(seen).index()])
        });
        Ok((Claim(()), freed))
    }

    /// The right to the arguments, for the first who asks.
    pub(crate) fn claim(&self) -> Option<Claim> {
        (self.0.fetch_or(CLAIMED, Ordering::AcqRel) & CLAIMED == 0).then_some(Claim(()))
    }

    /// Whether the arguments have been claimed.
    pub(crate) fn is_claimed(&self) -> bool {
        self.0.load(Ordering::Acquire) & CLAIMED != 0
    }

    /// Ends the call, whatever it is at; none if somebody else has.
    pub(crate) fn kill<'a>(&self, loads: &'a [Load]) -> Option<Killed<'a>> {
        let before = self.0.fetch_or(DEAD, Ordering::AcqRel);
        matches!(before & TAG, QUEUED | STARTED).then(|| Self::killed(before, loads))
    }

    /// Ends the call if it waits; none if it does not any more.
    pub(crate) fn withdraw<'a>(&self, loads: &'a [Load]) -> Option<Killed<'a>> {
        let seen = self.0.load(Ordering::Acquire);
        if seen & TAG != QUEUED {
            return None;
        }
        let swapped = self.0.compare_exchange(seen, seen | DEAD, Ordering::AcqRel, Ordering::Acquire);
        swapped.ok().map(|_| Self::killed(seen, loads))
    }

    fn killed(before: u64, loads: &[Load]) -> Killed<'_> {
        let slot = slot_of(before);
        let started = before & TAG == STARTED && !Plant::ExpiryAfterStart.is_planted();
        let ticket = Ticket::resume(&loads[slot.index()]);
        Killed { decided: Decided(()), started, slot, ticket, mark: mark_of(before) }
    }
}

fn pack(tag: u64, slot: WorkerId, mark: u32) -> u64 {
    debug_assert!(slot.0 < 1 << SLOT_BITS, "the builder limits the number of workers");
    (u64::from(mark) << 32) | (u64::from(slot.0) << SLOT_SHIFT) | tag
}

fn slot_of(word: u64) -> WorkerId {
    let slot = (word >> SLOT_SHIFT) & ((1 << SLOT_BITS) - 1);
    WorkerId(u32::try_from(slot).expect("a slot has 29 bits"))
}

fn mark_of(word: u64) -> u32 {
    (word >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::hand::Phase;
    use crate::id::Run;

    fn loads() -> Vec<Load> {
        (0..3).map(|slot| Load::new(WorkerId(slot), Run(1))).collect()
    }

    fn hand() -> Hand {
        Hand { run: Run(1), execution: 9, phase: Phase::Running }
    }

    fn tickets(loads: &[Load]) -> Vec<u32> {
        loads.iter().map(Load::tickets).collect()
    }

    #[test]
    fn a_call_taken_by_another_slot_moves_its_ticket() {
        let loads = loads();
        let word = StartWord::new();
        word.place(loads[0].raise());
        let (_, freed) = word.begin(&loads, hand(), Some(loads[2].raise())).expect("it waits");
        assert!(word.is_claimed() && word.claim().is_none(), "who starts it has its arguments");
        assert_eq!(tickets(&loads), [1, 0, 1]);
        drop(freed);
        let killed = word.kill(&loads).expect("it is alive");
        assert!(killed.started);
        assert_eq!(killed.slot, WorkerId(2));
        drop(killed);
        assert_eq!(tickets(&loads), [0, 0, 0]);
    }

    #[test]
    fn others_see_where_it_waits_runs_and_has_ended() {
        let loads = loads();
        let word = StartWord::new();
        assert_eq!(word.stage(), Stage::Queued, "it is about to wait");
        word.place(loads[1].raise());
        assert_eq!((word.stage(), word.slot()), (Stage::Queued, WorkerId(1)));
        drop(word.begin(&loads, hand(), Some(loads[2].raise())));
        assert_eq!((word.stage(), word.slot()), (Stage::Started(WorkerId(2)), WorkerId(2)));
        drop(word.kill(&loads));
        assert_eq!((word.stage(), word.slot()), (Stage::Dead, WorkerId(2)));
    }

    #[test]
    fn a_word_has_room_for_every_slot_and_execution() {
        for slot in [0, 1, 1023, 1024, (1 << SLOT_BITS) - 1] {
            for mark in [0, 1, u32::MAX] {
                let word = pack(STARTED, WorkerId(slot), mark) | CLAIMED;
                assert_eq!((slot_of(word), mark_of(word), word & TAG), (WorkerId(slot), mark, STARTED));
            }
        }
        assert_eq!(SLOT_BITS, 29);
    }

    #[test]
    fn a_dead_call_never_starts() {
        let loads = loads();
        let word = StartWord::new();
        word.place(loads[1].raise());
        let killed = word.kill(&loads).expect("it is alive");
        assert!(!killed.started);
        assert!(word.kill(&loads).is_none(), "it is ended once");
        drop(killed);
        assert!(matches!(word.begin(&loads, hand(), None), Err(None)));
        let own = loads[0].raise();
        assert!(matches!(word.begin(&loads, hand(), Some(own)), Err(Some(_))));
        assert_eq!(tickets(&loads), [0, 0, 0]);
    }

    #[test]
    fn a_withdrawn_call_gives_its_ticket_once() {
        let loads = loads();
        let word = StartWord::new();
        word.place(loads[1].raise());
        assert!(word.withdraw(&loads).is_some());
        assert!(word.withdraw(&loads).is_none());
        assert!(word.kill(&loads).is_none());
        assert_eq!(tickets(&loads), [0, 0, 0]);
    }
}
