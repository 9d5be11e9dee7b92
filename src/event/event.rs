//! [`Event`]: what happened, as its readers see it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use serde::Serialize;

use crate::id::{CallId, WorkerId};

use super::name::{EventName, EventSource, Severity};

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// The number of this event in its pool, counted from 1 in the order of emission, without a gap. That of the
    /// marker `events_dropped` is the number of the last event that was dropped.
    pub event_id: u64,
    /// The worker that it is about.
    pub worker_id: Option<WorkerId>,
    /// Where it took place.
    pub source: EventSource,
    /// Which event it is.
    pub event_name: EventName,
    /// How much it matters.
    pub severity: Severity,
    /// When it was emitted, on the wall's clock, which may jump: order is what `event_id` is for.
    pub timestamp: SystemTime,
    /// The call that it belongs to.
    pub correlation_id: Option<CallId>,
    /// What went wrong.
    pub error: Option<EventError>,
    /// More facts. Which keys an event has stands in the table of [`EventName`].
    pub details: BTreeMap<&'static str, Detail>,
}

impl Event {
    /// The fact under `key`.
    pub fn detail(&self, key: &str) -> Option<&Detail> {
        self.details.get(key)
    }
}

impl fmt::Display for Event {
    /// One line: `17 worker_exited worker=0 exit_code=1 reason=lost run=1`, with the error last, in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.event_id, self.event_name)?;
        if let Some(worker) = self.worker_id {
            write!(f, " worker={worker}")?;
        }
        if let Some(call) = self.correlation_id {
            write!(f, " call={call}")?;
        }
        for (key, detail) in &self.details {
            write!(f, " {key}={detail}")?;
        }
        match &self.error {
            Some(error) => write!(f, " ({error})"),
            None => Ok(()),
        }
    }
}

/// What went wrong, as an event tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EventError {
    /// Which kind of failure it is.
    pub name: String,
    /// What it says.
    pub message: String,
    /// The code that a function gave its error, if it did.
    pub code: Option<String>,
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// One fact of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Detail {
    /// A name or a word.
    Text(String),
    /// A count, an identity or a length of time.
    Number(u64),
    /// Whether something holds.
    Flag(bool),
}

impl Detail {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Detail::Text(text) => Some(text),
            Detail::Number(_) | Detail::Flag(_) => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<u64> {
        match self {
            Detail::Number(number) => Some(*number),
            Detail::Text(_) | Detail::Flag(_) => None,
        }
    }

    /// The flag, if it is one.
    pub fn as_flag(&self) -> Option<bool> {
        match self {
            Detail::Flag(flag) => Some(*flag),
            Detail::Text(_) | Detail::Number(_) => None,
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Detail::Text(text) => f.write_str(text),
            Detail::Number(number) => write!(f, "{number}"),
            Detail::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

impl From<&str> for Detail {
    fn from(text: &str) -> Self {
        Detail::Text(text.to_owned())
    }
}

impl From<String> for Detail {
    fn from(text: String) -> Self {
        Detail::Text(text)
    }
}

impl From<u64> for Detail {
    fn from(number: u64) -> Self {
        Detail::Number(number)
    }
}

impl From<u32> for Detail {
    fn from(number: u32) -> Self {
        Detail::Number(number.into())
    }
}

impl From<bool> for Detail {
    fn from(flag: bool) -> Self {
        Detail::Flag(flag)
    }
}
