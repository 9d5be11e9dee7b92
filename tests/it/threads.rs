//! Where users' code runs: on workers, in callers, on the reaper's threads; never on a thread of the pool's own, and never
//! under one of its locks.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wpc::{
    CallError, Clock, Context, FunctionError, ManualClock, Pending, RestartPolicy, Run, ThreadLife, WeakWpc,
    WorkerId, Wpc,
};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, start_on, until};

const SECOND: Duration = Duration::from_secs(1);

/// The names of the threads that dropped something, and the pool that each drop asks for everything that has a lock.
#[derive(Clone, Default)]
struct Trail(Arc<Trodden>);

#[derive(Default)]
struct Trodden {
    threads: Mutex<BTreeSet<String>>,
    wpc: Mutex<Option<WeakWpc>>,
}

impl Trail {
    fn note(&self) {
        let name = std::thread::current().name().unwrap_or("a thread without a name").to_owned();
        self.0.threads.lock().expect("nobody panics under it").insert(name);
        let weak = self.0.wpc.lock().expect("nobody panics under it").clone();
        if let Some(wpc) = weak.and_then(|weak| weak.upgrade()) {
            drop((wpc.stats(), wpc.workers(), wpc.functions(), wpc.subscribe()));
            let _ = wpc.submit::<()>("nothing", ()).map(Pending::detach);
            let _ = wpc.call::<()>("not there", ());
        }
    }

    fn threads(&self) -> BTreeSet<String> {
        self.0.threads.lock().expect("nobody panics under it").clone()
    }
}

/// A value whose drop leaves a trail.
#[derive(Serialize, Deserialize)]
struct Traced {
    #[serde(skip)]
    trail: Trail,
}

impl Traced {
    fn new(trail: &Trail) -> Self {
        Self { trail: trail.clone() }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.trail.note();
    }
}

/// One worker, and functions that take, return and keep such values.
fn stage(trail: &Trail) -> (Wpc, ManualClock, Latch) {
    let (clock, hands) = Clock::manual();
    let builder = Wpc::builder().clock(clock).overrun_grace(SECOND).stop_timeout(3 * SECOND);
    let wpc = build(builder.max_pending_calls_per_worker(8));
    let (latch, kept) = (Latch::new(), trail.clone());
    let (held, captured) = (latch.clone(), Traced::new(trail));
    let take = move |ctx: &Context, what: String, value: Traced| -> Traced {
        let _ = &captured;
        match &*what {
            "hold" => held.hold(),
            "panic" => panic!("on purpose"),
            _ => {}
        }
        let _ = ctx.local(|| Traced::new(&kept), |_| ());
        value
    };
    wpc.define_function("take", take).expect("a good function");
    wpc.define_function("nothing", || ()).expect("a good function");
    *trail.0.wpc.lock().expect("nobody panics under it") = Some(wpc.downgrade());
    start_on(&hands, &wpc, 1);
    (wpc, hands, latch)
}

/// Has a thread end inside a call, with another one that waits behind it and with no run to come.
fn lose_a_thread(trail: &Trail) {
    let start = |_: WorkerId, _: Run| -> Result<ThreadLife, FunctionError> {
        Ok(ThreadLife::calls(1).ending_inside_the_next())
    };
    let wpc = build(Wpc::builder().thread_start(start).restart(RestartPolicy::never()));
    let latch = Latch::new();
    let held = latch.clone();
    wpc.define_function("held", move |_: Traced| held.hold()).expect("a good function");
    wpc.start_workers(1).expect("it starts");
    let submit = || wpc.submit::<()>("held", Traced::new(trail)).expect("accepted");
    let first = submit();
    latch.wait_entered(1);
    let (lost, left) = (submit(), submit());
    submit().detach();
    latch.release();
    first.wait().expect("it was finished");
    assert!(matches!(lost.wait(), Err(CallError::WorkerLost { started: true, .. })));
    assert!(matches!(left.wait(), Err(CallError::WorkerLost { started: false, .. })));
    until(|| wpc.stats().in_flight == 0); // the fourth ends a moment after the third
    until(|| wpc.stats().reaper_threads == 0);
    assert_ledger_is_even(&wpc);
}

