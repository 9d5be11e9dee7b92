//! Deadlines that pass while the function runs.

use std::time::Duration;

use wpc::{Clock, Context, Pending, WorkerState, Wpc};

use super::{LIMIT, TICK, assert_timed_out, stopped_clock};
use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, pool, until};

mod w7_a_call_held_past_its_deadline_is_told_at_once_that_it_had_started_and_its_worker_serves_again {
    use super::*;

    /// One worker on a clock moved by hand, and a function that a latch holds.
    fn held() -> (Wpc, wpc::ManualClock, Latch) {
        let (clock, hands) = Clock::manual();
        let wpc = build(Wpc::builder().clock(clock));
        let latch = Latch::new();
        let hold = latch.clone();
        wpc.define_function("held", move || hold.hold()).expect("the name is right");
        wpc.define_function("where", |ctx: &Context| ctx.worker_id().index()).expect("the name is right");
        wpc.start_workers(1).expect("a thread can be had");
        (wpc, hands, latch)
    }

    /// The latch still holds the function; once released, the same run of the same worker serves.
    fn assert_serves_again(wpc: &Wpc, latch: &Latch) {
        let [worker] = &wpc.workers()[..] else { panic!("one worker") };
        assert_eq!((worker.state, worker.in_flight, worker.handled), (WorkerState::Degraded, 0, 0));
        let run = worker.run;
        let queued: Pending<usize> = wpc.submit("where", ()).expect("what waits may wait");
        latch.release();
        assert_eq!(queued.wait().expect("it serves"), 0);
        let [worker] = &wpc.workers()[..] else { panic!("one worker") };
        assert_eq!((worker.state, worker.run, worker.handled), (WorkerState::Ready, run, 2));
        let stats = wpc.stats();
        assert_eq!((stats.calls.timed_out, stats.calls.values, stats.calls.late), (1, 1, 1));
        assert_eq!(stats.abandoned_threads_ever, 0);
        assert_ledger_is_even(wpc);
    }

    #[test]
    fn submitted() {
        let _watchdog = Watchdog::start();
        let (wpc, hands, latch) = held();
        let pending: Pending<()> = wpc.request("held").timeout(LIMIT).submit(()).expect("accepted");
        latch.wait_entered(1);
        hands.advance(LIMIT.saturating_sub(TICK));
        let pending = pending.wait_timeout(Duration::ZERO).expect_err("a nanosecond is left");
        assert_eq!(wpc.workers()[0].state, WorkerState::Ready);
        hands.advance(TICK);
        assert_timed_out(pending.wait(), "held", true);
        assert_serves_again(&wpc, &latch);
    }

    #[test]
    fn called() {
        let _watchdog = Watchdog::start();
        let (wpc, hands, latch) = held();
        std::thread::scope(|scope| {
            let caller = scope.spawn(|| wpc.request("held").timeout(LIMIT).call::<()>(()));
            latch.wait_entered(1);
            hands.advance(LIMIT);
            assert_timed_out(caller.join().expect("it does not panic"), "held", true);
        });
        assert_serves_again(&wpc, &latch);
    }

    #[test]
    fn awaited() {
        let _watchdog = Watchdog::start();
        let (wpc, hands, latch) = held();
        let pending: Pending<()> = wpc.request("held").timeout(LIMIT).submit(()).expect("accepted");
        latch.wait_entered(1);
        hands.advance(LIMIT);
        assert_timed_out(pollster::block_on(pending), "held", true);
        assert_serves_again(&wpc, &latch);
    }

    #[test]
    fn waited_for_by_nobody() {
        let _watchdog = Watchdog::start();
        let (wpc, hands, latch) = held();
        let pending: Pending<()> = wpc.request("held").timeout(LIMIT).submit(()).expect("accepted");
        latch.wait_entered(1);
        pending.detach();
        hands.advance(LIMIT);
        until(|| wpc.stats().calls.timed_out == 1);
        assert_serves_again(&wpc, &latch);
    }

