//! The registry under contention: threads that look functions up, while nothing changes and while one more thread
//! redefines what they look up, as fast as it can.
//!
//! `cargo bench --bench lookup -- [FILTER]`. A call by name looks the function up and runs it; `function_info` only looks
//! it up; `functions` lists all 64 of them. The time is that in which each thread has done it once. Nothing that a
//! thread sees may be older than what it saw before.

mod measure;

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use wpc::{Version, Wpc};

const FUNCTIONS: u64 = 64;
const READERS: usize = 4;

/// The one that is looked up and redefined, in the middle of the others.
const NAME: &str = "function_32";

fn main() {
    measure::main(&[calls_by_name, look_ups, listings]);
}

fn pool() -> Wpc {
    measure::started(1, |wpc| {
        for n in 0..FUNCTIONS {
            wpc.define_function(&format!("function_{n}"), || 0_u64).expect("it is defined");
        }
    })
}

fn calls_by_name(criterion: &mut Criterion) {
    measured(criterion, "call", |wpc, calls| {
        let mut last = 0;
        for _ in 0..calls {
            let found: u64 = wpc.call(black_box(NAME), ()).expect("a value");
            assert!(found >= last, "{found} is older than {last}");
            last = found;
        }
    });
}

fn look_ups(criterion: &mut Criterion) {
    measured(criterion, "function_info", |wpc, calls| {
        let mut last: Option<Version> = None;
        for _ in 0..calls {
            let found = wpc.function_info(black_box(NAME)).expect("it is defined").version;
            assert!(last.is_none_or(|last| last <= found), "{found:?} is older than {last:?}");
            last = Some(found);
        }
    });
}

fn listings(criterion: &mut Criterion) {
    measured(criterion, "functions", |wpc, calls| {
        for _ in 0..calls {
            assert_eq!(black_box(wpc.functions()).len() as u64, FUNCTIONS);
        }
    });
}

/// Measures `read`, which does it so many times, while nothing changes and while everything does.
fn measured(criterion: &mut Criterion, what: &str, read: impl Fn(&Wpc, u64) + Sync) {
    let mut group = criterion.benchmark_group(format!("lookup/{what}"));
    group.throughput(Throughput::Elements(READERS as u64));
    for (name, is_redefined) in [("quiet", false), ("redefined", true)] {
        let wpc = pool();
        group.bench_function(BenchmarkId::new(name, READERS), |bencher| {
            bencher.iter_custom(|calls| together(&wpc, &|wpc| read(wpc, calls), is_redefined));
        });
    }
    group.finish();
}

/// From when all readers are there to when the last one is through.
fn together(wpc: &Wpc, read: &(impl Fn(&Wpc) + Sync), is_redefined: bool) -> Duration {
    let (barrier, over) = (Barrier::new(READERS + 1), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let readers = [(); READERS].map(|()| {
            scope.spawn(|| {
                barrier.wait();
                read(wpc);
            })
        });
        if is_redefined {
            scope.spawn(|| redefine(wpc, &over));
        }
        barrier.wait();
        let mut results = Vec::with_capacity(READERS);
        let time = measure::timed(|| results.extend(readers.map(ScopedJoinHandle::join)));
        over.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok), "a reader has seen what is wrong");
        time
    })
}

/// Redefines the function until it is over, each time with a greater result than before.
fn redefine(wpc: &Wpc, over: &AtomicBool) {
    let mut last: u64 = wpc.call(NAME, ()).expect("a value");
    while !over.load(Ordering::Relaxed) {
        last += 1;
        let result = last;
        wpc.define_function(NAME, move || result).expect("it is defined");
    }
}
