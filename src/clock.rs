//! Injected time. Everything that waits or measures asks a [`Clock`]; only this file reads the machine's.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::sync::{self, Mutex, Thread};

/// Where a pool takes its time from: the machine's monotonic clock (the default), or one that a test moves by hand.
#[derive(Clone, Debug)]
pub struct Clock {
    origin: Instant,
    hands: Option<Arc<Hands>>,
}

/// A time of one clock, in nanoseconds since that was made: what calls are timed in, since it is compared in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// Later than every clock.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub(crate) fn nanos(self) -> u64 {
        self.0
    }

    /// So much later; what lies beyond the end of the clock is never.
    pub(crate) fn after(self, time: Duration) -> Self {
        let nanos = time.as_secs().saturating_mul(1_000_000_000).saturating_add(time.subsec_nanos().into());
        Self(self.0.saturating_add(nanos))
    }

    /// How long before that was; nothing, if it comes later.
    pub(crate) fn since(self, before: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(before.0))
    }
}

/// The hand-moved clock's time, and the threads that wait on it.
#[derive(Debug)]
struct Hands {
    state: Mutex<HandState>,
    /// The wall's time when the clock was made.
    made_at: SystemTime,
}

struct HandState {
    now: Instant,
    parked: Vec<Thread>,
}

/// What is left of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The instant has come.
    Elapsed,
    /// Park for at most so long, then ask again.
    AtMost(Duration),
    /// Park until woken, then ask again.
    UntilWoken,
}

impl Wait {
    /// Parks the calling thread as this wait asks, by `park`; false if the time is up.
    pub(crate) fn park(self, park: impl FnOnce(Option<Duration>)) -> bool {
        match self {
            Wait::Elapsed => return false,
            Wait::AtMost(left) => park(Some(left)),
            Wait::UntilWoken => park(None),
        }
        true
    }
}

