//! G6: four threads that call and wait at once: the slowest calls, and whether each caller has its share.

use std::time::Duration;

use super::support::parts::{faster_by_time, ratios_of_rounds};
use crate::contender::Budget;
use crate::drive::{self, Crowd};
use crate::goal::{Goal, Limit, Row, Settings};
use crate::ours::ByName;
use crate::peers::channels::{PerCall, Reused};
use crate::round::{Spread, Turn, alternate};

pub(crate) const GOAL: Goal = Goal { name: "G6", what: "null calls by name, 4 blocking callers", measure };

const WORKERS: usize = 2;
const CALLERS: usize = 4;
const BUDGET: Budget = Budget { warm_up: 2_000, calls: usize::MAX, time: Duration::from_secs(1) };

/// Parts of a round.
const PARTS: usize = 2;

fn measure(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let (budget, parts) = (settings.budget(BUDGET), settings.pick(PARTS, 1));
    let mut turns: [Turn<'_, Crowd>; 3] = [
        Box::new(move || drive::crowd::<ByName>(WORKERS, CALLERS, budget)),
        Box::new(move || drive::crowd::<PerCall<_, _>>(WORKERS, CALLERS, budget)),
        Box::new(move || drive::crowd::<Reused<_, _>>(WORKERS, CALLERS, budget)),
    ];
    let crowds = alternate(settings.rounds * parts, &mut turns)?;
    let tails =
        |turn: usize| crowds[turn].iter().map(|crowd| crowd.times.percentile(99.9)).collect::<Vec<_>>();
    let (per_call, reused) = (tails(1), tails(2));
    let crossbeam = faster_by_time(&per_call, &reused).of(&per_call, &reused);
    let fairness: Vec<f64> = crowds[0].iter().map(|crowd| crowd.fairness).collect();
    Ok(vec![
        Row::ratio("p99.9 / crossbeam", &ratios_of_rounds(parts, &tails(0), crossbeam), Limit::AtMost(0.2)),
        Row {
            what: "calls of the slowest caller / of the fastest".into(),
            measured: Spread::of(&fairness),
            unit: "x",
            limit: Limit::AtLeast(0.2),
        },
    ])
}
