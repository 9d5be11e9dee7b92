//! G3: the hot call, by name and through a typed handle, beside two cores that hand a number over and spin.

use anyhow::bail;

use super::g1::{BUDGET, PARTS};
use super::support::parts::ratios_of_rounds;
use crate::drive;
use crate::goal::{Goal, Limit, Row, Settings, Size, short};
use crate::limits::spin::Spin;
use crate::ours::{ByHandle, ByName};
use crate::round::{Turn, alternate};

pub(crate) const GOAL: Goal =
    Goal { name: "G3", what: "hot null call, blocking, beside a spinning hand-over", measure };

/// A hand-over that takes longer was not between two cores that both had time for it.
const HAND_OVER_MAX_US: f64 = 1.0;
const TRIES: usize = 8;

fn measure(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let (budget, parts) = (settings.budget(BUDGET), settings.pick(PARTS, 1));
    let mut rows = vec![];
    for workers in [1, 2] {
        let mut turns: [Turn<'_, f64>; 3] = [
            Box::new(move || drive::p50::<ByName>(workers, budget)),
            Box::new(move || drive::p50::<ByHandle>(workers, budget)),
            Box::new(|| hand_over(settings)),
        ];
        let figures = alternate(settings.rounds * parts, &mut turns)?;
        for (turn, how, limit) in [(0, "by name", 6.0), (1, "by handle", 5.0)] {
            let what = format!("p50 {how} / spin hand-over, workers: {workers}");
            rows.push(Row::ratio(
                what,
                &ratios_of_rounds(parts, &figures[turn], &figures[2]),
                Limit::AtMost(limit),
            ));
        }
    }
    Ok(rows)
}

/// The limit, by one thread however many workers a call may choose from. On one core, or where others take a core's time, it
/// is none, and every call would look fast beside it.
fn hand_over(settings: &Settings) -> anyhow::Result<f64> {
    let mut found = vec![];
    for _ in 0..TRIES {
        let p50 = drive::p50::<Spin>(1, settings.budget(BUDGET))?;
        if p50 <= HAND_OVER_MAX_US || settings.size == Size::Smoke {
            return Ok(p50);
        }
        found.push(short(p50));
    }
    bail!("a spinning hand-over took {} us: this machine has no two cores that are free", found.join(", "))
}
