//! What a running function asks of its context.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use wpc::{CallError, CallId, Clock, Context, Interrupted, LocalInUse, Pending, RejectReason, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, pool, reason, until};

type Seen<T> = Arc<Mutex<Vec<T>>>;

fn note<T>(seen: &Seen<T>, what: T) {
    seen.lock().expect("nobody panics under it").push(what);
}

fn taken<T>(seen: &Seen<T>) -> Vec<T> {
    std::mem::take(&mut *seen.lock().expect("nobody panics under it"))
}

#[test]
fn it_tells_the_call_s_own_id_worker_and_deadline() {
    let _watchdog = Watchdog::start();
    let (clock, hands) = Clock::manual();
    let wpc = build(Wpc::builder().clock(clock.clone()).call_timeout(Duration::from_secs(30)));
    let seen: Seen<(CallId, usize, Option<std::time::Instant>)> = Seen::default();
    let notes = Arc::clone(&seen);
    let look = move |ctx: &Context| note(&notes, (ctx.call_id(), ctx.worker_id().index(), ctx.deadline()));
    wpc.define_function("look", look).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    hands.advance(Duration::from_secs(5));
    let now = clock.now();
    let pending: Pending<()> = wpc.submit("look", ()).expect("accepted");
    let id = pending.call_id();
    pending.wait().expect("it runs");
    assert_eq!(taken(&seen), [(id, 0, Some(now + Duration::from_secs(30)))]);
    wpc.request("look").timeout(Duration::from_millis(7)).call::<()>(()).expect("it runs");
    wpc.request("look").no_timeout().call::<()>(()).expect("it runs");
    let deadlines: Vec<_> = taken(&seen).into_iter().map(|(_, _, deadline)| deadline).collect();
    assert_eq!(deadlines, [Some(now + Duration::from_millis(7)), None]);
}

#[test]
fn check_names_the_call_once_it_was_cancelled_and_not_before() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let (entered, seen) = (Latch::new(), Seen::<Result<(), Interrupted>>::default());
    let (held, notes) = (entered.clone(), Arc::clone(&seen));
    let look = move |ctx: &Context| -> Result<(), Interrupted> {
        note(&notes, ctx.check());
        held.hold();
        note(&notes, ctx.check());
        ctx.check()
    };
    wpc.define_function("look", look).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let pending: Pending<()> = wpc.submit("look", ()).expect("accepted");
    let call_id = pending.call_id();
    entered.wait_entered(1);
    assert!(pending.cancel());
    entered.release();
    until(|| wpc.stats().calls.late == 1);
    assert_eq!(taken(&seen), [Ok(()), Err(Interrupted { call_id })]);
    assert!(matches!(pending.wait(), Err(CallError::Cancelled { started: true, .. })));
}

#[test]
fn local_state_is_kept_by_function_and_type() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let count = |ctx: &Context| -> Result<(u32, u64), LocalInUse> {
        let small = ctx.local(|| 0_u32, |n| std::mem::replace(n, *n + 1))?;
        let large = ctx.local(|| 100_u64, |n| std::mem::replace(n, *n + 1))?;
        Ok((small, large))
    };
    wpc.define_function("one", count).expect("the name is right");
    wpc.define_function("other", count).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    assert_eq!(wpc.call::<(u32, u64)>("one", ()).expect("free"), (0, 100));
    assert_eq!(wpc.call::<(u32, u64)>("one", ()).expect("free"), (1, 101));
    assert_eq!(wpc.call::<(u32, u64)>("other", ()).expect("free"), (0, 100));
}

#[test]
fn local_state_in_use_further_out_is_an_error_and_no_panic() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let again = |ctx: &Context, depth: u64| -> Result<u64, wpc::FunctionError> {
        let inner = |count: &mut u64| {
            *count += 1;
            if depth == 0 { Ok(*count) } else { ctx.call::<u64>("again", depth - 1) }
        };
        Ok(ctx.local(|| 0_u64, inner)??)
    };
    wpc.define_function("again", again).expect("the name is right");
    let in_init = |ctx: &Context| ctx.local(|| ctx.local(|| 1_u8, |n| *n), |inner| inner.clone());
    wpc.define_function("in_init", move |ctx: &Context| in_init(ctx).map(|inner| inner.is_ok()))
        .expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    let run = wpc.workers()[0].run;

    let Err(CallError::Failed(error)) = wpc.call::<u64>("again", 1_u64) else { panic!("it is in use") };
    let Some(CallError::Failed(inner)) = error.downcast_ref::<CallError>() else { panic!("{error:?}") };
    let in_use = inner.downcast_ref::<LocalInUse>().expect("the error's own type");
    assert_eq!((in_use.state, &*in_use.function), ("u64", "again"));
    assert_eq!(wpc.call::<u64>("again", 0_u64).expect("it is free again"), 2, "and it was kept");
    assert!(wpc.call::<bool>("in_init", ()).expect("two types, two states"));
    assert_eq!(wpc.workers()[0].run, run, "nothing panicked");
    assert_ledger_is_even(&wpc);
}

#[test]
fn call_runs_the_other_function_on_this_worker_inside_the_running_one() {
    let _watchdog = Watchdog::start();
    let (clock, _hands) = Clock::manual();
    let wpc = build(Wpc::builder().clock(clock));
    let seen: Seen<(CallId, usize, Option<std::time::Instant>)> = Seen::default();
    let notes = Arc::clone(&seen);
    wpc.define_function("inner", move |ctx: &Context, n: u64| {
        note(&notes, (ctx.call_id(), ctx.worker_id().index(), ctx.deadline()));
        n + 1
    })
    .expect("the name is right");
    let notes = Arc::clone(&seen);
    wpc.define_function("outer", move |ctx: &Context, n: u64| {
        note(&notes, (ctx.call_id(), ctx.worker_id().index(), ctx.deadline()));
        ctx.call::<u64>("inner", n)
    })
    .expect("the name is right");
    wpc.start_workers(3).expect("threads can be had");
    let request = wpc.request("outer").timeout(Duration::from_secs(3));
    assert_eq!(request.call::<u64>(4_u64).expect("both run"), 5);
    let seen = taken(&seen);
    let [outer, inner] = seen.as_slice() else { panic!("each ran once: {seen:?}") };
    assert_ne!(outer.0, inner.0, "each call has an id of its own");
    assert_eq!(outer.1, inner.1, "on the same worker");
    assert_eq!(outer.2, inner.2, "the earlier of the two deadlines");
    let calls = wpc.stats().calls;
    assert_eq!((calls.accepted, calls.values, calls.handled), (2, 2, 2), "an inline call counts");
    assert_ledger_is_even(&wpc);
}

#[test]
fn call_of_an_unknown_name_is_rejected_inside_and_gives_the_arguments_back() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let outer = |ctx: &Context| {
        let error = ctx.call::<u64>("nobody", "mine".to_owned()).expect_err("there is none");
        let CallError::Rejected(rejected) = error else { panic!("not rejected: {error:?}") };
        assert_eq!(rejected.reason(), &RejectReason::NotDefined);
        assert_eq!(rejected.function(), "nobody");
        rejected.into_arguments::<String>().expect("they come back")
    };
    wpc.define_function("outer", outer).expect("the name is right");
    wpc.start_workers(1).expect("a thread can be had");
    assert_eq!(wpc.call::<String>("outer", ()).expect("the outer one runs"), "mine");
    assert_eq!(wpc.stats().rejected, 1);
    assert_eq!(reason(wpc.call::<u64>("nobody", ())), RejectReason::NotDefined);
}
