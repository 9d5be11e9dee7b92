//! [`Threads`]: the supervisor's adapter for worker threads. What such a thread does is in `life`.

use std::sync::Arc;

use crate::id::Run;
use crate::supervise::{ChildId, ExitNotice, Mailbox, Running, Start};
use crate::sync;

use super::life;
use super::slots::Slots;

/// Starts worker threads in the slots.
pub(crate) struct Threads {
    pub(super) slots: Arc<Slots>,
}

impl Threads {
    pub(crate) fn new(slots: &Arc<Slots>, mailbox: &Mailbox) -> Self {
        slots.shift.mailbox.get_or_init(|| mailbox.clone());
        slots.counts.report_to(mailbox);
        Self { slots: Arc::clone(slots) }
    }

    /// A run that has begun, as the supervisor holds it.
    pub(super) fn run_of(&self, child: ChildId, run: Run) -> Box<dyn Running> {
        Box::new(ThreadRun { slots: Arc::clone(&self.slots), at: child as usize, run })
    }
}

impl Start for Threads {
    fn start(&self, child: ChildId, run: Run, notice: ExitNotice) -> Result<Box<dyn Running>, String> {
        let slots = Arc::clone(&self.slots);
        let vacant = slots.shift.loads[child as usize].hand();
        let work = move || life::live(&slots, child as usize, (vacant, run), notice);
        let spawned = sync::spawn(format!("wpc-worker-{child}"), work);
        // The handle is let go: the run ends by its notice, and nobody could wait for what is stuck.
        spawned.map_err(|error| error.to_string())?;
        Ok(self.run_of(child, run))
    }

    fn held(&self, child: ChildId) {
        self.slots.all[child as usize].hold();
    }

    fn has_room(&self) -> bool {
        self.slots.may_replace()
    }

    fn gave_up(&self, child: ChildId) {
        self.slots.lose(&self.slots.all[child as usize]);
    }
}

/// A started worker thread, as the supervisor holds it.
struct ThreadRun {
    slots: Arc<Slots>,
    at: usize,
    run: Run,
}

impl Running for ThreadRun {
    fn request_stop(&self) {
        self.slots.all[self.at].request_stop();
    }

    fn kill(&self) {
        let slot = &self.slots.all[self.at];
        if let Some(run) = slot.abandon(self.slots.load(slot), &self.slots.counts, self.run) {
            self.slots.abandoned(slot, &run);
        }
    }

    fn newest(&self) -> Run {
        let run = self.slots.load(&self.slots.all[self.at]).hand().run;
        if run.is_since(self.run) { run } else { self.run }
    }

    fn is_overrun(&self) -> bool {
        self.slots.load(&self.slots.all[self.at]).see().overdue
    }
}
