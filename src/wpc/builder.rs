//! [`WpcBuilder`]: the settings of a pool, each with its default and its rule.

use std::sync::Arc;
use std::time::Duration;

use crate::call::watch_locations;
use crate::clock::Clock;
use crate::event::EVENT_BUFFER_DEFAULT;
use crate::pool::{Pool, Settings};
use crate::supervise::{PolicyError, RestartPolicy};
use crate::worker::ThreadStart;

use super::Wpc;

/// The longest that a setting may last: ten years of 365 days.
const DURATION_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// The most calls that may wait at one worker.
const PENDING_CALLS_MAX: u32 = 1 << 24;

/// The most events that may wait for one subscriber.
const EVENTS_MAX: usize = 1 << 20;

/// A setting that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A duration is zero or longer than ten years.
    #[error("`{setting}` is {value:?}: it must be more than zero and at most {limit:?}", limit = DURATION_MAX)]
    Duration {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: Duration,
    },
    /// The number of waiting calls is zero or too large.
    #[error("`max_pending_calls_per_worker` is {value}: it must be 1 to {limit}", limit = PENDING_CALLS_MAX)]
    PendingCalls {
        /// Its value.
        value: u32,
    },
    /// The number of events that wait is zero or too large.
    #[error("`event_buffer` is {value}: it must be 1 to {limit}", limit = EVENTS_MAX)]
    EventBuffer {
        /// Its value.
        value: usize,
    },
    /// The restart policy breaks a rule of its own.
    #[error("`restart`: {0}")]
    Restart(PolicyError),
    /// The program is built with `panic = "abort"`, so that no panic of a function could be survived.
    #[error(
        "the program is built with `panic = \"abort\"`: a function's panic would end it; `allow_panic_abort` accepts that"
    )]
    PanicAbort,
    /// A stop would have no time to drain.
    #[error("`stop_timeout` is {stop_timeout:?}: it must be more than `overrun_grace`, {overrun_grace:?}")]
    StopTimeout {
        /// The time that a stop may take.
        stop_timeout: Duration,
        /// The part of it that running functions have to return.
        overrun_grace: Duration,
    },
}

/// Builds a [`Wpc`].
///
/// | setting | default | rule |
/// |---|---|---|
/// | `call_timeout` | 30 s | more than zero |
/// | `control_timeout` | 10 s | more than zero |
/// | `start_timeout` | 10 s | more than zero |
/// | `stop_timeout` | 10 s | more than `overrun_grace` |
/// | `overrun_grace` | 1 s | more than zero |
/// | `max_pending_calls_per_worker` | 10,000 | 1 to 16,777,216 |
/// | `restart` | [`RestartPolicy::on_failure`] | see [`RestartPolicy`] |
/// | `event_buffer` | 4,096 | 1 to 1,048,576 |
/// | `thread_start` | none | see [`ThreadStart`] |
/// | `panic_locations` | off | |
/// | `allow_panic_abort` | off | asked for in programs that are built with `panic = "abort"` |
///
/// No duration may be longer than ten years.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct WpcBuilder {
    settings: Settings,
}

impl Default for WpcBuilder {
    fn default() -> Self {
        let settings = Settings {
            clock: Clock::system(),
            call_timeout: Duration::from_secs(30),
            control_timeout: Duration::from_secs(10),
            start_timeout: Duration::from_secs(10),
            stop_timeout: Duration::from_secs(10),
            overrun_grace: Duration::from_secs(1),
            pending_calls_max: 10_000,
            restart: RestartPolicy::on_failure(),
            events_max: EVENT_BUFFER_DEFAULT,
            thread_start: None,
            panic_locations: false,
            allows_panic_abort: false,
            seed: rand::random(),
        };
        Self { settings }
    }
}

