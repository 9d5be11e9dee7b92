//! The events of the run: they show when the worker that fails is back, and in the end what happened.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use wpc::{Event, EventName, SubscribeError, Subscription, Wpc};

use crate::{FAILING_WORKER, FAILS_AFTER};

/// How long the next event of a recovery may take; by default a lost worker is started again after 100 to 200 ms.
const EVENT_WAIT_MAX: Duration = Duration::from_secs(10);

/// The events from the beginning, in their order.
pub(crate) struct Trail {
    subscription: Subscription,
    events: Vec<Arc<Event>>,
}

impl Trail {
    pub(crate) fn begin(wpc: &Wpc) -> Result<Self, SubscribeError> {
        Ok(Self { subscription: wpc.subscribe()?, events: Vec::new() })
    }

    /// Waits until the worker that fails, which has run its last call, is back, and says so.
    pub(crate) fn await_recovery(&mut self, out: &mut impl Write) -> anyhow::Result<()> {
        while self.find(EventName::WorkerRestartCompleted).is_none() {
            let event = self.subscription.wait(EVENT_WAIT_MAX);
            self.events.push(event.context("the lost worker was not started again")?);
        }
        let scheduled = self.find(EventName::WorkerRestartScheduled);
        let delay = scheduled.and_then(|event| event.detail("restart_delay_ms")?.as_number());
        writeln!(
            out,
            "\nworker {FAILING_WORKER} was lost after {FAILS_AFTER} calls, and started again after {} ms",
            delay.context("a restart is scheduled before it is completed, with a delay")?,
        )?;
        Ok(())
    }

    /// Prints all events, the last ones of the stop among them.
    pub(crate) fn end(mut self, out: &mut impl Write) -> anyhow::Result<()> {
        self.events.extend(self.subscription.drain());
        if self.find(EventName::WorkerRestartScheduled).is_none() {
            writeln!(
                out,
                "worker {FAILING_WORKER} would have been lost after {FAILS_AFTER} calls; it had fewer"
            )?;
        }
        writeln!(out, "\nevent  worker  name")?;
        for event in &self.events {
            let worker = event.worker_id.map_or_else(|| "-".to_owned(), |worker| worker.to_string());
            write!(out, "{:>5}  {worker:>6}  {:<27}", event.event_id, event.event_name.as_str())?;
            for (key, detail) in &event.details {
                write!(out, " {key}={detail}")?;
            }
            match &event.error {
                Some(error) => writeln!(out, " ({error})")?,
                None => writeln!(out)?,
            }
        }
        Ok(())
    }

    /// The first event of that name which is about the worker that fails.
    fn find(&self, name: EventName) -> Option<&Event> {
        let of_worker = |event: &&Arc<Event>| event.worker_id.is_some_and(|id| id.index() == FAILING_WORKER);
        self.events.iter().filter(of_worker).find(|event| event.event_name == name).map(Arc::as_ref)
    }
}
