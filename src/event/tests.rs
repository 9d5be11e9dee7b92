//! The bus with its readers: order, loss, listeners and the end.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::id::{CallId, WorkerId};
use crate::sync::{AtomicBool, AtomicUsize};

use super::*;

/// A wait that lasts longer than this has hung.
const LIMIT: Duration = Duration::from_secs(20);

const RING_MAX: usize = 8;

fn bus(ring_max: usize) -> Arc<Bus> {
    Bus::new(Clock::system(), ring_max)
}

fn limit() -> Instant {
    Clock::system().now() + LIMIT
}

fn emit(bus: &Bus) {
    bus.emit(EventName::WorkerReady, |draft| draft.worker(WorkerId(3)).detail("run", 1_u32));
}

/// Gives up the processor until `holds`.
#[track_caller]
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let until = limit();
    while !holds() {
        assert!(Clock::system().now() < until, "it never came: {what}");
        thread::yield_now();
    }
}

fn dropped(event: &Event) -> Option<u64> {
    event.detail("dropped").and_then(Detail::as_number)
}

/// Checks that each event is the next one after `last`, and each marker stands for exactly what is missing.
#[derive(Default)]
struct Follower {
    last: Option<u64>,
    dropped: u64,
}

impl Follower {
    fn take(&mut self, event: &Event) {
        let steps = dropped(event).unwrap_or(1);
        assert_eq!(dropped(event).is_some(), event.event_name == EventName::EventsDropped);
        assert_eq!(event.event_id, self.last.map_or(event.event_id, |last| last + steps));
        self.last = Some(event.event_id);
        self.dropped += dropped(event).unwrap_or(0);
    }
}

/// A callback that says for each event that it runs, waits for leave, and then tells the event.
struct Gate {
    entered: Receiver<()>,
    leave: Sender<()>,
    told: Receiver<Arc<Event>>,
}

impl Gate {
    fn new() -> (Self, impl FnMut(&Event) + Send + 'static) {
        let (enter, entered) = channel();
        let (leave, may_leave) = channel();
        let (tell, told) = channel();
        let callback = move |event: &Event| {
            // Who does not look any more has seen what it was there for.
            let _ = enter.send(());
            let _ = may_leave.recv_timeout(LIMIT);
            let _ = tell.send(Arc::new(event.clone()));
        };
        (Self { entered, leave, told }, callback)
    }

    fn wait_until_entered(&self) {
        self.entered.recv_timeout(LIMIT).expect("the callback runs");
    }

    /// Lets the callback go on as often as it likes.
    fn open(self) -> Receiver<Arc<Event>> {
        self.told
    }
}

/// Tells when it is dropped, and whether that was on a listener's thread.
struct Farewell(Sender<bool>);

impl Drop for Farewell {
    fn drop(&mut self) {
        let _ = self.0.send(thread::current().name() == Some("wpc-listener"));
    }
}

#[test]
fn an_event_says_all_that_its_draft_says() {
    let (clock, hands) = Clock::manual();
    let bus = Bus::new(clock.clone(), RING_MAX);
    let subscription = bus.subscribe().unwrap();
    let made_at = clock.system_time();
    hands.advance(Duration::from_secs(90));
    let call = CallId::next();
    bus.emit(EventName::CallTimedOut, |draft| {
        let draft = draft.worker(WorkerId(2)).call(call).error("late", "it took too long");
        draft.detail("started", true).detail("function_name", "add").severity(Severity::Error)
    });
    let event = subscription.try_next().expect("it was emitted");
    assert_eq!(event.timestamp, made_at + Duration::from_secs(90), "the wall moves with the manual clock");
    assert_eq!((event.event_id, event.worker_id, event.correlation_id), (1, Some(WorkerId(2)), Some(call)));
    assert_eq!((event.source, event.severity), (EventSource::Parent, Severity::Error));
    assert_eq!(event.error.as_ref().unwrap().to_string(), "late: it took too long");
    assert_eq!(event.detail("started").and_then(Detail::as_flag), Some(true));
    assert_eq!(event.detail("function_name").and_then(Detail::as_text), Some("add"));
    assert!(event.detail("run").is_none());
}

