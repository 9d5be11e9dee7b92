//! Calls inside calls inside calls, over three pools: none hangs, and each comes to what it must.
//!
//! Each epoch starts three pools of one to eight workers. Callers send them trees of calls that are drawn from the seed,
//! up to sixteen deep, blocking or by waiting for what was submitted. Every function returns how many calls were made
//! inside it, and how many of them were lost with one that did not end in a value. In every second epoch calls go only to
//! the same pool or a later one: there every call ends in a value. In the others they go anywhere, so that functions may
//! wait for each other's workers in a ring; such a call ends by its deadline, or is rejected at once where the pool finds
//! that out. Besides, a straight line of calls is a value at sixteen deep, and at seventeen it is refused.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use wpc::{CallError, Context, NESTING_MAX, Pending, RejectReason, WeakWpc, Wpc};

use crate::arguments::Plan;
use crate::random::Random;
use crate::rest::{now, until};
use crate::tree::{POOLS, Tree, Way};
use crate::watchdog::Watchdog;

const CALLERS: usize = 3;
const WORKERS_MAX: usize = 8;

/// The calls of one epoch, where nobody waits in a ring and where somebody may; the latter take their time. The pools are
/// made anew after each.
const STRAIGHT_CALLS: u64 = 2_500;
const CROSSING_CALLS: u64 = 500;

/// The calls of one tree, at the most.
const TREE_CALLS_MAX: u64 = 24;

/// How long a tree may take: where nobody waits in a ring it takes a moment, on a slow machine too.
const STRAIGHT_LIMIT: Duration = Duration::from_secs(30);
/// Where somebody may, this ends it.
const CROSSING_LIMIT: Duration = Duration::from_millis(100);

/// How much later than that it may end before it counts as one that hangs.
const HANG: Duration = Duration::from_secs(5);

/// A function that is to return by its deadline is never abandoned in here.
const GRACE: Duration = Duration::from_secs(60);

/// How many reasons of rejections are told apart.
const REASONS_MAX: usize = 32;

/// What those are called that no worker could ever run.
const WOULD_DEADLOCK: &str = "would deadlock";

/// What one call came to: calls inside it, and those of them that were lost.
type Reply = (u64, u64);

/// How the calls ended, nested ones and the outermost.
#[derive(Default)]
struct Outcomes {
    nested: AtomicU64,
    outermost: AtomicU64,
    values: AtomicU64,
    timed_out: AtomicU64,
    /// Everything else but rejections.
    wrong: AtomicU64,
    rejected: Mutex<BTreeMap<String, u64>>,
}

