//! [`Watchdog`]: a test that hangs fails, and says which it was.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long a test may take.
const LIMIT: Duration = Duration::from_secs(90);

/// Ends the test program if it is not dropped in time.
pub(crate) struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    /// Watches the test on the calling thread, which has the test's name.
    pub(crate) fn start() -> Self {
        let name = std::thread::current().name().unwrap_or("a test").to_owned();
        let (alive, ended) = channel();
        std::thread::spawn(move || watch(&name, &ended));
        Self { _alive: alive }
    }
}

fn watch(name: &str, ended: &Receiver<()>) {
    if ended.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
        // Not by `eprintln!`: what a test prints is kept until it ends, and this one does not.
        let _ = writeln!(std::io::stderr(), "watchdog: {name} has not ended after {LIMIT:?}"); // it aborts anyhow
        std::process::abort();
    }
}

/// Waits until the condition holds, giving the processor away in between; panics after half a minute.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a test's own patience is measured by the machine's clock")]
pub(crate) fn until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "the condition never held");
        std::thread::yield_now();
    }
}
