//! Where calls go: the choice of a slot, its queue, its limits, and what idle workers take from others.

mod behind;
mod mixed;

use std::collections::HashSet;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use wpc::{CallError, Clock, Context, Pending, RejectReason, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, finish, pool, reason, until};

/// A pool with a function `held` that stays until the latch is released.
fn held(wpc: Wpc, workers: usize) -> (Wpc, Latch) {
    let latch = Latch::new();
    let hold = latch.clone();
    wpc.define_function("held", move || hold.hold()).expect("it is defined");
    wpc.start_workers(workers).expect("they start");
    (wpc, latch)
}

fn submit(wpc: &Wpc) -> Pending<()> {
    wpc.submit("held", ()).expect("it is accepted")
}

fn in_flight(wpc: &Wpc) -> Vec<u32> {
    wpc.workers().iter().map(|worker| worker.in_flight).collect()
}

mod w21_held_calls_spread_evenly_and_ties_rotate {
    use super::*;

    /// Three workers, each inside a call: whatever is submitted now stays where it was put.
    fn three_held() -> (Wpc, Latch, Vec<Pending<()>>) {
        let (wpc, latch) = held(pool(), 3);
        let calls = (0..3).map(|_| submit(&wpc)).collect();
        latch.wait_entered(3);
        assert_eq!(in_flight(&wpc), [1, 1, 1], "all three are used");
        (wpc, latch, calls)
    }

    fn finish_all(wpc: &Wpc, latch: &Latch, calls: Vec<Pending<()>>) {
        latch.release();
        assert_eq!(calls.len(), 30);
        finish(calls);
        assert_eq!(wpc.stats().calls.values, 30);
        assert_ledger_is_even(wpc);
    }

    #[test]
    fn one_after_the_other() {
        let _watchdog = Watchdog::start();
        let (wpc, latch, mut calls) = three_held();
        let mut choices = Vec::new();
        for _ in 0..27 {
            let before = in_flight(&wpc);
            calls.push(submit(&wpc));
            let after = in_flight(&wpc);
            let risen: Vec<usize> = (0..3).filter(|&at| after[at] > before[at]).collect();
            assert_eq!(risen.len(), 1, "{before:?} became {after:?}");
            choices.push(risen[0]);
            let (least, most) = (after.iter().min(), after.iter().max());
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{after:?}");
        }
        assert_eq!(in_flight(&wpc), [10, 10, 10]);
        for pair in choices.windows(2) {
            assert_eq!(pair[1], (pair[0] + 1) % 3, "ties rotate in a fixed order: {choices:?}");
        }
        finish_all(&wpc, &latch, calls);
    }

    #[test]
    fn one_after_the_other_with_loads_that_are_equal_each_time() {
        let _watchdog = Watchdog::start();
        let (wpc, latch, calls) = three_held();
        let mut choices = Vec::new();
        for _ in 0..30 {
            let call = submit(&wpc);
            choices.extend(in_flight(&wpc).iter().position(|load| *load == 2));
            assert!(call.cancel());
            assert_eq!(in_flight(&wpc), [1, 1, 1]);
        }
        assert_eq!(choices.len(), 30);
        for pair in choices.windows(2) {
            assert_eq!(pair[1], (pair[0] + 1) % 3, "ties rotate in a fixed order: {choices:?}");
        }
        latch.release();
        finish(calls);
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn together() {
        let _watchdog = Watchdog::start();
        let (wpc, latch, mut calls) = three_held();
        let together = Barrier::new(27);
        std::thread::scope(|scope| {
            let submit_one = || {
                together.wait();
                submit(&wpc)
            };
            let threads: Vec<_> = (0..27).map(|_| scope.spawn(submit_one)).collect();
            calls.extend(threads.into_iter().map(|thread| thread.join().expect("it is accepted")));
        });
        assert_eq!(in_flight(&wpc), [10, 10, 10]);
        finish_all(&wpc, &latch, calls);
    }
}

mod w23_a_full_queue_rejects_and_gives_the_arguments_back {
    use super::*;

    /// A pool of one worker where so many calls may wait, and `held` takes and returns a text.
    fn small(waiting_max: u32, clock: Clock) -> (Wpc, Latch) {
        let (wpc, latch) =
            (build(Wpc::builder().max_pending_calls_per_worker(waiting_max).clock(clock)), Latch::new());
        let inside = latch.clone();
        let function = move |text: String| {
            inside.hold();
            text
        };
        wpc.define_function("held", function).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        (wpc, latch)
    }

    fn try_submit(wpc: &Wpc, text: &str) -> Result<Pending<String>, CallError> {
        wpc.submit("held", text.to_owned())
    }

    #[track_caller]
    fn given_back(result: Result<Pending<String>, CallError>) -> String {
        match result {
            Err(CallError::Rejected(rejected)) => {
                assert_eq!(*rejected.reason(), RejectReason::Saturated { limit: 1 });
                rejected.into_arguments().expect("the caller's own value")
            }
            other => panic!("not rejected: {other:?}"),
        }
    }

