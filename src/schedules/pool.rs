//! One pool with everybody who may use it at once, and what must hold of it in every order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ::shuttle::rand::{Rng as _, thread_rng};

use super::ledger::Ledger;
use super::{check, count};
use crate::call::CallError;
use crate::clock::{Clock, ManualClock};
use crate::function::FunctionError;
use crate::id::{Run, WorkerId};
use crate::pool::StartError;
use crate::supervise::RestartPolicy;
use crate::sync::{JoinHandle, spawn, yield_now};
use crate::worker::ThreadLife;
use crate::wpc::Wpc;

/// The callers' calls, and who makes them.
const CALLS: usize = 3;
const CALLERS: usize = 2;

/// How often the function is redefined.
const REDEFINITIONS: u64 = 2;

/// So many times others go on before the workers are stopped, at the most.
const WAITS_MAX: usize = 200;

/// What everybody knows beside the pool. Nothing here is in the checker's sight: it changes no order.
#[derive(Default)]
struct Books {
    /// How often each call's function has run.
    runs: [AtomicU64; CALLS * CALLERS],
    /// The newest definition that is known to be there.
    defined: AtomicU64,
    is_over: AtomicBool,
}

impl Books {
    fn ran(&self, nonce: u64) -> u64 {
        self.runs[usize::try_from(nonce).expect("they are few")].load(Ordering::Relaxed)
    }
}

#[test]
fn whoever_runs_when_nothing_is_lost_doubled_or_left_behind() {
    check("the whole pool", || {
        let (clock, hands) = Clock::manual();
        let wpc = pool(clock);
        let books = Arc::<Books>::default();
        define(&wpc, &books, 1);
        let time = pass_time(hands, &books);
        wpc.start_workers(2).expect("both come");
        let callers = (0..CALLERS).map(|caller| call(&wpc, &books, caller)).collect::<Vec<_>>();
        let definer = redefine(&wpc, &books);
        let control = restart(&wpc);
        let mut ledger = Ledger::default();
        for caller in callers {
            ledger += caller.join().expect("it does not panic");
        }
        definer.join().expect("it does not panic");
        control.join().expect("it does not panic");
        wpc.stop_workers().expect("nobody else stops it");
        check_books(&wpc, &books, &ledger);
        count(ledger);
        books.is_over.store(true, Ordering::Relaxed);
        time.join().expect("it does not panic");
    });
}

fn check_books(wpc: &Wpc, books: &Books, ledger: &Ledger) {
    let (stats, calls) = (wpc.stats(), wpc.stats().calls);
    assert_eq!(calls.accepted, ledger.accepted(), "I1: {ledger:?}");
    assert_eq!(calls.accepted, calls.ended(), "I1: {calls:?}");
    let ended = (calls.values, calls.failed, calls.timed_out, calls.cancelled, calls.worker_lost);
    let known = (ledger.values, ledger.failed, ledger.timed_out, ledger.cancelled, ledger.lost);
    assert_eq!(ended, known, "I1: as their callers saw it");
    assert_eq!(stats.rejected, ledger.rejected);
    assert_eq!(stats.in_flight, 0, "I3");
    assert!(books.runs.iter().all(|runs| runs.load(Ordering::Relaxed) <= 1), "no call runs twice");
}

/// A worker's first thread ends after a call, or inside of the next one, so that there are restarts.
fn pool(clock: Clock) -> Wpc {
    let start = |worker: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
        Ok(match (run.get(), worker.index()) {
            (1, 0) => ThreadLife::calls(1),
            (1, _) => ThreadLife::calls(1).ending_inside_the_next(),
            _ => ThreadLife::endless(),
        })
    };
    let millis = Duration::from_millis;
    let restart = RestartPolicy::on_failure().base(millis(1)).jitter(millis(1)).unlimited();
    Wpc::builder()
        .clock(clock)
        .thread_start(start)
        .restart(restart)
        .call_timeout(millis(200))
        .control_timeout(millis(100))
        .start_timeout(Duration::from_secs(10))
        .stop_timeout(millis(300))
        .overrun_grace(millis(100))
        .max_pending_calls_per_worker(2)
        .build()
        .expect("the settings fit each other")
}

