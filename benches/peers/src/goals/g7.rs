//! G7: functions that compute for 10 us and for 100 us, called from one thread with a window of 64, on 2 workers.
//!
//! Efficiency is calls a second, divided by what the machine can do at the same time of day: the calls a second of two
//! bare threads that do the same work over and over, with no queue, no replies and nobody who submits. That is less
//! than a core's speed times two wherever something else runs on the machine, and it is the same for all contenders, so
//! that efficiencies compare as calls a second do.
//!
//! The thread that submits and collects needs some of the same two cores. It is nobody's worker, but it has to be
//! paid: at 100 us a call, 5 us of it for each call would be half of what the goal leaves.
//!
//! A turn is short, and a round has several of each.

use std::collections::VecDeque;
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};

use crate::contender::{Caller, Service, WINDOW};
use crate::drive::now;
use crate::goal::{Goal, Limit, Row, Settings};
use crate::ours::ByName;
use crate::peers::channels::{PerCall, Reused};
use crate::peers::rayon::Rayon;
use crate::round::{Turn, alternate};

use super::support::parts::{faster_by_rate, ratios_of_rounds};
use super::support::spin::{Answer, Spin, Spun, steps_of};

pub(crate) const GOAL: Goal =
    Goal { name: "G7", what: "functions of 10 us and 100 us, window 64, 2 workers", measure };

const WORKERS: usize = 2;

/// Turns of each contender in a round, and how long each is; a tenth more of it goes before.
const PARTS: usize = 7;
const TURN: Duration = Duration::from_millis(110);

fn measure(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let mut rows = measure_10_us(&Load::of(Duration::from_micros(10), settings)?, settings.rounds)?;
    rows.push(measure_100_us(&Load::of(Duration::from_micros(100), settings)?, settings.rounds)?);
    Ok(rows)
}

/// What a turn does, for how long, and how often in a round.
struct Load {
    steps: u32,
    answer: Answer,
    time: Duration,
    parts: usize,
}

impl Load {
    fn of(service_time: Duration, settings: &Settings) -> anyhow::Result<Self> {
        let steps = steps_of(service_time)?;
        Ok(Self {
            steps,
            answer: Answer::after(steps),
            time: settings.pick(TURN, TURN / 10),
            parts: settings.pick(PARTS, 1),
        })
    }

    fn spin(&self, seed: u64) -> Spin {
        Spin { seed, steps: self.steps }
    }
}

fn measure_10_us(load: &Load, rounds: usize) -> anyhow::Result<Vec<Row>> {
    let turns: &mut [Turn<'_, f64>] = &mut [
        Box::new(|| windowed::<ByName>(load)),
        Box::new(|| windowed::<PerCall<Spin, Spun>>(load)),
        Box::new(|| windowed::<Reused<Spin, Spun>>(load)),
        Box::new(|| windowed::<Rayon<Spin, Spun>>(load)),
    ];
    let rates = alternate(rounds * load.parts, turns)?;
    let crossbeam = faster_by_rate(&rates[1], &rates[2]).of(&rates[1], &rates[2]);
    let row = |what, theirs, limit| {
        Row::ratio(what, &ratios_of_rounds(load.parts, &rates[0], theirs), Limit::AtLeast(limit))
    };
    Ok(vec![
        row("10 us: efficiency / crossbeam", crossbeam, 0.85),
        row("10 us: efficiency / rayon", &rates[3], 1.1),
    ])
}

fn measure_100_us(load: &Load, rounds: usize) -> anyhow::Result<Row> {
    let turns: &mut [Turn<'_, f64>] = &mut [Box::new(|| windowed::<ByName>(load)), Box::new(|| bare(load))];
    let rates = alternate(rounds * load.parts, turns)?;
    let ratios = ratios_of_rounds(load.parts, &rates[0], &rates[1]);
    Ok(Row::ratio("100 us: efficiency (two bare threads: 1)", &ratios, Limit::AtLeast(0.95)))
}

/// Calls a second of one thread that keeps a window of calls in flight.
fn windowed<S: Service<Spin, Spun>>(load: &Load) -> anyhow::Result<f64> {
    let service = S::start(WORKERS, Spin::run)?;
    let rate = {
        let mut caller = service.caller()?;
        windowed_loop(&mut caller, load, load.time / 10)?;
        windowed_loop(&mut caller, load, load.time)?
    };
    service.stop()?;
    Ok(rate)
}

fn windowed_loop<C: Caller<Spin, Spun>>(caller: &mut C, load: &Load, time: Duration) -> anyhow::Result<f64> {
    let mut window = Window { in_flight: VecDeque::with_capacity(WINDOW), load, calls: 0, difference: 0 };
    let begin = now();
    while now() - begin < time {
        if window.in_flight.len() == WINDOW {
            window.settle(caller)?;
        }
        window.submit(caller)?;
    }
    while !window.in_flight.is_empty() {
        window.settle(caller)?;
    }
    let passed = now() - begin;
    ensure!(window.difference == 0, "some call was answered twice");
    Ok(f64::from(window.calls) / passed.as_secs_f64())
}

/// The calls in flight.
struct Window<'a, C: Caller<Spin, Spun>> {
    in_flight: VecDeque<(u64, C::Pending)>,
    load: &'a Load,
    calls: u32,
    /// Between the seeds that were sent and those that came back.
    difference: u64,
}

impl<C: Caller<Spin, Spun>> Window<'_, C> {
    fn submit(&mut self, caller: &mut C) -> anyhow::Result<()> {
        let seed = u64::from(self.calls);
        self.in_flight.push_back((seed, caller.submit(self.load.spin(seed))?));
        self.calls += 1;
        self.difference = self.difference.wrapping_add(seed);
        Ok(())
    }

    fn settle(&mut self, caller: &mut C) -> anyhow::Result<()> {
        let (seed, pending) = self.in_flight.pop_front().context("something is in flight")?;
        let spun = caller.wait(pending)?;
        self.load.answer.check(spun)?;
        ensure!(!C::IN_ORDER || spun.seed() == seed, "call {seed} was answered with that of {}", spun.seed());
        self.difference = self.difference.wrapping_sub(spun.seed());
        Ok(())
    }
}

/// Calls a second of as many threads as there are workers, that only do the work.
fn bare(load: &Load) -> anyhow::Result<f64> {
    let begin = now();
    let work = || -> anyhow::Result<u32> {
        let mut calls = 0;
        while now() - begin < load.time {
            load.answer.check(load.spin(calls.into()).run())?;
            calls += 1;
        }
        Ok(calls)
    };
    let calls: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        let join =
            |thread: ScopedJoinHandle<'_, _>| thread.join().map_err(|_| anyhow!("a thread panicked"))?;
        threads.into_iter().map(join).sum::<anyhow::Result<u32>>()
    })?;
    Ok(f64::from(calls) / (now() - begin).as_secs_f64())
}
