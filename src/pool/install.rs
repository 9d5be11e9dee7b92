//! Defining a dependency: what can fail once is tried here, then every worker that serves builds its instance, and only
//! then is it published. Until that nothing can be seen of it.

use std::sync::Arc;
use std::time::Instant;

use crate::call::{Gate, Phase};
use crate::event::EventName;
use crate::function::{Dependency, InstanceError};
use crate::id::{Name, Version};
use crate::plugin::{Candidate, Dylib};
use crate::registry::{DefineError, InstallFailure};
use crate::sync::{self, full_fence};
use crate::worker::{Slot, Slots, Stage};

use super::lifecycle::{Pool, State};
use super::publish::Defined;

/// The turn of one define of a dependency, given up on drop.
struct InTurn<'a>(&'a Pool);

impl Drop for InTurn<'_> {
    fn drop(&mut self) {
        *self.0.installing.lock() = false;
        self.0.turns.notify();
    }
}

/// A stage that is open, closed on drop, however the define ends.
struct Open<'a> {
    slots: &'a Slots,
    stage: Arc<Stage>,
}

impl Open<'_> {
    /// Whether nothing more is to be expected of the slot's worker. One that is left behind in the library's `init`
    /// serves no more a moment before that is told.
    fn is_settled(&self, slot: &Slot) -> bool {
        self.stage.is_settled(slot.id) || !slot.is_serving() && !self.stage.has_begun(slot.id)
    }

    /// The workers that could not be given it; once the time is up, those too that have not said and are not inside a call.
    fn failures(&self, is_late: bool) -> Vec<InstallFailure> {
        let is_inside_a_call = |slot: &Slot| self.slots.load(slot).hand().phase == Phase::Running;
        let is_missing = |slot: &&Slot| is_late && !self.is_settled(slot) && !is_inside_a_call(slot);
        let cause = |slot: &Slot| {
            if self.stage.has_begun(slot.id) { InstanceError::Hung } else { InstanceError::NotBegun }
        };
        // Looked for first: who is left behind meanwhile is among those that were told.
        let missing: Vec<_> =
            self.slots.all.iter().filter(is_missing).map(|slot| (slot.id, cause(slot))).collect();
        let mut failures = self.stage.failures();
        failures.extend(missing);
        failures.sort_by_key(|(worker, _)| *worker);
        failures.dedup_by_key(|(worker, _)| *worker);
        failures.into_iter().map(|(worker, cause)| InstallFailure::new(worker, cause)).collect()
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.slots.close_stage();
    }
}

impl Pool {
    /// Defines a dependency on every worker, or on none.
    pub(crate) fn define_dependency(&self, alias: &str, dylib: &Dylib) -> Result<Defined, DefineError> {
        let defined = self.try_define_dependency(alias, dylib);
        if let Err(error) = &defined {
            self.bus().emit(EventName::ControlCommandFailed, |draft| {
                let draft = draft.error("DefineError", text_of(error));
                draft.detail("command", "define_dependency").detail("dependency", alias)
            });
        }
        defined
    }

    fn try_define_dependency(&self, alias: &str, dylib: &Dylib) -> Result<Defined, DefineError> {
        let name = Name::new(alias)?;
        if self.is_waited_for_here() || self.is_listener() {
            return Err(DefineError::WouldDeadlock);
        }
        let clock = &self.settings().clock;
        let until = clock.now().checked_add(self.settings().control_timeout);
        let load_error = |source| DefineError::Load { alias: alias.to_owned(), source };
        self.registry().admits_dependency(&name)?;
        let candidate = Candidate::read(dylib).map_err(load_error)?;
        let _turn = self.take_turn(alias, until)?;
        if let Some(known) = self.registry().dependency(alias)
            && candidate.is_same_as(known.dependency.library.facts())
        {
            return Ok(self.installed_of(known.version, &known.dependency));
        }
        let library = candidate.load(clock, until).map_err(load_error)?;
        // While workers start nobody could say which of them serve.
        let is_settled = || !matches!(*self.state.lock(), State::Starting);
        if !self.changed.wait(|| clock.wait(until).park(sync::park), is_settled) {
            return Err(DefineError::Busy { alias: alias.to_owned() });
        }
        let dependency = Arc::new(Dependency { alias: name, library, released: self.release() });
        self.stage(&dependency, until)?;
        let change = self.registry().define_dependency(&dependency)?;
        self.await_acknowledgements(change.version, until);
        Ok(self.installed_of(change.version, &dependency))
    }

    /// Wakes the workers of whichever crew there is then, so that they drop their instances.
    fn release(&self) -> Box<dyn Fn() + Send + Sync> {
        let crew = Arc::downgrade(self.crew_of());
        Box::new(move || {
            let Some(crew) = crew.upgrade() else { return };
            if let Some(crew) = crew.load().as_ref() {
                full_fence();
                crew.slots.wake_all();
            }
        })
    }

    /// Waits until no other define of a dependency is under way.
    fn take_turn(&self, alias: &str, until: Option<Instant>) -> Result<InTurn<'_>, DefineError> {
        let clock = &self.settings().clock;
        let take = || !std::mem::replace(&mut *self.installing.lock(), true);
        if self.turns.wait(|| clock.wait(until).park(sync::park), take) {
            Ok(InTurn(self))
        } else {
            Err(DefineError::Busy { alias: alias.to_owned() })
        }
    }

    /// Has every worker that serves build its instance, at the latest by `until`. Those that are inside a call all the
    /// while are left out: they build it before they run what requires it.
    fn stage(&self, dependency: &Arc<Dependency>, until: Option<Instant>) -> Result<(), DefineError> {
        let crew = self.crew();
        let Some(crew) = crew.as_ref() else { return Ok(()) };
        let slots = &crew.slots;
        let open = Open { slots, stage: slots.open_stage(Arc::clone(dependency), until) };
        let is_stopped = || crew.shift().gate() != Gate::Open;
        let is_over =
            || is_stopped() || open.stage.has_failed() || slots.all.iter().all(|slot| open.is_settled(slot));
        let clock = &self.settings().clock;
        slots.acknowledgements.wait(|| clock.wait(until).park(sync::park), is_over);
        let failures = open.failures(until.is_some_and(|until| clock.now() >= until));
        let alias = dependency.alias.to_string();
        match failures.is_empty() {
            _ if is_stopped() => Err(DefineError::Stopped { alias }),
            true => Ok(()),
            false => Err(DefineError::Install { alias, failures }),
        }
    }

    /// Where a dependency stands now.
    fn installed_of(&self, version: Version, dependency: &Arc<Dependency>) -> Defined {
        let crew = self.crew();
        let generation = dependency.generation();
        let count = |slots: &Slots| (slots.with_instance(generation), slots.without_instance(generation));
        let (installed, pending) = crew.as_ref().map_or_else(Default::default, |crew| count(&crew.slots));
        Defined { version, hash: dependency.hash(), installed, pending }
    }
}

/// The error and what was behind it, for an event.
fn text_of(error: &DefineError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
