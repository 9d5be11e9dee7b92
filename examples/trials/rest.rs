//! Time that passes: as the work of a user's function, and until something holds.

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use anyhow::ensure;
use wpc::Clock;

/// How often what is waited for is looked at.
const LOOK: Duration = Duration::from_micros(200);

/// The time now.
pub(crate) fn now() -> Instant {
    Clock::system().now()
}

/// Lets so much time pass without using the processor. It takes no wake-up that is meant for somebody else.
pub(crate) fn rest(duration: Duration) {
    let (nobody, never) = (Mutex::new(()), Condvar::new());
    let guard = nobody.lock().expect("it is locked here alone");
    drop(never.wait_timeout_while(guard, duration, |()| true));
}

/// Waits until the condition holds, at most for `limit`.
pub(crate) fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) -> anyhow::Result<()> {
    let begin = now();
    while !holds() {
        ensure!(now() - begin < limit, "after {limit:?} it still does not hold that {what}");
        rest(LOOK);
    }
    Ok(())
}
