//! [`Register`]: what the run that has a slot is at, for others to find: the timekeeper, a stop, whoever leaves it behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::call::{Call, Hand, Load, Phase};
use crate::function::Dependency;
use crate::sync::{AtomicWeak, CachePadded, Held};

use super::stage::Stage;

/// The call that a run of a worker is at, for others to find; its hand tells whether it still is. Each run has its own: one that was
/// abandoned shows nothing in its successor's place.
pub(super) type Shown = AtomicWeak<Call>;

/// What a worker's hand is at that others may have to end, besides a call.
pub(super) enum Busy {
    Install(Installing),
    /// User code that belongs to no call: a drop of values, or the thread's own start.
    Clean(Cleaning),
}

/// A drop of users' values on its way.
pub(super) struct Cleaning {
    /// When it is looked at next; none where the start's own limit holds.
    pub(super) until: Option<Instant>,
    /// How long it may go on after it was found to take long: the first look only finds it. So a clock that jumps, or a
    /// machine that stood still, costs no worker that was in a drop for a moment.
    pub(super) grace: Duration,
    pub(super) is_suspect: bool,
}

/// A library's `init` on its way.
pub(super) struct Installing {
    pub(super) dependency: Arc<Dependency>,
    /// When it is left behind; none where the start's own limit holds.
    pub(super) until: Option<Instant>,
    /// What it is built for, if that is a stage.
    pub(super) stage: Option<Arc<Stage>>,
}

/// What the run that has the slot is at.
pub(super) struct Register {
    /// The outermost call, while the hand runs.
    pub(super) shown: Arc<CachePadded<Shown>>,
    /// What else it is at, with the hand that is.
    pub(super) aside: Option<(Hand, Busy)>,
}

impl Default for Register {
    fn default() -> Self {
        Self { shown: Arc::new(CachePadded::new(Shown::new())), aside: None }
    }
}

impl Register {
    /// The call that the hand runs, as long as it does. What is met on the way lies in `met`, to be let go of by its finder
    /// outside of every lock: its worker may have let go of it meanwhile.
    pub(super) fn call<'a>(
        &self,
        load: &Load,
        hand: Hand,
        met: &'a mut Option<Held<Call>>,
    ) -> Option<&'a Held<Call>> {
        debug_assert!(met.is_none(), "what was met before is not let go of here");
        *met = if hand.phase == Phase::Running { self.shown.load().upgrade() } else { None };
        // It was shown before the hand went up, so it is that call if the hand has not moved since.
        met.as_ref().filter(|_| load.hand() == hand)
    }
}

/// The installation that an abandoned run was at, if it was at one.
pub(super) fn installing(running: Option<(Hand, Busy)>) -> Option<Installing> {
    if let (_, Busy::Install(installing)) = running? { Some(installing) } else { None }
}
