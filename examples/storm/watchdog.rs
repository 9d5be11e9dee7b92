//! [`Watchdog`]: a storm that hangs is a storm that has failed, and says so.

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::ledger::Ledger;

/// How long nothing at all may be booked.
const STANDSTILL_MAX: Duration = Duration::from_secs(120);

/// Ends the process if the ledger stands still while this is held.
pub(crate) struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    pub(crate) fn start(ledger: &Arc<Ledger>) -> Self {
        let (alive, ended) = channel();
        let ledger = Arc::clone(ledger);
        std::thread::spawn(move || watch(&ledger, &ended));
        Self { _alive: alive }
    }
}

fn watch(ledger: &Ledger, ended: &Receiver<()>) {
    let mut before = ledger.booked();
    while ended.recv_timeout(STANDSTILL_MAX) == Err(RecvTimeoutError::Timeout) {
        let booked = ledger.booked();
        if booked == before {
            let mut stderr = std::io::stderr();
            // The process ends with an error, whether it can be read or not.
            let _ = writeln!(stderr, "storm: nothing has ended for {STANDSTILL_MAX:?}, after {booked} calls");
            std::process::exit(1);
        }
        before = booked;
    }
}
