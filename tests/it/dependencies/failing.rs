//! Dependencies that cannot be installed, on any worker or on one.

use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use wpc::{
    CallError, Clock, Context, DefineError, Detail, Event, EventName, Function, FunctionError, ImportError,
    InstanceError, ManualClock, Pending, RejectReason, Requirement, Run, ThreadLife, WorkerId, WorkerState,
    Wpc,
};

use crate::support::{
    Built, Busy, Latch, Probe, Scratch, Watchdog, assert_ledger_is_even, build, finish, meet, meeting,
    plugin, reason, rest, start_on, until,
};

/// The default.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest delay before a first restart, by the default policy with its jitter.
const RESTART_MAX: Duration = Duration::from_millis(200);

/// The delay before a first other try, by the default policy.
const RETRY: Duration = Duration::from_millis(100);

mod w17_a_dependency_that_fails_to_install {
    use super::*;

    mod on_any_ready_worker_is_not_defined {
        use super::*;

        #[test]
        fn where_its_init_fails() {
            let cause =
                InstanceError::Failed { name: "NoInstance".to_owned(), message: "asked to fail".to_owned() };
            assert_discarded("fail-second-init", &cause);
        }

        #[test]
        fn where_its_init_panics() {
            let cause =
                InstanceError::Panicked { message: "asked to panic while a state is made".to_owned() };
            assert_discarded("panic-second-init", &cause);
        }

        /// A good version serves, one of another build fails on one of three workers, and a third one is good again.
        #[track_caller]
        fn assert_discarded(mode: &str, expected: &InstanceError) {
            let _watchdog = Watchdog::start();
            let scratch = Scratch::new();
            // Each worker's first thread ends after some calls: the next one begins with the version that serves.
            let start = |_: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
                Ok(if run.get() == 1 { ThreadLife::calls(12) } else { ThreadLife::endless() })
            };
            let wpc = build(Wpc::builder().thread_start(start));
            let events = wpc.subscribe().expect("there is room");
            wpc.define_dependency("bad", Built::misbehaving("none", "one").write(&scratch, "one.so"))
                .expect("it is a plugin");
            wpc.start_workers(3).expect("they start");
            let before = wpc.dependencies();
            drop(events.drain());
            let failing = Built::misbehaving(mode, "failing").write(&scratch, "failing.so");
            let error = wpc.define_dependency("bad", failing).expect_err("one worker does not get it");
            let DefineError::Install { alias, failures } = &error else { panic!("it is {error:?}") };
            assert_eq!((alias.as_str(), failures.len()), ("bad", 1), "{error}");
            assert_eq!(failures[0].cause, *expected);
            let text = format!("worker {}: {expected}", failures[0].worker_id);
            assert!(error.to_string().ends_with(&text), "{error}");
            assert_told(&events.drain(), &error);
            assert_eq!(wpc.dependencies(), before);
            assert!(wpc.workers().iter().all(|it| it.is_in_step && it.not_installed.is_empty()), "{wpc:?}");
            assert_eq!(
                labels(&wpc),
                [(0, "one"), (1, "one"), (2, "one")].map(|(at, it)| (at, it.to_owned()))
            );
            let probe = Probe::define(&wpc, "bad");
            until(|| {
                assert_eq!(probe.text("label"), "one");
                wpc.workers().iter().all(|it| it.run.get() == 2 && it.state == WorkerState::Ready)
            });
            assert_eq!(wpc.dependencies()[0].installed_worker_count, 3);
            assert!(
                wpc.workers().iter().all(|it| it.restarts == 1 && it.not_installed.is_empty()),
                "{wpc:?}"
            );
            let two = Built::misbehaving("none", "two").write(&scratch, "two.so");
            let defined = wpc.define_dependency("bad", two).expect("it is a good one");
            assert_eq!((defined.installed, defined.pending.len()), (3, 0));
            assert_eq!(
                labels(&wpc),
                [(0, "two"), (1, "two"), (2, "two")].map(|(at, it)| (at, it.to_owned()))
            );
            assert_ledger_is_even(&wpc);
        }

