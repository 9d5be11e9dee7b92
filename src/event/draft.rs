//! [`Draft`]: an event before it has its number and its time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::id::{CallId, WorkerId};

use super::event::{Detail, Event, EventError};
use super::name::{EventName, Severity};

/// An event that has no number and no time yet. Source and severity are its name's; each fact is added by value.
#[derive(Debug)]
pub(crate) struct Draft(Event);

impl Draft {
    pub(super) fn new(event_name: EventName) -> Self {
        Self(Event {
            event_id: 0,
            worker_id: None,
            source: event_name.source(),
            event_name,
            severity: event_name.severity(),
            timestamp: SystemTime::UNIX_EPOCH,
            correlation_id: None,
            error: None,
            details: BTreeMap::new(),
        })
    }

    pub(crate) fn worker(mut self, worker: WorkerId) -> Self {
        self.0.worker_id = Some(worker);
        self
    }

    pub(crate) fn call(mut self, call: CallId) -> Self {
        self.0.correlation_id = Some(call);
        self
    }

    pub(crate) fn error(mut self, name: impl Into<String>, message: impl Into<String>) -> Self {
        self.0.error = Some(EventError { name: name.into(), message: message.into(), code: None });
        self
    }

    /// The code of that error, if it has one.
    pub(crate) fn code(mut self, code: Option<&str>) -> Self {
        if let Some(error) = &mut self.0.error {
            error.code = code.map(str::to_owned);
        }
        self
    }

    pub(crate) fn detail(mut self, key: &'static str, detail: impl Into<Detail>) -> Self {
        self.0.details.insert(key, detail.into());
        self
    }

    /// Says that this case is graver, or less grave, than the name's own severity.
    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.0.severity = severity;
        self
    }

    pub(super) fn finish(mut self, event_id: u64, timestamp: SystemTime) -> Event {
        self.0.event_id = event_id;
        self.0.timestamp = timestamp;
        self.0
    }
}
