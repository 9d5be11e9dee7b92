//! Stops at random instants, some of them while functions are stuck.
//!
//! In each round two callers load a pool of one to four workers; it is stopped after a moment drawn from the seed, by one
//! thread or by two at once. In every second round or so some functions wait on a latch that is released only after the
//! stop. Then the stop has come in time, its report and the pool's counters agree with the callers' ledger, nothing is
//! in flight or accepted any more, and once the latch is released every thread is gone. A pool goes through many rounds
//! before a new one is made.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use wpc::{CallError, RejectReason, Stats, StopReport, Wpc};

use crate::arguments::Plan;
use crate::latch::Latch;
use crate::ledger::{Counts, Ledger};
use crate::load::{Caller, Current, Stage, WORK, define};
use crate::percentiles::Percentiles;
use crate::process;
use crate::random::Random;
use crate::rest::{now, rest, until};
use crate::watchdog::Watchdog;

const STOP_TIMEOUT: Duration = Duration::from_millis(30);
const OVERRUN_GRACE: Duration = Duration::from_millis(10);

/// Far beyond every round: only stops and the callers' own limits end calls.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// The load goes on for less than this before the stop.
const LOAD_MAX: Duration = Duration::from_millis(12);

/// How long the threads may take to end once nothing holds them.
const RETURN_LIMIT: Duration = Duration::from_secs(10);

const CALLERS: usize = 2;
const WORKERS_MAX: usize = 4;
const PENDING_CALLS_MAX: u32 = 16;

/// Rounds that one pool goes through.
const ROUNDS_OF_A_POOL: u64 = 64;

/// What a stop may be late at the most, always, and 999 of 1,000 on a quiet machine.
const LATENESS_MAX: Duration = Duration::from_secs(1);
const LATENESS_USUAL: Duration = Duration::from_millis(50);

/// Of so many stops some have calls that complete, and workers that are abandoned, before the eyes of the callers.
const TELLING_STOPS: u64 = 50;

/// What was seen over all rounds.
#[derive(Default)]
struct Seen {
    /// By how much the stops that had to abandon somebody passed their time.
    lateness: Vec<Duration>,
    /// By how much any stop did.
    lateness_max: Duration,
    ended: u64,
    cancelled: u64,
    /// Calls that the stops say were completed, and of these those whose callers saw it.
    completed: (u64, u64),
    /// Workers that the stops say were abandoned, and of these those whose functions were seen in them.
    abandoned: (u64, u64),
}

/// Runs the trial; see the module.
pub(crate) fn run(plan: &Plan, watchdog: &Watchdog) -> anyhow::Result<String> {
    let mut random = Random::new(plan.seed);
    let (mut seen, mut house) = (Seen::default(), None::<House>);
    let threads = process::threads();
    let begin = now();
    for round in 0..plan.amount {
        let context = || format!("round {round} of {}", plan.amount);
        if round % ROUNDS_OF_A_POOL == 0 {
            house = Some(House::build().with_context(context)?);
        }
        let house = house.as_ref().expect("the first round builds it");
        house.round(round, &mut random, &mut seen).with_context(context)?;
        if let Some(threads) = threads {
            let are_back = || process::threads().is_some_and(|now| now <= threads);
            until("the threads are as many as before", RETURN_LIMIT, are_back).with_context(context)?;
        }
        watchdog.progress();
    }
    drop(house);
    let Seen { lateness, lateness_max, ended, cancelled, completed, abandoned } = seen;
    let lateness = Percentiles::of(lateness);
    let figures = format!(
        "{} stops in {:.1} s, {} of them at the end of their time; lateness of these: {lateness}; {ended} calls ended \
         once each, {cancelled} of them cancelled; {} completed during a stop, {} of them as their callers saw; {} workers abandoned by \
         a stop, {} of them as their functions saw; 0 in flight after each, threads {}",
        plan.amount,
        (now() - begin).as_secs_f64(),
        lateness.len(),
        completed.0,
        completed.1,
        abandoned.0,
        abandoned.1,
        threads.map_or_else(
            || "NOT CHECKED: there is no /proc to count them".to_owned(),
            |threads| format!("back to {threads}")
        ),
    );
    if plan.amount >= TELLING_STOPS {
        ensure!(
            completed.1 > 0 && abandoned.1 > 0,
            "the callers have seen nothing of what stops report: {figures}"
        );
    }
    ensure!(
        lateness_max <= LATENESS_MAX,
        "a stop was {lateness_max:?} late, more than {LATENESS_MAX:?}: {figures}"
    );
    if plan.published {
        let usual = lateness.per_mille(999);
        ensure!(usual <= LATENESS_USUAL, "p99.9 is {usual:?}, more than {LATENESS_USUAL:?}: {figures}");
    }
    Ok(figures)
}

