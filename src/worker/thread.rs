//! The worker thread, and [`Threads`], which starts such threads for the supervisor.
//!
//! # Theory of operation
//!
//! The thread takes the newest snapshot, acknowledges it, says that it is ready, and then runs the first job of its own
//! queue, or of the longest other one, until there is none. It is woken from its park by a push, by a publication and by
//! a stop. Before it parks it sets its sleeping bit, fences, and looks once more at all of these. It ends when it is
//! asked to and has nothing to run, or when it finds that it was abandoned: then it touches nothing but its own state.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::call::{Hand, Phase, current};
use crate::function::fence;
use crate::id::Run;
use crate::registry::Snapshot;
use crate::supervise::{ChildId, ExitNotice, Mailbox, Running, Start};
use crate::sync;

use super::execute::{After, execute};
use super::inside::{Nest, Worker};
use super::slots::Slots;

/// Starts worker threads in the slots.
pub(crate) struct Threads {
    slots: Arc<Slots>,
}

impl Threads {
    pub(crate) fn new(slots: &Arc<Slots>, mailbox: &Mailbox) -> Self {
        slots.report_to(mailbox);
        Self { slots: Arc::clone(slots) }
    }
}

impl Start for Threads {
    fn start(&self, child: ChildId, run: Run, notice: ExitNotice) -> Result<Box<dyn Running>, String> {
        let slots = Arc::clone(&self.slots);
        let vacant = slots.shift.loads[child as usize].hand();
        let work = move || work(&slots, child as usize, (vacant, run), notice);
        let spawned = std::thread::Builder::new().name(format!("wpc-worker-{child}")).spawn(work);
        // The handle is let go: the run ends by its notice, and nobody could wait for what is stuck.
        spawned.map_err(|error| error.to_string())?;
        Ok(Box::new(ThreadRun { slots: Arc::clone(&self.slots), at: child as usize, run }))
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
}

/// The thread's life: it takes the slot as the hand left it, unless the run was abandoned before it came.
fn work(slots: &Arc<Slots>, at: usize, (vacant, run): (Hand, Run), mut notice: ExitNotice) {
    let came = slots.shift.loads[at].move_hand(vacant, Hand { run, phase: Phase::Between, ..vacant });
    if !came || !live(slots, at, run, &mut notice) {
        notice.was_abandoned();
        slots.counts.abandoned.fetch_sub(1, Ordering::AcqRel);
    }
    slots.acknowledgements.notify();
}

/// A worker's run, from its first look at the registry to the drop of its state; false if it was abandoned.
fn live(slots: &Arc<Slots>, at: usize, run: Run, notice: &mut ExitNotice) -> bool {
    let worker = Rc::new(Worker::new(Arc::clone(slots), at));
    let inside = current::enter(Rc::new(Nest(Rc::clone(&worker))));
    worker.slot().attend(sync::current(), run);
    worker.acknowledge();
    notice.ready();
    let was_asked = serve(&worker, notice);
    if worker.has_served.get() {
        notice.succeeded();
    }
    // While its state drops, the functions' own code may still ask for the worker. All of it goes before the hand is
    // gone, so that a drop that hangs can be left behind like a function that does.
    let kept = worker.clean(|| {
        worker.locals.clear();
        fence::drop_value(worker.snapshot.take());
        worker.locals.clear();
    });
    drop(inside);
    let left = was_asked && kept && worker.slot().leave(worker.load(), worker.hand.get());
    fence::drop_value(worker);
    left
}

/// Runs jobs until the worker is asked to end (true) or was abandoned (false).
fn serve(worker: &Rc<Worker>, notice: &mut ExitNotice) -> bool {
    loop {
        let own = worker.slot().queue.pop();
        let after = match own.or_else(|| worker.slots.take()) {
            Some(job) => execute(worker, job),
            None if worker.slot().is_stopping() => return true,
            None => {
                sleep(worker);
                After::Continue
            }
        };
        match after {
            After::Continue => {}
            After::Recycle => {
                notice.recycled(worker.hand.get().run);
                if !worker.clean(|| worker.locals.clear()) {
                    return false;
                }
            }
            After::Abandoned => return false,
        }
    }
}

/// Parks until there is something to do; takes what was published meanwhile.
fn sleep(worker: &Worker) {
    let slot = worker.slot();
    slot.lie_down();
    let has_news = || worker.has_news() || worker.slots.has_jobs() || slot.is_stopping();
    if !has_news() {
        worker.slots.shift.tell_quiet();
        sync::park(None);
    }
    slot.get_up();
    if let Some(superseded) = worker.adopt() {
        // If the run was abandoned meanwhile, the next move of the hand tells.
        let _ = worker.clean(|| worker.let_go(superseded));
    }
}

impl Worker {
    fn has_news(&self) -> bool {
        self.slots.registry.publication().version() != self.snapshot.borrow().version
    }

    /// Takes the newest snapshot, if there is a newer one, and acknowledges it. The one before comes back, to be let
    /// go of as user code.
    pub(super) fn adopt(&self) -> Option<Arc<Snapshot>> {
        if !self.has_news() {
            return None;
        }
        let newest = self.slots.registry.publication().newest();
        let superseded = self.snapshot.replace(newest);
        self.acknowledge();
        Some(superseded)
    }

    /// Drops a superseded snapshot, and what was converted from constants that are gone.
    pub(super) fn let_go(&self, superseded: Arc<Snapshot>) {
        let newest = Arc::clone(&self.snapshot.borrow());
        self.locals
            .prune(|name| newest.functions.contains_key(name), |name| newest.constants.contains_key(name));
        fence::drop_value(superseded);
    }

    fn acknowledge(&self) {
        let (version, digest) = {
            let snapshot = self.snapshot.borrow();
            (snapshot.version, snapshot.digest())
        };
        self.slot().acknowledge(version, digest);
        self.slots.acknowledgements.notify();
    }
}
