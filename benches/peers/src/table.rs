//! The table of all contenders: the null call, one at a time and with a window in flight, by number of workers.

use std::time::Duration;

use anyhow::Context as _;

use crate::contender::{Budget, Service};
use crate::drive;
use crate::figure::Figure;
use crate::goal::{Settings, short};
use crate::limits::{none::NoThread, park::Park, spin::Spin};
use crate::ours::{ByHandle, ByName};
use crate::peers::{channels, flume, kameo, kanal, ractor, rayon, rusty_pool, tarpc, threadpool, tokio};
use crate::round::{Turn, alternate};

const BLOCKING: Budget = Budget { warm_up: 2_000, calls: 100_000, time: Duration::from_millis(300) };
const PIPELINED: Budget = Budget { warm_up: 2_000, calls: usize::MAX, time: Duration::from_millis(300) };

const BLOCKING_WORKERS: [usize; 2] = [1, 2];
const PIPELINED_WORKERS: [usize; 3] = [1, 2, 4];

/// One contender and where it is measured.
struct Entry {
    name: &'static str,
    /// In microseconds.
    p50: fn(usize, Budget) -> anyhow::Result<f64>,
    /// Whether it has but one thread, and no queue for a window of calls.
    is_limit: bool,
    /// In calls a second.
    rate: fn(usize, Budget) -> anyhow::Result<f64>,
}

impl Entry {
    const fn pool<S: Service<u64, u64>>(name: &'static str) -> Self {
        Self { name, p50: drive::p50::<S>, is_limit: false, rate: drive::pipelined::<S> }
    }

    const fn limit<S: Service<u64, u64>>(name: &'static str) -> Self {
        Self { name, p50: drive::p50::<S>, is_limit: true, rate: drive::pipelined::<S> }
    }

    fn blocking_workers(&self) -> &'static [usize] {
        if self.is_limit { &[1] } else { &BLOCKING_WORKERS }
    }

    fn pipelined_workers(&self) -> &'static [usize] {
        if self.is_limit { &[] } else { &PIPELINED_WORKERS }
    }
}

const ENTRIES: [Entry; 19] = [
    Entry::limit::<NoThread>("no thread: look-up and call"),
    Entry::limit::<Spin>("spin hand-over"),
    Entry::limit::<Park>("park and unpark"),
    Entry::pool::<ByHandle>("wpc, by handle"),
    Entry::pool::<ByName>("wpc, by name"),
    Entry::pool::<channels::PerCall<u64, u64>>("crossbeam-channel, a reply channel per call"),
    Entry::pool::<channels::Reused<u64, u64>>("crossbeam-channel, one reply channel"),
    Entry::pool::<kanal::PerCall<u64, u64>>("kanal, a reply channel per call"),
    Entry::pool::<kanal::Reused<u64, u64>>("kanal, one reply channel"),
    Entry::pool::<flume::PerCall<u64, u64>>("flume, a reply channel per call"),
    Entry::pool::<flume::Reused<u64, u64>>("flume, one reply channel"),
    Entry::pool::<rayon::Rayon<u64, u64>>("rayon, spawn and a oneshot"),
    Entry::pool::<threadpool::Threadpool<u64, u64>>("threadpool, execute and a oneshot"),
    Entry::pool::<rusty_pool::RustyPool<u64, u64>>("rusty_pool, evaluate"),
    Entry::pool::<tokio::Tokio<tokio::OnBlockingPool, u64, u64>>("tokio, spawn_blocking"),
    Entry::pool::<tokio::Tokio<tokio::AsTask, u64, u64>>("tokio, spawn"),
    Entry::pool::<kameo::Kameo>("kameo, ask"),
    Entry::pool::<ractor::Ractor>("ractor, call"),
    Entry::pool::<tarpc::Tarpc>("tarpc in memory"),
];

/// What the table and the plots call the two kinds of figures.
const P50: &str = "p50 us";
const RATE: &str = "calls/s, 64 in flight";

/// Every contender's figures, in the order of the rows and from left to right.
pub(crate) fn measure(settings: &Settings) -> anyhow::Result<Vec<Figure>> {
    let mut figures = vec![];
    for workers in PIPELINED_WORKERS {
        let budget = settings.budget(BLOCKING);
        let calls = |entry: &&Entry| entry.blocking_workers().contains(&workers);
        figures.extend(block(settings, P50, workers, calls, |entry| (entry.p50)(workers, budget))?);
        let budget = settings.budget(PIPELINED);
        let calls = |entry: &&Entry| entry.pipelined_workers().contains(&workers);
        figures.extend(block(settings, RATE, workers, calls, |entry| (entry.rate)(workers, budget))?);
    }
    Ok(figures)
}

/// All contenders that are measured with so many workers, in turn.
fn block(
    settings: &Settings,
    what: &'static str,
    workers: usize,
    is_in: impl Fn(&&Entry) -> bool,
    measure: impl Fn(&Entry) -> anyhow::Result<f64> + Copy,
) -> anyhow::Result<Vec<Figure>> {
    let entries: Vec<&Entry> = ENTRIES.iter().filter(is_in).collect();
    let turn = |entry: &&'static Entry| {
        let entry = *entry;
        let named =
            move || measure(entry).with_context(|| format!("{}, {what}, workers: {workers}", entry.name));
        Box::new(named) as Turn<'_, f64>
    };
    let rounds = alternate(settings.rounds, &mut entries.iter().map(turn).collect::<Vec<_>>())?;
    let figure =
        |(entry, rounds): (&&Entry, _)| Figure { contender: entry.name, what, workers, bytes: 8, rounds };
    Ok(entries.iter().zip(rounds).map(figure).collect())
}

/// The medians over the rounds, as Markdown.
pub(crate) fn print(figures: &[Figure]) {
    println!(
        "| null call u64 -> u64 | p50, us, 1 worker | 2 workers | 64 in flight, M calls/s, 1 worker | 2 workers | 4 workers |"
    );
    println!("|---|---|---|---|---|---|");
    for entry in &ENTRIES {
        let cell = |what, workers, unit: f64| {
            let is_it = |f: &&Figure| f.contender == entry.name && f.what == what && f.workers == workers;
            figures.iter().find(is_it).map_or_else(String::new, |figure| short(figure.spread().median / unit))
        };
        let p50 = BLOCKING_WORKERS.map(|workers| cell(P50, workers, 1.0)).join(" | ");
        let rate = PIPELINED_WORKERS.map(|workers| cell(RATE, workers, 1e6)).join(" | ");
        println!("| {} | {p50} | {rate} |", entry.name);
    }
}
