//! [`Child`]: the pure state machine of one supervised child. Time and jitter come in with each step, the next deadline
//! goes out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::id::Run;
use crate::plant::Plant;

use super::board::Observed;
use super::policy::RestartPolicy;

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
    Exited { run: Run, last: Run, end: RunEnd },
    /// Whether what now runs there goes on although its time is over.
    Overrun(bool),
    /// One of the runs that were left behind has come to its end.
    Room,
    /// Time has passed.
    Tick,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// By itself; whether it had been of use.
    Ended { succeeded: bool },
    /// It was left behind; whether there may be one more such run.
    Abandoned { may_replace: bool },
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
    /// Tell the kind's adapter that the child waits until there is room for another run.
    Hold,
    /// Tell the kind's adapter that the child is not started again.
    GiveUp,
}

/// One child: what was observed of it, kept apart from what is wanted.
#[derive(Debug)]
pub(crate) struct Child {
    policy: RestartPolicy,
    start_timeout: Duration,
    observed: Observed,
    run: Run,
    /// When the state's time is up: a start or a stop that lasts too long, or a delay that is over.
    due: Option<Instant>,
    ready_since: Option<Instant>,
    /// Restarts in a row.
    attempt: u32,
    /// The delay that was decided on last.
    delay: Duration,
    /// Whether the run comes after a delay.
    is_restart: bool,
    /// Whether the restarts of the window were used up.
    is_exhausted: bool,
    /// When the restarts inside the window were decided, the oldest first.
    recent: VecDeque<Instant>,
}

impl Child {
    pub(crate) fn new(policy: RestartPolicy, start_timeout: Duration, before: Run) -> Self {
        Self {
            policy,
            start_timeout,
            observed: Observed::Stopped,
            run: before,
            due: None,
            ready_since: None,
            attempt: 0,
            delay: Duration::ZERO,
            is_restart: false,
            is_exhausted: false,
            recent: VecDeque::new(),
        }
    }

    pub(crate) fn observed(&self) -> Observed {
        self.observed
    }

    /// The number that the run was started under.
    pub(crate) fn run(&self) -> Run {
        self.run
    }

    /// Which restart in a row was decided on last, counted from 1.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The delay of that restart.
    pub(crate) fn delay(&self) -> Duration {
        self.delay
    }

    /// Whether the run that starts or serves comes after such a delay.
    pub(crate) fn is_restart(&self) -> bool {
        self.is_restart
    }

    /// Whether it waits until there is room beside the runs that were left behind.
    pub(crate) fn is_held(&self) -> bool {
        self.observed == Observed::Backoff && self.due.is_none()
    }

    /// Whether it was given up because the window's restarts were used up.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }

    /// When [`Input::Tick`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// `jitter` is added to the delay, if this step decides on one.
    pub(crate) fn step(&mut self, now: Instant, input: Input, jitter: Duration) -> Option<Action> {
        match (self.observed, input) {
            (Observed::Stopped | Observed::GaveUp, Input::Start) => Some(self.begin(now, false)),
            (Observed::Starting, Input::Ready { run }) if self.is_of(run) => {
                self.ready_since = Some(now);
                self.enter(Observed::Ready, None);
                None
            }
            (Observed::Ready, Input::Overrun(true)) => {
                self.enter(Observed::Degraded, None);
                None
            }
            (Observed::Degraded, Input::Overrun(false)) => {
                self.enter(Observed::Ready, None);
                None
            }
            (Observed::Starting | Observed::Ready | Observed::Degraded, Input::Stop { kill_at }) => {
                self.enter(Observed::Draining, Some(kill_at));
                Some(Action::RequestStop)
            }
            (Observed::Backoff, Input::Room) if self.is_held() => Some(self.begin(now, false)),
            (Observed::Backoff, Input::Stop { .. }) if !Plant::StopLosesToRestart.is_planted() => {
                self.enter(Observed::Stopped, None);
                None
            }
            (_, Input::Exited { run, last, end }) if self.is_of(run) => self.exited(now, last, end, jitter),
            (_, Input::Tick) if self.due.is_some_and(|due| now >= due) => {
                self.due = None;
                Some(if self.observed == Observed::Backoff { self.begin(now, true) } else { Action::Kill })
            }
            _ => None,
        }
    }

    /// Whether news of `run` is of the present one.
    fn is_of(&self, run: Run) -> bool {
        run == self.run || Plant::StaleRun.is_planted()
    }

    fn begin(&mut self, now: Instant, is_restart: bool) -> Action {
        self.is_restart = is_restart;
        self.run = self.run.next();
        self.ready_since = None;
        self.enter(Observed::Starting, now.checked_add(self.start_timeout));
        Action::Start(self.run)
    }

