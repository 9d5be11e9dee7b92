//! What would wait for itself, asked for on a thread of the pool: refused at once, or done without waiting.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wpc::{Clock, Context, DefineError, Event, Pending, StopError, WaitError, WaitEventError, Wpc};

use crate::support::{Latch, Watchdog, build, plugin, pool, until};

mod w26_a_stop_a_blocking_define_and_the_drop_of_the_last_handle_inside_the_pool_never_hang {
    use super::*;

    #[test]
    fn a_stop_in_a_function() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let weak = wpc.downgrade();
        let stop = move || {
            let wpc = weak.upgrade().expect("the test holds it");
            let newest = wpc
                .define_constant("NEWEST", 1_u8)
                .expect("a define inside does not wait for its own worker");
            let waited = wpc.wait_installed(newest.version, Duration::MAX);
            (
                matches!(wpc.stop_workers(), Err(StopError::WouldDeadlock)),
                waited == Err(WaitError::WouldDeadlock),
            )
        };
        wpc.define_function("stop", stop).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        assert_eq!(wpc.call::<(bool, bool)>("stop", ()).expect("a value"), (true, true));
        assert_eq!(wpc.call::<(bool, bool)>("stop", ()).expect("it still runs"), (true, true));
        wpc.stop_workers().expect("it stops here");
    }

    #[test]
    fn a_stop_in_a_listener() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let weak = wpc.downgrade();
        let (results, found) = channel();
        let listener = move |_: &Event| {
            if let Some(wpc) = weak.upgrade() {
                let _ = results.send(matches!(wpc.stop_workers(), Err(StopError::WouldDeadlock)));
            }
        };
        wpc.on_worker_event(listener).expect("there is room");
        wpc.start_workers(1).expect("it starts");
        assert_eq!(found.recv(), Ok(true));
        assert_eq!(wpc.workers().len(), 1, "it was not stopped");
        wpc.stop_workers().expect("it stops here");
    }

    #[test]
    fn a_define_of_a_dependency_in_a_function() {
        let _watchdog = Watchdog::start();
        let wpc = build(Wpc::builder().clock(Clock::manual().0));
        let weak = wpc.downgrade();
        let define = move || {
            let wpc = weak.upgrade().expect("its caller holds the pool");
            matches!(wpc.define_dependency("text", plugin("text")), Err(DefineError::WouldDeadlock))
        };
        wpc.define_function("define", define).expect("a good function");
        wpc.start_workers(2).expect("they start");
        assert!(wpc.call::<bool>("define", ()).expect("it does not hang"));
        assert!(wpc.dependencies().is_empty());
    }

    #[test]
    fn a_define_of_a_dependency_in_a_listener() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let weak = wpc.downgrade();
        let (results, found) = channel();
        let mut is_first = true;
        let listener = move |_: &wpc::Event| {
            // What it defines in vain is an event too.
            if std::mem::take(&mut is_first) {
                let wpc = weak.upgrade().expect("the test holds the pool");
                let defined = wpc.define_dependency("text", plugin("text"));
                results.send(matches!(defined, Err(DefineError::WouldDeadlock))).expect("the test waits");
            }
        };
        wpc.on_worker_event(listener).expect("there is room");
        wpc.start_workers(1).expect("it starts");
        assert_eq!(found.recv(), Ok(true));
        assert!(wpc.dependencies().is_empty());
    }

    #[test]
    fn the_last_handle_in_a_function() {
        let _watchdog = Watchdog::start();
        let (wpc, entered) = (pool(), Latch::new());
        let last: Arc<Mutex<Option<Wpc>>> = Arc::default();
        let token = Arc::new(());
        let (from, kept, inside) = (Arc::clone(&last), Arc::clone(&token), entered.clone());
        let dropping = move |ctx: &Context| {
            inside.hold();
            let wpc = from.lock().expect("nobody panics under it").take().expect("it was put there");
            let weak = wpc.downgrade();
            drop(wpc);
            let is_gone = weak.upgrade().is_none();
            until(|| ctx.is_cancelled()); // it is told by the thread that stops the pool
            (is_gone, Arc::strong_count(&kept))
        };
        wpc.define_function("dropping", dropping).expect("it is defined");
        wpc.start_workers(2).expect("they start");
        let pending: Pending<(bool, usize)> = wpc.submit("dropping", ()).expect("it is accepted");
        entered.wait_entered(1);
        *last.lock().expect("nobody panics under it") = Some(wpc);
        entered.release();
        assert_eq!(pending.wait().expect("a value"), (true, 2));
        until(|| Arc::strong_count(&token) == 1); // the pool and its registry are gone
    }

    #[test]
    fn the_last_handle_in_a_function_of_another_pool() {
        let _watchdog = Watchdog::start();
        // No time passes there: a stop that were waited for would not end before the function that runs does.
        let (wpc, other, latch) = (build(Wpc::builder().clock(Clock::manual().0)), pool(), Latch::new());
        let held = latch.clone();
        wpc.define_function("hold", move || held.hold()).expect("it is defined");
        wpc.start_workers(1).expect("it starts");
        let running: Pending<()> = wpc.submit("hold", ()).expect("it is accepted");
        latch.wait_entered(1);
        let last = Mutex::new(Some(wpc));
        let dropping = move || drop(last.lock().expect("nobody panics under it").take());
        other.define_function("dropping", dropping).expect("it is defined");
        other.start_workers(1).expect("it starts");
        other.call::<()>("dropping", ()).expect("it does not wait for the other pool's stop");
        assert!(!running.is_done());
        latch.release();
        running.wait().expect("it came to its end");
    }

    #[test]
    fn the_last_handle_in_a_listener() {
        let _watchdog = Watchdog::start();
        // No time passes there: a stop that were waited for would not end before the function that runs does.
        let (wpc, busy) = (build(Wpc::builder().clock(Clock::manual().0)), Latch::new());
        let inside = busy.clone();
        wpc.define_function("hold", move || inside.hold()).expect("it is defined");
        let events = wpc.subscribe().expect("there is room");
        let last: Arc<Mutex<Option<Wpc>>> = Arc::default();
        let from = Arc::clone(&last);
        let (latch, token) = (Latch::new(), Arc::new(()));
        let (held, kept) = (latch.clone(), Arc::clone(&token));
        let (results, found) = channel();
        let listener = move |_: &Event| {
            let _ = Arc::strong_count(&kept); // it is the callback's own
            held.hold();
            if let Some(wpc) = from.lock().expect("nobody panics under it").take() {
                let weak = wpc.downgrade();
                drop(wpc);
                results.send(weak.upgrade().is_none()).expect("the test waits");
            }
        };
        wpc.on_worker_event(listener).expect("there is room");
        wpc.start_workers(1).expect("it starts");
        latch.wait_entered(1);
        let running: Pending<()> = wpc.submit("hold", ()).expect("it is accepted");
        busy.wait_entered(1);
        *last.lock().expect("nobody panics under it") = Some(wpc);
        latch.release();
        assert_eq!(found.recv(), Ok(true), "the pool went with the handle");
        assert!(!running.is_done());
        busy.release();
        running.wait().expect("it came to its end");
        until(|| Arc::strong_count(&token) == 1);
        let end = loop {
            match events.wait(Duration::from_secs(30)) {
                Ok(_) => {}
                Err(end) => break end,
            }
        };
        assert_eq!(end, WaitEventError::Closed);
    }
}
