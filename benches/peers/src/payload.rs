//! Latency by the size of what is moved: a vector of bytes goes in, its length comes back. Ours and crossbeam's.

use std::time::Duration;

use anyhow::ensure;

use crate::contender::{Caller, Service};
use crate::drive::now;
use crate::figure::Figure;
use crate::goal::Settings;
use crate::ours::ByName;
use crate::peers::channels::{PerCall, Reused};
use crate::round::{Times, Turn, alternate};

/// Bytes of the vectors, from 8 B to 16 MiB.
const SIZES: [usize; 8] = [1 << 3, 1 << 6, 1 << 9, 1 << 12, 1 << 15, 1 << 18, 1 << 21, 1 << 24];
const WORKERS: usize = 1;

/// Calls at each size at most, the first quarter of which warm it up.
const CALLS: usize = 8_000;
/// Time at each size at most, with the making of the vectors.
const TIME: Duration = Duration::from_millis(200);
const SMOKE_CALLS: usize = 8;

/// The p50 of every size, for each contender.
pub(crate) fn measure(settings: &Settings) -> anyhow::Result<Vec<Figure>> {
    let calls = settings.pick(CALLS, SMOKE_CALLS);
    let mut figures = vec![];
    for bytes in SIZES {
        let mut turns: [Turn<'_, f64>; 3] = [
            Box::new(move || p50::<ByName>(bytes, calls)),
            Box::new(move || p50::<PerCall<_, _>>(bytes, calls)),
            Box::new(move || p50::<Reused<_, _>>(bytes, calls)),
        ];
        let names = [
            "wpc, by name",
            "crossbeam-channel, a reply channel per call",
            "crossbeam-channel, one reply channel",
        ];
        for (contender, rounds) in names.into_iter().zip(alternate(settings.rounds, &mut turns)?) {
            let what = "p50 us, Vec<u8> to its length";
            figures.push(Figure { contender, what, workers: WORKERS, bytes, rounds });
        }
    }
    Ok(figures)
}

/// The vectors are made between the calls and are no part of their time; whoever served one drops it, after its reply
/// was made and before it is sent.
fn p50<S: Service<Vec<u8>, u64>>(bytes: usize, calls: usize) -> anyhow::Result<f64> {
    let service = S::start(WORKERS, |vector| vector.len() as u64)?;
    let mut nanos = Vec::with_capacity(calls);
    {
        let mut caller = service.caller()?;
        let begin = now();
        while nanos.len() < calls {
            let vector = vec![1; bytes];
            let start = now();
            let length = caller.call(vector)?;
            let end = now();
            ensure!(length == bytes as u64, "{bytes} bytes were answered with {length}");
            nanos.push(u64::try_from((end - start).as_nanos())?);
            if end - begin > TIME {
                break;
            }
        }
    }
    service.stop()?;
    let warm = nanos.split_off(nanos.len() / 4);
    ensure!(!warm.is_empty(), "nothing was measured");
    Ok(Times::new(warm).p50())
}
