//! A hot call of own types allocates nothing on any thread, and a call that waits in a queue takes few bytes.
//!
//! It counts what the whole process allocates: so it is a program of its own, with one test.

mod counting;
#[path = "../it/support/latch.rs"]
mod latch;
#[path = "../it/support/watchdog.rs"]
mod watchdog;

use std::collections::VecDeque;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wpc::{CallError, Pending, Wpc};

use counting::{Counts, Role};
use latch::Latch;
use watchdog::{Watchdog, until};

/// After these everything that is made once has been made.
const WARM_UP: u64 = 2_000;

const CALLS: u64 = 10_000;
const WINDOW: usize = 64;
const WORKERS: usize = 2;

/// What a call may hold while it waits; with the feature `tracing` it has its span too, and takes a line of the cache more.
const QUEUED_BYTES_MAX: u64 = if cfg!(feature = "tracing") { 320 } else { 256 };

/// The largest value that travels inside a call, and that a user would write.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    at: u64,
    mean: f64,
    least: f64,
    greatest: f64,
    count: u64,
    sensor: u64,
}

const _: () = assert!(size_of::<Sample>() == 48, "it is as large as it may be");

impl From<u64> for Sample {
    fn from(n: u64) -> Self {
        Self { at: n, mean: 0.5, least: -1.0, greatest: 2.0, count: n + 1, sensor: 7 }
    }
}

#[test]
fn hot_calls_allocate_nothing_and_queued_ones_little() {
    let _watchdog = Watchdog::start();
    Role::Caller.assume();
    assert_counts_what_is_kept();
    let mut broken = Vec::new();
    broken.extend(hot_calls::<u64>("u64"));
    broken.extend(hot_calls::<Sample>("48 bytes"));
    broken.extend(queued_calls());
    broken.extend(inner_calls());
    assert!(broken.is_empty(), "what was promised of allocations is broken:\n  {}", broken.join("\n  "));
}

/// A count that stays at zero would find nothing.
fn assert_counts_what_is_kept() {
    let before = Counts::now();
    let kept = std::hint::black_box(vec![0_u8; 1_000]);
    let counts = Counts::now() - before;
    let caller = Role::Caller as usize;
    assert_eq!((counts.allocations[caller], counts.bytes[caller]), (1, kept.len() as u64), "{counts:?}");
}

/// Calls in each way with a value of this type, there and back: what was allocated where nothing should be.
fn hot_calls<T>(name: &str) -> Vec<String>
where
    T: From<u64> + Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + 'static,
{
    let wpc = Wpc::builder().build().expect("the defaults are right");
    let echo = |value: T| {
        Role::Worker.assume();
        value
    };
    wpc.define_function("echo", echo).expect("it is defined");
    wpc.start_workers(WORKERS).expect("they start");
    occupy_each_worker(&wpc);
    let handle = wpc.function::<T, T>("echo").expect("its own types");
    let mut window = Window(VecDeque::with_capacity(WINDOW));
    let check = |n: u64, result: Result<T, CallError>| assert_eq!(result.expect("a value"), T::from(n));
    let broken = [
        allocated(&format!("{name}, by name"), |n| check(n, wpc.call("echo", T::from(n)))),
        allocated(&format!("{name}, by handle"), |n| check(n, handle.call(T::from(n)))),
        allocated(&format!("{name}, by name, window of {WINDOW}"), |n| {
            window.push(wpc.submit("echo", T::from(n)).expect("there is room"), n, check);
        }),
        allocated(&format!("{name}, by handle, window of {WINDOW}"), |n| {
            window.push(handle.submit(T::from(n)).expect("there is room"), n, check);
        }),
    ];
    wpc.stop_workers().expect("they stop");
    broken.into_iter().flatten().collect()
}

/// Has every worker run a function, and so be there. A thread allocates as it starts, and one that no call needs yet may do so as
/// late as it likes.
fn occupy_each_worker(wpc: &Wpc) {
    let latch = Latch::new();
    let holding = latch.clone();
    let hold = move || {
        Role::Worker.assume();
        holding.hold();
    };
    wpc.define_function("hold", hold).expect("it is defined");
    let calls: Vec<Pending<()>> =
        (0..WORKERS).map(|_| wpc.submit("hold", ()).expect("there is room")).collect();
    latch.wait_entered(WORKERS);
    latch.release();
    for call in calls {
        call.wait().expect("a value");
    }
}

/// Calls in flight, with their numbers.
struct Window<T>(VecDeque<(u64, Pending<T>)>);

impl<T: 'static> Window<T> {
    /// Puts a call in, and waits for the oldest first where it is full.
    fn push(&mut self, call: Pending<T>, n: u64, check: impl Fn(u64, Result<T, CallError>)) {
        if self.0.len() == WINDOW - 1 {
            let (oldest, pending) = self.0.pop_front().expect("it is full");
            check(oldest, pending.wait());
        }
        self.0.push_back((n, call));
    }
}

