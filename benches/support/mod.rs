//! What the benches share: their arguments, the rounds in which two contenders take turns, and the rows of the result.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

const ROUNDS: usize = 5;

/// How much is measured.
pub(crate) struct Plan {
    rounds: usize,
    /// Whether nothing is to be measured: it is only shown that everything answers.
    pub(crate) is_smoke: bool,
}

/// Runs a bench as the program's arguments have it.
pub(crate) fn main(run: impl FnOnce(&Plan) -> anyhow::Result<()>) -> ExitCode {
    match Plan::from_arguments(std::env::args().skip(1)).and_then(|plan| run(&plan)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Plan {
    fn from_arguments(arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let arguments: Vec<String> = arguments.collect();
        let says = |flag: &str| arguments.iter().any(|argument| argument == flag);
        // `cargo bench` says `--bench`; `cargo test` does not, and its arguments are meant for other harnesses.
        if says("--test") || !(says("--bench") || says("--rounds")) {
            return Ok(Self { rounds: 1, is_smoke: true });
        }
        let mut rounds = ROUNDS;
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--bench" => {}
                "--rounds" => {
                    let number = rest.next().context("`--rounds` needs a number")?;
                    rounds = number.parse().with_context(|| format!("`--rounds {number}`"))?;
                    ensure!(rounds > 0, "`--rounds` must be at least 1");
                }
                other => bail!("unknown argument `{other}`: only `--rounds N` is taken"),
            }
        }
        Ok(Self { rounds, is_smoke: false })
    }

    /// The times of both contenders in each round, in which they take turns in an order that alternates.
    pub(crate) fn alternate(
        &self,
        mut ours: impl FnMut() -> anyhow::Result<Duration>,
        mut theirs: impl FnMut() -> anyhow::Result<Duration>,
    ) -> anyhow::Result<Vec<(Duration, Duration)>> {
        let mut rounds = Vec::with_capacity(self.rounds);
        for round in 0..self.rounds {
            rounds.push(if round % 2 == 0 {
                let ours = ours()?;
                (ours, theirs()?)
            } else {
                let theirs = theirs()?;
                (ours()?, theirs)
            });
        }
        Ok(rounds)
    }
}

/// Prints the head of the rows: what is measured, and who the contenders are.
pub(crate) fn print_head(what: &str, ours: &str, theirs: &str) {
    println!("{what:<20} {ours:>12} {theirs:>12} {:>7} {:>16}", "ratio", "min .. max");
}

/// The medians over the rounds, their ratio, and the least and the greatest ratio of a round.
pub(crate) fn print_row(name: &str, rounds: &[(Duration, Duration)]) {
    let ours = median(rounds.iter().map(|(ours, _)| *ours).collect());
    let theirs = median(rounds.iter().map(|(_, theirs)| *theirs).collect());
    let ratio = |(ours, theirs): (Duration, Duration)| ours.as_secs_f64() / theirs.as_secs_f64();
    let ratios = || rounds.iter().map(|round| ratio(*round));
    println!(
        "{name:<20} {:>12} {:>12} {:>7.2} {:>8.2} .. {:.2}",
        ours.as_nanos(),
        theirs.as_nanos(),
        ratio((ours, theirs)),
        ratios().fold(f64::INFINITY, f64::min),
        ratios().fold(0.0, f64::max),
    );
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures by the machine's clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
