//! [`Pool`]: which crew works, if any; how one is started. Stopping is in `stop`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::call::{Shift, Totals, current};
use crate::event::{Bus, ListenerId};
use crate::id::{PoolId, Run, WorkerId};
use crate::registry::Registry;
use crate::supervise::Observed;
use crate::sync::{self, ArcSwapOption, Guard, Mutex, Signal};
use crate::worker::Counts;

use super::crew::Crew;
use super::settings::Settings;
use super::stop::{Marks, Stopping};

/// The most workers that one pool may have.
pub const WORKERS_MAX: usize = 1_024;

/// Why workers were not started. None of them runs then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The number of workers is not between 1 and [`WORKERS_MAX`].
    #[error("{asked} workers were asked for: it must be 1 to {limit}", limit = WORKERS_MAX)]
    Count {
        /// The number that was asked for.
        asked: usize,
    },
    /// The workers have been started already; if they were lost since, they must be stopped first.
    #[error("the workers have been started already: stop them first")]
    AlreadyRunning,
    /// The workers are being started or stopped by another thread.
    #[error("the workers are being started or stopped by another thread")]
    Busy,
    /// No worker was ready within `start_timeout`.
    #[error("no worker was ready within `start_timeout`: {}", first(failed))]
    NoneReady {
        /// The workers whose start failed, and why.
        failed: Vec<StartFailure>,
    },
    /// The pool's own threads could not be started.
    #[error("a thread of the pool could not be started")]
    Thread(#[source] std::io::Error),
}

/// The first failure, which says what is wrong with the others too, as a rule.
fn first(failed: &[StartFailure]) -> String {
    match failed.first() {
        None => "none has answered".to_owned(),
        Some(StartFailure { worker_id, reason }) if failed.len() == 1 => {
            format!("worker {worker_id}: {reason}")
        }
        Some(StartFailure { worker_id, reason }) => {
            format!("worker {worker_id}: {reason}; and {} more", failed.len() - 1)
        }
    }
}

/// A worker that was not started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartFailure {
    /// The worker.
    pub worker_id: WorkerId,
    /// What was wrong.
    pub reason: String,
}

/// What a start has reached when it returned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// The workers that are ready; at least one.
    pub ready: Vec<WorkerId>,
    /// The workers whose first start failed.
    pub failed: Vec<StartFailure>,
    /// The workers that are still starting.
    pub starting: Vec<WorkerId>,
}

/// What the pool's workers are at.
pub(super) enum State {
    Stopped,
    Starting,
    Running,
    Stopping(Arc<Stopping>),
}

/// A pool of workers around one registry.
pub(crate) struct Pool {
    id: PoolId,
    settings: Settings,
    pub(super) registry: Arc<Registry>,
    pub(super) counts: Arc<Counts>,
    pub(super) bus: Arc<Bus>,
    /// Shared with the dependencies, which tell it when nobody holds them any more.
    crew: Arc<ArcSwapOption<Crew>>,
    /// Whether a dependency is being defined.
    pub(super) installing: Mutex<bool>,
    /// Notified when that is over.
    pub(super) turns: Signal,
    pub(super) state: Mutex<State>,
    /// Notified when the state has changed.
    pub(super) changed: Signal,
    pub(super) past: Mutex<Past>,
}

/// What is left of the shifts that are over.
#[derive(Default)]
pub(super) struct Past {
    totals: Totals,
    /// Those in which a call is just being ended: they are summed up once every call has been counted.
    unsettled: Vec<Arc<Shift>>,
    /// The last run of each slot, so that run numbers go on.
    pub(super) runs: Vec<Run>,
}

impl Past {
    /// What all of them have counted, and the calls that are still being ended.
    pub(super) fn sum(&mut self) -> (Totals, u64) {
        let (mut sum, mut in_flight) = (Totals::default(), 0);
        self.unsettled.retain(|shift| {
            let totals = shift.totals();
            let is_settled = shift.in_flight() == 0 && totals.accepted == totals.ended();
            if is_settled {
                self.totals = self.totals + totals;
            } else {
                sum = sum + totals;
                in_flight += shift.in_flight();
            }
            !is_settled
        });
        (self.totals + sum, in_flight)
    }
}