impl Clock {
    /// The machine's monotonic clock.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn system() -> Self {
        Self { origin: Instant::now(), hands: None }
    }

    /// A clock that stands still until its [`ManualClock`] moves it, for tests of deadlines and delays.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// let (clock, hands) = wpc::Clock::manual();
    /// let before = clock.now();
    /// hands.advance(Duration::from_secs(3));
    /// assert_eq!(clock.now() - before, Duration::from_secs(3));
    /// ```
    pub fn manual() -> (Self, ManualClock) {
        let machine = Self::system();
        let origin = machine.origin;
        let state = Mutex::new(HandState { now: origin, parked: Vec::new() });
        let hands = Arc::new(Hands { state, made_at: machine.system_time() });
        (Self { origin, hands: Some(Arc::clone(&hands)) }, ManualClock { hands })
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> Instant {
        match &self.hands {
            None => Instant::now(),
            Some(hands) => hands.state.lock().now,
        }
    }

    /// Whether time passes without anybody's doing.
    pub(crate) fn runs_by_itself(&self) -> bool {
        self.hands.is_none()
    }

    /// The time on the wall, to be shown and never to be measured with: the machine's may jump. That of a hand-moved
    /// clock is the wall's time when it was made, and how far it has been moved since.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub(crate) fn system_time(&self) -> SystemTime {
        match &self.hands {
            None => SystemTime::now(),
            Some(hands) => hands.made_at + (hands.state.lock().now - self.origin),
        }
    }

    /// The moment now.
    pub(crate) fn moment(&self) -> Moment {
        self.moment_of(self.now())
    }

    /// What `at` is in moments of this clock.
    pub(crate) fn moment_of(&self, at: Instant) -> Moment {
        Moment(0).after(at.saturating_duration_since(self.origin))
    }

    /// What `moment` is as an instant; none for never, and where it lies beyond what an `Instant` can hold.
    pub(crate) fn instant(&self, moment: Moment) -> Option<Instant> {
        let since = Duration::from_nanos(moment.0);
        if moment == Moment::NEVER { None } else { self.origin.checked_add(since) }
    }

    /// How the calling thread is to wait for `until` (none: without an end). It must then park, and ask again when
    /// it wakes: a hand-moved clock unparks every thread that asked since it was last moved.
    pub(crate) fn wait(&self, until: Option<Instant>) -> Wait {
        let Some(hands) = &self.hands else {
            return match until.map(|until| until.saturating_duration_since(self.now())) {
                None => Wait::UntilWoken,
                Some(Duration::ZERO) => Wait::Elapsed,
                Some(left) => Wait::AtMost(left),
            };
        };
        let Some(until) = until else { return Wait::UntilWoken };
        let mut state = hands.state.lock();
        if state.now >= until {
            return Wait::Elapsed;
        }
        let thread = sync::current();
        if state.parked.iter().all(|parked| parked.id() != thread.id()) {
            state.parked.push(thread);
        }
        Wait::UntilWoken
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// Moves the [`Clock`] that it was made with.
#[derive(Clone, Debug)]
pub struct ManualClock {
    hands: Arc<Hands>,
}

impl ManualClock {
    /// Moves the clock forward and wakes whatever waits on it.
    ///
    /// # Panics
    ///
    /// When the clock would pass the end of what an `Instant` can hold.
    pub fn advance(&self, by: Duration) {
        let parked = {
            let mut state = self.hands.state.lock();
            state.now += by;
            std::mem::take(&mut state.parked)
        };
        for thread in parked {
            thread.unpark();
        }
    }

    /// How many threads wait for an instant of this clock, since it was last moved.
    pub fn waiting(&self) -> usize {
        self.hands.state.lock().parked.len()
    }
}

impl fmt::Debug for HandState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandState").field("now", &self.now).field("parked", &self.parked.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_never_asks_to_wait_for_what_has_passed() {
        let clock = Clock::system();
        assert_eq!(clock.wait(Some(clock.now())), Wait::Elapsed);
        assert_eq!(clock.wait(None), Wait::UntilWoken);
        let far = clock.now() + Duration::from_secs(3_600);
        assert!(matches!(clock.wait(Some(far)), Wait::AtMost(left) if left > Duration::from_secs(3_500)));
    }

    #[test]
    fn moving_the_manual_clock_wakes_a_thread_that_asked() {
        let (clock, hands) = Clock::manual();
        let until = clock.now() + Duration::from_secs(5);
        assert_eq!(clock.wait(Some(until)), Wait::UntilWoken);
        assert_eq!(clock.wait(Some(until)), Wait::UntilWoken);
        assert_eq!(hands.waiting(), 1, "a thread is listed once");
        hands.advance(Duration::from_secs(5));
        std::thread::park(); // the token is there: this returns at once, else the watchdog of the suite speaks
        assert_eq!(clock.wait(Some(until)), Wait::Elapsed);
        assert_eq!(hands.waiting(), 0);
    }

    #[test]
    fn the_wall_time_of_the_manual_clock_moves_with_its_hands_alone() {
        let (clock, hands) = Clock::manual();
        let before = clock.system_time();
        assert_eq!(clock.system_time(), before);
        hands.advance(Duration::from_millis(1_500));
        assert_eq!(clock.system_time(), before + Duration::from_millis(1_500));
        let machine = Clock::system().system_time();
        assert!(machine >= before, "the manual clock was made at a time that has passed");
    }

    #[test]
    fn moments_and_instants_are_each_other_s_inverse() {
        let clock = Clock::system();
        for nanos in [0, 1, 1_000_000_007, u64::from(u32::MAX) * 1_000] {
            let moment = Moment::from_nanos(nanos);
            assert_eq!(clock.moment_of(clock.instant(moment).expect("near enough")), moment);
        }
        assert_eq!(clock.instant(Moment::NEVER), None);
    }

    #[test]
    fn what_lies_beyond_the_end_of_the_clock_is_never() {
        let moment = Moment::from_nanos(5);
        assert_eq!(moment.after(Duration::new(2, 1)), Moment::from_nanos(2_000_000_006));
        assert_eq!(moment.after(Duration::MAX), Moment::NEVER);
        assert_eq!(moment.after(Duration::from_nanos(7)).since(moment), Duration::from_nanos(7));
        assert_eq!(moment.since(Moment::NEVER), Duration::ZERO);
    }
}