#[test]
fn an_event_that_nobody_hears_is_only_counted() {
    let bus = bus(RING_MAX);
    let unheard = |draft| panic!("{draft:?} is for nobody");
    bus.emit(EventName::WorkerReady, unheard);
    let subscription = bus.subscribe().unwrap();
    emit(&bus);
    assert_eq!(subscription.try_next().unwrap().event_id, 2);
    drop(subscription);
    bus.emit(EventName::WorkerReady, unheard);
    let listener = bus.listen(|_| ()).unwrap();
    emit(&bus);
    assert!(bus.unlisten(listener, Some(limit())));
    bus.emit(EventName::WorkerReady, unheard);
    assert_eq!(bus.counts(), EventCounts { emitted: 5, dropped: 0 });
}

#[test]
fn an_event_is_shown_in_one_line() {
    let bus = bus(RING_MAX);
    let subscription = bus.subscribe().unwrap();
    let call = CallId::next();
    bus.emit(EventName::CallTimedOut, |draft| draft.worker(WorkerId(2)).call(call).detail("started", true));
    bus.emit(EventName::WorkerError, |draft| {
        draft.worker(WorkerId(0)).error("Lost", "no reason").detail("run", 3_u32)
    });
    let shown: Vec<_> = subscription.drain().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            format!("1 call_timed_out worker=2 call={call} started=true"),
            "2 worker_error worker=0 run=3 (Lost: no reason)".to_owned()
        ]
    );
}

#[test]
fn listeners_are_numbered_one_after_the_other() {
    let (one, other) = (bus(RING_MAX), bus(RING_MAX));
    let ids = [one.listen(|_| ()).unwrap(), other.listen(|_| ()).unwrap(), one.listen(|_| ()).unwrap()];
    assert!(ids[0] < ids[1] && ids[1] < ids[2]);
    assert!(ids.iter().all(|id| id.to_string() == id.get().to_string()));
    assert!(ids[2].get() >= ids[0].get() + 2, "other tests may take numbers in between");
}

#[test]
fn subscribers_that_come_and_go_see_no_gap_but_their_markers() {
    let bus = bus(RING_MAX);
    let done = AtomicBool::new(false);
    let leaving = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    emit(&bus);
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                let _leaving = Defer(|| {
                    done.store(leaving.fetch_add(1, Ordering::Relaxed) == 1, Ordering::Relaxed);
                });
                for round in 0..300 {
                    let mut follower = Follower::default();
                    let subscription = bus.subscribe().unwrap();
                    for _ in 0..round % 40 {
                        follower.take(&subscription.wait(LIMIT).unwrap());
                    }
                }
            });
        }
    });
}

/// Does something on drop, so that a failed check does not leave the others running.
struct Defer<F: FnMut()>(F);

impl<F: FnMut()> Drop for Defer<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn the_markers_of_all_readers_are_the_events_that_were_dropped() {
    const EACH: u64 = 3_000;
    let bus = bus(64);
    let lazy = bus.subscribe().unwrap();
    let there = AtomicUsize::new(0);
    let told: u64 = thread::scope(|scope| {
        let emitters = [(); 4].map(|()| scope.spawn(|| (0..EACH).for_each(|_| emit(&bus))));
        let readers = [0, 50, 2_000].map(|after| {
            let (bus, there) = (&bus, &there);
            scope.spawn(move || {
                eventually("emission", || bus.counts().emitted >= after);
                let subscription = bus.subscribe().unwrap();
                there.fetch_add(1, Ordering::Relaxed);
                read_to_the_end(&subscription, 4 * EACH)
            })
        });
        for emitter in emitters {
            emitter.join().unwrap();
        }
        eventually("the readers", || there.load(Ordering::Relaxed) == 3);
        bus.close();
        readers.map(|reader| reader.join().unwrap()).iter().sum()
    });
    let of_lazy = read_to_the_end(&lazy, 4 * EACH);
    assert_eq!(of_lazy, 4 * EACH - 64, "it read nothing before the end");
    assert_eq!(bus.counts(), EventCounts { emitted: 4 * EACH, dropped: told + of_lazy });
}

