//! [`Slots`]: all slots of one shift, and what their workers share.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::call::{Call, Definition, End, Job, Load, Phase, Rescue, Round, Scan, Shift};
use crate::clock::Moment;
use crate::function::{Host as _, InstanceError};
use crate::id::{Version, WorkerId};
use crate::plant::{Plant, SpeedRule};
use crate::registry::Registry;
use crate::supervise::{ChildId, Departure, Mailbox, RestartPolicy, RunEnd};
use crate::sync::{AtomicU64, Mutex, Signal};

use super::inside::Worker;
use super::install::Fit;
use super::installed::Failure;
use super::queue::Next;
use super::reaper::Reaper;
use super::register::Installing;
use super::slot::{AbandonedRun, Slot};
use super::stage::Staging;
use super::start::ThreadStart;

/// So many abandoned threads may be out at least; more where there are more workers.
const ABANDONED_MIN: usize = 4;

/// After so long the timekeeper looks at what was left behind a short function.
const RESCUE_AFTER: Duration = Duration::from_millis(1);

/// A call that has run for so long is passed by: others take what waits behind it before they take what came later.
const LONG: Duration = Duration::from_millis(1);

/// Counts that a pool keeps over every stop and start.
#[derive(Default)]
pub(crate) struct Counts {
    /// Calls that were not accepted.
    pub(crate) rejected: AtomicU64,
    /// Threads that were abandoned and have not ended.
    pub(crate) abandoned: AtomicU64,
    /// Threads that were ever abandoned.
    pub(crate) abandoned_ever: AtomicU64,
    pub(crate) reaper: Reaper,
    /// The supervisor of the workers that there are now: it is told when an abandoned thread has returned.
    supervisor: Mutex<Option<Mailbox>>,
}

impl Counts {
    pub(crate) fn report_to(&self, supervisor: &Mailbox) {
        *self.supervisor.lock() = Some(supervisor.clone());
    }

    /// An abandoned thread has returned.
    pub(super) fn returned(&self) {
        self.abandoned.fetch_sub(1, Ordering::AcqRel);
        let supervisor = self.supervisor.lock().clone();
        if let Some(supervisor) = supervisor {
            supervisor.look();
        }
    }
}

/// The slots from one start to the stop after it.
pub(crate) struct Slots {
    pub(crate) all: Box<[Slot]>,
    pub(crate) shift: Arc<Shift>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) counts: Arc<Counts>,
    /// Notified when a worker has acknowledged a version or said something of a stage, and when one serves no more.
    pub(crate) acknowledgements: Signal,
    terms: WorkerTerms,
    pub(super) staging: Staging,
}

/// What the pool's settings say of workers.
#[derive(Clone)]
pub(crate) struct WorkerTerms {
    /// How many calls may wait or run at one slot.
    pub(crate) calls_max: usize,
    /// How long an installation may take.
    pub(crate) control_timeout: Duration,
    /// How long a start may take.
    pub(crate) start_timeout: Duration,
    /// By whose delays a failed installation is tried again.
    pub(crate) restart: RestartPolicy,
    /// What has a say in the start of each thread.
    pub(crate) thread_start: Option<Arc<dyn ThreadStart>>,
    /// Whether a call that panicked tells where.
    pub(crate) panic_locations: bool,
    /// How many threads the machine runs at a time.
    pub(crate) cores: usize,
}

impl Slots {
    pub(crate) fn new(
        shift: Arc<Shift>,
        registry: Arc<Registry>,
        counts: Arc<Counts>,
        terms: WorkerTerms,
    ) -> Self {
        let all = shift.loads.iter().map(|load| Slot::new(&shift, load.slot(), terms.calls_max)).collect();
        Self {
            all,
            shift,
            registry,
            counts,
            acknowledgements: Signal::default(),
            terms,
            staging: Staging::default(),
        }
    }

    pub(super) fn terms(&self) -> &WorkerTerms {
        &self.terms
    }

    /// When an installation that begins now is left behind.
    pub(super) fn control_deadline(&self) -> Option<Instant> {
        self.shift.clock.now().checked_add(self.terms.control_timeout)
    }

    pub(crate) fn load(&self, slot: &Slot) -> &Load {
        &self.shift.loads[slot.id.index()]
    }

    /// Each slot with its load.
    pub(crate) fn with_loads(&self) -> impl Iterator<Item = (&Slot, &Load)> {
        self.all.iter().zip(&self.shift.loads)
    }

    /// Puts the call into a slot's queue and wakes a worker for it, if one sleeps: the slot's own, or else another,
    /// which takes the job.
    /// The slot was chosen at `now`.
    pub(crate) fn push(
        &self,
        slot: &Slot,
        (call, job): (&Call, Job),
        now: Moment,
    ) -> Result<(), super::Closed> {
        let withdraw = |_: &super::Closed| self.load(slot).withdraw();
        let shells = slot.queue.push(job).inspect_err(withdraw)?;
        if !Plant::PushesUnfenced.is_planted() {
            crate::sync::full_fence_after_swap();
        }
        if !slot.wake() {
            self.leave(slot, call, now);
        }
        self.shift.arm_fenced(call.watch_until());
        for shell in shells {
            crate::fence::drop_value(shell);
        }
        // The one worker that had what it requires may have lost it since the choice.
        if self.obstacle(&call.definition).is_some() {
            self.end_unservable();
        }
        Ok(())
    }

