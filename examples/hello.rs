//! The shortest program: functions and a constant are defined, two workers start, and calls by name are answered.
//!
//! `cargo run --example hello`

use std::time::Duration;

use anyhow::ensure;
use wpc::{CallError, Context, FunctionError, Pending, RejectReason, Wpc, function};

fn main() -> anyhow::Result<()> {
    let wpc = Wpc::builder().call_timeout(Duration::from_secs(5)).build()?;

    // `function!` keeps the text of a function: its hash tells versions apart, and what it takes by name is known.
    wpc.define_constant("GREETING", "Hello")?;
    let greet = function!(|ctx: &Context, name: String| -> Result<String, FunctionError> {
        Ok(format!("{}, {name}!", ctx.constant::<String>("GREETING")?))
    });
    wpc.define_function("greet", greet)?;
    wpc.start_workers(2)?;
    wpc.define_function("add", |a: u64, b: u64| a + b)?; // a plain closure works too, at any time

    // A call waits for its answer.
    let greeting: String = wpc.call("greet", "world")?;
    println!("{greeting}");
    ensure!(greeting == "Hello, world!", "it greets otherwise");

    // A submitted call does not: what comes back is waited for later, or awaited.
    let sums: Vec<Pending<u64>> = (0..4_u64).map(|n| wpc.submit("add", (n, n))).collect::<Result<_, _>>()?;
    let sums: Vec<u64> = sums.into_iter().map(Pending::wait).collect::<Result<_, _>>()?;
    println!("sums: {sums:?}");
    ensure!(sums == [0, 2, 4, 6], "it adds otherwise");

    // What is wrong with a call is said before anything runs.
    match wpc.call::<u64>("add", ("two", 3_u64)) {
        Err(CallError::Rejected(rejected)) => {
            println!("{rejected}");
            ensure!(matches!(rejected.reason(), RejectReason::Signature(_)), "for another reason");
        }
        other => anyhow::bail!("a text was added: {other:?}"),
    }

    let report = wpc.stop_workers()?;
    ensure!(report.abandoned.is_empty(), "workers were left behind: {:?}", report.abandoned);
    Ok(())
}
