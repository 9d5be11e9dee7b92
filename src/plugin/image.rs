//! [`Image`]: a library in this process's memory, opened by the system's loader. The one file that names `libloading`.
//!
//! # Rules
//!
//! 1. Opening a library runs its constructors. A library that is defined is trusted to run in this process: its
//!    constructors do nothing that ends the process or breaks what Rust relies on.
//! 2. An opened library is never closed: its destructors do not run before the process ends, and every address in it is
//!    valid until then.
//! 3. An address is only a number here. What it is the address of, and from which thread it may be used, is for whoever
//!    uses it to say.

#![expect(unsafe_code, reason = "opening a library runs its code, and an address crosses threads")]

use std::error::Error;
use std::ffi::{OsStr, c_void};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

/// An opened library. It stays open when this is dropped (rule 2).
#[derive(Debug)]
pub(super) struct Image(ManuallyDrop<Library>);

/// The address of a symbol of an opened library, never null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address(NonNull<c_void>);

// SAFETY: rule 3: an address does not belong to a thread, and by rule 2 it does not end before the process does.
unsafe impl Send for Address {}
// SAFETY: rule 3: sharing an address shares nothing but a number that never changes.
unsafe impl Sync for Address {}

impl Address {
    pub(super) fn get(self) -> NonNull<c_void> {
        self.0
    }
}

impl Image {
    /// Opens the library that the system's loader knows as `name`, a path if there is a `/` in it. Every symbol that it
    /// needs is resolved now, so that none is missing later, and none of its own is shown to other libraries.
    ///
    /// The error is the loader's own words.
    pub(super) fn open(name: &OsStr) -> Result<Self, String> {
        if name.is_empty() {
            return Err("an empty name means the program itself".to_owned());
        }
        // SAFETY: rule 1 for the constructors; by rule 2 the destructors are not run.
        let opened = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) };
        opened.map(|library| Self(ManuallyDrop::new(library))).map_err(|error| own_words(&error))
    }

    /// The address of a symbol of this library or of one that it is linked with; none if there is no such symbol, or
    /// nothing behind it.
    pub(super) fn address(&self, symbol: &str) -> Option<Address> {
        // SAFETY: rule 3: the symbol is taken for an address and for nothing else.
        let found = unsafe { self.0.get::<*mut c_void>(symbol) };
        NonNull::new(found.ok()?.into_raw()).map(Address)
    }
}

/// What the loader said; the error around it says only which call failed.
fn own_words(error: &libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// The path and the bytes of a library whose name begins so and that this process has open.
#[cfg(all(test, target_os = "linux"))]
pub(super) fn mapped_library(start: &str) -> (std::path::PathBuf, Vec<u8>) {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("a process may read its own maps");
    let paths = maps.lines().filter_map(|line| line.split_whitespace().nth(5)).map(std::path::PathBuf::from);
    let fits = |path: &std::path::PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.strip_prefix(start).is_some_and(|rest| rest.starts_with(['.', '-']))
    };
    let path = paths.into_iter().find(fits).unwrap_or_else(|| panic!("no {start} is open"));
    let bytes = std::fs::read(&path).expect("what is open can be read");
    (path, bytes)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_library_of_the_system_has_its_symbols_and_no_others() {
        let image = Image::open(OsStr::new("libm.so.6")).expect("every program can have it");
        assert!(image.address("cos").is_some());
        assert_eq!(image.address("cos"), image.address("cos"));
        assert_eq!(image.address("cosinus_that_is_not_there"), None);
        assert_eq!(image.address("co\0s"), None);
    }

    #[test]
    fn the_loader_is_quoted() {
        let words = Image::open(OsStr::new("libnowhere.so.77")).expect_err("it is not there");
        assert!(words.contains("libnowhere.so.77"), "{words}");
        assert!(!words.contains("dlopen failed"), "{words}");
        Image::open(OsStr::new("")).expect_err("that would be the program itself");
    }
}
