//! Supervision: a worker is lost inside a call, the others serve on, it comes back by the restart policy, and a listener
//! is told of all of it. A panic costs its worker nothing but a new run.
//!
//! `cargo run --example supervise`

use std::sync::mpsc;
use std::time::Duration;

use anyhow::{bail, ensure};
use wpc::{CallError, EventName, FunctionError, RestartPolicy, Run, ThreadLife, WorkerId, WorkerState, Wpc};

fn main() -> anyhow::Result<()> {
    // The first thread of the only worker ends inside its third call: two calls are served before.
    let start = |_: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
        let life = ThreadLife::calls(2).ending_inside_the_next();
        Ok(if run.get() == 1 { life } else { ThreadLife::endless() })
    };
    let quick = RestartPolicy::on_failure().base(Duration::from_millis(50)).jitter(Duration::ZERO);
    let wpc = Wpc::builder().restart(quick).thread_start(start).build()?;
    let (sender, events) = mpsc::channel();
    let listener = wpc.on_worker_event(move |event| {
        let details: Vec<String> = event.details.iter().map(|(key, fact)| format!("{key}={fact}")).collect();
        println!("  {:>2} {} {}", event.event_id, event.event_name, details.join(" "));
        let _ = sender.send(event.event_name); // nobody receives any more when this example has ended
    })?;
    wpc.define_function("half", |n: u64| n / 2)?;
    wpc.define_function("panic", || -> u64 { panic!("as it was asked to") })?;
    wpc.start_workers(1)?;
    ensure!(
        (wpc.call::<u64>("half", 4_u64)?, wpc.call::<u64>("half", 6_u64)?) == (2, 3),
        "it halves otherwise"
    );

    match wpc.call::<u64>("half", 8_u64) {
        Err(CallError::WorkerLost { started: true, .. }) => {}
        other => bail!("the worker was not lost: {other:?}"),
    }
    // A call that comes while the worker is away waits for it.
    ensure!(wpc.call::<u64>("half", 10_u64)? == 5, "it halves otherwise");
    while events.recv_timeout(Duration::from_secs(5))? != EventName::WorkerRestartCompleted {}
    let worker = &wpc.workers()[0];
    println!("worker 0: {}, run {}, last failure: {:?}", worker.state, worker.run, worker.last_failure);
    ensure!(
        (worker.state, worker.run.get(), worker.restarts) == (WorkerState::Ready, 2, 1),
        "it is not back"
    );

    // The panic hook tells of it too, on the standard error.
    ensure!(matches!(wpc.call::<u64>("panic", ()), Err(CallError::Panicked { .. })), "it did not panic");
    while events.recv_timeout(Duration::from_secs(5))? != EventName::WorkerRecycled {}
    let worker = &wpc.workers()[0];
    ensure!((worker.run.get(), worker.restarts) == (3, 1), "a panic counts as no restart");
    ensure!(wpc.off_worker_event(listener), "the listener is there");
    wpc.stop_workers()?;
    Ok(())
}
