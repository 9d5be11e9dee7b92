//! The events that calls and workers leave behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wpc::{
    CallError, Clock, Event, EventName, Function, FunctionError, Pending, RejectReason, Requirement, Run,
    Severity, Subscription, ThreadLife, WorkerId, WorkerState, Wpc,
};

use crate::support::{Built, Latch, Scratch, Watchdog, build, pool, reason, start_on, until};

/// The documentation of the names of events, which has the table of what each of them tells.
const TABLE: &str = include_str!("../../../src/event/name.rs");

/// What an event tells, as text.
fn shown(event: &Event) -> String {
    let details: Vec<_> = event.details.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{} {}", event.event_name, details.join(" "))
}

/// Takes events until one of that name has come, it included.
fn take_until(events: &Subscription, name: EventName) -> Vec<Arc<Event>> {
    let mut taken = Vec::new();
    until(|| {
        while let Some(event) = events.try_next() {
            let is_last = event.event_name == name;
            taken.push(event);
            if is_last {
                return true;
            }
        }
        false
    });
    taken
}

/// Asserts that the events have numbers without a gap, and that each tells what the table says of it.
#[track_caller]
fn assert_by_the_table(events: &[Arc<Event>]) {
    let rows = rows();
    assert!(rows.len() >= 20, "the table was read: {rows:?}");
    for pair in events.windows(2) {
        assert_eq!(pair[1].event_id, pair[0].event_id + 1, "{pair:?}");
    }
    for event in events {
        let row = rows.get(event.event_name.as_str()).expect("it has a row");
        assert_eq!(event.source.as_str(), row.source, "{event:?}");
        for key in &row.always {
            assert!(event.details.contains_key(key), "without {key}: {event:?}");
        }
        for (key, value) in &event.details {
            assert!(row.always.contains(key) || row.sometimes.contains(key), "with {key}: {event:?}");
            assert_eq!(value.as_number().is_some(), is_number(key), "{key} of {event:?}");
            assert_eq!(value.as_flag().is_some(), *key == "started", "{key} of {event:?}");
        }
        let name = event.event_name.as_str();
        assert!(event.worker_id.is_some() || !name.starts_with("worker_"), "{event:?}");
        // A call that was rejected never came to be one.
        let is_of_call = name.starts_with("call_") && event.event_name != EventName::CallTargetMissing;
        assert_eq!(event.correlation_id.is_some(), is_of_call, "{event:?}");
    }
}

fn is_number(key: &str) -> bool {
    const NUMBERS: [&str; 7] =
        ["run", "generation", "exit_code", "restart_attempt", "restarts_max", "listener_id", "dropped"];
    key.ends_with("_ms") || NUMBERS.contains(&key)
}

/// What the table says of an event.
#[derive(Debug)]
struct Row {
    source: &'static str,
    always: Vec<&'static str>,
    /// The keys in brackets.
    sometimes: Vec<&'static str>,
}

/// The rows, by event.
fn rows() -> BTreeMap<&'static str, Row> {
    let rows = TABLE.lines().filter_map(|line| line.strip_prefix("/// | `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let mut found = Row { source: cells[1], always: Vec::new(), sometimes: Vec::new() };
        let (mut depth, mut is_optional) = (0_usize, false);
        for (at, part) in cells[4].split('`').enumerate() {
            if at % 2 == 0 {
                // Between two names. What stands in parentheses are values.
                depth = depth + part.matches('(').count() - part.matches(')').count();
                is_optional = part.ends_with("\\[");
            } else if depth == 0 {
                if is_optional { &mut found.sometimes } else { &mut found.always }.push(part);
            }
        }
        (cells[0].trim_matches('`'), found)
    })
    .collect()
}

