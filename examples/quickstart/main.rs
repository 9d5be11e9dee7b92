//! Digests and counts files on a pool of workers: for each file `<sha1> <lines> <words> <bytes> <path>`, as `sha1sum`
//! and `wc -lwc` have them. Then a function is redefined while calls of it are in flight.
//!
//! `cargo run --release --example quickstart -- [PATH]..`, where the paths are `README.md` and `src` by default.

mod files;
mod text;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use sha1::{Digest, Sha1};
use wpc::{CallError, Context, FunctionError, Hash, Pending, RejectReason, Wpc, function};

use text::Counts;

const WORKERS: usize = 4;

/// Files whose calls are under way at once; the next two calls are submitted when the oldest file is done.
const FILES_IN_FLIGHT_MAX: usize = 64;

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

    // What is defined before the workers start they take when they do; what is defined later they take while they run.
    let wpc = Wpc::builder().build()?;
    wpc.define_constant("BLOCK_BYTES", 64 * 1024_usize)?;
    let sha1 = wpc.define_function(
        "sha1",
        function!(|path: PathBuf| -> io::Result<String> { Ok(text::hex(&Sha1::digest(fs::read(path)?))) }),
    )?;
    wpc.start_workers(WORKERS)?;
    wpc.define_function(
        "lines_words_bytes",
        function!(|ctx: &Context, path: PathBuf| -> Result<Counts, FunctionError> {
            let block_bytes = *ctx.constant::<usize>("BLOCK_BYTES")?;
            Ok(text::count(BufReader::with_capacity(block_bytes, File::open(path)?))?)
        }),
    )?;

    let digests = report(&wpc, &files, out)?;
    let again = redefine(&wpc, sha1.hash, &digests, out)?;
    finish(&wpc, 2 * files.len() + again, out)
}

/// Prints a line for each file, from two calls for each; the files with their digests.
fn report<'a>(
    wpc: &Wpc,
    files: &'a [PathBuf],
    out: &mut impl Write,
) -> anyhow::Result<Vec<(&'a PathBuf, String)>> {
    let mut in_flight: VecDeque<(&PathBuf, Pending<String>, Pending<Counts>)> = VecDeque::new();
    let mut digests = Vec::with_capacity(files.len());
    let mut to_submit = files.iter();
    loop {
        while in_flight.len() < FILES_IN_FLIGHT_MAX {
            let Some(path) = to_submit.next() else { break };
            let sha1 = wpc.submit("sha1", path.clone())?;
            in_flight.push_back((path, sha1, wpc.submit("lines_words_bytes", path.clone())?));
        }
        let Some((path, sha1, counts)) = in_flight.pop_front() else { break };
        let of = || path.display().to_string();
        let (digest, Counts { lines, words, bytes }) =
            (sha1.wait().with_context(of)?, counts.wait().with_context(of)?);
        write!(out, "{digest} {lines} {words} {bytes} ")?;
        out.write_all(path.as_os_str().as_encoded_bytes())?; // a path need not be UTF-8
        writeln!(out)?;
        digests.push((path, digest));
    }
    Ok(digests)
}

/// Redefines "sha1" while calls of it are in flight, and compares what both versions answer; how many calls it made.
fn redefine(
    wpc: &Wpc,
    old: Hash,
    digests: &[(&PathBuf, String)],
    out: &mut impl Write,
) -> anyhow::Result<usize> {
    let some = &digests[..digests.len().min(FILES_IN_FLIGHT_MAX)];
    let submit_some = || -> Result<Vec<Pending<String>>, CallError> {
        some.iter().map(|(path, _)| wpc.submit("sha1", (*path).clone())).collect()
    };

    // What was accepted before runs the version it was bound to; what is accepted after runs the new one.
    let before = submit_some()?;
    let defined = wpc.define_function(
        "sha1",
        function!(|ctx: &Context, path: PathBuf| -> Result<String, FunctionError> {
            let mut block = vec![0; *ctx.constant::<usize>("BLOCK_BYTES")?];
            let (mut file, mut digest) = (File::open(path)?, Sha1::new());
            loop {
                ctx.check()?; // a large file takes a while: return early once nobody wants the digest any more
                match file.read(&mut block)? {
                    0 => return Ok(text::hex(&digest.finalize())),
                    length => digest.update(&block[..length]),
                }
            }
        }),
    )?;
    let after = submit_some()?;
    writeln!(out, "\nsha1 is redefined while calls of it are in flight: version {}", defined.version)?;

    // The arguments of a rejected call are not used: any path will do.
    match wpc.request("sha1").pin(old).call::<String>(PathBuf::new()) {
        Err(CallError::Rejected(rejected)) => match rejected.reason() {
            RejectReason::HashDrift { expected, found } => {
                writeln!(out, "a call that is pinned to the old sha1 is refused:")?;
                writeln!(out, "  expected {expected}\n  found    {found}")?;
            }
            other => bail!("the pinned call was rejected for another reason: {other}"),
        },
        Err(other) => return Err(other).context("the pinned call was not rejected"),
        Ok(_) => bail!("the pinned call was not rejected"),
    }

    for ((path, before_it), pending) in some.iter().zip(before).chain(some.iter().zip(after)) {
        let digest = pending.wait().with_context(|| path.display().to_string())?;
        ensure!(digest == *before_it, "{}: was {before_it}, is {digest}", path.display());
    }
    writeln!(out, "{0} calls accepted before it and {0} after it gave the same digests", some.len())?;
    Ok(2 * some.len())
}

/// Prints the workers, checks that they handled the calls that were made, and stops them.
fn finish(wpc: &Wpc, calls: usize, out: &mut impl Write) -> anyhow::Result<()> {
    let workers = wpc.workers();
    writeln!(out, "\nworker  state     run  handled  version")?;
    for worker in &workers {
        let version = worker.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
        let (id, run) = (worker.worker_id.index(), worker.run.get());
        writeln!(out, "{id:>6}  {:<8}  {run:>3}  {:>7}  {version:>7}", worker.state, worker.handled)?;
    }
    let handled: u64 = workers.iter().map(|worker| worker.handled).sum();
    ensure!(usize::try_from(handled) == Ok(calls), "{calls} calls were made, {handled} were handled");
    let report = wpc.stop_workers()?;
    let cancelled = report.cancelled_queued + report.cancelled_running;
    writeln!(out, "{handled} calls handled; the workers have stopped, {cancelled} calls cancelled")?;
    Ok(())
}
