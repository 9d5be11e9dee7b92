//! How long a redefinition takes until it is there for every call, with workers that are idle and with workers that are
//! full of short calls.
//!
//! `cargo bench --bench define -- [FILTER]`. After each define a call checks that it sees what was defined; that call is
//! not in the time.

mod measure;
mod window;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use wpc::{ConstantError, Context, Wpc, function};

const WORKERS: usize = 2;

/// Rounds of a short call's loop: some microseconds.
const ROUNDS: u64 = 2_000;

/// Calls that the load submits before it looks whether it is over.
const BATCH: u64 = 256;

fn main() {
    measure::main(&[functions, constants]);
}

fn pool() -> Wpc {
    measure::started(WORKERS, |wpc| {
        let work = |n: u64| {
            for _ in 0..ROUNDS {
                std::hint::spin_loop();
            }
            n + 1
        };
        wpc.define_function("work", work).expect("it is defined");
        let read =
            function!(|ctx: &Context| -> Result<u64, ConstantError> { Ok(*ctx.constant::<u64>("VALUE")?) });
        wpc.define_constant("VALUE", 0_u64).expect("it is defined");
        wpc.define_function("read", read).expect("it is defined");
    })
}

fn functions(criterion: &mut Criterion) {
    measured(criterion, "function", "changing", |wpc, n| {
        wpc.define_function("changing", move || n).map(drop).expect("it is defined");
    });
}

fn constants(criterion: &mut Criterion) {
    measured(criterion, "constant", "read", |wpc, n| {
        wpc.define_constant("VALUE", n).map(drop).expect("it is defined");
    });
}

/// Measures `define`, after which `reader` has to return the number that was defined.
fn measured(criterion: &mut Criterion, what: &str, reader: &str, define: impl Fn(&Wpc, u64)) {
    let mut group = criterion.benchmark_group(format!("define/{what}"));
    for (name, is_busy) in [("idle", false), ("busy", true)] {
        let (wpc, over, mut n) = (pool(), AtomicBool::new(false), 0);
        std::thread::scope(|scope| {
            let _ending = Ending(&over);
            if is_busy {
                scope.spawn(|| keep_busy(&wpc, &over));
            }
            group.bench_function(BenchmarkId::new(name, WORKERS), |bencher| {
                bencher.iter_custom(|times| {
                    let mut next = || {
                        n += 1;
                        seen(&wpc, reader, n, &define)
                    };
                    (0..times).map(|_| next()).sum()
                });
            });
        });
    }
    group.finish();
}

/// Says that it is over, also where the bench fails: the load would go on for ever.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The time of a define, whose number the call after it has to see.
fn seen(wpc: &Wpc, reader: &str, n: u64, define: impl Fn(&Wpc, u64)) -> Duration {
    let time = measure::timed(|| define(wpc, n));
    assert_eq!(wpc.call::<u64>(reader, ()).expect("a value"), n);
    time
}

/// Keeps all workers full of short calls until it is over.
fn keep_busy(wpc: &Wpc, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        window::run(BATCH, |n| wpc.submit("work", n));
    }
}
