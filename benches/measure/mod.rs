//! What every measured bench begins with: how long it measures, the pool that it measures, and the clock.

use std::time::{Duration, Instant};

use criterion::Criterion;
use wpc::Wpc;

const WARM_UP: Duration = Duration::from_millis(300);
const MEASUREMENT: Duration = Duration::from_secs(1);
const SAMPLES: usize = 30;
const RESAMPLES: usize = 10_000;

/// Measures these, as the program's arguments have it. `cargo bench` says `--bench`; `cargo test --benches` does not, and
/// then each part is run once, to show that it answers, and answers right.
pub(crate) fn main(benches: &[fn(&mut Criterion)]) {
    let criterion = Criterion::default().without_plots().warm_up_time(WARM_UP).measurement_time(MEASUREMENT);
    let mut criterion = criterion.sample_size(SAMPLES).nresamples(RESAMPLES).configure_from_args();
    for bench in benches {
        bench(&mut criterion);
    }
    criterion.final_summary();
}

/// A pool with these definitions, all of whose workers are ready.
pub(crate) fn started(workers: usize, define: impl FnOnce(&Wpc)) -> Wpc {
    let wpc = Wpc::builder().build().expect("the defaults are right");
    define(&wpc);
    let started = wpc.start_workers(workers).expect("they start");
    assert_eq!(started.ready.len(), workers, "not all of them are ready");
    wpc
}

/// How long that took.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures by the machine's clock")]
pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
