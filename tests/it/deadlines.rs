//! Deadlines: one for each call, over queue and run, told at once. The clock is moved by hand where a function must have
//! begun before its deadline comes.

mod obeyed;
mod queued;
mod running;
mod stuck;

use std::time::Duration;

use wpc::{CallError, Clock, ManualClock, Wpc, WpcBuilder};

use crate::support::{Busy, build};

/// How long the calls of these tests may take.
const LIMIT: Duration = Duration::from_millis(25);

/// The smallest step of a clock.
const TICK: Duration = Duration::from_nanos(1);

/// A pool, with no worker yet, on a clock that stands still, with a function that keeps it busy.
fn stopped_clock(builder: WpcBuilder) -> (Wpc, ManualClock, Busy) {
    let (clock, hands) = Clock::manual();
    let wpc = build(builder.clock(clock));
    let busy = Busy::define(&wpc);
    (wpc, hands, busy)
}

/// Asserts that the call timed out, and whether it had started.
#[track_caller]
fn assert_timed_out<T: std::fmt::Debug>(result: Result<T, CallError>, name: &str, had_started: bool) {
    match result {
        Err(CallError::TimedOut { function, started }) => {
            assert_eq!((&*function, started), (name, had_started));
        }
        other => panic!("not timed out: {other:?}"),
    }
}
