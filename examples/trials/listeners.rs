//! Readers of events that misbehave, and how much they slow down the calls that events flow from.
//!
//! Every call fails, and so emits an event. Rounds of such calls take turns: without readers; with two listeners and a
//! subscription that read all the while; with two subscriptions that nobody reads; and with sick readers: one listener
//! blocked in its first event, one that has panicked three times and is gone, and a subscription that is never read. What
//! counts is the ratio of the last two of one round: both have two rings that overflow, and no reader that takes the
//! processor from the calls, so that what is left is what being blocked or having panicked costs. After each round every
//! reader's numbers have no gap but for markers, and what all markers of the trial stand for is the pool's counter of
//! dropped events.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use wpc::{CallError, Event, FunctionError, ListenerId, Pending, Subscription, WaitEventError, Wpc};

use crate::arguments::Plan;
use crate::latch::Latch;
use crate::random::Random;
use crate::rest::{now, until};
use crate::sequence::Sequence;
use crate::watchdog::Watchdog;

const WORKERS: usize = 2;
const WINDOW: usize = 64;
const EVENT_BUFFER: usize = 1_024;

/// The calls of each round with one kind of readers, about. Rounds are short, and there are many, so that what else the
/// machine does meets both sides of a ratio alike.
const CALLS_OF_A_ROUND: u64 = 5_000;

/// So few rounds have a median that one of them does not make.
const ROUNDS_MIN: u64 = 11;

/// How much slower calls may be: always, and on a quiet machine.
const SLOWDOWN_MAX: f64 = 1.25;
const SLOWDOWN_QUIET: f64 = 1.02;

/// How long a reader may take to read what is there.
const READ_LIMIT: Duration = Duration::from_secs(20);

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readers {
    None,
    Healthy,
    Unread,
    Sick,
}

/// The times of one round.
#[derive(Default)]
struct Times {
    none: Duration,
    healthy: Duration,
    unread: Duration,
    sick: Duration,
}

/// Runs the trial; see the module.
pub(crate) fn run(plan: &Plan, watchdog: &Watchdog) -> anyhow::Result<String> {
    let rounds = (plan.amount / CALLS_OF_A_ROUND).max(ROUNDS_MIN) | 1; // an odd number has a median
    let stand = Stand::build(plan.amount.div_ceil(rounds), watchdog)?;
    let mut random = Random::new(plan.seed);
    stand.load(Readers::None)?; // warms up
    let (mut times, mut marked) = (Vec::new(), 0);
    for round in 0..rounds {
        let mut order = [Readers::None, Readers::Healthy, Readers::Unread, Readers::Sick];
        if random.once_in(2) {
            order[2..].reverse();
        }
        let mut of_round = Times::default();
        for readers in order {
            let read = stand.read(readers, round);
            let (time, dropped) = read.with_context(|| format!("round {round}, readers: {readers:?}"))?;
            *of_round.of(readers) = time;
            marked += dropped;
        }
        times.push(of_round);
    }
    let stats = stand.wpc.stats();
    stand.wpc.stop_workers()?;
    let against = |other: fn(&Times) -> Duration| Ratios::of(times.iter().map(|of| (of.sick, other(of))));
    let slowdown = against(|of| of.unread);
    let figures = format!(
        "{rounds} rounds of {} calls that each emit an event; time with sick readers to that with rings that nobody \
         reads: {slowdown}; to that with healthy readers: {}; to that without readers: {}; {} events, {marked} dropped, \
         as counted, 0 gaps; {rounds} listeners dropped for their panics",
        stand.calls,
        against(|of| of.healthy),
        against(|of| of.none),
        stats.events,
    );
    ensure!(
        stats.events_dropped == marked,
        "the markers stand for {marked} events, the pool has counted {} as dropped: {figures}",
        stats.events_dropped
    );
    let allowed = if plan.published { SLOWDOWN_QUIET } else { SLOWDOWN_MAX };
    ensure!(slowdown.median < allowed, "the median is not below {allowed} times the time: {figures}");
    Ok(figures)
}

impl Times {
    fn of(&mut self, readers: Readers) -> &mut Duration {
        match readers {
            Readers::None => &mut self.none,
            Readers::Healthy => &mut self.healthy,
            Readers::Unread => &mut self.unread,
            Readers::Sick => &mut self.sick,
        }
    }
}

