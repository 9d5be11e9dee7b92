//! [`Figure`]: what was measured of one contender in one form, and the file that keeps it for plots.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::round::Spread;

/// One contender's figures, one for each round.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) contender: &'static str,
    /// The kind of figure, and what it counts.
    pub(crate) what: &'static str,
    pub(crate) workers: usize,
    /// How large the argument was.
    pub(crate) bytes: usize,
    pub(crate) rounds: Vec<f64>,
}

impl Figure {
    pub(crate) fn spread(&self) -> Spread {
        Spread::of(&self.rounds)
    }
}

/// Writes a line of CSV for each figure of each round; the first line, a comment, names the machine.
pub(crate) fn save(file: &Path, machine: &str, figures: &[Figure]) -> anyhow::Result<()> {
    let text = csv(machine, figures)?;
    std::fs::write(file, text).with_context(|| format!("`--save {}`", file.display()))
}

fn csv(machine: &str, figures: &[Figure]) -> anyhow::Result<String> {
    let mut text = format!("# {machine}\n");
    text.push_str("contender,what,workers,bytes,round,value\n");
    for Figure { contender, what, workers, bytes, rounds } in figures {
        for (round, value) in rounds.iter().enumerate() {
            writeln!(text, "\"{contender}\",\"{what}\",{workers},{bytes},{},{value}", round + 1)?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_has_a_line_and_names_are_quoted() {
        let figure =
            Figure { contender: "a, b", what: "p50 us", workers: 2, bytes: 8, rounds: vec![1.5, 2.0] };
        let text = csv("a machine", &[figure]).unwrap();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines, ["\"a, b\",\"p50 us\",2,8,1,1.5", "\"a, b\",\"p50 us\",2,8,2,2"]);
    }
}
