//! Events, and those who hear them.

mod closed;
mod trail;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use wpc::{Clock, Detail, Event, EventName, LISTENER_PANICS_MAX, StopError, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, pool, rest, until};

/// A pool that has a function which fails, of which each call is an event.
fn failing(wpc: Wpc) -> Wpc {
    let fail = || -> Result<(), std::io::Error> { Err(std::io::Error::other("as it is to")) };
    wpc.define_function("fail", fail).expect("a good function");
    wpc.define_function("add", |a: u64, b: u64| a + b).expect("a good function");
    wpc.start_workers(1).expect("it starts");
    wpc
}

/// Emits that many events.
fn emit(wpc: &Wpc, count: u64) {
    let before = wpc.stats().events;
    for _ in 0..count {
        wpc.call::<()>("fail", ()).expect_err("it fails");
    }
    // Of an event nothing is promised but that it comes.
    until(|| wpc.stats().events == before + count);
}

mod w28_a_listener_that_misbehaves_harms_nobody_but_itself {
    use super::*;

    #[test]
    fn one_that_panics_is_dropped_with_its_third_panic() {
        let _watchdog = Watchdog::start();
        let wpc = failing(pool());
        let events = wpc.subscribe().expect("there is room");
        let (calls, token) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
        let (counted, kept) = (Arc::clone(&calls), Arc::clone(&token));
        let listener = move |_: &Event| {
            let _ = Arc::strong_count(&kept); // it is the callback's own
            counted.fetch_add(1, Ordering::SeqCst);
            panic!("it is too loud here");
        };
        let id = wpc.on_worker_event(listener).expect("there is room");
        for n in 0..10 {
            assert_eq!(wpc.call::<u64>("add", (n, 1_u64)).expect("a value"), n + 1);
            emit(&wpc, u64::from(n < LISTENER_PANICS_MAX as u64 - 1));
        }
        assert_eq!(Arc::strong_count(&token), 2, "two panics are forgiven");
        wpc.call::<()>("fail", ()).expect_err("it fails");
        until(|| Arc::strong_count(&token) == 1);
        assert_eq!(calls.load(Ordering::SeqCst), LISTENER_PANICS_MAX);
        emit(&wpc, 5);
        assert_eq!(calls.load(Ordering::SeqCst), LISTENER_PANICS_MAX, "it is called no more");
        assert!(!wpc.off_worker_event(id), "it is gone already");
        let told = events.drain();
        let dropped: Vec<_> = told.iter().filter(|it| it.event_name == EventName::ListenerDropped).collect();
        assert_eq!(dropped.len(), 1, "{told:?}");
        assert_eq!(dropped[0].detail("listener_id"), Some(&Detail::Number(id.get())));
        let error = dropped[0].error.as_ref().expect("it says why");
        assert_eq!((error.name.as_str(), error.message.as_str()), ("panicked", "it is too loud here"));
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn one_that_blocks_misses_events_and_is_told_how_many() {
        let _watchdog = Watchdog::start();
        let wpc = failing(build(Wpc::builder().event_buffer(4)));
        let latch = Latch::new();
        let held = latch.clone();
        let (sender, received) = channel();
        let listener = move |event: &Event| {
            let dropped = event.detail("dropped").and_then(Detail::as_number);
            sender.send((event.event_id, event.event_name, dropped)).expect("the test listens");
            held.hold();
        };
        wpc.on_worker_event(listener).expect("there is room");
        let before = wpc.stats();
        emit(&wpc, 1);
        latch.wait_entered(1);
        let first = before.events + 1;
        emit(&wpc, 10);
        assert_eq!(wpc.call::<u64>("add", (1_u64, 2_u64)).expect("calls go on"), 3);
        assert_eq!(wpc.stats().events_dropped, 6);
        latch.release();
        let failed = EventName::CallExecutionFailed;
        let heard: Vec<_> = (0..6).map(|_| received.recv().expect("it is heard")).collect();
        let mut expected = vec![(first, failed, None), (first + 6, EventName::EventsDropped, Some(6))];
        expected.extend((7..=10).map(|n| (first + n, failed, None)));
        assert_eq!(heard, expected, "the marker has the number of the last that is gone");
        emit(&wpc, 1);
        assert_eq!(received.recv().expect("it goes on"), (first + 11, failed, None));
    }

    #[test]
    fn over_all_who_read_slowly_the_markers_sum_up_to_what_was_dropped() {
        let _watchdog = Watchdog::start();
        let wpc = failing(build(Wpc::builder().event_buffer(4)));
        let one = wpc.subscribe().expect("there is room");
        let other = wpc.subscribe().expect("there is room");
        let (mut told, mut last) = (0, wpc.stats().events);
        for count in [3, 9, 4, 5, 17] {
            emit(&wpc, count);
            for event in one.drain() {
                let dropped = event.detail("dropped").and_then(Detail::as_number);
                assert_eq!(event.event_name == EventName::EventsDropped, dropped.is_some());
                assert_eq!(event.event_id, last + dropped.unwrap_or(1), "{event:?}");
                (told, last) = (told + dropped.unwrap_or(0), event.event_id);
            }
            assert_eq!(last, wpc.stats().events);
        }
        assert_eq!(told, 5 + 1 + 13, "each time but for the four that there is room for");
        let late = other.drain();
        let late = late[0].detail("dropped").and_then(Detail::as_number).expect("it begins with a marker");
        assert_eq!(late, 38 - 4);
        assert_eq!(wpc.stats().events_dropped, told + late);
    }

    #[test]
    fn one_that_calls_the_pool_is_served_and_one_that_stops_it_is_refused() {
        let _watchdog = Watchdog::start();
        let wpc = failing(pool());
        let weak = wpc.downgrade();
        let (results, found) = channel();
        let listener = move |event: &Event| {
            let wpc = weak.upgrade().expect("the test holds the pool");
            let sum = wpc.call::<u64>("add", (event.event_id, 1_u64)).expect("a value");
            let defined = wpc.define_constant("HEARD", event.event_id).expect("a good name").installed;
            let stopped = matches!(wpc.stop_workers(), Err(StopError::WouldDeadlock));
            results.send((sum, defined, stopped)).expect("the test waits");
        };
        wpc.on_worker_event(listener).expect("there is room");
        emit(&wpc, 2);
        let last = wpc.stats().events;
        assert_eq!(found.recv(), Ok((last, 1, true)));
        assert_eq!(found.recv(), Ok((last + 1, 1, true)));
        assert_eq!(wpc.workers().len(), 1, "it was not stopped");
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn one_that_is_removed_hears_nothing_after_that() {
        let _watchdog = Watchdog::start();
        let wpc = failing(pool());
        for _ in 0..20 {
            let heard = Arc::new(AtomicU64::new(0));
            let counted = Arc::clone(&heard);
            let listener = move |_: &Event| {
                counted.fetch_add(1, Ordering::SeqCst);
            };
            let id = wpc.on_worker_event(listener).expect("there is room");
            emit(&wpc, 5);
            assert!(wpc.off_worker_event(id));
            let before = heard.load(Ordering::SeqCst);
            assert_eq!(Arc::strong_count(&heard), 1, "it is dropped when it is off");
            emit(&wpc, 5);
            assert_eq!(heard.load(Ordering::SeqCst), before);
            assert!(!wpc.off_worker_event(id), "it is off already");
        }
    }

    #[test]
    fn one_that_is_removed_ends_what_it_is_at_first() {
        let _watchdog = Watchdog::start();
        let (clock, hands) = Clock::manual();
        let wpc = failing(build(Wpc::builder().clock(clock)));
        let latch = Latch::new();
        let held = latch.clone();
        let heard = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&heard);
        let listener = move |_: &Event| {
            held.hold();
            counted.fetch_add(1, Ordering::SeqCst);
        };
        let id = wpc.on_worker_event(listener).expect("there is room");
        emit(&wpc, 3);
        latch.wait_entered(1);
        rest(&hands);
        std::thread::scope(|scope| {
            let removing = scope.spawn(|| wpc.off_worker_event(id));
            until(|| hands.waiting() == 1);
            assert!(!wpc.off_worker_event(id), "it is off already");
            assert!(!removing.is_finished(), "the callback is under way");
            latch.release();
            assert!(removing.join().expect("it does not panic"));
            assert_eq!(heard.load(Ordering::SeqCst), 1, "the other two are not delivered");
        });
    }

    #[test]
    fn one_that_removes_itself_does_not_wait_for_itself() {
        let _watchdog = Watchdog::start();
        let wpc = failing(pool());
        let weak = wpc.downgrade();
        let (results, found) = channel();
        let own = Arc::new(Mutex::new(None));
        let id_of = Arc::clone(&own);
        let listener = move |_: &Event| {
            let wpc = weak.upgrade().expect("the test holds the pool");
            let id = id_of.lock().expect("nobody panics under it").expect("it was put there");
            results.send(wpc.off_worker_event(id)).expect("the test waits");
        };
        {
            let mut own = own.lock().expect("nobody panics under it");
            *own = Some(wpc.on_worker_event(listener).expect("there is room"));
        }
        emit(&wpc, 3);
        assert_eq!(found.recv(), Ok(true));
        assert!(found.recv().is_err(), "it was called once, and is dropped");
    }
}
