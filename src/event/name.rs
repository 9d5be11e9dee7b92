//! [`EventName`]: which events there are, and what each says by itself.

use std::fmt;

use serde::{Serialize, Serializer};

/// How much an event matters. The order is that of the variants: an error is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Of use to who looks for a fault.
    Debug,
    /// As it is meant to be.
    Info,
    /// Dealt with, but worth a look if it comes often.
    Warning,
    /// Something did not come about.
    Error,
}

impl Severity {
    /// The name in lower case: `debug`, `info`, `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Debug => "debug",
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where what an event tells took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventSource {
    /// A worker did it, or it befell one.
    Worker,
    /// The pool decided it, or did it for its caller.
    Parent,
}

impl EventSource {
    /// The name in lower case: `worker` or `parent`.
    pub fn as_str(self) -> &'static str {
        match self {
            EventSource::Worker => "worker",
            EventSource::Parent => "parent",
        }
    }
}

impl fmt::Display for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which event it is.
///
/// The severity is the usual one: an event may say that it is a graver case. Every event of a worker has its
/// `worker_id`, and every event of a call its `correlation_id`. Keys in brackets are there where there is something to say.
///
/// | event | source | severity | when | keys in `details` |
/// |---|---|---|---|---|
/// | `worker_spawned` | parent | info | a worker's thread was started | `run` |
/// | `worker_ready` | worker | info | the worker takes calls | `run` |
/// | `worker_health_state_changed` | parent | info | a worker's state is another one | `run`, `from`, `to` (`starting`, `ready`, `degraded`, `draining`, `stopped`, `backoff` or `gave up`) |
/// | `worker_error` | worker | error | a run was lost, was abandoned or could not be started; `error` says why | `run`, `reason` (as of `worker_exited`) |
/// | `worker_exited` | worker | info | a run ended | `run`, `reason` (`stopped`, `lost`, `abandoned` or `start failed`), \[`exit_code`\] (0: ended as asked, 1: lost; none for an abandoned thread, which has not ended) |
/// | `worker_recycled` | worker | warning | a caught panic gave the worker a new run | `run` (the new one), `reason` (`panicked`) |
/// | `worker_abandoned_thread_returned` | worker | info | a thread that was abandoned has returned and ended | `run` |
/// | `worker_restart_scheduled` | parent | info | a lost worker is to be started again | `run`, `restart_attempt`, `restart_delay_ms` |
/// | `worker_restart_completed` | parent | info | a worker that was started again is ready | `run`, `restart_attempt` |
/// | `worker_restart_failed` | parent | error | a worker that was started again failed to start | `run`, `restart_attempt` |
/// | `worker_restart_exhausted` | parent | error | a worker is not started again: it is given up after too many restarts, or waits until an abandoned thread returns (its next run is told of by `worker_spawned` then) | `run`, `reason` (`too many restarts` or `too many abandoned threads`), \[`restarts_max`\], \[`window_ms`\] |
/// | `worker_shutdown_requested` | parent | info | a stop asks the worker to end | `run` |
/// | `control_command_failed` | parent | error | a dependency was not installed: on all workers, or on one | `command` (`define_dependency` or `install_dependency`), `dependency`, \[`generation`\], \[`retry_delay_ms`\] |
/// | `dependency_installed` | worker | info | a worker has a dependency that it failed to install before | `dependency`, `generation` |
/// | `call_execution_failed` | worker | warning | a function failed or panicked, or its worker was lost | `function_name`, `reason` (`failed`, `panicked` or `lost`), `started`, \[`location`\] (of a panic) |
/// | `call_target_missing` | parent | warning | a call was rejected: its function, or something that it requires, is not there | `function_name`, `reason` (`not defined`, `missing requirement` or `not installed`) |
/// | `call_timed_out` | parent | warning | a call's deadline came first | `function_name`, `started` |
/// | `call_cancelled` | parent | info | a call was cancelled | `function_name`, `started` |
/// | `listener_dropped` | parent | error | a listener panicked for the third time and is called no more | `listener_id` |
/// | `events_dropped` | parent | warning | a marker in one reader's ring: events were dropped before it was read | `dropped` |
///
/// `started` is a flag; `run`, `generation`, `exit_code`, `restart_attempt`, `restarts_max`, `listener_id`, `dropped`
/// and what ends in `_ms` (milliseconds) are numbers; everything else is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EventName {
    /// `worker_spawned`
    WorkerSpawned,
    /// `worker_ready`
    WorkerReady,
    /// `worker_health_state_changed`
    WorkerHealthStateChanged,
    /// `worker_error`
    WorkerError,
    /// `worker_exited`
    WorkerExited,
    /// `worker_recycled`
    WorkerRecycled,
    /// `worker_abandoned_thread_returned`
    WorkerAbandonedThreadReturned,
    /// `worker_restart_scheduled`
    WorkerRestartScheduled,
    /// `worker_restart_completed`
    WorkerRestartCompleted,
    /// `worker_restart_failed`
    WorkerRestartFailed,
    /// `worker_restart_exhausted`
    WorkerRestartExhausted,
    /// `worker_shutdown_requested`
    WorkerShutdownRequested,
    /// `control_command_failed`
    ControlCommandFailed,
    /// `dependency_installed`
    DependencyInstalled,
    /// `call_execution_failed`
    CallExecutionFailed,
    /// `call_target_missing`
    CallTargetMissing,
    /// `call_timed_out`
    CallTimedOut,
    /// `call_cancelled`
    CallCancelled,
    /// `listener_dropped`
    ListenerDropped,
    /// `events_dropped`
    EventsDropped,
}

