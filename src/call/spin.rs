//! Spinning: waiting awake for what is expected sooner than a thread that sleeps could be woken.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::Clock;
use crate::plant::Rule;
use crate::sync::{AtomicU32, spin_hint, yield_now};

/// What it takes to wake a thread on another core, rounded up. No worker waits awake for longer.
pub(crate) const WAKE: Duration = Duration::from_micros(50);

/// A caller may have woken its worker, and then waits for that too.
pub(super) const REPLY: Duration = Duration::from_micros(100);

/// So often the condition is looked at before the clock is: some two microseconds, where a look waits for 30 ns.
const LOOKS: u32 = 64;

/// Looks until `holds`, for about `budget` and at least some two microseconds; true if it came. It leaves its core to nobody
/// meanwhile: a worker that did would wait for its turn where several callers want the same core. On a clock that is moved
/// by hand it only looks once: no time passes there by itself.
pub(crate) fn wait_awake(clock: &Clock, budget: Duration, mut holds: impl FnMut() -> bool) -> bool {
    if holds() {
        return true;
    }
    if budget.is_zero() || !clock.runs_by_itself() {
        return false;
    }
    if looks(&mut holds) {
        return true;
    }
    let until = clock.now() + budget;
    while clock.now() < until {
        if looks(&mut holds) {
            return true;
        }
    }
    false
}

/// The same, but as long as `is_needed` says that what is to come may need this very core the thread yields between two looks, after
/// the first ones.
pub(crate) fn wait_awake_yielding(
    (clock, budget): (&Clock, Duration),
    mut holds: impl FnMut() -> bool,
    is_needed: impl Fn() -> bool,
) -> bool {
    if holds() {
        return true;
    }
    if budget.is_zero() || !clock.runs_by_itself() {
        return false;
    }
    if looks(&mut holds) {
        return true;
    }
    let until = clock.now() + budget;
    while clock.now() < until {
        if Rule::Yield.is_off() || !is_needed() {
            if looks(&mut holds) {
                return true;
            }
        } else {
            yield_now();
            if holds() {
                return true;
            }
        }
    }
    false
}

fn looks(holds: &mut impl FnMut() -> bool) -> bool {
    (0..LOOKS).any(|_| {
        spin_hint();
        holds()
    })
}

/// So often a budget is halved before it is nothing.
const HALVINGS: u32 = 5;

/// After so many waits without a budget the whole of it is tried again.
const SKIPPED: u32 = 16;

/// How long to wait awake, as the last waits have shown. What was in vain halves it, what was not doubles it: where several
/// threads want one core, or what is waited for comes seldom, nobody burns time that others could use.
#[derive(Debug)]
pub(crate) struct Budget {
    whole: Duration,
    level: AtomicU32,
}

impl Budget {
    pub(crate) const fn new(whole: Duration) -> Self {
        Self { whole, level: AtomicU32::new(0) }
    }

    /// For the next wait.
    pub(crate) fn next(&self) -> Duration {
        if Rule::Learning.is_off() {
            return self.whole;
        }
        // Two that wait at once may count for one.
        match self.level.load(Ordering::Relaxed) {
            HALVINGS => self.whole,
            level if level < HALVINGS => self.whole / (1 << level),
            level => {
                self.level.store(level - 1, Ordering::Relaxed);
                Duration::ZERO
            }
        }
    }

    /// What was waited for has come in time, or it has not.
    pub(crate) fn learn(&self, has_come: bool) {
        let level = self.level.load(Ordering::Relaxed);
        let next = match has_come {
            true if level < HALVINGS => level.saturating_sub(1),
            true => 0,
            false if level + 1 < HALVINGS => level + 1,
            false => HALVINGS + SKIPPED,
        };
        if next != level {
            self.level.store(next, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_in_vain_halve_the_budget_to_nothing_and_it_is_tried_again_at_times() {
        let budget = Budget::new(WAKE);
        for level in 0..HALVINGS {
            assert_eq!(budget.next(), WAKE / (1 << level));
            budget.learn(false);
        }
        for _ in 0..2 {
            assert!((0..SKIPPED).all(|_| budget.next().is_zero()));
            assert_eq!(budget.next(), WAKE, "a try");
            budget.learn(false);
        }
    }

    #[test]
    fn a_wait_that_was_worth_it_brings_the_budget_back() {
        let budget = Budget::new(WAKE);
        budget.learn(false);
        budget.learn(false);
        assert_eq!(budget.next(), WAKE / 4);
        budget.learn(true);
        assert_eq!(budget.next(), WAKE / 2);
        (0..HALVINGS).for_each(|_| budget.learn(false));
        assert!((0..SKIPPED).all(|_| budget.next().is_zero()));
        assert_eq!(budget.next(), WAKE);
        budget.learn(true);
        assert_eq!(budget.next(), WAKE);
        budget.learn(true);
        assert_eq!(budget.next(), WAKE, "it is never more");
    }

    #[test]
    fn on_a_clock_that_stands_still_it_looks_once() {
        let (clock, _hands) = Clock::manual();
        let mut looks = 0;
        let holds = || {
            looks += 1;
            false
        };
        assert!(!wait_awake(&clock, WAKE, holds));
        assert_eq!(looks, 1);
        assert!(!wait_awake_yielding((&clock, WAKE), || false, || true));
        assert!(wait_awake(&Clock::system(), Duration::ZERO, || true), "what holds needs no budget");
        assert!(wait_awake_yielding((&Clock::system(), Duration::ZERO), || true, || true));
    }

    #[test]
    fn looks_end_with_the_budget_and_with_what_was_waited_for() {
        let clock = Clock::system();
        assert!(!wait_awake(&clock, Duration::from_micros(5), || false));
        assert!(!wait_awake_yielding((&clock, Duration::from_micros(5)), || false, || false));
        let (mut first, mut second) = (0, 0);
        let until = |count: &mut u32| {
            *count += 1;
            *count == 1_000
        };
        assert!(wait_awake(&clock, Duration::from_secs(60), || until(&mut first)));
        assert!(wait_awake_yielding((&clock, Duration::from_secs(60)), || until(&mut second), || true));
    }
}
