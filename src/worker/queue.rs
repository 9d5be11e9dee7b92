//! [`Queue`]: the jobs that wait at one slot, by priority and then by age.
//!
//! Its length has two limits. Calls that wait are limited by the slot's tickets. Shells, jobs whose call was cancelled, has
//! expired while it waited, or was run by a function that waits for it, hold no ticket here: as many of them may lie here as calls
//! may wait, then whoever submits unlinks some.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::call::{Call, Job, Load, Shift};
use crate::function::Dependency;
use crate::id::{CallId, WorkerId};
use crate::plant::Plant;
use crate::sync::{AtomicUsize, CachePadded, Held, Mutex, Stack, full_fence};

use super::install::Fit;

/// How many shells a submitter unlinks at most.
const SWEEP_MAX: usize = 16;

/// How many jobs a worker looks at for one that it can run.
const LOOK_MAX: usize = 16;

/// So many may wait before a queue has to grow.
const READY_FOR: usize = 128;

/// What a worker finds in a queue.
pub(super) enum Next {
    Job(Job),
    Install(Arc<Dependency>),
    Nothing,
}

/// The queue takes nothing any more; the job comes back.
pub(crate) struct Closed(pub(crate) Job);

/// A bounded queue that can be closed.
pub(crate) struct Queue {
    /// Whose inbox takes the jobs of the default priority: who submits them waits for nobody. Whoever has the lock takes them
    /// over.
    shift: Arc<Shift>,
    at: usize,
    /// Those that were taken over.
    jobs: CachePadded<Mutex<Jobs>>,
    /// How many were.
    len: CachePadded<AtomicUsize>,
    /// How many calls may wait here, and how many shells may lie here.
    calls_max: usize,
}

struct Jobs {
    waiting: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    /// The queue of a slot, for so many waiting calls and as many shells.
    pub(crate) fn new(shift: &Arc<Shift>, slot: WorkerId, calls_max: usize) -> Self {
        Self {
            shift: Arc::clone(shift),
            at: slot.index(),
            jobs: CachePadded::new(Mutex::new(Jobs {
                waiting: VecDeque::with_capacity(calls_max.min(READY_FOR)),
                closed: false,
            })),
            len: CachePadded::default(),
            calls_max,
        }
    }

