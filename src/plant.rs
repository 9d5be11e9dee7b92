//! [`Plant`]: a bug that a build with `--cfg wpc_plant` can be told to have, to show that the checks which are there to find
//! it do find it; and [`SpeedRule`], what it can be told to do without, to show what that is worth. In every other build each
//! question is answered `false` when it is compiled, and nothing is left of it.

#![cfg_attr(
    not(wpc_plant),
    expect(dead_code, unreachable_pub, reason = "only a build with `wpc_plant` can plant")
)]

use std::any::Any;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often a bug that strikes does so: once in so many times that its place is passed. A prime, so that it meets no
/// rhythm of the calls.
const STRIKES_EVERY: u64 = 1_009;

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Plant {
    /// A job vanishes from a queue, and its call never ends.
    Lost = 1,
    /// A call that has ended is ended once more.
    Double,
    /// A caller is given the value of somebody else's call.
    Misdeliver,
    /// A ticket is dropped and the count does not fall.
    Drift,
    /// News of an old run is taken for news of the present one.
    StaleRun,
    /// A ticket is dropped twice.
    DoubleTicketDrop,
    /// A timer is left behind by the run that it was set for.
    TimerOutlivesRun,
    /// The restart window counts runs that were of use too, for ever.
    WindowCountsSuccesses,
    /// A restart that is due goes on after a stop was asked for.
    StopLosesToRestart,
    /// A worker's acknowledgement of an old version is taken for the newest.
    OldAcknowledgement,
    /// A worker takes a job that it cannot run.
    TakingIgnoresEligibility,
    /// A call that runs is ended as one that never started.
    ExpiryAfterStart,
    /// A number is left out of the sequence of events.
    EventGap,
    /// What is left of a cancelled call counts against the limit of calls that wait.
    ShellCounted,
    /// An outcome is said to be there before it can be seen.
    PublishesLoosely,
    /// A queue that is closed takes in what its inbox is given.
    InboxStaysOpen,
    /// A worker parks without a look after it has said so.
    SleepsUnseen,
    /// Queues are emptied before they are closed.
    DrainsOpenQueues,
    /// A worker that has nothing left to do does not say so to a stop.
    SleepsUntold,
    /// A run that ends does not have others look for what it was woken for.
    EndsUnseen,
    /// Nobody looks again at a call that is left to a worker which is awake.
    LeavesUnwatched,
    /// Who waits for a signal parks without a look after it has said so.
    EnlistsUnseen,
    /// What a holder of a value did may be seen after the value has been dropped.
    LetsGoLoosely,
    /// No fence lies between a push and the look whether the worker sleeps.
    PushesUnfenced,
    /// The timekeeper forgets what it was told while it looked.
    ForgetsAfterLook,
}

/// A rule of speed that such a build can be told to do without, to measure what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SpeedRule {
    /// A worker that sleeps counts as many calls more as fit into the time of a wake.
    Wake = 1,
    /// A worker that sleeps is woken for what was left behind a call that goes on.
    Rescue,
    /// A worker without a job takes those of others.
    Taking,
    /// How long somebody waits awake is learnt from the last waits.
    Learning,
    /// Whoever waits awake leaves the core to others between two looks.
    Yield,
}

impl SpeedRule {
    /// Has this process do without the rule.
    pub fn switch_off(self) {
        OFF.store(self as u8, Ordering::SeqCst);
    }

    /// Whether the process does without it.
    pub(crate) fn is_off(self) -> bool {
        cfg!(wpc_plant) && OFF.load(Ordering::Relaxed) == self as u8
    }
}

/// The rule that is switched off: 0 for none.
static OFF: AtomicU8 = AtomicU8::new(0);

/// What is planted, for the whole process: 0 for nothing.
static PLANTED: AtomicU8 = AtomicU8::new(0);

/// How often the place of what is planted was passed.
static PASSED: AtomicU64 = AtomicU64::new(0);

/// A value on its way to the wrong caller.
static MISLAID: Mutex<Option<Box<dyn Any + Send>>> = Mutex::new(None);

impl Plant {
    /// Plants the bug in this process, instead of the one that was planted before.
    pub fn plant(self) {
        PASSED.store(0, Ordering::SeqCst);
        PLANTED.store(self as u8, Ordering::SeqCst);
    }

    /// Plants nothing any more.
    pub fn uproot() {
        PLANTED.store(0, Ordering::SeqCst);
    }

    /// Whether this bug is planted.
    pub(crate) fn is_planted(self) -> bool {
        cfg!(wpc_plant) && PLANTED.load(Ordering::Relaxed) == self as u8
    }

    /// Whether this bug is planted and strikes here and now: once in a thousand times or so.
    pub(crate) fn strikes(self) -> bool {
        self.is_planted() && PASSED.fetch_add(1, Ordering::Relaxed) % STRIKES_EVERY == STRIKES_EVERY - 1
    }
}

fn mislaid() -> MutexGuard<'static, Option<Box<dyn Any + Send>>> {
    MISLAID.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a value that came too late for its own caller, for [`misdeliver`] to give to another one; what comes back is
/// another one like it, or `nothing`.
pub(crate) fn mislay<V: Send + 'static>(value: V, nothing: impl FnOnce() -> V) -> V {
    if !Plant::Misdeliver.is_planted() {
        return value;
    }
    let before = mislaid().replace(Box::new(value)).and_then(|before| before.downcast().ok());
    before.map_or_else(nothing, |before| *before)
}

/// The value that a caller is given instead of its own: one that was mislaid, if the two are `alike`.
pub(crate) fn misdeliver<V: Send + 'static>(mut value: V, alike: impl FnOnce(&V, &V) -> bool) -> V {
    if Plant::Misdeliver.strikes()
        && let Some(mislaid) = mislaid().as_mut().and_then(|mislaid| mislaid.downcast_mut::<V>())
        && alike(mislaid, &value)
    {
        std::mem::swap(mislaid, &mut value);
    }
    value
}

/// How a process ends in which a planted bug was found.
#[cfg(all(test, any(wpc_loom, wpc_shuttle)))]
const FOUND: i32 = 3;

/// Has the first panic say what `found` tells of it and end the process: a model checker cannot go on after one, since what its
/// threads hold would be dropped outside of every execution.
#[cfg(all(test, any(wpc_loom, wpc_shuttle)))]
pub(crate) fn end_with_the_first_panic(found: impl Fn(&str) -> String + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let owned = payload.downcast_ref::<String>().map(String::as_str);
        let text = owned.or(payload.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
        println!("{}", found(&text.split_whitespace().collect::<Vec<_>>().join(" ")));
        std::process::exit(FOUND);
    }));
}
