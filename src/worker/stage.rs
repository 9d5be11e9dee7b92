//! [`Stage`]: a dependency that is being defined, while each worker builds its instance, before anybody can call it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::function::{Dependency, InstanceError};
use crate::id::WorkerId;
use crate::sync::{AtomicU64, Mutex};

use super::slots::Slots;

/// One dependency on its way to the workers.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) dependency: Arc<Dependency>,
    /// Tells one stage from the next; counted from 1.
    pub(super) number: u64,
    /// A worker that has not come back from the library's `init` by then is abandoned.
    pub(super) until: Option<Instant>,
    /// What each slot's worker said.
    reports: Mutex<Vec<Option<Report>>>,
}

/// Where a worker stands with a stage.
#[derive(Clone, Debug)]
enum Report {
    /// It is inside the library's `init`; if it is left behind there, that is told in its place.
    Begun,
    /// It has its instance, or began after the stage: then it takes the dependency once that is published.
    Settled,
    Failed(InstanceError),
}

impl Stage {
    pub(super) fn new(
        dependency: Arc<Dependency>,
        number: u64,
        until: Option<Instant>,
        slots: usize,
    ) -> Self {
        Self { dependency, number, until, reports: Mutex::new(vec![None; slots]) }
    }

    pub(super) fn begin(&self, worker: WorkerId) {
        self.reports.lock()[worker.index()] = Some(Report::Begun);
    }

    pub(super) fn report(&self, worker: WorkerId, result: Result<(), InstanceError>) {
        self.reports.lock()[worker.index()] = Some(result.map_or_else(Report::Failed, |()| Report::Settled));
    }

    /// A new run of the worker begins: it has nothing to do with the stage, and what the last one said stays.
    pub(super) fn leave(&self, worker: WorkerId) {
        self.reports.lock()[worker.index()].get_or_insert(Report::Settled);
    }

    /// Whether the slot's worker has begun.
    pub(crate) fn has_begun(&self, worker: WorkerId) -> bool {
        self.reports.lock()[worker.index()].is_some()
    }

    /// Whether it has come to an end with it.
    pub(crate) fn is_settled(&self, worker: WorkerId) -> bool {
        matches!(self.reports.lock()[worker.index()], Some(Report::Settled | Report::Failed(_)))
    }

    /// Whether any worker could not be given it.
    pub(crate) fn has_failed(&self) -> bool {
        self.reports.lock().iter().any(|report| matches!(report, Some(Report::Failed(_))))
    }

    /// The workers that could not be given it, and why.
    pub(crate) fn failures(&self) -> Vec<(WorkerId, InstanceError)> {
        let reports = self.reports.lock();
        let failure = |(id, report): (WorkerId, &Option<Report>)| match report {
            Some(Report::Failed(cause)) => Some((id, cause.clone())),
            Some(Report::Begun | Report::Settled) | None => None,
        };
        (0..).map(WorkerId).zip(&*reports).filter_map(failure).collect()
    }
}

/// The stage that is open, if one is.
#[derive(Debug, Default)]
pub(super) struct Staging {
    stage: Mutex<Option<Arc<Stage>>>,
    /// Its number; 0 without one.
    open: AtomicU64,
    /// How many there were.
    count: AtomicU64,
}

impl Slots {
    /// Opens a stage: each worker that serves builds its instance, between two calls, and reports.
    pub(crate) fn open_stage(&self, dependency: Arc<Dependency>, until: Option<Instant>) -> Arc<Stage> {
        let number = self.staging.count.fetch_add(1, Ordering::AcqRel) + 1;
        let stage = Arc::new(Stage::new(dependency, number, until, self.all.len()));
        *self.staging.stage.lock() = Some(Arc::clone(&stage));
        self.staging.open.store(number, Ordering::Release);
        crate::sync::full_fence();
        self.wake_all();
        stage
    }

    /// Closes the stage: workers that have not come to it leave it.
    pub(crate) fn close_stage(&self) {
        self.staging.open.store(0, Ordering::Release);
        let stage = self.staging.stage.lock().take();
        drop(stage);
    }

    /// Whether a stage is open that the worker which has seen the one of that number has not.
    pub(super) fn has_stage_since(&self, seen: u64) -> bool {
        let open = self.staging.open.load(Ordering::Acquire);
        open != 0 && open != seen
    }

    /// That stage.
    pub(super) fn stage_since(&self, seen: u64) -> Option<Arc<Stage>> {
        self.staging.stage.lock().clone().filter(|stage| stage.number != seen)
    }
}
