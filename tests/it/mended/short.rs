//! Calls of short functions: who drops what they leave, and who takes them where a worker does not come.

use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wpc::Wpc;

use crate::support::{Latch, Watchdog, build, until};

/// The threads on which one was dropped that run no user code.
static DROPPED_ON: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A result that tells where it is dropped.
#[derive(Serialize, Deserialize)]
struct Told;

impl Drop for Told {
    fn drop(&mut self) {
        let thread = std::thread::current();
        let own = thread.name().filter(|name| matches!(*name, "wpc-timekeeper" | "wpc-driver"));
        DROPPED_ON.lock().expect("nobody panics").extend(own.map(str::to_owned));
    }
}

/// The timekeeper held a call for a moment, and let go of it last.
#[test]
fn what_a_look_meets_is_not_dropped_by_who_looks() {
    const CALLS: u64 = 300_000;
    let _watchdog = Watchdog::start();
    let wpc = build(Wpc::builder());
    wpc.define_function("tell", || Told).expect("it is defined");
    wpc.start_workers(2).expect("they start");
    for n in 0..CALLS {
        // Deadlines of some microseconds keep the timekeeper looking.
        let soon = Duration::from_micros(20 + n % 60);
        match wpc.request("tell").timeout(soon).submit::<Told>(()) {
            Ok(pending) => pending.detach(),
            Err(_) => std::thread::yield_now(),
        }
    }
    wpc.stop_workers().expect("they stop");
    assert_eq!(*DROPPED_ON.lock().expect("nobody panics"), [""; 0]);
}

/// A result that takes as long to drop as the latch holds.
#[derive(Serialize, Deserialize)]
struct Heavy {
    #[serde(skip)]
    latch: Option<Latch>,
}

impl Drop for Heavy {
    fn drop(&mut self) {
        if let Some(latch) = self.latch.take() {
            latch.hold();
        }
    }
}

/// Only a worker inside a call was found to be stuck.
#[test]
fn short_calls_behind_a_worker_that_drops_a_value_are_taken_by_another() {
    let _watchdog = Watchdog::start();
    let wpc = build(Wpc::builder());
    let latch = Latch::new();
    let held = latch.clone();
    wpc.define_function("increment", |n: u64| n + 1).expect("it is defined");
    let gate = Latch::new();
    let closed = gate.clone();
    let heavy = move |is_held: bool| {
        if is_held {
            closed.hold(); // until its caller has let go, who would drop the result else
        }
        Heavy { latch: is_held.then(|| held.clone()) }
    };
    wpc.define_function("heavy", heavy).expect("it is defined");
    wpc.start_workers(2).expect("they start");
    for n in 0..2_000 {
        assert_eq!(wpc.call::<u64>("increment", n).expect("it runs"), n + 1);
        // It is known as short too, and so goes to the worker that the others go to.
        wpc.call::<Heavy>("heavy", false).expect("it runs");
    }
    wpc.submit::<Heavy>("heavy", true).expect("it is accepted").detach();
    gate.release();
    latch.wait_entered(1);
    let calls: Vec<_> =
        (0..3_u64).map(|n| wpc.submit::<u64>("increment", n).expect("it is accepted")).collect();
    until(|| calls.iter().all(wpc::Pending::is_done));
    assert_eq!(wpc.stats().abandoned_threads_ever, 0, "the drop goes on");
    latch.release();
}
