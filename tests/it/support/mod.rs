//! What the tests hold calls with, wait with, and are watched by.

mod latch;
mod watchdog;
pub mod work;

pub use latch::Latch;
pub use watchdog::{Watchdog, until};

use wpc::{CallError, RejectReason, Wpc, WpcBuilder};

/// A pool that has not been started, with the defaults.
pub fn pool() -> Wpc {
    build(Wpc::builder())
}

/// A pool from this builder.
pub fn build(builder: WpcBuilder) -> Wpc {
    builder.build().expect("the settings are right")
}

/// Why the call was rejected.
#[track_caller]
pub fn reason<T: std::fmt::Debug>(result: Result<T, CallError>) -> RejectReason {
    match result {
        Err(CallError::Rejected(rejected)) => rejected.reason().clone(),
        other => panic!("not rejected: {other:?}"),
    }
}

/// Asserts that nothing is in flight and that every accepted call has ended once.
#[track_caller]
pub fn assert_ledger_is_even(wpc: &Wpc) {
    let stats = wpc.stats();
    assert_eq!(stats.in_flight, 0, "{stats:?}");
    assert_eq!(stats.calls.accepted, stats.calls.ended(), "{stats:?}");
}