        fn assert_told(events: &[Arc<Event>], error: &DefineError) {
            let told: Vec<_> =
                events.iter().filter(|it| it.event_name == EventName::ControlCommandFailed).collect();
            assert_eq!(told.len(), 1, "{events:?}");
            assert_eq!(told[0].error.as_ref().expect("it says why").message, error.to_string());
            assert_eq!(text(told[0], "command"), Some("define_dependency"));
        }

        /// What the plugin's label is on each of the three workers.
        fn labels(wpc: &Wpc) -> Vec<(usize, String)> {
            let barrier = Arc::new(Barrier::new(3));
            let label = move |ctx: &Context| -> Result<(usize, String), ImportError> {
                barrier.wait();
                Ok((ctx.worker_id().index(), ctx.import("bad")?.call("label", ())?))
            };
            let label = Function::new(label).requires(Requirement::dependency("bad"));
            wpc.define_function("labels", label).expect("a good function");
            let calls: Vec<Pending<(usize, String)>> =
                (0..3).map(|_| wpc.submit("labels", ()).expect("accepted")).collect();
            let mut labels: Vec<_> = calls.into_iter().map(|it| it.wait().expect("a value")).collect();
            labels.sort_unstable();
            labels
        }

        #[test]
        fn where_its_init_hangs() {
            let _watchdog = Watchdog::start();
            let scratch = Scratch::new();
            let (clock, hands) = Clock::manual();
            let wpc = build(Wpc::builder().clock(clock));
            let mut busy = Busy::define(&wpc);
            let probe = Probe::define(&wpc, "bad");
            wpc.define_dependency("bad", Built::misbehaving("none", "one").write(&scratch, "one.so"))
                .expect("it is a plugin");
            start_on(&hands, &wpc, 3);
            let before = wpc.dependencies();
            busy.occupy(&wpc, 2);
            let hanging = Built::misbehaving("hang-init", "hanging").write(&scratch, "hanging.so");
            rest(&hands);
            let error = std::thread::scope(|scope| {
                let defining = scope.spawn(|| wpc.define_dependency("bad", hanging));
                // The one that defines, and the timekeeper, since a worker has begun with the `init`.
                until(|| hands.waiting() == 2);
                hands.advance(CONTROL_TIMEOUT);
                defining.join().expect("it does not panic").expect_err("one worker is in it still")
            });
            let DefineError::Install { failures, .. } = &error else { panic!("it is {error:?}") };
            assert_eq!(failures.len(), 1, "{error}");
            assert_eq!(failures[0].cause, InstanceError::Hung);
            let hung = failures[0].worker_id.index();
            assert_eq!(wpc.dependencies()[0].generation, before[0].generation);
            let has_settled = |state| matches!(state, WorkerState::Ready | WorkerState::GaveUp);
            until(|| wpc.stats().abandoned_threads_ever > 0);
            until(|| wpc.workers()[hung].run.get() > 1 && has_settled(wpc.workers()[hung].state));
            let worker = &wpc.workers()[hung];
            assert_eq!((worker.state, worker.run.get()), (WorkerState::Ready, 2), "{worker:?}");
            assert_eq!(wpc.stats().abandoned_threads_ever, 1);
            assert_eq!(probe.text("label"), "one", "the new run has the earlier version");
            assert!(!busy.release().contains(&hung), "the others were inside their calls");
            until(|| wpc.dependencies() == before);
            assert!(wpc.workers().iter().all(|it| it.not_installed.is_empty()), "{:?}", wpc.workers());
            let two = Built::misbehaving("none", "two").write(&scratch, "two.so");
            let defined = wpc.define_dependency("bad", two).expect("it is a good one");
            assert_eq!((defined.installed, defined.pending.len()), (3, 0));
            assert_eq!(probe.text("label"), "two");
            assert_ledger_is_even(&wpc);
        }

