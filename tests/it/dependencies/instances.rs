//! What each worker has of a plugin for itself.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};

use wpc::{Context, Function, ImportError, Pending, Requirement, Wpc};

use crate::support::{Built, Probe, Scratch, Watchdog, plugin, pool, until};

mod d13_each_worker_has_an_instance_of_its_own_for_each_version_and_run {
    use super::*;

    /// On each of three workers at once, what a function of the plugin answers.
    fn on_each<R>(wpc: &Wpc, function: &'static str) -> Vec<R>
    where
        R: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
    {
        let barrier = Arc::new(Barrier::new(3));
        let ask = move |ctx: &Context| -> Result<R, ImportError> {
            barrier.wait();
            ctx.import("bad")?.call(function, ())
        };
        let ask = Function::new(ask).requires(Requirement::dependency("bad"));
        wpc.define_function("each", ask).expect("a good function");
        let calls: Vec<Pending<R>> = (0..3).map(|_| wpc.submit("each", ()).expect("accepted")).collect();
        calls.into_iter().map(|call| call.wait().expect("a value")).collect()
    }

    #[test]
    fn made_once_per_worker_and_shared_with_none() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let probe = Probe::define(&wpc, "bad");
        wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
        wpc.start_workers(3).expect("they start");
        assert_eq!((probe.number("inits"), probe.number("live")), (3, 3));
        for count in 1..=3 {
            assert_eq!(on_each::<u64>(&wpc, "bump"), [count; 3]);
        }
        let threads: BTreeSet<String> = on_each(&wpc, "worker_thread").into_iter().collect();
        assert_eq!(threads.len(), 3);
        assert_eq!(on_each::<bool>(&wpc, "on_own_thread"), [true; 3]);
        assert_eq!((probe.number("inits"), probe.number("frees")), (3, 0));
    }

    #[test]
    fn freed_on_its_own_thread_when_the_run_ends_with_a_stop() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let probe = Probe::define(&wpc, "bad");
        wpc.start_workers(3).expect("they start");
        wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
        assert_eq!(on_each::<u64>(&wpc, "bump"), [1; 3]);
        wpc.stop_workers().expect("they stop");
        wpc.start_workers(1).expect("it starts");
        // The copy is still the same; one instance is the new worker's.
        assert_eq!((probe.number("inits"), probe.number("frees"), probe.number("live")), (4, 3, 1));
        assert_eq!(probe.number("frees_elsewhere"), 0);
        assert_eq!(probe.number("bump"), 1);
    }

    #[test]
    fn made_anew_when_a_panic_gives_the_worker_another_run() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let probe = Probe::define(&wpc, "bad");
        wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
        wpc.define_function("panic", || -> () { panic!("it is to begin anew") }).expect("a good function");
        wpc.start_workers(1).expect("it starts");
        assert_eq!((probe.number("bump"), probe.number("bump")), (1, 2));
        wpc.call::<()>("panic", ()).expect_err("it panics");
        assert_eq!(probe.number("bump"), 1);
        assert_eq!((probe.number("inits"), probe.number("frees"), probe.number("live")), (2, 1, 1));
        assert_eq!(probe.number("frees_elsewhere"), 0);
    }

    #[test]
    fn made_anew_for_another_version_and_kept_for_the_same() {
        let _watchdog = Watchdog::start();
        let scratch = Scratch::new();
        let wpc = pool();
        let probe = Probe::define(&wpc, "bad");
        wpc.start_workers(3).expect("they start");
        let one = Built::misbehaving("none", "one").write(&scratch, "one.so");
        wpc.define_dependency("bad", one.clone()).expect("it is a plugin");
        assert_eq!(on_each::<u64>(&wpc, "bump"), [1; 3]);
        wpc.define_dependency("bad", one).expect("it is the same");
        assert_eq!(on_each::<u64>(&wpc, "bump"), [2; 3]);
        let two = Built::misbehaving("none", "two").write(&scratch, "two.so");
        wpc.define_dependency("bad", two).expect("it is a plugin");
        assert_eq!(on_each::<u64>(&wpc, "bump"), [1; 3]);
        assert_eq!((probe.number("inits"), probe.number("live")), (3, 3));
    }

    #[test]
    fn freed_by_a_panic_that_stays_inside() {
        let _watchdog = Watchdog::start();
        let scratch = Scratch::new();
        let wpc = pool();
        let probe = Probe::define(&wpc, "bad");
        let panics = Built::misbehaving("panic-free", "x").write(&scratch, "x.so");
        wpc.define_dependency("bad", panics).expect("it is a plugin");
        wpc.start_workers(2).expect("they start");
        let report = wpc.stop_workers().expect("they stop");
        assert!(report.abandoned.is_empty(), "{report:?}");
        wpc.start_workers(1).expect("it starts");
        until(|| wpc.dependencies()[0].installed_worker_count == 1);
        assert_eq!((probe.number("inits"), probe.number("frees")), (3, 2));
    }
}
