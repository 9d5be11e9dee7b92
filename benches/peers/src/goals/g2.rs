//! G2: the hot call by name beside a closure that is spawned on rayon, with a oneshot channel for its reply.

use super::g1::{BUDGET, PARTS};
use super::support::parts::ratios_of_rounds;
use crate::drive;
use crate::goal::{Goal, Limit, Row, Settings};
use crate::ours::ByName;
use crate::peers::rayon::Rayon;
use crate::round::{Times, Turn, alternate};

pub(crate) const GOAL: Goal =
    Goal { name: "G2", what: "hot null call by name, blocking, beside rayon", measure };

fn measure(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let (budget, parts) = (settings.budget(BUDGET), settings.pick(PARTS, 1));
    let mut rows = vec![];
    for workers in [1, 2] {
        let mut turns: [Turn<'_, Times>; 2] = [
            Box::new(move || drive::blocking::<ByName>(workers, budget)),
            Box::new(move || drive::blocking::<Rayon<_, _>>(workers, budget)),
        ];
        let times = alternate(settings.rounds * parts, &mut turns)?;
        let row = |what, figure: fn(&Times) -> f64, limit| {
            let figures = |turn: usize| times[turn].iter().map(figure).collect::<Vec<_>>();
            let what = format!("{what} / rayon, workers: {workers}");
            Row::ratio(what, &ratios_of_rounds(parts, &figures(0), &figures(1)), Limit::AtMost(limit))
        };
        rows.push(row("p50", Times::p50, 0.1));
        rows.push(row("mean", Times::mean, 0.25));
    }
    Ok(rows)
}
