//! [`Played`]: a run of a worker as a simulation plays it, one operation at a time and without its thread.
//!
//! Each operation is the code that the thread runs; what a function does and how long it takes is the simulation's.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::call::{Call, Definition, Hand, Job, Outcome, Phase, Reply, Trouble};
use crate::function::Host;
use crate::id::{Run, Version};
use crate::supervise::{ChildId, ExitNotice, Running, Start};
use crate::sync::{self, Held, Mutex};
use crate::value::Value;

use super::execute::{After, Started, Taken, fall, finish, start, take_up};
use super::inside::Worker;
use super::install::Fit;
use super::life::{come_into_step, get_up, leave, lie_down, next, recycle, return_abandoned, wind_up};
use super::slots::Slots;
use super::thread::Threads;

thread_local! {
    static IS_HERE: Cell<bool> = const { Cell::new(false) };
}

/// From here on the calling thread plays all others: nothing is dropped on a thread of its own.
pub(crate) fn play_here() {
    IS_HERE.set(true);
}

/// Whether the calling thread plays all others.
pub(super) fn is_here() -> bool {
    IS_HERE.get()
}

/// Begins runs that are played.
pub(crate) struct Stage {
    pub(crate) threads: Threads,
    pub(crate) begun: Arc<Begun>,
}

/// The runs that were begun and have not come yet.
#[derive(Default)]
pub(crate) struct Begun {
    runs: Mutex<Vec<Coming>>,
    /// Whether there is no thread to be had.
    pub(crate) is_short: AtomicBool,
}

struct Coming {
    slots: Arc<Slots>,
    at: usize,
    vacant: Hand,
    number: Run,
    notice: ExitNotice,
}

impl Begun {
    /// The runs that were begun since the last look.
    pub(crate) fn take(&self) -> Vec<Played> {
        std::mem::take(&mut *self.runs.lock()).into_iter().map(Played::new).collect()
    }

    /// That of the slot, if it was begun and not taken yet.
    #[cfg(wpc_loom)]
    pub(crate) fn take_of(&self, at: usize) -> Option<Played> {
        let mut runs = self.runs.lock();
        let place = runs.iter().position(|coming| coming.at == at)?;
        let coming = runs.swap_remove(place);
        drop(runs);
        Some(Played::new(coming))
    }
}

impl Start for Stage {
    fn start(&self, child: ChildId, run: Run, notice: ExitNotice) -> Result<Box<dyn Running>, String> {
        if self.begun.is_short.load(Ordering::Relaxed) {
            return Err("there is no thread".to_owned());
        }
        let (slots, at) = (Arc::clone(&self.threads.slots), child as usize);
        let vacant = slots.shift.loads[at].hand();
        self.begun.runs.lock().push(Coming { slots, at, vacant, number: run, notice });
        Ok(self.threads.run_of(child, run))
    }

    fn held(&self, child: ChildId) {
        self.threads.held(child);
    }

    fn has_room(&self) -> bool {
        self.threads.has_room()
    }

    fn gave_up(&self, child: ChildId) {
        self.threads.gave_up(child);
    }
}

/// What the thread is at.
enum At {
    Coming(Hand),
    Come,
    InStep,
    Between,
    Holding(Job),
    Taken(Taken),
    Running {
        reply: Reply,
        /// Its arguments, until its function has them.
        argument: Option<Value>,
    },
    Recycling,
    Parked {
        /// Whether a wake-up of its slot is its own.
        hears: bool,
        is_woken: bool,
    },
    Leaving {
        abandoned: bool,
    },
    WoundUp {
        left: bool,
    },
    Gone,
}

/// What the thread does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It takes its slot.
    Come,
    /// It takes the newest snapshot, and serves.
    Sync,
    /// It says that it is ready.
    Ready,
    /// It looks for a job, or whether it is to end, or sleeps.
    Look,
    /// It takes the job up that it has found.
    TakeUp,
    /// It starts it.
    Start,
    /// The function goes on until the simulation has it return.
    Return,
    /// It drops its state after a panic.
    Recycle,
    /// It sleeps until it is woken.
    GetUp,
    /// It drops its state.
    WindUp,
    /// It leaves its slot.
    Leave,
    /// Nothing more.
    Nothing,
}

/// One run, on a thread that is played.
pub(crate) struct Played {
    slots: Arc<Slots>,
    pub(crate) at: usize,
    /// The number that it was begun under.
    pub(crate) number: Run,
    notice: Option<ExitNotice>,
    worker: Option<Rc<Worker>>,
    /// The snapshot that it had at its end.
    last: Version,
    state: At,
}

