//! The life of a worker thread, from its start to the drop of its state.
//!
//! # Theory of operation
//!
//! The thread runs its start, takes the newest snapshot, builds an instance of each dependency, acknowledges, says that
//! it is ready, and then runs the first job of its own queue, or of another one (`find`), until there is none. Between
//! two jobs it builds what is staged, what was published and what failed before. It is woken from its park by a push, by
//! a publication, by a stage, by the time of another try, and by a stop. Before it parks it sets its sleeping bit,
//! fences, and looks once more at all of these. It ends when it is asked to and has nothing to run, when its life is over,
//! or when it finds that it was abandoned: then it touches nothing but its own state.

use std::rc::Rc;
use std::sync::Arc;

use crate::call::{Hand, Job, Phase, current};
use crate::event::EventName;
use crate::fence;
use crate::function::Host as _;
use crate::id::Run;
use crate::plant::Plant;
use crate::supervise::ExitNotice;
use crate::sync;

use super::execute::{After, execute};
use super::inside::Worker;
use super::install::Abandoned;
use super::nest::Nest;
use super::queue::Next;
use super::slots::Slots;

/// How a run comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// It was asked to.
    Asked,
    /// Its start failed, or its life is over.
    Lost,
    /// It was left behind.
    Abandoned,
}

impl From<Abandoned> for Leaving {
    fn from(_: Abandoned) -> Self {
        Self::Abandoned
    }
}

/// The thread's life: it takes the slot as the hand left it, unless the run was abandoned before it came.
pub(super) fn live(slots: &Arc<Slots>, at: usize, (vacant, number): (Hand, Run), mut notice: ExitNotice) {
    let own = Hand { run: number, phase: Phase::Between, ..vacant };
    let came = slots.shift.loads[at].move_hand(vacant, own);
    if !came || !run(slots, at, own, &mut notice) {
        return_abandoned(slots, at, number, &mut notice);
    }
    slots.acknowledgements.notify();
}

/// The thread of a run that was abandoned comes to its end.
pub(super) fn return_abandoned(slots: &Slots, at: usize, number: Run, notice: &mut ExitNotice) {
    notice.was_abandoned();
    slots.counts.returned();
    let worker = slots.all[at].id;
    slots.shift.bus.emit(EventName::WorkerAbandonedThreadReturned, |draft| {
        draft.worker(worker).detail("run", number.get())
    });
}

/// A worker's run, from its start to the drop of its state; false if it was abandoned.
fn run(slots: &Arc<Slots>, at: usize, own: Hand, notice: &mut ExitNotice) -> bool {
    let attending = (own, sync::current());
    let Some(shown) = slots.all[at].attend(&slots.shift.loads[at], attending) else { return false };
    let worker = Rc::new(Worker::new(Arc::clone(slots), at, own, shown));
    let inside = current::enter(Rc::new(Nest(Rc::clone(&worker))));
    let leaving = match begin(&worker, own.run, notice) {
        Ok(()) => serve(&worker, notice),
        Err(leaving) => leaving,
    };
    let kept = wind_up(&worker, notice);
    drop(inside);
    let left = leaving != Leaving::Abandoned && kept && leave(&worker);
    fence::drop_value(worker);
    left
}

/// The run leaves its slot; false if it has been abandoned before.
pub(super) fn leave(worker: &Worker) -> bool {
    let left = worker.slot().leave(worker.load(), worker.hand.get());
    if left {
        worker.slots.hand_on();
    }
    left
}

/// Drops the state of a run that ends; false if it has been abandoned.
pub(super) fn wind_up(worker: &Worker, notice: &mut ExitNotice) -> bool {
    if worker.has_served.get() {
        notice.succeeded();
    }
    // While its state drops, the functions' own code may still ask for the worker. All of it goes before the hand is
    // gone, so that a drop that hangs can be left behind like a function that does.
    worker.clean(|| {
        worker.locals.clear();
        worker.instances.clear();
        fence::drop_value(worker.superseded.take());
        fence::drop_value(worker.snapshot.take());
        worker.locals.clear();
    })
}

/// Makes the worker ready: its thread's own start, then every dependency of the newest snapshot. The supervisor's
/// `start_timeout` holds for all of it.
fn begin(worker: &Rc<Worker>, run: Run, notice: &mut ExitNotice) -> Result<(), Leaving> {
    prepare(worker, run, notice)?;
    come_into_step(worker)?;
    notice.ready();
    Ok(())
}

/// Builds every dependency of the newest snapshot, acknowledges it and serves.
pub(super) fn come_into_step(worker: &Worker) -> Result<(), Abandoned> {
    worker.install_published(worker.slots.sync_deadline())?;
    while worker.take_newest() {
        worker.let_go()?;
        worker.install_published(worker.slots.sync_deadline())?;
    }
    worker.has_uninstalled.set(false);
    worker.leave_stage();
    worker.acknowledge();
    if !worker.slot().serve(worker.load(), worker.hand.get()) {
        return Err(Abandoned);
    }
    worker.slots.acknowledgements.notify();
    if worker.slot().installed.has_failures() {
        // What waited for this worker may wait for nobody now.
        worker.slots.end_unservable();
    }
    Ok(())
}