        #[test]
        fn and_what_was_discarded_is_never_tried_again() {
            let _watchdog = Watchdog::start();
            let scratch = Scratch::new();
            let (clock, hands) = Clock::manual();
            let wpc = build(Wpc::builder().clock(clock));
            let at = |ctx: &Context| ctx.worker_id().index();
            wpc.define_function("at", at).expect("a good function");
            start_on(&hands, &wpc, 1);
            let hanging = Built::misbehaving("hang-init", "hanging").write(&scratch, "hanging.so");
            rest(&hands);
            std::thread::scope(|scope| {
                let defining = scope.spawn(|| wpc.define_dependency("bad", hanging));
                until(|| hands.waiting() == 2);
                hands.advance(CONTROL_TIMEOUT);
                defining.join().expect("it does not panic").expect_err("the only worker is in it still");
            });
            until(|| wpc.workers()[0].state == WorkerState::Ready);
            for _ in 0..3 {
                hands.advance(Duration::from_secs(5)); // longer than any delay, shorter than any timeout
                let call: Pending<usize> = wpc.request("at").no_timeout().submit(()).expect("accepted");
                until(|| call.is_done());
                assert_eq!(call.wait().expect("the worker serves"), 0);
                assert_eq!(wpc.stats().abandoned_threads_ever, 1);
            }
            assert!(wpc.workers()[0].not_installed.is_empty(), "{:?}", wpc.workers());
        }
    }

    mod on_one_worker_at_its_restart_is_tried_again {
        use super::*;

        #[test]
        fn and_that_worker_serves_what_does_not_require_it() {
            let _watchdog = Watchdog::start();
            let (wpc, hands) = with_short_worker(3);
            let probe = Probe::define(&wpc, "bad");
            let events = wpc.subscribe().expect("there is room");
            let latch = define_users(&wpc);
            probe.set("fail_next_inits", 1);
            lose_worker(&wpc, &hands);
            let worker = &wpc.workers()[0];
            assert_eq!((worker.not_installed.len(), worker.is_in_step), (1, true), "{worker:?}");
            assert_eq!(worker.not_installed[0].alias, "bad");
            assert_eq!(worker.not_installed[0].cause, asked_to_fail());
            assert_eq!(wpc.dependencies()[0].installed_worker_count, 2);
            for _ in 0..12 {
                assert_ne!(wpc.call::<usize>("user", ()).expect("two workers have it"), 0);
            }
            let held: Vec<Pending<()>> = (0..2).map(|_| submit(&wpc, "held_user")).collect();
            latch.wait_entered(2);
            let waiting: Pending<usize> = submit(&wpc, "user");
            for _ in 0..4 {
                assert_eq!(wpc.call::<usize>("plain", ()).expect("it is free"), 0);
            }
            assert!(!waiting.is_done(), "only the two that are busy may run it");
            let told = events.drain();
            let failed: Vec<_> =
                told.iter().filter(|it| it.event_name == EventName::ControlCommandFailed).collect();
            assert_eq!(failed.len(), 1, "{told:?}");
            assert_eq!(text(failed[0], "command"), Some("install_dependency"));
            assert_eq!(failed[0].worker_id.map(WorkerId::index), Some(0));
            assert_eq!(failed[0].detail("retry_delay_ms"), Some(&Detail::Number(100)));
            hands.advance(RETRY);
            // With nothing else free, it is the worker that has it now.
            assert_eq!(waiting.wait().expect("it is eligible again"), 0);
            assert!(wpc.workers()[0].not_installed.is_empty());
            let told = events.drain();
            let installed: Vec<_> =
                told.iter().filter(|it| it.event_name == EventName::DependencyInstalled).collect();
            assert_eq!(installed.len(), 1, "{told:?}");
            assert_eq!(installed[0].worker_id.map(WorkerId::index), Some(0));
            assert_eq!(text(installed[0], "dependency"), Some("bad"));
            assert_eq!(wpc.dependencies()[0].installed_worker_count, 3);
            latch.release();
            finish(held);
            let met = meeting(&Arc::new(Barrier::new(3)), 1).requires(Requirement::dependency("bad"));
            wpc.define_function("meet", met).expect("a good function");
            assert_eq!(meet(&wpc, "meet", 3), [(0, 1), (1, 1), (2, 1)]);
            assert_ledger_is_even(&wpc);
        }

        #[test]
        fn and_without_another_worker_calls_end_by_name() {
            let _watchdog = Watchdog::start();
            let (wpc, hands) = with_short_worker(1);
            let probe = Probe::define(&wpc, "bad");
            define_users(&wpc);
            let events = wpc.subscribe().expect("there is room");
            probe.set("fail_next_inits", 1);
            until(|| wpc.workers()[0].state == WorkerState::Backoff);
            let queued: Vec<Pending<usize>> = (0..3).map(|_| submit(&wpc, "user")).collect();
            let other: Pending<usize> = submit(&wpc, "plain");
            hands.advance(RESTART_MAX);
            for call in queued {
                until(|| call.is_done()); // its time stands still
                let outcome = call.wait();
                let Err(CallError::Failed(error)) = outcome else {
                    panic!("it ended otherwise: {outcome:?}")
                };
                assert_eq!(error.name(), "NotInstalled");
                assert!(
                    error.message().starts_with("dependency `bad` is not installed on any worker: "),
                    "{error}"
                );
                assert_eq!(error.details().get("dependency").map(String::as_str), Some("bad"));
                assert_eq!(error.downcast_ref::<InstanceError>(), Some(&asked_to_fail()));
            }
            assert_eq!(other.wait().expect("it requires nothing"), 0);
            let told = events.drain();
            let failed: Vec<_> =
                told.iter().filter(|it| it.event_name == EventName::CallExecutionFailed).collect();
            assert_eq!(failed.len(), 3);
            let started = |it: &&Arc<Event>| it.detail("started").and_then(Detail::as_flag);
            assert!(failed.iter().all(|it| started(it) == Some(false)), "nothing of them ran: {failed:?}");
            let expected = RejectReason::NotInstalled { name: "bad".to_owned(), cause: asked_to_fail() };
            assert_eq!(reason(wpc.call::<usize>("user", ())), expected);
            hands.advance(RETRY);
            until(|| wpc.workers()[0].not_installed.is_empty());
            assert_eq!(wpc.call::<usize>("user", ()).expect("it has it now"), 0);
            assert_eq!((probe.number("inits"), probe.number("live")), (3, 1));
            assert_ledger_is_even(&wpc);
        }

        #[test]
        fn and_what_it_cannot_run_does_not_bring_forward_what_waits_behind_that() {
            let _watchdog = Watchdog::start();
            let (wpc, hands) = with_short_worker(2);
            let probe = Probe::define(&wpc, "bad");
            let latch = define_users(&wpc);
            let (gate, ran) = (Latch::new(), Arc::new(Mutex::new(Vec::new())));
            let (inside, list) = (gate.clone(), Arc::clone(&ran));
            wpc.define_function("gate", move || inside.hold()).expect("a good function");
            let note = move |n: u32| list.lock().expect("nobody panics").push(n);
            wpc.define_function("note", note).expect("a good function");
            probe.set("fail_next_inits", 1);
            lose_worker(&wpc, &hands);
            assert_eq!(wpc.workers()[0].not_installed.len(), 1);
            let held: Pending<()> = submit(&wpc, "held_user");
            latch.wait_entered(1);
            let gated: Pending<()> = submit(&wpc, "gate");
            gate.wait_entered(1);
            // Only worker 1 can run this one, which is the oldest; of the others each worker has some.
            let waiting: Pending<usize> = submit(&wpc, "user");
            let note = |n: u32| {
                let request = wpc.request("note").no_timeout().priority(if n == 0 { 0 } else { 100 });
                request.submit(n).expect("it is accepted")
            };
            let notes: Vec<Pending<()>> = (0..8).map(note).collect();
            hands.advance(Duration::from_millis(2));
            gate.release();
            finish([gated]);
            finish(notes);
            assert_eq!(ran.lock().expect("nobody panics")[0], 0, "the urgent one goes first");
            assert!(!waiting.is_done(), "its worker is held");
            latch.release();
            finish([held]);
            waiting.wait().expect("a value");
        }

        #[test]
        fn by_delays_that_double() {
            let _watchdog = Watchdog::start();
            let (wpc, hands) = with_short_worker(1);
            let probe = Probe::define(&wpc, "bad");
            let events = wpc.subscribe().expect("there is room");
            probe.set("fail_next_inits", 4);
            lose_worker(&wpc, &hands);
            for delay in [100, 200, 400, 800] {
                let mut told = Vec::new();
                until(|| {
                    told.extend(events.drain());
                    told.iter().any(|it| it.event_name == EventName::ControlCommandFailed)
                });
                let failed = told.iter().find(|it| it.event_name == EventName::ControlCommandFailed);
                let found = failed.and_then(|it| it.detail("retry_delay_ms"));
                assert_eq!(found, Some(&Detail::Number(delay)));
                assert_eq!(wpc.workers()[0].not_installed.len(), 1);
                hands.advance(Duration::from_millis(delay));
            }
            until(|| wpc.workers()[0].not_installed.is_empty());
            assert_eq!((probe.number("inits"), probe.number("live")), (6, 1));
        }

        /// A running pool with `bad`, whose worker 0 ends after its first call.
        fn with_short_worker(workers: usize) -> (Wpc, ManualClock) {
            let (clock, hands) = Clock::manual();
            let start = |worker: WorkerId, run: Run| -> Result<ThreadLife, FunctionError> {
                let is_short = worker.index() == 0 && run.get() == 1;
                Ok(if is_short { ThreadLife::calls(1) } else { ThreadLife::endless() })
            };
            let wpc = build(Wpc::builder().clock(clock).thread_start(start));
            wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
            start_on(&hands, &wpc, workers);
            (wpc, hands)
        }

        /// Loses worker 0 and waits for its next run.
        fn lose_worker(wpc: &Wpc, hands: &ManualClock) {
            wpc.define_function("nothing", || ()).expect("a good function");
            until(|| {
                let is_lost = wpc.workers()[0].state == WorkerState::Backoff;
                if !is_lost && wpc.workers()[0].run.get() == 1 && wpc.workers()[0].handled == 0 {
                    wpc.call::<()>("nothing", ()).expect("a value");
                }
                is_lost
            });
            hands.advance(RESTART_MAX);
            until(|| wpc.workers()[0].state == WorkerState::Ready);
        }

        /// Functions that say which worker runs them: two that require `bad`, one of which is held, and one that does not.
        fn define_users(wpc: &Wpc) -> Latch {
            let latch = Latch::new();
            let held = latch.clone();
            let at = |ctx: &Context| ctx.worker_id().index();
            let user = Function::new(at).requires(Requirement::dependency("bad"));
            wpc.define_function("user", user).expect("a good function");
            let held_user = Function::new(move || held.hold()).requires(Requirement::dependency("bad"));
            wpc.define_function("held_user", held_user).expect("a good function");
            wpc.define_function("plain", at).expect("a good function");
            latch
        }

        fn submit<R: serde::de::DeserializeOwned + Send + 'static>(wpc: &Wpc, name: &str) -> Pending<R> {
            wpc.request(name).no_timeout().submit(()).expect("accepted")
        }

        fn asked_to_fail() -> InstanceError {
            InstanceError::Failed { name: "NoInstance".to_owned(), message: "asked to fail".to_owned() }
        }
    }
}

fn text<'a>(event: &'a Event, key: &str) -> Option<&'a str> {
    event.detail(key).and_then(Detail::as_text)
}
