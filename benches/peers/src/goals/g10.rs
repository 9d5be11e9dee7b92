//! G10: a function is redefined some 250 times a second while 2 workers are full of calls of it that compute for 1 ms: how
//! long a define takes, and what the calls lose.
//!
//! The calls compute, since "full" means that both cores are: a define that wakes, copies or locks too much is paid by
//! them. One thread keeps 64 of them in flight; another one defines. A part of a round goes without, with, with and without
//! redefinitions, on one pool and with the calls going on from one to the next, so that a machine that becomes slower or
//! faster meanwhile does so for both. A round's figures are the medians over its parts.
//!
//! With each reply it is checked that the call ran no older definition than the one that had returned before it was
//! submitted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{anyhow, ensure};
use wpc::{Pending, Wpc};

use crate::contender::WINDOW;
use crate::drive::now;
use crate::goal::{Goal, Limit, Row, Settings};
use crate::ours::{FUNCTION, stop};
use crate::round::{Spread, Times};

use super::support::clock::pause;
use super::support::spin::{Answer, Spin, Spun, steps_of};

pub(crate) const GOAL: Goal =
    Goal { name: "G10", what: "redefinition while 2 workers are full of 1 ms calls", measure };

const WORKERS: usize = 2;
const CALL: Duration = Duration::from_millis(1);

/// Between two defines.
const PAUSE: Duration = Duration::from_millis(4);

/// Each of the four stretches of a part, and the parts of a round.
const STRETCH: Duration = Duration::from_millis(400);
const PARTS: usize = 3;

fn measure(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let stretch = settings.pick(STRETCH, Duration::from_millis(20));
    let rounds = (0..settings.rounds).map(|_| round(stretch)).collect::<anyhow::Result<Vec<_>>>()?;
    let p99s: Vec<f64> = rounds.iter().map(|round| round.define_p99_ms).collect();
    let kept: Vec<f64> = rounds.iter().map(|round| round.kept).collect();
    Ok(vec![
        Row {
            what: "define: p99".into(),
            measured: Spread::of(&p99s),
            unit: "ms",
            limit: Limit::AtMost(5.0),
        },
        Row::ratio("calls a second with redefinitions / without", &kept, Limit::AtLeast(0.95)),
    ])
}

/// What a part has shown, or the medians of a round's.
struct Shown {
    define_p99_ms: f64,
    /// Calls a second with redefinitions for each one without.
    kept: f64,
}

fn round(stretch: Duration) -> anyhow::Result<Shown> {
    let definer = Definer::default();
    let wpc = Wpc::builder().build()?;
    definer.define(&wpc)?;
    let started = wpc.start_workers(WORKERS)?;
    ensure!(started.ready.len() == WORKERS, "only {} workers are ready", started.ready.len());
    let mut feeder = Feeder::new(&wpc, &definer)?;
    feeder.feed(stretch)?;
    let parts = (0..PARTS).map(|_| feeder.part(stretch)).collect::<anyhow::Result<Vec<_>>>()?;
    feeder.drain()?;
    stop(&wpc)?;
    let median = |of: fn(&Shown) -> f64| Spread::of(&parts.iter().map(of).collect::<Vec<_>>()).median;
    Ok(Shown { define_p99_ms: median(|part| part.define_p99_ms), kept: median(|part| part.kept) })
}

/// Redefines the function: each definition answers with a number of its own.
#[derive(Default)]
struct Definer {
    begun: AtomicU32,
    returned: AtomicU32,
}

impl Definer {
    fn define(&self, wpc: &Wpc) -> anyhow::Result<()> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        wpc.define_function(FUNCTION, move |spin: Spin| (number, spin.run()))?;
        self.returned.store(number, Ordering::Release);
        Ok(())
    }

    /// Until it is told to end: what each define took, in nanoseconds.
    fn define_on(&self, wpc: &Wpc, end: &AtomicBool) -> anyhow::Result<Vec<u64>> {
        let mut nanos = Vec::new();
        while !end.load(Ordering::Relaxed) {
            pause(PAUSE);
            let start = now();
            self.define(wpc)?;
            nanos.push(u64::try_from((now() - start).as_nanos())?);
        }
        Ok(nanos)
    }
}

/// Keeps the workers full.
struct Feeder<'a> {
    wpc: &'a Wpc,
    definer: &'a Definer,
    steps: u32,
    answer: Answer,
    submitted: u64,
    in_flight: VecDeque<Fed>,
}

/// A call in flight: its number, the definition that it must not be older than, and its reply.
struct Fed {
    seed: u64,
    defined: u32,
    pending: Pending<(u32, Spun)>,
}

impl<'a> Feeder<'a> {
    fn new(wpc: &'a Wpc, definer: &'a Definer) -> anyhow::Result<Self> {
        let steps = steps_of(CALL)?;
        let in_flight = VecDeque::with_capacity(WINDOW);
        Ok(Self { wpc, definer, steps, answer: Answer::after(steps), submitted: 0, in_flight })
    }

    fn part(&mut self, stretch: Duration) -> anyhow::Result<Shown> {
        let mut nanos = Vec::new();
        let before = self.feed(stretch)?;
        let first = self.feed_while_defining(stretch, &mut nanos)?;
        let second = self.feed_while_defining(stretch, &mut nanos)?;
        let after = self.feed(stretch)?;
        let define_p99_ms = Times::new(nanos).percentile(99.0) / 1e3;
        Ok(Shown { define_p99_ms, kept: (first + second) / (before + after) })
    }

    /// Calls a second that ended meanwhile.
    fn feed(&mut self, time: Duration) -> anyhow::Result<f64> {
        let begin = now();
        let mut ended = 0_u32;
        loop {
            while self.in_flight.len() < WINDOW {
                self.submit()?;
            }
            self.settle()?;
            ended += 1;
            let passed = now() - begin;
            if passed >= time {
                return Ok(f64::from(ended) / passed.as_secs_f64());
            }
        }
    }

    fn feed_while_defining(&mut self, time: Duration, nanos: &mut Vec<u64>) -> anyhow::Result<f64> {
        let end = AtomicBool::new(false);
        let (wpc, definer) = (self.wpc, self.definer);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| definer.define_on(wpc, &end));
            let rate = self.feed(time);
            end.store(true, Ordering::Relaxed);
            nanos.extend(thread.join().map_err(|_| anyhow!("the thread that defines panicked"))??);
            rate
        })
    }

    fn submit(&mut self) -> anyhow::Result<()> {
        let defined = self.definer.returned.load(Ordering::Acquire);
        let seed = self.submitted;
        let pending = self.wpc.submit(FUNCTION, Spin { seed, steps: self.steps })?;
        self.submitted += 1;
        self.in_flight.push_back(Fed { seed, defined, pending });
        Ok(())
    }

    fn settle(&mut self) -> anyhow::Result<()> {
        let Some(fed) = self.in_flight.pop_front() else { return Ok(()) };
        let (definition, spun) = fed.pending.wait()?;
        self.answer.check(spun)?;
        ensure!(spun.seed() == fed.seed, "call {} was answered with that of {}", fed.seed, spun.seed());
        ensure!(
            definition >= fed.defined,
            "definition {definition} ran a call that began after {}",
            fed.defined
        );
        Ok(())
    }

    fn drain(&mut self) -> anyhow::Result<()> {
        while !self.in_flight.is_empty() {
            self.settle()?;
        }
        Ok(())
    }
}
