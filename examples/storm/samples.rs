//! [`Samples`]: what the process has while the storm rages, once a second, as a file.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wpc::Clock;

use crate::heap;
use crate::ledger::Ledger;
use crate::process::Usage;

/// Between two lines.
const INTERVAL: Duration = Duration::from_secs(1);

/// The columns: milliseconds since the first line, calls that have ended, and what the process has.
const HEADER: &str = "elapsed_ms,calls,rss_kib,heap_bytes,threads,fds";

/// Writes until it is finished or dropped, and one line then.
pub(crate) struct Samples {
    ended: Sender<()>,
    writer: JoinHandle<io::Result<()>>,
}

impl Samples {
    /// Makes the file, and writes its first lines.
    pub(crate) fn start(path: &Path, ledger: &Arc<Ledger>, clock: &Clock) -> io::Result<Self> {
        let mut file = File::create(path)?;
        writeln!(file, "{HEADER}")?;
        let (ended, until) = channel();
        let (ledger, clock) = (Arc::clone(ledger), clock.clone());
        let writer = thread::spawn(move || write(&mut file, &ledger, &clock, &until));
        Ok(Self { ended, writer })
    }

    /// Writes the last line; why one could not be written.
    pub(crate) fn finish(self) -> io::Result<()> {
        drop(self.ended);
        self.writer
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that writes the samples has panicked")))
    }
}

fn write(file: &mut File, ledger: &Ledger, clock: &Clock, ended: &Receiver<()>) -> io::Result<()> {
    let begun = clock.now();
    let mut is_over = false;
    loop {
        let Usage { threads, fds, rss_kib } = Usage::read()?;
        let elapsed = (clock.now() - begun).as_millis();
        let (calls, heap) = (ledger.booked(), heap::live_bytes());
        writeln!(file, "{elapsed},{calls},{rss_kib},{heap},{threads},{fds}")?;
        if is_over {
            return Ok(());
        }
        is_over = ended.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout);
    }
}
