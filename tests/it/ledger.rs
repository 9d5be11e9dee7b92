//! A storm of calls of every kind: the callers' own ledger and the pool's are the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use wpc::{CallError, Context, FunctionError, Pending, RejectReason, Wpc};

use crate::support::random::{Random, seed};
use crate::support::{Watchdog, assert_ledger_is_even, build};

const CALLERS: u64 = 4;
const CALLS: u64 = 1_500;

/// The nonces of calls from outside are below this one; a call that a function makes has this much more.
const NESTED: u64 = CALLERS * CALLS;

/// What a function is to do.
const VALUE: u64 = 0;
const FAIL: u64 = 1;
const PANIC: u64 = 2;
const NEST: u64 = 3;
const LINGER: u64 = 4;
const KINDS: u64 = 5;

/// What has become of a call, by its nonce.
const UNKNOWN: u8 = 0;
const STARTED: u8 = 1;
const NEVER_STARTED: u8 = 2;

type Arguments = (u64, u64);
type Reply = (u64, u64);

/// What the callers know.
#[derive(Default)]
struct Ledger {
    values: AtomicU64,
    failed: AtomicU64,
    panicked: AtomicU64,
    timed_out: AtomicU64,
    cancelled: AtomicU64,
    rejected: AtomicU64,
    /// What each call's outcome says, and how often its function ran.
    fates: Vec<(AtomicU8, AtomicU8)>,
    /// The newest generation of the function whose definition has returned.
    published: AtomicU64,
}

/// How a caller treated a call, which says how it may end.
#[derive(Clone, Copy, Debug, Default)]
struct Treatment {
    kind: u64,
    hurried: bool,
    cancelled: bool,
    oldest: u64,
}

impl Ledger {
    fn new() -> Arc<Self> {
        let fates = (0..2 * NESTED).map(|_| <(AtomicU8, AtomicU8)>::default()).collect();
        Arc::new(Self { fates, ..Self::default() })
    }

    fn fate(&self, nonce: u64) -> &(AtomicU8, AtomicU8) {
        &self.fates[usize::try_from(nonce).expect("nonces are few")]
    }

    fn ran(&self, nonce: u64) {
        self.fate(nonce).1.fetch_add(1, Ordering::SeqCst);
    }

    /// Books an outcome: it must be one that its own call can have.
    fn book(&self, nonce: u64, treatment: Treatment, outcome: Result<Reply, CallError>) {
        let Treatment { kind, hurried, cancelled, oldest } = treatment;
        let (counter, started) = match outcome {
            Ok((replied, generation)) => {
                assert_eq!(replied, nonce, "a reply reached another caller");
                assert!(matches!(kind, VALUE | NEST | LINGER) && generation >= oldest, "{treatment:?}");
                (&self.values, true)
            }
            Err(CallError::Failed(error)) => {
                assert_eq!((error.name(), error.message()), ("Asked", &*nonce.to_string()));
                assert_eq!(kind, FAIL);
                (&self.failed, true)
            }
            Err(CallError::Panicked { message, .. }) => {
                assert_eq!((message, kind), (nonce.to_string(), PANIC));
                (&self.panicked, true)
            }
            Err(CallError::TimedOut { started, .. }) if hurried => (&self.timed_out, started),
            Err(CallError::Cancelled { started, .. }) if cancelled => (&self.cancelled, started),
            Err(CallError::Rejected(rejected)) => {
                let reason = rejected.reason();
                let known = matches!(reason, RejectReason::NotDefined | RejectReason::Saturated { .. });
                assert!(known, "{reason:?}");
                let arguments = rejected.into_arguments::<Arguments>().expect("the caller's own");
                assert_eq!(arguments, (nonce, kind));
                (&self.rejected, false)
            }
            Err(other) => panic!("{other:?} of {treatment:?}"),
        };
        counter.fetch_add(1, Ordering::SeqCst);
        let fate = if started { STARTED } else { NEVER_STARTED };
        assert_eq!(self.fate(nonce).0.swap(fate, Ordering::SeqCst), UNKNOWN, "a call has ended twice");
    }

    /// Compares with what the pool has counted, once nothing runs any more.
    fn compare(&self, wpc: &Wpc) {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        let stats = wpc.stats();
        let ours = [&self.values, &self.failed, &self.panicked, &self.timed_out, &self.cancelled].map(read);
        let calls = stats.calls;
        let theirs = [calls.values, calls.failed, calls.panicked, calls.timed_out, calls.cancelled];
        assert_eq!(ours, theirs, "values, failed, panicked, timed out, cancelled");
        assert_eq!((calls.worker_lost, stats.abandoned_threads_ever), (0, 0));
        assert_eq!((ours.iter().sum::<u64>(), read(&self.rejected)), (calls.accepted, stats.rejected));
        let mut handled = 0;
        for (nonce, (fate, ran)) in self.fates.iter().enumerate() {
            let (fate, ran) = (fate.load(Ordering::SeqCst), ran.load(Ordering::SeqCst));
            assert_eq!(ran, u8::from(fate == STARTED), "call {nonce} ran {ran} times, its fate is {fate}");
            handled += u64::from(ran);
        }
        assert_eq!(handled, calls.handled);
    }
}

