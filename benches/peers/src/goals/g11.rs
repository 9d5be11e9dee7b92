//! G11: a hot call by name, with an argument and a reply of the program's own types, of 48 bytes each, allocates nothing;
//! and a call that waits in a queue holds at most 256 bytes.
//!
//! Allocations are those of the whole process, the pool's own threads included. No round may have any: the figure is
//! the most of all rounds, and it is asserted.
//!
//! What a queued call holds is what 10,000 calls that wait behind one, on one worker, have added to the heap since
//! before the pool was built, divided by their number. So memory that a pool has set aside for them beforehand counts
//! as much as what they ask for themselves, and the pool's own few kilobytes count too; the `Pending`s that the caller
//! keeps in a list of its own do not, but what they point to does.

use std::collections::VecDeque;

use anyhow::{Context as _, ensure};
use crossbeam_channel::{Sender, bounded};
use serde::{Deserialize, Serialize};
use wpc::{Pending, Wpc};

use crate::contender::WINDOW;
use crate::goal::{Goal, Limit, Row, Settings};
use crate::ours::{FUNCTION, start, stop};
use crate::round::Spread;

use super::support::heap::Counting;

pub(crate) const GOAL: Goal =
    Goal { name: "G11", what: "memory: hot calls of 48 bytes, queued calls", measure };

const WARM_UP: u64 = 2_000;
const CALLS: u64 = 10_000;

/// Calls that wait behind one: as many as one worker's queue takes by default.
const QUEUED: u64 = 10_000;

/// Bytes that a queued call may hold.
const HELD_MAX: f64 = 256.0;

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Question([u64; 6]);

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answer([u64; 6]);

const _: () = assert!(size_of::<Question>() == 48 && size_of::<Answer>() == 48);

impl Question {
    fn of(n: u64) -> Self {
        Self([n, 1, 2, 3, 4, 5])
    }

    fn answer(self) -> Answer {
        Answer(self.0.map(|n| n + 1))
    }
}

fn measure(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let calls = settings.pick(CALLS, 500);
    let mut rows = Vec::new();
    for (mode, load) in [("blocking", blocking as Load), ("window 64", windowed)] {
        for workers in [1, 2] {
            let counts = (0..settings.rounds).map(|_| allocations(workers, load, calls));
            let most = counts.collect::<anyhow::Result<Vec<_>>>()?.into_iter().fold(0.0, f64::max);
            rows.push(Row {
                what: format!("{calls} hot calls, {mode}, workers: {workers}: the most"),
                measured: Spread::of(&[most]),
                unit: "allocations",
                limit: Limit::AtMost(0.0),
            });
        }
    }
    let held = (0..settings.rounds).map(|_| held(settings.pick(QUEUED, 500)));
    rows.push(Row {
        what: "10,000 queued calls: held for each".into(),
        measured: Spread::of(&held.collect::<anyhow::Result<Vec<_>>>()?),
        unit: "bytes",
        limit: Limit::AtMost(HELD_MAX),
    });
    Ok(rows)
}

type Load = fn(&mut Client, u64) -> anyhow::Result<()>;

/// Who calls. Its list is there before anything is counted.
struct Client {
    wpc: Wpc,
    in_flight: VecDeque<(u64, Pending<Answer>)>,
}

/// Of so many calls, after a warm-up of their own kind.
fn allocations(workers: usize, load: Load, calls: u64) -> anyhow::Result<f64> {
    let wpc = start(workers, Question::answer)?;
    let mut client = Client { wpc: wpc.clone(), in_flight: VecDeque::with_capacity(WINDOW) };
    load(&mut client, WARM_UP)?;
    let counting = Counting::begin();
    load(&mut client, calls)?;
    let count = counting.so_far();
    drop(counting);
    stop(&wpc)?;
    Ok(f64::from(u32::try_from(count.allocations)?))
}

fn blocking(client: &mut Client, calls: u64) -> anyhow::Result<()> {
    (0..calls).try_for_each(|n| check(n, client.wpc.call(FUNCTION, Question::of(n))?))
}

fn windowed(client: &mut Client, calls: u64) -> anyhow::Result<()> {
    for n in 0..calls {
        if client.in_flight.len() == WINDOW {
            settle_oldest(client)?;
        }
        client.in_flight.push_back((n, client.wpc.submit(FUNCTION, Question::of(n))?));
    }
    while !client.in_flight.is_empty() {
        settle_oldest(client)?;
    }
    Ok(())
}

fn settle_oldest(client: &mut Client) -> anyhow::Result<()> {
    let (n, pending) = client.in_flight.pop_front().context("something is in flight")?;
    check(n, pending.wait()?)
}

/// Bytes for each of so many calls that wait on one worker.
fn held(calls: u64) -> anyhow::Result<f64> {
    let mut queued = Vec::with_capacity(usize::try_from(calls)?);
    let counting = Counting::begin();
    let wpc = start(1, Question::answer)?;
    let (holding, gate) = hold(&wpc)?;
    for n in 0..calls {
        queued.push(wpc.submit::<Answer>(FUNCTION, Question::of(n))?);
    }
    let count = counting.so_far();
    drop(counting);
    drop(gate);
    holding.wait()?;
    for (n, pending) in (0..).zip(queued) {
        check(n, pending.wait()?)?;
    }
    stop(&wpc)?;
    Ok(f64::from(u32::try_from(count.bytes)?) / f64::from(u32::try_from(calls)?))
}

/// Has the one worker run a call that ends only when the gate is dropped; it is inside that when this returns.
fn hold(wpc: &Wpc) -> anyhow::Result<(Pending<()>, Sender<()>)> {
    let (gate, opened) = bounded::<()>(0);
    let (entry, entered) = bounded(1);
    wpc.define_function("hold", move |(): ()| {
        // Either may be gone: who waits has given up then.
        let _ = entry.send(());
        let _ = opened.recv();
    })?;
    let pending = wpc.submit("hold", ())?;
    entered.recv()?;
    Ok((pending, gate))
}

fn check(n: u64, answer: Answer) -> anyhow::Result<()> {
    ensure!(answer == Question::of(n).answer(), "{n} was answered with {answer:?}");
    Ok(())
}
