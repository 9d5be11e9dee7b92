//! G1: the hot call by name beside request and reply over crossbeam channels.

use std::time::Duration;

use super::support::parts::{faster_by_time, ratios_of_rounds};
use crate::contender::Budget;
use crate::drive;
use crate::goal::{Goal, Limit, Row, Settings};
use crate::ours::ByName;
use crate::peers::channels::{PerCall, Reused};
use crate::round::{Turn, alternate};

pub(crate) const GOAL: Goal =
    Goal { name: "G1", what: "hot null call by name, blocking, beside crossbeam", measure };

/// What G1, G2 and G3 measure of a blocking caller in a part of a round.
pub(super) const BUDGET: Budget = Budget { warm_up: 2_000, calls: 100_000, time: Duration::from_millis(200) };

/// Parts of a round of G1, G2 and G3.
pub(super) const PARTS: usize = 3;

fn measure(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let (budget, parts) = (settings.budget(BUDGET), settings.pick(PARTS, 1));
    let mut rows = vec![];
    for workers in [1, 2] {
        let mut turns: [Turn<'_, f64>; 3] = [
            Box::new(move || drive::p50::<ByName>(workers, budget)),
            Box::new(move || drive::p50::<PerCall<_, _>>(workers, budget)),
            Box::new(move || drive::p50::<Reused<_, _>>(workers, budget)),
        ];
        let p50s = alternate(settings.rounds * parts, &mut turns)?;
        let crossbeam = faster_by_time(&p50s[1], &p50s[2]).of(&p50s[1], &p50s[2]);
        let what = format!("p50 / crossbeam, workers: {workers}");
        rows.push(Row::ratio(what, &ratios_of_rounds(parts, &p50s[0], crossbeam), Limit::AtMost(0.65)));
    }
    Ok(rows)
}