    /// The call is left to a worker that is awake. A worker that sleeps is woken for it, but not for a short function, unless
    /// that worker is stuck in what it runs; that is seen by whoever submits next, by the caller as it parks, or by the timekeeper.
    fn leave(&self, slot: &Slot, call: &Call, now: Moment) {
        if !call.definition.pace.is_short() {
            self.wake_one(&call.definition);
        } else if !SpeedRule::Rescue.is_off() && self.all.iter().any(Slot::is_sleeping) {
            // Whatever is in flight there now: its worker may just be taking another slot's job.
            let shift = &self.shift;
            if slot.is_stuck(self.load(slot), now) {
                self.wake_one(&call.definition);
            } else if !Plant::LeavesUnwatched.is_planted() {
                shift.arm_fenced(now.after(RESCUE_AFTER));
            }
        }
    }

    /// Whether there is a core for each worker that is awake, and none to spare: whoever waits awake leaves it to others then.
    pub(super) fn is_crowded(&self) -> bool {
        let awake = self.all.iter().filter(|slot| slot.is_serving() && !slot.is_sleeping());
        awake.count() >= self.terms.cores
    }

    /// Has the timekeeper look, in a while, at what lies behind what the slot's worker begins now. A full fence lies between that
    /// and this.
    pub(super) fn look_soon(&self, slot: &Slot) {
        if !slot.queue.is_empty() {
            self.shift.arm_fenced(self.shift.clock.moment().after(RESCUE_AFTER));
        }
    }

    /// Has a worker that sleeps take what waits behind something that goes on and on.
    fn rescue_at(&self, slot: &Slot, round: &mut Round) {
        if SpeedRule::Rescue.is_off() {
            return;
        }
        // Under the queue's lock: whatever is looked at is not held here, and so never dropped here.
        let for_whom = |call: &Call| {
            let is_fit = |other: &Slot| other.is_sleeping() && !other.lacks(&call.definition);
            self.all.iter().position(is_fit)
        };
        let Some(sleeper) = slot.queue.find(for_whom) else { return };
        if slot.is_stuck(self.load(slot), self.shift.clock.moment_of(round.now())) {
            self.all[sleeper].wake();
        }
        if let Some(look_at) = round.now().checked_add(RESCUE_AFTER) {
            round.is_due(look_at);
        }
    }

    /// Wakes a worker that can run the function, if one sleeps; else those that cannot: whoever has been woken for another
    /// call may take this one first, and leave that one to them.
    fn wake_one(&self, definition: &Definition) {
        let is_woken = self.all.iter().any(|slot| !slot.lacks(definition) && slot.wake());
        if !is_woken && !definition.dependencies.is_empty() {
            self.wake_all();
        }
    }

    pub(crate) fn wake_all(&self) {
        for slot in &self.all {
            slot.wake();
        }
    }

    /// The slot whose first job comes before the worker's own first one, by priority and then by age, where it waits behind a call that
    /// goes on and on: who came later would pass it by.
    pub(super) fn passed_by(&self, worker: &Worker) -> Option<&Slot> {
        let others = || self.with_loads().filter(|(slot, _)| slot.id != worker.slot().id);
        if SpeedRule::Taking.is_off() || others().all(|(slot, _)| slot.queue.is_empty()) {
            return None;
        }
        let turn = |slot: &Slot| slot.queue.turn(|call| worker.fit(call));
        let (own, now) = (turn(worker.slot())?, worker.clock().moment());
        let behind =
            others().filter(|(_, load)| load.runs_since().is_some_and(|since| now.since(since) >= LONG));
        let first = behind.filter_map(|(slot, _)| Some((turn(slot)?, slot))).min_by_key(|(rank, _)| *rank);
        first.filter(|(rank, _)| *rank < own).map(|(_, slot)| slot)
    }

    /// What the worker is to do next with jobs of others: of this one's, or of the longest queue that has something for it.
    pub(super) fn next_of_others(&self, worker: &Worker, slot: Option<&Slot>) -> Next {
        let fit = |call: &Call| {
            if Plant::TakingIgnoresEligibility.is_planted() { Fit::Ready } else { worker.fit(call) }
        };
        if SpeedRule::Taking.is_off() {
            return Next::Nothing;
        }
        if let Some(slot) = slot {
            return slot.queue.next(fit, |call| worker.take(call));
        }
        let longest = self.all.iter().max_by_key(|slot| slot.queue.len());
        for slot in longest.into_iter().chain(&self.all) {
            match slot.queue.next(fit, |call| worker.take(call)) {
                Next::Nothing => {}
                found => return found,
            }
        }
        Next::Nothing
    }

    /// Whether there is a job that the worker can run, or could with something installed.
    pub(super) fn has_jobs_for(&self, worker: &Worker) -> bool {
        if SpeedRule::Taking.is_off() {
            return worker.has_jobs();
        }
        if !worker.slot().installed.has_failures() {
            return self.all.iter().any(|slot| !slot.queue.is_empty());
        }
        self.all.iter().any(|slot| slot.queue.has_next(|call| worker.fit(call)))
    }