/// Runs what has a say in the thread's start.
fn prepare(worker: &Rc<Worker>, run: Run, notice: &mut ExitNotice) -> Result<(), Leaving> {
    let Some(start) = &worker.slots.terms().thread_start else { return Ok(()) };
    let mut started = Err(String::new());
    // The error is a user's value: its text is taken, and it is dropped, where user code runs.
    let begin = || {
        start.start(worker.slot().id, run).map_err(|error| {
            let text = error.to_string();
            fence::drop_value(error);
            text
        })
    };
    if !worker.prepare(|| started = fence::run(begin)) {
        return Err(Leaving::Abandoned);
    }
    let why = match started {
        Ok(Ok(life)) => {
            worker.life.set(life);
            return Ok(());
        }
        Ok(Err(error)) => error,
        Err(message) => format!("its start panicked: {message}"),
    };
    notice.failed(&why);
    Err(Leaving::Lost)
}

/// Runs jobs until the run ends.
fn serve(worker: &Rc<Worker>, notice: &mut ExitNotice) -> Leaving {
    loop {
        if worker.life.get().is_over(worker.calls.get()) {
            notice.failed("its thread ended after the calls that its `ThreadStart` gave it");
            return Leaving::Lost;
        }
        let after = match next(worker) {
            Ok(Some(job)) => execute(worker, job),
            Ok(None) if worker.slot().is_stopping() => return Leaving::Asked,
            Ok(None) if sleep(worker).is_ok() => After::Continue,
            Ok(None) | Err(Abandoned) => After::Abandoned,
        };
        match after {
            After::Continue => {}
            After::Recycle => {
                if !recycle(worker, notice) {
                    return Leaving::Abandoned;
                }
            }
            After::Abandoned => return Leaving::Abandoned,
            After::Lost => {
                notice.failed("its thread ended inside a call, as its `ThreadStart` had said");
                return Leaving::Lost;
            }
        }
    }
}

/// The first job that the worker can run, after what has to be installed; none if there is none.
pub(super) fn next(worker: &Worker) -> Result<Option<Job>, Abandoned> {
    loop {
        worker.let_go()?;
        if worker.has_installs() {
            worker.install_all()?;
        }
        match find(worker) {
            Next::Job(job) => return Ok(Some(job)),
            Next::Nothing => return Ok(None),
            // The job stays where it is meanwhile: others may take it, and it may expire.
            Next::Install(dependency) => worker.install(&dependency, worker.slots.control_deadline())?,
        }
    }
}

/// The first job of its own queue, or else of another one. Where calls are not short, whoever waits behind a long one elsewhere, and
/// came first, goes first.
fn find(worker: &Worker) -> Next {
    let passed_by = if worker.is_hurried.get() { None } else { worker.slots.passed_by(worker) };
    if passed_by.is_some() {
        let found = worker.slots.next_of_others(worker, passed_by);
        if matches!(found, Next::Job(_)) {
            // Whoever was woken for this job finds another one now, which it may not be able to run.
            worker.slots.look_soon(worker.slot());
        }
        if !matches!(found, Next::Nothing) {
            return found;
        }
    }
    match worker.slot().queue.next(|call| worker.fit(call), |call| worker.take(call)) {
        Next::Nothing => worker.slots.next_of_others(worker, None),
        own => own,
    }
}

/// A function panicked: the worker goes on under another run number, without its local state and its instances.
pub(super) fn recycle(worker: &Worker, notice: &mut ExitNotice) -> bool {
    let run = worker.hand.get().run;
    notice.recycled(run);
    let kept = worker.clean(|| {
        worker.locals.clear();
        worker.instances.clear();
    });
    if kept {
        let slot = worker.slot();
        slot.as_own(worker.load(), worker.hand.get(), || slot.installed.begin());
        worker.has_uninstalled.set(true);
        let id = worker.slot().id;
        worker.slots.shift.bus.emit(EventName::WorkerRecycled, |draft| {
            draft.worker(id).detail("run", run.get()).detail("reason", "panicked")
        });
    }
    kept
}

/// Parks until there is something to do; takes what was published meanwhile.
fn sleep(worker: &Worker) -> Result<(), Abandoned> {
    let has_jobs = worker.rest.wait(worker.clock(), || worker.has_jobs(), || worker.slots.is_crowded());
    // The rest costs more than a look for jobs, and is asked at the end only: whoever has it for a worker that is awake can wait for so long.
    if !has_jobs && !has_news(worker) && lie_down(worker) {
        sync::park(None);
    }
    get_up(worker)
}

/// Whether there is anything that a worker without a job has to see to.
fn has_news(worker: &Worker) -> bool {
    worker.is_abandoned()
        || worker.has_news()
        || worker.has_installs()
        || worker.instances.have_superseded()
        || worker.slots.has_jobs_for(worker)
        || worker.slot().is_stopping()
}

/// Says that the worker is about to sleep, and looks once more at whatever could have woken it; true if it may park.
pub(super) fn lie_down(worker: &Worker) -> bool {
    let slot = worker.slot();
    slot.as_own(worker.load(), worker.hand.get(), || slot.lie_down());
    let has_news = !Plant::SleepsUnseen.is_planted() && has_news(worker);
    if !has_news && !Plant::SleepsUntold.is_planted() {
        worker.slots.shift.tell_quiet();
    }
    !has_news
}

/// Takes what was published while it slept.
pub(super) fn get_up(worker: &Worker) -> Result<(), Abandoned> {
    let slot = worker.slot();
    if slot.is_sleeping() {
        slot.as_own(worker.load(), worker.hand.get(), || slot.get_up());
    }
    if worker.is_abandoned() {
        return Err(Abandoned);
    }
    worker.load().note_core();
    worker.adopt();
    worker.let_go()
}
