//! The end of a pool, as its readers see it.

use std::time::Duration;

use wpc::{Pending, WaitEventError};

use crate::support::{Latch, Watchdog, pool};

#[test]
fn readers_are_told_of_the_end_also_while_a_call_outlives_the_pool() {
    let _watchdog = Watchdog::start();
    let (wpc, latch) = (pool(), Latch::new());
    latch.release();
    wpc.define_function("hold", move || latch.hold()).expect("it is defined");
    wpc.start_workers(1).expect("it starts");
    let events = wpc.subscribe().expect("there is room");
    let pending: Pending<()> = wpc.submit("hold", ()).expect("it is accepted");
    drop(wpc);
    let end = loop {
        match events.wait(Duration::from_secs(30)) {
            Ok(_) => {}
            Err(end) => break end,
        }
    };
    assert_eq!(end, WaitEventError::Closed);
    assert!(pending.is_done());
}