/// A pool, and the load that is put on it.
struct Stand<'a> {
    wpc: Wpc,
    calls: u64,
    watchdog: &'a Watchdog,
}

impl<'a> Stand<'a> {
    fn build(calls: u64, watchdog: &'a Watchdog) -> anyhow::Result<Self> {
        let wpc = Wpc::builder().event_buffer(EVENT_BUFFER).build()?;
        let fail =
            |call: u64| -> Result<u64, FunctionError> { Err(FunctionError::new("Asked", call.to_string())) };
        wpc.define_function("fail", fail)?;
        wpc.start_workers(WORKERS)?;
        Ok(Self { wpc, calls, watchdog })
    }

    /// Makes so many calls, a window of them at a time; how long that took.
    fn calls(&self, calls: u64) -> anyhow::Result<Duration> {
        let begin = now();
        let mut window: VecDeque<(u64, Pending<u64>)> = VecDeque::with_capacity(WINDOW);
        for call in 0..calls {
            if window.len() == WINDOW {
                failed(window.pop_front())?;
            }
            window.push_back((call, self.wpc.submit("fail", call)?));
        }
        while !window.is_empty() {
            failed(window.pop_front())?;
        }
        self.watchdog.progress();
        Ok(now() - begin)
    }

    /// The load of one round.
    fn load(&self, readers: Readers) -> anyhow::Result<Duration> {
        let before = self.wpc.stats().events;
        let took = self.calls(self.calls)?;
        // Nothing is promised between an outcome and its event; it comes a moment later.
        until("every call has been told of", READ_LIMIT, || self.wpc.stats().events >= before + self.calls)?;
        let emitted = self.wpc.stats().events - before;
        ensure!(emitted == self.calls, "{emitted} events came of {} calls, readers: {readers:?}", self.calls);
        Ok(took)
    }

    /// The load with these readers; its time, and the events that they missed.
    fn read(&self, readers: Readers, round: u64) -> anyhow::Result<(Duration, u64)> {
        match readers {
            Readers::None => Ok((self.load(readers)?, 0)),
            Readers::Healthy => self.healthy(),
            Readers::Unread => self.unread(),
            Readers::Sick => self.sick(round),
        }
    }

    /// The load with readers that read; its time, and the events that they missed.
    fn healthy(&self) -> anyhow::Result<(Duration, u64)> {
        let first = self.wpc.stats().events;
        let listeners = [self.listen(first, |_| ())?, self.listen(first, |_| ())?];
        let subscription = self.wpc.subscribe()?;
        let over = AtomicBool::new(false);
        let (took, read) = std::thread::scope(|scope| {
            let reader = scope.spawn(|| read_until(&subscription, first, &over));
            let took = self.load(Readers::Healthy);
            over.store(true, Ordering::SeqCst);
            (took, reader.join().expect("a reader does not panic"))
        });
        let took = took?;
        let mut dropped = self.check(read)?;
        for listener in listeners {
            dropped += self.end(&listener)?;
        }
        Ok((took, dropped))
    }

    /// The load with as many rings as there are sick readers, and nobody who reads, blocks or panics.
    fn unread(&self) -> anyhow::Result<(Duration, u64)> {
        let first = self.wpc.stats().events;
        let unread = [self.wpc.subscribe()?, self.wpc.subscribe()?];
        let took = self.load(Readers::Unread)?;
        let mut dropped = 0;
        for subscription in &unread {
            dropped += self.check(drained(subscription, first))?;
        }
        Ok((took, dropped))
    }

    /// The load with readers that cannot read; its time, and the events that they missed.
    fn sick(&self, round: u64) -> anyhow::Result<(Duration, u64)> {
        let first = self.wpc.stats().events;
        let held = Latch::default();
        let theirs = held.clone();
        let blocked = self.listen(first, move |_| theirs.hold(round))?;
        let unread = self.wpc.subscribe()?;
        self.panic_thrice()?;
        let took = self.load(Readers::Sick)?;
        held.release(round);
        let dropped = self.check(drained(&unread, first))? + self.end(&blocked)?;
        Ok((took, dropped))
    }

