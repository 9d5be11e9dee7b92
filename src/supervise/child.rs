//! [`Child`]: the pure state machine of one supervised child. Time comes in with each step, the next deadline goes out.

use std::time::{Duration, Instant};

use crate::id::Run;

use super::board::Observed;

/// What has happened to a child, or is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// It is to run.
    Start,
    /// It is to end, and is killed at `kill_at` if it has not.
    Stop { kill_at: Instant },
    /// The run is ready.
    Ready { run: Run },
    /// The run could not be started, or ended; `last` is the newest number that it went by.
    Exited { run: Run, last: Run },
    /// Time has passed.
    Tick,
}

/// What the driver does next.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Begin this run.
    Start(Run),
    /// Ask the run to end.
    RequestStop,
    /// End the run.
    Kill,
    /// Tell the kind's adapter that the child is not started again.
    GiveUp,
}

/// One child: what was observed of it, kept apart from what is wanted.
#[derive(Debug)]
pub(crate) struct Child {
    start_timeout: Duration,
    observed: Observed,
    run: Run,
    /// When the run is killed: a start that lasts too long, or a stop.
    kill_at: Option<Instant>,
}

impl Child {
    pub(crate) fn new(start_timeout: Duration, before: Run) -> Self {
        Self { start_timeout, observed: Observed::Stopped, run: before, kill_at: None }
    }

    pub(crate) fn observed(&self) -> Observed {
        self.observed
    }

    /// When [`Input::Tick`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.kill_at
    }

    pub(crate) fn step(&mut self, now: Instant, input: Input) -> Option<Action> {
        match (self.observed, input) {
            (Observed::Stopped | Observed::GaveUp, Input::Start) => {
                self.run = self.run.next();
                self.enter(Observed::Starting, now.checked_add(self.start_timeout));
                Some(Action::Start(self.run))
            }
            (Observed::Starting, Input::Ready { run }) if run == self.run => {
                self.enter(Observed::Ready, None);
                None
            }
            (Observed::Starting | Observed::Ready, Input::Stop { kill_at }) => {
                self.enter(Observed::Draining, Some(kill_at));
                Some(Action::RequestStop)
            }
            (_, Input::Exited { run, last }) if run == self.run => self.exited(last),
            (Observed::Starting | Observed::Draining, Input::Tick)
                if self.kill_at.is_some_and(|at| now >= at) =>
            {
                self.kill_at = None;
                Some(Action::Kill)
            }
            _ => None,
        }
    }

    /// The one place that decides what an exit leads to: a lost child is given up, one that was stopped is not.
    fn exited(&mut self, last: Run) -> Option<Action> {
        self.run = last;
        match self.observed {
            Observed::Draining => {
                self.enter(Observed::Stopped, None);
                None
            }
            Observed::Starting | Observed::Ready => {
                self.enter(Observed::GaveUp, None);
                Some(Action::GiveUp)
            }
            Observed::Stopped | Observed::GaveUp => None,
        }
    }

    fn enter(&mut self, observed: Observed, kill_at: Option<Instant>) {
        self.observed = observed;
        self.kill_at = kill_at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const START: Duration = Duration::from_secs(10);

    fn ready(now: Instant) -> Child {
        let mut child = Child::new(START, Run(0));
        assert_eq!(child.step(now, Input::Start), Some(Action::Start(Run(1))));
        assert_eq!(child.step(now, Input::Ready { run: Run(1) }), None);
        assert_eq!((child.observed(), child.deadline()), (Observed::Ready, None));
        child
    }

    #[test]
    fn a_lost_child_is_given_up_and_a_stopped_one_is_not() {
        let now = Clock::system().now();
        let mut lost = ready(now);
        assert_eq!(lost.step(now, Input::Exited { run: Run(1), last: Run(4) }), Some(Action::GiveUp));
        assert_eq!((lost.observed(), lost.run), (Observed::GaveUp, Run(4)));
        let mut stopped = ready(now);
        assert_eq!(stopped.step(now, Input::Stop { kill_at: now + START }), Some(Action::RequestStop));
        assert_eq!(stopped.step(now, Input::Exited { run: Run(1), last: Run(1) }), None);
        assert_eq!(stopped.observed(), Observed::Stopped);
    }

    #[test]
    fn news_of_an_old_run_changes_nothing() {
        let now = Clock::system().now();
        let mut child = ready(now);
        assert_eq!(child.step(now, Input::Exited { run: Run(0), last: Run(9) }), None);
        assert_eq!(child.step(now, Input::Ready { run: Run(2) }), None);
        assert_eq!((child.observed(), child.run), (Observed::Ready, Run(1)));
    }

    #[test]
    fn a_stop_that_lasts_is_ended_once_at_its_time() {
        let now = Clock::system().now();
        let mut child = ready(now);
        let kill_at = now + Duration::from_secs(2);
        assert_eq!(child.step(now, Input::Stop { kill_at }), Some(Action::RequestStop));
        assert_eq!(child.deadline(), Some(kill_at));
        assert_eq!(child.step(kill_at - Duration::from_nanos(1), Input::Tick), None);
        assert_eq!(child.step(kill_at, Input::Tick), Some(Action::Kill));
        assert_eq!(child.step(kill_at, Input::Tick), None);
    }

    #[test]
    fn a_start_that_lasts_is_ended_and_given_up() {
        let now = Clock::system().now();
        let mut child = Child::new(START, Run(6));
        assert_eq!(child.step(now, Input::Start), Some(Action::Start(Run(7))));
        assert_eq!(child.step(now + START, Input::Tick), Some(Action::Kill));
        assert_eq!(
            child.step(now + START, Input::Exited { run: Run(7), last: Run(7) }),
            Some(Action::GiveUp)
        );
    }
}
