//! [`Ledger`]: what the callers know of their calls, kept apart from what the pool says of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use wpc::{CallError, RejectReason, Rejected, Stats};

use crate::errand::Errand;
use crate::fuse::Fuses;
use crate::plan::Class;
use crate::work::{Answer, Deed, FAILURE, OnPurpose, Order};

/// How a call that was accepted has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Ok,
    Failed,
    Panicked,
    TimedOut,
    Cancelled,
    Lost,
}

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A call that was accepted does not end.
    Missing,
    /// It ends twice, or runs twice.
    Double,
    /// Its caller is given what belongs to another call.
    Misdelivered,
    /// The pool's counts are not the callers'.
    Drift,
    /// It was run by a version that was superseded before it was made, or by one that is still to come.
    Stale,
    /// The outcome says that it never started, and it has; or that it was run, and it was not.
    Untrue,
    /// It ends in a way that it cannot.
    Unexpected,
    /// An argument or a result is never dropped.
    Leaked,
}

impl Flaw {
    pub(crate) const ALL: [Self; 8] = [
        Self::Missing,
        Self::Double,
        Self::Misdelivered,
        Self::Drift,
        Self::Stale,
        Self::Untrue,
        Self::Unexpected,
        Self::Leaked,
    ];
}

/// What the ledger knows when a call is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    /// The oldest version that may answer it.
    oldest_version: u64,
    stops: u64,
}

/// The stops that have begun or ended, before a call was made and when its outcome is booked: odd while one is under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    made: u64,
    booked: u64,
}

impl Span {
    /// Whether a stop was under way at some moment of it.
    pub(crate) fn met_a_stop(self) -> bool {
        self.made != self.booked || !self.made.is_multiple_of(2)
    }
}

/// What has become of a call, by its nonce. Not 0, so that the table is in memory before the storm.
const UNKNOWN: u8 = 1;
const STARTED: u8 = 2;
const NEVER_STARTED: u8 = 3;

/// How many flaws are told of, one by one.
const TOLD_MAX: u64 = 10;

/// The callers' own book.
pub(crate) struct Ledger {
    fates: Box<[AtomicU8]>,
    /// How often the function has run for a call, beyond the 1 that it begins with.
    runs: Box<[AtomicU8]>,
    next: AtomicU64,
    accepted: AtomicU64,
    rejected: AtomicU64,
    endings: [AtomicU64; 6],
    flaws: [AtomicU64; Flaw::ALL.len()],
    struck: [AtomicU64; Class::ALL.len()],
    announced: AtomicU64,
    published: AtomicU64,
    heard: AtomicU64,
    /// How many stops have begun, and how many have ended.
    stops: AtomicU64,
    fuses: Arc<Fuses>,
    is_over: AtomicBool,
}

impl Ledger {
    /// A book for so many calls.
    pub(crate) fn new(calls: u64) -> Self {
        Self {
            fates: (0..calls).map(|_| AtomicU8::new(UNKNOWN)).collect(),
            runs: (0..calls).map(|_| AtomicU8::new(1)).collect(),
            next: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            endings: Default::default(),
            flaws: Default::default(),
            struck: Default::default(),
            announced: AtomicU64::new(0),
            published: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            stops: AtomicU64::new(0),
            fuses: Arc::default(),
            is_over: AtomicBool::new(false),
        }
    }

    /// The nonce of the next call; none when all have been made, or the storm is given up.
    pub(crate) fn next(&self) -> Option<u64> {
        let nonce = self.next.fetch_add(1, Ordering::Relaxed);
        (nonce < self.fates.len() as u64 && !self.is_over()).then_some(nonce)
    }

    /// How many calls are still to be made.
    pub(crate) fn left(&self) -> u64 {
        (self.fates.len() as u64).saturating_sub(self.next.load(Ordering::Relaxed))
    }

