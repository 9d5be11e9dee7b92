//! Digests and counts files on a pool of workers: for each file `<sha1> <lines> <words> <bytes> <path>`, as `sha1sum`
//! and `wc -lwc` have them. The counts come from the plugin `text`. On the way one worker is lost and started again, and a
//! function is redefined while calls of it are in flight; in the end the events tell the story.
//!
//! `cargo run --release --example quickstart -- [PATH]..`, where the paths are `README.md` and `src` by default.

mod calls;
mod files;
mod functions;
mod trail;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use wpc::{Dylib, FunctionError, Run, ThreadLife, ThreadStart, WorkerId, Wpc};

use trail::Trail;

const WORKERS: usize = 4;

/// The worker that is lost on the way, and after how many calls its first thread ends.
const FAILING_WORKER: usize = 0;
const FAILS_AFTER: u64 = 5;

fn main() -> ExitCode {
    let mut paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        paths = vec!["README.md".into(), "src".into()];
    }
    match run(&paths, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(paths: &[PathBuf], out: &mut impl Write) -> anyhow::Result<()> {
    let files = files::find(paths)?;
    let wpc = Wpc::builder().thread_start(FailsOnce).build()?;
    let mut trail = Trail::begin(&wpc)?;

    // What is defined before the workers start they take when they do; what is defined later they take while they run.
    wpc.define_constant("BLOCK_BYTES", 64 * 1024_usize)?;
    wpc.define_dependency("text", Dylib::at(functions::plugin_path()?))?;
    let sha1 = wpc.define_function("sha1", functions::sha1_by_host())?;
    wpc.start_workers(WORKERS)?;
    wpc.define_function("lines_words_bytes", functions::counts_by_plugin())?;

    let digests = calls::report(&wpc, &files, out)?;
    let until_lost = calls::call_until_lost(&wpc, &digests)?;
    if !files.is_empty() {
        trail.await_recovery(out)?;
    } // else nothing was called, and the worker serves on
    let again = calls::redefine(&wpc, sha1.hash, &digests, out)?;
    finish(&wpc, 2 * files.len() + until_lost + again, out)?;
    trail.end(out)
}

/// Lets the first thread of one worker end after some calls, as if something had gone wrong with it.
struct FailsOnce;

impl ThreadStart for FailsOnce {
    fn start(&self, worker: WorkerId, run: Run) -> Result<ThreadLife, FunctionError> {
        let fails = worker.index() == FAILING_WORKER && run.get() == 1;
        Ok(if fails { ThreadLife::calls(FAILS_AFTER) } else { ThreadLife::endless() })
    }
}

/// Prints what is installed where, checks that the workers handled the calls that were made, and stops them.
fn finish(wpc: &Wpc, calls: usize, out: &mut impl Write) -> anyhow::Result<()> {
    for dependency in wpc.dependencies() {
        let hash = dependency.library_hash_sha1.context("a plugin's file has a hash")?;
        let (alias, installed) = (dependency.alias, dependency.installed_worker_count);
        writeln!(out, "\ndependency {alias}: library {hash}, installed on {installed} workers")?;
    }
    let workers = wpc.workers();
    writeln!(out, "\nworker  state     run  restarts  handled  version")?;
    for worker in &workers {
        let version = worker.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
        let (id, run, handled) = (worker.worker_id.index(), worker.run.get(), worker.handled);
        let (state, restarts) = (worker.state, worker.restarts);
        writeln!(out, "{id:>6}  {state:<8}  {run:>3}  {restarts:>8}  {handled:>7}  {version:>7}")?;
    }
    let handled: u64 = workers.iter().map(|worker| worker.handled).sum();
    ensure!(usize::try_from(handled) == Ok(calls), "{calls} calls were made, {handled} were handled");
    let report = wpc.stop_workers()?;
    let cancelled = report.cancelled_queued + report.cancelled_running;
    ensure!(cancelled == 0, "{cancelled} calls were cancelled, and none was in flight");
    writeln!(out, "{handled} calls handled, none lost; the workers have stopped")?;
    Ok(())
}
