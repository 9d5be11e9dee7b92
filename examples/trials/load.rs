//! [`Caller`]: calls of every kind on a pool, until it is stopped; and [`Stage`], what the called function plays on.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wpc::{CallError, Context, FunctionError, Pending, RejectReason, WeakWpc, Wpc};

use crate::latch::Latch;
use crate::ledger::{Fates, Ledger};
use crate::random::Random;
use crate::rest::{now, rest};

/// The name of the function that all calls are of.
pub(crate) const WORK: &str = "work";

/// Calls that one caller makes in a round at the most, and calls that it does not wait for meanwhile.
const CALLS_MAX: usize = 4_000;
const WINDOW: usize = 16;

/// The deadlines that callers set are nearer than this, and the pool's own is not.
const DEADLINES_MAX: Duration = Duration::from_millis(20);

/// Of so many calls one is of each rare kind.
const STUCK_ONE_IN: u64 = 24;
const PANIC_ONE_IN: u64 = 200;

/// What the called function does. A nested one does the second of its two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Quick,
    /// Takes its time, a millisecond at the most.
    Rest,
    /// Goes on until it is asked to return.
    Linger,
    /// Goes on until the round's latch is released.
    Stuck,
    Fail,
    Panic,
    /// Calls the function itself, which is quick.
    NestQuick,
    /// Calls the function itself, which is stuck.
    NestStuck,
    /// Submits a call of the function itself, which is stuck, and waits for it.
    WaitStuck,
}

/// One round, as the called function sees it.
pub(crate) struct Stage {
    round: u64,
    latch: Latch,
    ledger: Arc<Ledger>,
    pub(crate) fates: Fates,
    /// Nested calls that were accepted and have waited on the latch.
    pub(crate) nested_stuck: AtomicU64,
    /// Calls that were out when their caller was told of the stop, and ended otherwise than by being cancelled.
    pub(crate) outlived: AtomicU64,
    /// Functions that are held by the latch now, and that no deadline has let go of: only a stop leaves them behind.
    pub(crate) unhurried: AtomicU64,
}

/// The stage of the round that is on.
pub(crate) type Current = Arc<Mutex<Arc<Stage>>>;

impl Stage {
    /// For so many callers.
    pub(crate) fn new(round: u64, callers: usize, ledger: &Arc<Ledger>, latch: &Latch) -> Arc<Self> {
        let (ledger, latch) = (Arc::clone(ledger), latch.clone());
        let fates = Fates::new(2 * callers * CALLS_MAX);
        let [nested_stuck, outlived, unhurried] = Default::default();
        Arc::new(Self { round, latch, ledger, fates, nested_stuck, outlived, unhurried })
    }

    /// The number of the call that this one makes.
    fn nested(&self, call: usize) -> usize {
        call + self.fates.len() / 2
    }

    fn play(
        &self,
        (ctx, wpc): (&Context, &WeakWpc),
        call: usize,
        kind: Kind,
    ) -> Result<usize, FunctionError> {
        self.fates.run(call);
        match kind {
            Kind::Quick => {}
            Kind::Rest => rest(Duration::from_micros(call as u64 * 37 % 1_000)),
            Kind::Linger => {
                while !ctx.is_cancelled() {
                    rest(Duration::from_micros(100));
                }
            }
            Kind::Stuck => self.hold(ctx, call),
            Kind::Fail => return Err(FunctionError::new("Asked", call.to_string())),
            Kind::Panic => std::panic::resume_unwind(Box::new("asked for")), // no word on stderr
            Kind::NestQuick => self.nest(ctx, call, Kind::Quick),
            Kind::NestStuck => self.nest(ctx, call, Kind::Stuck),
            Kind::WaitStuck => self.wait_inside(wpc, call),
        }
        Ok(call)
    }

    /// Stays until the latch lets go, and is counted meanwhile if it is a call from outside whose deadline is far away.
    fn hold(&self, ctx: &Context, call: usize) {
        let is_far = |deadline| deadline > now() + DEADLINES_MAX;
        let is_unhurried = call < self.nested(0) && ctx.deadline().is_none_or(is_far);
        self.unhurried.fetch_add(u64::from(is_unhurried), Ordering::SeqCst);
        self.latch.hold(self.round);
        self.unhurried.fetch_sub(u64::from(is_unhurried), Ordering::SeqCst);
    }

    fn nest(&self, ctx: &Context, call: usize, kind: Kind) {
        let call = self.nested(call);
        let outcome = ctx.call(WORK, (call, kind as u8));
        // One that came too late was rejected, and was stuck nowhere.
        let was_stuck = kind == Kind::Stuck && !matches!(outcome, Err(CallError::Rejected(_)));
        self.nested_stuck.fetch_add(u64::from(was_stuck), Ordering::SeqCst);
        self.ledger.book(&self.fates, call, &outcome);
    }

