//! The settings of one pool, checked when it is built.

use std::time::Duration;

use crate::clock::Clock;
use crate::supervise::RestartPolicy;

/// What the builder decided.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) clock: Clock,
    pub(crate) call_timeout: Duration,
    pub(crate) control_timeout: Duration,
    pub(crate) start_timeout: Duration,
    pub(crate) stop_timeout: Duration,
    pub(crate) overrun_grace: Duration,
    pub(crate) pending_calls_max: u32,
    pub(crate) restart: RestartPolicy,
    /// What every chance of the pool is drawn from.
    pub(crate) seed: u64,
}
