//! Two threads that hand a number over and park until they are woken: what a call costs that the scheduler takes part in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;

use anyhow::{Context as _, ensure};

use crate::contender::{Caller, Service};
use crate::peers::threads::Threads;

/// The words' state with nothing in them: no argument and no reply is as large.
const EMPTY: u64 = u64::MAX;

/// One thread and one caller, whatever number of workers is asked for.
pub(crate) struct Park {
    both: Arc<Both>,
    server: Thread,
    thread: Threads,
}

pub(crate) struct Both {
    asked: AtomicU64,
    answered: AtomicU64,
    is_over: AtomicBool,
}

/// The caller's end; it is the thread that started the service.
pub(crate) struct ParkCaller {
    both: Arc<Both>,
    server: Thread,
}

impl Both {
    fn serve(&self, function: fn(u64) -> u64, client: &Thread) {
        while let Some(argument) = take(&self.asked, || self.is_over.load(Ordering::Acquire)) {
            self.answered.store(function(argument), Ordering::Release);
            client.unpark();
        }
    }
}

/// Parks until there is a value and empties the word; `None` once it is over.
fn take(word: &AtomicU64, is_over: impl Fn() -> bool) -> Option<u64> {
    loop {
        let value = word.swap(EMPTY, Ordering::Acquire);
        if value != EMPTY {
            return Some(value);
        }
        if is_over() {
            return None;
        }
        std::thread::park();
    }
}

impl Service<u64, u64> for Park {
    type Caller = ParkCaller;

    fn start(workers: usize, function: fn(u64) -> u64) -> anyhow::Result<Self> {
        ensure!(workers == 1, "a hand-over is between two threads");
        let (asked, answered) = (AtomicU64::new(EMPTY), AtomicU64::new(EMPTY));
        let both = Arc::new(Both { asked, answered, is_over: AtomicBool::new(false) });
        let (own, server) = std::sync::mpsc::sync_channel(1);
        let thread = Threads::start(1, || {
            let (both, own, client) = (Arc::clone(&both), own.clone(), std::thread::current());
            move || {
                // Whoever started this waits for it.
                let _ = own.send(std::thread::current());
                both.serve(function, &client);
            }
        })?;
        Ok(Self { both, server: server.recv().context("the thread ended")?, thread })
    }

    fn caller(&self) -> anyhow::Result<ParkCaller> {
        Ok(ParkCaller { both: Arc::clone(&self.both), server: self.server.clone() })
    }

    fn stop(self) -> anyhow::Result<()> {
        self.both.is_over.store(true, Ordering::Release);
        self.server.unpark();
        self.thread.join()
    }
}

impl Caller<u64, u64> for ParkCaller {
    type Pending = ();

    /// At most one at a time.
    fn submit(&mut self, argument: u64) -> anyhow::Result<()> {
        self.both.asked.store(argument, Ordering::Release);
        self.server.unpark();
        Ok(())
    }

    fn wait(&mut self, (): ()) -> anyhow::Result<u64> {
        take(&self.both.answered, || false).context("no reply")
    }
}
