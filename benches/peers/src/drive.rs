//! The loops that are measured: one blocking caller, several of them, and one thread with a window of calls in flight.
//! Each starts a service of its own, so that nothing of another turn is about, and checks every reply.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};

use crate::contender::{Budget, Caller, Service, WINDOW, increment};
use crate::round::Times;

/// The machine's clock; nothing else reads it.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures by the machine's clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// One thread that calls and waits, over and over: the time of each call.
pub(crate) fn blocking<S: Service<u64, u64>>(workers: usize, budget: Budget) -> anyhow::Result<Times> {
    served(workers, |service: &S| {
        let mut caller = service.caller()?;
        warm_up(&mut caller, budget)?;
        blocking_loop(&mut caller, budget.calls, budget.time)
    })
}

/// The median time of a call of [`blocking`], in microseconds.
pub(crate) fn p50<S: Service<u64, u64>>(workers: usize, budget: Budget) -> anyhow::Result<f64> {
    blocking::<S>(workers, budget).map(|times| times.p50())
}

/// One thread that keeps a window of calls in flight: calls a second.
pub(crate) fn pipelined<S: Service<u64, u64>>(workers: usize, budget: Budget) -> anyhow::Result<f64> {
    served(workers, |service: &S| {
        let mut caller = service.caller()?;
        pipelined_loop(&mut caller, budget.warm_up, budget.time)?;
        pipelined_loop(&mut caller, budget.calls, budget.time)
    })
}

/// Starts a service that increments, and stops it whatever came of it.
fn served<S: Service<u64, u64>, T>(
    workers: usize,
    measure: impl FnOnce(&S) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let service = S::start(workers, increment)?;
    let measured = measure(&service);
    let stopped = service.stop();
    let measured = measured?;
    stopped.map(|()| measured)
}

/// What several blocking callers saw.
pub(crate) struct Crowd {
    /// The time of every call of every caller.
    pub(crate) times: Times,
    /// Calls of the slowest caller for each one of the fastest.
    pub(crate) fairness: f64,
}

/// Several threads that each call and wait until the budget's time is over; its calls are no limit here.
pub(crate) fn crowd<S: Service<u64, u64>>(
    workers: usize,
    callers: usize,
    budget: Budget,
) -> anyhow::Result<Crowd> {
    let times = served(workers, |service: &S| {
        let start = Arc::new(Barrier::new(callers));
        let ends = (0..callers).map(|_| service.caller()).collect::<anyhow::Result<Vec<_>>>()?;
        let spawn = |mut caller: S::Caller| {
            let start = Arc::clone(&start);
            std::thread::spawn(move || {
                let warm = warm_up(&mut caller, budget);
                start.wait();
                warm?;
                blocking_loop(&mut caller, usize::MAX, budget.time)
            })
        };
        let threads: Vec<_> = ends.into_iter().map(spawn).collect();
        let join = |thread: JoinHandle<_>| thread.join().map_err(|_| anyhow!("a caller panicked"))?;
        threads.into_iter().map(join).collect::<anyhow::Result<Vec<Times>>>()
    })?;
    let calls = || times.iter().map(Times::count);
    #[expect(clippy::cast_precision_loss, reason = "no thread makes 2^52 calls")]
    let fairness = calls().min().unwrap_or(0) as f64 / calls().max().unwrap_or(0).max(1) as f64;
    Ok(Crowd { fairness, times: Times::join(times) })
}

/// Checks the reply to `n`.
pub(crate) fn check(n: u64, reply: u64) -> anyhow::Result<()> {
    ensure!(reply == n + 1, "{n} was answered with {reply}");
    Ok(())
}

fn warm_up(caller: &mut impl Caller<u64, u64>, budget: Budget) -> anyhow::Result<()> {
    blocking_loop(caller, budget.warm_up, budget.time).map(drop)
}

/// Calls until one of both limits is met.
pub(crate) fn blocking_loop(
    caller: &mut impl Caller<u64, u64>,
    calls: usize,
    time: Duration,
) -> anyhow::Result<Times> {
    // As a rule it need not grow, and its pages are touched here (which zeros would not do), not between two calls.
    let mut nanos = vec![1; calls.min(1 << 20)];
    nanos.clear();
    let begin = now();
    for n in 0..calls as u64 {
        let start = now();
        let reply = caller.call(black_box(n));
        let end = now();
        check(n, reply?)?;
        nanos.push(u64::try_from((end - start).as_nanos())?);
        if end - begin >= time {
            break;
        }
    }
    Ok(Times::new(nanos))
}

fn pipelined_loop<C: Caller<u64, u64>>(caller: &mut C, calls: usize, time: Duration) -> anyhow::Result<f64> {
    let mut window = Window::<C>::new();
    let begin = now();
    let mut end = begin;
    for n in 0..calls as u64 {
        if window.in_flight.len() == WINDOW {
            window.settle(caller)?;
            if n % WINDOW as u64 == 0 {
                end = now();
                if end - begin >= time {
                    break;
                }
            }
        }
        window.in_flight.push_back((n, caller.submit(black_box(n))?));
    }
    while !window.in_flight.is_empty() {
        window.settle(caller)?;
    }
    end = end.max(now());
    window.finish()?;
    #[expect(clippy::cast_precision_loss, reason = "no turn makes 2^52 calls")]
    let settled = window.settled as f64;
    Ok(settled / (end - begin).as_secs_f64())
}

/// The calls in flight, and what was answered so far.
struct Window<C: Caller<u64, u64>> {
    in_flight: VecDeque<(u64, C::Pending)>,
    settled: u64,
    /// Marks of the replies that were to come and of those that came, for replies in any order.
    expected: u64,
    found: u64,
}

impl<C: Caller<u64, u64>> Window<C> {
    fn new() -> Self {
        Self { in_flight: VecDeque::with_capacity(WINDOW), settled: 0, expected: 0, found: 0 }
    }

    fn settle(&mut self, caller: &mut C) -> anyhow::Result<()> {
        let (n, pending) = self.in_flight.pop_front().context("something is in flight")?;
        let reply = caller.wait(pending)?;
        self.settled += 1;
        if C::IN_ORDER {
            return check(n, reply);
        }
        self.expected = self.expected.wrapping_add(mark(n + 1));
        self.found = self.found.wrapping_add(mark(reply));
        Ok(())
    }

    fn finish(&self) -> anyhow::Result<()> {
        ensure!(self.expected == self.found, "the replies are not those of the calls");
        Ok(())
    }
}

/// Spreads a reply over all bits, so that the sum of marks differs as soon as one reply does.
fn mark(reply: u64) -> u64 {
    let spread = reply.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    spread ^ (spread >> 29)
}
