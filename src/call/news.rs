//! [`News`]: what a call that did not end in a value leaves to be told, once no lock is held any more.

use std::sync::Arc;

use crate::event::{Bus, EventName};
use crate::id::{CallId, WorkerId};

use super::error::{RejectReason, Rejected};
use super::outcome::{Outcome, Trouble};
use super::panic::PanicLocation;
use super::shift::Shift;

/// Emits its event when it is dropped. A stop waits for all of them.
#[derive(Debug)]
pub(crate) struct News {
    shift: Arc<Shift>,
    call: CallId,
    worker: WorkerId,
    function: Arc<str>,
    started: bool,
    what: What,
}

/// How the call ended.
#[derive(Debug)]
enum What {
    Failed { name: String, message: String, code: Option<String> },
    Panicked { message: String, location: Option<PanicLocation> },
    Lost,
    TimedOut,
    Cancelled,
}

impl News {
    /// What is to be told of a call of `function` that ends at `worker`, whether its function has begun or not; nothing of
    /// one that ends in a value.
    pub(crate) fn of(
        shift: &Arc<Shift>,
        (call, function): (CallId, &Arc<str>),
        worker: WorkerId,
        (outcome, started): (&Outcome, bool),
    ) -> Option<Box<Self>> {
        let trouble = outcome.trouble()?;
        // Texts are copied only for those who hear of them.
        let copy = |text: &str| if shift.bus.is_heard() { text.to_owned() } else { String::new() };
        let what = match trouble {
            Trouble::Failed(error) => What::Failed {
                name: copy(error.name()),
                message: copy(error.message()),
                code: error.code().map(copy),
            },
            Trouble::Panicked(panic) => {
                What::Panicked { message: copy(&panic.message), location: panic.location.clone() }
            }
            Trouble::WorkerLost { .. } => What::Lost,
            Trouble::TimedOut { .. } => What::TimedOut,
            Trouble::Cancelled { .. } => What::Cancelled,
        };
        shift.begin_telling();
        Some(Box::new(Self {
            shift: Arc::clone(shift),
            call,
            worker,
            function: Arc::clone(function),
            started,
            what,
        }))
    }
}

impl Drop for News {
    fn drop(&mut self) {
        let failed = EventName::CallExecutionFailed;
        let (event_name, reason) = match &self.what {
            What::Failed { .. } => (failed, Some("failed")),
            What::Panicked { .. } => (failed, Some("panicked")),
            What::Lost => (failed, Some("lost")),
            What::TimedOut => (EventName::CallTimedOut, None),
            What::Cancelled => (EventName::CallCancelled, None),
        };
        self.shift.bus.emit(event_name, |draft| {
            let draft = draft.worker(self.worker).call(self.call);
            let draft = draft.detail("function_name", &*self.function).detail("started", self.started);
            let draft = reason.into_iter().fold(draft, |draft, reason| draft.detail("reason", reason));
            match &self.what {
                What::Failed { name, message, code } => draft.error(name, message).code(code.as_deref()),
                What::Panicked { message, location } => {
                    let draft = draft.error("Panicked", message);
                    location.iter().fold(draft, |draft, at| draft.detail("location", at.to_string()))
                }
                What::Lost | What::TimedOut | What::Cancelled => draft,
            }
        });
        self.shift.end_telling();
    }
}

/// Tells of a call that was rejected since what it needs is not there; of other rejections there is nothing to tell.
pub(crate) fn tell_rejected(bus: &Bus, rejected: &Rejected) {
    let reason = match rejected.reason() {
        RejectReason::NotDefined => "not defined",
        RejectReason::MissingRequirement { .. } => "missing requirement",
        RejectReason::NotInstalled { .. } => "not installed",
        _ => return,
    };
    bus.emit(EventName::CallTargetMissing, |draft| {
        let draft = draft.error("Rejected", rejected.reason().to_string());
        draft.detail("function_name", rejected.function()).detail("reason", reason)
    });
}
