//! The calls: two for each file, some more until a worker is lost, and more while one of the functions is redefined.

use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use wpc::{CallError, Hash, Pending, RejectReason, Wpc};

use crate::functions::{self, Counts};
use crate::{FAILING_WORKER, FAILS_AFTER};

/// Files whose calls are under way at once; the next two calls are submitted when the oldest file is done.
const FILES_IN_FLIGHT_MAX: usize = 64;

/// How many further calls may pass before the failing worker has had its own.
const FURTHER_CALLS_MAX: usize = 1_000 * FILES_IN_FLIGHT_MAX;

/// Prints a line for each file, from two calls for each; the files with their digests.
pub(crate) fn report<'a>(
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

/// Makes further calls until the worker that fails has run its last one; how many calls these were.
///
/// Which worker runs a call is the scheduler's choice: on a busy machine the others may have done all the work so far.
pub(crate) fn call_until_lost(wpc: &Wpc, digests: &[(&PathBuf, String)]) -> anyhow::Result<usize> {
    let has_failed = || wpc.workers().get(FAILING_WORKER).is_some_and(|worker| worker.handled >= FAILS_AFTER);
    let mut calls = 0;
    while !digests.is_empty() && !has_failed() {
        ensure!(calls < FURTHER_CALLS_MAX, "worker {FAILING_WORKER} got no call in {calls}");
        let some = || digests.iter().cycle().take(FILES_IN_FLIGHT_MAX);
        compare(some(), submit(wpc, some())?)?;
        calls += FILES_IN_FLIGHT_MAX;
    }
    Ok(calls)
}

/// Redefines "sha1" while calls of it are in flight, and compares what both versions answer; how many calls it made.
pub(crate) fn redefine(
    wpc: &Wpc,
    old: Hash,
    digests: &[(&PathBuf, String)],
    out: &mut impl Write,
) -> anyhow::Result<usize> {
    let some = || digests.iter().take(FILES_IN_FLIGHT_MAX);
    // What was accepted before runs the version it was bound to; what is accepted after runs the new one.
    let before = submit(wpc, some())?;
    let defined = wpc.define_function("sha1", functions::sha1_by_plugin())?;
    let after = submit(wpc, some())?;
    writeln!(out, "\nsha1 is redefined while calls of it are in flight: version {}", defined.version)?;
    show_refusal(wpc, old, out)?;
    compare(some(), before)?;
    compare(some(), after)?;
    writeln!(out, "{0} calls accepted before it and {0} after it gave the same digests", some().len())?;
    Ok(2 * some().len())
}

type Digested<'a> = &'a (&'a PathBuf, String);

/// A call of "sha1" for each of these files.
fn submit<'a>(
    wpc: &Wpc,
    files: impl Iterator<Item = Digested<'a>>,
) -> Result<Vec<Pending<String>>, CallError> {
    files.map(|(path, _)| wpc.submit("sha1", (*path).clone())).collect()
}

/// Waits for these calls: each digest is what it was before.
fn compare<'a>(files: impl Iterator<Item = Digested<'a>>, calls: Vec<Pending<String>>) -> anyhow::Result<()> {
    for ((path, before), call) in files.zip(calls) {
        let digest = call.wait().with_context(|| path.display().to_string())?;
        ensure!(digest == *before, "{}: was {before}, is {digest}", path.display());
    }
    Ok(())
}

/// Shows that a call which is pinned to the function as it was is not accepted any more.
fn show_refusal(wpc: &Wpc, old: Hash, out: &mut impl Write) -> anyhow::Result<()> {
    // The arguments of a rejected call are not used: any path will do.
    match wpc.request("sha1").pin(old).call::<String>(PathBuf::new()) {
        Err(CallError::Rejected(rejected)) => match rejected.reason() {
            RejectReason::HashDrift { expected, found } => {
                writeln!(out, "a call that is pinned to the old sha1 is refused:")?;
                writeln!(out, "  expected {expected}\n  found    {found}")?;
                Ok(())
            }
            other => bail!("the pinned call was rejected for another reason: {other}"),
        },
        Err(other) => Err(other).context("the pinned call was not rejected"),
        Ok(_) => bail!("the pinned call was not rejected"),
    }
}
