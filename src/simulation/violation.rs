//! [`Violation`]: what the simulation has found to be wrong.

use std::fmt;

/// What was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// I1: each call that was accepted has one outcome, and the sums say so.
    OneOutcome,
    /// I3, I4: the tickets of a slot are its calls in flight.
    Tickets,
    /// I5: a call runs what it was bound to, where that has been acknowledged.
    Versions,
    /// I6: no queue holds more than it may, and none refuses less.
    Limits,
    /// I8: `started: false` means that no function began.
    Started,
    /// I10: the numbers of events have no gap but what a marker tells.
    Events,
    /// I11: restarts come in time and inside their window, and end exactly when it is full.
    Restarts,
    /// I12: a dead run changes nothing.
    DeadRuns,
    /// A time that was set for a state ends with it.
    Timers,
    /// A stop ends by its marks, and nothing starts after it.
    Stops,
    /// A call goes only where it can run.
    Eligible,
    /// A call whose time is up does not begin, and ends.
    Deadlines,
    /// A function whose call is over, or whose pool stops, is asked to return.
    Interrupts,
    /// What waits is taken by priority, and then by age.
    Order,
    /// A worker that could do something does not sleep.
    WakeUps,
    /// The code does not panic, and comes to rest.
    Sound,
}

/// Something that must not be.
#[derive(Clone, Debug)]
pub(super) struct Violation {
    pub(super) rule: Rule,
    pub(super) text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.text)
    }
}

/// What a step comes to.
pub(super) type Checked = Result<(), Violation>;

/// Says what is wrong if `holds` is false.
pub(super) fn ensure(holds: bool, rule: Rule, text: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation { rule, text: text() }) }
}
