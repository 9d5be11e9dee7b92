//! [`Latch`]: where functions are stuck until somebody lets them go.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Holds functions, and lets all of them go at once, wave by wave.
#[derive(Default)]
pub(crate) struct Latch {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    inside: u64,
    wave: u64,
    is_open: bool,
}

impl Latch {
    /// Stays until the latch lets go of those that are here now.
    pub(crate) fn hold(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.inside += 1;
        self.changed.notify_all();
        let wave = state.wave;
        let waited = self.changed.wait_while(state, |state| state.wave == wave && !state.is_open);
        waited.unwrap_or_else(PoisonError::into_inner).inside -= 1;
    }

    /// Lets those go that are here.
    pub(crate) fn release(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).wave += 1;
        self.changed.notify_all();
    }

    /// Lets everybody go, now and later.
    pub(crate) fn open(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_open = true;
        self.changed.notify_all();
    }

    /// Waits until so many are here, or for `limit`; how many are.
    pub(crate) fn wait_inside(&self, count: u64, limit: Duration) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, limit, |state| state.inside < count);
        waited.unwrap_or_else(PoisonError::into_inner).0.inside
    }
}

/// The time that a function takes for its work. It does not park, since its worker's thread is the pool's to unpark.
pub(crate) fn work_for(time: Duration) {
    let nobody = Mutex::new(());
    let free = nobody.lock().unwrap_or_else(PoisonError::into_inner);
    drop(Condvar::new().wait_timeout(free, time));
}
