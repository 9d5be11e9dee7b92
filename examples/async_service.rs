//! An asynchronous service: concurrent tasks on a runtime of one thread submit calls and await them, so that work which
//! needs a core is done on workers and never holds up the runtime. One request times out, another is cancelled.
//!
//! `cargo run --example async_service`

use std::time::Duration;

use anyhow::{bail, ensure};
use tokio::task::JoinSet;
use wpc::{CallError, Context, Interrupted, Pending, Wpc, function};

fn main() -> anyhow::Result<()> {
    let wpc = Wpc::builder().build()?;
    wpc.define_function("sum", |numbers: Vec<u64>| numbers.iter().sum::<u64>())?;
    // It goes on until nobody wants its answer any more, and asks for that now and then.
    let endless = function!(|ctx: &Context| -> Result<u64, Interrupted> {
        loop {
            ctx.check()?;
            std::thread::yield_now();
        }
    });
    wpc.define_function("endless", endless)?;
    // Starting and stopping block: they are done before the runtime and after it.
    wpc.start_workers(2)?;
    tokio::runtime::Builder::new_current_thread().build()?.block_on(serve(&wpc))?;
    wpc.stop_workers()?;
    ensure!(wpc.stats().in_flight == 0 && wpc.stats().abandoned_threads == 0, "{:?}", wpc.stats());
    Ok(())
}

async fn serve(wpc: &Wpc) -> anyhow::Result<()> {
    let mut requests = JoinSet::new();
    for n in 1..=100_u64 {
        let wpc = wpc.clone();
        requests.spawn(async move {
            anyhow::Ok((n, wpc.submit::<u64>("sum", (0..=n).collect::<Vec<u64>>())?.await?))
        });
    }
    while let Some(served) = requests.join_next().await {
        let (n, sum) = served??;
        ensure!(sum == n * (n + 1) / 2, "the sum to {n} is not {sum}");
    }
    println!("100 requests served");

    // A deadline is the call's own: a time-out of the runtime would drop the future, and the call would go on.
    let late: Pending<u64> = wpc.request("endless").timeout(Duration::from_millis(50)).submit(())?;
    match late.await {
        Err(error @ CallError::TimedOut { .. }) => println!("{error}"),
        other => bail!("it had no time: {other:?}"),
    }

    let mut unwanted: Pending<u64> = wpc.submit("endless", ())?;
    ensure!(unwanted.cancel(), "it had not ended");
    match (&mut unwanted).await {
        Err(error @ CallError::Cancelled { .. }) => println!("{error}"),
        other => bail!("it was cancelled: {other:?}"),
    }
    Ok(())
}
