//! G5: a pool that has little to do. Calls come 1 ms after one another to 2 workers: how long they take, and how much
//! CPU time the whole process uses meanwhile, caller and pauses included. And a pool that has served and idles: its CPU
//! time beside that of the process without it.
//!
//! CPU time is that of the process, so each contender runs alone. "crossbeam" is the row with the lower p50, for its CPU
//! time too.

use std::time::Duration;

use crate::contender::{Budget, Caller, Service, increment};
use crate::drive::{blocking_loop, check, now};
use crate::goal::{Goal, Limit, Row, Settings};
use crate::ours::ByName;
use crate::peers::channels::{PerCall, Reused};
use crate::round::{Spread, Times, Turn, alternate};

use super::support::clock::{cpu_time, pause};
use super::support::parts::{faster_by_time, ratios_of_rounds};

pub(crate) const GOAL: Goal =
    Goal { name: "G5", what: "calls 1 ms apart, 2 workers; and none at all", measure };

const WORKERS: usize = 2;
const GAP: Duration = Duration::from_millis(1);

/// A turn of calls with gaps; a round has several of each contender, with threads of their own.
const SPACED: Budget = Budget { warm_up: 10, calls: 60, time: Duration::from_millis(500) };
const PARTS: usize = 9;

/// What an idle pool has served before, and how long it has to come to rest.
const SERVED: Budget = Budget { warm_up: 0, calls: 2_000, time: Duration::from_millis(300) };
const REST: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_millis(1_500);

/// What a second of an idle pool may cost, in microseconds of CPU time.
const IDLE_MAX_US: f64 = 100.0;

fn measure(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let mut rows = measure_spaced(settings)?;
    rows.push(measure_idle(settings)?);
    Ok(rows)
}

/// A turn of calls with gaps.
#[derive(Clone, Copy)]
struct Spaced {
    p50_us: f64,
    cpu_us_per_call: f64,
}

fn measure_spaced(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let budget = settings.budget(SPACED);
    let turns: &mut [Turn<'_, Spaced>] = &mut [
        Box::new(|| spaced::<ByName>(budget)),
        Box::new(|| spaced::<PerCall<u64, u64>>(budget)),
        Box::new(|| spaced::<Reused<u64, u64>>(budget)),
    ];
    let parts = settings.pick(PARTS, 1);
    let figures = alternate(settings.rounds * parts, turns)?;
    let of = |turn: usize, figure: fn(&Spaced) -> f64| figures[turn].iter().map(figure).collect::<Vec<_>>();
    let faster = faster_by_time(&of(1, |turn| turn.p50_us), &of(2, |turn| turn.p50_us));
    let row = |what: &str, figure, limit| {
        let ratios = ratios_of_rounds(parts, &of(0, figure), &of(faster.of(1, 2), figure));
        Row::ratio(what, &ratios, Limit::AtMost(limit))
    };
    Ok(vec![
        row("calls 1 ms apart: p50 / crossbeam", |turn| turn.p50_us, 0.8),
        row("calls 1 ms apart: CPU time / crossbeam", |turn| turn.cpu_us_per_call, 1.3),
    ])
}

fn spaced<S: Service<u64, u64>>(budget: Budget) -> anyhow::Result<Spaced> {
    let service = S::start(WORKERS, increment)?;
    let spaced = {
        let mut caller = service.caller()?;
        spaced_loop(&mut caller, Budget { calls: budget.warm_up, ..budget })?;
        spaced_loop(&mut caller, budget)?
    };
    service.stop()?;
    Ok(spaced)
}

fn spaced_loop(caller: &mut impl Caller<u64, u64>, budget: Budget) -> anyhow::Result<Spaced> {
    let mut nanos = Vec::with_capacity(budget.calls);
    let (begin, cpu) = (now(), cpu_time()?);
    for n in 0..budget.calls as u64 {
        pause(GAP);
        let start = now();
        let reply = caller.call(n);
        let end = now();
        check(n, reply?)?;
        nanos.push(u64::try_from((end - start).as_nanos())?);
        if end - begin >= budget.time {
            break;
        }
    }
    let cpu = cpu_time()?.saturating_sub(cpu);
    let calls = u32::try_from(nanos.len())?;
    Ok(Spaced { p50_us: Times::new(nanos).p50(), cpu_us_per_call: us(cpu) / f64::from(calls.max(1)) })
}

fn measure_idle(settings: &Settings) -> anyhow::Result<Row> {
    let time = settings.pick(IDLE, Duration::from_millis(100));
    let turns: &mut [Turn<'_, f64>] =
        &mut [Box::new(|| idle_with_pool(time)), Box::new(|| Ok(us(idle(time)?) / time.as_secs_f64()))];
    let figures = alternate(settings.rounds, turns)?;
    let above: Vec<f64> = figures[0].iter().zip(&figures[1]).map(|(with, without)| with - without).collect();
    Ok(Row {
        what: "idle: CPU time a second above that without a pool".into(),
        measured: Spread::of(&above),
        unit: "us",
        limit: Limit::AtMost(IDLE_MAX_US),
    })
}

/// CPU time a second while a pool that has served does nothing.
fn idle_with_pool(time: Duration) -> anyhow::Result<f64> {
    let service: ByName = Service::<u64, u64>::start(WORKERS, increment)?;
    blocking_loop(&mut Service::<u64, u64>::caller(&service)?, SERVED.calls, SERVED.time)?;
    pause(REST);
    let cpu = idle(time)?;
    Service::<u64, u64>::stop(service)?;
    Ok(us(cpu) / time.as_secs_f64())
}

fn idle(time: Duration) -> anyhow::Result<Duration> {
    let before = cpu_time()?;
    pause(time);
    Ok(cpu_time()?.saturating_sub(before))
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