#[test]
fn a_call_that_ends_otherwise_than_in_a_value_leaves_one_event() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let wpc = build(Wpc::builder().clock(clock));
    let latch = Latch::new();
    let held = latch.clone();
    wpc.define_function("held", move || held.hold()).expect("a good function");
    let fail = || -> Result<(), FunctionError> { Err(FunctionError::new("OutOfPaper", "no page is left")) };
    wpc.define_function("fail", fail).expect("a good function");
    wpc.define_function("panic", || -> () { panic!("the roof is on fire") }).expect("a good function");
    let lacking = Function::new(|| ()).requires(Requirement::constant("NOWHERE"));
    wpc.define_function("lacking", lacking).expect("a good function");
    wpc.define_function("fine", || ()).expect("a good function");
    start_on(&hands, &wpc, 1);
    let events = wpc.subscribe().expect("there is room");
    wpc.call::<()>("fine", ()).expect("a value");
    wpc.call::<()>("fail", ()).expect_err("it fails");
    wpc.call::<()>("panic", ()).expect_err("it panics");
    let first = take_until(&events, EventName::WorkerRecycled);
    let running: Pending<()> =
        wpc.request("held").timeout(Duration::from_secs(1)).submit(()).expect("accepted");
    latch.wait_entered(1);
    let waiting: Pending<()> =
        wpc.request("fine").timeout(Duration::from_secs(1)).submit(()).expect("accepted");
    let cancelled: Pending<()> = wpc.submit("fine", ()).expect("accepted");
    assert!(cancelled.cancel());
    let ids = [running.call_id(), waiting.call_id(), cancelled.call_id()];
    let mut second = take_until(&events, EventName::CallCancelled);
    hands.advance(Duration::from_secs(1));
    let timed_out = [running.wait(), waiting.wait()];
    assert!(matches!(timed_out[0], Err(CallError::TimedOut { started: true, .. })), "{timed_out:?}");
    assert!(matches!(timed_out[1], Err(CallError::TimedOut { started: false, .. })), "{timed_out:?}");
    // The supervisor sees an overrun only if it lasts.
    second.extend(take_until(&events, EventName::WorkerHealthStateChanged));
    latch.release();
    second.extend(take_until(&events, EventName::WorkerHealthStateChanged));
    until(|| wpc.workers()[0].state == WorkerState::Ready);
    assert_eq!(reason(wpc.call::<()>("nowhere", ())), RejectReason::NotDefined);
    let missing = RejectReason::MissingRequirement { name: "NOWHERE".to_owned() };
    assert_eq!(reason(wpc.call::<()>("lacking", ())), missing);
    wpc.stop_workers().expect("it stops");
    second.extend(events.drain());
    let all: Vec<_> = first.into_iter().chain(second).collect();
    assert_by_the_table(&all);
    let is_of_call = |event: &&Arc<Event>| event.event_name.as_str().starts_with("call_");
    let of_calls: Vec<_> = all.iter().filter(is_of_call).collect();
    let mut told: Vec<_> = of_calls.iter().map(|event| shown(event)).collect();
    // Which of two that are due at the same time is told first is nobody's promise.
    told[3..5].sort_unstable();
    assert_eq!(
        told,
        [
            "call_execution_failed function_name=fail reason=failed started=true",
            "call_execution_failed function_name=panic reason=panicked started=true",
            "call_cancelled function_name=fine started=false",
            "call_timed_out function_name=fine started=false",
            "call_timed_out function_name=held started=true",
            "call_target_missing function_name=nowhere reason=not defined",
            "call_target_missing function_name=lacking reason=missing requirement",
        ]
    );
    let errors: Vec<_> =
        of_calls.iter().filter_map(|it| it.error.as_ref().map(ToString::to_string)).collect();
    assert_eq!(errors[..2], ["OutOfPaper: no page is left", "Panicked: the roof is on fire"]);
    let mut found: Vec<_> = of_calls[2..5].iter().filter_map(|it| it.correlation_id).collect();
    found.sort_unstable();
    assert_eq!(found, ids);
    let recycled = all.iter().find(|it| it.event_name == EventName::WorkerRecycled).expect("it panicked");
    assert_eq!(shown(recycled), "worker_recycled reason=panicked run=2");
}

#[test]
fn a_call_that_is_not_installed_anywhere_is_told_of() {
    let _watchdog = Watchdog::start();
    let scratch = Scratch::new();
    let (clock, hands) = Clock::manual();
    let wpc = build(Wpc::builder().clock(clock));
    let failing = Built::misbehaving("fail-init", "x").write(&scratch, "x.so");
    wpc.define_dependency("bad", failing).expect("nobody has tried it yet");
    let user = Function::new(|| ()).requires(Requirement::dependency("bad"));
    wpc.define_function("user", user).expect("a good function");
    let events = wpc.subscribe().expect("there is room");
    start_on(&hands, &wpc, 1);
    let why = reason(wpc.call::<()>("user", ()));
    assert!(matches!(&why, RejectReason::NotInstalled { name, .. } if name == "bad"), "{why}");
    wpc.stop_workers().expect("it stops");
    let all = events.drain();
    assert_by_the_table(&all);
    let told = all.iter().find(|it| it.event_name == EventName::CallTargetMissing).expect("it was rejected");
    assert_eq!(shown(told), "call_target_missing function_name=user reason=not installed");
    let failed: Vec<_> = all.iter().filter(|it| it.event_name == EventName::ControlCommandFailed).collect();
    assert_eq!(failed.len(), 1, "{all:?}");
    assert_eq!(failed[0].worker_id.map(WorkerId::index), Some(0));
}

