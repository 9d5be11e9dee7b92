//! [`Shift`]: what all calls of a pool share from one start of its workers to the stop after it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::clock::{Clock, Moment};
use crate::event::Bus;
use crate::id::{PoolId, Run, WorkerId};
use crate::supervise::Mailbox;
use crate::sync::{AtomicU8, AtomicUsize, CachePadded, OnceLock, Signal};

use super::cell::Call;
use super::load::Load;
use super::spin::{Budget, REPLY};
use super::tally::Totals;
use super::timekeeper::Alarm;
use super::waits::Waits;

/// Who may begin a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Gate {
    /// Everybody.
    Open = 0,
    /// Only functions that run in this pool: a stop has begun, and what runs may need them.
    NestedOnly = 1,
    /// Nobody.
    Closed = 2,
}

/// Wakes workers for calls that were left to one that does not come to them.
pub(crate) trait Rescue: Send + Sync {
    /// Has a worker that sleeps take the call, if it still waits and there is such a worker.
    fn rescue(&self, call: &Call);
}

/// Loads, clock and alarm of one shift. Calls keep it alive, so that they may outlive the pool.
#[derive(Debug)]
#[repr(align(64))] // apart from the count of its holders, which callers write
pub(crate) struct Shift {
    pub(crate) pool: PoolId,
    pub(crate) clock: Clock,
    pub(crate) alarm: Alarm,
    pub(crate) loads: Box<[Load]>,
    pub(crate) waits: Waits,
    /// How long a call that was cancelled while it ran, and has no deadline, may go on.
    pub(crate) call_timeout: Duration,
    /// How long a function may run on after its call's deadline.
    pub(crate) overrun_grace: Duration,
    /// Notified, once the gate is not open, by each worker that has nothing left to do, and by whoever ends a call.
    pub(crate) quiet: Signal,
    pub(crate) bus: Arc<Bus>,
    /// How long callers wait awake.
    pub(super) awake: CachePadded<Budget>,
    /// Who has calls taken that wait where they should not, as soon as there is somebody.
    pub(crate) rescuer: OnceLock<Weak<dyn Rescue>>,
    /// The supervisor's, as soon as there is one.
    pub(crate) mailbox: OnceLock<Mailbox>,
    gate: AtomicU8,
    /// Calls that have ended and whose event is to come.
    telling: AtomicUsize,
}

impl Shift {
    pub(crate) fn new(
        pool: PoolId,
        (clock, bus): (Clock, Arc<Bus>),
        (call_timeout, overrun_grace): (Duration, Duration),
        runs: &[Run],
    ) -> Self {
        let slot = |at: usize| WorkerId(u32::try_from(at).expect("the pool limits its workers"));
        Self {
            pool,
            clock,
            alarm: Alarm::default(),
            loads: runs.iter().enumerate().map(|(at, run)| Load::new(slot(at), *run)).collect(),
            waits: Waits::new(runs.len()),
            call_timeout,
            overrun_grace,
            quiet: Signal::default(),
            bus,
            awake: CachePadded::new(Budget::new(REPLY)),
            rescuer: OnceLock::new(),
            mailbox: OnceLock::new(),
            telling: AtomicUsize::new(0),
            gate: AtomicU8::new(Gate::Open as u8),
        }
    }

    pub(crate) fn gate(&self) -> Gate {
        match self.gate.load(Ordering::Acquire) {
            0 => Gate::Open,
            1 => Gate::NestedOnly,
            _ => Gate::Closed,
        }
    }

    /// Narrows the gate; it is never widened.
    pub(crate) fn narrow(&self, gate: Gate) {
        self.gate.fetch_max(gate as u8, Ordering::AcqRel);
        crate::sync::full_fence();
    }

    /// Has a stop look again whether anything is in flight, if one waits for that.
    pub(crate) fn tell_quiet(&self) {
        crate::sync::full_fence();
        if self.gate() != Gate::Open {
            self.quiet.notify();
        }
    }

    /// One more event is to come: a stop waits for it.
    pub(super) fn begin_telling(&self) {
        self.telling.fetch_add(1, Ordering::AcqRel);
    }

    /// It has been emitted.
    pub(super) fn end_telling(&self) {
        self.telling.fetch_sub(1, Ordering::AcqRel);
        self.tell_quiet();
    }

    /// Whether every call that has ended has been told of.
    pub(crate) fn has_told(&self) -> bool {
        self.telling.load(Ordering::Acquire) == 0
    }

    /// Has a worker that sleeps take the call, if it still waits.
    pub(super) fn rescue(&self, call: &Call) {
        if let Some(rescuer) = self.rescuer.get().and_then(Weak::upgrade) {
            rescuer.rescue(call);
        }
    }

    /// Has the supervisor look which workers overrun.
    pub(crate) fn look(&self) {
        if let Some(mailbox) = self.mailbox.get() {
            mailbox.look();
        }
    }

    /// Has the timekeeper look at the calls at `at`, if it would otherwise look later.
    pub(crate) fn arm(&self, at: Instant) {
        crate::sync::full_fence();
        self.arm_fenced(self.clock.moment_of(at));
    }

    /// The same where the caller has passed a full fence since it stored what is to be met.
    pub(crate) fn arm_fenced(&self, at: Moment) {
        self.alarm.arm(at);
    }

    /// The sum over all slots.
    pub(crate) fn totals(&self) -> Totals {
        self.loads.iter().map(Load::totals).fold(Totals::default(), |sum, next| sum + next)
    }

    /// The cancelled calls that had started, over all slots.
    pub(crate) fn cancelled_running(&self) -> u64 {
        self.loads.iter().map(|load| load.tally().cancelled_running()).sum()
    }

    /// The calls that run inside another one, over all slots.
    pub(crate) fn inline(&self) -> u64 {
        self.loads.iter().map(|load| load.tally().inline()).sum()
    }

    /// The calls in flight over all slots.
    pub(crate) fn in_flight(&self) -> u64 {
        self.loads.iter().map(|load| u64::from(load.tickets())).sum()
    }
}

#[cfg(test)]
mod tests {
    use crate::call::fixture::shift;
    use crate::clock::Clock;

    #[test]
    fn a_shift_has_told_when_as_much_was_told_as_was_begun() {
        let shift = shift(&Clock::system());
        assert!(shift.has_told());
        shift.begin_telling();
        shift.begin_telling();
        shift.end_telling();
        assert!(!shift.has_told());
        shift.end_telling();
        assert!(shift.has_told());
    }
}