    /// How many jobs lie here, shells included: exact only while nobody puts any here, or takes.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed) + self.inbox().len()
    }

    /// Whether nothing lies here.
    pub(crate) fn is_empty(&self) -> bool {
        // The submitters' line is only looked at where nothing else lies here. What is taken over meanwhile shows in the length
        // before it leaves the inbox.
        let has_some = || self.len.load(Ordering::Relaxed) > 0;
        !has_some() && self.inbox().is_empty() && !has_some()
    }

    /// Appends the job behind those of its priority. What comes back are shells, to be dropped outside of every lock. The last that it
    /// writes is by a swap.
    pub(crate) fn push(&self, job: Job) -> Result<Vec<Job>, Closed> {
        if Plant::Lost.strikes() {
            std::mem::forget(job);
            return Ok(Vec::new());
        }
        let shells = if self.load().shells() >= self.calls_max { self.make_room() } else { Vec::new() };
        let pushed = match job.call().priority() {
            0 => self.inbox().push(job.into_call()).map_err(Job::new),
            _ => self.insert(job),
        };
        pushed.map(|()| shells).map_err(Closed)
    }

    fn load(&self) -> &Load {
        &self.shift.loads[self.at]
    }

    fn inbox(&self) -> &Stack<Call> {
        &self.load().inbox
    }

    fn insert(&self, job: Job) -> Result<(), Job> {
        let mut jobs = self.jobs.lock();
        if jobs.closed {
            return Err(job);
        }
        self.take_over(&mut jobs);
        let priority = job.call().priority();
        let place = jobs.waiting.partition_point(|waiting| waiting.call().priority() <= priority);
        jobs.waiting.insert(place, job);
        self.len.store(jobs.waiting.len(), Ordering::Relaxed);
        drop(jobs);
        full_fence();
        Ok(())
    }

    /// Takes over what lies in the inbox, behind those of its priority.
    fn take_over(&self, jobs: &mut Jobs) {
        if self.inbox().is_empty() {
            return;
        }
        // Before it is empty, so that nobody sees nothing anywhere.
        self.len.store(jobs.waiting.len() + 1, Ordering::Relaxed);
        for call in self.inbox().take() {
            append(&mut jobs.waiting, Job::new(call));
        }
        self.len.store(jobs.waiting.len(), Ordering::Relaxed);
    }

    /// The first job that `fit` does not pass over, among the first [`LOOK_MAX`]: taken, or left here for as long as
    /// something has to be installed for it. `take` says where the job is seen from now on, while it still is seen here;
    /// if that is nowhere it stays.
    pub(super) fn next(&self, fit: impl Fn(&Call) -> Fit, take: impl FnOnce(&Held<Call>) -> bool) -> Next {
        if self.is_empty() {
            return Next::Nothing;
        }
        let mut jobs = self.jobs.lock();
        let mut at = 0;
        while at < LOOK_MAX {
            // What lies in the inbox comes behind those that are as urgent, and before the others.
            if jobs.waiting.get(at).is_none_or(|job| job.call().priority() > 0) {
                self.take_over(&mut jobs);
            }
            let Some(job) = jobs.waiting.get(at) else { break };
            match fit(job.call()) {
                Fit::Unfit => at += 1,
                Fit::Lacks(dependency) => return Next::Install(dependency),
                Fit::Ready => {
                    if !take(job.call()) {
                        return Next::Nothing;
                    }
                    let first = if at == 0 { jobs.waiting.pop_front() } else { jobs.waiting.remove(at) };
                    let job = first.expect("it is there: the lock is held");
                    self.len.store(jobs.waiting.len(), Ordering::Relaxed);
                    return Next::Job(job);
                }
            }
        }
        Next::Nothing
    }

    /// When it is the turn of the first call that waits and that `fit` does not pass over, among those of all queues: its priority,
    /// and which call it is.
    pub(super) fn turn(&self, fit: impl Fn(&Call) -> Fit) -> Option<(i32, CallId)> {
        self.find(|call| (!matches!(fit(call), Fit::Unfit)).then_some((call.priority(), call.id)))
    }

    /// What `look` finds for the first call that waits and that it finds something for, among the first [`LOOK_MAX`] jobs.
    pub(super) fn find<T>(&self, look: impl Fn(&Call) -> Option<T>) -> Option<T> {
        let for_job = |job: &Job| if job.call().is_queued() { look(job.call()) } else { None };
        self.look(|jobs| jobs.waiting.iter().take(LOOK_MAX).find_map(for_job))
    }

    /// Whether [`Queue::next`] would find something.
    pub(super) fn has_next(&self, fit: impl Fn(&Call) -> Fit) -> bool {
        let is_fit = |job: &Job| !matches!(fit(job.call()), Fit::Unfit);
        self.look(|jobs| jobs.waiting.iter().take(LOOK_MAX).any(is_fit).then_some(())).is_some()
    }

    /// Takes nothing any more. What waits stays.
    pub(crate) fn close(&self) {
        let mut jobs = self.jobs.lock();
        jobs.closed = true;
        for call in self.inbox().close() {
            append(&mut jobs.waiting, Job::new(call));
        }
        self.len.store(jobs.waiting.len(), Ordering::Relaxed);
    }

    /// Takes everything out.
    pub(crate) fn drain(&self) -> VecDeque<Job> {
        let mut jobs = self.jobs.lock();
        self.take_over(&mut jobs);
        self.len.store(0, Ordering::Relaxed);
        std::mem::take(&mut jobs.waiting)
    }

    /// Shows every job to `look`, under the lock: it must not run user code.
    pub(crate) fn for_each(&self, look: impl FnMut(&Job)) {
        self.look(|jobs| {
            jobs.waiting.iter().for_each(look);
            Some(())
        });
    }

    /// Looks at all jobs, under the lock; none if there are none.
    fn look<T>(&self, look: impl FnOnce(&Jobs) -> Option<T>) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let mut jobs = self.jobs.lock();
        self.take_over(&mut jobs);
        look(&jobs)
    }

    /// Unlinks some shells, if there are as many as there may be.
    fn make_room(&self) -> Vec<Job> {
        let (len, len_max) = (self.len(), 2 * self.calls_max);
        if len < len_max && self.load().shells() <= len {
            return Vec::new();
        }
        let mut jobs = self.jobs.lock();
        let known = self.load().shells();
        self.take_over(&mut jobs);
        let shells = if jobs.waiting.len() >= len_max { sweep(&mut jobs.waiting) } else { Vec::new() };
        self.len.store(jobs.waiting.len(), Ordering::Relaxed);
        self.load().bound_shells(known, jobs.waiting.len());
        shells
    }
}

impl Drop for Queue {
    /// What is left here ends: a job that is dropped says so.
    fn drop(&mut self) {
        self.close();
    }
}

/// Puts a job of the default priority behind those that are as urgent.
fn append(waiting: &mut VecDeque<Job>, job: Job) {
    match waiting.back() {
        Some(last) if last.call().priority() > 0 => {
            let place = waiting.partition_point(|waiting| waiting.call().priority() <= 0);
            waiting.insert(place, job);
        }
        _ => waiting.push_back(job),
    }
}

fn sweep(waiting: &mut VecDeque<Job>) -> Vec<Job> {
    let mut shells = Vec::new();
    let mut kept = VecDeque::with_capacity(waiting.capacity());
    for job in waiting.drain(..) {
        if shells.len() < SWEEP_MAX && !job.call().is_queued() {
            shells.push(job);
        } else {
            kept.push_back(job);
        }
    }
    *waiting = kept;
    shells
}
