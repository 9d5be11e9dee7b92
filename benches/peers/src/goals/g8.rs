//! G8: a `Vec<u8>` of 1 MiB and of 16 MiB, sent to its length and echoed, by one blocking caller to 2 workers.
//!
//! No byte of it may be copied: the function sees the vector where the caller made it, and the caller gets it back
//! from where it was. That is checked with every call, by address. What a call takes is then the same for any size, but
//! that a vector which goes to its length is dropped on the worker, inside the call, with every contender.
//!
//! A round has several turns of each contender, and the one with the least p50 counts: a wake-up from one core to another,
//! which other goals are about, takes longer than all that is looked at here.
//!
//! Vectors that are dropped are made and written in batches, between the calls that are timed.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anyhow::ensure;

use crate::contender::{Caller, Service};
use crate::drive::now;
use crate::goal::{Goal, Limit, Row, Settings};
use crate::ours::ByName;
use crate::peers::channels::{PerCall, Reused};
use crate::round::{Times, Turn, alternate};

use super::support::parts::{faster_by_time, least_ratios_of_rounds};

pub(crate) const GOAL: Goal = Goal { name: "G8", what: "vectors of 1 MiB and 16 MiB, 2 workers", measure };

const WORKERS: usize = 2;
const MIB: usize = 1 << 20;

/// What a batch of vectors holds in all.
const BATCH_BYTES: usize = 64 * MIB;
const BATCHES: usize = 2;

/// Calls of a turn that echo one vector, after a tenth of it.
const ECHOES: usize = 1_000;

/// Turns of each contender in a round.
const PARTS: usize = 9;

/// Where the function `length` saw its vector.
static SEEN: AtomicUsize = AtomicUsize::new(0);

fn measure(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for mib in [1, 16] {
        let size =
            Size { bytes: mib * MIB, batches: settings.pick(BATCHES, 1), echoes: settings.pick(ECHOES, 100) };
        let lengths: &mut [Turn<'_, f64>] = &mut [
            Box::new(|| size.to_length::<ByName>()),
            Box::new(|| size.to_length::<PerCall<Vec<u8>, usize>>()),
            Box::new(|| size.to_length::<Reused<Vec<u8>, usize>>()),
        ];
        rows.push(row(&format!("{mib} MiB to its length: p50 / crossbeam"), settings, lengths)?);
        let echoes: &mut [Turn<'_, f64>] = &mut [
            Box::new(|| size.echoed::<ByName>()),
            Box::new(|| size.echoed::<PerCall<Vec<u8>, Vec<u8>>>()),
            Box::new(|| size.echoed::<Reused<Vec<u8>, Vec<u8>>>()),
        ];
        rows.push(row(&format!("{mib} MiB echoed: p50 / crossbeam"), settings, echoes)?);
    }
    Ok(rows)
}

fn row(what: &str, settings: &Settings, turns: &mut [Turn<'_, f64>]) -> anyhow::Result<Row> {
    let parts = settings.pick(PARTS, 1);
    let p50s = alternate(settings.rounds * parts, turns)?;
    let crossbeam = faster_by_time(&p50s[1], &p50s[2]).of(&p50s[1], &p50s[2]);
    Ok(Row::ratio(what, &least_ratios_of_rounds(parts, &p50s[0], crossbeam), Limit::AtMost(1.1)))
}

#[expect(clippy::needless_pass_by_value, reason = "the vector itself is sent")]
fn length(bytes: Vec<u8>) -> usize {
    SEEN.store(bytes.as_ptr().addr(), Relaxed);
    bytes.len()
}

fn echo(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

/// The vectors of a turn.
struct Size {
    bytes: usize,
    batches: usize,
    echoes: usize,
}

impl Size {
    fn vector(&self) -> Vec<u8> {
        vec![1; self.bytes]
    }

    /// The median time, in microseconds.
    fn to_length<S: Service<Vec<u8>, usize>>(&self) -> anyhow::Result<f64> {
        let service = S::start(WORKERS, length)?;
        let times = {
            let mut caller = service.caller()?;
            self.batch(&mut caller)?;
            let batches = (0..self.batches).map(|_| self.batch(&mut caller));
            Times::join(batches.collect::<anyhow::Result<_>>()?)
        };
        service.stop()?;
        Ok(times.p50())
    }

    fn batch(&self, caller: &mut impl Caller<Vec<u8>, usize>) -> anyhow::Result<Times> {
        let vectors: Vec<Vec<u8>> = (0..BATCH_BYTES / self.bytes).map(|_| self.vector()).collect();
        let mut nanos = Vec::with_capacity(vectors.len());
        for vector in vectors {
            let place = vector.as_ptr().addr();
            let (time, length) = timed(|| caller.call(vector))?;
            ensure!(length == self.bytes, "{} bytes were counted as {length}", self.bytes);
            ensure!(SEEN.load(Relaxed) == place, "the bytes were copied on their way to the function");
            nanos.push(time);
        }
        Ok(Times::new(nanos))
    }

    /// The median time, in microseconds.
    fn echoed<S: Service<Vec<u8>, Vec<u8>>>(&self) -> anyhow::Result<f64> {
        let service = S::start(WORKERS, echo)?;
        let times = {
            let mut caller = service.caller()?;
            self.echoes(&mut caller, self.echoes / 10)?;
            self.echoes(&mut caller, self.echoes)?
        };
        service.stop()?;
        Ok(times.p50())
    }

    fn echoes(&self, caller: &mut impl Caller<Vec<u8>, Vec<u8>>, calls: usize) -> anyhow::Result<Times> {
        let mut vector = self.vector();
        let place = vector.as_ptr();
        let mut nanos = Vec::with_capacity(calls);
        for _ in 0..calls {
            let (time, echo) = timed(|| caller.call(vector))?;
            ensure!(echo.len() == self.bytes, "{} bytes came back as {}", self.bytes, echo.len());
            ensure!(echo.as_ptr() == place, "the bytes were copied on their way");
            nanos.push(time);
            vector = echo;
        }
        Ok(Times::new(nanos))
    }
}

/// What it took in nanoseconds, and what came out.
fn timed<T>(call: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(u64, T)> {
    let start = now();
    let reply = call();
    let time: Duration = now() - start;
    Ok((u64::try_from(time.as_nanos())?, reply?))
}