/// Reads until the bus is closed; how many events the markers stand for.
fn read_to_the_end(subscription: &Subscription, last: u64) -> u64 {
    let mut follower = Follower::default();
    let end = loop {
        match subscription.wait(LIMIT) {
            Ok(event) => follower.take(&event),
            Err(end) => break end,
        }
    };
    assert_eq!(end, WaitEventError::Closed);
    assert_eq!(follower.last.unwrap_or(last), last, "what is left at the end is read");
    follower.dropped
}

#[test]
fn a_wait_ends_with_the_event_or_with_its_time() {
    let (clock, hands) = Clock::manual();
    let bus = Bus::new(clock, RING_MAX);
    let subscription = Arc::new(bus.subscribe().unwrap());
    let wait = || {
        let subscription = Arc::clone(&subscription);
        let waiter = thread::spawn(move || subscription.wait(Duration::from_secs(5)));
        eventually("the waiter", || hands.waiting() == 1);
        waiter
    };
    let waiter = wait();
    emit(&bus);
    assert_eq!(waiter.join().unwrap().unwrap().event_id, 1);
    // It has been listed until the clock is moved.
    hands.advance(Duration::from_secs(1));
    let waiter = wait();
    hands.advance(Duration::from_secs(5));
    assert_eq!(waiter.join().unwrap().unwrap_err(), WaitEventError::TimedOut);
}

#[test]
fn a_subscription_takes_one_of_the_places() {
    let bus = bus(RING_MAX);
    let id = bus.listen(|_| ()).unwrap();
    let mut subscriptions: Vec<_> = (1..LISTENERS_MAX).map(|_| bus.subscribe().unwrap()).collect();
    assert!(matches!(bus.subscribe(), Err(SubscribeError::TooMany { limit: LISTENERS_MAX })));
    let (farewell, farewells) = channel();
    let farewell = Farewell(farewell);
    let refused = bus.listen(move |_| {
        let _ = &farewell;
    });
    assert!(matches!(refused, Err(SubscribeError::TooMany { limit: LISTENERS_MAX })));
    assert_eq!(farewells.recv_timeout(LIMIT), Ok(false), "a refused callback is dropped by who brought it");
    subscriptions.pop();
    subscriptions.push(bus.subscribe().unwrap());
    assert!(bus.unlisten(id, Some(limit())));
    subscriptions.push(bus.subscribe().unwrap());
    assert!(bus.subscribe().is_err());
}

#[test]
fn a_listener_is_called_with_each_event_in_order() {
    let bus = bus(EVENT_BUFFER_DEFAULT);
    let (tell, told) = channel();
    bus.listen(move |event| tell.send(event.event_id).unwrap()).unwrap();
    (0..100).for_each(|_| emit(&bus));
    for id in 1..=100 {
        assert_eq!(told.recv_timeout(LIMIT), Ok(id));
    }
}

#[test]
fn a_listener_is_dropped_after_its_third_panic_and_not_before() {
    let bus = bus(EVENT_BUFFER_DEFAULT);
    let (tell, told) = channel();
    let twice = bus.listen(move |event| {
        assert!(event.event_id > 2, "it panics twice");
        tell.send(event.event_id).unwrap();
    });
    let (farewell, farewells) = channel();
    let farewell = Farewell(farewell);
    let thrice = bus.listen(move |event| {
        let _ = &farewell;
        panic!("no to event {}", event.event_id);
    });
    let (twice, thrice) = (twice.unwrap(), thrice.unwrap());
    let subscription = bus.subscribe().unwrap();
    (0..3).for_each(|_| emit(&bus));
    assert_eq!(farewells.recv_timeout(LIMIT), Ok(true), "it is dropped on its own thread");
    let events = subscription.drain();
    assert_eq!(events.len(), 4);
    let event = &events[3];
    assert_eq!(event.event_name, EventName::ListenerDropped);
    assert_eq!(event.detail("listener_id").and_then(Detail::as_number), Some(thrice.get()));
    assert_eq!(event.error.as_ref().unwrap().message, "no to event 3");
    assert!(!bus.unlisten(thrice, Some(limit())));
    assert_eq!(told.recv_timeout(LIMIT), Ok(3));
    assert_eq!(told.recv_timeout(LIMIT), Ok(4), "it hears of the other's end");
    assert!(bus.unlisten(twice, Some(limit())));
    assert!(!bus.unlisten(twice, Some(limit())));
}