    /// On the machine's clock, with a grace that no test's machine overstays.
    #[test]
    fn in_real_time() {
        let _watchdog = Watchdog::start();
        let builder = Wpc::builder().overrun_grace(Duration::from_secs(3_600));
        let wpc = build(builder.stop_timeout(Duration::from_secs(7_200)));
        let latch = Latch::new();
        let hold = latch.clone();
        wpc.define_function("held", move || hold.hold()).expect("the name is right");
        wpc.define_function("one", || 1_u8).expect("the name is right");
        wpc.start_workers(1).expect("a thread can be had");
        let result = wpc.request("held").timeout(LIMIT).call::<()>(());
        let Err(wpc::CallError::TimedOut { started, .. }) = result else {
            panic!("not timed out: {result:?}")
        };
        // On a machine this slow the deadline may have come before the worker: then the function never begins.
        if started {
            latch.wait_entered(1);
        }
        latch.release();
        assert_eq!(wpc.call::<u8>("one", ()).expect("it serves again"), 1);
        assert_eq!(latch.entered(), usize::from(started), "false says that no user code ran");
        assert_eq!(wpc.stats().abandoned_threads_ever, 0);
        assert_ledger_is_even(&wpc);
    }
}

#[test]
fn a_function_sees_its_deadline_come_and_what_it_returns_then_is_late() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, _busy) = stopped_clock(Wpc::builder());
    let (entered, told) = (Latch::new(), Latch::new());
    let (enter, hold) = (entered.clone(), told.clone());
    let look = move |ctx: &Context| {
        assert_eq!(ctx.check(), Ok(()));
        enter.hold();
        assert_eq!(ctx.check(), Err(wpc::Interrupted { call_id: ctx.call_id() }));
        hold.hold();
    };
    wpc.define_function("look", look).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let pending: Pending<()> = wpc.request("look").timeout(LIMIT).submit(()).expect("accepted");
    entered.wait_entered(1);
    hands.advance(LIMIT);
    entered.release();
    told.wait_entered(1);
    assert_timed_out(pending.wait(), "look", true);
    told.release();
    until(|| wpc.stats().calls.late == 1);
    let calls = wpc.stats().calls;
    assert_eq!((calls.values, calls.panicked, calls.timed_out), (0, 0, 1));
    assert_eq!(calls.handled, 1);
    assert_ledger_is_even(&wpc);
}

/// Says on which thread it is dropped.
#[derive(serde::Serialize, serde::Deserialize)]
struct Dropped(u8, #[serde(skip)] Option<std::sync::mpsc::Sender<String>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        if let Some(sender) = &self.1 {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            sender.send(name).expect("the test waits for it");
        }
    }
}

#[test]
fn a_late_result_is_dropped_on_its_worker_and_reaches_nobody() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, _busy) = stopped_clock(Wpc::builder());
    let (latch, (sender, dropped)) = (Latch::new(), std::sync::mpsc::channel());
    let (hold, sender) = (latch.clone(), std::sync::Mutex::new(sender));
    let make = move || {
        hold.hold();
        Dropped(1, Some(sender.lock().expect("nobody panics under it").clone()))
    };
    wpc.define_function("make", make).expect("the name is right");
    wpc.define_function("two", || 2_u8).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let late: Pending<Dropped> = wpc.request("make").timeout(LIMIT).submit(()).expect("accepted");
    latch.wait_entered(1);
    hands.advance(LIMIT);
    until(|| late.is_done());
    let next: Pending<u8> = wpc.submit("two", ()).expect("accepted");
    latch.release();
    assert_eq!(next.wait().expect("it serves"), 2, "each reply reaches its own caller");
    assert_eq!(dropped.recv_timeout(Duration::from_secs(30)).as_deref(), Ok("wpc-worker-0"));
    assert!(matches!(late.wait(), Err(wpc::CallError::TimedOut { started: true, .. })));
    assert_eq!(wpc.stats().calls.late, 1);
    assert_ledger_is_even(&wpc);
}

#[test]
fn a_late_panic_is_late_too_and_the_worker_takes_another_run() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, _busy) = stopped_clock(Wpc::builder());
    let latch = Latch::new();
    let hold = latch.clone();
    let late = move || -> u8 {
        hold.hold();
        panic!("nobody is told");
    };
    wpc.define_function("late", late).expect("the name is right");
    wpc.define_function("one", || 1_u8).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let run = wpc.workers()[0].run;
    let pending: Pending<u8> = wpc.request("late").timeout(LIMIT).submit(()).expect("accepted");
    latch.wait_entered(1);
    hands.advance(LIMIT);
    assert_timed_out(pending.wait(), "late", true);
    latch.release();
    assert_eq!(wpc.call::<u8>("one", ()).expect("it serves"), 1);
    let calls = wpc.stats().calls;
    assert_eq!((calls.late, calls.panicked, calls.timed_out), (1, 0, 1));
    assert!(wpc.workers()[0].run > run, "its local state is gone");
    assert_ledger_is_even(&wpc);
}

