//! [`Storm`]: a pool, its callers and everything that is done to them, from the first start to the last stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use wpc::{Clock, RestartPolicy, Wpc};

use crate::caller::{CALL_TIMEOUT, Caller};
use crate::control::{Control, STOP_TIMEOUT, settles};
use crate::errand::GRACE;
use crate::ledger::{Flaw, Ledger};
use crate::lives::{Ear, Lives};
use crate::plan::Plan;
use crate::process::Usage;
use crate::report::Report;
use crate::samples::Samples;
use crate::settings::Settings;
use crate::watchdog::Watchdog;
use crate::work;

/// How long a lost worker is away at the most.
const RESTART_MAX: Duration = Duration::from_millis(1);

/// So few calls may wait at a worker that they are rejected now and then.
const PENDING_MAX: u32 = 48;

/// So many events may wait for who counts them.
const EVENTS_MAX: usize = 1 << 20;

/// How many requests may wait for a control thread: a caller that is further ahead waits for it.
const REQUESTS_MAX: usize = 1;

/// How long threads may take to be gone after the last of them was let go.
const SETTLE_MAX: Duration = Duration::from_secs(20);

/// How long the number of threads has to stand still to be taken for a base line.
const CALM: Duration = Duration::from_millis(200);

/// A storm that is about to break.
pub(crate) struct Storm {
    control: Control,
    plan: Plan,
    workers: usize,
    samples: Option<PathBuf>,
    _watchdog: Watchdog,
}

impl Storm {
    /// Builds the pool, on which no worker runs yet.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let &Settings { calls, faults, seed, workers, .. } = settings;
        let plan = Plan { calls, faults, seed };
        let ledger = Arc::new(Ledger::new(calls));
        let lives = Lives { plan, ledger: Arc::clone(&ledger), threads: AtomicU64::new(0) };
        let base = RESTART_MAX / 4;
        let wpc = Wpc::builder()
            .call_timeout(CALL_TIMEOUT)
            .stop_timeout(STOP_TIMEOUT)
            .overrun_grace(GRACE)
            .max_pending_calls_per_worker(PENDING_MAX)
            .restart(RestartPolicy::on_failure().base(base).max(RESTART_MAX).jitter(base).unlimited())
            .event_buffer(EVENTS_MAX)
            .thread_start(lives)
            .seed(seed)
            .build()?;
        let clock = Clock::system();
        let begins_late = settings.samples.is_some().then(|| (wpc.downgrade(), clock.clone()));
        let (mut ear, heard) = (Ear::new(begins_late), Arc::clone(&ledger));
        wpc.on_worker_event(move |event| ear.hear(event, &heard))?;
        let latches = Arc::default();
        work::define(&wpc, &ledger, &latches, 1)?;
        let watchdog = Watchdog::start(&ledger);
        let control = Control { wpc, ledger, latches, clock, seed };
        let samples = settings.samples.clone();
        Ok(Self { control, plan, workers, samples, _watchdog: watchdog })
    }

    /// Lets it break; what it has come to when it is over.
    pub(crate) fn run(&self) -> anyhow::Result<Report> {
        let Control { wpc, ledger, clock, .. } = &self.control;
        let before = calm(clock)?;
        let samples = self.samples.as_deref().map(|path| {
            Samples::start(path, ledger, clock).with_context(|| format!("`--samples` is {}", path.display()))
        });
        let samples = samples.transpose()?;
        let begun = clock.now();
        wpc.start_workers(self.workers).context("the first start")?;
        let slowest = self.rage()?;
        let slowest_stop = slowest.max(self.control.stop());
        let took = clock.now() - begun;
        samples.map_or(Ok(()), Samples::finish).context("a line of the samples")?;
        let after = self.settle(&before)?;
        let stats = wpc.stats();
        ledger.audit(&stats);
        let (ledger, plan, usage) = (Arc::clone(ledger), self.plan, (before, after));
        Ok(Report { ledger, plan, stats, usage, took, slowest_stop })
    }

    /// Everybody does what they can, until all calls have been made; how long the slowest stop took.
    fn rage(&self) -> anyhow::Result<Duration> {
        let Control { wpc, ledger, clock, .. } = &self.control;
        let is_over = AtomicBool::new(false);
        let slowest = thread::scope(|scope| {
            let (redefinitions, to_redefine) = sync_channel(REQUESTS_MAX);
            let (restarts, to_restart) = sync_channel(REQUESTS_MAX);
            let redefine = scope.spawn(move || self.control.redefine(&to_redefine));
            let restart = scope.spawn(move || self.control.restart(&to_restart, self.workers));
            let release = scope.spawn(|| self.control.release(&is_over));
            let ways: [fn(&Caller<'_>); 3] =
                [|caller| caller.block(), |caller| caller.pipeline(), |caller| caller.poll()];
            let callers = ways.map(|way| {
                let (redefinitions, restarts) = (redefinitions.clone(), restarts.clone());
                let (plan, clock) = (self.plan, clock.clone());
                let caller = move || way(&Caller { wpc, ledger, plan, clock, redefinitions, restarts });
                scope.spawn(caller)
            });
            drop((redefinitions, restarts)); // the callers' own are the last: without them the requests end
            let ended = callers.map(told);
            let (slowest, redefined) = (told(restart), told(redefine));
            is_over.store(true, Ordering::Release);
            let others = [redefined, told(release)];
            ended.into_iter().chain(others).collect::<Result<(), String>>().and(slowest)
        });
        slowest.map_err(|what| anyhow::anyhow!("one of the storm's own threads has panicked: {what}"))
    }

    /// Waits until the threads that were left behind are gone, all values dropped and all events heard; what the process has then.
    fn settle(&self, before: &Usage) -> anyhow::Result<Usage> {
        let Control { wpc, ledger, clock, .. } = &self.control;
        let mut after = Usage::read();
        settles(clock, SETTLE_MAX, || {
            after = Usage::read();
            let is_back = |now: &Usage| (now.threads, now.fds) == (before.threads, before.fds);
            let stats = wpc.stats();
            stats.abandoned_threads == 0
                && ledger.fuses().out() == 0
                && ledger.heard() == stats.events
                && after.as_ref().is_ok_and(is_back)
        });
        let stats = wpc.stats();
        if stats.abandoned_threads > 0 || ledger.heard() != stats.events {
            ledger.accuse(Flaw::Unexpected, || {
                format!("it does not come to rest: {stats:?}, heard {}", ledger.heard())
            });
        }
        Ok(after?)
    }
}

/// What the thread has come to; what it said if it has panicked, since panics that are on purpose are not printed.
fn told<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T, String> {
    thread.join().map_err(|payload| match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(_) => "see above".to_owned(),
    })
}

/// What the process has once the threads of whatever was before are gone.
fn calm(clock: &Clock) -> anyhow::Result<Usage> {
    let mut since = (Usage::read()?.threads, clock.now());
    let mut usage = Usage::read();
    let is_calm = settles(clock, SETTLE_MAX, || {
        usage = Usage::read();
        let threads = usage.as_ref().map_or(-1, |usage| usage.threads);
        let now = clock.now();
        if threads != since.0 {
            since = (threads, now);
        }
        now - since.1 >= CALM
    });
    anyhow::ensure!(is_calm, "threads come and go before the storm: {usage:?}");
    Ok(usage?)
}
