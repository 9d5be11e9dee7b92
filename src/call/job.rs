//! [`Job`] and [`Reply`]: a call on its way to a worker, and in a worker's hand. Neither can be forgotten: dropped, each
//! answers `WorkerLost`.

use crate::fence;
use crate::sync::Held;

use super::cell::Call;
use super::outcome::{End, Outcome, Wakeup};

/// A call that waits, as its one owner on the way to a worker holds it.
pub(crate) struct Job(Option<Held<Call>>);

impl Job {
    pub(crate) fn new(call: Held<Call>) -> Self {
        Self(Some(call))
    }

    pub(crate) fn call(&self) -> &Held<Call> {
        self.0.as_ref().expect("a job has its call until it is given away")
    }

    /// Gives the call away: whoever has it answers for it.
    pub(crate) fn into_call(mut self) -> Held<Call> {
        self.0.take().expect("a job has its call until it is given away")
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            drop(call.end_queued(End::WorkerLost));
            // Where its caller still holds the call, the arguments would drop on the caller's thread, outside of every
            // fence. A call that is not dead runs inside a function that waits for it, and has its arguments there.
            if call.is_dead() {
                fence::drop_value(call.take_argument());
            }
        }
    }
}

/// A call that a worker has started.
pub(crate) struct Reply(Option<Held<Call>>);

impl Reply {
    pub(crate) fn new(call: Held<Call>) -> Self {
        Self(Some(call))
    }

    pub(crate) fn call(&self) -> &Held<Call> {
        self.0.as_ref().expect("a reply has its call until it is given away")
    }

    /// Answers; see [`Call::finish`].
    pub(crate) fn answer(&self, outcome: Outcome, free_hand: impl FnOnce()) -> Result<Wakeup, Outcome> {
        self.call().finish(outcome, free_hand)
    }

    /// Gives the call away, which has been answered.
    pub(crate) fn into_call(mut self) -> Held<Call> {
        self.0.take().expect("a reply has its call until it is given away")
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            drop(call.end(End::WorkerLost));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::fixture::{call, shift};
    use crate::call::outcome::Trouble;
    use crate::clock::{Clock, Moment};
    use crate::sync::hold_twice;

    #[test]
    fn what_is_dropped_on_its_way_and_in_a_worker_s_hand_is_lost_and_what_is_given_away_is_not() {
        let shift = shift(&Clock::system());
        let placed = || {
            let held = hold_twice(call(&shift, 0, Moment::NEVER, false));
            held[0].place(shift.loads[0].raise());
            held
        };
        let lost = |call: &Call| match call.take_outcome() {
            Some(Outcome::Trouble(trouble)) => match *trouble {
                Trouble::WorkerLost { started } => Some(started),
                _ => None,
            },
            _ => None,
        };

        let [waiting, theirs] = placed();
        drop(Job::new(theirs).into_call());
        assert!(!waiting.is_done(), "it was given away");
        let [running, theirs] = placed();
        assert!(running.begin(shift.loads[0].hand().running_next(), &shift.loads[0]).is_some());
        drop(Reply::new(theirs).into_call());
        assert!(!running.is_done());

        let [queued, theirs] = placed();
        drop(Job::new(theirs));
        assert_eq!(lost(&queued), Some(false));
        drop(Job::new(waiting));
        drop(Reply::new(running));
        let [begun, theirs] = placed();
        assert!(begun.begin(shift.loads[0].hand().running_next(), &shift.loads[0]).is_some());
        drop(Reply::new(theirs));
        assert_eq!((lost(&begun), shift.loads[0].tickets()), (Some(true), 0));
    }
}