    /// Has a listener panic until it is dropped, with calls that fail; its panics are no word on stderr.
    fn panic_thrice(&self) -> anyhow::Result<()> {
        let before = self.wpc.stats().events;
        let (tell, told) = channel();
        let (guard, mut calls) = (Told(tell), 0);
        self.wpc.on_worker_event(move |_| {
            let _owned = &guard;
            calls += 1;
            std::panic::resume_unwind(Box::new(format!("panic {calls} of a listener")));
        })?;
        self.calls(wpc::LISTENER_PANICS_MAX as u64)?;
        told.recv_timeout(READ_LIMIT).context("a listener that has panicked three times is not dropped")?;
        // Its calls, and that it was dropped.
        let emitted = wpc::LISTENER_PANICS_MAX as u64 + 1;
        until("all of it has been told", READ_LIMIT, || self.wpc.stats().events >= before + emitted)?;
        ensure!(self.wpc.stats().events == before + emitted, "a dropped listener is told once");
        Ok(())
    }

    fn listen(&self, first: u64, mut act: impl FnMut(&Event) + Send + 'static) -> anyhow::Result<Listener> {
        let sequence = Arc::new(Mutex::new(Sequence::after(first)));
        let theirs = Arc::clone(&sequence);
        let id = self.wpc.on_worker_event(move |event| {
            act(event);
            theirs.lock().expect("nobody panics under it").read(event);
        })?;
        Ok(Listener { id, sequence })
    }

    /// Waits until a listener has read all, and removes it; the events that it missed.
    fn end(&self, listener: &Listener) -> anyhow::Result<u64> {
        let read = || *listener.sequence.lock().expect("nobody panics under it");
        let last = self.wpc.stats().events;
        until("a listener has read all", READ_LIMIT, || read().last >= last)?;
        ensure!(self.wpc.off_worker_event(listener.id), "the listener was there");
        self.check(read())
    }

    /// The numbers have no gap up to the last event; the events that were missed.
    fn check(&self, sequence: Sequence) -> anyhow::Result<u64> {
        let last = self.wpc.stats().events;
        ensure!(sequence.gaps == 0 && sequence.last == last, "of {last} events a reader has {sequence:?}");
        Ok(sequence.dropped)
    }
}

/// A listener that takes note of what it reads.
struct Listener {
    id: ListenerId,
    sequence: Arc<Mutex<Sequence>>,
}

/// Tells when it is dropped.
struct Told(Sender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(()); // nobody waits once the trial has failed
    }
}

/// What has been kept for a reader that comes to it at last.
fn drained(subscription: &Subscription, first: u64) -> Sequence {
    let mut sequence = Sequence::after(first);
    subscription.drain().iter().for_each(|event| sequence.read(event));
    sequence
}

/// Reads what comes until all is over and nothing is left.
fn read_until(subscription: &Subscription, first: u64, over: &AtomicBool) -> Sequence {
    let mut sequence = Sequence::after(first);
    loop {
        let is_over = over.load(Ordering::SeqCst);
        match subscription.wait(Duration::from_millis(5)) {
            Ok(event) => sequence.read(&event),
            Err(WaitEventError::TimedOut) if !is_over => {}
            Err(_) => return sequence,
        }
    }
}

/// The call has failed as it was asked to.
fn failed(call: Option<(u64, Pending<u64>)>) -> anyhow::Result<()> {
    let (call, pending) = call.context("the window is not empty")?;
    match pending.wait() {
        Err(CallError::Failed(error)) if error.message() == call.to_string() => Ok(()),
        other => anyhow::bail!("call {call} ended in {other:?}"),
    }
}

/// How much longer one took than the other, over all rounds.
struct Ratios {
    median: f64,
    min: f64,
    max: f64,
}

impl Ratios {
    fn of(times: impl Iterator<Item = (Duration, Duration)>) -> Self {
        let mut ratios: Vec<f64> =
            times.map(|(one, other)| one.as_secs_f64() / other.as_secs_f64()).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        Self { median: ratios[ratios.len() / 2], min: ratios[0], max: ratios[ratios.len() - 1] }
    }
}

impl fmt::Display for Ratios {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} (of rounds {:.3} to {:.3})", self.median, self.min, self.max)
    }
}