fn define(wpc: &Wpc, books: &Arc<Books>, number: u64) {
    let theirs = Arc::clone(books);
    let work = move |nonce: u64, fails: bool| -> Result<(u64, u64), FunctionError> {
        theirs.runs[usize::try_from(nonce).expect("they are few")].fetch_add(1, Ordering::Relaxed);
        yield_now();
        if fails { Err(FunctionError::new("Asked", "it was asked to")) } else { Ok((nonce, number)) }
    };
    wpc.define_function("work", work).expect("it is well formed");
    books.defined.store(number, Ordering::Relaxed);
}

/// Moves the clock until the books are closed: mostly by a little, at times beyond every deadline.
fn pass_time(hands: ManualClock, books: &Arc<Books>) -> JoinHandle<()> {
    let books = Arc::clone(books);
    let pass = move || {
        while !books.is_over.load(Ordering::Relaxed) {
            let by = if thread_rng().gen_ratio(1, 32) { 250 } else { thread_rng().gen_range(0..16) };
            hands.advance(Duration::from_millis(by));
            (0..16).for_each(|_| yield_now());
        }
    };
    spawn("time".into(), pass).expect("it starts")
}

fn redefine(wpc: &Wpc, books: &Arc<Books>) -> JoinHandle<()> {
    let (wpc, books) = (wpc.clone(), Arc::clone(books));
    let work = move || (2..2 + REDEFINITIONS).for_each(|number| define(&wpc, &books, number));
    spawn("definer".into(), work).expect("it starts")
}

/// Stops the workers, and starts one.
fn restart(wpc: &Wpc) -> JoinHandle<()> {
    let wpc = wpc.clone();
    let work = move || {
        (0..thread_rng().gen_range(0..WAITS_MAX)).for_each(|_| yield_now());
        wpc.stop_workers().expect("nobody else stops it");
        match wpc.start_workers(1) {
            Ok(_) | Err(StartError::NoneReady { .. }) => {}
            Err(error) => panic!("it does not start: {error}"),
        }
    };
    spawn("control".into(), work).expect("it starts")
}

/// Makes calls: the first caller blocks, the second submits all of its own, cancels one, and waits for them.
fn call(wpc: &Wpc, books: &Arc<Books>, caller: usize) -> JoinHandle<Ledger> {
    let (wpc, books) = (wpc.clone(), Arc::clone(books));
    let nonces = (0..CALLS).map(move |call| (CALLS * caller + call) as u64);
    let work = move || {
        let (mut ledger, mut pending) = (Ledger::default(), Vec::new());
        for nonce in nonces {
            let (known, fails) = (books.defined.load(Ordering::Relaxed), nonce % 3 == 1);
            if caller == 0 {
                let result = wpc.call::<(u64, u64)>("work", (nonce, fails));
                note(&mut ledger, &books, (nonce, known), result);
            } else {
                match wpc.submit::<(u64, u64)>("work", (nonce, fails)) {
                    Ok(call) => pending.push((nonce, known, call)),
                    Err(error) => note(&mut ledger, &books, (nonce, known), Err(error)),
                }
            }
        }
        if let Some((_, _, call)) = pending.last() {
            call.cancel();
        }
        for (nonce, known, call) in pending {
            note(&mut ledger, &books, (nonce, known), call.wait());
        }
        ledger
    };
    spawn("caller".into(), work).expect("it starts")
}

fn note(
    ledger: &mut Ledger,
    books: &Books,
    (nonce, known): (u64, u64),
    result: Result<(u64, u64), CallError>,
) {
    let started = match &result {
        Ok((answered, number)) => {
            assert_eq!(*answered, nonce, "I2: a reply reaches its own caller");
            assert!(*number >= known, "I5: {number} runs after {known} was defined");
            true
        }
        Err(CallError::Failed(_)) => true,
        Err(
            CallError::TimedOut { started, .. }
            | CallError::Cancelled { started, .. }
            | CallError::WorkerLost { started, .. },
        ) => *started,
        Err(_) => false,
    };
    assert!(started || books.ran(nonce) == 0, "I8: nothing of {nonce} ran");
    match result {
        Ok(_) => ledger.values += 1,
        Err(error) => ledger.note(&error),
    }
}
