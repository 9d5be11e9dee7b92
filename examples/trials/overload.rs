//! A hundred times more calls than the workers can run: what they get done, what that costs, and who is told no.
//!
//! The work of the function is time, not processor: it waits for a millisecond, as for a disk. So the workers' pace is
//! the same on every machine, and those who submit have the processors to themselves. First callers that wait for each
//! call show the pace that there is (the peak). Then submitters that never wait offer a hundred times as much by the
//! clock. Nearly all of that is rejected; what gets done must be nine tenths of the peak, memory must stay within what
//! the limits allow, and the callers' rejections must be those that the pool has counted. Every accepted call is waited
//! for by a collector.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use wpc::{CallError, Pending, RejectReason, Wpc};

use crate::arguments::Plan;
use crate::process;
use crate::random::Random;
use crate::rest::{now, rest};
use crate::watchdog::Watchdog;

const WORKERS: usize = 4;
const PENDING_CALLS_MAX: u32 = 64;

/// Callers that wait for each call: enough to keep every worker busy, and few enough that nobody is rejected.
const CALLERS: usize = 2 * WORKERS;
const SUBMITTERS: u64 = 2;

/// What the function waits for, and what each of its arguments weighs.
const WORK: Duration = Duration::from_millis(1);
const PAYLOAD_BYTES: usize = 4 << 10;

/// How much is offered of what the workers can do; the machine must keep up with at least this part of it.
const FACTOR: u64 = 100;
const FACTOR_MIN: u64 = 50;

/// The calls of one burst at the most, and the time between two of them.
const BURST_MAX: u64 = 1_000;
const PAUSE: Duration = Duration::from_micros(500);

/// What must get done of a thousand calls that the peak is worth.
const GOODPUT_MIN: u64 = 900;

/// Bytes that a call holds besides its argument: its cell, its place in a queue, its place at the collector.
const CALL_BYTES: u64 = 1 << 10;
/// Bytes that may be in use besides: new threads' stacks, and what the allocator keeps for each of them.
const SLACK_BYTES: u64 = 8 << 20;

/// What was offered, and what came of it as the callers know it.
#[derive(Default)]
struct Offered {
    submitted: AtomicU64,
    accepted: AtomicU64,
    rejected: AtomicU64,
    /// Accepted calls that ended in their own value, and otherwise.
    values: AtomicU64,
    others: AtomicU64,
    /// Something was told that cannot be.
    wrong: AtomicU64,
    over: AtomicBool,
}

type Accepted = (u64, Pending<u64>);

/// Runs the trial; see the module.
pub(crate) fn run(plan: &Plan, watchdog: &Watchdog) -> anyhow::Result<String> {
    let wpc = Wpc::builder()
        .call_timeout(Duration::from_secs(10))
        .max_pending_calls_per_worker(PENDING_CALLS_MAX)
        .build()?;
    let work = |payload: Vec<u8>, call: u64| -> u64 {
        rest(WORK);
        call + u64::from(payload[0])
    };
    wpc.define_function("work", work)?;
    wpc.start_workers(WORKERS)?;
    let whole = Duration::from_secs(plan.amount);
    let peak = peak(&wpc, whole / 4, watchdog)?;
    let resident = process::resident_bytes();
    let offered = Offered::default();
    let before = wpc.stats();
    let (goodput, resident_max, took) =
        overload(&wpc, &offered, (plan.seed, peak * FACTOR), (whole, watchdog))?;
    let stats = wpc.stats();
    wpc.stop_workers()?;

    let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    let (factor, done) = (rate(read(&offered.submitted), took) / peak, 1_000 * goodput / peak);
    let growth = resident.zip(resident_max).map(|(before, max)| max.saturating_sub(before));
    let figures = format!(
        "peak {peak}/s, {factor} times that offered for {:.1} s, goodput {goodput}/s = {}.{} % of the peak; memory grew \
         by {} KiB of {} allowed; {} rejected, as counted; {} accepted and ended, 0 lost",
        took.as_secs_f64(),
        done / 10,
        done % 10,
        growth.map_or_else(|| "unknown".to_owned(), |growth| (growth >> 10).to_string()),
        bound() >> 10,
        read(&offered.rejected),
        read(&offered.accepted),
    );
    ensure!(factor >= FACTOR_MIN, "the submitters only reached {factor} times the peak: {figures}");
    ensure!(read(&offered.wrong) == 0, "{} outcomes cannot be: {figures}", read(&offered.wrong));
    let rejected = stats.rejected - before.rejected;
    ensure!(rejected == read(&offered.rejected), "the pool has counted {rejected} rejections: {figures}");
    let accepted = stats.calls.accepted - before.calls.accepted;
    let ended = read(&offered.values) + read(&offered.others);
    ensure!(
        accepted == read(&offered.accepted)
            && ended == accepted
            && stats.calls.ended() == stats.calls.accepted,
        "{accepted} were accepted and {ended} have ended, the pool has {stats:?}: {figures}"
    );
    ensure!(read(&offered.others) == 0, "{} calls ended without a value: {figures}", read(&offered.others));
    ensure!(growth.is_none_or(|growth| growth <= bound()), "memory grew beyond its bound: {figures}");
    ensure!(done >= GOODPUT_MIN, "too little got done: {figures}");
    Ok(figures)
}

