//! Lost workers under a restart policy: the slot and what waits in it outlive the run.

mod delays;
mod lost;
mod reach;

use std::time::Duration;

use wpc::{CallError, Pending, RestartPolicy, WorkerState, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, until};

#[test]
fn an_abandoned_run_is_replaced_and_the_next_one_serves_what_waits() {
    let _watchdog = Watchdog::start();
    let builder = Wpc::builder().overrun_grace(Duration::from_millis(20));
    let wpc = build(builder.restart(RestartPolicy::on_failure()));
    let latch = Latch::new();
    let held = latch.clone();
    wpc.define_function("stuck", move || held.hold()).expect("a good function");
    wpc.define_function("next", || 5_u8).expect("a good function");
    wpc.start_workers(1).expect("it starts");
    let stuck: Pending<()> =
        wpc.request("stuck").timeout(Duration::from_millis(10)).submit(()).expect("accepted");
    latch.wait_entered(1);
    let next: Pending<u8> = wpc.submit("next", ()).expect("accepted");
    assert!(matches!(stuck.wait(), Err(CallError::TimedOut { started: true, .. })));
    assert_eq!(next.wait().expect("the next run serves it"), 5);
    assert_eq!(wpc.stats().abandoned_threads, 1);
    let worker = &wpc.workers()[0];
    assert!(worker.run.get() > 1, "{worker:?}");
    latch.release();
    until(|| wpc.stats().abandoned_threads == 0);
    // The abandoned run has ended without a trace in the slot.
    until(|| wpc.workers()[0].state == WorkerState::Ready);
    let report = wpc.stop_workers().expect("it stops");
    assert!(report.abandoned.is_empty(), "{report:?}");
    assert_ledger_is_even(&wpc);
}