/// Has stuck functions be left behind by their deadline and by a stop, with calls that wait behind them.
fn leave_stuck_ones(trail: &Trail, wpc: &Wpc, hands: &ManualClock) {
    let (stuck, held) = (Latch::new(), trail.clone());
    let inside = stuck.clone();
    let hang = move |value: Traced| {
        inside.hold();
        drop(held.clone());
        value
    };
    wpc.define_function("hang", hang).expect("a good function");
    let hang = |limit: Duration| {
        let call = wpc.request("hang").timeout(limit).submit::<Traced>(Traced::new(trail));
        call.expect("accepted")
    };
    let endless = || wpc.request("hang").no_timeout().submit::<Traced>(Traced::new(trail)).expect("accepted");
    let first = hang(SECOND);
    stuck.wait_entered(1);
    hands.advance(SECOND);
    assert!(matches!(first.wait(), Err(CallError::TimedOut { .. })));
    until(|| {
        hands.advance(SECOND);
        wpc.stats().abandoned_threads == 1
    });
    let second = endless();
    stuck.wait_entered(2);
    let waiting: Vec<_> = (0..3).map(|_| endless()).collect();
    endless().detach(); // nobody but the pool is left to drop what it holds
    std::thread::scope(|scope| {
        let stop = std::thread::Builder::new().name("who stops".into());
        let stopping = stop.spawn_scoped(scope, || wpc.stop_workers().expect("it stops"));
        let stopping = stopping.expect("a thread can be had");
        until(|| {
            hands.advance(SECOND);
            stopping.is_finished()
        });
    });
    for call in waiting.into_iter().chain([second]) {
        assert!(matches!(call.wait(), Err(CallError::Cancelled { .. })));
    }
    until(|| wpc.stats().reaper_threads == 0);
    stuck.release();
    until(|| wpc.stats().abandoned_threads == 0);
}

#[test]
fn users_code_runs_on_no_thread_of_the_pool_s_own_and_under_none_of_its_locks() {
    let _watchdog = Watchdog::start();
    let trail = Trail::default();
    let (wpc, hands, latch) = stage(&trail);
    let submit = |what: &str, limit: Duration| {
        let arguments = (what.to_owned(), Traced::new(&trail));
        wpc.request("take").timeout(limit).submit::<Traced>(arguments).expect("accepted")
    };
    // A running call that is late, and behind it some that expire, are cancelled, and are swept as shells.
    let late = submit("hold", SECOND);
    latch.wait_entered(1);
    let expired: Vec<_> = (0..4).map(|_| submit("expires", SECOND)).collect();
    for _ in 0..40 {
        assert!(submit("is cancelled", 9 * SECOND).cancel());
    }
    hands.advance(SECOND);
    for call in expired.into_iter().chain([late]) {
        assert!(matches!(call.wait(), Err(CallError::TimedOut { .. })));
    }
    latch.release();
    // A panic, a redefinition of what captures a value.
    until(|| wpc.call::<()>("nothing", ()).is_ok());
    assert!(matches!(submit("panic", 9 * SECOND).wait(), Err(CallError::Panicked { .. })));
    let captured = Traced::new(&trail);
    let again = move |_: String, value: Traced| {
        let _ = &captured;
        value
    };
    wpc.define_function("take", again).expect("a good function");
    wpc.define_function("take", |_: String, value: Traced| value).expect("a good function");
    until(|| {
        hands.advance(SECOND);
        wpc.call::<()>("nothing", ()).is_ok()
    });
    leave_stuck_ones(&trail, &wpc, &hands);
    lose_a_thread(&trail);
    assert_ledger_is_even(&wpc);
    let own = ["wpc-driver", "wpc-timekeeper", "who stops", "wpc-stop", "wpc-loader"];
    let threads = trail.threads();
    assert!(own.iter().all(|name| !threads.contains(*name)), "{threads:?}");
    assert!(threads.contains("wpc-worker-0") && threads.contains("wpc-reaper"), "{threads:?}");
}
