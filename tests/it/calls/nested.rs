//! Calls that running functions make: of their own pool, which run there and then, and of another.

use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use wpc::{CallError, Clock, Context, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, until};

/// The thread that a function ran on, and its deadline.
type Seen = (ThreadId, Option<Instant>);

#[test]
fn a_call_inside_another_runs_on_its_thread_and_has_the_earlier_deadline() {
    let _watchdog = Watchdog::start();
    let (clock, _hands) = Clock::manual();
    let (wpc, seen) = (build(Wpc::builder().clock(clock.clone())), Arc::new(Mutex::new(Vec::<Seen>::new())));
    let note = |ctx: &Context, seen: &Mutex<Vec<Seen>>| {
        seen.lock().expect("nobody panics under it").push((std::thread::current().id(), ctx.deadline()));
    };
    let (inner, outer) = (Arc::clone(&seen), Arc::clone(&seen));
    wpc.define_function("inner", move |ctx: &Context| note(ctx, &inner)).expect("it is defined");
    let outer = move |ctx: &Context| -> Result<(), CallError> {
        note(ctx, &outer);
        ctx.call("inner", ())
    };
    wpc.define_function("outer", outer).expect("it is defined");
    wpc.start_workers(3).expect("they start");
    for seconds in [5, 60] {
        wpc.request("outer").timeout(Duration::from_secs(seconds)).call::<()>(()).expect("a value");
    }
    let seen = seen.lock().expect("nobody panics under it");
    let at = |seconds| Some(clock.now() + Duration::from_secs(seconds));
    let deadlines: Vec<_> = seen.iter().map(|(_, deadline)| *deadline).collect();
    assert_eq!(deadlines, [at(5), at(5), at(60), at(30)], "its own default is 30 s");
    assert_eq!((seen[0].0, seen[2].0), (seen[1].0, seen[3].0));
}

#[test]
fn a_call_to_another_pool_runs_on_a_worker_of_that_pool_by_the_callers_deadline() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let near = build(Wpc::builder().clock(clock.clone()));
    let far = build(Wpc::builder().clock(clock));
    let latch = Latch::new();
    let held = latch.clone();
    far.define_function("thread", || format!("{:?}", std::thread::current().id())).expect("it is defined");
    far.define_function("held", move || held.hold()).expect("it is defined");
    let there = far.clone();
    let threads = move || -> Result<(String, String), CallError> {
        Ok((format!("{:?}", std::thread::current().id()), there.call("thread", ())?))
    };
    near.define_function("threads", threads).expect("it is defined");
    let there = far.clone();
    let (tell, told) = std::sync::mpsc::channel();
    let relay = move || tell.send(there.call::<()>("held", ())).expect("the test waits for it");
    near.define_function("relay", relay).expect("it is defined");
    near.start_workers(1).expect("it starts");
    far.start_workers(1).expect("it starts");
    let (here, there): (String, String) = near.call("threads", ()).expect("a value");
    assert_ne!(here, there);
    near.request("relay").timeout(Duration::from_secs(2)).submit::<()>(()).expect("it is accepted").detach();
    latch.wait_entered(1);
    hands.advance(Duration::from_secs(2)); // not 30 s, the default of the other pool
    let outcome = told.recv().expect("it is told");
    assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
    assert_eq!(far.stats().calls.timed_out, 1);
    latch.release();
    until(|| far.stats().calls.late == 1 && near.stats().calls.handled == 2);
    assert_ledger_is_even(&near);
    assert_ledger_is_even(&far);
}

#[test]
fn a_call_that_a_function_waits_for_in_another_pool_always_has_a_deadline() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let near = build(Wpc::builder().clock(clock.clone()));
    let far = build(Wpc::builder().clock(clock).call_timeout(Duration::from_secs(7)));
    let (latch, there) = (Latch::new(), far.clone());
    let held = latch.clone();
    far.define_function("held", move || held.hold()).expect("it is defined");
    let (tell, told) = std::sync::mpsc::channel();
    let relay = move || {
        let outcome = there.request("held").no_timeout().call::<()>(());
        tell.send(outcome).expect("the test waits for it");
    };
    near.define_function("relay", relay).expect("it is defined");
    near.start_workers(1).expect("it starts");
    far.start_workers(1).expect("it starts");
    near.request("relay").no_timeout().submit::<()>(()).expect("it is accepted").detach();
    latch.wait_entered(1);
    hands.advance(Duration::from_secs(7));
    let outcome = told.recv_timeout(Duration::from_secs(30)).expect("the pool that is called has a default");
    assert!(matches!(outcome, Err(CallError::TimedOut { started: true, .. })), "{outcome:?}");
    latch.release();
    until(|| far.stats().calls.late == 1);
}
