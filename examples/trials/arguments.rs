//! [`Plan`]: which trial is to run, how much of it, and from which seed; read from the program's arguments.

use std::fmt;

use crate::watchdog::Watchdog;

/// The most of anything that may be asked for.
const AMOUNT_MAX: u64 = 100_000_000;

/// One trial, as the program's arguments name it.
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    /// The argument that says how much of it, and in what.
    pub(crate) unit: &'static str,
    /// How much of it is run on every change.
    pub(crate) on_change: u64,
    /// How much of it the published figure is of.
    pub(crate) published: u64,
    /// Runs it; what comes back is the line of its figures.
    pub(crate) run: fn(&Plan, &Watchdog) -> anyhow::Result<String>,
}

/// What is to run.
pub(crate) struct Plan {
    pub(crate) trial: &'static Trial,
    pub(crate) amount: u64,
    pub(crate) seed: u64,
    /// Whether the figures that need a quiet machine are to hold too.
    pub(crate) published: bool,
}

impl Plan {
    /// The plan, or what is wrong with the arguments.
    pub(crate) fn from_arguments(
        trials: &'static [Trial],
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<Self, String> {
        let names = || trials.iter().map(|trial| trial.name).collect::<Vec<_>>().join(", ");
        let name = arguments.next().ok_or_else(|| format!("which trial? It must be one of: {}", names()))?;
        let trial = trials.iter().find(|trial| trial.name == name);
        let trial = trial.ok_or_else(|| format!("`{name}` is no trial: it must be one of: {}", names()))?;
        let (mut amount, mut seed, mut published) = (None, 1, false);
        while let Some(argument) = arguments.next() {
            let mut number = |least, most| {
                let text =
                    arguments.next().ok_or_else(|| format!("`{argument}` must be followed by a number"))?;
                let number = text.parse().ok().filter(|number| (least..=most).contains(number));
                number.ok_or_else(|| {
                    format!("`{argument} {text}`: it must be a whole number from {least} to {most}")
                })
            };
            match argument.as_str() {
                "--published" => published = true,
                "--seed" => seed = number(0, u64::MAX)?,
                unit if unit == trial.unit => amount = Some(number(1, AMOUNT_MAX)?),
                other => {
                    let unit = trial.unit;
                    return Err(format!("`{other}`: `{name}` takes only {unit}, --seed and --published"));
                }
            }
        }
        let usual = if published { trial.published } else { trial.on_change };
        Ok(Self { trial, amount: amount.unwrap_or(usual), seed, published })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trial, amount, seed, published } = self;
        write!(f, "{} {} {amount} --seed {seed}", trial.name, trial.unit)?;
        if *published { write!(f, " --published") } else { Ok(()) }
    }
}
