//! Where calls go: one caller that keeps 64 of them in flight over more and more workers, and callers that wait beside
//! each other.
//!
//! `cargo bench --bench dispatch -- [FILTER]`. The function does nothing, so that more workers cannot make it faster: what
//! they cost is seen. With several callers the time is that in which each of them has made one call.

mod measure;
mod window;

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use wpc::Wpc;

const WORKERS: [usize; 4] = [1, 2, 4, 8];
const CALLERS: usize = 4;

fn main() {
    measure::main(&[one_submitter, callers_at_once]);
}

fn pool(workers: usize) -> Wpc {
    measure::started(workers, |wpc| {
        wpc.define_function("increment", |n: u64| n + 1).expect("it is defined");
    })
}

fn one_submitter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dispatch/window of 64");
    group.throughput(Throughput::Elements(1));
    for workers in WORKERS {
        let wpc = pool(workers);
        group.bench_function(BenchmarkId::new("workers", workers), |bencher| {
            bencher.iter_custom(|calls| {
                measure::timed(|| window::run(calls, |n| wpc.submit("increment", black_box(n))))
            });
        });
    }
    group.finish();
}

fn callers_at_once(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dispatch/4 callers");
    group.throughput(Throughput::Elements(CALLERS as u64));
    for workers in WORKERS {
        let wpc = pool(workers);
        group.bench_function(BenchmarkId::new("workers", workers), |bencher| {
            bencher.iter_custom(|calls| together(&wpc, calls));
        });
    }
    group.finish();
}

/// Each caller makes so many blocking calls; from when all of them are there to when the last one is through.
fn together(wpc: &Wpc, calls: u64) -> Duration {
    let barrier = Barrier::new(CALLERS + 1);
    let call = || {
        barrier.wait();
        for n in 0..calls {
            assert_eq!(wpc.call::<u64>("increment", black_box(n)).expect("a value"), n + 1);
        }
    };
    std::thread::scope(|scope| {
        let callers = [(); CALLERS].map(|()| scope.spawn(call));
        barrier.wait();
        measure::timed(|| {
            for caller in callers {
                caller.join().expect("its replies are right");
            }
        })
    })
}