impl Outcomes {
    fn book(&self, outcome: &Result<Reply, CallError>) {
        let counter = match outcome {
            Ok(_) => &self.values,
            Err(CallError::TimedOut { .. }) => &self.timed_out,
            Err(CallError::Rejected(rejected)) => {
                let text = match rejected.reason() {
                    RejectReason::WouldDeadlock { .. } => WOULD_DEADLOCK.to_owned(),
                    other => other.to_string(),
                };
                let mut rejected = self.rejected.lock().expect("nobody panics under it");
                if rejected.len() < REASONS_MAX || rejected.contains_key(&text) {
                    *rejected.entry(text).or_default() += 1;
                }
                return;
            }
            Err(_) => &self.wrong,
        };
        counter.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs the trial; see the module.
pub(crate) fn run(plan: &Plan, watchdog: &Watchdog) -> anyhow::Result<String> {
    let mut random = Random::new(plan.seed);
    let (straight, crossing) = (Arc::<Outcomes>::default(), Arc::<Outcomes>::default());
    let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    let nested = || read(&straight.nested) + read(&crossing.nested);
    let mut epochs = 0;
    while nested() < plan.amount {
        let crosses = epochs % 2 == 1;
        let calls = if crosses { CROSSING_CALLS } else { STRAIGHT_CALLS }.min(plan.amount - nested());
        let outcomes = if crosses { &crossing } else { &straight };
        Epoch { calls, crosses, outcomes }
            .run(&mut random, watchdog)
            .with_context(|| format!("epoch {epochs}, crossing: {crosses}"))?;
        epochs += 1;
    }
    let rejected = |outcomes: &Outcomes| outcomes.rejected.lock().expect("nobody panics under it").clone();
    let figures = format!(
        "{} nested calls in {epochs} epochs, 0 hangs; straight: {} outermost, {} values, {} timed out, rejected {:?}; \
         crossing: {} outermost, {} values, {} timed out, rejected {:?}; {} deep a value, {} refused",
        nested(),
        read(&straight.outermost),
        read(&straight.values),
        read(&straight.timed_out),
        rejected(&straight),
        read(&crossing.outermost),
        read(&crossing.values),
        read(&crossing.timed_out),
        rejected(&crossing),
        NESTING_MAX,
        NESTING_MAX + 1,
    );
    let wrong = read(&straight.wrong) + read(&crossing.wrong);
    ensure!(wrong == 0, "{wrong} calls ended as none may: {figures}");
    ensure!(
        read(&straight.timed_out) == 0 && rejected(&straight).is_empty(),
        "without a ring every call is a value: {figures}"
    );
    // A function whose own call was timed out goes on for a moment, and may meet the end of its epoch.
    let is_known =
        |reason: &String| reason == WOULD_DEADLOCK || *reason == RejectReason::NotRunning.to_string();
    ensure!(
        rejected(&crossing).keys().all(is_known),
        "in a ring a call is refused as that, or ends by its deadline: {figures}"
    );
    Ok(figures)
}

/// Some calls on three pools of their own.
struct Epoch<'a> {
    calls: u64,
    crosses: bool,
    outcomes: &'a Arc<Outcomes>,
}

impl Epoch<'_> {
    fn run(&self, random: &mut Random, watchdog: &Watchdog) -> anyhow::Result<()> {
        let pools = self.pools(random)?;
        let end = self.outcomes.nested.load(Ordering::SeqCst) + self.calls;
        let ended: Vec<anyhow::Result<()>> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS)
                .map(|_| {
                    let (pools, mut random) = (&pools, Random::new(random.next()));
                    scope.spawn(move || {
                        while self.outcomes.nested.load(Ordering::SeqCst) < end {
                            self.tree(pools, &mut random)?;
                            watchdog.progress();
                        }
                        Ok(())
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().expect("a caller does not panic")).collect()
        });
        ended.into_iter().collect::<anyhow::Result<()>>()?;
        for wpc in &pools {
            line(wpc, random)?;
            // What timed out while it waited may still be run to its end by a worker.
            until("all is quiet", HANG, || wpc.stats().in_flight == 0)?;
            let report = wpc.stop_workers()?;
            ensure!(report.abandoned.is_empty(), "{report:?}: a function has not returned");
            let stats = wpc.stats();
            ensure!(stats.in_flight == 0 && stats.calls.accepted == stats.calls.ended(), "{stats:?}");
        }
        Ok(())
    }

    /// Three pools, each with a function `tree` that makes calls to all of them, and one that calls itself.
    fn pools(&self, random: &mut Random) -> anyhow::Result<Vec<Wpc>> {
        let limit = if self.crosses { CROSSING_LIMIT } else { STRAIGHT_LIMIT };
        let build = |_| {
            let builder = Wpc::builder().call_timeout(limit).overrun_grace(GRACE).stop_timeout(2 * GRACE);
            builder.build().context("the settings are right")
        };
        let pools = (0..POOLS).map(build).collect::<anyhow::Result<Vec<_>>>()?;
        let weak: Arc<Vec<WeakWpc>> = Arc::new(pools.iter().map(Wpc::downgrade).collect());
        for wpc in &pools {
            let (pools, outcomes) = (Arc::clone(&weak), Arc::clone(self.outcomes));
            wpc.define_function("tree", move |ctx: &Context, tree: Tree| grow(ctx, &pools, &outcomes, tree))?;
            wpc.define_function("line", go_down)?;
            wpc.start_workers(1 + random.index(WORKERS_MAX))?;
        }
        Ok(pools)
    }