#[test]
fn a_callback_whose_drop_panics_ends_like_any_other() {
    /// Its panic's payload panics in its own drop again, which a thread's end would not survive.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(Self);
        }
    }
    let bus = bus(RING_MAX);
    let bomb = Bomb;
    let id = bus
        .listen(move |_| {
            let _ = &bomb;
        })
        .unwrap();
    assert!(bus.unlisten(id, Some(limit())));
    assert!(!bus.unlisten(id, Some(limit())));
}

#[test]
fn a_blocked_listener_holds_up_nobody_and_is_told_what_it_missed() {
    let bus = bus(RING_MAX);
    let (gate, callback) = Gate::new();
    bus.listen(callback).unwrap();
    emit(&bus);
    gate.wait_until_entered();
    (0..24).for_each(|_| emit(&bus));
    assert_eq!(bus.counts(), EventCounts { emitted: 25, dropped: 16 });
    let told = gate.open();
    let mut follower = Follower::default();
    while follower.last != Some(25) {
        follower.take(&told.recv_timeout(LIMIT).expect("the rest comes"));
    }
    assert_eq!(follower.dropped, 16);
}

/// A thread that removes `id` while its callback runs, and has got as far as to wait for it. It gives how many events
/// had been told when it returned.
fn remove_while_it_runs(
    bus: &Arc<Bus>,
    (id, told): (ListenerId, &Arc<AtomicUsize>),
    (clock, hands): (&Clock, &crate::clock::ManualClock),
) -> JoinHandle<usize> {
    let (bus, told) = (Arc::clone(bus), Arc::clone(told));
    let until = clock.now() + Duration::from_secs(5);
    let remover = thread::spawn(move || {
        assert!(bus.unlisten(id, Some(until)));
        told.load(Ordering::Relaxed)
    });
    eventually("the remover waits", || hands.waiting() == 1);
    remover
}

#[test]
fn removing_a_listener_waits_for_its_callback_until_the_time_is_up() {
    for in_time in [true, false] {
        let (clock, hands) = Clock::manual();
        let bus = Bus::new(clock.clone(), RING_MAX);
        let (gate, mut callback) = Gate::new();
        let told = Arc::new(AtomicUsize::new(0));
        let their_told = Arc::clone(&told);
        let id = bus.listen(move |event| {
            callback(event);
            their_told.fetch_add(1, Ordering::Relaxed);
        });
        let id = id.unwrap();
        (0..3).for_each(|_| emit(&bus));
        gate.wait_until_entered();
        let remover = remove_while_it_runs(&bus, (id, &told), (&clock, &hands));
        if in_time {
            gate.leave.send(()).unwrap();
            assert_eq!(remover.join().unwrap(), 1, "the callback in progress is waited for");
        } else {
            hands.advance(Duration::from_secs(5));
            assert_eq!(remover.join().unwrap(), 0, "it still runs");
            gate.leave.send(()).unwrap();
        }
        let told = gate.open();
        assert_eq!(told.recv_timeout(LIMIT).unwrap().event_id, 1);
        assert!(told.recv_timeout(LIMIT).is_err(), "the callback is gone, and was called with nothing more");
    }
}

#[test]
fn nothing_is_delivered_after_a_listener_is_removed() {
    let bus = bus(RING_MAX);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _done = Defer(|| done.store(true, Ordering::Relaxed));
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                emit(&bus);
            }
        });
        for _ in 0..100 {
            let (calls, removed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
            let (their_calls, their_removed) = (Arc::clone(&calls), Arc::clone(&removed));
            let late = Arc::new(AtomicBool::new(false));
            let their_late = Arc::clone(&late);
            let id = bus.listen(move |_| {
                their_calls.fetch_add(1, Ordering::SeqCst);
                their_late.fetch_or(their_removed.load(Ordering::SeqCst), Ordering::SeqCst);
            });
            eventually("a call", || calls.load(Ordering::SeqCst) > 0);
            assert!(bus.unlisten(id.unwrap(), Some(limit())));
            removed.store(true, Ordering::SeqCst);
            assert_eq!(Arc::strong_count(&removed), 1, "the callback has been dropped");
            assert!(!late.load(Ordering::SeqCst));
        }
    });
}

