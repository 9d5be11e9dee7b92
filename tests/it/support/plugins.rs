//! The plugins that the tests load: where cargo has built them, copies of them that are changed first, and functions that
//! ask them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use wpc::{CallError, Context, DefineError, Dylib, Function, ImportError, Requirement, Wpc};

/// The bytes of a text in `misbehaving` that may be changed.
const REGION_BYTES: usize = 64;

/// What the descriptor of a plugin begins with: its magic and the number of its agreement.
const DESCRIPTOR: &[u8] = b"wpc-plug\x01\0\0\0";

/// The plugin `name` of this workspace, which cargo has built beside this test.
pub(crate) fn plugin_path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let file = format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    test.parent().expect("it is in a folder").join(file)
}

/// The plugin `name`, to be defined as it is.
pub(crate) fn plugin(name: &str) -> Dylib {
    Dylib::at(plugin_path(name))
}

/// An empty directory of the test's own, removed on drop.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("wpc-it-{}-{number}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // A test program of the same number was killed before it could remove its own.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("the directory for temporary files cannot be written to: {error}"),
            }
        }
    }

    /// Where the file `name` of it is, or would be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes the file `name`, or writes it anew.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("it can be written to");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // what stays is in the way of nobody
    }
}

/// The bytes of a built plugin, to be changed before they are written somewhere.
pub(crate) struct Built(pub(crate) Vec<u8>);

impl Built {
    pub(crate) fn read(name: &str) -> Self {
        Self(std::fs::read(plugin_path(name)).expect("cargo has built it"))
    }

    /// The plugin `misbehaving` in this mode, under this label.
    pub(crate) fn misbehaving(mode: &str, label: &str) -> Self {
        let mut built = Self::read("misbehaving");
        for (start, text) in [("wpc-misbehaving-mode:", mode), ("wpc-misbehaving-label:", label)] {
            let at = built.find(start.as_bytes());
            let region = format!("{:.<REGION_BYTES$}", format!("{start}{text}"));
            built.0[at..at + REGION_BYTES].copy_from_slice(region.as_bytes());
        }
        built
    }

    /// Changes a number of the descriptor.
    pub(crate) fn with_descriptor(mut self, offset: usize, number: u32) -> Self {
        let at = self.find(DESCRIPTOR) + offset;
        self.0[at..at + size_of::<u32>()].copy_from_slice(&number.to_ne_bytes());
        self
    }

    /// Writes it as a file of the directory.
    pub(crate) fn write(&self, scratch: &Scratch, name: &str) -> Dylib {
        Dylib::at(scratch.write(name, &self.0))
    }

    /// Where these bytes are, which are there once.
    fn find(&self, bytes: &'static [u8]) -> usize {
        // The search is slow where nothing is optimised, and every copy has them where the first one had.
        static FOUND: Mutex<BTreeMap<&[u8], usize>> = Mutex::new(BTreeMap::new());
        let mut found = FOUND.lock().expect("nobody panics under it but to fail");
        *found.entry(bytes).or_insert_with(|| {
            let mut places = self.0.windows(bytes.len()).enumerate().filter(|(_, window)| *window == bytes);
            let (at, _) = places.next().expect("the bytes are in the file");
            assert!(places.next().is_none(), "they are in the file more than once");
            at
        })
    }
}

/// Functions that ask the plugin under one alias, for tests that ask it much.
pub(crate) struct Probe<'a> {
    wpc: &'a Wpc,
    alias: &'static str,
}

impl<'a> Probe<'a> {
    /// Defines the functions; the alias may be defined later.
    pub(crate) fn define(wpc: &'a Wpc, alias: &'static str) -> Self {
        let probe = Self { wpc, alias };
        for (kind, function) in [
            ("number", asking::<u64>(alias)),
            ("text", asking::<String>(alias)),
            ("run", asking::<()>(alias)),
        ] {
            wpc.define_function(&probe.function(kind), function).expect("a good function");
        }
        let set = move |ctx: &Context, function: String, number: u64| -> Result<(), ImportError> {
            ctx.import(alias)?.call(&function, number)
        };
        let set = Function::new(set).requires(Requirement::dependency(alias));
        wpc.define_function(&probe.function("set"), set).expect("a good function");
        probe
    }

    /// The name of the function that asks for a result of this kind: `number`, `text` or `run`.
    pub(crate) fn function(&self, kind: &str) -> String {
        format!("{}.{kind}", self.alias)
    }

    /// Calls the plugin's function without arguments, for a number.
    #[track_caller]
    pub(crate) fn number(&self, function: &'static str) -> u64 {
        self.wpc.call(&self.function("number"), function).expect("a number")
    }

    /// Calls the plugin's function without arguments, for a text.
    #[track_caller]
    pub(crate) fn text(&self, function: &'static str) -> String {
        self.wpc.call(&self.function("text"), function).expect("a text")
    }

    /// Calls the plugin's function without arguments, for nothing.
    pub(crate) fn run(&self, function: &'static str) -> Result<(), CallError> {
        self.wpc.call(&self.function("run"), function)
    }

    /// Calls the plugin's function with a number, for nothing.
    #[track_caller]
    pub(crate) fn set(&self, function: &'static str, number: u64) {
        self.wpc.call::<()>(&self.function("set"), (function, number)).expect("it is taken");
    }
}

/// A function that calls one of the plugin's, by its name.
fn asking<R: Serialize + DeserializeOwned + Send + 'static>(alias: &'static str) -> Function {
    let ask = move |ctx: &Context, function: String| -> Result<R, ImportError> {
        ctx.import(alias)?.call(&function, ())
    };
    Function::new(ask).requires(Requirement::dependency(alias))
}

/// What the error says, with what is behind it.
pub(crate) fn text_of(error: &DefineError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Waits until the process's loader has done everything that it was asked for until now: it loads in turn.
pub(crate) fn flush_loader() {
    let wpc = super::pool();
    let math = Dylib::system("libm.so.6").symbols(["cos"]);
    wpc.define_dependency("math", math).expect("every system has it");
}
