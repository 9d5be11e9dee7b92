//! The timekeeper: one thread that ends what nobody else would end in time.
//!
//! # Theory of operation
//!
//! It keeps no entry per call. A round stores `next = NEVER`, fences, scans what may hold calls with a deadline, fires
//! what is due, lowers `next` to the earliest deadline that it met, and parks until `next`. Whoever puts a watched call
//! where a scan meets it does so first and calls [`Alarm::arm`] after: fence, look at `next`, lower it and unpark the
//! thread if the call's deadline is earlier. So either the scan meets the call or the alarm is set for it. The thread
//! ends when its owner drops it. It runs no user code: it decides outcomes and wakes who waits for them, after every
//! lock is released.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::clock::Moment;
use crate::plant::Plant;
use crate::sync::{self, AtomicBool, AtomicU64, JoinHandle, OnceLock, Thread, current, full_fence};

use super::outcome::Wakeup;
use super::shift::Shift;

/// When the timekeeper looks next, in nanoseconds of its clock.
#[derive(Debug)]
pub(crate) struct Alarm {
    next: AtomicU64,
    ended: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Default for Alarm {
    fn default() -> Self {
        Self {
            next: AtomicU64::new(Moment::NEVER.nanos()),
            ended: AtomicBool::new(false),
            thread: OnceLock::new(),
        }
    }
}

impl Alarm {
    /// Has the thread look at `moment` at the latest. A full fence lies between the store of what it is to meet and this.
    pub(super) fn arm(&self, moment: Moment) {
        let nanos = moment.nanos();
        if nanos < self.next.load(Ordering::Relaxed)
            && nanos < self.next.fetch_min(nanos, Ordering::AcqRel)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

impl Alarm {
    /// Whether the calling thread is the timekeeper.
    pub(crate) fn is_kept_here(&self) -> bool {
        self.thread.get().is_some_and(|thread| thread.id() == current().id())
    }
}

/// What may hold calls with a deadline.
pub(crate) trait Scan: Send + Sync {
    /// Decides what is due, and says what will be. Wake-ups are left with the round, for after the locks.
    fn scan(&self, round: &mut Round);
}

/// One look at everything.
#[derive(Debug)]
pub(crate) struct Round {
    now: Instant,
    earliest: Option<Instant>,
    wakeups: Vec<Wakeup>,
}

impl Round {
    /// A look at the time `now`.
    pub(crate) fn new(now: Instant) -> Self {
        Self { now, earliest: None, wakeups: Vec::new() }
    }

    /// The time of this look.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Whether `at` has come; if not, the next look is at `at` or before.
    pub(crate) fn is_due(&mut self, at: Instant) -> bool {
        if at <= self.now {
            return true;
        }
        self.earliest = Some(self.earliest.map_or(at, |earliest| earliest.min(at)));
        false
    }

    /// Keeps a wake-up until every lock is released.
    pub(crate) fn wake_later(&mut self, wakeup: Option<Wakeup>) {
        self.wakeups.extend(wakeup);
    }
}

/// The thread, as its owner holds it: dropped, it ends.
pub(crate) struct Timekeeper {
    shift: Arc<Shift>,
    thread: Option<JoinHandle<()>>,
}

impl Timekeeper {
    pub(crate) fn start(shift: &Arc<Shift>, scans: Arc<[Arc<dyn Scan>]>) -> std::io::Result<Self> {
        let theirs = Arc::clone(shift);
        let thread = sync::spawn("wpc-timekeeper".into(), move || keep(&theirs, &scans))?;
        Ok(Self { shift: Arc::clone(shift), thread: Some(thread) })
    }
}

impl Drop for Timekeeper {
    /// Ends the thread and waits for it: it is between two rounds, or in one, which blocks on nothing.
    fn drop(&mut self) {
        let alarm = &self.shift.alarm;
        alarm.ended.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            thread.join().expect("the timekeeper does not panic");
        }
    }
}

/// The calling thread is the one that the alarm wakes.
pub(crate) fn attend(shift: &Shift) {
    shift.alarm.thread.get_or_init(current);
}

fn keep(shift: &Shift, scans: &[Arc<dyn Scan>]) {
    let alarm = &shift.alarm;
    attend(shift);
    while !alarm.ended.load(Ordering::Acquire) {
        look(shift, scans);
        rest(shift);
    }
}

/// One round.
pub(crate) fn look(shift: &Shift, scans: &[Arc<dyn Scan>]) {
    let alarm = &shift.alarm;
    let forget = || alarm.next.store(Moment::NEVER.nanos(), Ordering::Relaxed);
    if !Plant::ForgetsAfterLook.is_planted() {
        forget();
    }
    full_fence();
    let mut round = Round::new(shift.clock.now());
    for scan in scans {
        scan.scan(&mut round);
    }
    let earliest = round.earliest.map_or(Moment::NEVER, |at| shift.clock.moment_of(at));
    drop(round);
    if Plant::ForgetsAfterLook.is_planted() {
        forget();
    }
    alarm.next.fetch_min(earliest.nanos(), Ordering::AcqRel);
}

/// When the next round is; none while there is nothing to wait for.
pub(crate) fn next_look(shift: &Shift) -> Option<Instant> {
    shift.clock.instant(Moment::from_nanos(shift.alarm.next.load(Ordering::Acquire)))
}

/// Parks until the alarm's time has come, or the end.
fn rest(shift: &Shift) {
    let alarm = &shift.alarm;
    while !alarm.ended.load(Ordering::Acquire) {
        if !shift.clock.wait(next_look(shift)).park(sync::park) {
            return;
        }
    }
}