#[test]
fn a_listener_that_removes_itself_returns_at_once_and_is_still_known_as_one() {
    let bus = bus(RING_MAX);
    let (tell, told) = channel();
    let (name, named) = channel();
    let weak = Arc::downgrade(&bus);
    let id = bus.listen(move |_| {
        let bus: Arc<Bus> = weak.upgrade().unwrap();
        let id = named.recv_timeout(LIMIT).unwrap();
        let before = bus.is_listening_here();
        let removed = bus.unlisten(id, None);
        tell.send((before, removed, bus.is_listening_here())).unwrap();
    });
    emit(&bus);
    emit(&bus);
    name.send(id.unwrap()).unwrap();
    assert_eq!(told.recv_timeout(LIMIT), Ok((true, true, true)));
    assert!(told.recv_timeout(LIMIT).is_err(), "it is called with nothing more, and dropped");
    assert!(!bus.is_listening_here());
}

#[test]
fn two_listeners_that_remove_each_other_return_when_their_time_is_up() {
    let (clock, hands) = Clock::manual();
    let bus = Bus::new(clock.clone(), RING_MAX);
    let until = clock.now() + Duration::from_secs(5);
    let inside = Arc::new(AtomicUsize::new(0));
    let (tell, told) = channel();
    let remover = || {
        let (weak, inside, tell): (Weak<Bus>, _, _) =
            (Arc::downgrade(&bus), Arc::clone(&inside), tell.clone());
        let (name, named) = channel();
        let id = bus.listen(move |_| {
            let other = named.recv_timeout(LIMIT).unwrap();
            inside.fetch_add(1, Ordering::Relaxed);
            eventually("both are called", || inside.load(Ordering::Relaxed) == 2);
            tell.send(weak.upgrade().unwrap().unlisten(other, Some(until))).unwrap();
        });
        (id.unwrap(), name)
    };
    let ((first, name_to_first), (second, name_to_second)) = (remover(), remover());
    name_to_first.send(second).unwrap();
    name_to_second.send(first).unwrap();
    emit(&bus);
    eventually("both wait", || hands.waiting() == 2);
    hands.advance(Duration::from_secs(5));
    assert_eq!([told.recv_timeout(LIMIT), told.recv_timeout(LIMIT)], [Ok(true), Ok(true)]);
}

/// Ends the events; the bus, if that leaves one.
type End = fn(Arc<Bus>) -> Option<Arc<Bus>>;

#[test]
fn the_end_blocks_on_no_callback_and_what_was_emitted_before_is_delivered() {
    let ends: [End; 2] = [
        |bus| {
            bus.close();
            Some(bus)
        },
        |bus| {
            drop(bus);
            None
        },
    ];
    for end in ends {
        let bus = bus(RING_MAX);
        let (gate, mut callback) = Gate::new();
        let (farewell, farewells) = channel();
        let farewell = Farewell(farewell);
        bus.listen(move |event| {
            let _ = &farewell;
            callback(event);
        })
        .unwrap();
        let subscription = bus.subscribe().unwrap();
        (0..5).for_each(|_| emit(&bus));
        gate.wait_until_entered();
        let bus = end(bus);
        if let Some(bus) = &bus {
            bus.emit(EventName::WorkerReady, |draft| panic!("{draft:?} comes after the end"));
            assert_eq!(bus.counts().emitted, 6);
            assert!(matches!(bus.subscribe(), Err(SubscribeError::Closed)));
            assert!(matches!(bus.listen(|_| ()), Err(SubscribeError::Closed)));
        }
        let told = gate.open();
        let ids: Vec<_> = (0..5).map(|_| told.recv_timeout(LIMIT).unwrap().event_id).collect();
        assert_eq!(ids, [1, 2, 3, 4, 5]);
        assert_eq!(farewells.recv_timeout(LIMIT), Ok(true), "the listener ends");
        assert_eq!(subscription.drain().len(), 5);
        assert_eq!(subscription.wait(LIMIT).unwrap_err(), WaitEventError::Closed);
    }
}
