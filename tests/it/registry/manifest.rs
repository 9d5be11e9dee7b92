//! The manifest that each worker acknowledges: equal on all workers, and that of the newest version.

use std::time::Duration;

use wpc::{Hash, Version, Wpc};

use crate::support::{Busy, Watchdog, pool, until};

/// The one version and manifest that all workers have, all being in step.
#[track_caller]
fn common(wpc: &Wpc) -> (Version, Hash) {
    let workers = wpc.workers();
    let first = workers[0].version.zip(workers[0].manifest_sha1).expect("it has acknowledged");
    for worker in &workers {
        assert!(worker.is_in_step, "{worker:?}");
        assert_eq!(worker.version.zip(worker.manifest_sha1), Some(first), "{worker:?}");
    }
    first
}

#[test]
fn every_worker_is_in_step_after_each_change() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    wpc.define_function("early", || 1_u8).expect("the name is right");
    wpc.start_workers(3).expect("threads can be had");
    let mut seen = vec![common(&wpc)];
    let install = |version: Version| {
        assert_eq!(wpc.wait_installed(version, Duration::from_secs(60)), Ok(3));
        common(&wpc)
    };
    for value in [1_u64, 2, 2] {
        seen.push(install(wpc.define_constant("N", value).expect("the name is right").version));
        let function = move || value;
        seen.push(install(wpc.define_function("f", function).expect("the name is right").version));
    }
    assert!(wpc.undefine_function("f").expect("the name is right"));
    until(|| wpc.workers().iter().all(|worker| worker.is_in_step));
    seen.push(common(&wpc));
    for pair in seen.windows(2) {
        assert!(pair[0].0 < pair[1].0, "a newer version: {seen:?}");
        assert_ne!(pair[0].1, pair[1].1, "another manifest: {seen:?}");
    }
}

#[test]
fn a_worker_inside_a_call_is_out_of_step_until_it_returns() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let mut busy = Busy::define(&wpc);
    wpc.start_workers(2).expect("threads can be had");
    let before = common(&wpc);
    busy.occupy(&wpc, 1);
    common(&wpc);
    let defined = wpc.define_function("f", || 1_u8).expect("the name is right");
    let stale = defined.pending[0].index();
    let workers = wpc.workers();
    assert!(!workers[stale].is_in_step);
    assert_eq!(workers[stale].version.zip(workers[stale].manifest_sha1), Some(before));
    assert!(workers[1 - stale].is_in_step);
    assert_eq!(workers[1 - stale].version, Some(defined.version));
    busy.release();
    assert_eq!(wpc.wait_installed(defined.version, Duration::from_secs(60)), Ok(2));
    assert_eq!(common(&wpc).0, defined.version);
}

#[test]
fn nothing_changes_by_a_define_of_the_same() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let same = || 1_u8;
    wpc.define_function("f", same).expect("the name is right");
    wpc.start_workers(2).expect("threads can be had");
    let before = common(&wpc);
    wpc.define_function("f", same).expect("the name is right");
    assert!(!wpc.undefine_function("g").expect("the name is right"));
    assert!(!wpc.undefine_constant("G").expect("the name is right"));
    assert_eq!(common(&wpc), before);
}

#[test]
fn a_worker_that_starts_later_acknowledges_the_same_manifest() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    wpc.define_function("f", || 1_u8).expect("the name is right");
    wpc.define_constant("N", 1_u8).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let before = common(&wpc);
    wpc.stop_workers().expect("not on a worker");
    assert!(wpc.workers().is_empty());
    wpc.start_workers(3).expect("threads can be had");
    assert_eq!(common(&wpc), before);
}