    fn wait_inside(&self, wpc: &WeakWpc, call: usize) {
        let Some(wpc) = wpc.upgrade() else { return };
        let call = self.nested(call);
        let outcome = wpc.submit(WORK, (call, Kind::Stuck as u8)).and_then(Pending::wait);
        self.ledger.book(&self.fates, call, &outcome);
    }
}

/// Defines the function.
pub(crate) fn define(wpc: &Wpc, current: &Current) -> anyhow::Result<()> {
    let current = Arc::clone(current);
    let weak = wpc.downgrade();
    let work = move |ctx: &Context, call: usize, kind: u8| -> Result<usize, FunctionError> {
        let stage = Arc::clone(&current.lock().expect("nobody panics under it"));
        stage.play((ctx, &weak), call, KINDS[usize::from(kind)])
    };
    wpc.define_function(WORK, work)?;
    Ok(())
}

/// By their numbers.
const KINDS: [Kind; 9] = [
    Kind::Quick,
    Kind::Rest,
    Kind::Linger,
    Kind::Stuck,
    Kind::Fail,
    Kind::Panic,
    Kind::NestQuick,
    Kind::NestStuck,
    Kind::WaitStuck,
];

/// One caller in one round.
pub(crate) struct Caller {
    pub(crate) number: usize,
    pub(crate) has_stuck: bool,
    pub(crate) random: Random,
}

impl Caller {
    /// Calls until the pool is not running any more, and then waits for what is out.
    pub(crate) fn load(mut self, wpc: &Wpc, stage: &Stage) {
        let mut window = VecDeque::new();
        for call in self.number * CALLS_MAX..(self.number + 1) * CALLS_MAX {
            match self.make(wpc, stage, call) {
                Ok(None) => {}
                Ok(Some(pending)) => window.push_back((call, pending)),
                Err(RejectReason::NotRunning) => return outlive(stage, window),
                Err(_) => rest(Duration::from_micros(100)),
            }
            if window.len() >= WINDOW {
                wait(stage, window.pop_front());
            }
        }
        while !window.is_empty() {
            wait(stage, window.pop_front());
        }
    }

    /// Makes one call, and waits for it or does not; the reason, if it was rejected.
    fn make(
        &mut self,
        wpc: &Wpc,
        stage: &Stage,
        call: usize,
    ) -> Result<Option<Pending<usize>>, RejectReason> {
        let arguments = (call, self.kind() as u8);
        let mut request =
            wpc.request(WORK).priority(i32::try_from(self.random.below(3)).expect("it is small"));
        if self.random.once_in(8) {
            request = request.timeout(self.random.time_below(DEADLINES_MAX));
        }
        let outcome = if self.random.once_in(4) {
            request.call(arguments)
        } else {
            match request.submit(arguments) {
                Ok(pending) => return Ok(Some(pending)),
                Err(rejected) => Err(rejected),
            }
        };
        stage.ledger.book(&stage.fates, call, &outcome);
        match outcome {
            Err(CallError::Rejected(rejected)) => Err(rejected.reason().clone()),
            _ => Ok(None),
        }
    }

    fn kind(&mut self) -> Kind {
        if self.has_stuck && self.random.once_in(STUCK_ONE_IN) {
            return match self.random.below(4) {
                0 => Kind::NestStuck,
                1 => Kind::WaitStuck,
                _ => Kind::Stuck,
            };
        }
        if self.random.once_in(PANIC_ONE_IN) {
            return Kind::Panic;
        }
        match self.random.below(16) {
            0..8 => Kind::Quick,
            8..12 => Kind::Rest,
            12 => Kind::Linger,
            13 => Kind::Fail,
            _ => Kind::NestQuick,
        }
    }
}

/// Waits for what is out when a stop has begun, and counts what ends by itself of what had not ended before.
fn outlive(stage: &Stage, window: VecDeque<(usize, Pending<usize>)>) {
    let out: Vec<_> = window.into_iter().map(|(call, pending)| (call, !pending.is_done(), pending)).collect();
    for (call, is_out, pending) in out {
        let outcome = pending.wait();
        let ends_by_itself = is_out && !matches!(outcome, Err(CallError::Cancelled { .. }));
        stage.outlived.fetch_add(u64::from(ends_by_itself), Ordering::SeqCst);
        stage.ledger.book(&stage.fates, call, &outcome);
    }
}

fn wait(stage: &Stage, call: Option<(usize, Pending<usize>)>) {
    if let Some((call, pending)) = call {
        stage.ledger.book(&stage.fates, call, &pending.wait());
    }
}
