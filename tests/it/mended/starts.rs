//! Defines that come while the workers start.

use std::time::Duration;

use wpc::{Version, Wpc};

use crate::support::{Watchdog, pool};

/// Many workers, so that the first sleep already while the last are on their way.
const WORKERS: usize = 12;
const ROUNDS: usize = 12;

/// Defines anew until the start is over, as one can see from outside. The last one, most of the times, came when workers
/// slept already and could not be seen yet.
fn define_until_started(wpc: &Wpc) -> Version {
    for n in 0_u64.. {
        let defined = wpc.define_constant("N", n).expect("it is defined");
        if !wpc.workers().is_empty() {
            return defined.version;
        }
        std::thread::yield_now();
    }
    unreachable!("the pool starts before that")
}

#[test]
fn what_is_defined_during_a_start_reaches_workers_that_sleep_already() {
    let _watchdog = Watchdog::start();
    for _ in 0..ROUNDS {
        let wpc = pool();
        let other = wpc.clone();
        let defining = std::thread::spawn(move || define_until_started(&other));
        wpc.start_workers(WORKERS).expect("they start");
        let newest = defining.join().expect("it does not panic");
        let installed = wpc.wait_installed(newest, Duration::from_secs(10));
        assert_eq!(installed, Ok(WORKERS));
    }
}
