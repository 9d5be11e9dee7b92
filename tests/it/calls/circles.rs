//! Functions that wait for functions: deep on one worker, in other pools, and in circles.

use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use wpc::{CallError, Context, NESTING_MAX, Pending, RejectReason, WeakWpc, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, pool, reason, until};

mod w27_functions_that_wait_for_functions_have_a_value_or_are_refused_and_never_hang {
    use super::*;

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

    /// Two pools with these numbers of workers: `near` has `out`, which calls `back` of `far`, and `far` has `back`, which
    /// calls `end` of `near`. What is refused is kept.
    fn two_pools(near_workers: usize, far_workers: usize) -> (Wpc, Wpc, Refusals) {
        let (near, far, refusals) = (pool(), pool(), Refusals::default());
        let (there, home, kept) = (far.clone(), near.downgrade(), Arc::clone(&refusals));
        near.define_function("out", move |n: u64| there.call::<u64>("back", n)).expect("it is defined");
        near.define_function("end", |n: u64| n + 1).expect("it is defined");
        let back = move |n: u64| -> u64 {
            match home.upgrade().expect("the test holds it").call::<u64>("end", n) {
                Ok(value) => value,
                refused => {
                    kept.lock().expect("nobody panics under it").push(reason(refused));
                    0
                }
            }
        };
        far.define_function("back", back).expect("it is defined");
        near.start_workers(near_workers).expect("they start");
        far.start_workers(far_workers).expect("they start");
        (near, far, refusals)
    }

    #[test]
    fn a_call_that_comes_back_to_a_pool_of_one_worker_is_refused_with_its_chain() {
        let _watchdog = Watchdog::start();
        let (near, far, refusals) = two_pools(1, 1);
        assert_eq!(near.call::<u64>("out", 4_u64).expect("a value"), 0);
        let (pool, chain) = (near.id(), vec![near.id(), far.id()]);
        let text = RejectReason::WouldDeadlock { pool, chain: chain.clone() }.to_string();
        assert!(
            text.ends_with(&format!("made through pool {} and then pool {}", near.id(), far.id())),
            "{text}"
        );
        assert_eq!(
            *refusals.lock().expect("nobody panics under it"),
            [RejectReason::WouldDeadlock { pool, chain }]
        );
        assert_eq!((near.stats().rejected, far.stats().rejected), (1, 0));
        assert_eq!(far.call::<u64>("back", 4_u64).expect("from outside it does not come back"), 5);
        assert_ledger_is_even(&near);
        assert_ledger_is_even(&far);
    }

    #[test]
    fn a_call_that_comes_back_to_a_pool_with_a_free_worker_is_a_value() {
        let _watchdog = Watchdog::start();
        let (near, far, refusals) = two_pools(2, 1);
        for n in 0..50 {
            assert_eq!(near.call::<u64>("out", n).expect("a value"), n + 1);
        }
        assert!(refusals.lock().expect("nobody panics under it").is_empty());
        assert_ledger_is_even(&near);
        assert_ledger_is_even(&far);
    }

    #[test]
    fn a_call_waits_for_a_worker_that_waits_for_one_that_goes_on() {
        let _watchdog = Watchdog::start();
        let (near, far, refusals) = two_pools(2, 1);
        let latch = Latch::new();
        let inside = latch.clone();
        let hold = move |n: u64| {
            inside.hold();
            n
        };
        near.define_function("end", hold).expect("it is defined");
        // The one worker of `far` waits for a call that runs on `near`, and one of `near` waits for `far`.
        let first: Pending<u64> = near.submit("out", 1_u64).expect("accepted");
        latch.wait_entered(1);
        let second: Pending<u64> = far.submit("back", 2_u64).expect("accepted");
        latch.release();
        assert_eq!((first.wait().expect("a value"), second.wait().expect("a value")), (1, 2));
        assert!(refusals.lock().expect("nobody panics under it").is_empty(), "nobody waited in a circle");
    }