impl Pool {
    pub(crate) fn new(settings: Settings) -> Self {
        let bus = Bus::new(settings.clock.clone(), settings.events_max);
        Self {
            id: PoolId::next(),
            settings,
            bus,
            installing: Mutex::new(false),
            turns: Signal::default(),
            registry: Arc::new(Registry::new()),
            counts: Arc::default(),
            crew: Arc::default(),
            state: Mutex::new(State::Stopped),
            changed: Signal::default(),
            past: Mutex::default(),
        }
    }

    pub(crate) fn id(&self) -> PoolId {
        self.id
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn bus(&self) -> &Arc<Bus> {
        &self.bus
    }

    /// Whether the calling thread is one of a listener to this pool's events.
    pub(crate) fn is_listener(&self) -> bool {
        self.bus.is_listening_here()
    }

    /// Removes a listener, and waits for its callback in progress for at most `control_timeout`.
    pub(crate) fn stop_listening(&self, id: ListenerId) -> bool {
        let clock = &self.settings.clock;
        // What the pool's own threads wait for, everybody would.
        let until = if self.is_own_thread() { Some(clock.now()) } else { self.control_deadline() };
        self.bus.unlisten(id, until)
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The crew that works, or is being stopped.
    pub(super) fn crew(&self) -> Guard<Option<Arc<Crew>>> {
        self.crew.load()
    }

    pub(super) fn crew_of(&self) -> &Arc<ArcSwapOption<Crew>> {
        &self.crew
    }

    /// Whether the calling thread is one of this pool's workers.
    pub(crate) fn is_inside(&self) -> bool {
        current::inside_of(self.id).is_some()
    }

    /// Whether the calling thread is the pool's driver or timekeeper. They run no user code, but a waker that they wake
    /// may hold the last handle of the pool.
    pub(crate) fn is_own_thread(&self) -> bool {
        let is_own = |crew: &Arc<Crew>| crew.shift().alarm.is_kept_here() || crew.mailbox.is_read_here();
        self.crew().as_ref().is_some_and(is_own)
    }

    /// Whether the calling thread is one that the pool's control calls would wait for.
    pub(super) fn is_waited_for_here(&self) -> bool {
        self.is_inside() || self.is_own_thread()
    }

    /// Starts `count` workers, in parallel, and waits until each is ready or has failed, at the latest until
    /// `start_timeout`.
    pub(crate) fn start(&self, count: usize) -> Result<Started, StartError> {
        if count == 0 || count > WORKERS_MAX {
            return Err(StartError::Count { asked: count });
        }
        {
            let mut state = self.state.lock();
            match *state {
                State::Stopped => *state = State::Starting,
                State::Running => return Err(StartError::AlreadyRunning),
                State::Starting | State::Stopping(_) => return Err(StartError::Busy),
            }
        }
        let started = self.start_crew(count);
        let next = if started.is_ok() { State::Running } else { State::Stopped };
        *self.state.lock() = next;
        self.changed.notify();
        started
    }

    fn start_crew(&self, count: usize) -> Result<Started, StartError> {
        let mut runs = self.past.lock().runs.clone();
        runs.resize(count, Run(0));
        let crew = Crew::start(self.id, &self.settings, (&self.registry, &self.counts, &self.bus), runs);
        let crew = Arc::new(crew.map_err(StartError::Thread)?);
        let clock = &self.settings.clock;
        let until = clock.now().checked_add(self.settings.start_timeout);
        crew.board.changed().wait(|| clock.wait(until).park(sync::park), || crew.board.are_settled());
        let started = crew.started();
        if started.ready.is_empty() {
            let now = clock.now();
            crew.stop(Marks { drain_until: now, kill_at: now + self.settings.overrun_grace });
            self.retire(&crew);
            return Err(StartError::NoneReady { failed: started.failed });
        }
        self.admit(&crew);
        Ok(started)
    }

    /// From here on calls and defines see the crew.
    pub(super) fn admit(&self, crew: &Arc<Crew>) {
        self.crew.store(Some(Arc::clone(crew)));
        // What was defined while no define could see the crew is news to workers that sleep already.
        sync::full_fence();
        crew.slots.wake_all();
    }

    /// Takes a crew off that has been stopped, and keeps its counts.
    pub(super) fn retire(&self, crew: &Crew) {
        // Under the lock, so that nobody counts this shift twice or not at all.
        let mut past = self.past.lock();
        self.crew.store(None);
        past.unsettled.push(Arc::clone(crew.shift()));
        past.sum(); // so that what has settled does not pile up
        for (at, load) in crew.shift().loads.iter().enumerate() {
            let run = load.hand().run;
            match past.runs.get_mut(at) {
                Some(last) => *last = run,
                None => past.runs.push(run),
            }
        }
    }

    /// Counts a call that was not accepted.
    pub(crate) fn count_rejected(&self) {
        self.counts.rejected.fetch_add(1, Ordering::AcqRel);
    }

    /// Calls that were not accepted, since the pool was built.
    pub(super) fn rejected(&self) -> u64 {
        self.counts.rejected.load(Ordering::Acquire)
    }
}

impl Drop for Pool {
    /// Calls that outlive the pool keep the bus: its readers are told that nothing more comes.
    fn drop(&mut self) {
        self.bus.close();
    }
}

impl Crew {
    fn started(&self) -> Started {
        let mut started = Started { ready: Vec::new(), failed: Vec::new(), starting: Vec::new() };
        for slot in &self.slots.all {
            match self.board.observed(slot.id.0) {
                Observed::Ready | Observed::Degraded => started.ready.push(slot.id),
                // One whose first start has failed may be starting again.
                Observed::Starting if self.board.failure(slot.id.0).is_none() => {
                    started.starting.push(slot.id);
                }
                _ => {
                    let reason =
                        self.board.failure(slot.id.0).map_or_else(String::new, |why| why.to_string());
                    started.failed.push(StartFailure { worker_id: slot.id, reason });
                }
            }
        }
        started
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn the_first_failure_is_told_with_the_number_of_the_others() {
        let failure = |at: u32| StartFailure { worker_id: WorkerId(at), reason: format!("no {at}") };
        assert_eq!(first(&[]), "none has answered");
        assert_eq!(first(&[failure(3)]), "worker 3: no 3");
        assert_eq!(first(&[failure(3), failure(4)]), "worker 3: no 3; and 1 more");
        assert_eq!(first(&[failure(0), failure(1), failure(2)]), "worker 0: no 0; and 2 more");
    }

    #[test]
    fn what_is_past_is_summed_up_once_each_call_has_been_counted() {
        let another = || {
            let (clock, second) = (Clock::manual().0, Duration::from_secs(1));
            let bus = Bus::new(clock.clone(), 16);
            Arc::new(Shift::new(PoolId::next(), (clock, bus), (second, second), &[Run(1)]))
        };
        let shift = another();
        let load = &shift.loads[0];
        let ticket = load.admit(load.see()).expect("there is room");
        let mut past = Past { unsettled: vec![Arc::clone(&shift)], ..Past::default() };
        let accepted = Totals { accepted: 1, ..Totals::default() };
        assert_eq!(past.sum(), (accepted, 1));
        drop(ticket);
        assert_eq!(past.sum(), (accepted, 0), "it has ended, and is not counted yet");
        assert_eq!(past.unsettled.len(), 1);
        let mut quiet = Past { unsettled: vec![another()], ..Past::default() };
        assert_eq!((quiet.sum(), quiet.unsettled.len()), (Default::default(), 0));
    }
}
