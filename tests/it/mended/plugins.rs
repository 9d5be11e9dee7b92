//! Plugins whose `init` hangs or fails, and whose functions panic.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use serde::de::DeserializeOwned;
use wpc::{
    Argument, Context, DefineError, EventName, Function, ImportError, InstanceError, Pending, RejectReason,
    Requirement, Wpc,
};

use crate::support::{
    Built, Probe, Scratch, Watchdog, just_under, meet, meeting, plugin, pool, reason, until,
};

use super::{Stage, await_next};

/// The default.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an `init` may take before a worker is ready, by the defaults: half of what a start may take.
const START_INIT_MAX: Duration = Duration::from_secs(5);

/// Longer than the delay before a first other try, by the default policy, and shorter than what a drop may take: one may
/// be under way on any worker that has just done something.
const RETRY: Duration = Duration::from_millis(500);

/// How many workers are inside an `init`, while none is inside a call: only these have not taken what is defined when the
/// define returns.
fn inside_an_init(stage: &Stage) -> usize {
    std::thread::scope(|scope| {
        let defining = scope.spawn(|| stage.wpc.define_constant("C", 1_u8).expect("it is defined"));
        // A worker that begins an `init` tells nobody: whoever waits for it is to look again.
        until(|| {
            stage.hands.advance(Duration::ZERO);
            defining.is_finished()
        });
        defining.join().expect("it does not panic").pending.len()
    })
}

/// Defines a library in whose `init` every one of so many workers hangs: the define's error.
fn refused_by_hanging_workers(stage: &Stage, workers: usize) -> DefineError {
    let scratch = Scratch::new();
    let hanging = Built::misbehaving("hang-init", "hanging").write(&scratch, "hanging.so");
    std::thread::scope(|scope| {
        let defining = scope.spawn(|| stage.wpc.define_dependency("bad", hanging));
        until(|| inside_an_init(stage) == workers);
        stage.hands.advance(CONTROL_TIMEOUT);
        defining.join().expect("it does not panic").expect_err("no worker has got it")
    })
}

/// Submits a call whose time stands still, and waits for its value.
#[track_caller]
fn ask<R: DeserializeOwned + Send + 'static>(wpc: &Wpc, name: &str, arguments: impl Argument) -> R {
    let call = wpc.request(name).no_timeout().submit(arguments).expect("it is accepted");
    until(|| call.is_done());
    call.wait().expect("a value")
}

#[test]
fn a_worker_starts_in_time_without_a_dependency_whose_init_hangs() {
    let _watchdog = Watchdog::start();
    let (scratch, stage) = (Scratch::new(), Stage::with(|builder| builder));
    let user = Function::new(|| ()).requires(Requirement::dependency("bad"));
    stage.wpc.define_function("user", user).expect("it is defined");
    let hanging = Built::misbehaving("hang-init", "hanging").write(&scratch, "hanging.so");
    stage.wpc.define_dependency("bad", hanging).expect("no worker has tried it yet");
    stage.hands.advance(Duration::ZERO);
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| stage.wpc.start_workers(1));
        // The one that starts the worker, and the pool's own two threads: one of them, since the `init` has begun.
        until(|| stage.hands.waiting() == 3);
        stage.hands.advance(just_under(START_INIT_MAX));
        until(|| stage.hands.waiting() == 3);
        assert_eq!(stage.wpc.stats().abandoned_threads_ever, 0);
        stage.hands.advance(Duration::from_nanos(1));
        until(|| starting.is_finished());
        let started = starting.join().expect("it does not panic").expect("it is ready");
        assert_eq!((started.ready.len(), started.failed.len(), started.starting.len()), (1, 0, 0));
    });
    for _ in 0..3 {
        ask::<()>(&stage.wpc, "nothing", ());
        let expected = RejectReason::NotInstalled { name: "bad".to_owned(), cause: InstanceError::Hung };
        assert_eq!(reason(stage.wpc.call::<()>("user", ())), expected);
        let worker = &stage.wpc.workers()[0];
        assert_eq!(worker.not_installed.len(), 1, "{worker:?}");
        assert_eq!(worker.not_installed[0].alias, "bad");
        assert_eq!(worker.not_installed[0].cause, InstanceError::Hung);
        stage.hands.advance(RETRY);
    }
    assert_eq!(stage.wpc.stats().abandoned_threads_ever, 1, "it is not tried again");
}

