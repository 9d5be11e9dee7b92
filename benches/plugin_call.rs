//! A call into a plugin beside the same function in the host: what the crossing costs.
//!
//! `cargo bench --bench plugin_call -- [--rounds N]`, 5 rounds by default. Without `--bench`, as `cargo test` runs it, it
//! only shows that everything answers. In each round both take their turn, in an order that alternates; each answer is
//! checked. Inside: one function makes all the calls, so that the pool's own cost is not in them, 64 at a time, the time of
//! these divided by 64. Pool: blocking calls from outside, one after the other, the time of each.

mod support;

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::hint::black_box;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use wpc::{Context, Dylib, FunctionError, Ref, Wpc, function};

use support::{Plan, median, now, print_head, print_row};

/// Calls that are timed as one, because a single one of the host's is about as short as a look at the clock.
const BATCH: u32 = 64;

/// Batches of one contender in one round, and how many of them are only to warm up.
const BATCHES: u64 = 1_000;
const SMOKE_BATCHES: u64 = 2;

const LONG_PATH: &str =
    "/srv/service/archive/by-customer/0042/2026/november/reports/a-report-with-a-long-name.txt";

fn main() -> ExitCode {
    support::main(run)
}

fn run(plan: &Plan) -> anyhow::Result<()> {
    let batches = if plan.is_smoke { SMOKE_BATCHES } else { BATCHES };
    let wpc = start()?;
    print_head("ns a call, p50", "plugin", "host");
    for (name, path) in [("short path", "notes/example.txt"), ("long path", LONG_PATH)] {
        let inside = |function| inside(&wpc, function, path, batches);
        let rounds = plan.alternate(|| inside("inside_plugin"), || inside("inside_host"))?;
        print_row(&format!("inside, {name}"), &rounds);
        let pool = |function| through_the_pool(&wpc, function, path, batches);
        let rounds = plan.alternate(|| pool("base_plugin"), || pool("base_host"))?;
        print_row(&format!("pool, {name}"), &rounds);
    }
    wpc.stop_workers()?;
    Ok(())
}

fn start() -> anyhow::Result<Wpc> {
    let wpc = Wpc::builder().build()?;
    wpc.define_dependency("text", Dylib::at(plugin_path()?))?;
    let base_plugin = function!(|ctx: &Context, path: String| -> Result<String, FunctionError> {
        Ok(ctx.import("text")?.call("basename", Ref(&path))?)
    });
    wpc.define_function("base_plugin", base_plugin)?;
    wpc.define_function("base_host", |path: String| basename(&path).to_owned())?;
    let inside_plugin = function!(|ctx: &Context,
                                   path: String,
                                   batches: u64|
     -> Result<Vec<Duration>, FunctionError> {
        times(batches, &path, || Ok(ctx.import("text")?.call::<String>("basename", Ref(black_box(&path)))?))
    });
    wpc.define_function("inside_plugin", inside_plugin)?;
    let inside_host = function!(|path: String, batches: u64| -> Result<Vec<Duration>, FunctionError> {
        times(batches, &path, || Ok(basename(black_box(&path)).to_owned()))
    });
    wpc.define_function("inside_host", inside_host)?;
    wpc.start_workers(1)?;
    Ok(wpc)
}

/// Beside this bench, where cargo has built it.
fn plugin_path() -> anyhow::Result<PathBuf> {
    let bench = std::env::current_exe()?;
    let directory = bench.parent().context("a program lies in a folder")?;
    Ok(directory.join(format!("{DLL_PREFIX}text{DLL_SUFFIX}")))
}

/// What the plugin's function of that name does, in the same words.
fn basename(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        Some("") if !path.is_empty() => "/",
        last => last.unwrap_or(trimmed),
    }
}

/// The median time of a call that a function makes.
fn inside(wpc: &Wpc, function: &str, path: &str, batches: u64) -> anyhow::Result<Duration> {
    let measure = |batches: u64| wpc.call::<Vec<Duration>>(function, (path.to_owned(), batches));
    measure(batches / 10 + 1)?;
    Ok(median(measure(batches)?))
}

/// The time of a call, of each batch.
fn times(
    batches: u64,
    path: &str,
    call: impl Fn() -> Result<String, FunctionError>,
) -> Result<Vec<Duration>, FunctionError> {
    let expected = basename(path);
    let batch = || {
        let start = now();
        for _ in 0..BATCH {
            let answer = call()?;
            if answer != expected {
                return Err(FunctionError::new("WrongAnswer", answer));
            }
        }
        Ok((now() - start) / BATCH)
    };
    (0..batches).map(|_| batch()).collect()
}

/// The median time of a call through the pool.
fn through_the_pool(wpc: &Wpc, function: &str, path: &str, batches: u64) -> anyhow::Result<Duration> {
    let measure = |calls: u64| -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..calls {
            let argument = black_box(path).to_owned();
            let start = now();
            let answer: String = wpc.call(function, argument)?;
            times.push(now() - start);
            ensure!(answer == basename(path), "`{path}` was answered with `{answer}`");
        }
        Ok(times)
    };
    let calls = batches * u64::from(BATCH);
    measure(calls / 10)?;
    Ok(median(measure(calls)?))
}