#[test]
fn a_worker_that_overruns_is_degraded_and_then_ready_again() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let wpc = build(Wpc::builder().clock(clock));
    let latch = Latch::new();
    let held = latch.clone();
    wpc.define_function("held", move || held.hold()).expect("a good function");
    start_on(&hands, &wpc, 1);
    let events = wpc.subscribe().expect("there is room");
    let call: Pending<()> = wpc.request("held").timeout(Duration::from_secs(1)).submit(()).expect("accepted");
    latch.wait_entered(1);
    hands.advance(Duration::from_secs(1));
    call.wait().expect_err("its time is up");
    let mut told = take_until(&events, EventName::WorkerHealthStateChanged);
    latch.release();
    told.extend(take_until(&events, EventName::WorkerHealthStateChanged));
    assert_by_the_table(&told);
    let health: Vec<_> =
        told.iter().filter(|it| it.event_name == EventName::WorkerHealthStateChanged).collect();
    let shown: Vec<_> = health.iter().map(|it| shown(it)).collect();
    assert_eq!(
        shown,
        [
            "worker_health_state_changed from=ready run=1 to=degraded",
            "worker_health_state_changed from=degraded run=1 to=ready"
        ]
    );
    assert!(health.iter().all(|it| it.worker_id.map(WorkerId::index) == Some(0)));
}

#[test]
fn a_worker_that_is_lost_leaves_the_trail_of_its_restarts() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let start = |_: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
        match run.get() {
            1 => Ok(ThreadLife::calls(1)),
            2 => Err(FunctionError::new("NoCore", "there is no core")),
            _ => Ok(ThreadLife::endless()),
        }
    };
    let wpc = build(Wpc::builder().clock(clock).seed(7).thread_start(start));
    wpc.define_function("nothing", || ()).expect("a good function");
    let events = wpc.subscribe().expect("there is room");
    start_on(&hands, &wpc, 1);
    wpc.call::<()>("nothing", ()).expect("a value");
    let mut told = take_until(&events, EventName::WorkerRestartScheduled);
    until(|| wpc.workers()[0].state == WorkerState::Backoff);
    hands.advance(Duration::from_millis(200));
    told.extend(take_until(&events, EventName::WorkerRestartScheduled));
    until(|| wpc.workers()[0].state == WorkerState::Backoff);
    hands.advance(Duration::from_millis(300));
    told.extend(take_until(&events, EventName::WorkerRestartCompleted));
    assert_by_the_table(&told);
    assert!(told.iter().all(|it| it.worker_id.map(WorkerId::index) == Some(0)));
    let lines: Vec<_> = told.iter().map(|it| without_delay(&shown(it))).collect();
    assert_eq!(
        lines,
        [
            "worker_health_state_changed from=stopped run=1 to=starting",
            "worker_spawned run=1",
            "worker_health_state_changed from=starting run=1 to=ready",
            "worker_ready run=1",
            "worker_exited exit_code=1 reason=lost run=1",
            "worker_error reason=lost run=1",
            "worker_health_state_changed from=ready run=1 to=backoff",
            "worker_restart_scheduled restart_attempt=1 run=1",
            "worker_health_state_changed from=backoff run=2 to=starting",
            "worker_spawned run=2",
            "worker_exited exit_code=1 reason=start failed run=2",
            "worker_restart_failed restart_attempt=1 run=2",
            "worker_health_state_changed from=starting run=2 to=backoff",
            "worker_restart_scheduled restart_attempt=2 run=2",
            "worker_health_state_changed from=backoff run=3 to=starting",
            "worker_spawned run=3",
            "worker_health_state_changed from=starting run=3 to=ready",
            "worker_ready run=3",
            "worker_restart_completed restart_attempt=2 run=3",
        ]
    );
    let errors: Vec<_> = told.iter().filter_map(|it| it.error.as_ref()).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert_eq!(errors[0].name, "WorkerLost");
    assert!(errors[0].message.contains("its thread ended"), "{errors:?}");
    assert_eq!(errors[1].name, "WorkerStart");
    assert!(errors[1].message.contains("there is no core"), "{errors:?}");
    assert!(told.iter().filter(|it| it.error.is_some()).all(|it| it.severity == Severity::Error));
}

