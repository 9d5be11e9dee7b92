//! Calls that functions make on their own pool: of an abandoned function, and of one whose shell another worker finds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use serde::{Serialize, Serializer};
use wpc::{Context, Pending, RejectReason};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, pool, reason, until};

use super::{GRACE, SECOND, Stage, heard, joined};

#[test]
fn an_abandoned_function_cannot_submit_to_the_workers_that_are_left() {
    let _watchdog = Watchdog::start();
    let (stage, stuck) = (Stage::started(2), Latch::new());
    let (inside, weak, (tell, told)) = (stuck.clone(), stage.wpc.downgrade(), channel());
    let outer = move || {
        inside.hold();
        let wpc = weak.upgrade().expect("the test holds it");
        tell.send(reason(wpc.submit::<()>("nothing", ()))).expect("the test waits for it");
    };
    stage.wpc.define_function("outer", outer).expect("it is defined");
    let call = stage.submit_for_a_second("outer");
    stuck.wait_entered(1);
    stage.hands.advance(SECOND);
    drop(call.wait());
    stage.hands.advance(GRACE);
    until(|| stage.wpc.stats().abandoned_threads == 1);
    stage.wpc.call::<()>("nothing", ()).expect("the other one serves");
    stuck.release();
    assert_eq!(heard(&told), RejectReason::Abandoned);
    stage.assert_settles();
}

/// A function waits for its own calls in the order in which the other worker takes them from the queue, so that the
/// two meet at the same call again and again. No test can make them meet in the narrow place every time.
#[test]
fn a_worker_that_finds_a_call_started_by_who_waits_for_it_leaves_its_arguments_alone() {
    const ROUNDS: u64 = 1_500;
    const CALLS: u64 = 16;
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let weak = wpc.downgrade();
    let outer = move |round: u64| {
        let wpc = weak.upgrade().expect("the test holds it");
        let submit = |n| wpc.submit("echo", vec![round, n]).expect("it is accepted");
        let calls: Vec<Pending<Vec<u64>>> = (0..CALLS).map(submit).collect();
        for (n, call) in (0..).zip(calls) {
            assert_eq!(call.wait().expect("a value"), [round, n]);
        }
    };
    wpc.define_function("outer", outer).expect("it is defined");
    wpc.define_function("echo", |numbers: Vec<u64>| numbers).expect("it is defined");
    wpc.start_workers(2).expect("they start");
    for round in 0..ROUNDS {
        wpc.call::<()>("outer", round).expect("every call inside has its own value");
    }
    assert_eq!(wpc.stats().calls.values, ROUNDS * (1 + CALLS));
    assert_ledger_is_even(&wpc);
}

/// A number that takes its time to be encoded.
struct Slow(Latch);

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.hold();
        serializer.serialize_u64(7)
    }
}

#[test]
fn a_function_that_is_abandoned_while_its_arguments_are_encoded_calls_nothing() {
    let _watchdog = Watchdog::start();
    let (stage, encoding) = (Stage::new(), Latch::new());
    let (far, ran) = (pool(), Arc::new(AtomicBool::new(false)));
    for wpc in [&stage.wpc, &far] {
        let note = Arc::clone(&ran);
        let inner = move |n: u64| {
            note.store(true, Ordering::SeqCst);
            n
        };
        wpc.define_function("inner", inner).expect("it is defined");
    }
    let (slow, there, (tell, told)) = (encoding.clone(), far.downgrade(), channel());
    let outer = move |ctx: &Context, is_near: bool| {
        let far = there.upgrade().expect("the test holds it");
        let slow = Slow(slow.clone());
        let inner = if is_near { ctx.call::<u64>("inner", slow) } else { far.call("inner", slow) };
        tell.send(reason(inner)).expect("the test waits for it");
    };
    stage.wpc.define_function("outer", outer).expect("it is defined");
    stage.start(2);
    far.start_workers(1).expect("it starts");
    for is_near in [true, false] {
        stage.wpc.submit::<()>("outer", is_near).expect("accepted").detach();
    }
    encoding.wait_entered(2);
    let stopping = stage.begin_stop();
    stage.end_the_drain();
    stage.hands.advance(GRACE);
    let report = joined(stopping);
    assert_eq!((report.cancelled_running, report.abandoned.len()), (2, 2));
    encoding.release();
    let mut refused = [heard(&told), heard(&told)];
    refused.sort_by_key(|reason| format!("{reason:?}"));
    assert_eq!(refused, [RejectReason::Abandoned, RejectReason::NotRunning]);
    assert!(!ran.load(Ordering::SeqCst));
    until(|| stage.wpc.stats().abandoned_threads == 0);
    assert_ledger_is_even(&stage.wpc);
    assert_ledger_is_even(&far);
}