impl WpcBuilder {
    /// How long a call may take, waiting in a queue included, unless it says otherwise. Default 30 s.
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.settings.call_timeout = timeout;
        self
    }

    /// How long a define waits for workers at the most. Default 10 s. The define of a dependency fails then for workers
    /// that are still inside the library's `init`, and these are abandoned; workers inside a call are only left out.
    pub fn control_timeout(mut self, timeout: Duration) -> Self {
        self.settings.control_timeout = timeout;
        self
    }

    /// How long a start of the workers may take. Default 10 s.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.settings.start_timeout = timeout;
        self
    }

    /// How long a stop of the workers may take. Default 10 s. It drains for so long less the overrun grace: one that is little above the grace
    /// drains hardly anything.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.settings.stop_timeout = timeout;
        self
    }

    /// How long a function may go on after its call's deadline before the thread is abandoned and another one takes its
    /// place; a drop outside of a call may go on for up to twice as long. Default 1 s. A cancellation does not bring that
    /// forward; for a call without a deadline that is cancelled it counts from `call_timeout` later.
    pub fn overrun_grace(mut self, grace: Duration) -> Self {
        self.settings.overrun_grace = grace;
        self
    }

    /// How many calls may wait at each worker, besides the one that it runs. Default 10,000.
    pub fn max_pending_calls_per_worker(mut self, calls: u32) -> Self {
        self.settings.pending_calls_max = calls;
        self
    }

    /// Whether and when a lost worker is started again. Default: [`RestartPolicy::on_failure`]. The delays are for workers
    /// that end or do not start; one that was abandoned is replaced at once.
    pub fn restart(mut self, policy: RestartPolicy) -> Self {
        self.settings.restart = policy;
        self
    }

    /// How many events wait for each listener and subscription; beyond it the oldest go, and are counted. Default 4,096.
    pub fn event_buffer(mut self, events: usize) -> Self {
        self.settings.events_max = events;
        self
    }

    /// What has a say in the start of each worker's thread, and in how long it lives. Default: nothing.
    pub fn thread_start(mut self, start: impl ThreadStart) -> Self {
        self.settings.thread_start = Some(Arc::new(start));
        self
    }

    /// Whether a call that panicked tells where ([`CallError::Panicked`](crate::CallError::Panicked)). Default: it does not.
    ///
    /// The first pool that is to tell, when it is built, puts a panic hook before the process's own, for as long as the
    /// process lives: on a worker of such a pool it notes the place, and everywhere it calls the hook that was there. A
    /// hook that the program sets later takes its place: unless that one calls it too, no place is told. Nothing is
    /// put there while the building thread panics, since the hook cannot be changed then; the next pool does it.
    pub fn panic_locations(mut self, wanted: bool) -> Self {
        self.settings.panic_locations = wanted;
        self
    }

    /// Allows the pool in a program that is built with `panic = "abort"`, where a panic of any function ends the process:
    /// nothing catches it, and no call ends in `Panicked`. Everything else holds.
    pub fn allow_panic_abort(mut self) -> Self {
        self.settings.allows_panic_abort = true;
        self
    }

    /// What the pool's chances, the jitter of its restart delays, are drawn from. Default: a seed of the machine's own.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Where the pool takes its time from. Default: the machine's clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Checks the settings and builds the pool. No worker runs yet.
    ///
    /// # Errors
    ///
    /// [`BuildError`], naming the first setting that breaks its rule.
    pub fn build(self) -> Result<Wpc, BuildError> {
        let settings = &self.settings;
        let durations = [
            ("call_timeout", settings.call_timeout),
            ("control_timeout", settings.control_timeout),
            ("start_timeout", settings.start_timeout),
            ("stop_timeout", settings.stop_timeout),
            ("overrun_grace", settings.overrun_grace),
        ];
        for (setting, value) in durations {
            if value.is_zero() || value > DURATION_MAX {
                return Err(BuildError::Duration { setting, value });
            }
        }
        if settings.pending_calls_max == 0 || settings.pending_calls_max > PENDING_CALLS_MAX {
            return Err(BuildError::PendingCalls { value: settings.pending_calls_max });
        }
        if settings.events_max == 0 || settings.events_max > EVENTS_MAX {
            return Err(BuildError::EventBuffer { value: settings.events_max });
        }
        settings.restart.check().map_err(BuildError::Restart)?;
        if settings.stop_timeout <= settings.overrun_grace {
            let (stop_timeout, overrun_grace) = (settings.stop_timeout, settings.overrun_grace);
            return Err(BuildError::StopTimeout { stop_timeout, overrun_grace });
        }
        if cfg!(panic = "abort") && !settings.allows_panic_abort {
            return Err(BuildError::PanicAbort);
        }
        if settings.panic_locations {
            watch_locations();
        }
        Ok(Wpc::new(Pool::new(self.settings)))
    }
}