    #[test]
    fn the_third_of_three_calls_together_is_rejected() {
        let _watchdog = Watchdog::start();
        for _ in 0..20 {
            let (wpc, latch) = small(1, Clock::system());
            let together = Barrier::new(3);
            let results: Vec<_> = std::thread::scope(|scope| {
                let call = |text| {
                    let (wpc, together) = (&wpc, &together);
                    scope.spawn(move || {
                        together.wait();
                        (text, try_submit(wpc, text))
                    })
                };
                let threads = ["one", "two", "three"].map(call);
                threads.map(|thread| thread.join().expect("it submits")).into_iter().collect()
            });
            latch.release();
            let (accepted, rejected): (Vec<_>, Vec<_>) =
                results.into_iter().partition(|(_, result)| result.is_ok());
            assert_eq!((accepted.len(), rejected.len()), (2, 1));
            for (text, result) in rejected {
                assert_eq!(given_back(result), text);
            }
            for (text, result) in accepted {
                let pending = result.expect("these were accepted");
                assert_eq!(pending.wait().expect("a value"), text);
            }
            assert_eq!((wpc.stats().calls.values, wpc.stats().rejected), (2, 1));
        }
    }

    #[test]
    fn the_limit_is_the_same_before_and_after_the_worker_took_the_first() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = small(1, Clock::system());
        let calls = ["one", "two"].map(|text| try_submit(&wpc, text).expect("it is accepted"));
        assert_eq!(given_back(try_submit(&wpc, "three")), "three");
        latch.wait_entered(1);
        assert_eq!(given_back(try_submit(&wpc, "four")), "four");
        latch.release();
        assert_eq!(calls.map(|call| call.wait().expect("a value")), ["one", "two"]);
        assert_eq!(try_submit(&wpc, "five").expect("there is room").wait().expect("a value"), "five");
        assert_eq!(wpc.stats().rejected, 2);
    }

    #[test]
    fn two_calls_always_find_room_whatever_the_worker_is_at() {
        let _watchdog = Watchdog::start();
        let (wpc, latch) = small(1, Clock::system());
        latch.release();
        for round in 0..5_000 {
            let one = try_submit(&wpc, "one").expect("there is room for two");
            for _ in 0..round % 500 * 4 {
                std::hint::spin_loop(); // so that the second meets the worker everywhere on its way
            }
            let two = try_submit(&wpc, "two").expect("there is room for two");
            assert_eq!([one, two].map(|call| call.wait().expect("a value")), ["one", "two"]);
        }
        assert_eq!((wpc.stats().calls.values, wpc.stats().rejected), (10_000, 0));
    }

    #[test]
    fn cancelled_and_expired_calls_leave_room() {
        let _watchdog = Watchdog::start();
        let (clock, hands) = Clock::manual();
        let (wpc, latch) = small(1, clock);
        let first = wpc.request("held").no_timeout().submit::<String>("first").expect("it is accepted");
        latch.wait_entered(1);
        for n in 0..100 {
            let cancelled = try_submit(&wpc, "cancelled").expect("there is room");
            assert_eq!(given_back(try_submit(&wpc, "too many")), "too many");
            assert!(cancelled.cancel());
            let second = Duration::from_secs(1);
            let expired: Pending<String> = wpc
                .request("held")
                .timeout(second)
                .submit(format!("expired {n}"))
                .expect("the cancelled one left room");
            assert_eq!(given_back(try_submit(&wpc, "too many")), "too many");
            hands.advance(second);
            until(|| expired.is_done());
            let outcome = expired.wait();
            assert!(matches!(outcome, Err(CallError::TimedOut { started: false, .. })), "{outcome:?}");
        }
        let last = try_submit(&wpc, "last").expect("the expired ones left room");
        latch.release();
        assert_eq!(
            (first.wait().expect("a value"), last.wait().expect("a value")),
            ("first".into(), "last".into())
        );
        assert_eq!(latch.entered(), 2, "neither the cancelled nor the expired ones ran");
        assert_ledger_is_even(&wpc);
    }
}

#[test]
fn shells_of_cancelled_calls_are_swept_at_their_limit_and_their_arguments_dropped() {
    let _watchdog = Watchdog::start();
    let waiting_max = 4_u8;
    let wpc = build(Wpc::builder().max_pending_calls_per_worker(u32::from(waiting_max)));
    wpc.define_function("take", |value: Arc<u8>| *value).expect("it is defined");
    let (wpc, latch) = held(wpc, 1);
    let first = submit(&wpc);
    latch.wait_entered(1);
    let value = Arc::new(7_u8);
    let mut most = 0;
    for _ in 0..1_000 {
        let call: Pending<u8> = wpc.submit("take", Arc::clone(&value)).expect("there is room");
        assert!(call.cancel());
        drop(call);
        most = most.max(Arc::strong_count(&value) - 1);
    }
    let limit = 2 * (usize::from(waiting_max) + 1);
    assert_eq!(most, limit, "they are swept when there are as many as there may be");
    let last: Pending<u8> = wpc.submit("take", Arc::clone(&value)).expect("there is room");
    latch.release();
    first.wait().expect("a value");
    assert_eq!(last.wait().expect("a value"), 7);
    until(|| Arc::strong_count(&value) == 1);
    assert_eq!((wpc.stats().calls.cancelled, wpc.stats().calls.handled), (1_000, 2));
    assert_ledger_is_even(&wpc);
}

