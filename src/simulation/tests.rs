//! What is played: many seeds, some of them twice, and seeds with a planted bug.

use std::env;
use std::sync::atomic::Ordering;
use std::thread::available_parallelism;

use crate::clock::Clock;
use crate::pool::Pool;
use crate::sync::{Mutex, shared};
use crate::worker::played::Next;

use super::plan::Plan;
use super::random::Random;
use super::run::{Found, STEPS, play, play_all};
use super::trace::Trace;

/// How many seeds are played, unless `WPC_SEEDS` says it.
const SEEDS: u64 = if cfg!(debug_assertions) { 300 } else { 10_000 };

shared! {
    /// What is planted is so for the whole process: one test at a time.
    static ALONE: Mutex<()> = Mutex::new(());
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().expect("seeds are numbers"))
}

fn tell(found: &Found) -> String {
    let Found { seed, step, violation, .. } = found;
    format!("seed {seed}, step {step}: {violation}; WPC_SEED={seed} shows all of it")
}

#[test]
fn nothing_goes_wrong_in_any_seed() {
    let _alone = ALONE.lock();
    if let Some(seed) = number("WPC_SEED") {
        match play(seed, Trace::kept()) {
            Ok((steps, trace)) => println!("{trace}seed {seed}: {steps} steps"),
            Err(found) => panic!("{}{}", found.trace, tell(&found)),
        }
        return;
    }
    let seeds = number("WPC_SEEDS").unwrap_or(SEEDS);
    assert!(seeds > 0, "WPC_SEEDS is 0: nothing would be played");
    let threads = available_parallelism().map_or(1, |threads| threads.get() as u64);
    let clock = Clock::system();
    let began = clock.now();
    let steps = play_all(1..seeds + 1, threads).unwrap_or_else(|found| panic!("{}", tell(&found)));
    let taken = clock.now() - began;
    assert!(steps >= seeds * STEPS as u64, "{seeds} seeds took {steps} steps: something was not played");
    let rate = u128::from(steps) * 1_000_000 / taken.as_micros().max(1);
    println!("simulation: {seeds} seeds, {steps} steps in {taken:.1?}, {rate} steps/s on {threads} threads");
}

#[test]
fn a_seed_is_replayed_to_the_byte() {
    let _alone = ALONE.lock();
    let mut bytes = 0;
    for seed in 1..=30 {
        let trace = || play(seed, Trace::kept()).unwrap_or_else(|found| panic!("{}", tell(&found))).1;
        let (once, again) = (trace(), trace());
        assert!(once == again, "seed {seed} is not the same twice");
        bytes += once.len();
    }
    println!("simulation: 30 seeds played twice, {bytes} bytes of trace, the same");
}

#[test]
fn a_run_that_has_become_ready_as_its_time_is_up_is_not_left_behind() {
    let _alone = ALONE.lock();
    let (clock, hands) = Clock::manual();
    let settings = Plan::draw(&mut Random::new(1), clock).settings;
    let start_timeout = settings.start_timeout;
    let pool = Pool::new(settings);
    let mut shift = pool.start_played(1);
    let mut run = shift.begun.take().remove(0);
    for next in [Next::Come, Next::Sync] {
        assert_eq!(run.next(), next);
        run.go();
    }
    hands.advance(start_timeout);
    shift.driver.tick();
    assert!(run.is_own(), "the driver has not heard that it is ready, and it is");
    for next in [Next::Ready, Next::Look] {
        assert_eq!(run.next(), next);
        run.go();
    }
    assert!(run.is_own());
    assert_eq!(pool.counts_played().abandoned.load(Ordering::Relaxed), 0);
}

/// Seeds that are looked through for a planted bug.
#[cfg(wpc_plant)]
const SEEDS_PLANTED: u64 = 300;

#[cfg(wpc_plant)]
#[test]
fn each_planted_bug_is_found() {
    use super::violation::Rule;
    use crate::plant::Plant;

    let _alone = ALONE.lock();
    let bugs = [
        (Plant::StaleRun, Rule::DeadRuns),
        (Plant::DoubleTicketDrop, Rule::Tickets),
        (Plant::TimerOutlivesRun, Rule::Timers),
        (Plant::WindowCountsSuccesses, Rule::Restarts),
        (Plant::StopLosesToRestart, Rule::Stops),
        (Plant::OldAcknowledgement, Rule::Versions),
        (Plant::TakingIgnoresEligibility, Rule::Eligible),
        (Plant::ExpiryAfterStart, Rule::Started),
        (Plant::EventGap, Rule::Events),
        (Plant::ShellCounted, Rule::Limits),
    ];
    for (plant, rule) in bugs {
        plant.plant();
        let found = (1..=SEEDS_PLANTED).find_map(|seed| play(seed, Trace::default()).err());
        Plant::uproot();
        let Some(found) = found else { panic!("{plant:?} was not found by {SEEDS_PLANTED} seeds") };
        let Found { seed, step, violation, .. } = &*found;
        println!("plant {plant:?}: found by seed {seed} at step {step}: {violation}");
        assert_eq!(violation.rule, rule, "{plant:?}");
        assert!(play(*seed, Trace::default()).is_ok(), "seed {seed} is clean without {plant:?}");
    }
    play_all(1..SEEDS_PLANTED + 1, 1).unwrap_or_else(|found| panic!("without a plant: {}", tell(&found)));
}
