//! [`Watchdog`]: a trial in which nothing moves any more ends, and says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::rest::rest;

/// How long nothing may move.
const LIMIT: Duration = Duration::from_secs(60);

/// How often it looks.
const LOOK: Duration = Duration::from_secs(1);

/// Ends the program with 1 unless [`Watchdog::progress`] is called now and then. Clones are the same watchdog.
#[derive(Clone)]
pub(crate) struct Watchdog(Arc<AtomicU64>);

impl Watchdog {
    /// Watches from now on, on a thread of its own.
    pub(crate) fn start() -> Self {
        let steps = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&steps);
        std::thread::spawn(move || watch(&theirs));
        Self(steps)
    }

    /// Something has moved.
    pub(crate) fn progress(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn watch(steps: &AtomicU64) {
    let (mut seen, mut quiet) = (0, Duration::ZERO);
    while quiet < LIMIT {
        rest(LOOK);
        let now = steps.load(Ordering::Relaxed);
        quiet = if now == seen { quiet + LOOK } else { Duration::ZERO };
        seen = now;
    }
    eprintln!("watchdog: nothing has moved for {LIMIT:?}, after {seen} steps");
    std::process::exit(1);
}
