//! Calls that running functions make: of their own pool, which run there and then, and of another.

use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use wpc::{CallError, Clock, Context, NESTING_MAX, Pending, RejectReason, WeakWpc, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, pool, reason, until};

type Refusals = Arc<Mutex<Vec<RejectReason>>>;

/// How a function calls itself.
type Step = fn(&Context, &WeakWpc, u64) -> Result<u64, CallError>;

fn by_context(ctx: &Context, _: &WeakWpc, left: u64) -> Result<u64, CallError> {
    ctx.call("down", left)
}

fn by_handle(_: &Context, weak: &WeakWpc, left: u64) -> Result<u64, CallError> {
    weak.upgrade().expect("the test holds the pool").call("down", left)
}

fn by_pending(_: &Context, weak: &WeakWpc, left: u64) -> Result<u64, CallError> {
    let pending: Pending<u64> = weak.upgrade().expect("the test holds the pool").submit("down", left)?;
    pending.wait()
}

/// One worker, and a function that calls itself so many times inside itself; it counts how often that went well and
/// keeps the refusals.
fn downward(step: Step) -> (Wpc, Refusals) {
    let (wpc, refusals) = (pool(), Refusals::default());
    let (weak, kept) = (wpc.downgrade(), Arc::clone(&refusals));
    let down = move |ctx: &Context, left: u64| -> u64 {
        if left == 0 {
            return 0;
        }
        match step(ctx, &weak, left - 1) {
            Ok(deeper) => deeper + 1,
            refused => {
                kept.lock().expect("nobody panics under it").push(reason(refused));
                0
            }
        }
    };
    wpc.define_function("down", down).expect("it is defined");
    wpc.start_workers(1).expect("it starts");
    (wpc, refusals)
}

#[test]
fn sixteen_calls_inside_the_outermost_are_a_value_and_seventeen_are_too_deep() {
    let _watchdog = Watchdog::start();
    for step in [by_context, by_handle] as [Step; 2] {
        let (wpc, refusals) = downward(step);
        assert_eq!(NESTING_MAX, 16);
        assert_eq!(wpc.call::<u64>("down", 15_u64).expect("a value"), 15);
        assert_eq!(wpc.call::<u64>("down", 16_u64).expect("a value"), 16);
        assert!(refusals.lock().expect("nobody panics under it").is_empty());
        assert_eq!(wpc.call::<u64>("down", 17_u64).expect("a value"), 16, "the innermost was refused");
        let refusals = refusals.lock().expect("nobody panics under it");
        assert_eq!(*refusals, [RejectReason::NestingTooDeep { limit: 16 }]);
        let stats = wpc.stats();
        assert_eq!((stats.calls.accepted, stats.calls.handled, stats.rejected), (16 + 17 + 17, 50, 1));
        assert_ledger_is_even(&wpc);
    }
}

#[test]
fn sixteen_pending_calls_waited_for_inside_each_other_run_on_one_worker() {
    let _watchdog = Watchdog::start();
    let (wpc, refusals) = downward(by_pending);
    assert_eq!(wpc.call::<u64>("down", 16_u64).expect("a value"), 16);
    assert!(refusals.lock().expect("nobody panics under it").is_empty());
    assert_eq!(wpc.stats().calls.handled, 17);
    assert_ledger_is_even(&wpc);
}

/// One worker, where `outer` submits `inner` and waits for it as it is told.
fn waiting_inside(wait: fn(Pending<u64>) -> u64) -> u64 {
    let wpc = pool();
    let weak = wpc.downgrade();
    wpc.define_function("inner", |n: u64| n + 1).expect("it is defined");
    let outer = move |n: u64| -> u64 {
        let wpc = weak.upgrade().expect("the test holds the pool");
        let pending = wpc.submit("inner", n).expect("it is accepted");
        assert!(!pending.is_done(), "the only worker is here");
        wait(pending)
    };
    wpc.define_function("outer", outer).expect("it is defined");
    wpc.start_workers(1).expect("it starts");
    let value = wpc.call("outer", 6_u64).expect("a value");
    assert_ledger_is_even(&wpc);
    value
}

#[test]
fn waiting_on_the_only_worker_for_a_call_of_ones_own_runs_it() {
    let _watchdog = Watchdog::start();
    assert_eq!(waiting_inside(|pending| pending.wait().expect("a value")), 7);
    assert_eq!(waiting_inside(|pending| pollster::block_on(pending).expect("a value")), 7);
    let timeout = |pending: Pending<u64>| {
        let outcome = pending.wait_timeout(Duration::ZERO).expect("it ran to its end");
        outcome.expect("a value")
    };
    assert_eq!(waiting_inside(timeout), 7);
}

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
