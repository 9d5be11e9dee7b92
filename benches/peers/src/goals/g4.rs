//! G4: 64 calls in flight from one thread: the throughput beside crossbeam's and rayon's, and with more workers.

use std::time::Duration;

use super::support::parts::{faster_by_rate, ratios_of_rounds};
use crate::contender::Budget;
use crate::drive;
use crate::goal::{Goal, Limit, Row, Settings};
use crate::ours::ByName;
use crate::peers::channels::{PerCall, Reused};
use crate::peers::rayon::Rayon;
use crate::round::{Turn, alternate};

pub(crate) const GOAL: Goal = Goal { name: "G4", what: "null calls by name, 64 in flight", measure };

const WORKERS: [usize; 3] = [1, 2, 4];

/// Contenders at each number of workers.
const CONTENDERS: usize = 4;

/// The most calls are out of reach of anyone, so that each turn takes the same time.
const BUDGET: Budget = Budget { warm_up: 2_000, calls: usize::MAX, time: Duration::from_millis(150) };

/// Parts of a round.
const PARTS: usize = 3;

fn measure(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let (budget, parts) = (settings.budget(BUDGET), settings.pick(PARTS, 1));
    let mut turns: Vec<Turn<'_, f64>> = vec![];
    for workers in WORKERS {
        turns.push(Box::new(move || drive::pipelined::<ByName>(workers, budget)));
        turns.push(Box::new(move || drive::pipelined::<PerCall<_, _>>(workers, budget)));
        turns.push(Box::new(move || drive::pipelined::<Reused<_, _>>(workers, budget)));
        turns.push(Box::new(move || drive::pipelined::<Rayon<_, _>>(workers, budget)));
    }
    let rates = alternate(settings.rounds * parts, &mut turns)?;
    let mut rows = vec![];
    for (block, workers) in rates.chunks(CONTENDERS).zip(WORKERS) {
        let row = |peer, theirs: &[f64], limit| {
            let what = format!("throughput / {peer}, workers: {workers}");
            Row::ratio(what, &ratios_of_rounds(parts, &block[0], theirs), Limit::AtLeast(limit))
        };
        rows.push(row("crossbeam", faster_by_rate(&block[1], &block[2]).of(&block[1], &block[2]), 2.0));
        rows.push(row("rayon", &block[3], 1.5));
    }
    let (one, four) = (&rates[0], &rates[2 * CONTENDERS]);
    rows.push(Row::ratio(
        "throughput, 4 workers / 1 worker",
        &ratios_of_rounds(parts, four, one),
        Limit::AtLeast(0.8),
    ));
    Ok(rows)
}
