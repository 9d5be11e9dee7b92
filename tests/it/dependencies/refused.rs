//! What a library is refused for when it is defined. Nothing has changed then.

use std::path::{Path, PathBuf};

use wpc::{
    Context, DefineError, Detail, Dylib, EventName, Function, ImportError, Requirement, Subscription, Wpc,
};

use crate::support::{Built, Probe, Scratch, Watchdog, plugin, plugin_path, pool, text_of};

/// Where the header of an ELF file has its machine, and a machine that runs no tests, a Motorola 68000.
const ELF_MACHINE: usize = 18;
const OTHER_MACHINE: u16 = 4;

/// Where a plugin's descriptor has its numbers.
const ABI: usize = 8;
const SIZE: usize = 12;
const FUNCTION_SIZE: usize = 16;
const PANICS: usize = 20;
const CODEC: usize = 24;

/// A running pool, with a version of `bad` that serves.
struct Stage {
    wpc: Wpc,
    events: Subscription,
}

impl Stage {
    fn set() -> Self {
        let wpc = pool();
        wpc.define_dependency("bad", plugin("misbehaving")).expect("it is a plugin");
        wpc.start_workers(2).expect("they start");
        let events = wpc.subscribe().expect("there is room");
        Self { wpc, events }
    }

    /// Asserts that the library is refused with all of `facts` in what is said, and that nothing has changed.
    #[track_caller]
    fn refuses(&self, dylib: Dylib, facts: &[&str]) {
        let probe = Probe::define(&self.wpc, "bad");
        let before = self.wpc.dependencies();
        let (version, inits) =
            (self.wpc.function_info("bad.text").map(|it| it.version), probe.number("inits"));
        drop(self.events.drain());
        let error = self.wpc.define_dependency("bad", dylib).expect_err("it is to be refused");
        assert!(matches!(error, DefineError::Load { .. }), "{error:?}");
        let text = text_of(&error);
        for fact in facts {
            assert!(text.contains(fact), "`{fact}` is not in: {text}");
        }
        assert_eq!(self.wpc.dependencies(), before, "{text}");
        assert_eq!(self.wpc.function_info("bad.text").map(|it| it.version), version);
        assert_eq!((probe.text("label"), probe.number("inits")), ("a".to_owned(), inits));
        let told = self.events.drain();
        let [event] = &told[..] else { panic!("one event was to come: {told:?}") };
        assert_eq!(event.event_name, EventName::ControlCommandFailed);
        let detail = |key| event.detail(key).and_then(Detail::as_text);
        assert_eq!((detail("command"), detail("dependency")), (Some("define_dependency"), Some("bad")));
        let told = event.error.as_ref().expect("it says why");
        assert_eq!((told.name.as_str(), told.message.as_str()), ("DefineError", text.as_str()));
    }
}

fn shown(path: &Path) -> String {
    format!("`{}`", path.display())
}

#[test]
fn what_is_no_file_of_a_library() {
    let _watchdog = Watchdog::start();
    let stage = Stage::set();
    let scratch = Scratch::new();
    let missing = scratch.path("missing.so");
    stage.refuses(Dylib::at(&missing), &[&shown(&missing), "cannot be read", "No such file"]);
    let directory = scratch.path("");
    stage.refuses(Dylib::at(&directory), &[&shown(&directory), "is a directory, not a regular file"]);
    let text = scratch.write("text.so", b"#!/bin/sh\necho hello\n");
    stage.refuses(Dylib::at(&text), &[&shown(&text), "is no library: it begins with", "#!/bin/sh"]);
    let empty = scratch.write("empty.so", b"");
    stage.refuses(Dylib::at(&empty), &[&shown(&empty), "is empty"]);
    stage.refuses(Dylib::at(""), &["the path of a plugin is empty"]);
}

#[test]
fn a_library_that_is_cut_short_at_any_of_many_lengths() {
    let _watchdog = Watchdog::start();
    let stage = Stage::set();
    let scratch = Scratch::new();
    let whole = Built::read("misbehaving").0;
    // The last of it is the table of sections, of which nothing is loaded.
    for length in [1, 3, 4, 16, 63, 64, 100, 4_096, whole.len() / 64, whole.len() / 2, whole.len() - 1] {
        let path = scratch.write("cut.so", &whole[..length]);
        let fact = if length < 4 { "is no library" } else { "is cut short" };
        stage.refuses(Dylib::at(&path), &[&shown(&path), fact]);
    }
}