    /// Calls one tree, and looks at what it came to.
    fn tree(&self, pools: &[Wpc], random: &mut Random) -> anyhow::Result<()> {
        let tree = Tree {
            pool: random.index(POOLS),
            depth: 1 + u32::try_from(random.index(NESTING_MAX))?,
            calls: 2 + u32::try_from(random.below(TREE_CALLS_MAX - 1))?,
            crosses: self.crosses,
            seed: random.next(),
        };
        let limit = if self.crosses { CROSSING_LIMIT } else { STRAIGHT_LIMIT };
        let begin = now();
        let outcome = pools[tree.pool].call::<Reply>("tree", tree);
        let took = now() - begin;
        ensure!(took <= limit + HANG, "{tree:?} took {took:?}, and its deadline was after {limit:?}");
        self.outcomes.outermost.fetch_add(1, Ordering::SeqCst);
        self.outcomes.book(&outcome);
        if let Ok((made, lost)) = outcome {
            let nested = tree.nested();
            ensure!(
                made + lost == nested,
                "{tree:?} is {nested} nested calls: {made} were made and {lost} lost"
            );
            ensure!(lost == 0 || self.crosses, "{tree:?} has lost {lost} calls, where nothing may be lost");
        }
        Ok(())
    }
}

/// The function `tree`: makes the calls of the tree, and counts what they come to.
fn grow(ctx: &Context, pools: &[WeakWpc], outcomes: &Outcomes, tree: Tree) -> Reply {
    let (mut reply, mut later) = ((0, 0), Vec::new());
    let mut count = |child: &Tree, outcome: Result<Reply, CallError>| {
        outcomes.nested.fetch_add(1, Ordering::SeqCst);
        outcomes.book(&outcome);
        match outcome {
            Ok((made, lost)) => reply = (reply.0 + 1 + made, reply.1 + lost),
            Err(_) => reply.1 += 1 + child.nested(),
        }
    };
    for (way, child) in tree.children() {
        let wpc = pools[child.pool].upgrade().expect("the trial holds the pools while functions run");
        match way {
            Way::Blocking if child.pool == tree.pool => count(&child, ctx.call("tree", child)),
            Way::Blocking => count(&child, wpc.call("tree", child)),
            Way::Waiting | Way::WaitingLater => match wpc.submit::<Reply>("tree", child) {
                Err(rejected) => count(&child, Err(rejected)),
                Ok(pending) if way == Way::Waiting => count(&child, pending.wait()),
                Ok(pending) => later.push((child, pending)),
            },
        }
    }
    for (child, pending) in later {
        count(&child, pending.wait());
    }
    reply
}

/// The function `line`: calls itself as often as it is told, and returns how often that went well and whether it was
/// refused for the depth.
fn go_down(ctx: &Context, left: u64) -> (u64, bool) {
    if left == 0 {
        return (0, false);
    }
    match ctx.call::<(u64, bool)>("line", left - 1) {
        Ok((deeper, refused)) => (deeper + 1, refused),
        Err(CallError::Rejected(no)) => {
            (0, *no.reason() == RejectReason::NestingTooDeep { limit: NESTING_MAX })
        }
        Err(_) => (0, false),
    }
}

/// A straight line of calls goes so deep and no deeper.
fn line(wpc: &Wpc, random: &mut Random) -> anyhow::Result<()> {
    let limit = NESTING_MAX as u64;
    for deep in [1 + random.below(limit), limit, limit + 1] {
        let pending: Pending<(u64, bool)> = wpc.request("line").timeout(STRAIGHT_LIMIT).submit(deep)?;
        let expected = (deep.min(limit), deep > limit);
        let found = pending.wait()?;
        ensure!(found == expected, "{deep} deep: {found:?} instead of {expected:?}");
    }
    Ok(())
}
