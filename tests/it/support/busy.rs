//! [`Busy`]: workers that are kept inside a call, and calls that meet so that each runs on a worker of its own.

use std::sync::{Arc, Barrier};

use wpc::{Context, Function, Pending, Wpc};

use super::Latch;

/// The name under which [`Busy::define`] defines its function.
const NAME: &str = "stay_busy";

/// A function that stays inside its call until it is released, and then returns the worker that it ran on. Dropped, it
/// releases too.
pub(crate) struct Busy {
    latch: Latch,
    calls: Vec<Pending<usize>>,
}

impl Busy {
    /// Defines the function, best before the workers start: then it is no news to them.
    pub(crate) fn define(wpc: &Wpc) -> Self {
        let latch = Latch::new();
        let held = latch.clone();
        let stay = move |ctx: &Context| {
            held.hold();
            ctx.worker_id().index()
        };
        wpc.define_function(NAME, stay).expect("the name is right");
        Self { latch, calls: Vec::new() }
    }

    /// Makes `count` more workers busy, and waits until they are.
    pub(crate) fn occupy(&mut self, wpc: &Wpc, count: usize) {
        for _ in 0..count {
            let call = wpc.request(NAME).no_timeout().submit(()).expect("there is a worker for it");
            self.calls.push(call);
        }
        self.latch.wait_entered(self.calls.len());
    }

    /// Lets them go; the workers that were busy, in order.
    pub(crate) fn release(mut self) -> Vec<usize> {
        self.latch.release();
        let calls = std::mem::take(&mut self.calls);
        let mut workers: Vec<_> = calls.into_iter().map(|call| call.wait().expect("it was let go")).collect();
        workers.sort_unstable();
        workers
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.latch.release();
    }
}

/// A function that returns its worker and `value`, once as many calls are in it as the barrier asks for.
pub(crate) fn meeting(barrier: &Arc<Barrier>, value: u64) -> Function {
    let barrier = Arc::clone(barrier);
    Function::new(move |ctx: &Context| {
        barrier.wait();
        (ctx.worker_id().index(), value)
    })
}

/// Calls a [`meeting`] of `count` workers once on each of them: what each of them returned, by worker.
pub(crate) fn meet(wpc: &Wpc, name: &str, count: usize) -> Vec<(usize, u64)> {
    let submit = |_| wpc.submit(name, ()).expect("there is a worker for it");
    let calls: Vec<Pending<(usize, u64)>> = (0..count).map(submit).collect();
    let mut results: Vec<_> = calls.into_iter().map(|call| call.wait().expect("all have come")).collect();
    results.sort_unstable();
    results
}