/// Defines the next generation of the function `work`.
fn define(wpc: &Wpc, ledger: &Arc<Ledger>, generation: u64) {
    let theirs = Arc::clone(ledger);
    let work = move |ctx: &Context, nonce: u64, kind: u64| -> Result<Reply, FunctionError> {
        theirs.ran(nonce);
        match kind {
            FAIL => return Err(FunctionError::new("Asked", nonce.to_string())),
            PANIC => std::panic::resume_unwind(Box::new(nonce.to_string())), // no word on stderr
            NEST => {
                let inner = (nonce + NESTED, nonce % NEST);
                // Its deadline is the outer call's, which may be short.
                let treatment = Treatment { kind: inner.1, hurried: true, ..Treatment::default() };
                theirs.book(inner.0, treatment, ctx.call("inner", inner));
            }
            LINGER => (0..2_000).take_while(|_| !ctx.is_cancelled()).for_each(|_| std::thread::yield_now()),
            _ => {}
        }
        Ok((nonce, generation))
    };
    wpc.define_function("work", work).expect("it is defined");
    ledger.published.fetch_max(generation, Ordering::SeqCst);
}

fn define_inner(wpc: &Wpc, ledger: &Arc<Ledger>) {
    let theirs = Arc::clone(ledger);
    let inner = move |nonce: u64, kind: u64| -> Result<Reply, FunctionError> {
        theirs.ran(nonce);
        match kind {
            FAIL => Err(FunctionError::new("Asked", nonce.to_string())),
            PANIC => std::panic::resume_unwind(Box::new(nonce.to_string())),
            _ => Ok((nonce, 0)),
        }
    };
    wpc.define_function("inner", inner).expect("it is defined");
}

/// Makes one call, in one of the ways that there are.
fn call_once(wpc: &Wpc, ledger: &Ledger, random: &mut Random, nonce: u64) {
    let oldest = ledger.published.load(Ordering::SeqCst);
    let way = random.below(8);
    let kind = if way == 0 { VALUE } else { random.below(KINDS) };
    let arguments: Arguments = (nonce, kind);
    let mut treatment = Treatment { kind, hurried: false, cancelled: false, oldest };
    let mut request = wpc.request("work").priority(i32::try_from(random.below(3)).expect("it is small"));
    if (5..8).contains(&way) {
        treatment.hurried = true;
        request = request.timeout(Duration::from_micros(random.below(200)));
    }
    if matches!(way, 4 | 7) {
        return ledger.book(nonce, treatment, request.call(arguments));
    }
    let pending: Pending<Reply> = match request.submit(arguments) {
        Ok(pending) => pending,
        Err(rejected) => return ledger.book(nonce, treatment, Err(rejected)),
    };
    let outcome = match way {
        0 => {
            pending.detach();
            Ok((nonce, oldest)) // without a deadline of its own nothing else can come of it
        }
        1 | 5 => pollster::block_on(pending),
        2 => {
            for _ in 0..random.below(400) {
                std::thread::yield_now();
            }
            treatment.cancelled = pending.cancel();
            let outcome = pending.wait();
            let is_cancelled = matches!(outcome, Err(CallError::Cancelled { .. }));
            assert_eq!(treatment.cancelled, is_cancelled, "it says whether it did it");
            outcome
        }
        3 => {
            let mut waiting = pending;
            loop {
                match waiting.wait_timeout(Duration::from_micros(random.below(100))) {
                    Ok(outcome) => break outcome,
                    Err(again) => waiting = again,
                }
            }
        }
        _ => pending.wait(),
    };
    ledger.book(nonce, treatment, outcome);
}

/// Defines one generation after the other until the callers are done, and now and then takes the function away.
fn redefine(wpc: &Wpc, ledger: &Arc<Ledger>, mut random: Random, done: &AtomicBool) {
    let mut generation = 1;
    while !done.load(Ordering::SeqCst) {
        generation += 1;
        if random.below(10) == 0 {
            assert!(wpc.undefine_function("work").expect("a good name"));
        }
        define(wpc, ledger, generation);
        for _ in 0..random.below(300) {
            std::thread::yield_now();
        }
    }
    assert!(generation > 2, "some generations have come and gone");
}

#[test]
fn in_a_storm_of_calls_nothing_is_lost_doubled_or_misdelivered() {
    let _watchdog = Watchdog::start();
    let seed = seed();
    // The grace is long so that a slow machine abandons nobody.
    let times = (Duration::from_secs(60), Duration::from_secs(50));
    let wpc = build(
        Wpc::builder()
            .call_timeout(times.0)
            .stop_timeout(times.0)
            .overrun_grace(times.1)
            .max_pending_calls_per_worker(4),
    );
    let ledger = Ledger::new();
    define_inner(&wpc, &ledger);
    define(&wpc, &ledger, 1);
    wpc.start_workers(3).expect("they start");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (wpc, ledger) = (&wpc, &ledger);
                scope.spawn(move || {
                    let mut random = Random::new(seed.wrapping_add(caller));
                    for nonce in (caller * CALLS)..((caller + 1) * CALLS) {
                        call_once(wpc, ledger, &mut random, nonce);
                    }
                })
            })
            .collect();
        scope.spawn(|| redefine(&wpc, &ledger, Random::new(!seed), &done));
        let ended: Vec<_> = callers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::SeqCst);
        assert!(ended.iter().all(Result::is_ok), "a caller found something wrong");
    });
    let report = wpc.stop_workers().expect("it stops");
    assert_eq!((report.cancelled_queued, report.cancelled_running, report.abandoned.len()), (0, 0, 0));
    assert_ledger_is_even(&wpc);
    ledger.compare(&wpc);
}
