//! Dependencies that are defined and taken away, and functions that find them or not.

use wpc::{
    CallError, Clock, Context, Function, ImportError, Pending, RejectReason, Requirement, Wpc, function,
};

use crate::support::{
    Latch, Probe, Watchdog, assert_ledger_is_even, build, meet, meeting, plugin, pool, reason, until,
};

mod d1_a_dependency_is_usable_whether_it_was_defined_before_the_workers_or_after {
    use std::sync::{Arc, Barrier};

    use super::*;

    fn define_base(wpc: &Wpc) {
        let base = function!(|ctx: &Context, path: String| -> Result<String, ImportError> {
            ctx.import("text")?.call("basename", path)
        });
        wpc.define_function("base", base).expect("a good function");
    }

    #[test]
    fn before() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let defined = wpc.define_dependency("text", plugin("text")).expect("it is a plugin");
        assert_eq!((defined.installed, defined.pending.len()), (0, 0));
        define_base(&wpc);
        assert_eq!(wpc.dependencies()[0].installed_worker_count, 0);
        wpc.start_workers(3).expect("they start");
        assert_eq!(wpc.dependencies()[0].installed_worker_count, 3);
        assert!(wpc.workers().iter().all(|worker| worker.is_in_step), "{:?}", wpc.workers());
        assert_eq!(wpc.call::<String>("base", "notes/example.txt").expect("a value"), "example.txt");
        wpc.stop_workers().expect("they stop");
        assert_eq!(wpc.dependencies()[0].installed_worker_count, 0);
    }

    #[test]
    fn after() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        wpc.start_workers(3).expect("they start");
        define_base(&wpc);
        assert_eq!(
            reason(wpc.call::<String>("base", "a/b")),
            RejectReason::MissingRequirement { name: "text".to_owned() }
        );
        let defined = wpc.define_dependency("text", plugin("text")).expect("it is a plugin");
        assert_eq!((defined.installed, defined.pending.len()), (3, 0));
        let info = &wpc.dependencies()[0];
        assert_eq!((info.alias.as_str(), info.plugin_name.as_deref()), ("text", Some("text")));
        assert_eq!((info.version, info.installed_worker_count), (defined.version, 3));
        assert_eq!(info.library_hash_sha1, Some(defined.hash));
        assert!(info.exports.iter().any(|export| export.name == "basename"), "{info:?}");
        assert!(wpc.workers().iter().all(|worker| worker.is_in_step), "{:?}", wpc.workers());
        assert_eq!(wpc.call::<String>("base", "notes/example.txt").expect("a value"), "example.txt");
    }

    #[test]
    fn on_every_worker() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        wpc.start_workers(3).expect("they start");
        wpc.define_dependency("text", plugin("text")).expect("it is a plugin");
        let met = meeting(&Arc::new(Barrier::new(3)), 7).requires(Requirement::dependency("text"));
        wpc.define_function("meet", met).expect("a good function");
        assert_eq!(meet(&wpc, "meet", 3), [(0, 7), (1, 7), (2, 7)]);
    }
}

mod d2_a_dependency_that_is_removed_is_missing_for_new_calls_and_there_for_accepted_ones {
    use super::*;

    /// A function that is held, and then calls the plugin.
    fn held_base(latch: &Latch) -> Function {
        let held = latch.clone();
        let base = move |ctx: &Context, path: String| -> Result<String, ImportError> {
            held.hold();
            ctx.import("text")?.call("basename", path)
        };
        Function::new(base).requires(Requirement::dependency("text"))
    }

