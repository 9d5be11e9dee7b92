//! G9: one function, of which 1 call in 100 takes 20 ms and the others 200 us, on 2 workers: whoever waits behind the
//! long one is to be served by the other worker, as it would be from one queue that both share.
//!
//! Arrivals are open: calls come with exponential gaps, at 70 % of what 2 workers can serve, and do not wait for each
//! other. A short call's time is that from when it was to come, however late it was submitted, until the function has
//! ended. The other contender is a crossbeam channel that 2 threads receive from. In a round both are given the same
//! calls at the same times; each round has its own.
//!
//! The function takes its time by sleeping. Computing would ask for 1.4 of 2 cores, beside the thread that submits and
//! whatever else runs: what the system's scheduler makes of that would hide what the queue does, and it is the queue
//! that is looked at. A sleep is some 50 us longer than it is asked to be; the load is reckoned with what it is.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::contender::{Caller, Service};
use crate::drive::now;
use crate::goal::{Goal, Limit, Row, Settings};
use crate::ours::ByName;
use crate::peers::channels::PerCall;
use crate::round::{Times, Turn, alternate, ratios};

use super::support::arrivals::Chance;
use super::support::clock::{pause, pause_until};

pub(crate) const GOAL: Goal =
    Goal { name: "G9", what: "1 call in 100 takes 20 ms, the rest 200 us; 2 workers, 70 % load", measure };

const WORKERS: u32 = 2;
const LOAD: f64 = 0.7;
const SHORT: Duration = Duration::from_micros(200);
const LONG: Duration = Duration::from_millis(20);

/// One call of so many is long: which of them, chance says.
const BLOCK: u32 = 100;
const BLOCKS: u32 = 100;

/// Sleeps that show how long a sleep is.
const SLEEPS: u32 = 300;
const WARM_UP: u32 = 50;

fn measure(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let blocks = settings.pick(BLOCKS, 2);
    let mean = (slept(SHORT, SLEEPS) * (BLOCK - 1) + slept(LONG, SLEEPS / 30)) / BLOCK;
    let gap = mean.div_f64(f64::from(WORKERS) * LOAD);
    let schedules: Vec<Vec<Arrival>> =
        (0..settings.rounds as u64).map(|seed| schedule(seed, gap, blocks)).collect();
    let (mut for_ours, mut for_channel) = (schedules.iter(), schedules.iter());
    let turns: &mut [Turn<'_, f64>] = &mut [
        Box::new(|| p99::<ByName>(for_ours.next().map_or(&[], Vec::as_slice))),
        Box::new(|| p99::<PerCall<Task, Done>>(for_channel.next().map_or(&[], Vec::as_slice))),
    ];
    let figures = alternate(settings.rounds, turns)?;
    Ok(vec![Row::ratio(
        "short calls: p99 / one shared queue",
        &ratios(&figures[0], &figures[1]),
        Limit::AtMost(1.2),
    )])
}

/// How long a sleep of that length is, on average.
fn slept(time: Duration, sleeps: u32) -> Duration {
    let begin = now();
    (0..sleeps).for_each(|_| pause(time));
    (now() - begin) / sleeps
}

/// A call that is to come.
struct Arrival {
    /// After the beginning.
    at: Duration,
    is_long: bool,
}

fn schedule(seed: u64, gap: Duration, blocks: u32) -> Vec<Arrival> {
    let mut chance = Chance::new(seed);
    let mut at = Duration::ZERO;
    let mut arrivals = Vec::new();
    for _ in 0..blocks {
        let long = chance.below(BLOCK);
        for place in 0..BLOCK {
            at += chance.gap(gap);
            arrivals.push(Arrival { at, is_long: place == long });
        }
    }
    arrivals
}

/// A call's argument.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Task {
    number: u32,
    is_long: bool,
}

/// Its reply: whose, and when the function ended.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Done {
    number: u32,
    at: Duration,
}

fn take_time(task: Task) -> Done {
    pause(if task.is_long { LONG } else { SHORT });
    Done { number: task.number, at: now() - epoch() }
}

/// What times that travel are counted from.
fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(now)
}

/// Of the short calls, in microseconds.
fn p99<S: Service<Task, Done>>(arrivals: &[Arrival]) -> anyhow::Result<f64> {
    let service = S::start(WORKERS as usize, take_time)?;
    let times = {
        let mut caller = service.caller()?;
        for number in 0..WARM_UP {
            caller.call(Task { number, is_long: false })?;
        }
        let begin = now();
        let pending = submit_in_time(&mut caller, arrivals, begin)?;
        let mut nanos = Vec::with_capacity(arrivals.len());
        for ((number, arrival), pending) in (0..).zip(arrivals).zip(pending) {
            let done = caller.wait(pending)?;
            ensure!(done.number == number, "call {number} was answered as {}", done.number);
            if !arrival.is_long {
                let time = (epoch() + done.at) - (begin + arrival.at);
                nanos.push(u64::try_from(time.as_nanos())?);
            }
        }
        Times::new(nanos)
    };
    service.stop()?;
    Ok(times.percentile(99.0))
}

fn submit_in_time<C: Caller<Task, Done>>(
    caller: &mut C,
    arrivals: &[Arrival],
    begin: Instant,
) -> anyhow::Result<Vec<C::Pending>> {
    let mut pending = Vec::with_capacity(arrivals.len());
    for (number, arrival) in (0..).zip(arrivals) {
        pause_until(begin + arrival.at);
        pending.push(caller.submit(Task { number, is_long: arrival.is_long })?);
    }
    Ok(pending)
}
