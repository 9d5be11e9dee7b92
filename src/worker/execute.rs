//! From a job to its outcome: the deadline check, the panic fence, the conversion of the result, the answer.

use std::rc::Rc;

use crate::call::{Call, End, Hand, Job, Outcome, Panic, Panics, Phase, Reply, TIMED_EVERY, Trouble};
use crate::clock::Moment;
use crate::fence;
use crate::function::{Context, Function, FunctionError, Host as _, Wanted};
use crate::sync::Held;
use crate::value::Value;

use super::inside::{Frame, Running, Worker};

/// The name of the error that a call fails with whose result does not fit the type that its caller wants.
const RESULT_TYPE: &str = "ResultType";

/// What is left of the worker run after a job.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It goes on.
    Continue,
    /// The function panicked: it goes on under another run number, without its local state.
    Recycle,
    /// It has been abandoned.
    Abandoned,
    /// The thread ends here, as its start has wished.
    Lost,
}

/// Runs the function; the one place where a user's panic is caught.
pub(super) fn run(
    function: &Function,
    context: &Context<'_>,
    (argument, wanted): (Value, &Wanted),
    panics: &Panics,
) -> Outcome {
    let code = || {
        let value = function.handler.run(context, argument)?;
        wanted
            .convert(value, function.result)
            .map_err(|misfit| FunctionError::new(RESULT_TYPE, misfit.to_string()))
    };
    match fence::run_noting(code, |message| panics.place_of(message)) {
        Ok(Ok(value)) => Outcome::Value(value),
        Ok(Err(error)) => Trouble::Failed(error).into(),
        Err((message, location)) => Trouble::Panicked(Panic { message, location }).into(),
    }
}

/// Executes a job that this worker took from its own queue or another's.
pub(super) fn execute(worker: &Rc<Worker>, job: Job) -> After {
    match take_up(worker, job).and_then(|taken| start(worker, taken)) {
        Ok(Started { reply, argument }) if worker.life.get().ends_inside(worker.calls.get()) => {
            fence::drop_value(argument);
            fall(worker, reply)
        }
        Ok(started) => perform(worker, started),
        Err(after) => after,
    }
}

/// A job in the worker's hand, which has not started.
pub(super) struct Taken(Job);

/// A call that the worker has started, with its arguments.
pub(super) struct Started {
    pub(super) reply: Reply,
    pub(super) argument: Value,
}

/// Sees to a job that was taken, and to whatever was published until then.
pub(super) fn take_up(worker: &Rc<Worker>, job: Job) -> Result<Taken, After> {
    if worker.hand.get().phase != Phase::Running {
        return Err(discard(worker, job)); // a shell
    }
    // The call has been shown since it was taken, so that the timekeeper and a stop meet it. And the hand is up before the
    // version is looked at, while a define publishes before it looks at hands: either this sees the new version, or the
    // define sees that it need not wait.
    crate::sync::full_fence_after_swap();
    worker.slots.shift.arm_fenced(job.call().watch_until());
    worker.adopt();
    Ok(Taken(job))
}

/// Starts the call, unless its time is up or it does not wait any more.
pub(super) fn start(worker: &Rc<Worker>, Taken(job): Taken) -> Result<Started, After> {
    let call = job.call();
    let is_short = call.definition.pace.is_short();
    worker.is_hurried.set(is_short);
    let is_timed = !is_short || worker.calls.get().is_multiple_of(TIMED_EVERY);
    let is_limited = call.due != Moment::NEVER;
    let now = if is_timed || is_limited { Some(worker.clock().moment()) } else { None };
    worker.began.set(now.filter(|_| is_timed));
    if is_limited && now.is_some_and(|now| now >= call.due) {
        drop(call.end_queued(End::TimedOut));
    }
    let Some(argument) = call.begin(worker.hand.get(), worker.load()) else {
        return Err(put_down(worker, job));
    };
    now.inspect(|now| worker.load().begins(*now));
    if is_timed {
        worker.load().note_core();
    }
    Ok(Started { reply: Reply::new(job.into_call()), argument })
}