impl EventName {
    /// The name as the table of [`EventName`] has it.
    pub fn as_str(self) -> &'static str {
        match self {
            EventName::WorkerSpawned => "worker_spawned",
            EventName::WorkerReady => "worker_ready",
            EventName::WorkerHealthStateChanged => "worker_health_state_changed",
            EventName::WorkerError => "worker_error",
            EventName::WorkerExited => "worker_exited",
            EventName::WorkerRecycled => "worker_recycled",
            EventName::WorkerAbandonedThreadReturned => "worker_abandoned_thread_returned",
            EventName::WorkerRestartScheduled => "worker_restart_scheduled",
            EventName::WorkerRestartCompleted => "worker_restart_completed",
            EventName::WorkerRestartFailed => "worker_restart_failed",
            EventName::WorkerRestartExhausted => "worker_restart_exhausted",
            EventName::WorkerShutdownRequested => "worker_shutdown_requested",
            EventName::ControlCommandFailed => "control_command_failed",
            EventName::DependencyInstalled => "dependency_installed",
            EventName::CallExecutionFailed => "call_execution_failed",
            EventName::CallTargetMissing => "call_target_missing",
            EventName::CallTimedOut => "call_timed_out",
            EventName::CallCancelled => "call_cancelled",
            EventName::ListenerDropped => "listener_dropped",
            EventName::EventsDropped => "events_dropped",
        }
    }

    /// The usual severity of this event.
    pub fn severity(self) -> Severity {
        match self {
            EventName::WorkerSpawned
            | EventName::WorkerReady
            | EventName::WorkerHealthStateChanged
            | EventName::WorkerExited
            | EventName::WorkerAbandonedThreadReturned
            | EventName::WorkerRestartScheduled
            | EventName::WorkerRestartCompleted
            | EventName::WorkerShutdownRequested
            | EventName::DependencyInstalled
            | EventName::CallCancelled => Severity::Info,
            EventName::WorkerRecycled
            | EventName::CallExecutionFailed
            | EventName::CallTargetMissing
            | EventName::CallTimedOut
            | EventName::EventsDropped => Severity::Warning,
            EventName::WorkerError
            | EventName::WorkerRestartFailed
            | EventName::WorkerRestartExhausted
            | EventName::ControlCommandFailed
            | EventName::ListenerDropped => Severity::Error,
        }
    }

    /// Where what this event tells takes place.
    pub fn source(self) -> EventSource {
        match self {
            EventName::WorkerReady
            | EventName::WorkerError
            | EventName::WorkerExited
            | EventName::WorkerRecycled
            | EventName::WorkerAbandonedThreadReturned
            | EventName::DependencyInstalled
            | EventName::CallExecutionFailed => EventSource::Worker,
            EventName::WorkerSpawned
            | EventName::WorkerHealthStateChanged
            | EventName::WorkerRestartScheduled
            | EventName::WorkerRestartCompleted
            | EventName::WorkerRestartFailed
            | EventName::WorkerRestartExhausted
            | EventName::WorkerShutdownRequested
            | EventName::ControlCommandFailed
            | EventName::CallTargetMissing
            | EventName::CallTimedOut
            | EventName::CallCancelled
            | EventName::ListenerDropped
            | EventName::EventsDropped => EventSource::Parent,
        }
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EventName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = include_str!("name.rs");

    /// The rows of the table in the documentation: event, source, severity.
    fn rows() -> Vec<[&'static str; 3]> {
        let rows = SHOWN.lines().filter_map(|line| line.strip_prefix("/// | `"));
        rows.map(|row| {
            let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`'));
            [(); 3].map(|()| cells.next().expect("three cells"))
        })
        .collect()
    }

    #[test]
    fn the_table_says_what_the_code_says() {
        let rows = rows();
        // The enum has no hidden numbers: its last variant says how many there are.
        assert_eq!(rows.len(), EventName::EventsDropped as usize + 1);
        for (name, row) in NAMES.iter().zip(&rows) {
            assert_eq!(*row, [name.as_str(), name.source().as_str(), name.severity().as_str()]);
        }
    }

    #[test]
    fn a_name_is_its_variant_in_snake_case() {
        for name in NAMES {
            let mut snake = String::new();
            for c in format!("{name:?}").chars() {
                if c.is_ascii_uppercase() && !snake.is_empty() {
                    snake.push('_');
                }
                snake.push(c.to_ascii_lowercase());
            }
            assert_eq!(name.to_string(), snake);
        }
    }

    #[test]
    fn severities_and_sources_are_shown_in_lower_case() {
        let shown =
            [Severity::Debug, Severity::Info, Severity::Warning, Severity::Error].map(|it| it.to_string());
        assert_eq!(shown, ["debug", "info", "warning", "error"]);
        assert_eq!([EventSource::Worker, EventSource::Parent].map(|it| it.to_string()), ["worker", "parent"]);
    }

    #[test]
    fn severities_are_ordered() {
        assert!(Severity::Debug < Severity::Info);
        assert!(Severity::Info < Severity::Warning);
        assert!(Severity::Warning < Severity::Error);
    }

    const NAMES: [EventName; 20] = [
        EventName::WorkerSpawned,
        EventName::WorkerReady,
        EventName::WorkerHealthStateChanged,
        EventName::WorkerError,
        EventName::WorkerExited,
        EventName::WorkerRecycled,
        EventName::WorkerAbandonedThreadReturned,
        EventName::WorkerRestartScheduled,
        EventName::WorkerRestartCompleted,
        EventName::WorkerRestartFailed,
        EventName::WorkerRestartExhausted,
        EventName::WorkerShutdownRequested,
        EventName::ControlCommandFailed,
        EventName::DependencyInstalled,
        EventName::CallExecutionFailed,
        EventName::CallTargetMissing,
        EventName::CallTimedOut,
        EventName::CallCancelled,
        EventName::ListenerDropped,
        EventName::EventsDropped,
    ];
}