/// What memory may grow by: every place of every queue taken twice, once by a call and once by what is left of one
/// (a shell), what runs, and the slack.
fn bound() -> u64 {
    let places = WORKERS as u64 * (2 * u64::from(PENDING_CALLS_MAX) + 1);
    places * (PAYLOAD_BYTES as u64 + CALL_BYTES) + SLACK_BYTES
}

/// So many in so long, as so many a second.
fn rate(count: u64, time: Duration) -> u64 {
    let rate = u128::from(count) * 1_000_000 / time.as_micros().max(1);
    u64::try_from(rate).expect("no machine is that fast")
}

/// How many are due after so long, at so many a second.
fn due(rate: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(rate) * time.as_micros() / 1_000_000).expect("no trial is that long")
}

/// Calls a second that get done when callers wait for each of them.
fn peak(wpc: &Wpc, whole: Duration, watchdog: &Watchdog) -> anyhow::Result<u64> {
    let (begin, done) = (now(), AtomicU64::new(0));
    let ended: Vec<anyhow::Result<()>> = std::thread::scope(|scope| {
        let call = || {
            while now() - begin < whole {
                let one: u64 = wpc.call("work", (vec![0_u8; PAYLOAD_BYTES], 1_u64))?;
                ensure!(one == 1, "a reply of another call");
                done.fetch_add(1, Ordering::SeqCst);
                watchdog.progress();
            }
            Ok(())
        };
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(call)).collect();
        callers.into_iter().map(|caller| caller.join().expect("a caller does not panic")).collect()
    });
    ended.into_iter().collect::<anyhow::Result<()>>().context("below saturation")?;
    Ok(rate(done.load(Ordering::SeqCst), now() - begin).max(1))
}

/// Offers so many calls a second; the calls a second that get done meanwhile, the most memory that was in use, and how
/// long it took.
fn overload(
    wpc: &Wpc,
    offered: &Offered,
    (seed, pace): (u64, u64),
    (whole, watchdog): (Duration, &Watchdog),
) -> anyhow::Result<(u64, Option<u64>, Duration)> {
    let (begin, before) = (now(), wpc.stats().calls.values);
    // What is accepted and has not been collected cannot be more than there are places, and what is just being told.
    let (tell, told) = sync_channel(4 * WORKERS * PENDING_CALLS_MAX as usize);
    std::thread::scope(|scope| {
        for number in 0..SUBMITTERS {
            let random = Random::new(seed.wrapping_add(number));
            let (tell, pace) = (tell.clone(), pace / SUBMITTERS);
            scope.spawn(move || submit(wpc, offered, random, (begin, pace, &tell)));
        }
        drop(tell);
        scope.spawn(move || collect(offered, told, watchdog));
        let mut resident_max = process::resident_bytes();
        while now() - begin < whole {
            rest(Duration::from_millis(10));
            resident_max = resident_max.max(process::resident_bytes());
        }
        let (values, took) = (wpc.stats().calls.values - before, now() - begin);
        offered.over.store(true, Ordering::SeqCst);
        Ok((rate(values, took), resident_max, took))
    })
}

/// Submits what is due by the clock, and waits for none of it.
fn submit(
    wpc: &Wpc,
    offered: &Offered,
    mut random: Random,
    (begin, pace, tell): (Instant, u64, &SyncSender<Accepted>),
) {
    let mut made = 0_u64;
    while !offered.over.load(Ordering::SeqCst) {
        // However far behind, it looks now and then whether all is over.
        let due = due(pace, now() - begin).min(made + BURST_MAX);
        for _ in made..due {
            let call = random.next() >> 8;
            offered.submitted.fetch_add(1, Ordering::SeqCst);
            match wpc.submit("work", (vec![0_u8; PAYLOAD_BYTES], call)) {
                Ok(pending) => {
                    offered.accepted.fetch_add(1, Ordering::SeqCst);
                    let is_told = tell.send((call, pending)).is_ok();
                    offered.wrong.fetch_add(u64::from(!is_told), Ordering::SeqCst);
                }
                Err(CallError::Rejected(no)) if matches!(no.reason(), RejectReason::Saturated { .. }) => {
                    offered.rejected.fetch_add(1, Ordering::SeqCst);
                    let back = no.into_arguments::<(Vec<u8>, u64)>();
                    let is_own =
                        back.is_ok_and(|(payload, own)| own == call && payload.len() == PAYLOAD_BYTES);
                    offered.wrong.fetch_add(u64::from(!is_own), Ordering::SeqCst);
                }
                Err(_) => {
                    offered.wrong.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
        made = due;
        rest(PAUSE);
    }
}

/// Waits for every accepted call, in the order of their coming.
fn collect(offered: &Offered, told: Receiver<Accepted>, watchdog: &Watchdog) {
    for (call, pending) in told {
        let counter = match pending.wait() {
            Ok(value) if value == call => &offered.values,
            Ok(_) => &offered.wrong,
            Err(_) => &offered.others,
        };
        counter.fetch_add(1, Ordering::SeqCst);
        watchdog.progress();
    }
}
