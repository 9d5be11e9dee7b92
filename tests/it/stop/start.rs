//! Starting: what is refused, and starting again.

use std::time::Duration;

use wpc::{CallError, Pending, StartError};

use crate::support::{Watchdog, assert_ledger_is_even, finish, pool};

use super::{Stage, joined};

#[test]
fn a_start_is_refused_while_workers_run_and_while_they_stop() {
    let _watchdog = Watchdog::start();
    let stage = Stage::new(1);
    let running = stage.submit("held");
    stage.latch.wait_entered(1);
    for count in [1, 5] {
        let again = stage.wpc.start_workers(count);
        assert!(matches!(again, Err(StartError::AlreadyRunning)), "{again:?}");
    }
    assert!(matches!(stage.wpc.start_workers(0), Err(StartError::Count { asked: 0 })));
    let waiting = stage.fill("nothing");
    let stopping = stage.begin_stop();
    let meanwhile = stage.wpc.start_workers(1);
    assert!(matches!(meanwhile, Err(StartError::Busy)), "{meanwhile:?}");
    assert_eq!(stage.wpc.workers().len(), 1, "nothing has changed");
    stage.latch.release();
    joined(stopping);
    running.wait().expect("it was drained");
    finish(waiting);
    stage.wpc.start_workers(1).expect("now it starts");
}

#[test]
fn a_pool_starts_again_with_any_number_and_its_counts_go_on() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    wpc.define_function("add", |a: u64, b: u64| a + b).expect("it is defined");
    wpc.define_function("panic", || -> u64 { panic!("on purpose") }).expect("it is defined");
    let mut before = wpc.stats();
    let mut runs = [0; 4];
    for count in [2, 4, 1, 3] {
        let started = wpc.start_workers(count).expect("they start");
        let expected: Vec<usize> = (0..count).collect();
        assert_eq!(started.ready.iter().map(|worker| worker.index()).collect::<Vec<_>>(), expected);
        assert!(started.failed.is_empty() && started.starting.is_empty());
        for worker in wpc.workers() {
            let last = &mut runs[worker.worker_id.index()];
            assert!(worker.run.get() > *last, "the numbers of its runs go on");
            *last = worker.run.get();
            assert_eq!((worker.handled, worker.in_flight), (0, 0));
        }
        assert_eq!(wpc.call::<u64>("add", (1_u64, 2_u64)).expect("a value"), 3);
        assert!(matches!(wpc.call::<u64>("panic", ()), Err(CallError::Panicked { .. })));
        for worker in wpc.workers() {
            runs[worker.worker_id.index()] = worker.run.get();
        }
        wpc.stop_workers().expect("it stops");
        let now = wpc.stats();
        assert_eq!(now.calls.values, before.calls.values + 1);
        assert_eq!(now.calls.panicked, before.calls.panicked + 1);
        assert_ledger_is_even(&wpc);
        before = now;
    }
}

#[test]
fn a_definition_made_between_a_stop_and_a_start_is_there_when_the_workers_are() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    wpc.define_function("which", || 1_u8).expect("it is defined");
    wpc.start_workers(1).expect("it starts");
    assert_eq!(wpc.call::<u8>("which", ()).expect("a value"), 1);
    wpc.stop_workers().expect("it stops");
    let defined = wpc.define_function("which", || 2_u8).expect("it is defined");
    assert_eq!((defined.installed, defined.pending.len()), (0, 0));
    wpc.start_workers(2).expect("they start");
    let installed = wpc.wait_installed(defined.version, Duration::from_secs(30)).expect("it is installed");
    assert_eq!(installed, 2);
    let calls: Vec<Pending<u8>> = (0..10).map(|_| wpc.submit("which", ()).expect("it is accepted")).collect();
    assert!(calls.into_iter().all(|call| call.wait().expect("a value") == 2));
}
