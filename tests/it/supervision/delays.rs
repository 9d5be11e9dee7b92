//! The delays between restarts.

use std::time::Duration;

use wpc::{Clock, EventName, FunctionError, RestartPolicy, Run, ThreadLife, WorkerId, WorkerState, Wpc};

use crate::support::{Watchdog, build, start_on, until};

const RESTARTS: usize = 9;

#[test]
fn w14_delays_double_from_the_base_to_the_longest_with_jitter_and_the_same_seed_gives_the_same_ones() {
    let _watchdog = Watchdog::start();
    let one = delays_of(7);
    for (delay, least) in one.iter().zip([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]) {
        assert!((least..=least + 100).contains(delay), "{one:?}");
    }
    assert_eq!(delays_of(7), one);
    assert_ne!(delays_of(8), one, "nine jitters of up to 100 ms are not all alike");
}

/// The delays in milliseconds before the restarts of a worker whose second start and all later ones fail.
fn delays_of(seed: u64) -> Vec<u64> {
    let (clock, hands) = Clock::manual();
    let start = |_: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
        if run.get() == 1 { Ok(ThreadLife::calls(1)) } else { Err(FunctionError::new("No", "not again")) }
    };
    let policy = RestartPolicy::on_failure().unlimited();
    let wpc = build(Wpc::builder().clock(clock).seed(seed).restart(policy).thread_start(start));
    let events = wpc.subscribe().expect("there is room");
    wpc.define_function("last", || ()).expect("a good function");
    start_on(&hands, &wpc, 1);
    wpc.call::<()>("last", ()).expect("it is the first and the last");
    let mut delays = Vec::new();
    while delays.len() < RESTARTS {
        let event = events.wait(Duration::from_secs(30)).expect("the next event");
        if event.event_name == EventName::WorkerRestartScheduled {
            let detail = |key| event.detail(key).and_then(wpc::Detail::as_number).expect("it is told");
            assert_eq!(detail("restart_attempt"), delays.len() as u64 + 1);
            let delay = detail("restart_delay_ms");
            until(|| wpc.workers()[0].state == WorkerState::Backoff);
            // The event has whole milliseconds.
            hands.advance(Duration::from_millis(delay + 1));
            delays.push(delay);
        }
    }
    delays
}
