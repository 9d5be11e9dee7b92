//! The function that everybody calls: what it is asked to do, what it answers, and how its values blow up.

use std::panic::panic_any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use wpc::{Clock, Context, DefineError, FunctionError, Wpc};

use crate::fuse::{Fuse, Fuses};
use crate::latch::{self, Latch};
use crate::ledger::Ledger;

/// The name that the function is defined under.
pub(crate) const NAME: &str = "work";

/// The name of the error that it fails with.
pub(crate) const FAILURE: &str = "Asked";

/// How often a function that lingers looks whether its call is over, and how long it lingers at the most.
const LOOK_EVERY: Duration = Duration::from_micros(100);
const LINGER_MAX: Duration = Duration::from_secs(2);

/// How long before its deadline [`Deed::ReturnAt`] counts from.
const BEFORE_DEADLINE: Duration = Duration::from_micros(100);

/// What the function is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Deed {
    Answer,
    Fail,
    Panic,
    /// Panic with a payload whose drop panics.
    PanicWithBomb,
    /// Go on until the call is over.
    Linger,
    /// The same, and answer with what panics when it is dropped.
    LingerForBomb,
    /// Return so long after a moment before the deadline.
    ReturnAt {
        micros: u64,
    },
    /// Go on until the wave of stuck functions is let go.
    Stick,
    /// Go on until the workers have been stopped.
    Outstay,
}

/// The arguments of a call.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) nonce: u64,
    pub(crate) deed: Deed,
    pub(crate) fuse: Fuse,
}

/// What the function answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) nonce: u64,
    /// The version of the function that has run.
    pub(crate) version: u64,
    pub(crate) fuse: Fuse,
}

/// The payload of a panic whose drop panics too, with the same.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any(Self);
    }
}

/// The panics that the storm wants.
pub(crate) struct OnPurpose;

impl OnPurpose {
    /// What the panic of the call of this nonce says.
    pub(crate) fn message(nonce: u64) -> String {
        format!("storm {nonce}")
    }

    /// Keeps them off the standard error. All other panics are told as ever.
    pub(crate) fn silence() {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let text = payload.downcast_ref::<String>();
            if !payload.is::<Bomb>() && !text.is_some_and(|text| text.starts_with("storm ")) {
                others(info);
            }
        }));
    }
}

/// Where functions are stuck.
#[derive(Default)]
pub(crate) struct Latches {
    /// Those that are let go wave by wave.
    pub(crate) stuck: Latch,
    /// Those that a stop has to leave behind.
    pub(crate) outstaying: Latch,
}

/// Defines the next version of the function. Whoever reads the ledger's oldest version after this returned must not be
/// answered by one before.
pub(crate) fn define(
    wpc: &Wpc,
    ledger: &Arc<Ledger>,
    latches: &Arc<Latches>,
    version: u64,
) -> Result<(), DefineError> {
    let (theirs, latches, clock) = (Arc::clone(ledger), Arc::clone(latches), Clock::system());
    ledger.announce(version);
    wpc.define_function(NAME, move |context: &Context, order: Order| -> Result<Answer, FunctionError> {
        theirs.ran(order.nonce);
        let bomb = run((context, &clock), &order, &latches, theirs.fuses())?;
        Ok(Answer { nonce: order.nonce, version, fuse: bomb })
    })?;
    ledger.publish(version);
    Ok(())
}

/// Does what the order asks for.
fn run(
    (context, clock): (&Context, &Clock),
    order: &Order,
    latches: &Latches,
    fuses: &Arc<Fuses>,
) -> Result<Fuse, FunctionError> {
    match order.deed {
        Deed::Answer => {}
        Deed::Fail => return Err(FunctionError::new(FAILURE, order.nonce.to_string())),
        Deed::Panic => panic_any(OnPurpose::message(order.nonce)),
        Deed::PanicWithBomb => panic_any(Bomb),
        Deed::Linger => linger(context, clock),
        Deed::LingerForBomb => {
            linger(context, clock);
            return Ok(fuses.arm(order.nonce));
        }
        Deed::ReturnAt { micros } => {
            let deadline = context.deadline().expect("the call was given a deadline");
            work_until(deadline + Duration::from_micros(micros), clock);
        }
        Deed::Stick => latches.stuck.hold(),
        Deed::Outstay => latches.outstaying.hold(),
    }
    Ok(Fuse::default())
}

fn linger(context: &Context, clock: &Clock) {
    let until = clock.now() + LINGER_MAX;
    while !context.is_cancelled() && clock.now() < until {
        latch::work_for(LOOK_EVERY);
    }
}

/// Works until [`BEFORE_DEADLINE`] before that.
fn work_until(until: Instant, clock: &Clock) {
    let left = until.saturating_duration_since(clock.now() + BEFORE_DEADLINE);
    if !left.is_zero() {
        latch::work_for(left);
    }
}
