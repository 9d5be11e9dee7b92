//! Several loaded libraries beside each other.

use wpc::{Context, FunctionError, Wpc, function};

use crate::support::{Built, Probe, Scratch, Watchdog, plugin, pool};

mod d12_two_plugins_that_export_the_same_symbols_each_keep_their_own {
    use super::*;

    #[test]
    fn two_plugins_with_their_own_descriptors() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let both = function!(|ctx: &Context| -> Result<(String, String), FunctionError> {
            let base = ctx.import("text")?.call("basename", "a/b")?;
            Ok((base, ctx.import("bad")?.call("echo", "c")?))
        });
        wpc.define_function("both", both).expect("a good function");
        wpc.define_dependency("text", plugin("text")).expect("it is a plugin");
        wpc.start_workers(2).expect("they start");
        wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
        assert_eq!(names(&wpc), ["misbehaving", "text"]);
        let called: (String, String) = wpc.call("both", ()).expect("each has its functions");
        assert_eq!(called, ("b".to_owned(), "c".to_owned()));
    }

    #[test]
    fn two_builds_of_one_plugin_in_one_function() {
        let _watchdog = Watchdog::start();
        let scratch = Scratch::new();
        let wpc = pool();
        let labels = function!(|ctx: &Context| -> Result<(String, String), FunctionError> {
            Ok((ctx.import("one")?.call("label", ())?, ctx.import("two")?.call("label", ())?))
        });
        wpc.define_function("labels", labels).expect("a good function");
        let bumps = function!(|ctx: &Context| -> Result<(u64, u64), FunctionError> {
            let one = ctx.import("one")?;
            one.call::<u64>("bump", ())?;
            Ok((one.call("bump", ())?, ctx.import("two")?.call("bump", ())?))
        });
        wpc.define_function("bumps", bumps).expect("a good function");
        wpc.start_workers(1).expect("it starts");
        let (one, two) = (Probe::define(&wpc, "one"), Probe::define(&wpc, "two"));
        let first = Built::misbehaving("none", "one").write(&scratch, "one.so");
        let second = Built::misbehaving("none", "two").write(&scratch, "two.so");
        let first = wpc.define_dependency("one", first).expect("it is a plugin");
        let second = wpc.define_dependency("two", second).expect("it is a plugin");
        assert_ne!(first.hash, second.hash);
        let called: (String, String) = wpc.call("labels", ()).expect("both are there");
        assert_eq!(called, ("one".to_owned(), "two".to_owned()));
        assert_eq!(wpc.call::<(u64, u64)>("bumps", ()).expect("both are there"), (2, 1));
        one.set("fail_next_inits", 1);
        assert_eq!((one.number("inits"), two.number("inits")), (1, 1));
        wpc.stop_workers().expect("it stops");
        wpc.start_workers(1).expect("it starts");
        let worker = &wpc.workers()[0];
        let lacking: Vec<_> = worker.not_installed.iter().map(|it| it.alias.as_str()).collect();
        assert_eq!(lacking, ["one"], "the statics of the other were not touched");
        assert_eq!((two.number("inits"), two.number("frees")), (2, 1));
    }

    #[test]
    fn one_build_under_two_aliases() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        wpc.start_workers(1).expect("it starts");
        let (one, two) = (Probe::define(&wpc, "one"), Probe::define(&wpc, "two"));
        wpc.define_dependency("one", plugin("misbehaving")).expect("it is a plugin");
        wpc.define_dependency("two", plugin("misbehaving")).expect("it is a plugin");
        for expected in 1..=3 {
            assert_eq!(one.number("bump"), expected);
        }
        assert_eq!((two.number("bump"), two.number("inits")), (1, 1));
    }

    fn names(wpc: &Wpc) -> Vec<String> {
        wpc.dependencies().into_iter().filter_map(|info| info.plugin_name).collect()
    }
}