/// A stop that has been carried out.
struct Stopped {
    report: StopReport,
    took: Duration,
    /// The pool's counters just before and just after it.
    before: Stats,
    after: Stats,
}

/// A pool with the ledger of its callers.
struct House {
    wpc: Wpc,
    ledger: Arc<Ledger>,
    latch: Latch,
    current: Current,
}

impl House {
    fn build() -> anyhow::Result<Self> {
        let wpc = Wpc::builder()
            .call_timeout(CALL_TIMEOUT)
            .stop_timeout(STOP_TIMEOUT)
            .overrun_grace(OVERRUN_GRACE)
            .max_pending_calls_per_worker(PENDING_CALLS_MAX)
            .build()?;
        let (ledger, latch) = (Arc::<Ledger>::default(), Latch::default());
        let current = Arc::new(Mutex::new(Stage::new(0, 0, &ledger, &latch)));
        define(&wpc, &current)?;
        Ok(Self { wpc, ledger, latch, current })
    }

    fn round(&self, round: u64, random: &mut Random, seen: &mut Seen) -> anyhow::Result<()> {
        let stage = Stage::new(round, CALLERS, &self.ledger, &self.latch);
        *self.current.lock().expect("nobody panics under it") = Arc::clone(&stage);
        let (has_stuck, by_two) = (random.once_in(2), random.once_in(8));
        let load = if random.once_in(8) { Duration::ZERO } else { random.time_below(LOAD_MAX) };
        let booked = self.ledger.counts();
        self.wpc.start_workers(1 + random.index(WORKERS_MAX))?;
        let stopped = std::thread::scope(|scope| {
            for number in 0..CALLERS {
                let caller = Caller { number, has_stuck, random: Random::new(random.next()) };
                let (wpc, stage) = (&self.wpc, &stage);
                scope.spawn(move || caller.load(wpc, stage));
            }
            rest(load);
            let stopped = self.stop(by_two);
            // Callers leave a round only when all of their calls have ended.
            let unhurried = stage.unhurried.load(Ordering::SeqCst);
            self.probe().and(stopped).map(|stopped| (stopped, unhurried))
        });
        self.latch.release(round);
        let (stopped, unhurried) = stopped?;
        until("every abandoned thread has ended", RETURN_LIMIT, || {
            self.wpc.stats().abandoned_threads == 0 && self.latch.inside() == 0
        })?;
        stage.fates.check()?;
        self.ledger.compare(&self.wpc.stats())?;
        let round = self.ledger.counts().since(booked);
        let witnessed = Witnessed {
            booked,
            round,
            nested_stuck: stage.nested_stuck.load(Ordering::SeqCst),
            outlived: stage.outlived.load(Ordering::SeqCst),
            unhurried,
        };
        compare(&stopped, &witnessed)?;
        seen.note(&stopped, &witnessed);
        Ok(())
    }