    /// Whether something is so wrong that nothing more is worth trying.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Makes no more calls.
    pub(crate) fn give_up(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// A version is about to be defined.
    pub(crate) fn announce(&self, version: u64) {
        self.announced.store(version, Ordering::SeqCst);
    }

    /// The define of a version has returned.
    pub(crate) fn publish(&self, version: u64) {
        self.published.store(version, Ordering::SeqCst);
    }

    /// What a call that is made from now on is held against.
    pub(crate) fn make(&self) -> Made {
        let stops = self.stops.load(Ordering::SeqCst);
        Made { oldest_version: self.published.load(Ordering::SeqCst), stops }
    }

    /// A stop is about to begin, or has just ended.
    pub(crate) fn turn_stop(&self) {
        self.stops.fetch_add(1, Ordering::SeqCst);
    }

    /// The book of all fuses.
    pub(crate) fn fuses(&self) -> &Arc<Fuses> {
        &self.fuses
    }

    /// The function has begun for this call.
    pub(crate) fn ran(&self, nonce: u64) {
        if of(&self.runs, nonce).fetch_add(1, Ordering::SeqCst) > 1 {
            self.accuse(Flaw::Double, || format!("call {nonce} runs once more"));
        }
    }

    /// Whether the function has begun for this call.
    pub(crate) fn has_run(&self, nonce: u64) -> bool {
        of(&self.runs, nonce).load(Ordering::SeqCst) > 1
    }

    /// A fault has come about.
    pub(crate) fn strike(&self, class: Class) {
        self.struck[class as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many faults of this class have come about.
    pub(crate) fn struck(&self, class: Class) -> u64 {
        self.struck[class as usize].load(Ordering::Relaxed)
    }

    /// The event of this number was heard.
    pub(crate) fn hear(&self, event: u64) {
        self.heard.store(event, Ordering::Release);
    }

    /// The last event that was heard.
    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Acquire)
    }

    /// Books a call that was not accepted. Its arguments must be its own, and the reason one that a storm can give.
    pub(crate) fn book_rejection(&self, nonce: u64, rejected: Rejected) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        let reason = rejected.reason().clone();
        if !matches!(
            reason,
            RejectReason::NotRunning | RejectReason::NoWorkers { .. } | RejectReason::Saturated { .. }
        ) {
            self.accuse(Flaw::Unexpected, || format!("call {nonce} is rejected: {reason}"));
        }
        match rejected.into_arguments::<Order>() {
            Ok(mut order) => {
                order.fuse.disarm();
                if order.nonce != nonce {
                    self.accuse(Flaw::Misdelivered, || {
                        format!("call {nonce} is handed back {}", order.nonce)
                    });
                }
            }
            Err(_) => {
                self.accuse(Flaw::Unexpected, || format!("rejected call {nonce} lacks its arguments"));
            }
        }
    }

    /// A call was accepted.
    pub(crate) fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Books the outcome of an accepted call.
    pub(crate) fn book(&self, errand: &Errand, made: Made, outcome: Result<Answer, CallError>) {
        let nonce = errand.nonce;
        let span = Span { made: made.stops, booked: self.stops.load(Ordering::SeqCst) };
        let Some((ending, started)) = self.read(errand, made.oldest_version, outcome) else { return };
        self.endings[ending as usize].fetch_add(1, Ordering::Relaxed);
        if errand.has_struck(ending, started)
            && let Some(class) = errand.class
        {
            self.strike(class);
        }
        let has_returned = matches!(ending, Ending::Ok | Ending::Failed | Ending::Panicked);
        if has_returned && !self.has_run(nonce) {
            self.accuse(Flaw::Untrue, || format!("call {nonce} has ended {ending:?} and never ran"));
        }
        if !errand.may_end(ending, started, span) {
            // Only a call that is lost lives to see a deadline that is so far away.
            let flaw = if ending == Ending::TimedOut { Flaw::Missing } else { Flaw::Unexpected };
            self.accuse(flaw, || {
                format!("{ending:?}, started: {started}, is the end of {errand:?}, stops {span:?}")
            });
        }
        let fate = if started { STARTED } else { NEVER_STARTED };
        if of(&self.fates, nonce).swap(fate, Ordering::SeqCst) != UNKNOWN {
            self.accuse(Flaw::Double, || format!("call {nonce} has ended {ending:?}, and before"));
        }
    }

    /// A call has not ended long after its deadline.
    pub(crate) fn book_missing(&self, errand: &Errand) {
        self.accuse(Flaw::Missing, || format!("{errand:?} has not ended"));
        self.give_up();
    }

    fn read(
        &self,
        errand: &Errand,
        oldest: u64,
        outcome: Result<Answer, CallError>,
    ) -> Option<(Ending, bool)> {
        let nonce = errand.nonce;
        let own = |is_own: bool, found: &dyn std::fmt::Display| {
            if !is_own {
                self.accuse(Flaw::Misdelivered, || format!("call {nonce} is given that of {found}"));
            }
        };
        Some(match outcome {
            Ok(mut answer) => {
                answer.fuse.disarm();
                own(answer.nonce == nonce, &answer.nonce);
                let newest = self.announced.load(Ordering::SeqCst);
                if !(oldest..=newest).contains(&answer.version) {
                    let version = answer.version;
                    self.accuse(Flaw::Stale, || format!("version {version} outside {oldest} to {newest}"));
                }
                (Ending::Ok, true)
            }
            Err(CallError::Failed(error)) => {
                own(error.name() == FAILURE && error.message() == nonce.to_string(), &error);
                (Ending::Failed, true)
            }
            Err(CallError::Panicked { message, .. }) => {
                let is_bare = errand.deed == Deed::PanicWithBomb;
                own(is_bare || message == OnPurpose::message(nonce), &message);
                (Ending::Panicked, true)
            }
            Err(CallError::TimedOut { started, .. }) => (Ending::TimedOut, started),
            Err(CallError::Cancelled { started, .. }) => (Ending::Cancelled, started),
            Err(CallError::WorkerLost { started, .. }) => (Ending::Lost, started),
            Err(other) => {
                self.accuse(Flaw::Unexpected, || format!("accepted call {nonce} ends so: {other}"));
                return None;
            }
        })
    }

