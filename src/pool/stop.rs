//! Stopping: two marks, one report.
//!
//! From the request on only functions that run in the pool may make calls. Until the first mark what was accepted is
//! drained. At the first mark the queues close, what waits is cancelled, and running functions are asked to return. At
//! the second mark what still runs is cancelled and abandoned. So a stop returns by its second mark.

use std::sync::Arc;
use std::time::Instant;

use crate::call::{End, Gate};
use crate::id::WorkerId;
use crate::sync::{self, Mutex, ThreadId, current};

use super::crew::Crew;
use super::lifecycle::{Pool, State};

/// Why a stop did not return a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// It was asked for on a worker of this very pool, by a listener to its events, or by a waker on a thread that ends
    /// its calls: these cannot wait for their own end. `request_stop` works there.
    #[error("a thread of the pool cannot wait for its stop: use `request_stop`")]
    WouldDeadlock,
    /// The workers were being started by another thread for the whole of `stop_timeout`.
    #[error("the workers are being started by another thread")]
    Starting,
    /// The thread that was to carry the stop out could not be started.
    #[error("the thread that stops the pool could not be started")]
    Thread(#[source] std::io::Error),
}

/// What a stop has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopReport {
    /// Calls that ended by themselves between the request and the end of the stop: in a value, an error, a panic, their
    /// deadline or with their worker.
    pub completed: u64,
    /// Calls that were cancelled, having been accepted but not started.
    pub cancelled_queued: u64,
    /// Calls that were cancelled while they ran.
    pub cancelled_running: u64,
    /// Workers that did not end in time: their threads were abandoned.
    pub abandoned: Vec<WorkerId>,
}

/// When a stop goes on to its next part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    /// The first mark.
    pub(super) drain_until: Instant,
    /// The second mark.
    pub(super) kill_at: Instant,
}

/// A stop under way, shared by all who wait for it.
pub(super) struct Stopping {
    marks: Marks,
    /// The thread that carries it out.
    carrier: ThreadId,
    report: Mutex<Option<StopReport>>,
}

/// What a stop finds to do.
enum Turn {
    Carry(Arc<Stopping>, Arc<Crew>),
    Join(Arc<Stopping>),
    Nothing,
}

impl Pool {
    /// Stops the workers; see the module. Whoever asks while a stop is under way shares its report.
    pub(crate) fn stop(&self) -> Result<StopReport, StopError> {
        if self.is_waited_for_here() || self.is_listener() {
            return Err(StopError::WouldDeadlock);
        }
        let settings = self.settings();
        let now = settings.clock.now();
        let draining = settings.stop_timeout.saturating_sub(settings.overrun_grace);
        self.stop_by(Marks { drain_until: now + draining, kill_at: now + settings.stop_timeout })
    }

    /// Stops the workers without draining what waits.
    pub(crate) fn stop_now(&self) -> Result<StopReport, StopError> {
        let now = self.settings().clock.now();
        self.stop_by(Marks { drain_until: now, kill_at: now + self.settings().overrun_grace })
    }

