//! [`Errand`]: one call as its caller plans it, and what may come of it.

use std::sync::Arc;
use std::time::Duration;

use crate::fuse::{Fuse, Fuses};
use crate::ledger::{Ending, Span};
use crate::plan::{Class, Plan};
use crate::work::{Deed, Order};

/// How long a function may go on after its call is over.
pub(crate) const GRACE: Duration = Duration::from_millis(4);

/// The deadline of calls that are to miss it.
const SHORT: Duration = Duration::from_millis(3);

/// Calls that are to be in time for their fault go before the others.
const URGENT: i32 = -1;

/// One clean call in so many fails by itself, and one stop in so many finds a function that outstays it.
const FAILS_EVERY: u64 = 32;
const OUTSTAYS_EVERY: u64 = 32;

/// What a caller does between the submission of a call and its wait for the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    Wait,
    Cancel,
    CancelOnceBegun,
    AskForRedefinition,
    AskForRestart,
}

/// A call to be made.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) nonce: u64,
    pub(crate) class: Option<Class>,
    pub(crate) deed: Deed,
    pub(crate) treatment: Treatment,
    /// None for the pool's own, which nothing should ever reach.
    pub(crate) timeout: Option<Duration>,
    pub(crate) priority: i32,
    has_bomb: bool,
}

impl Errand {
    /// The call of this nonce, as the plan has it.
    pub(crate) fn new(nonce: u64, plan: &Plan) -> Self {
        let class = plan.fault_at(nonce);
        let chance = plan.chances(nonce).next();
        let clean = Self {
            nonce,
            class,
            deed: if chance.is_multiple_of(FAILS_EVERY) { Deed::Fail } else { Deed::Answer },
            treatment: Treatment::Wait,
            timeout: None,
            priority: 0,
            has_bomb: false,
        };
        let urgent = |deed| Self { deed, priority: URGENT, ..clean };
        let hurried = |deed| Self { deed, priority: URGENT, timeout: Some(SHORT), ..clean };
        let grace = u64::try_from(GRACE.as_micros()).expect("it is short");
        match class {
            None | Some(Class::LostWorker) => clean,
            Some(Class::Panic) => Self { deed: Deed::Panic, ..clean },
            Some(Class::PayloadBomb) => Self { deed: Deed::PanicWithBomb, ..clean },
            Some(Class::DropBomb) => clean.with_bomb(chance % 3),
            // It returns at a quarter to a half of the grace: a busy machine still has the rest.
            Some(Class::Overrun) => hurried(Deed::ReturnAt { micros: grace / 4 + chance % (grace / 4) }),
            Some(Class::LateReply) => hurried(Deed::ReturnAt { micros: chance % 400 }),
            Some(Class::Stuck) => hurried(Deed::Stick),
            Some(Class::CancelQueued) => {
                Self { deed: Deed::Answer, treatment: Treatment::Cancel, priority: 1, ..clean }
            }
            Some(Class::CancelRunning) => {
                Self { treatment: Treatment::CancelOnceBegun, ..urgent(Deed::Linger) }
            }
            Some(Class::Redefinition) => Self { treatment: Treatment::AskForRedefinition, ..clean },
            Some(Class::StopStart) => {
                let deed = if chance.is_multiple_of(OUTSTAYS_EVERY) { Deed::Outstay } else { clean.deed };
                Self { treatment: Treatment::AskForRestart, ..urgent(deed) }
            }
        }
    }

    /// A bomb that goes off in the function, in what is left of a call that never ran, or in a result that is late.
    fn with_bomb(self, place: u64) -> Self {
        match place {
            0 => Self { deed: Deed::Answer, has_bomb: true, ..self },
            1 => {
                Self { deed: Deed::Answer, has_bomb: true, treatment: Treatment::Cancel, priority: 1, ..self }
            }
            _ => Self {
                deed: Deed::LingerForBomb,
                treatment: Treatment::CancelOnceBegun,
                priority: URGENT,
                ..self
            },
        }
    }

    /// The arguments of the call.
    pub(crate) fn order(&self, fuses: &Arc<Fuses>) -> Order {
        let fuse = if self.has_bomb { fuses.arm(self.nonce) } else { Fuse::default() };
        Order { nonce: self.nonce, deed: self.deed, fuse }
    }

    /// Whether the call can be made in one step.
    pub(crate) fn is_plain(&self) -> bool {
        self.treatment == Treatment::Wait
    }

    /// Whether the fault has come about, as far as the outcome tells. Whether a drop bomb goes off at all is for the
    /// fuses' own book to tell.
    pub(crate) fn has_struck(&self, ending: Ending, started: bool) -> bool {
        match self.class {
            // Others tell of these.
            None | Some(Class::LostWorker | Class::Redefinition | Class::StopStart) => false,
            Some(Class::Panic | Class::PayloadBomb) => ending == Ending::Panicked,
            Some(Class::DropBomb) if self.is_plain() => ending == Ending::Panicked,
            Some(Class::DropBomb) => {
                ending == Ending::Cancelled && started == (self.treatment == Treatment::CancelOnceBegun)
            }
            Some(Class::Overrun | Class::Stuck | Class::LateReply) => ending == Ending::TimedOut && started,
            Some(Class::CancelQueued) => ending == Ending::Cancelled && !started,
            Some(Class::CancelRunning) => ending == Ending::Cancelled && started,
        }
    }

    /// Whether a call like this one can end so. Any call can lose its worker, and be cancelled by a stop that was under
    /// way at some moment of its span.
    pub(crate) fn may_end(&self, ending: Ending, started: bool, span: Span) -> bool {
        match ending {
            Ending::Ok => !self.has_to_panic() && self.deed != Deed::Fail,
            Ending::Failed => self.deed == Deed::Fail,
            Ending::Panicked => self.has_to_panic(),
            Ending::TimedOut => self.timeout.is_some(),
            Ending::Cancelled => self.is_cancelled() || span.met_a_stop(),
            Ending::Lost => started,
        }
    }

    /// Whether its caller cancels it.
    fn is_cancelled(&self) -> bool {
        matches!(self.treatment, Treatment::Cancel | Treatment::CancelOnceBegun)
    }

    fn has_to_panic(&self) -> bool {
        self.has_bomb || matches!(self.deed, Deed::Panic | Deed::PanicWithBomb)
    }
}