    fn exited(&mut self, now: Instant, last: Run, end: RunEnd, jitter: Duration) -> Option<Action> {
        match self.observed {
            Observed::Draining => {
                self.run = last;
                self.enter(Observed::Stopped, None);
                None
            }
            Observed::Starting | Observed::Ready | Observed::Degraded => {
                self.run = last;
                self.lost(now, end, jitter)
            }
            Observed::Stopped | Observed::Backoff | Observed::GaveUp => None,
        }
    }

    /// The one place that decides whether and when a lost child is started again. Runs that were left behind are
    /// replaced at once, or once there is room, and are not counted: their own limit bounds them.
    fn lost(&mut self, now: Instant, end: RunEnd, jitter: Duration) -> Option<Action> {
        let counted = match end {
            RunEnd::Abandoned { may_replace: true } if self.policy.restarts() => {
                return Some(self.begin(now, false));
            }
            RunEnd::Abandoned { may_replace: false } if self.policy.restarts() => {
                self.enter(Observed::Backoff, None);
                return Some(Action::Hold);
            }
            RunEnd::Ended { succeeded } if self.policy.restarts() => {
                let uptime = self.ready_since.map(|since| now.saturating_duration_since(since));
                if succeeded && uptime.is_some_and(|uptime| self.policy.is_stable(uptime)) {
                    self.attempt = 0;
                }
                self.is_exhausted = !self.count(now);
                !self.is_exhausted
            }
            _ => false,
        };
        if !counted {
            self.enter(Observed::GaveUp, None);
            return Some(Action::GiveUp);
        }
        self.delay = self.policy.delay(self.attempt).saturating_add(jitter);
        self.attempt = self.attempt.saturating_add(1);
        self.enter(Observed::Backoff, now.checked_add(self.delay));
        None
    }

    /// Counts a restart in the window; false if the window is full.
    fn count(&mut self, now: Instant) -> bool {
        let Some((restarts, window)) = self.policy.window() else { return true };
        let is_old = |at: &Instant| now.saturating_duration_since(*at) >= window;
        while self.recent.front().is_some_and(is_old) && !Plant::WindowCountsSuccesses.is_planted() {
            self.recent.pop_front();
        }
        if self.recent.len() >= restarts {
            return false;
        }
        self.recent.push_back(now);
        true
    }

