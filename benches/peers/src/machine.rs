//! What the figures were measured on.

use std::thread::available_parallelism;
use std::time::Instant;

use crate::drive::now;

/// Cores, how busy they were with whatever else, kernel and compiler.
pub(crate) fn line() -> String {
    let read = |file| std::fs::read_to_string(file).unwrap_or_else(|_| "unknown".into());
    let cores = available_parallelism().map_or_else(|_| "unknown".into(), |cores| cores.to_string());
    let (kernel, load) = (read("/proc/sys/kernel/osrelease"), read("/proc/loadavg"));
    let load = load.split_whitespace().next().unwrap_or_default();
    let (system, rustc) = (std::env::consts::OS, env!("RUSTC_VERSION"));
    format!("cores: {cores}, load: {load}, {system} {}, {rustc}", kernel.trim())
}

/// Ticks of the counters in `/proc`, as Linux promises them to programs.
const TICKS_A_SECOND: f64 = 100.0;

/// How much of the machine others use while something is measured; figures that were taken beside a busy neighbour say little.
pub(crate) struct Neighbours {
    begin: Instant,
    all: u64,
    own: u64,
}

impl Neighbours {
    /// From now on; `None` where the system does not tell.
    pub(crate) fn watch() -> Option<Self> {
        Some(Self { begin: now(), all: all_ticks()?, own: own_ticks()? })
    }

    /// The mean number of cores that others kept busy.
    #[expect(clippy::cast_precision_loss, reason = "no measurement takes 2^52 ticks")]
    pub(crate) fn cores(&self) -> Option<f64> {
        let all = all_ticks()?.saturating_sub(self.all);
        let others = all.saturating_sub(own_ticks()?.saturating_sub(self.own));
        Some(others as f64 / TICKS_A_SECOND / (now() - self.begin).as_secs_f64())
    }
}

/// What all processes ran: as users, as users that are nice, and in the kernel.
fn all_ticks() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let fields = text.lines().next()?.split_whitespace().skip(1).take(3);
    fields.map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// What this process ran, as a user and in the kernel: the 14th and the 15th field, of which the second may hold spaces and
/// ends with the last parenthesis.
fn own_ticks() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields = text.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<u64>().ok()).sum()
}
