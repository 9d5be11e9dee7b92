//! What happens to a library's file after it was loaded.

use std::time::Duration;

use wpc::{Clock, Context, Dylib, Function, ImportError, Pending, Requirement, Wpc};

use crate::support::{
    Built, Latch, Probe, Scratch, Watchdog, assert_ledger_is_even, build, flush_loader, pool, rest, start_on,
    until,
};

/// The default.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);

/// A pool of two workers with the plugin of that label in the file.
fn with_file(scratch: &Scratch, label: &str) -> (Wpc, Dylib) {
    let wpc = pool();
    let dylib = Built::misbehaving("none", label).write(scratch, "plugin.so");
    wpc.define_dependency("bad", dylib.clone()).expect("it is a plugin");
    wpc.start_workers(2).expect("they start");
    (wpc, dylib)
}

#[test]
fn a_file_that_is_overwritten_cut_short_or_removed_changes_nothing_of_what_was_loaded() {
    let _watchdog = Watchdog::start();
    let scratch = Scratch::new();
    let (wpc, _) = with_file(&scratch, "one");
    let probe = Probe::define(&wpc, "bad");
    let before = wpc.dependencies();
    let path = scratch.path("plugin.so");
    let assert_as_before = || {
        for _ in 0..4 {
            assert_eq!(probe.text("label"), "one");
        }
        assert_eq!(wpc.dependencies(), before);
        assert_eq!(probe.number("live"), 2);
    };
    Built::misbehaving("none", "two").write(&scratch, "plugin.so");
    assert_as_before();
    std::fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_len(100))
        .expect("it can be cut");
    assert_as_before();
    std::fs::remove_file(&path).expect("it is there");
    assert_as_before();
    wpc.stop_workers().expect("they stop");
    wpc.start_workers(2).expect("they start");
    assert_as_before();
    wpc.define_dependency("bad", Dylib::at(&path)).expect_err("now it is looked for");
    assert_as_before();
}

#[test]
fn the_same_bytes_path_and_export_change_nothing_and_each_other_one_does() {
    let _watchdog = Watchdog::start();
    let scratch = Scratch::new();
    let (wpc, dylib) = with_file(&scratch, "one");
    let probe = Probe::define(&wpc, "bad");
    let before = wpc.dependencies().remove(0);
    let same = wpc.define_dependency("bad", dylib.clone()).expect("it is a plugin");
    assert_eq!((same.version, same.installed, same.pending.len()), (before.version, 2, 0));
    Built::misbehaving("none", "one").write(&scratch, "plugin.so");
    wpc.define_dependency("bad", dylib.clone()).expect("it is the same in a file written anew");
    assert_eq!(wpc.dependencies().remove(0), before);
    assert_eq!(probe.number("inits"), 2);
    let bound = wpc.define_dependency("bad", dylib.clone().export("label")).expect("it has that");
    assert!(bound.version > before.version);
    assert_eq!(Some(bound.hash), before.library_hash_sha1);
    let elsewhere = Built::misbehaving("none", "one").write(&scratch, "elsewhere.so");
    let moved = wpc.define_dependency("bad", elsewhere).expect("it is a plugin");
    assert!(moved.version > bound.version);
    let after = wpc.dependencies().remove(0);
    assert!(after.generation > before.generation);
    assert_eq!(probe.number("inits"), 2, "the copy is another one");
}

#[test]
fn a_new_build_is_run_by_the_next_call_and_not_by_those_that_were_accepted_before() {
    let _watchdog = Watchdog::start();
    let scratch = Scratch::new();
    let (clock, hands) = Clock::manual();
    let wpc = build(Wpc::builder().clock(clock));
    let one = Built::misbehaving("none", "one").write(&scratch, "plugin.so");
    wpc.define_dependency("bad", one.clone()).expect("it is a plugin");
    let before = wpc.dependencies().remove(0);
    let latch = Latch::new();
    let held = latch.clone();
    let label = move |ctx: &Context| -> Result<String, ImportError> {
        held.hold();
        ctx.import("bad")?.call("label", ())
    };
    let label = Function::new(label).requires(Requirement::dependency("bad"));
    wpc.define_function("label", label).expect("a good function");
    start_on(&hands, &wpc, 2);
    let submit = || -> Pending<String> { wpc.request("label").no_timeout().submit(()).expect("accepted") };
    let accepted: Vec<_> = (0..8).map(|_| submit()).collect();
    latch.wait_entered(2);
    let built = Built::misbehaving("none", "two");
    built.write(&scratch, "plugin.so");
    rest(&hands);
    let defined = std::thread::scope(|scope| {
        let defining = scope.spawn(|| wpc.define_dependency("bad", one));
        until(|| hands.waiting() == 1);
        flush_loader();
        hands.advance(CONTROL_TIMEOUT);
        defining.join().expect("it does not panic").expect("it is a plugin")
    });
    assert_eq!((defined.installed, defined.pending.len()), (0, 2));
    let after = wpc.dependencies().remove(0);
    assert_eq!(after.library_hash_sha1, Some(defined.hash));
    assert_ne!(after.library_hash_sha1, before.library_hash_sha1);
    assert!(after.generation > before.generation && after.version > before.version);
    let next: Vec<_> = (0..4).map(|_| submit()).collect();
    latch.release();
    for call in accepted {
        assert_eq!(call.wait().expect("a value"), "one");
    }
    for call in next {
        assert_eq!(call.wait().expect("a value"), "two");
    }
    until(|| wpc.dependencies()[0].installed_worker_count == 2);
    assert_ledger_is_even(&wpc);
}