    /// Has another thread stop the workers. It keeps `owner`, which keeps the pool, until that is done: whatever
    /// it wakes cannot be the last to hold the pool.
    pub(crate) fn request_stop<T: Send + 'static>(self: &Arc<Self>, owner: T) -> Result<(), StopError> {
        if matches!(*self.state.lock(), State::Stopped | State::Stopping(_)) {
            return Ok(()); // there is nothing to stop, or it is being done
        }
        let pool = Arc::clone(self);
        let stop = move || {
            drop(pool.stop());
            let reaper = pool.counts().reaper.clone();
            reaper.drop_later(vec![(owner, pool)]);
        };
        let spawned = sync::spawn("wpc-stop".into(), stop);
        spawned.map(drop).map_err(StopError::Thread)
    }

    /// Has another thread stop the workers without draining: the last handle went on a worker's thread. What is left of
    /// the pool, the users' functions among it, is dropped by the reaper.
    pub(crate) fn detach(self: &Arc<Self>) {
        let pool = Arc::clone(self);
        let stop = move || {
            drop(pool.stop_now());
            let reaper = pool.counts().reaper.clone();
            reaper.drop_later(vec![pool]);
        };
        if sync::spawn("wpc-stop".into(), stop).is_err() {
            // Without a thread to wait with, the workers are told to end, nobody waits for them, and the pool is leaked.
            if let Some(crew) = self.crew().as_ref() {
                crew.close(self.settings().clock.now() + self.settings().overrun_grace);
            }
            std::mem::forget(Arc::clone(self));
        }
    }

    fn stop_by(&self, marks: Marks) -> Result<StopReport, StopError> {
        match self.turn(marks)? {
            Turn::Nothing => Ok(StopReport::default()),
            Turn::Carry(stopping, crew) => {
                let mut carrying = Carrying { pool: self, stopping, report: StopReport::default() };
                carrying.report = crew.stop(carrying.stopping.marks);
                self.retire(&crew);
                Ok(carrying.report.clone())
            }
            Turn::Join(stopping) => {
                // Who carries the stop out returns by its second mark, and the report is there a moment later.
                self.changed.wait(
                    || {
                        sync::park(None);
                        true
                    },
                    || stopping.report.lock().is_some(),
                );
                Ok(stopping.report.lock().clone().unwrap_or_default())
            }
        }
    }

    fn turn(&self, marks: Marks) -> Result<Turn, StopError> {
        let clock = &self.settings().clock;
        let is_starting = || matches!(*self.state.lock(), State::Starting);
        loop {
            let pause = || clock.wait(Some(marks.kill_at)).park(sync::park);
            if !self.changed.wait(pause, || !is_starting()) {
                return Err(StopError::Starting);
            }
            let mut state = self.state.lock();
            match &*state {
                State::Starting => {}
                State::Stopped => return Ok(Turn::Nothing),
                State::Stopping(stopping) if stopping.carrier == current().id() => {
                    return Err(StopError::WouldDeadlock); // a waker that this very stop has woken
                }
                State::Stopping(stopping) => return Ok(Turn::Join(Arc::clone(stopping))),
                State::Running => {
                    let crew = Arc::clone(self.crew().as_ref().expect("a running pool has a crew"));
                    let stopping =
                        Arc::new(Stopping { marks, carrier: current().id(), report: Mutex::new(None) });
                    *state = State::Stopping(Arc::clone(&stopping));
                    return Ok(Turn::Carry(stopping, crew));
                }
            }
        }
    }
}

/// A stop in the hands of the thread that carries it out: dropped, it is over for everybody who waits for it.
struct Carrying<'a> {
    pool: &'a Pool,
    stopping: Arc<Stopping>,
    report: StopReport,
}

impl Drop for Carrying<'_> {
    fn drop(&mut self) {
        *self.stopping.report.lock() = Some(std::mem::take(&mut self.report));
        *self.pool.state.lock() = State::Stopped;
        self.pool.changed.notify();
    }
}

impl Crew {
    /// The first mark: nothing waits any more, and what runs is to return, at the latest at `kill_at`.
    pub(super) fn close(&self, kill_at: Instant) {
        self.shift().narrow(Gate::Closed);
        self.slots.close_all(End::Cancelled);
        self.slots.interrupt_all();
        self.mailbox.stop_all(kill_at);
    }

    /// The request: only functions that run in the pool may make calls.
    pub(super) fn refuse(&self) {
        self.shift().narrow(Gate::NestedOnly);
        self.slots.acknowledgements.notify(); // a dependency that is being installed is given up
    }

    /// Carries a stop out, on the calling thread. It runs no user code.
    pub(super) fn stop(&self, marks: Marks) -> StopReport {
        let shift = self.shift();
        let clock = &shift.clock;
        let (before, cancelled_before) = (shift.totals(), shift.cancelled_running());
        let pause = |until: Instant| move || clock.wait(Some(until)).park(sync::park);
        self.refuse();
        shift.quiet.wait(pause(marks.drain_until), || self.slots.is_quiet());
        self.close(marks.kill_at);
        let mut abandoned = Vec::new();
        let threads = self.threads.lock().take();
        if let Some((driver, timekeeper)) = threads {
            // The driver ends every child at the second mark, so this needs no mark of its own.
            let wait = || {
                sync::park(None);
                true
            };
            driver.board().changed().wait(wait, || driver.board().has_ended());
            driver.join();
            drop(timekeeper);
            abandoned = self.slots.all.iter().filter(|slot| slot.was_killed()).map(|slot| slot.id).collect();
        }
        // Whoever ended a call tells of it a moment later.
        shift.quiet.wait(pause(marks.kill_at), || shift.has_told());
        let after = shift.totals();
        let cancelled = after.cancelled - before.cancelled;
        let cancelled_running = shift.cancelled_running() - cancelled_before;
        StopReport {
            // What is just being ended by its worker counts too; what goes on inside an abandoned function does not.
            completed: after.accepted.saturating_sub(before.ended() + cancelled + shift.inline()),
            cancelled_queued: cancelled - cancelled_running,
            cancelled_running,
            abandoned,
        }
    }
}
