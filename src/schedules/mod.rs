//! Schedules of the whole pool: callers, a definer, whoever stops and starts it, its driver, its timekeeper, its workers and their
//! reaper, each of them a thread of shuttle, which runs one at a time, in an order that a seed draws.
//!
//! Time is moved by a thread of its own. Where every thread waits for another one, shuttle tells; and so it does where an execution
//! does not end.

mod ledger;
mod pool;

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ::shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use ::shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::clock::Clock;
use crate::plant::{self, Plant};

use ledger::Ledger;

/// So many schedules of each kind are played, unless `WPC_SCHEDULES` says another number.
const SCHEDULES: usize = 1_000;

/// So many times the order of priorities changes in one execution under PCT (S. Burckhardt and others, "A randomized scheduler with
/// probabilistic guarantees of finding bugs", 2010).
const DEPTH: usize = 3;

/// So many steps an execution may have.
const STEPS_MAX: usize = 200_000;

/// The stack of a thread, in bytes.
const STACK: usize = 0x2_0000;

/// What can be planted here, and is to be found.
const PLANTS: &[Plant] = &[Plant::Double, Plant::Drift, Plant::StopLosesToRestart];

/// How many executions were begun.
static BEGUN: AtomicU64 = AtomicU64::new(0);

/// How the calls of all executions have ended.
static ENDED: Mutex<Ledger> = Mutex::new(Ledger::NOTHING);

/// Adds what the callers of one execution know.
fn count(ledger: Ledger) {
    *ENDED.lock().unwrap_or_else(PoisonError::into_inner) += ledger;
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().expect("it is a number"))
}

/// Plays `execution` in orders that each of the two kinds of scheduler draws.
fn check(name: &str, execution: fn()) {
    let schedules =
        number("WPC_SCHEDULES").map_or(SCHEDULES, |count| usize::try_from(count).expect("they are few"));
    let seed = number("WPC_SEED").unwrap_or(1);
    let kinds = env::var("WPC_SCHEDULER").unwrap_or_else(|_| "random pct".to_owned());
    plant_what_is_asked_for();
    for kind in kinds.split_whitespace() {
        let clock = Clock::system();
        let begin = clock.now();
        let played = match kind {
            "random" => play(RandomScheduler::new_from_seed(seed, schedules), execution),
            "pct" => play(PctScheduler::new_from_seed(seed, DEPTH, schedules), execution),
            other => panic!("WPC_SCHEDULER is `{other}`: it is `random`, `pct` or both"),
        };
        let time = clock.now() - begin;
        let ended =
            std::mem::replace(&mut *ENDED.lock().unwrap_or_else(PoisonError::into_inner), Ledger::NOTHING);
        let seconds = time.as_secs_f64();
        println!("schedules of {name}: {kind}, seed {seed}, {played} schedules, {seconds:.1} s; {ended}");
    }
}

/// Plants what `WPC_SHUTTLE_PLANT` names: the process ends with code 3 once that has made an execution fail.
fn plant_what_is_asked_for() {
    let Ok(name) = env::var("WPC_SHUTTLE_PLANT") else { return };
    let asked = PLANTS.iter().copied().find(|plant| format!("{plant:?}") == name);
    let Some(planted) = asked.filter(|_| cfg!(wpc_plant)) else {
        panic!("WPC_SHUTTLE_PLANT is `{name}`: in a build with wpc_plant it may be one of {PLANTS:?}");
    };
    planted.plant();
    plant::end_with_the_first_panic(move |text| {
        let begun = BEGUN.load(Ordering::Relaxed);
        format!("schedules: planted {planted:?}, found in schedule {begun}: {text}")
    });
}

fn play(scheduler: impl Scheduler + 'static, execution: fn()) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.failure_persistence = FailurePersistence::Print;
    Runner::new(scheduler, config).run(move || {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        execution();
    })
}