#[test]
fn a_define_that_hangs_costs_each_worker_one_thread_and_leaves_no_mark() {
    let _watchdog = Watchdog::start();
    let stage = Stage::with(|builder| builder);
    stage.start(2);
    let events = stage.wpc.subscribe().expect("there is room");
    let error = refused_by_hanging_workers(&stage, 2);
    assert!(matches!(error, DefineError::Install { .. }), "{error}");
    for _ in 0..2 {
        await_next(&events, EventName::WorkerReady);
    }
    for n in 0_u8..3 {
        stage.hands.advance(RETRY);
        let defined = stage.wpc.define_constant("N", n).expect("it is defined");
        assert_eq!((defined.installed, defined.pending.len()), (2, 0), "each worker has looked around");
        ask::<()>(&stage.wpc, "nothing", ());
    }
    assert_eq!(stage.wpc.stats().abandoned_threads_ever, 2);
    let workers = stage.wpc.workers();
    assert!(workers.iter().all(|it| it.restarts == 1 && it.not_installed.is_empty()), "{workers:?}");
    assert!(stage.wpc.dependencies().is_empty());
    until(|| stage.is_ready());
}

#[test]
fn a_define_that_hangs_names_every_worker_that_it_hangs_on() {
    let _watchdog = Watchdog::start();
    let stage = Stage::with(|builder| builder);
    stage.start(3);
    let error = refused_by_hanging_workers(&stage, 3);
    let DefineError::Install { failures, .. } = &error else { panic!("it is {error:?}") };
    let named: Vec<_> = failures.iter().map(|it| (it.worker_id.index(), it.cause.clone())).collect();
    assert_eq!(named, [0, 1, 2].map(|worker| (worker, InstanceError::Hung)));
}

#[test]
fn a_plugin_s_state_is_not_used_again_once_it_has_panicked() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
    let count = |ctx: &Context| -> Result<[u64; 4], ImportError> {
        let first = ctx.import("bad")?;
        let (one, two) = (first.call("bump", ())?, first.call("bump", ())?);
        let panicked = |result| assert!(matches!(result, Err(ImportError::Panicked { .. })), "{result:?}");
        panicked(first.call("panic_text", "on purpose"));
        let again: u64 = ctx.import("bad")?.call("bump", ())?;
        panicked(first.call("bump", ()).map(|_: u64| ()));
        Ok([one, two, again, ctx.import("bad")?.call("bump", ())?])
    };
    let count = Function::new(count).requires(Requirement::dependency("bad"));
    wpc.define_function("count", count).expect("it is defined");
    wpc.start_workers(1).expect("it starts");
    for _ in 0..2 {
        assert_eq!(wpc.call::<[u64; 4]>("count", ()).expect("the panic was handled"), [1, 2, 1, 2]);
    }
}

#[test]
fn a_call_is_taken_by_a_worker_that_has_what_it_requires_while_one_installs_that_and_one_lacks_it() {
    const CALLS: usize = 40;
    let _watchdog = Watchdog::start();
    let stage = Stage::with(|builder| builder);
    let wpc = &stage.wpc;
    wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
    let probe = Probe::define(wpc, "bad");
    let barrier = Arc::new(Barrier::new(3));
    let lose = move |ctx: &Context, worker: usize| {
        barrier.wait();
        assert_ne!(ctx.worker_id().index(), worker, "on purpose");
    };
    wpc.define_function("lose", lose).expect("it is defined");
    let required = || Requirement::dependency("bad");
    let at = Function::new(|ctx: &Context| ctx.worker_id().index()).requires(required());
    wpc.define_function("at", at).expect("it is defined");
    let met = meeting(&Arc::new(Barrier::new(2)), 1).requires(required());
    wpc.define_function("meet", met).expect("it is defined");
    stage.start(3);
    // Runs on all three at once, and takes from one what it has.
    let lose = |worker: usize| {
        let submit = |_| wpc.submit::<()>("lose", worker).expect("it is accepted");
        let calls: Vec<_> = (0..3).map(submit).collect();
        let panics = calls.into_iter().map(Pending::wait).filter(Result::is_err).count();
        assert_eq!(panics, 1);
    };
    // The first of the three, so that it is the first to be found asleep.
    probe.set("fail_next_inits", 1);
    lose(0);
    until(|| !wpc.workers()[0].not_installed.is_empty());
    probe.run("hold_next_init").expect("it is taken");
    lose(1);
    until(|| ask::<u64>(wpc, &probe.function("number"), "held") == 1);
    for _ in 0..CALLS {
        assert_eq!(ask::<usize>(wpc, "at", ()), 2);
    }
    ask::<()>(wpc, &probe.function("run"), "release_init");
    assert_eq!(meet(wpc, "meet", 2), [(1, 1), (2, 1)]);
}
