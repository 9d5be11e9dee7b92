//! [`Lives`]: how long each worker's thread lives, so that as many are lost as the plan has; and who counts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wpc::{Clock, Event, EventName, FunctionError, Run, ThreadLife, ThreadStart, WeakWpc, WorkerId};

use crate::control::settles;
use crate::ledger::{Flaw, Ledger};
use crate::plan::{Class, Plan};
use crate::random::Random;

/// Gives each thread a number of calls after which it ends.
///
/// Threads end for other reasons too, long before. So the lives are drawn as those of something that does not age are:
/// however often they are cut short, so many calls bring one loss.
pub(crate) struct Lives {
    pub(crate) plan: Plan,
    pub(crate) ledger: Arc<Ledger>,
    /// How many threads have started.
    pub(crate) threads: AtomicU64,
}

impl ThreadStart for Lives {
    fn start(&self, _: WorkerId, _: Run) -> Result<ThreadLife, FunctionError> {
        let thread = self.threads.fetch_add(1, Ordering::Relaxed);
        let losses =
            self.plan.of_class(Class::LostWorker).saturating_sub(self.ledger.struck(Class::LostWorker));
        if losses == 0 {
            return Ok(ThreadLife::endless());
        }
        let mut random = Random::of(self.plan.seed.rotate_left(32), thread);
        // A little too often, since nothing is lost once the last call is made.
        let mean = self.ledger.left() * 9 / 10 / losses;
        // A worker whose thread ended before its first call could be gone before its start is seen to have succeeded.
        let life = ThreadLife::calls(1 + decay(&mut random, mean));
        Ok(if random.below(2) == 0 { life } else { life.ending_inside_the_next() })
    }
}

/// How many turns pass until one comes up whose chance is 1 in `mean`, in steps of a sixteenth of it.
fn decay(random: &mut Random, mean: u64) -> u64 {
    let step = mean / 16 + 1;
    let mut steps = 0;
    while random.below(16) != 0 {
        steps += 1;
    }
    steps * step + random.below(step)
}

/// So many events wait for an ear that begins late.
const LATE_EVENTS: u64 = 50_000;

/// So long it waits for them at the most.
const LATE_MAX: Duration = Duration::from_secs(30);

/// Hears the pool's events: it counts the workers that are lost, and sees that no event is left out.
pub(crate) struct Ear {
    last: u64,
    begins_late: Option<(WeakWpc, Clock)>,
}

impl Ear {
    /// One that begins late, where a pool is given: the events wait meanwhile, and the process has the memory for as many from then
    /// on. Every reader falls behind at times; how far it ever did is what a long run's memory grows by.
    pub(crate) fn new(begins_late: Option<(WeakWpc, Clock)>) -> Self {
        Self { last: 0, begins_late }
    }

    pub(crate) fn hear(&mut self, event: &Event, ledger: &Ledger) {
        if let Some((wpc, clock)) = self.begins_late.take() {
            let emitted = || wpc.upgrade().map_or(u64::MAX, |wpc| wpc.stats().events);
            settles(&clock, LATE_MAX, || emitted() >= LATE_EVENTS);
        }
        let is_marker = event.event_name == EventName::EventsDropped;
        if !is_marker && event.event_id != self.last + 1 {
            ledger.accuse(Flaw::Unexpected, || format!("event {} follows {}", event.event_id, self.last));
        }
        self.last = event.event_id;
        let reason = || event.detail("reason").and_then(wpc::Detail::as_text);
        if event.event_name == EventName::WorkerExited && reason() == Some("lost") {
            ledger.strike(Class::LostWorker);
        }
        ledger.hear(event.event_id);
    }
}
