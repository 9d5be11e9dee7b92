//! [`Dylib`]: which library a dependency is, and what is wanted of it.

use std::path::PathBuf;

/// A dynamic library that is to be a dependency: a plugin at a path, or a C library that the system's loader finds.
///
/// It is only a description: nothing is looked at before it is defined. What is loaded then runs in this process and is
/// fully trusted: no check of a file says what its code does. A library is never unloaded.
///
/// # Examples
///
/// ```
/// use wpc::Dylib;
/// let text = Dylib::at("plugins/libtext.so");
/// let basename = Dylib::at("plugins/libtext.so").export("basename");
/// let checksums = Dylib::system("libz.so.1").symbols(["crc32", "adler32"]);
/// assert_ne!(text, basename);
/// # drop(checksums);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dylib {
    pub(super) place: Place,
    pub(super) export: Option<String>,
    pub(super) symbols: Vec<String>,
}

/// Where a library comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A plugin's file.
    Path(PathBuf),
    /// What the system's loader knows the library by.
    Name(String),
}

impl Dylib {
    /// The plugin, made with `wpc-plugin`, whose file is at `path`.
    ///
    /// The file is read once, when it is defined; a private copy of what was read is loaded, so that nothing which
    /// happens to the file afterwards matters. A file has at most [`LIBRARY_BYTES_MAX`](crate::LIBRARY_BYTES_MAX) bytes.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::new(Place::Path(path.into()))
    }

    /// The C library that the system's loader finds by `name`, such as `libz.so.1`; its [`symbols`](Self::symbols) must
    /// be listed.
    ///
    /// The system's own file is loaded: it is neither copied nor hashed, and loading it twice gives the same library. A
    /// name with a `/` in it is a path to the loader; what is there is opened unchecked.
    pub fn system(name: impl Into<String>) -> Self {
        Self::new(Place::Name(name.into()))
    }

    /// Binds the alias to this one function of a plugin, which [`Import::invoke`](crate::Import::invoke) then calls.
    #[must_use]
    pub fn export(mut self, function: impl Into<String>) -> Self {
        self.export = Some(function.into());
        self
    }

    /// Lists the symbols that are wanted of a C library; each is resolved when the library is loaded. They are looked for
    /// in the library and in those that it is linked with.
    #[must_use]
    pub fn symbols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.symbols.extend(names.into_iter().map(Into::into));
        self
    }

    fn new(place: Place) -> Self {
        Self { place, export: None, symbols: Vec::new() }
    }
}
