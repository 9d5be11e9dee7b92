//! [`Description`]: what a plugin says of itself, read from its descriptor and checked. No code of the plugin runs.
//!
//! # Rules
//!
//! 1. What has the name `wpc_plugin` in a library is a static that begins as a descriptor of any agreement does: with the
//!    magic, the agreement's number and its own size. A library that has other things under that name is trusted not to
//!    be defined.
//! 2. A static with that beginning, where number and size are this agreement's, is a whole [`Descriptor`].
//! 3. A pointer of such a descriptor that is not null points to as many bytes or entries as stand beside it. They live as
//!    long as the process, since a library is never unloaded, and never change.

#![expect(unsafe_code, reason = "a descriptor is read through the pointers that a plugin gives")]

use std::mem::offset_of;
use std::path::Path;
use std::ptr::NonNull;

use wpc_plugin::abi::{self, Call, Descriptor, Free, FunctionEntry, Init, Text};

use crate::id::{Name, NameError};

use super::error::LoadError;
use super::image::Image;

/// The most functions that a plugin may have.
pub const FUNCTIONS_MAX: usize = 4_096;

/// The most bytes of a text that a plugin says of itself: its name and version, and each function's name and signature.
pub const TEXT_BYTES_MAX: usize = 64 << 10;

/// What is wrong with a plugin's descriptor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorFlaw {
    /// It does not begin as descriptors do.
    #[error("its descriptor begins with \"{found}\"")]
    Magic {
        /// What it begins with, escaped.
        found: String,
    },
    /// A structure lies at an address that it cannot have.
    #[error("{what} lies at an odd address")]
    Misplaced {
        /// Which structure.
        what: &'static str,
    },
    /// A pointer that must lead somewhere is null.
    #[error("{what} is a null pointer")]
    Null {
        /// What it should lead to.
        what: String,
    },
    /// A text has more than [`TEXT_BYTES_MAX`] bytes.
    #[error("{what} has {bytes} bytes, and {limit} are the most", limit = TEXT_BYTES_MAX)]
    TooLong {
        /// Which text.
        what: String,
        /// Its length.
        bytes: usize,
    },
    /// A text is not UTF-8.
    #[error("{what} is not UTF-8 at byte {at}")]
    NotUtf8 {
        /// Which text.
        what: String,
        /// How many bytes of it are.
        at: usize,
    },
    /// The name of the plugin or of a function is not of the documented form.
    #[error("{what} is none: {error}")]
    Name {
        /// Whose name.
        what: String,
        /// What is wrong with it.
        error: NameError,
    },
    /// Two functions have one name.
    #[error("two functions are called `{name}`")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// It has more than [`FUNCTIONS_MAX`] functions.
    #[error("it has {count} functions, and {limit} are the most", limit = FUNCTIONS_MAX)]
    TooManyFunctions {
        /// How many.
        count: u32,
    },
    /// What it does at a panic is nothing that the agreement knows.
    #[error("it says {found} of what a panic does")]
    Panics {
        /// What it says.
        found: u32,
    },
}

/// What a plugin is, copied from its descriptor; only the functions themselves are the plugin's own.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) init: Option<Init>,
    pub(super) free: Option<Free>,
    /// Sorted by name; no two have the same.
    functions: Vec<Function>,
}

#[derive(Debug)]
struct Function {
    name: String,
    signature: String,
    call: Call,
}

/// What every descriptor begins with, whatever the agreement.
#[derive(Clone, Copy)]
#[repr(C)]
struct Start {
    magic: [u8; 8],
    abi: u32,
    size: u32,
}

const _: () = assert!(
    offset_of!(Start, magic) == offset_of!(Descriptor, magic)
        && offset_of!(Start, abi) == offset_of!(Descriptor, abi)
        && offset_of!(Start, size) == offset_of!(Descriptor, size)
);

impl Description {
    /// Reads the descriptor of the plugin at `path`.
    pub(super) fn of(image: &Image, path: &Path) -> Result<Self, LoadError> {
        let Some(address) = image.address(abi::SYMBOL) else {
            return Err(LoadError::NotAPlugin { path: path.to_owned(), symbol: abi::SYMBOL });
        };
        // SAFETY: rule 1: it is the address of that name in a library that is open.
        unsafe { Self::read(address.get().cast(), path) }
    }

    /// Reads the descriptor at an address.
    ///
    /// # Safety
    ///
    /// The rules of this module hold for what is there.
    pub(super) unsafe fn read(descriptor: NonNull<Descriptor>, path: &Path) -> Result<Self, LoadError> {
        if !descriptor.is_aligned() {
            return Err(malformed(path, DescriptorFlaw::Misplaced { what: "the descriptor" }));
        }
        // SAFETY: rule 1, of which the caller says that it holds here; the address is aligned.
        let start = unsafe { descriptor.cast::<Start>().read() };
        check_start(start, path)?;
        // SAFETY: rule 2: the beginning has just been found to be this agreement's.
        let descriptor = unsafe { descriptor.read() };
        check_build(&descriptor, path)?;
        Self::copy(&descriptor).map_err(|flaw| malformed(path, flaw))
    }

