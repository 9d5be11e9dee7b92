//! How a worker comes to its instances: at its start, for a stage, for what was published, for a call that needs one,
//! and again after a failure. All of it is user code that belongs to no call.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::call::Call;
use crate::event::EventName;
use crate::fence;
use crate::function::{Dependency, Instance, InstanceError};

use super::inside::Worker;
use super::installed::Failure;
use super::register::{Busy, Installing};

/// The run has been abandoned: nothing of the slot may be touched any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Abandoned;

/// Whether a worker can run a call that waits.
pub(super) enum Fit {
    /// There and then.
    Ready,
    /// Once it has an instance of this.
    Lacks(Arc<Dependency>),
    /// It could not be given an instance that the call needs.
    Unfit,
}

impl Worker {
    /// Whether this worker can run the call; it runs under a queue's lock.
    pub(super) fn fit(&self, call: &Call) -> Fit {
        if !call.is_queued() {
            return Fit::Ready; // a shell needs nothing
        }
        let mut fits = call.definition.dependencies.iter().map(|dependency| self.wants(dependency));
        fits.find(|fit| !matches!(fit, Fit::Ready)).unwrap_or(Fit::Ready)
    }

    /// Whether there is something to install.
    pub(super) fn has_installs(&self) -> bool {
        self.slots.has_stage_since(self.stage_seen.get())
            || self.has_uninstalled.get()
            || self.slot().installed.next_retry().is_some_and(|at| at <= self.slots.shift.clock.now())
    }

    /// Builds what is staged, what was published, and what is to be tried again.
    pub(super) fn install_all(&self) -> Result<(), Abandoned> {
        self.install_staged()?;
        if self.has_uninstalled.replace(false) {
            self.install_published(self.slots.control_deadline())?;
        }
        self.slot().installed.prune();
        for dependency in self.slot().installed.due(self.slots.shift.clock.now()) {
            self.install(&dependency, self.slots.control_deadline())?;
        }
        Ok(())
    }

    /// Builds what the snapshot has and this worker does not, by name; what fails is marked and told.
    pub(super) fn install_published(&self, until: Option<Instant>) -> Result<(), Abandoned> {
        let snapshot = Arc::clone(&self.snapshot.borrow());
        let mut all: Vec<_> = snapshot.dependencies.values().map(|published| &published.dependency).collect();
        all.sort_unstable_by(|one, other| one.alias.cmp(&other.alias));
        for dependency in all {
            if matches!(self.wants(dependency), Fit::Lacks(_)) {
                self.install(dependency, until)?;
            }
        }
        Ok(())
    }

    /// Builds one instance, or marks that it could not be built.
    pub(super) fn install(
        &self,
        dependency: &Arc<Dependency>,
        until: Option<Instant>,
    ) -> Result<(), Abandoned> {
        match self.build(Installing { dependency: Arc::clone(dependency), until, stage: None })? {
            Ok(instance) => self.keep(dependency, instance),
            Err(cause) => self.slots.install_failed(self.slot(), Failure::new(dependency, cause)),
        }
        self.acknowledge();
        Ok(())
    }

    /// This worker's instance, for a function that runs: built now if there is none.
    pub(super) fn instance_now(
        &self,
        dependency: &Arc<Dependency>,
    ) -> Result<Rc<dyn Instance>, InstanceError> {
        let generation = dependency.generation();
        if let Some(instance) = self.instances.find(generation) {
            return Ok(instance);
        }
        self.instances.drop_spent();
        if let Some(cause) = self.slot().installed.failure(generation) {
            return Err(cause);
        }
        let made = make(dependency);
        if !self.is_abandoned() {
            match &made {
                Ok(instance) => self.keep(dependency, Rc::clone(instance)),
                Err(cause) => {
                    self.slots.install_failed(self.slot(), Failure::new(dependency, cause.clone()));
                }
            }
            self.acknowledge();
        }
        made
    }

    fn wants(&self, dependency: &Arc<Dependency>) -> Fit {
        let generation = dependency.generation();
        if self.instances.has(generation) {
            Fit::Ready
        } else if self.slot().installed.has_failed(generation) {
            Fit::Unfit
        } else {
            Fit::Lacks(Arc::clone(dependency))
        }
    }

    fn keep(&self, dependency: &Arc<Dependency>, instance: Rc<dyn Instance>) {
        self.instances.put(dependency, instance);
        let mut failure = None;
        self.slot().as_own(self.load(), self.hand.get(), || {
            failure = self.slot().installed.made(dependency.generation());
        });
        if failure.is_some() {
            let id = self.slot().id;
            self.slots.shift.bus.emit(EventName::DependencyInstalled, |draft| {
                let generation = dependency.generation().get();
                draft
                    .worker(id)
                    .detail("dependency", dependency.alias.as_str())
                    .detail("generation", generation)
            });
        }
    }

    /// A run that begins has nothing to do with a stage that is open: it takes what is published.
    pub(super) fn leave_stage(&self) {
        if let Some(stage) = self.slots.stage_since(0) {
            self.stage_seen.set(stage.number);
            stage.leave(self.slot().id);
        }
    }

    fn install_staged(&self) -> Result<(), Abandoned> {
        let Some(stage) = self.slots.stage_since(self.stage_seen.get()) else { return Ok(()) };
        self.stage_seen.set(stage.number);
        stage.begin(self.slot().id);
        let dependency = Arc::clone(&stage.dependency);
        let installing = Installing {
            dependency: Arc::clone(&dependency),
            until: stage.until,
            stage: Some(Arc::clone(&stage)),
        };
        let built = self.build(installing)?;
        let result = built.map(|instance| self.keep(&dependency, instance));
        stage.report(self.slot().id, result);
        self.slots.acknowledgements.notify();
        Ok(())
    }

    /// Runs the library's `init`, in the hand's own phase for such code, where it can be seen and left behind.
    fn build(&self, installing: Installing) -> Result<Result<Rc<dyn Instance>, InstanceError>, Abandoned> {
        if self.is_abandoned() {
            return Err(Abandoned);
        }
        let (dependency, until) = (Arc::clone(&installing.dependency), installing.until);
        let mut made = Err(InstanceError::Hung);
        let make_it = || {
            // Defines wait for workers that are about to take what is new, and not for one that is shown to install.
            self.slots.acknowledgements.notify();
            made = make(&dependency);
        };
        if !self.aside(Busy::Install(installing), until, make_it) {
            fence::drop_value(made);
            return Err(Abandoned);
        }
        Ok(made)
    }
}

/// Makes an instance, on this thread.
fn make(dependency: &Arc<Dependency>) -> Result<Rc<dyn Instance>, InstanceError> {
    match fence::run(|| dependency.library.instantiate()) {
        Ok(Ok(instance)) => Ok(Rc::from(instance)),
        Ok(Err(cause)) => Err(cause),
        Err(message) => Err(InstanceError::Panicked { message }),
    }
}
