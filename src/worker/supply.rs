//! What the workers of a shift have of the dependencies: who has it, who could not be given it, and what becomes of the
//! calls that need what nobody has.

use crate::call::Definition;
use crate::event::EventName;
use crate::function::{FunctionError, InstanceError};
use crate::id::{Generation, Name, WorkerId};
use crate::sync::full_fence;

use super::installed::Failure;
use super::slot::Slot;
use super::slots::Slots;

/// The name of the error that a waiting call fails with when no worker has what it requires.
const NOT_INSTALLED: &str = "NotInstalled";

impl Slots {
    /// The worker of `slot` could not be given a dependency: it is told, tried again later, and what no worker can run
    /// any more is ended.
    pub(super) fn install_failed(&self, slot: &Slot, failure: Failure) {
        let mut delay = None;
        let failure = slot.installed.failed(failure, |failure| {
            // An `init` that did not return would cost one more thread each time.
            delay = (failure.cause != InstanceError::Hung)
                .then(|| self.terms().restart.delay(failure.attempt - 1));
            self.shift.clock.now().checked_add(delay?)
        });
        if let Some(at) = failure.retry_at {
            self.shift.arm(at);
        }
        self.shift.bus.emit(EventName::ControlCommandFailed, |draft| {
            let draft = draft.worker(slot.id).error("InstanceError", failure.cause.to_string());
            let draft =
                draft.detail("command", "install_dependency").detail("dependency", failure.alias.as_str());
            let draft = draft.detail("generation", failure.generation.get());
            let millis = delay.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
            millis.into_iter().fold(draft, |draft, millis| draft.detail("retry_delay_ms", millis))
        });
        self.end_unservable();
        self.wake_all();
    }

    /// Why no worker can run the function, now or soon; none if one may.
    pub(crate) fn obstacle(&self, definition: &Definition) -> Option<(Name, InstanceError)> {
        self.obstacle_among(definition, |slot| !slot.is_closed())
    }

    /// Why a new call of the function can go nowhere: what waits at a slot that is held waits on, and nothing new comes there.
    pub(crate) fn obstacle_to_new(&self, definition: &Definition) -> Option<(Name, InstanceError)> {
        self.obstacle_among(definition, |slot| !slot.is_closed() && !slot.is_held())
    }

    fn obstacle_among(
        &self,
        definition: &Definition,
        counts: impl Fn(&Slot) -> bool,
    ) -> Option<(Name, InstanceError)> {
        if definition.dependencies.is_empty() {
            return None;
        }
        let mut obstacle = None;
        for slot in &self.all {
            if !counts(slot) {
                continue;
            }
            // A worker that is still to come begins anew.
            obstacle = Some(slot.installed.obstacle(definition).filter(|_| slot.is_serving())?);
        }
        obstacle
    }

    /// Ends the calls that wait for a worker with a dependency that none has or will have soon.
    pub(super) fn end_unservable(&self) {
        // Who puts a call into a queue looks at the marks after that: one of the two sees the other.
        full_fence();
        let mut unservable = Vec::new();
        for slot in &self.all {
            slot.queue.for_each(|job| {
                let call = job.call();
                if call.is_queued()
                    && let Some(obstacle) = self.obstacle(&call.definition)
                {
                    unservable.push((call.clone(), obstacle));
                }
            });
        }
        // Outside of the queues' locks. The jobs stay behind as shells.
        for (call, (alias, cause)) in &unservable {
            let message = format!("dependency `{alias}` is not installed on any worker: {cause}");
            let error = FunctionError::from(cause.clone()).with_name(NOT_INSTALLED).with_message(message);
            drop(call.fail_queued(error.with_detail("dependency", alias)));
        }
        self.counts.reaper.drop_later(unservable);
    }

    /// How many workers serve that have an instance of this load of a library.
    pub(crate) fn with_instance(&self, generation: Generation) -> usize {
        self.all.iter().filter(|slot| slot.is_serving() && slot.installed.has(generation)).count()
    }

    /// The workers that serve and have no instance of it.
    pub(crate) fn without_instance(&self, generation: Generation) -> Vec<WorkerId> {
        let lacks = |slot: &&Slot| slot.is_serving() && !slot.installed.has(generation);
        self.all.iter().filter(lacks).map(|slot| slot.id).collect()
    }
}