    /// Copies what a descriptor of this agreement points to.
    fn copy(descriptor: &Descriptor) -> Result<Self, DescriptorFlaw> {
        let mut functions = entries(descriptor)?
            .iter()
            .enumerate()
            .map(|(at, entry)| function(at, entry))
            .collect::<Result<Vec<_>, _>>()?;
        functions.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        if let Some(pair) = functions.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(DescriptorFlaw::Duplicate { name: pair[0].name.clone() });
        }
        Ok(Self {
            name: name(descriptor.name, || "the plugin's name".to_owned())?,
            version: text(descriptor.version, || "the plugin's version".to_owned())?,
            init: descriptor.init,
            free: descriptor.free,
            functions,
        })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.call(name).is_some()
    }

    /// The function of that name.
    pub(super) fn call(&self, name: &str) -> Option<Call> {
        let at = self.functions.binary_search_by(|function| function.name.as_str().cmp(name)).ok()?;
        Some(self.functions[at].call)
    }

    /// The names of the functions, sorted.
    pub(super) fn known(&self) -> Vec<String> {
        self.functions.iter().map(|function| function.name.clone()).collect()
    }

    /// The names of the functions, sorted, with how each reads.
    pub(super) fn signatures(&self) -> Vec<(String, String)> {
        self.functions.iter().map(|function| (function.name.clone(), function.signature.clone())).collect()
    }
}

fn malformed(path: &Path, flaw: DescriptorFlaw) -> LoadError {
    LoadError::Malformed { path: path.to_owned(), flaw }
}

fn check_start(start: Start, path: &Path) -> Result<(), LoadError> {
    if start.magic != abi::MAGIC {
        let found = start.magic.escape_ascii().to_string();
        return Err(malformed(path, DescriptorFlaw::Magic { found }));
    }
    if start.abi != abi::ABI {
        return Err(LoadError::WrongAbi { path: path.to_owned(), found: start.abi, expected: abi::ABI });
    }
    check_size("descriptor", start.size, size_of::<Descriptor>(), path)
}

fn check_build(descriptor: &Descriptor, path: &Path) -> Result<(), LoadError> {
    check_size("function entry", descriptor.function_size, size_of::<FunctionEntry>(), path)?;
    let (found, expected) = (descriptor.codec, abi::CODEC_MESSAGE_PACK);
    if found != expected {
        return Err(LoadError::WrongCodec { path: path.to_owned(), found, expected });
    }
    match descriptor.panics {
        abi::PANICS_UNWIND => Ok(()),
        abi::PANICS_ABORT => Err(LoadError::PanicsAbort { path: path.to_owned() }),
        found => Err(malformed(path, DescriptorFlaw::Panics { found })),
    }
}

fn check_size(of: &'static str, found: u32, expected: usize, path: &Path) -> Result<(), LoadError> {
    if usize::try_from(found) == Ok(expected) {
        return Ok(());
    }
    Err(LoadError::WrongSize { path: path.to_owned(), of, found, expected })
}

/// The entries of the functions, not yet checked.
fn entries(descriptor: &Descriptor) -> Result<&'static [FunctionEntry], DescriptorFlaw> {
    let (start, count) = (descriptor.functions, descriptor.function_count);
    let length = count as usize;
    if length == 0 {
        return Ok(&[]);
    }
    if length > FUNCTIONS_MAX {
        return Err(DescriptorFlaw::TooManyFunctions { count });
    }
    if start.is_null() {
        return Err(DescriptorFlaw::Null { what: "the list of functions".to_owned() });
    }
    if !start.is_aligned() {
        return Err(DescriptorFlaw::Misplaced { what: "the list of functions" });
    }
    // SAFETY: rule 3: it is not null, it is aligned, and the descriptor says that so many entries are there.
    Ok(unsafe { std::slice::from_raw_parts(start, length) })
}

fn function(at: usize, entry: &FunctionEntry) -> Result<Function, DescriptorFlaw> {
    let name = name(entry.name, || format!("the name of function {at}"))?;
    let signature = text(entry.signature, || format!("the signature of `{name}`"))?;
    let call = entry.call.ok_or_else(|| DescriptorFlaw::Null { what: format!("the code of `{name}`") })?;
    Ok(Function { name, signature, call })
}

/// A text that keeps to the rules of names.
fn name(from: Text, what: impl Fn() -> String) -> Result<String, DescriptorFlaw> {
    let name = text(from, &what)?;
    match Name::new(&name) {
        Ok(_) => Ok(name),
        Err(error) => Err(DescriptorFlaw::Name { what: what(), error }),
    }
}

fn text(from: Text, what: impl Fn() -> String) -> Result<String, DescriptorFlaw> {
    let Text { start, length } = from;
    if length == 0 {
        return Ok(String::new());
    }
    if length > TEXT_BYTES_MAX {
        return Err(DescriptorFlaw::TooLong { what: what(), bytes: length });
    }
    if start.is_null() {
        return Err(DescriptorFlaw::Null { what: what() });
    }
    // SAFETY: rule 3: it is not null, and the descriptor says that so many bytes are there.
    let bytes = unsafe { std::slice::from_raw_parts(start, length) };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(DescriptorFlaw::NotUtf8 { what: what(), at: error.valid_up_to() }),
    }
}

#[cfg(test)]
mod tests;