    #[test]
    fn one_in_flight_and_others_in_the_queue_finish() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let latch = Latch::new();
        wpc.define_dependency("text", plugin("text")).expect("it is a plugin");
        wpc.define_function("base", held_base(&latch)).expect("a good function");
        wpc.start_workers(1).expect("it starts");
        let calls: Vec<Pending<String>> =
            (0..5).map(|n| wpc.submit("base", format!("a/{n}")).expect("accepted")).collect();
        latch.wait_entered(1);
        assert!(wpc.undefine_dependency("text").expect("a good alias"));
        assert!(wpc.dependencies().is_empty());
        let missing = RejectReason::MissingRequirement { name: "text".to_owned() };
        assert_eq!(reason(wpc.call::<String>("base", "a/b")), missing);
        assert_eq!(latch.entered(), 1, "the rejected call did not run");
        latch.release();
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(call.wait().expect("it was bound before"), n.to_string());
        }
        assert_eq!(reason(wpc.call::<String>("base", "a/b")), missing);
        assert!(!wpc.undefine_dependency("text").expect("a good alias"), "it is gone already");
        assert_ledger_is_even(&wpc);
    }

    #[test]
    fn and_defined_again_it_is_there_again_as_another_load() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let probe = Probe::define(&wpc, "bad");
        wpc.start_workers(2).expect("they start");
        let first = wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
        let generation = wpc.dependencies()[0].generation;
        assert_eq!(probe.number("inits"), 2);
        assert!(wpc.undefine_dependency("bad").expect("a good alias"));
        assert_eq!(wpc.functions()[0].requires, [Requirement::dependency("bad")]);
        let second = wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
        assert!(second.version > first.version);
        assert_eq!(second.hash, first.hash);
        assert!(wpc.dependencies()[0].generation > generation);
        assert_eq!((second.installed, second.pending.len()), (2, 0));
        assert_eq!(probe.number("inits"), 2, "the statics are those of another copy");
        assert_eq!(probe.number("live"), 2);
    }

    #[test]
    fn workers_are_in_step_without_it() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        wpc.define_dependency("text", plugin("text")).expect("it is a plugin");
        wpc.start_workers(3).expect("they start");
        assert!(wpc.undefine_dependency("text").expect("a good alias"));
        until(|| wpc.workers().iter().all(|worker| worker.is_in_step));
        assert!(wpc.workers().iter().all(|worker| worker.not_installed.is_empty()));
    }
}

mod d3_an_alias_that_is_not_registered_cannot_be_imported {
    use super::*;

    #[test]
    fn under_a_computed_name() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        wpc.define_dependency("text", plugin("text")).expect("it is a plugin");
        let base = |ctx: &Context, alias: String| -> Result<String, ImportError> {
            ctx.import(&alias)?.call("basename", "a/b")
        };
        wpc.define_function("base", base).expect("a good function");
        wpc.start_workers(1).expect("it starts");
        assert_eq!(wpc.call::<String>("base", "text").expect("it is registered"), "b");
        for alias in ["texts", "libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6", ""] {
            let Err(CallError::Failed(error)) = wpc.call::<String>("base", alias) else {
                panic!("`{alias}` was imported");
            };
            let found = error.downcast_ref::<ImportError>().expect("it is the function's own error");
            assert!(matches!(found, ImportError::NotDefined { alias: it } if it == alias), "{found}");
            assert_eq!(error.message(), format!("no dependency `{alias}` is defined"));
        }
        assert!(wpc.undefine_dependency("text").expect("a good alias"));
        let gone = wpc.call::<String>("base", "text");
        assert!(matches!(gone, Err(CallError::Failed(_))), "{gone:?}");
    }

    #[test]
    fn under_a_literal_one_before_anything_runs() {
        let _watchdog = Watchdog::start();
        let wpc = build(Wpc::builder().clock(Clock::manual().0));
        let base = function!(|ctx: &Context| -> Result<String, ImportError> {
            ctx.import("nowhere")?.call("basename", "a/b")
        });
        let defined = wpc.define_function("base", base).expect("a good function");
        wpc.start_workers(1).expect("it starts");
        let missing = RejectReason::MissingRequirement { name: "nowhere".to_owned() };
        assert_eq!(reason(wpc.call::<String>("base", ())), missing);
        assert_eq!(wpc.function_info("base").expect("it is defined").version, defined.version);
        assert_eq!(wpc.stats().calls.accepted, 0);
    }
}