#[test]
fn all_events_of_a_start_and_a_stop_are_there_when_the_stop_has_returned() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let latch = Latch::new();
    let held = latch.clone();
    wpc.define_function("held", move || held.hold()).expect("a good function");
    let fail = || -> Result<(), FunctionError> { Err(FunctionError::new("No", "as it is to")) };
    wpc.define_function("fail", fail).expect("a good function");
    let events = wpc.subscribe().expect("there is room");
    wpc.start_workers(3).expect("they start");
    let failing: Vec<Pending<()>> = (0..50).map(|_| wpc.submit("fail", ()).expect("accepted")).collect();
    wpc.stop_workers().expect("they stop");
    let told = events.drain();
    let total = wpc.stats().events;
    assert_by_the_table(&told);
    assert_eq!((told[0].event_id, told.last().map(|it| it.event_id)), (1, Some(total)));
    let failed = told.iter().filter(|it| it.event_name == EventName::CallExecutionFailed).count();
    assert_eq!(failed, 50, "all that the stop has drained");
    for call in failing {
        call.wait().expect_err("it fails");
    }
    for worker in 0..3 {
        let own = told.iter().filter(|it| {
            it.worker_id.map(WorkerId::index) == Some(worker) && it.event_name.as_str().starts_with("worker_")
        });
        let lines: Vec<_> = own.map(|it| shown(it)).collect();
        assert_eq!(
            lines,
            [
                "worker_health_state_changed from=stopped run=1 to=starting",
                "worker_spawned run=1",
                "worker_health_state_changed from=starting run=1 to=ready",
                "worker_ready run=1",
                "worker_health_state_changed from=ready run=1 to=draining",
                "worker_shutdown_requested run=1",
                "worker_exited exit_code=0 reason=stopped run=1",
                "worker_health_state_changed from=draining run=1 to=stopped",
            ]
        );
    }
    assert!(told.iter().all(|it| it.event_name != EventName::WorkerExited || it.severity == Severity::Info));
    latch.release();
    assert_eq!(wpc.stats().events, total, "nothing comes after it");
}

#[test]
fn an_abandoned_worker_is_told_of_when_it_is_left_behind_and_when_it_returns() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let wpc = build(Wpc::builder().clock(clock));
    let latch = Latch::new();
    let held = latch.clone();
    wpc.define_function("held", move || held.hold()).expect("a good function");
    start_on(&hands, &wpc, 1);
    let events = wpc.subscribe().expect("there is room");
    let call: Pending<()> = wpc.request("held").timeout(Duration::from_secs(1)).submit(()).expect("accepted");
    latch.wait_entered(1);
    hands.advance(Duration::from_secs(1));
    call.wait().expect_err("its time is up");
    until(|| wpc.workers()[0].state == WorkerState::Degraded);
    let mut told = take_until(&events, EventName::WorkerHealthStateChanged);
    hands.advance(Duration::from_secs(1));
    told.extend(take_until(&events, EventName::WorkerReady));
    latch.release();
    told.extend(take_until(&events, EventName::WorkerAbandonedThreadReturned));
    assert_by_the_table(&told);
    let lines: Vec<_> = told.iter().map(|it| shown(it)).collect();
    let has = |line: &str| assert!(lines.iter().any(|it| it == line), "`{line}` is not among {lines:#?}");
    has("worker_exited reason=abandoned run=1");
    has("worker_error reason=abandoned run=1");
    has("worker_spawned run=2");
    has("worker_abandoned_thread_returned run=1");
}

/// Without the length of the delay, of which part is chance.
fn without_delay(line: &str) -> String {
    line.split(' ').filter(|word| !word.starts_with("restart_delay_ms=")).collect::<Vec<_>>().join(" ")
}

#[test]
fn after_a_panic_the_events_go_by_the_new_run() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    wpc.define_function("checked", |n: u64| assert!(n > 0, "on purpose")).expect("a good function");
    wpc.start_workers(1).expect("it starts");
    assert!(matches!(wpc.call::<()>("checked", 0u64), Err(CallError::Panicked { .. })));
    wpc.call::<()>("checked", 1u64).expect("it serves on");
    assert_eq!(wpc.workers()[0].run.get(), 2);
    let events = wpc.subscribe().expect("there is room");
    wpc.stop_workers().expect("it stops");
    let told = events.drain();
    assert_by_the_table(&told);
    let runs: Vec<_> = told.iter().map(|it| it.detail("run").map(ToString::to_string)).collect();
    assert!(!runs.is_empty() && runs.iter().all(|run| run.as_deref() == Some("2")), "{told:?}");
}