    #[test]
    fn a_call_waits_for_a_worker_that_was_refused_and_goes_on() {
        let _watchdog = Watchdog::start();
        let (near, far, refusals) = two_pools(1, 1);
        let (latch, home, kept) = (Latch::new(), near.downgrade(), Arc::clone(&refusals));
        let inside = latch.clone();
        let back = move |n: u64| -> u64 {
            let refused = home.upgrade().expect("the test holds it").call::<u64>("end", n);
            kept.lock().expect("nobody panics under it").push(reason(refused));
            inside.hold();
            n
        };
        far.define_function("back", back).expect("it is defined");
        far.define_function("end", |n: u64| n + 1).expect("it is defined");
        let (third, there) = (pool(), far.clone());
        third.define_function("ask", move |n: u64| there.call::<u64>("end", n)).expect("it is defined");
        third.start_workers(1).expect("it starts");
        let out: Pending<u64> = near.submit("out", 1_u64).expect("accepted");
        latch.wait_entered(1);
        let ask: Pending<u64> = third.submit("ask", 2_u64).expect("accepted");
        until(|| far.workers()[0].in_flight == 2 || ask.is_done());
        latch.release();
        assert_eq!(out.wait().expect("a value"), 1);
        assert_eq!(ask.wait().expect("the worker of `far` waited for nobody"), 3);
        assert_eq!(refusals.lock().expect("nobody panics under it").len(), 1);
    }

    #[test]
    fn a_call_beside_a_free_worker_is_refused_where_the_pool_it_calls_waits_for_that_very_call() {
        let _watchdog = Watchdog::start();
        let (near, far, refusals) = two_pools(3, 1);
        let there = far.clone();
        let kept = Arc::clone(&refusals);
        // far waits for `end` on the second worker of near, which calls far: the third is free, and no help.
        let end = move |n: u64| -> u64 {
            let again = there.request("back").timeout(Duration::from_secs(20)).call::<u64>(n);
            kept.lock().expect("nobody panics under it").push(reason(again));
            n
        };
        near.define_function("end", end).expect("it is defined");
        assert_eq!(near.call::<u64>("out", 7_u64).expect("a value"), 7);
        let (near_id, far_id) = (near.id(), far.id());
        let (pool, chain) = (far_id, vec![near_id, far_id, near_id]);
        assert_eq!(
            *refusals.lock().expect("nobody panics under it"),
            [RejectReason::WouldDeadlock { pool, chain }]
        );
    }

    /// So many pools of one worker each, whose `cross` waits at the barrier and then calls `end` of the next one, in a ring.
    fn crossing(count: usize) {
        let pools: Vec<Wpc> = (0..count).map(|_| pool()).collect();
        let together = Arc::new(Barrier::new(count));
        for (at, wpc) in pools.iter().enumerate() {
            let (next, meet) = (pools[(at + 1) % count].downgrade(), Arc::clone(&together));
            let cross = move || -> Result<u8, CallError> {
                meet.wait();
                next.upgrade().expect("the test holds it").call("end", ())
            };
            wpc.define_function("cross", cross).expect("it is defined");
            wpc.define_function("end", || 1_u8).expect("it is defined");
            wpc.start_workers(1).expect("it starts");
        }
        for _ in 0..100 {
            let calls: Vec<Pending<u8>> =
                pools.iter().map(|wpc| wpc.submit("cross", ()).expect("accepted")).collect();
            let outcomes: Vec<_> = calls.into_iter().map(Pending::wait).collect();
            let refused = outcomes.iter().filter(|outcome| match outcome {
                Ok(value) => *value != 1,
                Err(CallError::Failed(error)) => {
                    let inner = error.downcast_ref::<CallError>().expect("it is passed on");
                    let CallError::Rejected(rejected) = inner else { panic!("{inner:?}") };
                    assert!(
                        matches!(rejected.reason(), RejectReason::WouldDeadlock { chain, .. } if chain.len() == 1)
                    );
                    true
                }
                other => panic!("{other:?}"),
            });
            assert!(refused.count() >= 1, "at least one is refused, and all end: {outcomes:?}");
        }
        pools.iter().for_each(assert_ledger_is_even);
    }

    #[test]
    fn calls_that_cross_at_the_same_moment_all_end_and_one_of_them_is_refused() {
        let _watchdog = Watchdog::start();
        crossing(2);
        crossing(3);
        crossing(5);
    }
}
