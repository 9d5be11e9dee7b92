//! The settings of one pool, checked when it is built.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::supervise::RestartPolicy;
use crate::worker::ThreadStart;

/// What the builder decided.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) clock: Clock,
    pub(crate) call_timeout: Duration,
    pub(crate) control_timeout: Duration,
    pub(crate) start_timeout: Duration,
    pub(crate) stop_timeout: Duration,
    pub(crate) overrun_grace: Duration,
    pub(crate) pending_calls_max: u32,
    pub(crate) restart: RestartPolicy,
    /// How many events wait for each subscriber.
    pub(crate) events_max: usize,
    pub(crate) thread_start: Option<Arc<dyn ThreadStart>>,
    /// Whether a call that panicked tells where.
    pub(crate) panic_locations: bool,
    /// Whether a program may have the pool in which a panic ends the process.
    pub(crate) allows_panic_abort: bool,
    /// What every chance of the pool is drawn from.
    pub(crate) seed: u64,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("call_timeout", &self.call_timeout)
            .field("control_timeout", &self.control_timeout)
            .field("start_timeout", &self.start_timeout)
            .field("stop_timeout", &self.stop_timeout)
            .field("overrun_grace", &self.overrun_grace)
            .field("pending_calls_max", &self.pending_calls_max)
            .field("restart", &self.restart)
            .field("events_max", &self.events_max)
            .field("panic_locations", &self.panic_locations)
            .field("allows_panic_abort", &self.allows_panic_abort)
            .field("has_thread_start", &self.thread_start.is_some())
            .finish_non_exhaustive()
    }
}
