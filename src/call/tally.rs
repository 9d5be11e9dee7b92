//! [`Tally`]: how the calls of a slot have ended, and what its worker has handled.

use std::ops::Add;
use std::sync::atomic::Ordering;

use serde::Serialize;

use crate::sync::AtomicU64;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Value,
    Failed,
    Panicked,
    TimedOut,
    Cancelled { started: bool },
    WorkerLost,
}

/// One slot's counters. All but `inline` only rise.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    values: AtomicU64,
    failed: AtomicU64,
    panicked: AtomicU64,
    timed_out: AtomicU64,
    cancelled: AtomicU64,
    cancelled_running: AtomicU64,
    worker_lost: AtomicU64,
    handled: AtomicU64,
    late: AtomicU64,
    /// Calls that run inside another one and hold no ticket.
    inline: AtomicU64,
}

impl Tally {
    /// A call begins inside another one.
    pub(super) fn begin_inline(&self) {
        self.inline.fetch_add(1, Ordering::AcqRel);
    }

    /// It does so no more.
    pub(super) fn leave_inline(&self) {
        self.inline.fetch_sub(1, Ordering::AcqRel);
    }

    /// How many calls run inside another one.
    pub(crate) fn inline(&self) -> u64 {
        self.inline.load(Ordering::Acquire)
    }

    pub(crate) fn end(&self, ending: Ending) {
        if ending == (Ending::Cancelled { started: true }) {
            self.cancelled_running.fetch_add(1, Ordering::AcqRel);
        }
        let counter = match ending {
            Ending::Value => &self.values,
            Ending::Failed => &self.failed,
            Ending::Panicked => &self.panicked,
            Ending::TimedOut => &self.timed_out,
            Ending::Cancelled { .. } => &self.cancelled,
            Ending::WorkerLost => &self.worker_lost,
        };
        counter.fetch_add(1, Ordering::AcqRel);
    }

    /// The worker has run a call to its end.
    pub(crate) fn handle(&self) {
        self.handled.fetch_add(1, Ordering::AcqRel);
    }

    /// A function returned after its call had ended.
    pub(crate) fn late(&self) {
        self.late.fetch_add(1, Ordering::AcqRel);
    }

    /// How many of the cancelled calls had started.
    pub(crate) fn cancelled_running(&self) -> u64 {
        self.cancelled_running.load(Ordering::Acquire)
    }

    pub(crate) fn handled(&self) -> u64 {
        self.handled.load(Ordering::Acquire)
    }

    /// All but the accepted ones, which are counted elsewhere.
    pub(super) fn read(&self) -> Totals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        Totals {
            values: read(&self.values),
            failed: read(&self.failed),
            panicked: read(&self.panicked),
            timed_out: read(&self.timed_out),
            cancelled: read(&self.cancelled),
            worker_lost: read(&self.worker_lost),
            late: read(&self.late),
            handled: read(&self.handled),
            accepted: 0,
        }
    }
}

/// How many calls were accepted and how they ended, since the pool was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Totals {
    /// Calls that were accepted, inline ones included. At quiet points it is the sum of the six outcomes.
    pub accepted: u64,
    /// Calls that ended in a value.
    pub values: u64,
    /// Calls whose function returned an error.
    pub failed: u64,
    /// Calls whose function panicked.
    pub panicked: u64,
    /// Calls whose deadline passed.
    pub timed_out: u64,
    /// Calls that were cancelled, by a caller or by a stop.
    pub cancelled: u64,
    /// Calls whose worker was lost.
    pub worker_lost: u64,
    /// Functions that returned after their call had ended, on workers that had not been abandoned. It depends on timing: nothing adds up
    /// to it.
    pub late: u64,
    /// Calls that workers ran to their end, late ones included; not those that never started, or whose worker was abandoned or lost.
    pub handled: u64,
}

impl Totals {
    /// The sum of the six outcomes.
    pub fn ended(&self) -> u64 {
        self.values + self.failed + self.panicked + self.timed_out + self.cancelled + self.worker_lost
    }
}

impl Add for Totals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            values: self.values + other.values,
            failed: self.failed + other.failed,
            panicked: self.panicked + other.panicked,
            timed_out: self.timed_out + other.timed_out,
            cancelled: self.cancelled + other.cancelled,
            worker_lost: self.worker_lost + other.worker_lost,
            late: self.late + other.late,
            handled: self.handled + other.handled,
        }
    }
}
