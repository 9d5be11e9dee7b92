//! The storm: a ledger that the callers keep, with a nonce for each call, against every fault at once. Functions panic,
//! panic with payloads that panic, overrun and get stuck; arguments and results blow up when they are dropped; calls are
//! cancelled, workers are lost, the function is redefined, and the workers are stopped and started all the while.
//!
//! In the end every call must have ended once, in what its own function made of it, and the pool's counts must be the
//! callers'. The last line says so, and the exit code is 1 if a figure that must be 0 is not.
//!
//! `cargo run --release --example storm -- --calls 1000000 --faults 10000 --seed 1`

mod caller;
mod control;
mod errand;
mod fuse;
mod heap;
mod latch;
mod ledger;
mod lives;
mod plan;
mod plant;
mod process;
mod random;
mod report;
mod samples;
mod settings;
#[path = "../shared/split_mix.rs"]
mod split_mix;
mod storm;
mod watchdog;
mod window;
mod work;

use std::process::ExitCode;

use settings::Settings;
use storm::Storm;

/// A small storm before the base line is read, so that whatever the process keeps for ever is there by then.
const WARM_UP_CALLS: u64 = 10_000;
const WARM_UP_FAULTS: u64 = 400;

fn main() -> ExitCode {
    let settings = match Settings::parse(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(wrong) => {
            eprintln!("error: {wrong}");
            return ExitCode::from(2);
        }
    };
    match run(&settings) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all was as it must be.
fn run(settings: &Settings) -> anyhow::Result<bool> {
    let &Settings { calls, faults, seed, workers, .. } = settings;
    println!("seed {seed}: {calls} calls, {faults} faults, up to {workers} workers, 3 callers");
    work::OnPurpose::silence();
    let warm_up =
        Settings { calls: WARM_UP_CALLS, faults: WARM_UP_FAULTS, seed: !seed, samples: None, ..*settings };
    let warmed_up = Storm::new(&warm_up)?.run()?;
    if warmed_up.has_flaws() {
        println!("before the base line was read:\n{warmed_up}");
        return Ok(false);
    }
    let storm = Storm::new(settings)?;
    if let Some(plant) = settings.plant {
        plant();
    }
    let report = storm.run()?;
    println!("{report}");
    Ok(report.is_clean())
}