#[test]
fn a_library_of_another_machine() {
    let _watchdog = Watchdog::start();
    let stage = Stage::set();
    let scratch = Scratch::new();
    let mut built = Built::read("misbehaving");
    built.0[ELF_MACHINE..ELF_MACHINE + 2].copy_from_slice(&OTHER_MACHINE.to_ne_bytes());
    let path = scratch.write("other.so", &built.0);
    stage.refuses(Dylib::at(&path), &[&shown(&path), "was built for m68k, and this process runs as"]);
}

#[test]
fn a_plugin_that_was_made_for_another_agreement() {
    let _watchdog = Watchdog::start();
    let stage = Stage::set();
    let scratch = Scratch::new();
    for (offset, number, fact) in [
        (ABI, 2, "was made for agreement 2, and this host keeps to 1"),
        (SIZE, 80, "the descriptor of"),
        (SIZE, 80, "has 80 bytes"),
        (FUNCTION_SIZE, 41, "the function entry of"),
        (PANICS, 2, "was built with panic = \"abort\""),
        (PANICS, 9, "it says 9 of what a panic does"),
        (CODEC, 7, "encodes values as number 7, and this host as number 1"),
    ] {
        let built = Built::misbehaving("none", "b").with_descriptor(offset, number);
        let path = scratch.write("plugin.so", &built.0);
        stage.refuses(Dylib::at(&path), &[&shown(&path), fact]);
    }
}

#[test]
fn a_library_that_is_no_plugin() {
    let _watchdog = Watchdog::start();
    let Some(path) = system_library("libm.so.6") else { return };
    let stage = Stage::set();
    stage.refuses(Dylib::at(&path), &[&shown(&path), "is no plugin: it has no symbol `wpc_plugin`"]);
}

#[test]
fn an_export_that_is_not_there() {
    let _watchdog = Watchdog::start();
    let stage = Stage::set();
    let path = plugin_path("text");
    stage
        .refuses(Dylib::at(&path).export("basnam"), &[&shown(&path), "has no function `basnam`", "basename"]);
    stage.refuses(plugin("text").symbols(["basename"]), &[&shown(&path), "`symbols` is for C libraries"]);
}

#[test]
fn a_c_library_or_a_symbol_that_is_not_there() {
    let _watchdog = Watchdog::start();
    let stage = Stage::set();
    stage.refuses(Dylib::system("libm.so.6").symbols(["kos"]), &["`libm.so.6` has no symbol `kos`"]);
    stage.refuses(
        Dylib::system("libnowhere.so.77").symbols(["f"]),
        &["found no library `libnowhere.so.77`", "No such file"],
    );
    stage.refuses(Dylib::system("libm.so.6"), &["no symbol of `libm.so.6` is listed"]);
    stage.refuses(Dylib::system("libm.so.6").symbols(["cos"]).export("cos"), &["`export` is for plugins"]);
}

#[test]
fn a_library_that_is_refused_before_the_start_leaves_its_alias_undefined() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    let events = wpc.subscribe().expect("there is room");
    wpc.define_dependency("gone", Dylib::at("no/such/plugin.so")).expect_err("there is none");
    wpc.define_dependency("no alias", plugin("text")).expect_err("it is no name");
    assert!(wpc.dependencies().is_empty());
    assert_eq!(events.drain().len(), 2);
    let base = |ctx: &Context| -> Result<String, ImportError> { ctx.import("gone")?.call("basename", "a/b") };
    wpc.define_function("base", Function::new(base).requires(Requirement::dependency("gone")))
        .expect("a good function");
    wpc.start_workers(1).expect("it starts without it");
    wpc.call::<String>("base", ()).expect_err("it is not there");
    wpc.define_dependency("gone", plugin("text")).expect("it is a plugin");
    assert_eq!(wpc.call::<String>("base", ()).expect("now it is"), "b");
}

/// Where the system has that library, which this process has loaded.
fn system_library(name: &str) -> Option<PathBuf> {
    let folders = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(PathBuf::from);
    let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
    let nested = folders.clone().map(|folder| folder.join(&triple));
    folders.into_iter().chain(nested).map(|folder| folder.join(name)).find(|path| path.is_file())
}
