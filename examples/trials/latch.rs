//! [`Latch`]: holds functions, and listeners, until their round is let go.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// How long anybody stays: a trial that forgets to let go fails otherwise.
const PATIENCE: Duration = Duration::from_secs(50);

/// Who calls [`Latch::hold`] for a round stays until that round has been released. Clones are the same latch.
#[derive(Clone, Default)]
pub(crate) struct Latch(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    /// Rounds below this one have been let go.
    released: u64,
    inside: usize,
}

impl Latch {
    /// Blocks until this round is released.
    pub(crate) fn hold(&self, round: u64) {
        let (state, changed) = &*self.0;
        let mut held = state.lock().expect("nobody panics under the lock");
        held.inside += 1;
        let waited = changed.wait_timeout_while(held, PATIENCE, |state| state.released <= round);
        waited.expect("nobody panics under the lock").0.inside -= 1;
    }

    /// Lets everybody of this round and of those before go, now and later.
    pub(crate) fn release(&self, round: u64) {
        self.0.0.lock().expect("nobody panics under the lock").released = round + 1;
        self.0.1.notify_all();
    }

    /// How many are held now.
    pub(crate) fn inside(&self) -> usize {
        self.0.0.lock().expect("nobody panics under the lock").inside
    }
}
