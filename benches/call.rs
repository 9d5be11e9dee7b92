//! One caller: a call of a null function `u64 -> u64` in each way that there is to make one.
//!
//! `cargo bench --bench call -- [FILTER]`. Blocking calls come one after the other; of a window, 64 are in flight, and the
//! time is that of one. Nested calls are made by a function on a worker, which runs them there and then.

mod inside;
mod measure;
mod window;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use wpc::Wpc;

/// What a caller has at hand where the function wants a `String`.
const TEXT: &str = "notes/example.txt";

fn main() {
    measure::main(&[by_name, by_handle, pipelined, converted, nested]);
}

fn pool(workers: usize) -> Wpc {
    measure::started(workers, |wpc| {
        wpc.define_function("increment", |n: u64| n + 1).expect("it is defined");
        wpc.define_function("echo", |n: u64| n).expect("it is defined");
        wpc.define_function("length", |text: String| text.len()).expect("it is defined");
    })
}

fn by_name(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("call");
    for workers in [1, 2] {
        let (wpc, mut n) = (pool(workers), 0);
        group.bench_function(format!("blocking by name, workers: {workers}"), |bencher| {
            bencher.iter(|| {
                n += 1;
                assert_eq!(wpc.call::<u64>("increment", black_box(n)).expect("a value"), n + 1);
            });
        });
    }
    group.finish();
}

fn by_handle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("call");
    for workers in [1, 2] {
        let wpc = pool(workers);
        let (increment, mut n) = (wpc.function::<u64, u64>("increment").expect("its types"), 0);
        group.bench_function(format!("blocking by handle, workers: {workers}"), |bencher| {
            bencher.iter(|| {
                n += 1;
                assert_eq!(increment.call(black_box(n)).expect("a value"), n + 1);
            });
        });
    }
    group.finish();
}

fn pipelined(criterion: &mut Criterion) {
    let wpc = pool(1);
    let increment = wpc.function::<u64, u64>("increment").expect("its types");
    let mut group = criterion.benchmark_group("call");
    group.throughput(Throughput::Elements(1));
    group.bench_function("window of 64 by name, workers: 1", |bencher| {
        bencher.iter_custom(|calls| {
            measure::timed(|| window::run(calls, |n| wpc.submit("increment", black_box(n))))
        });
    });
    group.bench_function("window of 64 by handle, workers: 1", |bencher| {
        bencher
            .iter_custom(|calls| measure::timed(|| window::run(calls, |n| increment.submit(black_box(n)))));
    });
    group.finish();
}

fn converted(criterion: &mut Criterion) {
    let wpc = pool(1);
    let mut group = criterion.benchmark_group("call");
    group.bench_function("blocking, `String` moved", |bencher| {
        bencher.iter(|| {
            let text = black_box(TEXT).to_owned();
            assert_eq!(wpc.call::<usize>("length", text).expect("a value"), TEXT.len());
        });
    });
    group.bench_function("blocking, `&'static str` for `String`", |bencher| {
        bencher.iter(|| {
            assert_eq!(wpc.call::<usize>("length", black_box(TEXT)).expect("a value"), TEXT.len());
        });
    });
    group.finish();
}

fn nested(criterion: &mut Criterion) {
    let wpc = pool(1);
    let mut group = criterion.benchmark_group("call");
    group.bench_function("nested", |bencher| {
        bencher.iter_custom(|calls| inside::measured(&wpc, "echo", black_box(7_u64), calls));
    });
    group.finish();
}
