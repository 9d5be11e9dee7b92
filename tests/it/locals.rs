//! State that a worker keeps for a function.

mod w33_local_state_is_built_once_per_worker_run_and_dropped_with_it {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier, Mutex};
    use std::thread::ThreadId;
    use std::time::Duration;

    use wpc::{CallError, Clock, Context, LocalInUse, Pending, Wpc};

    use crate::support::{Latch, Watchdog, build, pool, start_on, until};

    /// Counts the states that were built and dropped, and where.
    #[derive(Clone, Default)]
    struct Yard {
        built: Arc<AtomicUsize>,
        places: Arc<Mutex<Vec<(ThreadId, ThreadId)>>>,
    }

    impl Yard {
        fn build(&self) -> State {
            self.built.fetch_add(1, Ordering::SeqCst);
            State { yard: self.clone(), built_on: std::thread::current().id(), used: 0 }
        }

        fn counts(&self) -> (usize, usize) {
            (self.built.load(Ordering::SeqCst), self.places.lock().expect("nobody panics under it").len())
        }
    }

    struct State {
        yard: Yard,
        built_on: ThreadId,
        used: u64,
    }

    impl Drop for State {
        fn drop(&mut self) {
            let place = (self.built_on, std::thread::current().id());
            self.yard.places.lock().expect("nobody panics under it").push(place);
        }
    }

    /// `count` uses the state, and returns how often it has been used, after all of `together` have come.
    fn counting(wpc: &Wpc, name: &str, together: usize) -> Yard {
        let (yard, together) = (Yard::default(), Barrier::new(together));
        let theirs = yard.clone();
        let count = move |ctx: &Context| -> Result<u64, LocalInUse> {
            together.wait();
            ctx.local(
                || theirs.build(),
                |state| {
                    state.used += 1;
                    state.used
                },
            )
        };
        wpc.define_function(name, count).expect("it is defined");
        yard
    }

    fn count(wpc: &Wpc) -> u64 {
        wpc.call("count", ()).expect("a value")
    }

    #[test]
    fn once_for_all_calls_of_a_run_and_again_after_a_panic_and_a_restart() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let yard = counting(&wpc, "count", 1);
        wpc.define_function("panic", || -> u64 { panic!("on purpose") }).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        assert_eq!(yard.counts(), (0, 0), "it is built at the first use");
        assert_eq!([count(&wpc), count(&wpc), count(&wpc)], [1, 2, 3]);
        assert_eq!(yard.counts(), (1, 0));
        let run = wpc.workers()[0].run;
        assert!(matches!(wpc.call::<u64>("panic", ()), Err(CallError::Panicked { .. })));
        assert!(wpc.workers()[0].run > run);
        assert_eq!(count(&wpc), 1, "another run, another state");
        assert_eq!(yard.counts(), (2, 1));
        wpc.stop_workers().expect("it stops");
        assert_eq!(yard.counts(), (2, 2), "dropped before the stop returned");
        wpc.start_workers(1).expect("it starts");
        assert_eq!(count(&wpc), 1);
        drop(wpc);
        assert_eq!(yard.counts(), (3, 3));
        let places = yard.places.lock().expect("nobody panics under it");
        assert!(places.iter().all(|(built_on, dropped_on)| built_on == dropped_on), "on its own thread");
    }

    #[test]
    fn once_on_each_worker() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let yard = counting(&wpc, "count", 3);
        wpc.start_workers(3).expect("they start");
        for round in 1..=5 {
            let calls: Vec<Pending<u64>> =
                (0..3).map(|_| wpc.submit("count", ()).expect("it is accepted")).collect();
            for call in calls {
                assert_eq!(call.wait().expect("a value"), round, "each worker has its own");
            }
        }
        assert_eq!(yard.counts(), (3, 0));
        wpc.stop_workers().expect("it stops");
        assert_eq!(yard.counts(), (3, 3));
    }

    #[test]
    fn once_for_each_function_and_each_type() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let (yard, other) = (counting(&wpc, "count", 1), counting(&wpc, "other", 1));
        let by_type = |ctx: &Context| -> Result<(u32, u64), LocalInUse> {
            let small = ctx.local(|| 10_u32, |n| std::mem::replace(n, *n + 1))?;
            Ok((small, ctx.local(|| 20_u64, |n| std::mem::replace(n, *n + 1))?))
        };
        wpc.define_function("by_type", by_type).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        assert_eq!([count(&wpc), count(&wpc)], [1, 2]);
        assert_eq!(wpc.call::<u64>("other", ()).expect("a value"), 1);
        assert_eq!((yard.counts(), other.counts()), ((1, 0), (1, 0)));
        assert_eq!(wpc.call::<(u32, u64)>("by_type", ()).expect("a value"), (10, 20));
        assert_eq!(wpc.call::<(u32, u64)>("by_type", ()).expect("a value"), (11, 21));
    }

    #[test]
    fn not_twice_at_a_time() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let function = |ctx: &Context, deep: bool| -> Result<String, LocalInUse> {
            let use_it = |state: &mut u32| {
                *state += 1;
                let inner = deep.then(|| ctx.call::<String>("nested", false));
                match inner {
                    None => state.to_string(),
                    Some(Err(CallError::Failed(error))) => {
                        let in_use = error.downcast_ref::<LocalInUse>().expect("the original error");
                        format!("{} of {} is in use", in_use.state, in_use.function)
                    }
                    Some(other) => panic!("it was lent twice: {other:?}"),
                }
            };
            ctx.local(|| 0_u32, use_it)
        };
        wpc.define_function("nested", function).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        assert_eq!(wpc.call::<String>("nested", true).expect("a value"), "u32 of nested is in use");
        assert_eq!(wpc.call::<String>("nested", false).expect("a value"), "2", "and it is kept");
        assert_eq!(wpc.stats().calls.panicked, 0);
    }

    #[test]
    fn dropped_by_its_own_thread_when_an_abandoned_run_returns() {
        let _watchdog = Watchdog::start();
        let (clock, hands) = Clock::manual();
        let (wpc, latch) = (build(Wpc::builder().clock(clock)), Latch::new());
        let yard = counting(&wpc, "count", 1);
        let held = latch.clone();
        wpc.define_function("stuck", move || held.hold()).expect("it is defined");
        start_on(&hands, &wpc, 1);
        assert_eq!(count(&wpc), 1);
        let stuck: Pending<()> =
            wpc.request("stuck").timeout(Duration::from_secs(1)).submit(()).expect("it is accepted");
        latch.wait_entered(1);
        hands.advance(Duration::from_secs(1));
        assert!(matches!(stuck.wait(), Err(CallError::TimedOut { started: true, .. })));
        hands.advance(Duration::from_secs(1));
        until(|| wpc.stats().abandoned_threads == 1);
        assert_eq!(yard.counts(), (1, 0), "the function still runs");
        latch.release();
        until(|| wpc.stats().abandoned_threads == 0);
        assert_eq!(yard.counts(), (1, 1));
        let places = yard.places.lock().expect("nobody panics under it");
        assert!(places.iter().all(|(built_on, dropped_on)| built_on == dropped_on));
    }
}
