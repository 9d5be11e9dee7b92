//! Short and long calls of one pool, under one name and under two: what a function took until now says nothing of its next
//! call.

use wpc::{Pending, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, pool};

mod w22_no_short_call_waits_for_a_long_one {
    use super::*;

    /// So many short calls make whatever is learnt of a function say that it takes no time.
    const WARM_UP: u64 = 2_000;

    /// How often a long call comes again, with the workers at another point of their way each time.
    const ROUNDS: u64 = 20;

    /// The argument with which `either` is held.
    const LONG: u64 = 0;

    /// Two workers, and one function for short and long calls: it returns its argument.
    struct Either {
        wpc: Wpc,
        /// What long calls are held by: one for each, so that they can be released one by one.
        long: Vec<Latch>,
        /// What short calls are counted by, which it does not hold.
        short: Latch,
    }

    impl Either {
        fn start() -> Self {
            let (short, long) = (Latch::new(), (0..ROUNDS).map(|_| Latch::new()).collect::<Vec<_>>());
            short.release();
            let (wpc, counted, holds) = (pool(), short.clone(), long.clone());
            let either = move |n: u64, round: usize| {
                if n == LONG {
                    holds[round].hold();
                } else {
                    counted.hold();
                }
                n
            };
            wpc.define_function("either", either).expect("it is defined");
            wpc.start_workers(2).expect("they start");
            Self { wpc, long, short }
        }

        fn submit(&self, n: u64, round: usize) -> Pending<u64> {
            self.wpc.submit("either", (n, round)).expect("it is accepted")
        }

        /// Blocking calls of which none is long.
        fn call_short(&self, count: u64) {
            for n in 1..=count {
                assert_eq!(self.wpc.call::<u64>("either", (n, 0_usize)).expect("a value"), n);
            }
        }

        /// Submits a long call after many short ones. In every second round it has begun when this returns.
        fn begin_long(&self, round: usize) -> Pending<u64> {
            self.call_short(WARM_UP);
            let long = self.submit(LONG, round);
            if round.is_multiple_of(2) {
                self.long[round].wait_entered(1);
            }
            long
        }

        /// Lets the long call go, which has to be in it still.
        fn end_long(&self, round: usize, long: Pending<u64>) {
            assert!(!long.is_done(), "it is held still");
            self.long[round].release();
            assert_eq!(long.wait().expect("a value"), LONG);
            assert_ledger_is_even(&self.wpc);
        }

        /// What other threads do while a long call is held, once for each round.
        fn in_each_round(&self, act: impl Fn() + Sync) {
            for round in 0..self.long.len() {
                let long = self.begin_long(round);
                std::thread::scope(|scope| scope.spawn(&act).join().expect("each has its value"));
                self.end_long(round, long);
            }
        }
    }

    #[test]
    fn that_comes_among_them() {
        let _watchdog = Watchdog::start();
        // Under two names, and under one: what a function took on the average says nothing of the next call.
        for (short_name, long_name) in [("short", "held"), ("either", "either")] {
            let wpc = pool();
            let latch = Latch::new();
            let hold = latch.clone();
            let either = move |n: u64| {
                if n == 0 {
                    hold.hold();
                }
                n
            };
            for name in ["short", "held", "either"] {
                wpc.define_function(name, either.clone()).expect("it is defined");
            }
            wpc.start_workers(2).expect("they start");
            for n in 1..=50 {
                assert_eq!(wpc.call::<u64>(short_name, n).expect("a value"), n);
            }
            let submit = |name: &str, n: u64| wpc.submit::<u64>(name, n).expect("it is accepted");
            let before: Vec<_> = (1..=49).map(|n| submit(short_name, n)).collect();
            let long = submit(long_name, 0);
            let after: Vec<_> = (50..=99).map(|n| submit(short_name, n)).collect();
            for (n, short) in (1..).zip(before.into_iter().chain(after)) {
                assert_eq!(short.wait().expect("a value"), n);
            }
            assert!(!long.is_done(), "it is held still");
            // Blocking ones too, of which each may be put behind the long one.
            for n in 1..=50 {
                assert_eq!(wpc.call::<u64>(short_name, n).expect("a value"), n);
            }
            latch.release();
            assert_eq!(long.wait().expect("a value"), 0);
            assert_ledger_is_even(&wpc);
        }
    }

    #[test]
    fn when_they_are_called_one_after_the_other_under_its_name() {
        let _watchdog = Watchdog::start();
        let either = Either::start();
        either.in_each_round(|| either.call_short(99));
    }

    #[test]
    fn when_one_is_called_under_its_name_and_no_other_call_follows() {
        let _watchdog = Watchdog::start();
        let either = Either::start();
        either.in_each_round(|| either.call_short(1));
    }

    #[test]
    fn when_they_are_submitted_one_after_the_other_under_its_name() {
        let _watchdog = Watchdog::start();
        let either = Either::start();
        either.in_each_round(|| {
            for n in 1..=99 {
                assert_eq!(either.submit(n, 0).wait().expect("a value"), n);
            }
        });
    }

    #[test]
    fn when_they_are_submitted_together_under_its_name() {
        let _watchdog = Watchdog::start();
        let either = Either::start();
        either.in_each_round(|| {
            let batch: Vec<_> = (1..=99).map(|n| either.submit(n, 0)).collect();
            for (n, short) in (1..).zip(batch) {
                assert_eq!(short.wait().expect("a value"), n);
            }
        });
    }

    /// Nobody waits for them, polls them or makes a call after them: the pool itself has to see that they are waiting.
    #[test]
    fn when_nobody_looks_after_them() {
        let _watchdog = Watchdog::start();
        let either = Either::start();
        for round in 0..either.long.len() {
            let long = either.begin_long(round);
            let ran = either.short.entered();
            let shorts = [1, 2, 3].map(|n| either.submit(n, 0));
            either.short.wait_entered(ran + shorts.len());
            assert!(!long.is_done(), "it is held still");
            for (n, short) in (1..).zip(shorts) {
                assert_eq!(short.wait().expect("a value"), n);
            }
            either.end_long(round, long);
        }
    }
}