/// What the calls allocate after the warm-up, if they do.
fn allocated(what: &str, mut call: impl FnMut(u64)) -> Option<String> {
    (0..WARM_UP).for_each(&mut call);
    let before = Counts::now();
    (0..CALLS).for_each(&mut call);
    let counts = Counts::now() - before;
    let [other, caller, worker] = counts.allocations;
    let (allocations, bytes) = (other + caller + worker, counts.bytes.iter().sum::<u64>());
    eprintln!("{what}: {allocations} allocations in {CALLS} calls");
    (allocations > 0).then(|| {
        format!(
            "{what}: {} allocations and {} bytes a call, of {CALLS} calls, where none may be: {caller} allocations on \
             the caller's thread, {worker} on workers' threads, {other} on others",
            each(allocations),
            each(bytes),
        )
    })
}

/// A number of all calls as that of one, to two places.
fn each(all: u64) -> String {
    let hundredths = (all * 100).div_ceil(CALLS);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Calls that wait behind a held one, which are as many as may wait: what they take beyond their limit.
fn queued_calls() -> Option<String> {
    let wpc = Wpc::builder().build().expect("the defaults are right");
    wpc.define_function("echo", |n: u64| n).expect("it is defined");
    let latches = [Latch::new(), Latch::new()];
    let holding = latches.clone();
    wpc.define_function("hold", move |at: usize| holding[at].hold()).expect("it is defined");
    wpc.start_workers(1).expect("it starts");
    for n in 0..WARM_UP {
        assert_eq!(wpc.call::<u64>("echo", n).expect("a value"), n);
    }
    let mut calls = VecDeque::with_capacity(usize::try_from(CALLS).expect("that many can be held"));
    // What is kept for later calls is counted too: the second time is compared with what was there before the first.
    let before = Counts::now();
    let first = queue(&wpc, &latches[0], 0, &mut calls) - before;
    let again = Counts::now();
    let second = queue(&wpc, &latches[1], 1, &mut calls);
    let (total, more) = (second - before, second - again);
    wpc.stop_workers().expect("they stop");
    let [first, total, more] =
        [first, total, more].map(|counts| counts.live_bytes.div_euclid(CALLS.cast_signed()));
    eprintln!("queued: {first} bytes a call; the second time {total}, of which {more} were not kept for it");
    (total > QUEUED_BYTES_MAX.cast_signed()).then(|| {
        format!(
            "queued: {total} bytes a call that waits, of {CALLS} calls, {QUEUED_BYTES_MAX} at most: {more} allocated \
             for this call, the rest kept since others waited, which took {first}"
        )
    })
}

/// A function that submits calls and waits for each runs them itself, while their jobs lie in a queue: no more of them than may wait.
fn inner_calls() -> Option<String> {
    const KEPT_BYTES_MAX: i64 = 64 << 10;
    let wpc = Wpc::builder().max_pending_calls_per_worker(4).build().expect("the settings are right");
    wpc.define_function("echo", |n: u64| n).expect("it is defined");
    let weak = wpc.downgrade();
    let outer = move |calls: u64| {
        let wpc = weak.upgrade().expect("the caller has it");
        for n in 0..calls {
            let inner: Pending<u64> = wpc.submit("echo", n).expect("there is room");
            assert_eq!(inner.wait().expect("a value"), n);
        }
    };
    wpc.define_function("outer", outer).expect("it is defined");
    wpc.start_workers(1).expect("it starts");
    wpc.call::<()>("outer", WARM_UP).expect("a value");
    let before = Counts::now();
    let pending: Pending<()> = wpc.request("outer").no_timeout().submit(CALLS).expect("there is room");
    pending.wait().expect("a value");
    let kept = (Counts::now() - before).live_bytes;
    wpc.stop_workers().expect("they stop");
    eprintln!("inner: {kept} bytes kept after {CALLS} calls");
    (kept > KEPT_BYTES_MAX).then(|| {
        format!("inner: {kept} bytes kept after {CALLS} calls inside a function, {KEPT_BYTES_MAX} at most")
    })
}

/// Has as many calls wait behind one that is held, and then run: what had been allocated while they waited.
fn queue(wpc: &Wpc, latch: &Latch, at: usize, calls: &mut VecDeque<(u64, Pending<u64>)>) -> Counts {
    let held: Pending<()> = wpc.submit("hold", at).expect("there is room");
    latch.wait_entered(1);
    calls.extend((0..CALLS).map(|n| (n, wpc.submit("echo", n).expect("there is room"))));
    let waiting = Counts::now();
    latch.release();
    held.wait().expect("a value");
    for (n, call) in calls.drain(..) {
        assert_eq!(call.wait().expect("a value"), n);
    }
    until(|| wpc.stats().in_flight == 0);
    assert_eq!(latch.entered(), 1, "one was held");
    waiting
}
