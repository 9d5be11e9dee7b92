//! Spinning: waiting awake for what is expected sooner than a thread that sleeps could be woken.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::Clock;
use crate::plant::SpeedRule;
use crate::sync::{AtomicU32, spin_hint, yield_now};

/// What it takes to wake a thread on another core, rounded up. No worker means to wait awake for longer: it looks at the clock every ten microseconds or so.
pub(crate) const WAKE: Duration = Duration::from_micros(50);

/// A caller may have woken its worker, and then waits for that too.
pub(super) const REPLY: Duration = Duration::from_micros(100);

/// So often the condition is looked at before another thread may run in between: some two microseconds, where a look waits for 30 ns.
const LOOKS: u32 = 64;

/// So often at most.
const LOOKS_MAX: u32 = 8 * LOOKS;

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
    pub(crate) fn new(whole: Duration) -> Self {
        Self { whole, level: AtomicU32::new(0) }
    }

    /// Waits awake until `holds`, for at most as long as the last waits have shown to be of use; true if it came. On a clock that is
    /// moved by hand it only looks once: no time passes there by itself.
    ///
    /// What is to come may need this very core, so between some looks the thread yields: where `is_needed` says that this may well
    /// be, whenever nothing was found for two microseconds; else more and more seldom, since who yields where several want the core
    /// waits for its turn.
    pub(crate) fn wait(
        &self,
        clock: &Clock,
        mut holds: impl FnMut() -> bool,
        is_needed: impl Fn() -> bool,
    ) -> bool {
        if holds() {
            return true;
        }
        let budget = self.next();
        if budget.is_zero() || !clock.runs_by_itself() {
            return false;
        }
        let mut looks = LOOKS;
        if look(looks, &mut holds) {
            self.learn(true);
            return true;
        }
        let until = clock.now() + budget;
        loop {
            if !SpeedRule::Yield.is_off() {
                yield_now();
            }
            looks = if is_needed() { 1 } else { (looks * 2).min(LOOKS_MAX) };
            let has_come = look(looks, &mut holds);
            // What comes after its time was waited for in vain, too: whoever had the core meanwhile did not leave it soon.
            let is_late = clock.now() >= until;
            if has_come || is_late {
                self.learn(has_come && !is_late);
                return has_come;
            }
        }
    }

    /// For the next wait.
    fn next(&self) -> Duration {
        if SpeedRule::Learning.is_off() {
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
    fn learn(&self, has_come: bool) {
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

fn look(looks: u32, holds: &mut impl FnMut() -> bool) -> bool {
    (0..looks).any(|_| {
        spin_hint();
        holds()
    })
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
        assert!(!Budget::new(WAKE).wait(&clock, holds, || true));
        assert_eq!(looks, 1);
        let nothing = Budget::new(Duration::ZERO);
        assert!(nothing.wait(&Clock::system(), || true, || true), "what holds needs no budget");
    }

    #[test]
    fn a_wait_ends_with_its_budget_and_with_what_it_waited_for() {
        let clock = Clock::system();
        for is_needed in [false, true] {
            let budget = Budget::new(Duration::from_micros(5));
            assert!(!budget.wait(&clock, || false, || is_needed));
            assert_eq!(budget.level.load(Ordering::Relaxed), 1, "in vain");
            let mut looks = 0;
            let holds = || {
                looks += 1;
                looks == 1_000
            };
            let budget = Budget::new(Duration::from_secs(60));
            assert!(budget.wait(&clock, holds, || is_needed));
            assert_eq!(budget.level.load(Ordering::Relaxed), 0, "not in vain");
        }
    }

    #[test]
    fn what_comes_after_its_time_was_waited_for_in_vain() {
        let (clock, budget) = (Clock::system(), Budget::new(Duration::from_micros(5)));
        let is_late = std::cell::Cell::new(false);
        let begin = clock.now();
        // As if somebody else had had the core for long.
        let is_needed = || {
            while clock.now() < begin + Duration::from_millis(1) {
                spin_hint();
            }
            is_late.set(true);
            true
        };
        assert!(budget.wait(&clock, || is_late.get(), is_needed), "it is there, and is taken");
        assert_eq!(budget.level.load(Ordering::Relaxed), 1);
    }
}