    fn enter(&mut self, observed: Observed, due: Option<Instant>) {
        self.observed = observed;
        if due.is_some() || !Plant::TimerOutlivesRun.is_planted() {
            self.due = due;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const START: Duration = Duration::from_secs(10);
    const NONE: Duration = Duration::ZERO;
    const LOST: RunEnd = RunEnd::Ended { succeeded: false };

    fn started(policy: RestartPolicy, now: Instant) -> Child {
        let mut child = Child::new(policy, START, Run(0));
        assert_eq!(child.step(now, Input::Start, NONE), Some(Action::Start(Run(1))));
        assert_eq!(child.step(now, Input::Ready { run: Run(1) }, NONE), None);
        assert_eq!((child.observed(), child.deadline()), (Observed::Ready, None));
        child
    }

    fn exited(run: u32, end: RunEnd) -> Input {
        Input::Exited { run: Run(run), last: Run(run), end }
    }

    #[test]
    fn a_lost_child_is_given_up_and_a_stopped_one_is_not() {
        let now = Clock::system().now();
        let mut lost = started(RestartPolicy::never(), now);
        let recycled = Input::Exited { run: Run(1), last: Run(4), end: LOST };
        assert_eq!(lost.step(now, recycled, NONE), Some(Action::GiveUp));
        assert_eq!((lost.observed(), lost.run), (Observed::GaveUp, Run(4)));
        let mut stopped = started(RestartPolicy::on_failure(), now);
        assert_eq!(stopped.step(now, Input::Stop { kill_at: now + START }, NONE), Some(Action::RequestStop));
        assert_eq!(stopped.step(now, exited(1, LOST), NONE), None);
        assert_eq!((stopped.observed(), stopped.deadline()), (Observed::Stopped, None));
    }

    #[test]
    fn news_of_an_old_run_changes_nothing() {
        let now = Clock::system().now();
        let mut child = started(RestartPolicy::on_failure(), now);
        assert_eq!(child.step(now, exited(0, LOST), NONE), None);
        assert_eq!((child.observed(), child.run), (Observed::Ready, Run(1)));
        assert_eq!(child.step(now, exited(1, LOST), NONE), None);
        let due = child.deadline().expect("it starts again");
        assert_eq!(child.step(due, Input::Tick, NONE), Some(Action::Start(Run(2))));
        assert_eq!(child.step(due, Input::Ready { run: Run(1) }, NONE), None);
        assert_eq!((child.observed(), child.deadline()), (Observed::Starting, Some(due + START)));
    }

    #[test]
    fn a_stop_that_lasts_is_ended_once_at_its_time() {
        let now = Clock::system().now();
        let mut child = started(RestartPolicy::never(), now);
        let before = now + Duration::from_secs(2);
        let kill_at = before + Duration::from_nanos(1);
        assert_eq!(child.step(now, Input::Stop { kill_at }, NONE), Some(Action::RequestStop));
        assert_eq!(child.deadline(), Some(kill_at));
        assert_eq!(child.step(before, Input::Tick, NONE), None);
        assert_eq!(child.step(kill_at, Input::Tick, NONE), Some(Action::Kill));
        assert_eq!(child.step(kill_at, Input::Tick, NONE), None);
    }

    #[test]
    fn a_start_that_lasts_is_ended() {
        let now = Clock::system().now();
        let mut child = Child::new(RestartPolicy::never(), START, Run(6));
        assert_eq!(child.step(now, Input::Start, NONE), Some(Action::Start(Run(7))));
        assert_eq!(child.step(now + START, Input::Tick, NONE), Some(Action::Kill));
        assert_eq!(child.step(now + START, exited(7, LOST), NONE), Some(Action::GiveUp));
    }

    #[test]
    fn a_lost_child_starts_again_after_its_delay_until_the_window_is_full() {
        let mut now = Clock::system().now();
        let mut child = started(RestartPolicy::on_failure(), now);
        for (run, millis) in [(1, 100), (2, 200), (3, 400)] {
            let jitter = Duration::from_millis(7);
            assert_eq!(child.step(now, exited(run, LOST), jitter), None);
            assert_eq!(child.observed(), Observed::Backoff);
            let due = now + Duration::from_millis(millis) + jitter;
            assert_eq!(child.deadline(), Some(due));
            assert_eq!(child.step(due, Input::Tick, NONE), Some(Action::Start(Run(run + 1))));
            now = due;
        }
        assert_eq!(child.step(now, exited(4, LOST), NONE), Some(Action::GiveUp));
    }

    #[test]
    fn a_stop_cancels_a_restart() {
        let now = Clock::system().now();
        let mut child = started(RestartPolicy::on_failure(), now);
        assert_eq!(child.step(now, exited(1, LOST), NONE), None);
        assert_eq!(child.step(now, Input::Stop { kill_at: now }, NONE), None);
        assert_eq!((child.observed(), child.deadline()), (Observed::Stopped, None));
    }

    #[test]
    fn a_stable_run_begins_the_delays_anew() {
        let mut now = Clock::system().now();
        let mut child = started(RestartPolicy::on_failure().unlimited(), now);
        let useful = RunEnd::Ended { succeeded: true };
        for (run, end, uptime, millis) in
            [(1, LOST, 90, 100), (2, LOST, 90, 200), (3, useful, 59, 400), (4, useful, 60, 100)]
        {
            assert_eq!(child.step(now, Input::Ready { run: Run(run) }, NONE), None);
            now += Duration::from_secs(uptime);
            assert_eq!(child.step(now, exited(run, end), NONE), None);
            let due = now + Duration::from_millis(millis);
            assert_eq!(child.deadline(), Some(due), "run {run}");
            assert_eq!(child.step(due, Input::Tick, NONE), Some(Action::Start(Run(run + 1))));
            now = due;
        }
    }

    #[test]
    fn an_overrun_degrades_until_it_is_over_and_a_degraded_child_is_stopped_or_lost_like_any_other() {
        let now = Clock::system().now();
        let mut child = started(RestartPolicy::on_failure(), now);
        assert_eq!(child.step(now, Input::Overrun(false), NONE), None);
        assert_eq!(child.observed(), Observed::Ready);
        assert_eq!(child.step(now, Input::Overrun(true), NONE), None);
        assert_eq!(child.observed(), Observed::Degraded);
        assert_eq!(child.step(now, Input::Overrun(false), NONE), None);
        assert_eq!(child.observed(), Observed::Ready);
        assert_eq!(child.step(now, Input::Overrun(true), NONE), None);
        assert_eq!(child.step(now, exited(1, LOST), NONE), None);
        assert_eq!((child.observed(), child.attempt(), child.is_restart()), (Observed::Backoff, 1, false));
        assert_eq!(child.step(now, Input::Overrun(true), NONE), None);
        assert_eq!(child.observed(), Observed::Backoff, "nothing runs");
        assert_eq!(child.step(now + child.delay(), Input::Tick, NONE), Some(Action::Start(Run(2))));
        assert!(child.is_restart());
    }

    #[test]
    fn w13_a_child_that_is_lost_once_a_minute_for_an_hour_is_always_restarted() {
        let (clock, hands) = Clock::manual();
        let mut child = started(RestartPolicy::on_failure(), clock.now());
        for run in 1..=60 {
            hands.advance(Duration::from_secs(60));
            assert_eq!(child.step(clock.now(), exited(run, LOST), NONE), None, "run {run}");
            assert_eq!(child.observed(), Observed::Backoff);
            let due = child.deadline().expect("it is to start again");
            let action = child.step(due, Input::Tick, NONE);
            assert_eq!(action, Some(Action::Start(Run(run + 1))));
            assert_eq!(child.step(due, Input::Ready { run: Run(run + 1) }, NONE), None);
        }
        // The window is what counts: three more within it are too many.
        for run in [61, 62] {
            assert_eq!(child.step(clock.now(), exited(run, LOST), NONE), None);
            let due = child.deadline().expect("it is to start again");
            assert_eq!(child.step(due, Input::Tick, NONE), Some(Action::Start(Run(run + 1))));
        }
        assert_eq!(child.step(clock.now(), exited(63, LOST), NONE), Some(Action::GiveUp));
    }

    #[test]
    fn a_run_left_behind_is_replaced_at_once_while_there_may_be_more() {
        let now = Clock::system().now();
        let mut child = started(RestartPolicy::on_failure(), now);
        let replaced = RunEnd::Abandoned { may_replace: true };
        assert_eq!(child.step(now, exited(1, replaced), NONE), Some(Action::Start(Run(2))));
        let last = RunEnd::Abandoned { may_replace: false };
        assert_eq!(child.step(now, exited(2, last), NONE), Some(Action::Hold));
        assert_eq!((child.observed(), child.deadline(), child.is_held()), (Observed::Backoff, None, true));
        assert_eq!(child.step(now + START, Input::Tick, NONE), None);
        assert_eq!(child.step(now, Input::Room, NONE), Some(Action::Start(Run(3))));
        assert_eq!(child.step(now, Input::Room, NONE), None);
        let mut off = started(RestartPolicy::never(), now);
        assert_eq!(off.step(now, exited(1, last), NONE), Some(Action::GiveUp));
    }

    #[test]
    fn room_begins_a_child_that_is_held_and_none_that_waits_for_its_delay() {
        let now = Clock::system().now();
        let mut child = started(RestartPolicy::on_failure(), now);
        assert_eq!(child.step(now, exited(1, LOST), NONE), None);
        let due = child.deadline();
        assert!(due.is_some() && !child.is_held());
        assert_eq!(child.step(now, Input::Room, NONE), None);
        assert_eq!((child.observed(), child.deadline()), (Observed::Backoff, due));
        let mut ready = started(RestartPolicy::on_failure(), now);
        assert!(!ready.is_held(), "it has no deadline either, and runs");
        assert_eq!(ready.step(now, Input::Room, NONE), None);
    }

    #[test]
    fn a_run_left_behind_is_not_replaced_where_nothing_is_restarted() {
        let now = Clock::system().now();
        for may_replace in [true, false] {
            let mut child = started(RestartPolicy::never(), now);
            let left = exited(1, RunEnd::Abandoned { may_replace });
            assert_eq!(child.step(now, left, NONE), Some(Action::GiveUp));
            assert_eq!((child.observed(), child.run()), (Observed::GaveUp, Run(1)));
            assert!(!child.is_exhausted(), "there was no window");
        }
    }

    #[test]
    fn a_child_that_was_given_up_says_whether_its_window_was_full_and_starts_again_when_it_is_told_to() {
        let now = Clock::system().now();
        let mut child = started(RestartPolicy::on_failure().within(1, START), now);
        assert_eq!(child.step(now, exited(1, LOST), NONE), None);
        assert!(!child.is_exhausted());
        assert_eq!((child.attempt(), child.delay()), (1, Duration::from_millis(100)));
        let due = child.deadline().expect("it is to start again");
        assert_eq!(child.step(due, Input::Tick, NONE), Some(Action::Start(Run(2))));
        assert_eq!(child.step(due, exited(2, LOST), NONE), Some(Action::GiveUp));
        assert!(child.is_exhausted());
        assert_eq!(child.step(due, Input::Tick, NONE), None, "no time is up any more");
        assert_eq!(child.step(due, Input::Stop { kill_at: due }, NONE), None, "nothing is there to stop");
        assert_eq!(child.step(due, Input::Start, NONE), Some(Action::Start(Run(3))));
        assert!(!child.is_restart(), "it comes after no delay");
        assert_eq!(child.step(due, Input::Start, NONE), None, "it starts already");
    }
}