/// Ends the thread inside of a call, which ends as lost.
pub(super) fn fall(worker: &Rc<Worker>, reply: Reply) -> After {
    let running = worker.hand.get();
    let free = Hand { phase: Phase::Between, ..running };
    let answered = reply.answer(Trouble::WorkerLost { started: true }.into(), || {
        worker.move_hand(free); // if the run has been abandoned, its last move of the hand tells
    });
    drop(answered); // whoever was first
    if let_go(worker, reply.into_call()) { After::Lost } else { After::Abandoned }
}

/// Runs a started call and answers it.
fn perform(worker: &Rc<Worker>, Started { reply, argument }: Started) -> After {
    let call = reply.call();
    let outcome = worker.run(Running {
        call_id: call.id,
        definition: &call.definition,
        argument,
        wanted: &call.wanted,
        span: &call.span,
        interrupt: &**call,
        frame: Frame { deadline: call.due, chain: call.chain.clone(), interrupt: None },
    });
    if let Some(began) = worker.began.take() {
        call.definition.pace.learn(worker.clock().moment().since(began));
    }
    finish(worker, reply, outcome)
}

/// Answers a call whose function has come to this outcome, and lets go of it.
pub(super) fn finish(worker: &Rc<Worker>, reply: Reply, outcome: Outcome) -> After {
    let outcome = worker.unless_asked_to_return(outcome, reply.call());
    worker.calls.update(|calls| calls + 1);
    let panicked = worker.is_tainted.replace(false);
    if !panicked {
        worker.has_served.set(true);
    }
    let hand = worker.hand.get();
    let run = if panicked { hand.run.next() } else { hand.run };
    let kept = answer(worker, &reply, outcome, Hand { run, phase: Phase::Between, ..hand });
    let let_go = let_go(worker, reply.into_call());
    match (kept && let_go, panicked) {
        (false, _) => After::Abandoned,
        (true, true) => After::Recycle,
        (true, false) => After::Continue,
    }
}

/// Answers a call whose function has returned, and moves the hand on to `free`; false if the run has been abandoned.
fn answer(worker: &Rc<Worker>, reply: &Reply, outcome: Outcome, free: Hand) -> bool {
    let (tally, running) = (worker.load().tally(), worker.hand.get());
    let (mut is_late, mut kept) = (false, true);
    let answered = reply.answer(outcome, || {
        kept = worker.move_hand(free);
        tally.handle();
    });
    match answered {
        Ok(wakeup) => drop(wakeup),
        Err(late) => {
            fence::drop_value(late);
            kept = worker.move_hand(free);
            if kept {
                tally.late();
                tally.handle();
                is_late = true;
            }
        }
    }
    // It may also have been a call inside this one that was decided while it ran.
    if kept && (worker.load().forget_overdue(running) || is_late) {
        worker.slots.shift.look();
    }
    kept
}

/// Puts a job down that turned out not to wait any more.
fn put_down(worker: &Rc<Worker>, job: Job) -> After {
    if !worker.move_hand(Hand { phase: Phase::Between, ..worker.hand.get() }) {
        fence::drop_value(job);
        return After::Abandoned;
    }
    discard(worker, job)
}

/// Drops the arguments of a call that will never run.
fn discard(worker: &Rc<Worker>, job: Job) -> After {
    let cleaned = worker.clean(|| {
        let call = job.into_call();
        // A call that is not dead runs inside a function that waits for it, and has its arguments there.
        if call.is_dead() {
            fence::drop_value(call.take_argument());
        }
        fence::drop_value(call);
    });
    if cleaned { After::Continue } else { After::Abandoned }
}

/// Lets go of a call that has ended. If nobody else holds it, what it leaves is dropped here, as user code.
fn let_go(worker: &Rc<Worker>, call: Held<Call>) -> bool {
    match call.into_last().and_then(|last| last.into_value().into_remains()) {
        None => true,
        Some(remains) => worker.clean(|| {
            fence::drop_value(remains);
        }),
    }
}
