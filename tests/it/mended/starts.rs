//! Starts: defines that come meanwhile, and what a thread's own start leaves behind.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use wpc::{
    CallError, DefineError, FunctionError, RestartPolicy, Run, StartError, ThreadLife, Version, WeakWpc,
    WorkerId, WorkerState, Wpc,
};

use crate::support::{Built, Latch, Scratch, Watchdog, assert_ledger_is_even, flush_loader, pool, until};

use super::Stage;

/// Many workers, so that the first sleep already while the last are on their way.
const WORKERS: usize = 12;
const ROUNDS: usize = 12;

/// Defines anew until the start is over, as one can see from outside. The last one, most of the times, came when workers
/// slept already and could not be seen yet.
fn define_until_started(wpc: &Wpc) -> Version {
    for n in 0_u64.. {
        let defined = wpc.define_constant("N", n).expect("it is defined");
        if !wpc.workers().is_empty() {
            return defined.version;
        }
        std::thread::yield_now();
    }
    unreachable!("the pool starts before that")
}

#[test]
fn what_is_defined_during_a_start_reaches_workers_that_sleep_already() {
    let _watchdog = Watchdog::start();
    for _ in 0..ROUNDS {
        let wpc = pool();
        let other = wpc.clone();
        let defining = std::thread::spawn(move || define_until_started(&other));
        wpc.start_workers(WORKERS).expect("they start");
        let newest = defining.join().expect("it does not panic");
        let installed = wpc.wait_installed(newest, Duration::from_secs(10));
        assert_eq!(installed, Ok(WORKERS));
    }
}

#[test]
fn a_dependency_that_is_defined_during_a_start_waits_for_it_and_is_then_built_on_every_worker() {
    let _watchdog = Watchdog::start();
    let scratch = Scratch::new();
    let latch = Latch::new();
    let held = latch.clone();
    let start = move |worker: WorkerId, _: Run| -> Result<ThreadLife, FunctionError> {
        if worker.index() == 1 {
            held.hold();
        }
        Ok(ThreadLife::endless())
    };
    let stage = Stage::with(|builder| builder.thread_start(start));
    let failing = Built::misbehaving("fail-init", "x").write(&scratch, "x.so");
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| stage.wpc.start_workers(2));
        latch.wait_entered(1);
        let defining = scope.spawn(|| stage.wpc.define_dependency("bad", failing));
        // The one that starts the workers, the pool's own thread for that, and the one that defines: at first until the
        // library is loaded.
        until(|| stage.hands.waiting() == 3);
        flush_loader();
        stage.hands.advance(Duration::ZERO);
        until(|| stage.hands.waiting() == 3);
        latch.release();
        let started = starting.join().expect("it does not panic").expect("they start");
        assert_eq!(started.ready.len(), 2, "{started:?}");
        let defined = defining.join().expect("it does not panic");
        let Err(DefineError::Install { failures, .. }) = &defined else { panic!("it is {defined:?}") };
        assert!(!failures.is_empty(), "{defined:?}");
    });
    assert!(stage.wpc.dependencies().is_empty());
    assert!(stage.wpc.workers().iter().all(|it| it.not_installed.is_empty()), "{:?}", stage.wpc.workers());
}

/// An error whose drop panics.
#[derive(Debug)]
struct Bomb;

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no core")
    }
}

impl std::error::Error for Bomb {}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a drop panics");
    }
}

#[test]
fn a_start_whose_error_panics_as_it_drops_tells_why_and_leaves_no_thread_behind() {
    let _watchdog = Watchdog::start();
    let start = |_: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
        if run.get() == 1 { Err(FunctionError::from(Bomb)) } else { Ok(ThreadLife::endless()) }
    };
    let stage = Stage::with(|builder| builder.restart(RestartPolicy::never()).thread_start(start));
    match stage.wpc.start_workers(1) {
        Err(StartError::NoneReady { failed }) => {
            assert_eq!(failed.len(), 1);
            assert!(failed[0].reason.contains("there is no core"), "{failed:?}");
        }
        other => panic!("it started: {other:?}"),
    }
    let stats = stage.wpc.stats();
    assert_eq!((stats.abandoned_threads, stats.abandoned_threads_ever), (0, 0), "{stats:?}");
    stage.start(1);
    stage.wpc.call::<()>("nothing", ()).expect("it serves after another start");
}

#[test]
fn a_panic_in_a_call_that_a_start_makes_does_not_recycle_the_worker_after_its_first_call() {
    let _watchdog = Watchdog::start();
    let pool_of: Arc<OnceLock<WeakWpc>> = Arc::default();
    let outcome: Arc<Mutex<Option<Result<(), CallError>>>> = Arc::default();
    let (weak, made) = (Arc::clone(&pool_of), Arc::clone(&outcome));
    let start = move |_: WorkerId, _: Run| -> Result<ThreadLife, FunctionError> {
        let wpc = weak.get().and_then(WeakWpc::upgrade).expect("the test holds it");
        *made.lock().expect("nobody panics under it") = Some(wpc.call("panic", ()));
        Ok(ThreadLife::endless())
    };
    let stage = Stage::with(|builder| builder.thread_start(start));
    pool_of.set(stage.wpc.downgrade()).expect("it is set once");
    stage.wpc.define_function("panic", || -> u8 { panic!("on purpose") }).expect("it is defined");
    stage.start(1);
    let outcome = outcome.lock().expect("nobody panics under it").take();
    assert!(matches!(outcome, Some(Err(CallError::Panicked { .. }))), "{outcome:?}");
    for _ in 0..3 {
        stage.wpc.call::<()>("nothing", ()).expect("a value");
    }
    let worker = &stage.wpc.workers()[0];
    assert_eq!((worker.run.get(), worker.state), (1, WorkerState::Ready), "{worker:?}");
    assert_ledger_is_even(&stage.wpc);
}