#[test]
fn the_default_deadline_is_the_pool_s_call_timeout() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, mut busy) = stopped_clock(Wpc::builder().call_timeout(Duration::from_secs(7)));
    let latch = Latch::new();
    let hold = latch.clone();
    wpc.define_function("held", move || hold.hold()).expect("the name is right");
    wpc.start_workers(2).expect("threads can be had");
    busy.occupy(&wpc, 1);
    let pending: Pending<()> = wpc.submit("held", ()).expect("accepted");
    latch.wait_entered(1);
    hands.advance(Duration::from_secs(7).saturating_sub(TICK));
    let pending = pending.wait_timeout(Duration::ZERO).expect_err("a nanosecond is left");
    hands.advance(TICK);
    assert_timed_out(pending.wait(), "held", true);
    latch.release();
    busy.release();
}

#[test]
fn a_call_without_a_timeout_ends_only_when_its_function_returns() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, mut busy) = stopped_clock(Wpc::builder());
    let latch = Latch::new();
    let inner = latch.clone();
    let held = move |ctx: &Context| {
        inner.hold();
        (ctx.is_cancelled(), ctx.deadline().is_some())
    };
    wpc.define_function("held", held).expect("the name is right");
    wpc.start_workers(3).expect("threads can be had");
    busy.occupy(&wpc, 1);
    let year = Duration::from_secs(365 * 24 * 3_600);
    let unlimited: Pending<(bool, bool)> = wpc.request("held").no_timeout().submit(()).expect("accepted");
    let longest = wpc.request("held").timeout(Duration::MAX).submit::<(bool, bool)>(()).expect("accepted");
    latch.wait_entered(2);
    for _ in 0..10 {
        hands.advance(year);
    }
    assert!(!unlimited.is_done() && !longest.is_done());
    assert!(wpc.workers().iter().all(|worker| worker.state == WorkerState::Ready));
    latch.release();
    assert_eq!(unlimited.wait().expect("it had time"), (false, false));
    assert_eq!(longest.wait().expect("it had time"), (false, false), "beyond the clock is no limit");
    busy.release();
    assert_eq!(wpc.stats().abandoned_threads_ever, 0);
    assert_ledger_is_even(&wpc);
}

#[test]
fn waiting_for_a_while_ends_the_wait_and_not_the_call() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let latch = Latch::new();
    let inner = latch.clone();
    let held = move || {
        inner.hold();
        5_u8
    };
    wpc.define_function("held", held).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let pending: Pending<u8> = wpc.request("held").no_timeout().submit(()).expect("accepted");
    latch.wait_entered(1);
    let pending = pending.wait_timeout(Duration::from_millis(1)).expect_err("the wait is over");
    assert!(!pending.is_done());
    latch.release();
    let waited = pending.wait_timeout(Duration::from_secs(60)).expect("it goes on");
    assert_eq!(waited.expect("it ends in its value"), 5);
    assert_ledger_is_even(&wpc);
}

#[test]
fn a_nested_call_has_the_earlier_deadline_and_is_told_when_its_function_returns() {
    let _watchdog = Watchdog::start();
    let (wpc, hands, _busy) = stopped_clock(Wpc::builder());
    let entered = Latch::new();
    let hold = entered.clone();
    wpc.define_function("inner", move || hold.hold()).expect("the name is right");
    let weak = wpc.downgrade();
    let outer = move |_: &Context| {
        let wpc = weak.upgrade().expect("its caller holds the pool");
        wpc.request("inner").timeout(LIMIT).call::<()>(()).map_err(|error| error.to_string())
    };
    let outer = move |ctx: &Context| outer(ctx).err();
    wpc.define_function("outer", outer).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let pending: Pending<Option<String>> =
        wpc.request("outer").timeout(2 * LIMIT).submit(()).expect("accepted");
    entered.wait_entered(1);
    hands.advance(LIMIT);
    entered.release();
    let told = pending.wait().expect("the outer one had time");
    assert_eq!(told.as_deref(), Some("the call of `inner` timed out after it had started"));
    let calls = wpc.stats().calls;
    assert_eq!((calls.accepted, calls.timed_out, calls.values), (2, 1, 1));
    assert_ledger_is_even(&wpc);
}
