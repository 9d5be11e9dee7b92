//! Two threads that hand a number over through one place each way and spin for it: what two cores can do at best.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context as _, ensure};

use crate::contender::{Caller, Service};
use crate::peers::threads::Threads;

/// Looks after which a spinning thread lets others run: on a machine with too few cores, whoever is to answer may be
/// waiting for this one.
const LOOKS_MAX: u32 = 1 << 14;

/// One thread and one caller, whatever number of workers is asked for.
pub(crate) struct Spin {
    both: Arc<Both>,
    thread: Threads,
}

/// One way's value, written by one thread and only read by the other: nothing is written back, so that a hand-over moves one
/// line once. On lines of its own: two, as the prefetcher takes them in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Way {
    value: AtomicU64,
    /// How many values there were.
    count: AtomicU64,
}

#[derive(Default)]
pub(crate) struct Both {
    asked: Way,
    answered: Way,
    is_over: AtomicBool,
}

pub(crate) struct SpinCaller {
    both: Arc<Both>,
    calls: u64,
}

impl Way {
    fn give(&self, value: u64, count: u64) {
        self.value.store(value, Ordering::Relaxed);
        self.count.store(count, Ordering::Release);
    }

    /// Spins for the value of that number; `None` once it is over.
    fn take(&self, count: u64, is_over: impl Fn() -> bool) -> Option<u64> {
        let mut looks = 0;
        while self.count.load(Ordering::Acquire) != count {
            looks += 1;
            if looks < LOOKS_MAX {
                spin_loop();
                continue;
            }
            if is_over() {
                return None;
            }
            looks = 0;
            std::thread::yield_now();
        }
        Some(self.value.load(Ordering::Relaxed))
    }
}

impl Both {
    fn serve(&self, function: fn(u64) -> u64) {
        let mut count = 1;
        while let Some(argument) = self.asked.take(count, || self.is_over.load(Ordering::Relaxed)) {
            self.answered.give(function(argument), count);
            count += 1;
        }
    }
}

impl Service<u64, u64> for Spin {
    type Caller = SpinCaller;

    fn start(workers: usize, function: fn(u64) -> u64) -> anyhow::Result<Self> {
        ensure!(workers == 1, "a hand-over is between two threads");
        let both = Arc::new(Both::default());
        let thread = Threads::start(1, || {
            let both = Arc::clone(&both);
            move || both.serve(function)
        })?;
        Ok(Self { both, thread })
    }

    /// Only one: there is one place each way.
    fn caller(&self) -> anyhow::Result<SpinCaller> {
        Ok(SpinCaller { both: Arc::clone(&self.both), calls: 0 })
    }

    fn stop(self) -> anyhow::Result<()> {
        self.both.is_over.store(true, Ordering::Relaxed);
        self.thread.join()
    }
}

impl Caller<u64, u64> for SpinCaller {
    type Pending = ();

    /// At most one at a time.
    fn submit(&mut self, argument: u64) -> anyhow::Result<()> {
        self.calls += 1;
        self.both.asked.give(argument, self.calls);
        Ok(())
    }

    fn wait(&mut self, (): ()) -> anyhow::Result<u64> {
        self.both.answered.take(self.calls, || false).context("no reply")
    }
}
