//! [`Readers`]: whoever reads the events, and counts them.

use crate::event::{Detail, Event, EventName, Subscription};

use super::violation::{Checked, Rule, Violation, ensure};
use super::world::{Count, World};

/// How many read at a time.
const READERS_MAX: usize = 2;

/// All of them.
#[derive(Default)]
pub(super) struct Readers {
    present: Vec<Reader>,
    /// How many events the markers told of that are gone.
    dropped: u64,
}

/// One of them.
struct Reader {
    subscription: Subscription,
    /// The number of the last event that it knows of.
    last: u64,
    /// How many events of each name in [`CALLS`] there were before it.
    before: [u64; CALLS.len()],
    /// How many of them it has read.
    read: [u64; CALLS.len()],
    /// How many events it has missed.
    missed: u64,
}

/// The events of calls.
const CALLS: [EventName; 4] = [
    EventName::CallExecutionFailed,
    EventName::CallTimedOut,
    EventName::CallCancelled,
    EventName::CallTargetMissing,
];

impl World {
    /// Somebody begins to read, or reads to the end and goes.
    pub(super) fn listen(&mut self) -> Result<bool, Violation> {
        if !self.plan.is_heard {
            return Ok(false);
        }
        let is_full = self.readers.present.len() >= READERS_MAX;
        if is_full || !self.readers.present.is_empty() && self.random.one_in(3) {
            let at = self.random.place(self.readers.present.len());
            self.read_to_end(at)?;
            drop(self.readers.present.swap_remove(at));
            return Ok(true);
        }
        let last = self.pool.bus().counts().emitted;
        let Ok(subscription) = self.pool.bus().subscribe() else {
            return ensure(false, Rule::Sound, || "nobody may read".to_owned()).map(|()| false);
        };
        let (before, read, missed) = (self.count.events(), [0; CALLS.len()], 0);
        self.readers.present.push(Reader { subscription, last, before, read, missed });
        Ok(true)
    }

    /// Somebody reads an event, or all that are there.
    pub(super) fn read_any(&mut self) -> Result<bool, Violation> {
        if self.readers.present.is_empty() {
            return Ok(false);
        }
        let at = self.random.place(self.readers.present.len());
        if self.random.one_in(4) {
            return self.read_to_end(at).map(|()| true);
        }
        let Some(event) = self.readers.present[at].subscription.try_next() else { return Ok(false) };
        self.read(at, &event).map(|()| true)
    }

    /// Everybody reads what is there, and goes: then all events that are gone have been told of.
    pub(super) fn dismiss_readers(&mut self) -> Checked {
        while let Some(at) = self.readers.present.len().checked_sub(1) {
            self.read_to_end(at)?;
            self.readers.present.truncate(at);
        }
        let (told, dropped) = (self.readers.dropped, self.pool.bus().counts().dropped);
        ensure(told == dropped, Rule::Events, || {
            format!("{dropped} events are gone, and {told} were told of")
        })
    }

    fn read_to_end(&mut self, at: usize) -> Checked {
        for event in self.readers.present[at].subscription.drain() {
            self.read(at, &event)?;
        }
        let (reader, emitted) = (&self.readers.present[at], self.pool.bus().counts().emitted);
        let Reader { last, before, read, missed, .. } = *reader;
        ensure(last == emitted, Rule::Events, || format!("{emitted} were emitted, and {last} is the last"))?;
        for (at, known) in self.count.events().into_iter().enumerate() {
            let (known, read) = (known - before[at], read[at]);
            ensure((read..=read + missed).contains(&known), Rule::Events, || {
                format!("{known} times {} were due, {read} were read, {missed} events missed", CALLS[at])
            })?;
        }
        Ok(())
    }

    fn read(&mut self, at: usize, event: &Event) -> Checked {
        let is_marker = event.event_name == EventName::EventsDropped;
        let gone =
            if is_marker { event.detail("dropped").and_then(Detail::as_number).unwrap_or(0) } else { 0 };
        self.readers.dropped += gone;
        let reader = &mut self.readers.present[at];
        let expected = reader.last + if is_marker { gone } else { 1 };
        reader.last = event.event_id;
        reader.missed += gone;
        if let Some(at) = CALLS.iter().position(|name| *name == event.event_name) {
            reader.read[at] += 1;
        }
        self.trace.add(format_args!("event {} {} ", event.event_id, event.event_name));
        ensure(event.event_id == expected, Rule::Events, || {
            format!("event {} {} comes where {expected} is due", event.event_id, event.event_name)
        })
    }
}

impl Count {
    /// How many events of each name in [`CALLS`] there must have been.
    fn events(&self) -> [u64; CALLS.len()] {
        [self.failed + self.panicked + self.worker_lost, self.timed_out, self.cancelled, self.missing]
    }
}
