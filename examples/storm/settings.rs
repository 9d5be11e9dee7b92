//! [`Settings`]: what the command line asks for.

use std::path::PathBuf;

use crate::plan::BLOCK;
use crate::plant;

/// The most workers that a storm may have: as many threads may be abandoned at once.
const WORKERS_MAX: u64 = 64;

/// The most calls: the ledger has two bytes for each.
const CALLS_MAX: u64 = 1 << 31;

/// How large the storm is, and what is planted.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) calls: u64,
    pub(crate) faults: u64,
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    /// Plants the bug that the storm is to find, in a build that has them.
    pub(crate) plant: Option<fn()>,
    /// Where it writes, once a second, what the process has.
    pub(crate) samples: Option<PathBuf>,
}

impl Settings {
    /// The settings that the arguments ask for; what is wrong with them otherwise, with the value and its rule.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut settings =
            Self { calls: 1_000_000, faults: 10_000, seed: 1, workers: 4, plant: None, samples: None };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("`{name}` needs a value behind it"));
            match name.as_str() {
                "--calls" => settings.calls = number(&name, &value()?, (1, CALLS_MAX))?,
                "--faults" => settings.faults = number(&name, &value()?, (0, CALLS_MAX))?,
                "--seed" => settings.seed = number(&name, &value()?, (0, u64::MAX))?,
                "--workers" => {
                    let workers = number(&name, &value()?, (1, WORKERS_MAX))?;
                    settings.workers = usize::try_from(workers).expect("the limit is small");
                }
                "--plant" => settings.plant = Some(plant::find(&value()?)?),
                "--samples" => settings.samples = Some(value()?.into()),
                _ => {
                    let known = "--calls N --faults N --seed N --workers N --plant BUG --samples FILE";
                    return Err(format!("`{name}` is none of {known}"));
                }
            }
        }
        settings.check()
    }

    fn check(self) -> Result<Self, String> {
        let &Self { calls, faults, .. } = &self;
        if faults < BLOCK || faults % BLOCK != 0 {
            return Err(format!(
                "`--faults` is {faults}: it must be at least {BLOCK} and a multiple of it, so that each class has its \
                 share"
            ));
        }
        if faults > calls {
            return Err(format!("`--faults` is {faults}: it must be at most `--calls`, {calls}"));
        }
        Ok(self)
    }
}

fn number(name: &str, value: &str, (min, max): (u64, u64)) -> Result<u64, String> {
    match value.parse() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(format!("`{name}` is {value:?}: it must be a whole number from {min} to {max}")),
    }
}
