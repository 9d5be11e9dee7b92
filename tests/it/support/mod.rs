//! What the tests hold calls with, wait with, and are watched by.

mod busy;
mod latch;
mod plugins;
pub(crate) mod random;
#[path = "../../../examples/shared/split_mix.rs"]
mod split_mix;
mod watchdog;

pub(crate) use busy::{Busy, meet, meeting};
pub(crate) use latch::Latch;
pub(crate) use plugins::{Built, Probe, Scratch, flush_loader, plugin, plugin_path, text_of};
pub(crate) use watchdog::{Watchdog, until};

use std::time::Duration;

use wpc::{CallError, ManualClock, Pending, RejectReason, Wpc, WpcBuilder};

/// A pool that has not been started, with the defaults.
pub(crate) fn pool() -> Wpc {
    build(Wpc::builder())
}

/// A pool from this builder.
pub(crate) fn build(builder: WpcBuilder) -> Wpc {
    builder.build().expect("the settings are right")
}

/// Why the call was rejected.
#[track_caller]
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, CallError>) -> RejectReason {
    match result {
        Err(CallError::Rejected(rejected)) => rejected.reason().clone(),
        other => panic!("not rejected: {other:?}"),
    }
}

/// Asserts that nothing is in flight and that every accepted call has ended once.
#[track_caller]
pub(crate) fn assert_ledger_is_even(wpc: &Wpc) {
    let stats = wpc.stats();
    assert_eq!(stats.in_flight, 0, "{stats:?}");
    assert_eq!(stats.calls.accepted, stats.calls.ended(), "{stats:?}");
}

/// Starts the workers and forgets which threads have waited on the clock for that, so that
/// [`ManualClock::waiting`] counts what comes after.
pub(crate) fn start_on(hands: &ManualClock, wpc: &Wpc, count: usize) {
    wpc.start_workers(count).expect("they start");
    hands.advance(Duration::ZERO);
}

/// Moves the clock until nothing waits on it any more: the pool's own thread looks after drops and installations for as
/// long as they might have taken.
pub(crate) fn rest(hands: &ManualClock) {
    hands.advance(Duration::from_secs(10));
    until(|| hands.waiting() == 0);
}

/// Moves the clock over the two graces after which a drop that hangs is left behind: the first look only finds it.
pub(crate) fn outlast(hands: &ManualClock, grace: Duration) {
    hands.advance(grace);
    until(|| hands.waiting() == 1); // the pool's own thread has looked
    hands.advance(grace);
}

/// The longest time that is shorter than this.
pub(crate) fn just_under(duration: Duration) -> Duration {
    duration.saturating_sub(Duration::from_nanos(1))
}

/// Waits for calls that all end in a value.
#[track_caller]
pub(crate) fn finish<R: 'static>(calls: impl IntoIterator<Item = Pending<R>>) {
    for call in calls {
        drop(call.wait().expect("a value"));
    }
}
