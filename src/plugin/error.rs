//! [`LoadError`]: why a library was not loaded.

use std::io;
use std::path::PathBuf;

use super::descriptor::DescriptorFlaw;
use super::file::LIBRARY_BYTES_MAX;

/// Why a library was not loaded. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The path of a plugin is empty.
    #[error("the path of a plugin is empty")]
    EmptyPath,
    /// The name of a C library is empty or holds a zero byte.
    #[error("`{}` is no name of a library: it is empty or holds a zero byte", name.escape_debug())]
    BadName {
        /// The name.
        name: String,
    },
    /// No symbol of a C library was listed.
    #[error("no symbol of `{name}` is listed: say what is wanted with `symbols`")]
    NothingListed {
        /// The library.
        name: String,
    },
    /// A plugin's symbols were listed: it has functions, which need no list.
    #[error("`{}` is a plugin: `symbols` is for C libraries", path.display())]
    SymbolsOfPlugin {
        /// The plugin.
        path: PathBuf,
    },
    /// An alias was to be bound to a function of a C library, which has only symbols.
    #[error("`{name}` is a C library: `export` is for plugins")]
    ExportOfSystem {
        /// The library.
        name: String,
    },
    /// The file is missing, or cannot be opened or read.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path leads to something else than a regular file.
    #[error("`{}` is {is}, not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What is there, such as "a directory".
        is: &'static str,
    },
    /// The file is empty.
    #[error("`{}` is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file has more than [`LIBRARY_BYTES_MAX`] bytes.
    #[error("`{}` has {bytes} bytes or more, and {limit} are the most", path.display(), limit = LIBRARY_BYTES_MAX)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How many bytes it has at least.
        bytes: u64,
    },
    /// The file is no library of any machine.
    #[error("`{}` is no library: it begins with {begins}", path.display())]
    NotALibrary {
        /// The file.
        path: PathBuf,
        /// What it begins with, such as `the text "#!/bin/sh"` or `the bytes 50 4b 03 04`.
        begins: String,
    },
    /// The file ends before what its own headers say is in it.
    #[error("`{}` is cut short: it has {bytes} bytes, and {part} ends at {end}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// How many bytes it has.
        bytes: u64,
        /// What does not lie in the file.
        part: &'static str,
        /// Where that ends, in bytes from the beginning; 2^64 - 1 if it is beyond that.
        end: u64,
    },
    /// The file is a program, an object file or another thing that cannot be loaded into a process.
    #[error("`{}` is {is}, not a shared library", path.display())]
    NotShared {
        /// The file.
        path: PathBuf,
        /// What it is.
        is: &'static str,
    },
    /// The library was built for another machine.
    #[error("`{}` was built for {found}, and this process runs as {expected}", path.display())]
    OtherMachine {
        /// The file.
        path: PathBuf,
        /// The machine that it was built for, such as `aarch64`.
        found: String,
        /// This process's machine.
        expected: String,
    },
    /// The private copy that is to be loaded could not be written.
    #[error("a private copy of `{}` could not be written to `{}`", path.display(), directory.display())]
    Copy {
        /// The library.
        path: PathBuf,
        /// Where its copy should have been.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system's loader did not load the plugin: a symbol is not defined, a library that it needs is missing.
    #[error("the system's loader refused `{}`: {reason}", path.display())]
    Refused {
        /// The plugin.
        path: PathBuf,
        /// The loader's own words.
        reason: String,
    },
    /// The system's loader found no C library of that name that it can load.
    #[error("the system's loader found no library `{name}` that it can load: {reason}")]
    NotFound {
        /// The name.
        name: String,
        /// The loader's own words.
        reason: String,
    },
    /// A C library has no such symbol.
    #[error("`{name}` has no symbol `{}`", symbol.escape_debug())]
    NoSymbol {
        /// The library.
        name: String,
        /// The symbol.
        symbol: String,
    },
    /// The library is no plugin: it was not made with `wpc-plugin`.
    #[error("`{}` is no plugin: it has no symbol `{symbol}`", path.display())]
    NotAPlugin {
        /// The library.
        path: PathBuf,
        /// The symbol that each plugin has.
        symbol: &'static str,
    },
    /// The plugin was made for another agreement between plugins and hosts.
    #[error("`{}` was made for agreement {found}, and this host keeps to {expected}", path.display())]
    WrongAbi {
        /// The plugin.
        path: PathBuf,
        /// The plugin's number.
        found: u32,
        /// The host's number.
        expected: u32,
    },
    /// A structure of the plugin has another size than the agreement gives it.
    #[error("the {of} of `{}` has {found} bytes, and {expected} are agreed on", path.display())]
    WrongSize {
        /// The plugin.
        path: PathBuf,
        /// Which structure: "descriptor" or "function entry".
        of: &'static str,
        /// The size that the plugin gives.
        found: u32,
        /// The size that it should have.
        expected: usize,
    },
    /// The plugin encodes values in another way.
    #[error("`{}` encodes values as number {found}, and this host as number {expected}", path.display())]
    WrongCodec {
        /// The plugin.
        path: PathBuf,
        /// The number of the plugin's encoding.
        found: u32,
        /// The number of the host's encoding.
        expected: u32,
    },
    /// The plugin was built so that a panic in it would end this process.
    #[error("`{}` was built with panic = \"abort\": a panic in it would end this process", path.display())]
    PanicsAbort {
        /// The plugin.
        path: PathBuf,
    },
    /// What the plugin says of itself cannot be used.
    #[error("`{}` describes itself wrongly: {flaw}", path.display())]
    Malformed {
        /// The plugin.
        path: PathBuf,
        /// What is wrong.
        flaw: DescriptorFlaw,
    },
    /// The plugin has no function of the name that the alias is to be bound to.
    #[error("`{}` has no function `{}`; it has: {}", path.display(), name.escape_debug(), known.join(", "))]
    NoExport {
        /// The plugin.
        path: PathBuf,
        /// The name that was asked for.
        name: String,
        /// What it has, sorted.
        known: Vec<String>,
    },
    /// The library was still being loaded when the time was up. If its load ends after all, the library stays loaded
    /// and nothing uses it.
    #[error("`{library}` was not loaded in time")]
    TimedOut {
        /// The library's path or name.
        library: String,
    },
    /// The loader was busy with another library all the time, or too many loads waited already. Nothing of this one has
    /// been loaded.
    #[error("`{library}` was not loaded: the loader is busy with `{with}`")]
    Busy {
        /// The library's path or name.
        library: String,
        /// The library that is being loaded.
        with: String,
    },
    /// The loader failed in a way that it should not.
    #[error("loading `{library}` panicked: {message}")]
    Panicked {
        /// The library's path or name.
        library: String,
        /// The panic's message, at most 4 KiB of it.
        message: String,
    },
    /// The loader's thread could not be started.
    #[error("the loader's thread could not be started")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
}
