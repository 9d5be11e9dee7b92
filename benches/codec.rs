//! What it costs that caller and function name different types, beside the same value moved.
//!
//! `cargo bench --bench codec -- [FILTER]`. A function on a worker makes the calls, so that no thread hands anything to
//! another: the time of a moved value is that of the call itself. What is called returns its argument: a value of another
//! type is converted twice on the way, there and back.

mod inside;
mod measure;

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wpc::Wpc;

const BYTES: usize = 64 << 10;

fn main() {
    measure::main(&[tuples, structs, bytes]);
}

/// A file as the function has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct File {
    path: String,
    lines: u64,
    tags: Vec<String>,
    ratio: f64,
}

/// The same file as the caller has it: other types of numbers, in another order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    tags: Vec<String>,
    path: String,
    ratio: f32,
    lines: u32,
}

fn tuples(criterion: &mut Criterion) {
    let (wpc, text) = (pool::<(u64, String)>(), "notes/example.txt".to_owned());
    let mut group = criterion.benchmark_group("codec/tuple");
    measured(&mut group, &wpc, "moved", &(7_u64, text.clone()));
    measured(&mut group, &wpc, "converted", &(7_u32, text));
    group.finish();
}

fn structs(criterion: &mut Criterion) {
    let wpc = pool::<File>();
    let (path, tags) = ("notes/example.txt".to_owned(), ["draft", "shared"].map(str::to_owned).to_vec());
    let file = File { path: path.clone(), lines: 120, tags: tags.clone(), ratio: 0.5 };
    let entry = Entry { tags, path, ratio: 0.5, lines: 120 };
    let mut group = criterion.benchmark_group("codec/struct");
    measured(&mut group, &wpc, "moved", &file);
    measured(&mut group, &wpc, "converted", &entry);
    group.finish();
}

fn bytes(criterion: &mut Criterion) {
    let wpc = pool::<Vec<u8>>();
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(BYTES).collect();
    let boxed = bytes.clone().into_boxed_slice();
    let mut group = criterion.benchmark_group("codec/64 KiB of bytes");
    group.throughput(Throughput::Bytes(BYTES as u64));
    measured(&mut group, &wpc, "moved", &bytes);
    measured(&mut group, &wpc, "converted", &boxed);
    group.finish();
}

/// A pool with a function that returns its argument, a `T`.
fn pool<T: Serialize + DeserializeOwned + Send + 'static>() -> Wpc {
    measure::started(1, |wpc| {
        wpc.define_function("echo", |value: T| value).expect("it is defined");
    })
}

fn measured<T>(group: &mut BenchmarkGroup<'_, WallTime>, wpc: &Wpc, way: &str, value: &T)
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync + 'static,
{
    group.bench_function(way, |bencher| {
        bencher.iter_custom(|calls| inside::measured(wpc, "echo", black_box(value.clone()), calls));
    });
}
