//! [`Ledger`]: what the callers of one execution know of their calls.

use std::fmt;
use std::ops::AddAssign;

use crate::call::CallError;

/// How calls ended, as their callers saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) rejected: u64,
    pub(super) values: u64,
    pub(super) failed: u64,
    pub(super) timed_out: u64,
    pub(super) cancelled: u64,
    pub(super) lost: u64,
}

impl Ledger {
    pub(super) const NOTHING: Self =
        Self { rejected: 0, values: 0, failed: 0, timed_out: 0, cancelled: 0, lost: 0 };

    /// The calls that were accepted.
    pub(super) fn accepted(&self) -> u64 {
        self.values + self.failed + self.timed_out + self.cancelled + self.lost
    }

    /// Notes the end of a call that was not one in a value.
    pub(super) fn note(&mut self, error: &CallError) {
        match error {
            CallError::Rejected(_) => self.rejected += 1,
            CallError::Failed(_) => self.failed += 1,
            CallError::TimedOut { .. } => self.timed_out += 1,
            CallError::Cancelled { .. } => self.cancelled += 1,
            CallError::WorkerLost { .. } => self.lost += 1,
            other => panic!("nothing in here ends so: {other}"),
        }
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rejected, values, failed, timed_out, cancelled, lost } = self;
        write!(
            f,
            "ok {values} failed {failed} timed_out {timed_out} cancelled {cancelled} lost {lost}; rejected {rejected}"
        )
    }
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Self) {
        self.rejected += other.rejected;
        self.values += other.values;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.cancelled += other.cancelled;
        self.lost += other.lost;
    }
}
