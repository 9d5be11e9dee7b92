//! [`run`]: calls that are submitted so that a fixed number of them is always in flight.

use std::collections::VecDeque;

use wpc::{CallError, Pending};

/// How many are in flight.
pub(crate) const WINDOW: usize = 64;

/// Submits the numbers below `calls`, waits for each when the window is full, and checks that its reply is one more.
pub(crate) fn run(calls: u64, submit: impl Fn(u64) -> Result<Pending<u64>, CallError>) {
    let mut in_flight = VecDeque::with_capacity(WINDOW);
    for n in 0..calls {
        if in_flight.len() == WINDOW {
            settle(in_flight.pop_front());
        }
        in_flight.push_back((n, submit(n).expect("there is room")));
    }
    while !in_flight.is_empty() {
        settle(in_flight.pop_front());
    }
}

fn settle(oldest: Option<(u64, Pending<u64>)>) {
    let (n, pending) = oldest.expect("something is in flight");
    assert_eq!(pending.wait().expect("a value"), n + 1);
}
