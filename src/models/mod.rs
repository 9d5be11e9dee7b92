//! Models of the small concurrent cores: the library's own code, on threads of loom, which plays every order of what they do
//! and every value that each of them may see.
//!
//! No time passes in a model: what a time-out does a thread of its own does. A thread that nobody wakes is a deadlock, which
//! loom tells of. How many times in one execution a thread is interrupted that could go on is bounded; all else is not.

mod world;

mod abandon;
mod acknowledgement;
mod drain;
mod events;
mod held;
mod outcome;
mod park;
mod queue;
mod restart;
mod stop;
mod timekeeper;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;
use crate::plant::{self, Plant};
use crate::sync::spawn;

/// How often a thread is interrupted that could go on, in one execution at the most, unless `WPC_LOOM_BOUND` says otherwise.
const PREEMPTIONS: usize = 3;

/// So many steps one execution may have.
const STEPS_MAX: usize = 100_000;

fn number(variable: &str) -> Option<usize> {
    env::var(variable).ok().map(|text| text.parse().expect("it is a number"))
}

/// Plays every execution of `model`, which calls `explore` once it has made what its threads share; and says how many there were.
///
/// Where `WPC_LOOM_PLANT` is set, `plant` is planted first, and the process ends with code 3 once that has made an execution fail.
fn check(name: &'static str, plant: Plant, model: impl Fn() + Send + Sync + 'static) {
    let bound = number("WPC_LOOM_BOUND").unwrap_or(PREEMPTIONS);
    let executions = Arc::new(AtomicU64::new(0));
    if cfg!(wpc_plant) && env::var_os("WPC_LOOM_PLANT").is_some() {
        plant.plant();
        let executions = Arc::clone(&executions);
        plant::end_with_the_first_panic(move |text| {
            let executions = executions.load(Ordering::Relaxed);
            format!("model {name}: planted {plant:?}, found in execution {executions}: {text}")
        });
    }
    let counted = Arc::clone(&executions);
    let mut builder = ::loom::model::Builder::new();
    builder.preemption_bound = Some(bound);
    builder.max_branches = STEPS_MAX;
    builder.expect_explicit_explore = true;
    let clock = Clock::system();
    let begin = clock.now();
    let model = Arc::new(model);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let model = Arc::clone(&model);
        // Loom's first thread has a small stack.
        let body = spawn("body".into(), move || model());
        body.expect("it starts").join().expect("it does not panic");
    });
    let (executions, time) = (executions.load(Ordering::Relaxed), clock.now() - begin);
    println!("model {name}: {executions} executions, preemption bound {bound}, {:.1} s", time.as_secs_f64());
}
