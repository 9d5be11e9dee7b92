//! [`Sequence`]: what one reader has seen of the events' numbers: each of them, or a marker for those that were dropped.

use wpc::{Detail, Event, EventName};

/// One reader's numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sequence {
    /// The number of the last event, or the last that a marker stands for.
    pub(crate) last: u64,
    /// Events that were read.
    pub(crate) read: u64,
    /// Events that markers stand for.
    pub(crate) dropped: u64,
    /// How often the numbers did not go on as they should.
    pub(crate) gaps: u64,
}

impl Sequence {
    /// For a reader of what comes after this number.
    pub(crate) fn after(last: u64) -> Self {
        Self { last, read: 0, dropped: 0, gaps: 0 }
    }

    /// Takes note of the next event that is read.
    pub(crate) fn read(&mut self, event: &Event) {
        let dropped = match event.event_name {
            EventName::EventsDropped => event.detail("dropped").and_then(Detail::as_number),
            _ => None,
        };
        match dropped {
            Some(dropped) => self.dropped += dropped,
            None => self.read += 1,
        }
        self.gaps += u64::from(event.event_id != self.last + dropped.unwrap_or(1));
        self.last = event.event_id;
    }
}
