//! [`Command`]: what the program was asked to do.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};

use crate::goals::GOALS;

const ROUNDS: usize = 5;
const ROUNDS_MAX: usize = 1_000;

/// What `gate --off` takes.
const SWITCHES: [&str; 5] = ["wake-rule", "rescue", "taking", "learning", "yield"];

/// One of the program's commands.
#[derive(Debug)]
pub(crate) enum Command {
    Gate(Gate),
    Table(Table),
    Smoke,
}

/// Which goals are measured, and how.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) rounds: usize,
    /// Names of goals; all where it is empty.
    only: Vec<&'static str>,
    /// What is switched off in the library.
    pub(crate) off: Option<&'static str>,
}

/// How the table is measured, and where its figures are saved to.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) rounds: usize,
    pub(crate) save: Option<PathBuf>,
}

impl Gate {
    /// Whether this goal is to be measured.
    pub(crate) fn wants(&self, goal: &str) -> bool {
        self.only.is_empty() || self.only.contains(&goal)
    }
}

impl Command {
    /// # Errors
    ///
    /// What was said is not understood; the error names it and says what would be.
    pub(crate) fn from_arguments(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        match arguments.next().as_deref() {
            Some("gate") => gate(arguments).map(Self::Gate),
            Some("table") => table(arguments).map(Self::Table),
            Some("--smoke") => match arguments.next() {
                None => Ok(Self::Smoke),
                Some(other) => bail!("`{other}`: `--smoke` stands alone"),
            },
            Some(other) => bail!("`{other}` is no command: `gate`, `table` or `--smoke`"),
            None => bail!("a command is needed: `gate`, `table` or `--smoke`"),
        }
    }
}

fn gate(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Gate> {
    let mut gate = Gate { rounds: ROUNDS, only: vec![], off: None };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => gate.rounds = rounds(arguments.next())?,
            "--only" => {
                let names = arguments.next().context("`--only` needs goals: `--only G1,G4`")?;
                gate.only = goals(&names)?;
            }
            "--off" => {
                let all = SWITCHES.join(", ");
                let name = arguments.next().with_context(|| format!("`--off` needs one of {all}"))?;
                let known = SWITCHES.into_iter().find(|switch| *switch == name);
                gate.off = Some(known.with_context(|| format!("`--off {name}`: it takes one of {all}"))?);
            }
            other => bail!("`{other}`: `gate` takes `--rounds N`, `--only GOAL,GOAL` and `--off NAME`"),
        }
    }
    Ok(gate)
}

fn table(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Table> {
    let mut table = Table { rounds: ROUNDS, save: None };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => table.rounds = rounds(arguments.next())?,
            "--save" => table.save = Some(arguments.next().context("`--save` needs a file")?.into()),
            other => bail!("`{other}`: `table` takes `--rounds N` and `--save FILE`"),
        }
    }
    Ok(table)
}

fn rounds(number: Option<String>) -> anyhow::Result<usize> {
    let allowed = format!("a number from 1 to {ROUNDS_MAX}");
    let number = number.with_context(|| format!("`--rounds` needs {allowed}"))?;
    let rounds = number.parse().with_context(|| format!("`--rounds {number}`: it takes {allowed}"))?;
    ensure!((1..=ROUNDS_MAX).contains(&rounds), "`--rounds {number}`: it takes {allowed}");
    Ok(rounds)
}

fn goals(names: &str) -> anyhow::Result<Vec<&'static str>> {
    let known = |name: &str| GOALS.iter().map(|goal| goal.name).find(|goal| *goal == name);
    let all = || GOALS.iter().map(|goal| goal.name).collect::<Vec<_>>().join(", ");
    let find = |name| known(name).with_context(|| format!("`--only {name}`: the goals are {}", all()));
    names.split(',').map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> anyhow::Result<Command> {
        Command::from_arguments(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_gate_measures_what_it_is_told() {
        let Command::Gate(gate) = parse("gate --rounds 3 --only G1,G10").unwrap() else {
            panic!("not a gate")
        };
        assert_eq!(gate.rounds, 3);
        assert_eq!(["G1", "G2", "G10"].map(|goal| gate.wants(goal)), [true, false, true]);
        let Command::Gate(gate) = parse("gate").unwrap() else { panic!("not a gate") };
        assert!(gate.rounds == ROUNDS && gate.wants("G7"));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let lines = [
            ("", "gate"),
            ("gat", "`gat`"),
            ("gate --rounds 0", "`--rounds 0`"),
            ("gate --rounds many", "from 1 to 1000"),
            ("gate --only G1,G12", "`--only G12`"),
            ("gate --off luck", "wake-rule"),
            ("table --only G1", "`--only`"),
            ("--smoke table", "`table`"),
        ];
        for (line, expected) in lines {
            let message = format!("{:#}", parse(line).unwrap_err());
            assert!(message.contains(expected), "`{line}`: {message}");
        }
    }
}