impl Played {
    fn new(coming: Coming) -> Self {
        let Coming { slots, at, vacant, number, notice } = coming;
        let (notice, last, state) = (Some(notice), Version::default(), At::Coming(vacant));
        Self { slots, at, number, notice, worker: None, last, state }
    }

    pub(crate) fn next(&self) -> Next {
        match self.state {
            At::Coming(_) => Next::Come,
            At::Come => Next::Sync,
            At::InStep => Next::Ready,
            At::Between => Next::Look,
            At::Holding(_) => Next::TakeUp,
            At::Taken(_) => Next::Start,
            At::Running { .. } => Next::Return,
            At::Recycling => Next::Recycle,
            At::Parked { .. } => Next::GetUp,
            At::Leaving { .. } => Next::WindUp,
            At::WoundUp { .. } => Next::Leave,
            At::Gone => Next::Nothing,
        }
    }

    /// The call whose function runs.
    pub(crate) fn running(&self) -> Option<&Held<Call>> {
        if let At::Running { reply, .. } = &self.state { Some(reply.call()) } else { None }
    }

    /// The arguments of the function that runs, for the first who asks.
    pub(crate) fn take_argument(&mut self) -> Option<Value> {
        if let At::Running { argument, .. } = &mut self.state { argument.take() } else { None }
    }

    /// The call whose job it has found and not taken up.
    pub(crate) fn found(&self) -> Option<&Held<Call>> {
        if let At::Holding(job) = &self.state { Some(job.call()) } else { None }
    }

    /// Whether nobody has woken it since it went to sleep.
    pub(crate) fn sleeps(&self) -> bool {
        matches!(self.state, At::Parked { is_woken: false, .. })
    }

    /// Notes whether somebody has woken it in this step. Once it has been left behind nobody can any more: its slot wakes
    /// its successor.
    pub(crate) fn hear(&mut self) {
        if self.sleeps() {
            let (is_own, sleeps) = (self.is_own(), self.slots.all[self.at].is_sleeping());
            if let At::Parked { hears, is_woken } = &mut self.state {
                *is_woken = *hears && !sleeps;
                *hears = is_own;
            }
        }
    }

    /// The number that it goes by now.
    pub(crate) fn run(&self) -> Run {
        self.worker.as_ref().map_or(self.number, |worker| worker.hand.get().run)
    }

    /// Whether the slot is its own: it has not been left behind.
    pub(crate) fn is_own(&self) -> bool {
        self.worker.as_ref().is_some_and(|worker| !worker.is_abandoned())
    }