    /// Tells the supervisor of an abandoned run, which replaces it while fewer are out than there may be.
    pub(super) fn abandoned(&self, slot: &Slot, run: &AbandonedRun) {
        if let Some(Installing { dependency, stage, .. }) = &run.hung {
            match stage {
                Some(stage) => stage.report(slot.id, Err(InstanceError::Hung)),
                None => self.install_failed(slot, Failure::new(dependency, InstanceError::Hung)),
            }
        }
        self.acknowledgements.notify();
        self.hand_on();
        if let Some(mailbox) = self.shift.mailbox.get() {
            let child: ChildId = slot.id.0;
            let end = RunEnd::Abandoned { may_replace: self.may_replace() };
            let why = run.hung.as_ref().map(|hung| {
                format!("the init of dependency `{}` did not return in time", hung.dependency.alias).into()
            });
            mailbox.exited(child, Departure { run: run.started_as, last: run.last, end, why });
        }
    }

    /// A run has ended, perhaps after it was woken for what waits somewhere and before it took it: others look.
    pub(super) fn hand_on(&self) {
        // What was pushed before its submitter saw this run awake is seen here.
        crate::sync::full_fence();
        if self.all.iter().any(|slot| !slot.queue.is_empty()) && !Plant::EndsUnseen.is_planted() {
            self.wake_all();
        }
    }

    /// When a library's `init` is left behind that runs before a worker is ready: early enough for its successor to be
    /// ready in time, without that library.
    pub(super) fn sync_deadline(&self) -> Option<Instant> {
        let limit = self.terms.control_timeout.min(self.terms.start_timeout / 2);
        self.shift.clock.now().checked_add(limit)
    }

    /// Whether one more run may be put in the place of an abandoned one.
    pub(super) fn may_replace(&self) -> bool {
        self.counts.abandoned.load(Ordering::Acquire) <= self.abandoned_max()
    }

    /// How many abandoned threads of the pool may be out for one more to be replaced.
    fn abandoned_max(&self) -> u64 {
        ABANDONED_MIN.max(self.all.len()) as u64
    }

    /// How many workers serve that have acknowledged `version`.
    pub(crate) fn installed(&self, version: Version) -> usize {
        self.all.iter().filter(|slot| slot.has_version(version)).count()
    }

    /// The workers that serve and have not acknowledged `version`.
    pub(crate) fn pending(&self, version: Version) -> Vec<WorkerId> {
        self.all
            .iter()
            .filter(|slot| slot.is_serving() && !slot.has_version(version))
            .map(|slot| slot.id)
            .collect()
    }

    /// Asks every function that runs to return early.
    pub(crate) fn interrupt_all(&self) {
        self.with_loads().for_each(|(slot, load)| slot.interrupt(load, &self.counts.reaper));
    }

    /// Closes every queue and ends every call that waits. What they hold is dropped by the reaper.
    pub(crate) fn close_all(&self, end: End) {
        let close = || self.all.iter().for_each(Slot::close);
        let drain = || self.all.iter().flat_map(|slot| slot.queue.drain()).collect();
        let jobs: Vec<Job> = if Plant::DrainsOpenQueues.is_planted() {
            let jobs = drain();
            close();
            jobs
        } else {
            close();
            drain()
        };
        for job in &jobs {
            drop(job.call().end_queued(end));
        }
        self.counts.reaper.drop_later(jobs);
    }

    /// The worker of `slot` is lost for good. Its queue is left to the others; without another worker nothing that
    /// waits can run.
    pub(super) fn lose(&self, slot: &Slot) {
        slot.close();
        slot.vacate();
        self.shift.waits.lose(slot.id);
        self.acknowledgements.notify();
        if self.all.iter().all(Slot::is_closed) {
            self.close_all(End::WorkerLost);
        }
        self.end_unservable();
        self.wake_all();
    }

    /// Whether nothing is in flight and no worker is inside user code.
    pub(crate) fn is_quiet(&self) -> bool {
        let is_free = |load: &Load| matches!(load.hand().phase, Phase::Between | Phase::Gone);
        self.shift.loads.iter().all(|load| load.tickets() == 0 && is_free(load))
    }
}

impl Rescue for Slots {
    /// A function that is not short has had a worker woken when it was submitted. And where the hand is free its worker comes.
    fn rescue(&self, call: &Call) {
        let slot = &self.all[call.slot().index()];
        if call.is_queued()
            && !SpeedRule::Rescue.is_off()
            && call.definition.pace.is_short()
            && slot.is_stuck(self.load(slot), self.shift.clock.moment())
        {
            self.wake_one(&call.definition);
        }
    }
}

impl Scan for Slots {
    fn scan(&self, round: &mut Round) {
        for (slot, load) in self.with_loads() {
            if let Some(run) = slot.scan(load, &self.counts, round) {
                self.abandoned(slot, &run);
            }
            self.rescue_at(slot, round);
        }
    }
}
