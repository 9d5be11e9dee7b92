//! Spinning: waiting awake for what is expected sooner than a thread that sleeps could be woken.

use std::time::Duration;

use crate::clock::Clock;
use crate::sync::{spin_hint, yield_now};

/// What it takes to wake a thread on another core, rounded up. Nobody waits awake for longer.
pub(crate) const WAKE: Duration = Duration::from_micros(50);

/// So often the condition is looked at before the clock is.
const LOOKS: u32 = 128;

/// Waits awake until `holds`, for at most `budget`; true if it came. `has_company` says whether the core is wanted by somebody else, who
/// is then let run between two looks. On a clock that is moved by hand it only looks once: no time passes there by itself.
pub(crate) fn spin(
    clock: &Clock,
    budget: Duration,
    has_company: impl Fn() -> bool,
    mut holds: impl FnMut() -> bool,
) -> bool {
    if holds() {
        return true;
    }
    if budget.is_zero() || !clock.runs_by_itself() {
        return false;
    }
    let until = clock.now() + budget;
    loop {
        for _ in 0..LOOKS {
            spin_hint();
            if holds() {
                return true;
            }
        }
        while has_company() && clock.now() < until {
            yield_now();
            if holds() {
                return true;
            }
        }
        if clock.now() >= until {
            return holds();
        }
    }
}
