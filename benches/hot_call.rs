//! The hot null call, `u64 -> u64` by name, beside a request and reply over crossbeam channels with as many threads:
//! what the registry, the outcomes and the supervision cost.
//!
//! `cargo bench --bench hot_call -- [--rounds N]`, 5 rounds by default. Without `--bench`, as `cargo test` runs it, it
//! only shows that everything answers. In each round all contenders take their turn, in an order that alternates; each
//! reply is checked. Blocking: one call after the other, the time of each. Window: 64 calls in flight from one thread,
//! the time from one reply to the 64th after it, divided by 64.

mod support;

use std::collections::VecDeque;
use std::hint::black_box;
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use crossbeam_channel::{Receiver, Sender, bounded};
use wpc::{Pending, Wpc};

use support::{Plan, median, now, print_head, print_row};

const WORKERS: [usize; 2] = [1, 2];
const WINDOW: usize = 64;

/// Calls of one contender in one round.
const CALLS: Calls = Calls { warm_up: 2_000, measured: 64 * 400 };
const SMOKE_CALLS: Calls = Calls { warm_up: 64, measured: 64 * 4 };

#[derive(Clone, Copy)]
struct Calls {
    warm_up: usize,
    measured: usize,
}

fn main() -> ExitCode {
    support::main(run)
}

fn run(plan: &Plan) -> anyhow::Result<()> {
    let calls = if plan.is_smoke { SMOKE_CALLS } else { CALLS };
    print_head("ns a call, p50", "wpc", "channels");
    for workers in WORKERS {
        let (pool, channels) = (Pool::start(workers)?, Channels::start(workers)?);
        for (mode, measure) in [("blocking", Mode::Blocking), ("window", Mode::Window)] {
            let rounds = plan.alternate(|| measure.p50(&pool, calls), || measure.p50(&channels, calls))?;
            print_row(&format!("{mode}, workers: {workers}"), &rounds);
        }
        channels.stop()?;
        pool.0.stop_workers()?;
    }
    Ok(())
}

/// What answers `n` with `n + 1`, on a thread of its own.
trait Contender {
    type Reply;

    fn submit(&self, n: u64) -> anyhow::Result<Self::Reply>;

    fn wait(reply: Self::Reply) -> anyhow::Result<u64>;

    fn call(&self, n: u64) -> anyhow::Result<u64>;
}

#[derive(Clone, Copy)]
enum Mode {
    Blocking,
    Window,
}

impl Mode {
    /// The median time of a call, after a warm-up.
    fn p50<C: Contender>(self, contender: &C, calls: Calls) -> anyhow::Result<Duration> {
        let measure = |calls| match self {
            Self::Blocking => blocking(contender, calls),
            Self::Window => window(contender, calls),
        };
        measure(calls.warm_up)?;
        Ok(median(measure(calls.measured)?))
    }
}

fn blocking(contender: &impl Contender, calls: usize) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(calls);
    for n in 0..calls as u64 {
        let start = now();
        let reply = contender.call(black_box(n));
        times.push(now() - start);
        check(n, reply?)?;
    }
    Ok(times)
}

fn window<C: Contender>(contender: &C, calls: usize) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(calls / WINDOW);
    let mut in_flight = VecDeque::with_capacity(WINDOW);
    let mut start = now();
    let mut replies = 0;
    for n in 0..calls as u64 {
        if in_flight.len() == WINDOW {
            settle::<C>(&mut in_flight)?;
            replies += 1;
            if replies % WINDOW == 0 {
                let end = now();
                times.push((end - start) / u32::try_from(WINDOW)?);
                start = end;
            }
        }
        in_flight.push_back((n, contender.submit(black_box(n))?));
    }
    while !in_flight.is_empty() {
        settle::<C>(&mut in_flight)?;
    }
    times.is_empty().then(|| times.push(now() - start)); // a warm-up that is no longer than the window
    Ok(times)
}

fn settle<C: Contender>(in_flight: &mut VecDeque<(u64, C::Reply)>) -> anyhow::Result<()> {
    let (n, reply) = in_flight.pop_front().context("something is in flight")?;
    check(n, C::wait(reply)?)
}

fn check(n: u64, reply: u64) -> anyhow::Result<()> {
    ensure!(reply == n + 1, "{n} was answered with {reply}");
    Ok(())
}

struct Pool(Wpc);

impl Pool {
    fn start(workers: usize) -> anyhow::Result<Self> {
        let wpc = Wpc::builder().build()?;
        wpc.define_function("increment", |n: u64| n + 1)?;
        let started = wpc.start_workers(workers)?;
        ensure!(started.ready.len() == workers, "only {} workers are ready", started.ready.len());
        Ok(Self(wpc))
    }
}

impl Contender for Pool {
    type Reply = Pending<u64>;

    fn submit(&self, n: u64) -> anyhow::Result<Pending<u64>> {
        Ok(self.0.submit("increment", n)?)
    }

    fn wait(reply: Pending<u64>) -> anyhow::Result<u64> {
        Ok(reply.wait()?)
    }

    fn call(&self, n: u64) -> anyhow::Result<u64> {
        Ok(self.0.call("increment", n)?)
    }
}

/// Threads that share one queue of requests; each request brings the channel for its reply.
struct Channels {
    requests: Sender<(u64, Sender<u64>)>,
    threads: Vec<JoinHandle<()>>,
}

impl Channels {
    fn start(workers: usize) -> anyhow::Result<Self> {
        let (requests, queue) = bounded(1_024);
        let thread = |queue: Receiver<(u64, Sender<u64>)>| {
            std::thread::Builder::new().spawn(move || {
                for (n, reply) in queue {
                    // Whoever asked may have gone.
                    let _ = reply.send(black_box(n) + 1);
                }
            })
        };
        let threads = (0..workers).map(|_| thread(queue.clone())).collect::<Result<_, _>>()?;
        Ok(Self { requests, threads })
    }

    fn stop(self) -> anyhow::Result<()> {
        drop(self.requests);
        for thread in self.threads {
            ensure!(thread.join().is_ok(), "a thread panicked");
        }
        Ok(())
    }
}

impl Contender for Channels {
    type Reply = Receiver<u64>;

    fn submit(&self, n: u64) -> anyhow::Result<Receiver<u64>> {
        let (reply, answer) = bounded(1);
        self.requests.send((n, reply))?;
        Ok(answer)
    }

    fn wait(reply: Receiver<u64>) -> anyhow::Result<u64> {
        Ok(reply.recv()?)
    }

    fn call(&self, n: u64) -> anyhow::Result<u64> {
        Self::wait(self.submit(n)?)
    }
}
