//! A seed, played to its end; and many.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::fence;
use crate::worker::played::play_here;

use super::plan::Kind;
use super::trace::Trace;
use super::violation::{Checked, Rule, Violation, ensure};
use super::world::World;

/// How many steps are drawn for each seed; its end takes some more.
pub(super) const STEPS: usize = 1_000;

/// A seed whose world did what must not be.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) seed: u64,
    pub(super) step: u64,
    pub(super) violation: Violation,
    pub(super) trace: String,
}

/// Plays a seed: how many steps there were, and its trace.
pub(super) fn play(seed: u64, trace: Trace) -> Result<(u64, String), Box<Found>> {
    play_here();
    let mut world = match World::new(seed, trace) {
        Ok(world) => world,
        Err(violation) => return Err(Box::new(Found { seed, step: 0, violation, trace: String::new() })),
    };
    let went = fence::run(|| world.play_out());
    let went =
        went.unwrap_or_else(|text| Err(Violation { rule: Rule::Sound, text: format!("a panic: {text}") }));
    let (step, trace) = (world.steps, std::mem::take(&mut world.trace).into_text());
    fence::drop_value(world);
    match went {
        Ok(()) => Ok((step, trace)),
        Err(violation) => Err(Box::new(Found { seed, step, violation, trace })),
    }
}

/// Plays many seeds on as many threads: how many steps there were, or the first seed that is wrong.
pub(super) fn play_all(seeds: Range<u64>, threads: u64) -> Result<u64, Box<Found>> {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut steps = 0;
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return Ok(steps);
            }
            match play(seed, Trace::default()) {
                Ok((taken, _)) => steps += taken,
                Err(found) => {
                    next.store(seeds.end, Ordering::Relaxed);
                    return Err(found);
                }
            }
        }
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a seed does not panic")).collect()
    });
    let mut steps = 0;
    let mut first: Option<Box<Found>> = None;
    for result in results {
        match result {
            Ok(taken) => steps += taken,
            Err(found) if first.as_ref().is_none_or(|first| found.seed < first.seed) => first = Some(found),
            Err(_) => {}
        }
    }
    first.map_or(Ok(steps), Err)
}

impl World {
    fn play_out(&mut self) -> Checked {
        for _ in 0..STEPS {
            self.step()?;
        }
        self.end_all()
    }

    /// Stops what runs, by both marks; lets every function return; and looks at what is left: nothing.
    fn end_all(&mut self) -> Checked {
        while let Some(shift) = &self.shift {
            match shift.mark() {
                None => {
                    self.ask_to_stop();
                }
                Some(mark) if mark > self.now() => self.move_clock(mark - self.now()),
                Some(_) => {}
            }
            self.settle()?;
        }
        while let Some(at) = self.runs.iter().position(|run| run.running().is_some()) {
            self.return_from(at);
            self.end_step(Kind::Return)?;
            self.settle()?;
        }
        self.settle()?;
        let abandoned = self.pool.counts_played().abandoned.load(Ordering::Relaxed);
        ensure(self.runs.is_empty() && abandoned == 0, Rule::Stops, || {
            format!("{} threads are left, and {abandoned} count as left behind", self.runs.len())
        })?;
        let rejected = self.pool.counts_played().rejected.load(Ordering::Relaxed);
        ensure(rejected == self.count.rejected && self.callers.is_empty(), Rule::OneOutcome, || {
            format!("{rejected} rejections were counted, and there were {}", self.count.rejected)
        })?;
        self.dismiss_readers()
    }
}
