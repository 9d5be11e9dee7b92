//! [`Queue`]: the jobs that wait at one slot, by priority and then by age.
//!
//! Its length has two limits. Calls that wait are limited by the slot's tickets. Shells, jobs whose call was cancelled or
//! has expired while it waited, hold no ticket: as many of them may lie here as calls may wait, then whoever submits
//! unlinks some.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::call::{Call, Definition, Job};
use crate::function::Dependency;
use crate::plant::Plant;
use crate::sync::{AtomicUsize, Held, Mutex};

use super::install::Fit;

/// How many shells a submitter unlinks at most.
const SWEEP_MAX: usize = 16;

/// How many jobs a worker looks at for one that it can run.
const LOOK_MAX: usize = 16;

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
    jobs: Mutex<Jobs>,
    len: AtomicUsize,
    len_max: usize,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    /// A queue for so many waiting calls and as many shells.
    pub(crate) fn new(calls_max: usize) -> Self {
        Self { jobs: Mutex::default(), len: AtomicUsize::new(0), len_max: 2 * calls_max }
    }

    /// How many jobs lie here, shells included: exact only for who holds the lock.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Appends the job behind those of its priority. What comes back are shells, to be dropped outside of every lock.
    /// `accept` runs before anybody can take the job, unless the queue is closed.
    pub(crate) fn push(&self, job: Job, accept: impl FnOnce()) -> Result<Vec<Job>, Closed> {
        let mut jobs = self.jobs.lock();
        if jobs.closed {
            return Err(Closed(job));
        }
        accept();
        let shells = if jobs.waiting.len() >= self.len_max { sweep(&mut jobs.waiting) } else { Vec::new() };
        if Plant::Lost.strikes() {
            std::mem::forget(job);
            return Ok(shells);
        }
        let priority = job.call().priority;
        match jobs.waiting.back() {
            Some(last) if last.call().priority > priority => {
                let place = jobs.waiting.partition_point(|waiting| waiting.call().priority <= priority);
                jobs.waiting.insert(place, job);
            }
            _ => jobs.waiting.push_back(job),
        }
        self.len.store(jobs.waiting.len(), Ordering::Relaxed);
        Ok(shells)
    }

    /// The first job that `fit` does not pass over, among the first [`LOOK_MAX`]: taken, or left here for as long as
    /// something has to be installed for it. `take` says where the job is seen from now on, while it still is seen here;
    /// if that is nowhere it stays.
    pub(super) fn next(&self, fit: impl Fn(&Call) -> Fit, take: impl FnOnce(&Held<Call>) -> bool) -> Next {
        if self.len() == 0 {
            return Next::Nothing;
        }
        let mut jobs = self.jobs.lock();
        for at in 0..jobs.waiting.len().min(LOOK_MAX) {
            match fit(jobs.waiting[at].call()) {
                Fit::Unfit => {}
                Fit::Lacks(dependency) => return Next::Install(dependency),
                Fit::Ready => {
                    if !take(jobs.waiting[at].call()) {
                        return Next::Nothing;
                    }
                    let job = jobs.waiting.remove(at).expect("it is there: the lock is held");
                    self.len.store(jobs.waiting.len(), Ordering::Relaxed);
                    return Next::Job(job);
                }
            }
        }
        Next::Nothing
    }

    /// What the first job that waits is to run.
    pub(super) fn first(&self) -> Option<Arc<Definition>> {
        if self.len() == 0 {
            return None;
        }
        let jobs = self.jobs.lock();
        jobs.waiting.iter().find(|job| job.call().is_queued()).map(|job| Arc::clone(&job.call().definition))
    }

    /// Whether [`Queue::next`] would find something.
    pub(super) fn has_next(&self, fit: impl Fn(&Call) -> Fit) -> bool {
        let is_fit = |job: &Job| !matches!(fit(job.call()), Fit::Unfit);
        self.len() > 0 && self.jobs.lock().waiting.iter().take(LOOK_MAX).any(is_fit)
    }

    /// Takes nothing any more. What waits stays.
    pub(crate) fn close(&self) {
        self.jobs.lock().closed = true;
    }

    /// Takes everything out.
    pub(crate) fn drain(&self) -> VecDeque<Job> {
        let mut jobs = self.jobs.lock();
        self.len.store(0, Ordering::Relaxed);
        std::mem::take(&mut jobs.waiting)
    }

    /// Shows every job to `look`, under the lock: it must not run user code.
    pub(crate) fn for_each(&self, look: impl FnMut(&Job)) {
        if self.len() > 0 {
            self.jobs.lock().waiting.iter().for_each(look);
        }
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
