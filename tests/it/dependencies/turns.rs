//! Who may define a dependency when: one at a time, not from inside the pool, and not while it stops.

use std::sync::Mutex;
use std::time::Duration;

use wpc::{CallError, Clock, DefineError, RejectReason, Wpc};

use crate::support::{Built, Scratch, Watchdog, build, plugin, pool, reason, rest, start_on, until};

#[test]
fn two_at_the_same_time_take_turns() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    wpc.start_workers(3).expect("they start");
    let defined = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (alias, name) in [("one", "text"), ("two", "misbehaving"), ("three", "misbehaving")] {
            let (wpc, defined) = (&wpc, &defined);
            scope.spawn(move || {
                let done = wpc.define_dependency(alias, plugin(name)).expect("its turn comes");
                defined.lock().expect("nobody panics under it").push(done);
            });
        }
    });
    let mut defined = defined.into_inner().expect("nobody panicked");
    defined.sort_unstable_by_key(|it| it.version);
    assert!(defined.iter().all(|it| (it.installed, it.pending.len()) == (3, 0)), "{defined:?}");
    assert!(defined.windows(2).all(|pair| pair[0].version < pair[1].version), "{defined:?}");
    let aliases: Vec<_> = wpc.dependencies().into_iter().map(|it| it.alias).collect();
    assert_eq!(aliases, ["one", "three", "two"]);
    assert!(wpc.workers().iter().all(|it| it.is_in_step));
}

#[test]
fn a_stop_ends_a_define_whose_init_hangs_and_comes_to_its_own_end() {
    let _watchdog = Watchdog::start();
    let scratch = Scratch::new();
    let (clock, hands) = Clock::manual();
    // What is staged has an hour, so that nothing but the stop can end it.
    let wpc = build(Wpc::builder().clock(clock).control_timeout(Duration::from_secs(3_600)));
    wpc.define_function("nothing", || ()).expect("a good function");
    start_on(&hands, &wpc, 1);
    let hanging = Built::misbehaving("hang-init", "x").write(&scratch, "x.so");
    rest(&hands);
    std::thread::scope(|scope| {
        let defining = scope.spawn(|| wpc.define_dependency("bad", hanging));
        until(|| hands.waiting() == 2);
        let stopping = scope.spawn(|| wpc.stop_workers());
        let defined = defining.join().expect("it does not panic");
        assert!(matches!(&defined, Err(DefineError::Stopped { alias }) if alias == "bad"), "{defined:?}");
        assert_eq!(reason(wpc.call::<()>("nothing", ())), RejectReason::NotRunning);
        assert!(!stopping.is_finished(), "the worker is inside the `init`");
        hands.advance(Duration::from_secs(10));
        let report = stopping.join().expect("it does not panic").expect("not on a worker");
        assert_eq!(report.abandoned.len(), 1, "{report:?}");
    });
    assert!(wpc.dependencies().is_empty());
    start_on(&hands, &wpc, 2);
    let called: Result<(), CallError> = wpc.call("nothing", ());
    called.expect("the pool serves again");
}
