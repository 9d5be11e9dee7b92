//! Functions that look whether they are to return, and do: their calls end as what they were told.

use std::time::Duration;

use wpc::{CallError, Clock, Context, Interrupted, Pending, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build};

#[test]
fn an_error_that_comes_after_the_deadline_is_a_time_out() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let wpc = build(Wpc::builder().clock(clock));
    wpc.define_function("obey", move |ctx: &Context| -> Result<(), Interrupted> {
        hands.advance(Duration::from_secs(1)); // its deadline passes while it runs
        ctx.check()
    })
    .expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    for _ in 0..200 {
        let outcome = wpc.request("obey").timeout(Duration::from_secs(1)).call::<()>(());
        assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
    }
    let calls = wpc.stats().calls;
    assert_eq!((calls.timed_out, calls.failed), (200, 0));
    assert_ledger_is_even(&wpc);
}

#[test]
fn an_error_that_comes_because_a_stop_asked_for_it_is_a_cancellation() {
    let _watchdog = Watchdog::start();
    let builder = Wpc::builder().stop_timeout(Duration::from_secs(20));
    let wpc = build(builder.overrun_grace(Duration::from_millis(19_990)));
    let latch = Latch::new();
    let entered = latch.clone();
    entered.release();
    wpc.define_function("obey", move |ctx: &Context| -> Result<(), Interrupted> {
        entered.hold();
        loop {
            ctx.check()?;
            std::thread::yield_now();
        }
    })
    .expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let running: Pending<()> = wpc.submit("obey", ()).expect("it is accepted");
    latch.wait_entered(1);
    let report = wpc.stop_workers().expect("it stops");
    let outcome = running.wait();
    assert!(matches!(outcome, Err(CallError::Cancelled { started: true, .. })), "{outcome:?}");
    assert_eq!((report.completed, report.cancelled_queued, report.cancelled_running), (0, 0, 1));
    assert!(report.abandoned.is_empty());
    assert_ledger_is_even(&wpc);
}