    /// Whether it is a run of a worker of these.
    pub(crate) fn is_of(&self, slots: &Slots) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.slots), slots)
    }

    /// The snapshot that it has; the last one, once it has let go of it at its end.
    pub(crate) fn version(&self) -> Version {
        let has = |worker: &Rc<Worker>| worker.snapshot.borrow().version;
        self.worker.as_ref().map_or(self.last, has).max(self.last)
    }

    /// Whether it has an instance of each dependency that the function requires.
    pub(crate) fn can_run(&self, definition: &Definition) -> bool {
        let has = |worker: &Rc<Worker>| {
            definition.dependencies.iter().all(|needed| worker.instances.has(needed.generation()))
        };
        self.worker.as_ref().is_some_and(has)
    }

    /// Whether there is a job that it could take.
    pub(crate) fn has_jobs(&self) -> bool {
        (0..self.slots.all.len()).any(|at| self.could_take(at, |_| true))
    }

    /// Whether such a call waits at the slot, and it could take the job.
    pub(crate) fn could_take(&self, at: usize, is_such: impl Fn(&Held<Call>) -> bool) -> bool {
        let Some(worker) = &self.worker else { return false };
        let mut found = false;
        self.slots.all[at].queue.for_each(|job| {
            let call = job.call();
            found |= call.is_queued() && is_such(call) && matches!(worker.fit(call), Fit::Ready);
        });
        found
    }

    /// Has the thread do what it does next, until somebody else could tell the difference. A function is to return by
    /// [`Played::finish`].
    pub(crate) fn go(&mut self) {
        self.state = match std::mem::replace(&mut self.state, At::Gone) {
            At::Coming(vacant) => self.come(vacant),
            At::Come => match come_into_step(self.worker()) {
                Ok(()) => At::InStep,
                Err(_) => At::Leaving { abandoned: true },
            },
            At::InStep => {
                self.notice().ready();
                At::Between
            }
            At::Between => self.look(),
            At::Holding(job) => match take_up(self.worker(), job) {
                Ok(taken) => At::Taken(taken),
                Err(after) => Self::after(after),
            },
            At::Taken(taken) => match start(self.worker(), taken) {
                Ok(Started { reply, argument }) => At::Running { reply, argument: Some(argument) },
                Err(after) => Self::after(after),
            },
            At::Recycling => {
                let worker = Rc::clone(self.worker());
                let kept = recycle(&worker, self.notice());
                if kept { At::Between } else { At::Leaving { abandoned: true } }
            }
            At::Parked { .. } => match get_up(self.worker()) {
                Ok(()) => At::Between,
                Err(_) => At::Leaving { abandoned: true },
            },
            At::Leaving { abandoned } => self.wind_up(abandoned),
            At::WoundUp { left } => self.end(left),
            at @ (At::Running { .. } | At::Gone) => at,
        };
    }

    /// The function that runs comes to this outcome.
    pub(crate) fn finish(&mut self, outcome: Outcome) {
        let At::Running { reply, .. } = std::mem::replace(&mut self.state, At::Gone) else {
            panic!("a function returns that runs");
        };
        if matches!(outcome.trouble(), Some(Trouble::Panicked(_))) {
            self.worker().taint();
        }
        self.state = Self::after(finish(self.worker(), reply, outcome));
    }

    /// The thread is lost: before it is ready, between two calls, or inside the one that it has started. False if it is
    /// at something else.
    pub(crate) fn lose(&mut self) -> bool {
        match std::mem::replace(&mut self.state, At::Gone) {
            At::Come | At::Between => {
                self.notice().failed("it is lost");
                self.state = At::Leaving { abandoned: false };
            }
            // It is lost as it begins: hardly anybody can have ended the call by then.
            At::Running { reply, .. } if !reply.call().is_decided() => {
                self.state = Self::after(fall(self.worker(), reply));
            }
            other => {
                self.state = other;
                return false;
            }
        }
        true
    }

    fn worker(&self) -> &Rc<Worker> {
        self.worker.as_ref().expect("a run that has come has its worker")
    }

    fn notice(&mut self) -> &mut ExitNotice {
        self.notice.as_mut().expect("a run that has not ended has its notice")
    }

    fn come(&mut self, vacant: Hand) -> At {
        let own = Hand { run: self.number, phase: Phase::Between, ..vacant };
        let load = &self.slots.shift.loads[self.at];
        let slot = &self.slots.all[self.at];
        let attended = load.move_hand(vacant, own).then(|| slot.attend(load, (own, sync::current())));
        let Some(shown) = attended.flatten() else { return At::WoundUp { left: false } };
        self.worker = Some(Rc::new(Worker::new(Arc::clone(&self.slots), self.at, own, shown)));
        At::Come
    }

    fn look(&mut self) -> At {
        let worker = self.worker();
        match next(worker) {
            Ok(Some(job)) => At::Holding(job),
            Ok(None) if worker.slot().is_stopping() => At::Leaving { abandoned: false },
            Ok(None) if lie_down(worker) => At::Parked { hears: true, is_woken: false },
            // It has met something that it is to do first.
            Ok(None) => match get_up(worker) {
                Ok(()) => At::Between,
                Err(_) => At::Leaving { abandoned: true },
            },
            Err(_) => At::Leaving { abandoned: true },
        }
    }

    fn after(after: After) -> At {
        match after {
            After::Continue => At::Between,
            After::Recycle => At::Recycling,
            After::Abandoned => At::Leaving { abandoned: true },
            After::Lost => At::Leaving { abandoned: false },
        }
    }

    fn wind_up(&mut self, abandoned: bool) -> At {
        let worker = Rc::clone(self.worker());
        self.last = self.version();
        let kept = wind_up(&worker, self.notice());
        At::WoundUp { left: kept && !abandoned }
    }

    fn end(&mut self, left: bool) -> At {
        let worker = self.worker.take();
        let left = left && worker.is_some_and(|worker| leave(&worker));
        let mut notice = self.notice.take().expect("a run ends once");
        if !left {
            return_abandoned(&self.slots, self.at, self.number, &mut notice);
        }
        self.slots.acknowledgements.notify();
        At::Gone
    }
}