    /// Stops the pool, by two threads at once if so asked.
    fn stop(&self, by_two: bool) -> anyhow::Result<Stopped> {
        let before = self.wpc.stats();
        let begin = now();
        let (report, other) = std::thread::scope(|scope| {
            let other = by_two.then(|| scope.spawn(|| self.wpc.stop_workers()));
            let report = self.wpc.stop_workers();
            (report, other.map(|other| other.join().expect("a stop does not panic")))
        });
        let took = now() - begin;
        let mut report = report?;
        if let Some(other) = other.transpose()? {
            // Who comes when the other has done it all finds nothing to do.
            let nothing = StopReport::default();
            ensure!(
                report == other || report == nothing || other == nothing,
                "two stops at once reported {report:?} and {other:?}"
            );
            if report == nothing {
                report = other;
            }
        }
        let after = self.wpc.stats();
        ensure!(after.in_flight == 0, "the stop left {} calls in flight", after.in_flight);
        Ok(Stopped { report, took, before, after })
    }

    /// Nothing is accepted after a stop.
    fn probe(&self) -> anyhow::Result<()> {
        let refused = self.wpc.call::<usize>(WORK, (0_usize, 0_u8));
        self.ledger.count_rejected();
        match refused {
            Err(CallError::Rejected(rejected)) if *rejected.reason() == RejectReason::NotRunning => Ok(()),
            other => anyhow::bail!("after the stop a call ended in {other:?}"),
        }
    }
}

/// What callers and functions know of a round.
struct Witnessed {
    /// What had been booked before it.
    booked: Counts,
    round: Counts,
    nested_stuck: u64,
    /// Calls that ended by themselves after the stop had begun.
    outlived: u64,
    /// Functions that were held when the stop had returned, and that nothing but it can have left behind.
    unhurried: u64,
}

/// Holds the report against what the callers have booked in this round, and the pool's counters around the stop.
fn compare(stopped: &Stopped, witnessed: &Witnessed) -> anyhow::Result<()> {
    let Stopped { report, before, after, .. } = stopped;
    let Witnessed { booked, round, nested_stuck, outlived, unhurried } = *witnessed;
    ensure!(
        (report.cancelled_queued, report.cancelled_running)
            == (round.cancelled_queued, round.cancelled_running),
        "the stop cancelled {report:?}, the callers have {round:?}"
    );
    // What is stuck inside another call has ended only after the stop.
    let by_themselves = booked.uncancelled() + round.uncancelled() - nested_stuck;
    let already = before.calls.ended() - before.calls.cancelled;
    let most = by_themselves - already.min(by_themselves);
    ensure!(
        (outlived..=most).contains(&report.completed),
        "the stop says that {} completed, and it is {outlived} to {most}: {report:?}, {round:?}, {nested_stuck} nested and \
         stuck",
        report.completed,
    );
    let abandoned = after.abandoned_threads_ever - before.abandoned_threads_ever;
    let named: HashSet<_> = report.abandoned.iter().collect();
    ensure!(
        named.len() == report.abandoned.len() && (unhurried..=abandoned).contains(&(named.len() as u64)),
        "the stop names {:?} as abandoned, the pool has counted {abandoned}, and {unhurried} functions know of it",
        report.abandoned
    );
    Ok(())
}

impl Seen {
    fn note(&mut self, stopped: &Stopped, witnessed: &Witnessed) {
        let Witnessed { round, outlived, unhurried, .. } = *witnessed;
        let late = stopped.took.saturating_sub(STOP_TIMEOUT);
        self.lateness_max = self.lateness_max.max(late);
        if !stopped.report.abandoned.is_empty() {
            self.lateness.push(late);
        }
        let cancelled = round.cancelled_queued + round.cancelled_running;
        self.cancelled += cancelled;
        self.ended += round.uncancelled() + cancelled;
        self.completed.0 += stopped.report.completed;
        self.completed.1 += outlived;
        self.abandoned.0 += stopped.report.abandoned.len() as u64;
        self.abandoned.1 += unhurried;
    }
}
