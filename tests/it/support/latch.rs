//! [`Latch`]: holds functions where a test wants them.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// How long anything may be waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Functions that call [`Latch::hold`] stay there until [`Latch::release`]. Clones are the same latch.
#[derive(Clone, Default)]
pub(crate) struct Latch(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    entered: usize,
    released: bool,
}

impl Latch {
    /// A latch that holds.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Blocks until the latch is released. It gives up with a panic after half a minute.
    pub(crate) fn hold(&self) {
        let mut state = self.0.0.lock().expect("no holder panics under the lock");
        state.entered += 1;
        self.0.1.notify_all();
        let waited = self.0.1.wait_timeout_while(state, PATIENCE, |state| !state.released);
        let (state, timeout) = waited.expect("no holder panics under the lock");
        drop(state);
        assert!(!timeout.timed_out(), "the latch was never released");
    }

    /// Lets everybody go, now and later.
    pub(crate) fn release(&self) {
        self.0.0.lock().expect("no holder panics under the lock").released = true;
        self.0.1.notify_all();
    }

    /// Waits until so many have entered, since the latch was made.
    #[track_caller]
    pub(crate) fn wait_entered(&self, count: usize) {
        let state = self.0.0.lock().expect("no holder panics under the lock");
        let waited = self.0.1.wait_timeout_while(state, PATIENCE, |state| state.entered < count);
        let (state, timeout) = waited.expect("no holder panics under the lock");
        let entered = state.entered;
        drop(state);
        assert!(!timeout.timed_out(), "{entered} of {count} have entered");
    }

    /// How many have entered so far.
    pub(crate) fn entered(&self) -> usize {
        self.0.0.lock().expect("no holder panics under the lock").entered
    }
}
