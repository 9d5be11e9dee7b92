//! [`World`]: a pool without threads of its own, for those of a model to be its callers, workers and timekeeper.

use std::sync::Arc;
use std::time::Duration;

use crate::call::{Call, Limit, Outcome, Request, Target, Terms, Trouble};
use crate::clock::{Clock, ManualClock};
use crate::function::{Argument, IntoFunction, Wanted, unbox};
use crate::pool::played::Played as Shift;
use crate::pool::{Patience, Pool, Settings};
use crate::registry::Change;
use crate::supervise::RestartPolicy;
use crate::sync::{Held, JoinHandle, park, spawn};
use crate::worker::Slots;
use crate::worker::played::{Next, Played};

/// The function that each model calls, which returns its argument.
const NAME: &str = "echo";

/// How long a call may take whose time is limited.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);

pub(super) struct World {
    pub(super) pool: Arc<Pool>,
    pub(super) slots: Arc<Slots>,
    pub(super) shift: Shift,
    pub(super) hands: ManualClock,
}

impl World {
    /// A pool with so many workers, which have not come yet.
    pub(super) fn new(workers: usize) -> Self {
        let (clock, hands) = Clock::manual();
        let pool = Arc::new(Pool::new(settings(clock)));
        define(&pool);
        let shift = pool.start_played(workers);
        pool.admit_played(&shift);
        Self { slots: shift.shared_slots(), pool, shift, hands }
    }

    /// The worker of that slot, on the calling thread, as it has just said that it is ready.
    pub(super) fn worker(&self, at: usize) -> Played {
        let mut run = self.shift.begun.take_of(at).expect("it was begun, and is taken once");
        until(&mut run, Next::Look);
        run
    }
}

/// Defines the function, once more if it is there already.
pub(super) fn define(pool: &Pool) -> Change {
    let echo = |number: u64| number;
    pool.registry().define_function(NAME, echo.into_function()).expect("it is well formed")
}

/// Starts a thread of the model.
pub(super) fn thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    spawn(String::new(), work).expect("a model has its threads")
}

/// Waits for the end of a thread.
pub(super) fn joined<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("it does not panic")
}

/// Calls the function of the models.
pub(super) fn submit(pool: &Pool, argument: u64, patience: Patience) -> Option<Held<Call>> {
    let request = Request {
        target: Target::Name(NAME),
        cargo: argument.carry().0,
        wanted: Wanted::of::<u64>(),
        terms: Terms { limit: Limit::After(TIMEOUT), ..Terms::default() },
    };
    pool.accept(request, None, patience).ok().map(|(call, _)| call)
}

/// Has the worker's thread go on until it comes to `next`.
pub(super) fn until(run: &mut Played, next: Next) {
    while run.next() != next {
        step(run);
    }
}

/// Has the worker's thread go on until it has run one call.
pub(super) fn serve_one(run: &mut Played) {
    until(run, Next::Return);
    until(run, Next::Look);
}

/// Has the worker's thread do what it does next.
pub(super) fn step(run: &mut Played) {
    match run.next() {
        Next::Return => {
            let argument = run.take_argument().expect("its function has them once");
            run.finish(Outcome::Value(argument));
        }
        Next::GetUp => {
            park(None);
            run.go();
        }
        _ => run.go(),
    }
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Value(u64),
    TimedOut { started: bool },
    Cancelled { started: bool },
    WorkerLost { started: bool },
}

/// The outcome, for the first who asks.
pub(super) fn ended(call: &Call) -> Option<Ended> {
    call.take_outcome().map(|outcome| match outcome {
        Outcome::Value(value) => Ended::Value(unbox(value)),
        Outcome::Trouble(trouble) => match *trouble {
            Trouble::TimedOut { started } => Ended::TimedOut { started },
            Trouble::Cancelled { started } => Ended::Cancelled { started },
            Trouble::WorkerLost { started } => Ended::WorkerLost { started },
            Trouble::Failed(_) | Trouble::Panicked(_) => panic!("the function does neither"),
        },
    })
}

fn settings(clock: Clock) -> Settings {
    Settings {
        clock,
        call_timeout: TIMEOUT,
        control_timeout: TIMEOUT,
        start_timeout: TIMEOUT,
        stop_timeout: TIMEOUT,
        overrun_grace: TIMEOUT,
        pending_calls_max: 4,
        restart: RestartPolicy::on_failure(),
        events_max: 2,
        thread_start: None,
        panic_locations: false,
        allows_panic_abort: false,
        seed: 1,
    }
}
