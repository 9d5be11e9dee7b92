//! Trials of stop and overload: what the library promises under load that no test of one behaviour makes.
//!
//! `cargo run --release --example trials -- stops --count 200 --seed 1`; the others are `overload --seconds 5`,
//! `listeners --events 100000` and `nesting --calls 10000`. Each prints its seed and, on its last line, its figures. It
//! ends with 1 when a figure that must hold does not, or nothing has moved for a minute, and with 2 when it does not
//! understand its arguments. `--published` takes the published size, and holds the figures that need a quiet machine.

mod arguments;
mod latch;
mod ledger;
mod listeners;
mod load;
mod nesting;
mod overload;
mod percentiles;
mod process;
mod random;
mod rest;
mod sequence;
#[path = "../shared/split_mix.rs"]
mod split_mix;
mod stops;
mod tree;
mod watchdog;

use std::process::ExitCode;

use arguments::{Plan, Trial};
use watchdog::Watchdog;

const TRIALS: &[Trial] = &[
    Trial { name: "stops", unit: "--count", on_change: 200, published: 10_000, run: stops::run },
    Trial { name: "overload", unit: "--seconds", on_change: 5, published: 60, run: overload::run },
    Trial {
        name: "listeners",
        unit: "--events",
        on_change: 100_000,
        published: 1_000_000,
        run: listeners::run,
    },
    Trial { name: "nesting", unit: "--calls", on_change: 10_000, published: 1_000_000, run: nesting::run },
];

fn main() -> ExitCode {
    let plan = match Plan::from_arguments(TRIALS, std::env::args().skip(1)) {
        Ok(plan) => plan,
        Err(wrong) => {
            eprintln!("trials: {wrong}");
            return ExitCode::from(2);
        }
    };
    println!("{plan}");
    let watchdog = Watchdog::start();
    match (plan.trial.run)(&plan, &watchdog) {
        Ok(figures) => {
            println!("{}: {figures}", plan.trial.name);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: FAILED with seed {}: {error:#}", plan.trial.name, plan.seed);
            ExitCode::FAILURE
        }
    }
}