#[test]
fn callers_that_fit_into_the_limits_are_never_rejected_as_saturated() {
    const CALLERS: u32 = 4;
    let _watchdog = Watchdog::start();
    // One runs and as many as there are callers may wait: there is always a place.
    let wpc = build(Wpc::builder().max_pending_calls_per_worker(CALLERS));
    wpc.define_function("next", |n: u64| n + 1).expect("it is defined");
    wpc.start_workers(1).expect("it starts");
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                for n in 0..20_000 {
                    assert_eq!(wpc.call::<u64>("next", n).expect("there is a place"), n + 1);
                }
            });
        }
    });
    assert_eq!(wpc.stats().rejected, 0);
    assert_ledger_is_even(&wpc);
}

#[test]
fn a_call_queued_behind_a_held_one_is_run_by_another_worker_once_that_is_free() {
    let _watchdog = Watchdog::start();
    let (short, long) = (Latch::new(), Latch::new());
    let wpc = pool();
    let holds = [short.clone(), long.clone()];
    let hold = move |ctx: &Context, at: usize| {
        holds[at].hold();
        ctx.worker_id().index()
    };
    wpc.define_function("hold", hold).expect("it is defined");
    wpc.define_function("where", |ctx: &Context| ctx.worker_id().index()).expect("it is defined");
    wpc.start_workers(2).expect("they start");
    let holding = |at: usize| wpc.submit::<usize>("hold", at).expect("it is accepted");
    let (shortly, for_long) = (holding(0), holding(1));
    short.wait_entered(1);
    long.wait_entered(1);
    let behind: Vec<Pending<usize>> =
        (0..8).map(|_| wpc.submit("where", ()).expect("it is accepted")).collect();
    assert_eq!(in_flight(&wpc), [5, 5], "four wait behind each");
    short.release();
    let free = shortly.wait().expect("a value");
    for call in behind {
        assert_eq!(call.wait().expect("a value"), free, "the other one is still held");
    }
    assert!(!for_long.is_done());
    long.release();
    assert_eq!(for_long.wait().expect("a value"), 1 - free);
    assert_ledger_is_even(&wpc);
}

/// The order in which calls of these priorities run that wait behind a running one.
fn order(priorities: &[i32]) -> Vec<usize> {
    let ran = Arc::new(Mutex::new(Vec::new()));
    let (wpc, note) = (pool(), Arc::clone(&ran));
    let run = move |at: usize| note.lock().expect("nobody panics under it").push(at);
    wpc.define_function("run", run).expect("it is defined");
    let (wpc, latch) = held(wpc, 1);
    let first = submit(&wpc);
    latch.wait_entered(1);
    let calls: Vec<Pending<()>> = priorities
        .iter()
        .enumerate()
        .map(|(at, priority)| wpc.request("run").priority(*priority).submit(at).expect("it is accepted"))
        .collect();
    latch.release();
    first.wait().expect("a value");
    finish(calls);
    let ran = ran.lock().expect("nobody panics under it");
    ran.clone()
}

#[test]
fn w24_calls_that_wait_run_by_their_priorities_and_equal_ones_in_the_order_of_their_coming() {
    let _watchdog = Watchdog::start();
    assert_eq!(order(&[5, 1, 10]), [1, 0, 2]);
    assert_eq!(order(&[0; 12]), (0..12).collect::<Vec<_>>());
    assert_eq!(order(&[3, -1, 3, -1, 3, 0]), [1, 3, 5, 0, 2, 4]);
    assert_eq!(order(&[i32::MAX, 0, i32::MIN]), [2, 1, 0]);
}

#[test]
fn many_calls_on_many_workers_use_every_worker() {
    let _watchdog = Watchdog::start();
    let (wpc, together) = (pool(), Arc::new(Barrier::new(4)));
    let meet = move |ctx: &Context| {
        together.wait(); // none of the four returns before all are inside
        ctx.worker_id().index()
    };
    wpc.define_function("meet", meet).expect("it is defined");
    wpc.start_workers(4).expect("they start");
    for _ in 0..50 {
        let calls: Vec<Pending<usize>> =
            (0..4).map(|_| wpc.submit("meet", ()).expect("it is accepted")).collect();
        let places: HashSet<usize> = calls.into_iter().map(|call| call.wait().expect("a value")).collect();
        assert_eq!(places.len(), 4);
    }
    assert_eq!(reason(wpc.call::<()>("nothing", ())), RejectReason::NotDefined);
}
