//! [`Installed`]: what a slot's worker has of the dependencies, and what it could not be given, for everybody to see.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::call::Definition;
use crate::function::{Dependency, InstanceError};
use crate::id::{Generation, Name};
use crate::sync::{AtomicBool, Mutex};

/// A dependency that the worker could not be given.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) alias: Name,
    pub(crate) generation: Generation,
    pub(crate) cause: InstanceError,
    /// How often it has failed in a row.
    pub(super) attempt: u32,
    pub(super) retry_at: Option<Instant>,
    dependency: Weak<Dependency>,
}

impl Failure {
    pub(super) fn new(dependency: &Arc<Dependency>, cause: InstanceError) -> Self {
        Self {
            alias: dependency.alias.clone(),
            generation: dependency.generation(),
            cause,
            attempt: 1,
            retry_at: None,
            dependency: Arc::downgrade(dependency),
        }
    }
}

/// Written by the worker, and by whoever abandons it; read by everybody.
#[derive(Debug, Default)]
pub(crate) struct Installed {
    content: Mutex<Content>,
    has_failures: AtomicBool,
}

#[derive(Debug, Default)]
struct Content {
    made: Vec<Generation>,
    failures: Vec<Failure>,
}

impl Installed {
    /// A run begins: it has nothing yet, and may try everything but what its predecessor did not come back from.
    pub(super) fn begin(&self) {
        let mut content = self.content.lock();
        content.made.clear();
        content.failures.retain(|failure| failure.cause == InstanceError::Hung);
        self.note(&content);
    }

    /// The worker has an instance now; its earlier failures, if it had any.
    pub(super) fn made(&self, generation: Generation) -> Option<Failure> {
        let mut content = self.content.lock();
        content.made.push(generation);
        let at = content.failures.iter().position(|failure| failure.generation == generation);
        let failure = at.map(|at| content.failures.swap_remove(at));
        self.note(&content);
        failure
    }

    /// The worker has dropped these.
    pub(super) fn dropped(&self, gone: &[Generation]) {
        self.content.lock().made.retain(|generation| !gone.contains(generation));
    }

    /// The worker could not be given it: `retry` says when it is to be tried again, if it is.
    pub(super) fn failed(
        &self,
        mut failure: Failure,
        retry: impl FnOnce(&Failure) -> Option<Instant>,
    ) -> Failure {
        let mut content = self.content.lock();
        let at = content.failures.iter().position(|known| known.generation == failure.generation);
        let before = at.map_or(0, |at| content.failures.swap_remove(at).attempt);
        failure.attempt = before.saturating_add(1);
        failure.retry_at = retry(&failure);
        content.failures.push(failure.clone());
        self.note(&content);
        failure
    }

    /// Forgets failures of what no call can need any more.
    pub(super) fn prune(&self) {
        if self.has_failures.load(Ordering::Acquire) {
            let mut content = self.content.lock();
            content.failures.retain(|failure| failure.dependency.strong_count() > 0);
            self.note(&content);
        }
    }

    pub(crate) fn has(&self, generation: Generation) -> bool {
        self.content.lock().made.contains(&generation)
    }

    /// Why the worker lacks it, if it does.
    pub(super) fn failure(&self, generation: Generation) -> Option<InstanceError> {
        if !self.has_failures() {
            return None;
        }
        let content = self.content.lock();
        let found = content.failures.iter().find(|failure| failure.generation == generation);
        found.map(|failure| failure.cause.clone())
    }

    /// Whether the worker could not be given it.
    pub(super) fn has_failed(&self, generation: Generation) -> bool {
        let is_it = |failure: &Failure| failure.generation == generation;
        self.has_failures() && self.content.lock().failures.iter().any(is_it)
    }

    /// What keeps the worker from running the function, if anything does.
    pub(crate) fn obstacle(&self, definition: &Definition) -> Option<(Name, InstanceError)> {
        if !self.has_failures() {
            return None;
        }
        let named = |dependency: &Arc<Dependency>| {
            Some((dependency.alias.clone(), self.failure(dependency.generation())?))
        };
        definition.dependencies.iter().find_map(named)
    }

    /// Whether anything could not be given.
    pub(super) fn has_failures(&self) -> bool {
        self.has_failures.load(Ordering::Acquire)
    }

    pub(crate) fn failures(&self) -> Vec<Failure> {
        if self.has_failures() { self.content.lock().failures.clone() } else { Vec::new() }
    }

    /// When something is to be tried again.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        if !self.has_failures() {
            return None;
        }
        self.content.lock().failures.iter().filter_map(|failure| failure.retry_at).min()
    }

    /// What is to be tried again now.
    pub(super) fn due(&self, now: Instant) -> Vec<Arc<Dependency>> {
        let content = self.content.lock();
        let is_due = |failure: &&Failure| failure.retry_at.is_some_and(|at| at <= now);
        content.failures.iter().filter(is_due).filter_map(|failure| failure.dependency.upgrade()).collect()
    }

    fn note(&self, content: &Content) {
        self.has_failures.store(!content.failures.is_empty(), Ordering::Release);
    }
}
