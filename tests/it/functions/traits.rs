//! What the public types promise the compiler: errors and handles cross threads, errors box.

use std::error::Error;

use wpc::{
    BuildError, CallError, Clock, ConstantError, DefineError, Function, FunctionError, FunctionHandle, Hash,
    HashParseError, Interrupted, LocalInUse, ManualClock, Misfit, NameError, Pending, Rejected, StartError,
    StopError, WaitError, WeakWpc, Wpc,
};

use crate::support::{Watchdog, pool};

fn crosses_threads<T: Send + Sync + 'static>() {}

fn is_error<E: Error + Send + Sync + 'static>() {}

/// A result that is neither `Sync` nor `Clone`: a pending call of it crosses threads all the same.
struct NotSync(#[expect(dead_code, reason = "only its type counts")] std::cell::Cell<u8>);

#[test]
fn handles_and_errors_cross_threads() {
    let _watchdog = Watchdog::start();
    crosses_threads::<Wpc>();
    crosses_threads::<WeakWpc>();
    crosses_threads::<Pending<u64>>();
    crosses_threads::<Pending<NotSync>>();
    crosses_threads::<FunctionHandle<(u64, NotSync), NotSync>>();
    crosses_threads::<Function>();
    crosses_threads::<FunctionError>();
    crosses_threads::<Clock>();
    crosses_threads::<ManualClock>();
    crosses_threads::<Hash>();
    is_error::<CallError>();
    is_error::<Rejected>();
    is_error::<DefineError>();
    is_error::<StartError>();
    is_error::<StopError>();
    is_error::<WaitError>();
    is_error::<BuildError>();
    is_error::<NameError>();
    is_error::<ConstantError>();
    is_error::<LocalInUse>();
    is_error::<Interrupted>();
    is_error::<Misfit>();
    is_error::<HashParseError>();
}

fn boxed(wpc: &Wpc) -> Result<u64, Box<dyn Error + Send + Sync>> {
    wpc.define_function("add", |a: u64, b: u64| a + b)?;
    wpc.start_workers(1)?;
    let sum: u64 = wpc.call("add", (2_u64, 3_u64))?;
    let handle = wpc.function::<(u64, u64), u64>("add")?;
    let pending: Pending<u64> = wpc.submit("add", (sum, handle.call((1, 1))?))?;
    let total = pending.wait()?;
    wpc.stop_workers()?;
    if total == 7 { Err(FunctionError::new("Seven", "it is seven"))? } else { Ok(total) }
}

fn unsendable(wpc: &Wpc) -> Result<u64, Box<dyn Error>> {
    Ok(wpc.call::<u64>("add", (2_u64, 3_u64))?)
}

fn by_anyhow(wpc: &Wpc) -> anyhow::Result<u64> {
    Ok(wpc.call::<u64>("add", (2_u64, 3_u64))?)
}

#[test]
fn every_error_of_the_public_face_converts_into_a_boxed_one() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    assert_eq!(boxed(&wpc).expect_err("made so").to_string(), "Seven: it is seven");
    let rejected = "the call of `add` was rejected: the pool is not running";
    assert_eq!(unsendable(&wpc).expect_err("it was stopped").to_string(), rejected);
    assert_eq!(by_anyhow(&wpc).expect_err("it was stopped").to_string(), rejected);
}

#[test]
fn a_pending_call_is_waited_for_on_another_thread() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    wpc.define_function("add", |a: u64, b: u64| a + b).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let pending: Pending<u64> = wpc.submit("add", (2_u64, 3_u64)).expect("accepted");
    let waited = std::thread::spawn(move || pending.wait()).join().expect("it does not panic");
    assert_eq!(waited.expect("it runs"), 5);
}
