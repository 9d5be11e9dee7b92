//! [`Chronicle`]: tells what the children go through, as events. It decides nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Bus, Draft, EventName, Severity};
use crate::id::{Run, WorkerId};

use super::ChildId;
use super::board::Observed;
use super::child::{Child, Input, RunEnd};
use super::policy::RestartPolicy;

/// What a child was at, before a step or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glance {
    pub(super) observed: Observed,
    pub(super) run: Run,
}

impl Glance {
    pub(super) fn of(child: &Child) -> Self {
        Self { observed: child.observed(), run: child.run() }
    }
}

/// A step that changed something.
pub(super) struct Turn<'a> {
    pub(super) before: Glance,
    pub(super) after: Glance,
    /// The newest number of the run that it is about.
    pub(super) run: Run,
    pub(super) input: Input,
    /// The child after it.
    pub(super) child: &'a Child,
    /// Whether the run before it came after a delay.
    pub(super) was_restart: bool,
    /// Why the run ended, if that is known.
    pub(super) why: Option<&'a str>,
}

/// How a run came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exit {
    Asked,
    Abandoned,
    NotStarted,
    Lost,
}

impl Exit {
    fn of(turn: &Turn<'_>) -> Option<Self> {
        let Input::Exited { end, .. } = turn.input else { return None };
        Some(match (end, turn.before.observed) {
            (RunEnd::Abandoned { .. }, _) => Self::Abandoned,
            (_, Observed::Draining) => Self::Asked,
            (_, Observed::Starting) => Self::NotStarted,
            _ => Self::Lost,
        })
    }

    /// The word in `details`.
    fn reason(self) -> &'static str {
        match self {
            Self::Asked => "stopped",
            Self::Abandoned => "abandoned",
            Self::NotStarted => "start failed",
            Self::Lost => "lost",
        }
    }

    /// What a process would have ended with; none for a thread that has been left behind, which has not ended.
    fn code(self) -> Option<u64> {
        match self {
            Self::Asked => Some(0),
            Self::NotStarted | Self::Lost => Some(1),
            Self::Abandoned => None,
        }
    }

    /// What is told where the run itself left no word.
    fn explanation(self) -> &'static str {
        match self {
            Self::Asked => "it was asked to end",
            Self::Abandoned => "it did not return in time",
            Self::NotStarted => "its thread ended before it was ready",
            Self::Lost => "its thread ended by itself",
        }
    }
}

/// Emits the events of one driver's children.
pub(super) struct Chronicle {
    bus: Arc<Bus>,
    policy: RestartPolicy,
}

impl Chronicle {
    pub(super) fn new(bus: Arc<Bus>, policy: RestartPolicy) -> Self {
        Self { bus, policy }
    }

    /// A run's thread was started.
    pub(super) fn spawned(&self, child: ChildId, run: Run) {
        self.emit((WorkerId(child), run), EventName::WorkerSpawned, |draft| draft);
    }

    /// Tells of a step; what was wrong comes back, if the run ended and nobody had asked for that.
    pub(super) fn tell(&self, child: ChildId, turn: &Turn<'_>) -> Option<Arc<str>> {
        let of = (WorkerId(child), turn.run);
        let failure = Exit::of(turn).and_then(|exit| self.exited(of, exit, turn));
        let (from, to) = (turn.before.observed, turn.after.observed);
        if from != to {
            // What begins is the next run.
            let of = if to == Observed::Starting { (of.0, turn.after.run) } else { of };
            self.emit(of, EventName::WorkerHealthStateChanged, |draft| {
                draft.detail("from", from.to_string()).detail("to", to.to_string())
            });
        }
        match (from, to) {
            (Observed::Starting, Observed::Ready) => self.ready(of, turn.child),
            (_, Observed::Draining) => self.emit(of, EventName::WorkerShutdownRequested, |draft| draft),
            (_, Observed::Backoff) if turn.child.is_held() => self.used_up(of, turn),
            (_, Observed::Backoff) => self.emit(of, EventName::WorkerRestartScheduled, |draft| {
                let delay = millis(turn.child.delay());
                draft.detail("restart_attempt", turn.child.attempt()).detail("restart_delay_ms", delay)
            }),
            (_, Observed::GaveUp) if turn.child.is_exhausted() => self.used_up(of, turn),
            _ => {}
        }
        failure
    }

    fn ready(&self, of: (WorkerId, Run), child: &Child) {
        self.emit(of, EventName::WorkerReady, |draft| draft);
        if child.is_restart() {
            let attempt = child.attempt();
            self.emit(of, EventName::WorkerRestartCompleted, |draft| {
                draft.detail("restart_attempt", attempt)
            });
        }
    }

    fn exited(&self, of: (WorkerId, Run), exit: Exit, turn: &Turn<'_>) -> Option<Arc<str>> {
        let why = turn.why.unwrap_or(exit.explanation());
        self.emit(of, EventName::WorkerExited, |draft| {
            let draft = draft.detail("reason", exit.reason());
            let draft = if exit == Exit::Asked { draft } else { draft.severity(Severity::Warning) };
            exit.code().into_iter().fold(draft, |draft, code| draft.detail("exit_code", code))
        });
        match exit {
            Exit::Asked => return None,
            Exit::NotStarted if turn.was_restart => {
                // The attempt that failed: the next one may have been decided on already.
                let scheduled = u32::from(turn.after.observed == Observed::Backoff);
                let attempt = turn.child.attempt() - scheduled;
                self.emit(of, EventName::WorkerRestartFailed, |draft| {
                    draft.error("WorkerStart", why).detail("restart_attempt", attempt)
                });
            }
            Exit::NotStarted => self.error(of, "WorkerStart", exit, why),
            Exit::Abandoned => self.error(of, "WorkerAbandoned", exit, why),
            Exit::Lost => self.error(of, "WorkerLost", exit, why),
        }
        Some(why.into())
    }

    fn error(&self, of: (WorkerId, Run), name: &str, exit: Exit, why: &str) {
        self.emit(of, EventName::WorkerError, |draft| draft.error(name, why).detail("reason", exit.reason()));
    }

    fn used_up(&self, of: (WorkerId, Run), turn: &Turn<'_>) {
        self.emit(of, EventName::WorkerRestartExhausted, |draft| {
            let Some((restarts, window)) = self.policy.window().filter(|_| !turn.child.is_held()) else {
                return draft.detail("reason", "too many abandoned threads");
            };
            let draft = draft.detail("reason", "too many restarts");
            draft.detail("restarts_max", restarts as u64).detail("window_ms", millis(window))
        });
    }

    fn emit(&self, (worker, run): (WorkerId, Run), name: EventName, draft: impl FnOnce(Draft) -> Draft) {
        self.bus.emit(name, |blank| draft(blank.worker(worker).detail("run", run.get())));
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