    /// Notes a flaw, and tells of the first few.
    pub(crate) fn accuse(&self, flaw: Flaw, what: impl FnOnce() -> String) {
        self.accuse_times(flaw, 1, what);
    }

    fn accuse_times(&self, flaw: Flaw, times: u64, what: impl FnOnce() -> String) {
        if times > 0 && self.flaws[flaw as usize].fetch_add(times, Ordering::Relaxed) < TOLD_MAX {
            eprintln!("storm: {flaw:?}: {}", what());
        }
    }

    /// Every fuse that was armed has gone, once.
    fn audit_fuses(&self) {
        let (leaked, twice) = (self.fuses.out(), self.fuses.twice());
        self.accuse_times(Flaw::Leaked, leaked, || {
            let nonce = self.fuses.nonce_of_one().unwrap_or_default();
            format!("{leaked} values were never dropped, one of call {nonce}")
        });
        self.accuse_times(Flaw::Double, twice, || format!("{twice} values were dropped twice"));
    }

    /// Compares each call's outcome with what it has run, and all of them with what the pool has counted.
    pub(crate) fn audit(&self, stats: &Stats) {
        self.audit_fuses();
        let mut known = 0;
        for (nonce, (fate, runs)) in self.fates.iter().zip(&self.runs).enumerate() {
            let (fate, has_run) = (fate.load(Ordering::SeqCst), runs.load(Ordering::SeqCst) > 1);
            known += u64::from(fate != UNKNOWN);
            if fate == NEVER_STARTED && has_run {
                self.accuse(Flaw::Untrue, || format!("call {nonce} never started, and ran"));
            }
        }
        let (calls, ended) = (stats.calls, self.booked());
        let silent = self.accepted().saturating_sub(ended).saturating_sub(self.flaw(Flaw::Missing));
        self.accuse_times(Flaw::Missing, silent, || format!("{silent} calls have no outcome"));
        self.accuse_times(Flaw::Double, ended.saturating_sub(known), || {
            format!("{ended} outcomes of {known} calls")
        });
        let theirs = [
            (Ending::Ok, calls.values),
            (Ending::Failed, calls.failed),
            (Ending::Panicked, calls.panicked),
            (Ending::TimedOut, calls.timed_out),
            (Ending::Cancelled, calls.cancelled),
            (Ending::Lost, calls.worker_lost),
        ];
        for (ending, theirs) in theirs {
            let ours = self.ending(ending);
            let what = || format!("the pool counts {theirs} that ended {ending:?}, the callers {ours}");
            self.accuse_times(Flaw::Double, theirs.saturating_sub(ours), what);
            self.accuse_times(Flaw::Drift, ours.saturating_sub(theirs), what);
        }
        let differs = |what: &str, ours: u64, theirs: u64| {
            self.accuse_times(Flaw::Drift, ours.abs_diff(theirs), || format!("{what}: {ours} and {theirs}"));
        };
        differs("accepted by the callers' count and by the pool's", self.accepted(), calls.accepted);
        differs("rejected by the callers' count and by the pool's", self.rejected(), stats.rejected);
        differs("accepted and ended by the pool's count", calls.accepted, calls.ended());
        differs("in flight when all is over", 0, stats.in_flight);
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(crate) fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::SeqCst)
    }

    pub(crate) fn ending(&self, ending: Ending) -> u64 {
        self.endings[ending as usize].load(Ordering::SeqCst)
    }

    pub(crate) fn flaw(&self, flaw: Flaw) -> u64 {
        self.flaws[flaw as usize].load(Ordering::SeqCst)
    }

    /// How many calls have ended.
    pub(crate) fn booked(&self) -> u64 {
        self.endings.iter().map(|ending| ending.load(Ordering::SeqCst)).sum()
    }
}

fn of(table: &[AtomicU8], nonce: u64) -> &AtomicU8 {
    &table[usize::try_from(nonce).expect("the table is in memory")]
}
