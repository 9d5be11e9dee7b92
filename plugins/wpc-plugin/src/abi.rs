//! What a plugin and its host agree on: C layouts and C functions, and no Rust type.
//!
//! A plugin exports one static symbol, [`SYMBOL`], of the type [`Descriptor`]; reading it runs no code of the plugin.
//! Values cross as bytes in the encoding that [`Descriptor::codec`] names. What a plugin answers it hands to the host
//! through [`Output::write`], so that neither side ever frees what the other one allocated.
//!
//! [`ABI`] rises with each change of this file that an older host or plugin would misread. It is no crate version.
//!
//! # Safety
//!
//! 1. What a [`Descriptor`] points to, at any depth, lives as long as the library is loaded and is never written. The
//!    plugin promises it, and a plugin is never unloaded.
//! 2. A state is made, used and freed on one thread, by one call at a time, and not used after it was freed. The host
//!    promises it.
//! 3. During a call its arguments can be read and its [`Output`] can be written to; neither is used after the call has
//!    returned. A null pointer to the arguments comes with a length of zero. The host promises it.
//! 4. Nothing unwinds across a call, in either direction. Both promise it.

use std::ffi::c_void;

/// The number of this agreement.
pub const ABI: u32 = 1;

/// What a descriptor begins with.
pub const MAGIC: [u8; 8] = *b"wpc-plug";

/// The name of the symbol, without the zero byte that ends it in C.
pub const SYMBOL: &str = "wpc_plugin";

/// [`Descriptor::codec`]: `MessagePack`, structs as maps by field name.
pub const CODEC_MESSAGE_PACK: u32 = 1;

/// [`Descriptor::panics`]: a panic unwinds, and is caught before it leaves the plugin.
pub const PANICS_UNWIND: u32 = 1;

/// [`Descriptor::panics`]: a panic ends the process.
pub const PANICS_ABORT: u32 = 2;

/// A call's status: the output is the encoded result, and nothing for [`Init`] and [`Free`].
pub const STATUS_DONE: u32 = 0;

/// A call's status: the function failed; the output is its encoded error, a map of `name`, `message`, `code` (text or
/// nil), `details` (a map of texts) and `causes` (a list of texts).
pub const STATUS_FAILED: u32 = 1;

/// A call's status: the function panicked; the output is the message, in UTF-8, or nothing where the host did not take it.
pub const STATUS_PANICKED: u32 = 2;

/// A call's status: the arguments do not fit the parameters; the output is an encoded map of `expected` (the type),
/// `path` (where in the value, or an empty text) and `reason`.
pub const STATUS_MISFIT: u32 = 3;

/// A call's status: the result cannot be encoded; the output is the reason, in UTF-8.
pub const STATUS_UNENCODABLE: u32 = 4;

/// A call's status: the host did not take the output.
pub const STATUS_REFUSED: u32 = 5;

/// [`Write`]'s answer: the bytes were taken.
pub const WRITE_TAKEN: u32 = 0;

/// [`Write`]'s answer: the bytes were not taken, because the output would be longer than the host takes. Nothing more is
/// taken after it.
pub const WRITE_REFUSED: u32 = 1;

/// UTF-8 that lives as long as the plugin.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Text {
    /// The first byte; anything but null where `length` is zero.
    pub start: *const u8,
    /// The number of bytes.
    pub length: usize,
}

/// What a plugin is.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Descriptor {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`ABI`].
    pub abi: u32,
    /// The bytes of this structure.
    pub size: u32,
    /// The bytes of a [`FunctionEntry`].
    pub function_size: u32,
    /// How the plugin was built: [`PANICS_UNWIND`] or [`PANICS_ABORT`].
    pub panics: u32,
    /// The encoding of values: [`CODEC_MESSAGE_PACK`].
    pub codec: u32,
    /// The number of [`Descriptor::functions`].
    pub function_count: u32,
    /// The plugin's name.
    pub name: Text,
    /// The plugin's own version.
    pub version: Text,
    /// The functions, each under another name.
    pub functions: *const FunctionEntry,
    /// Makes the state of one worker; without it the state is null.
    pub init: Option<Init>,
    /// Frees such a state.
    pub free: Option<Free>,
}

/// A function of a plugin.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FunctionEntry {
    /// The name that it is called by.
    pub name: Text,
    /// How it reads, such as `(String, u64) -> bool`; for people.
    pub signature: Text,
    /// The function itself.
    pub call: Option<Call>,
}

/// Makes the state of one worker, on that worker's thread, and stores it in `state`: it is passed to every call on that
/// worker and to [`Free`]. It answers with a status.
pub type Init = unsafe extern "C" fn(state: *mut *mut c_void, output: *const Output) -> u32;

/// Frees a state, on the thread that made it, once. It answers with [`STATUS_DONE`] or [`STATUS_PANICKED`].
pub type Free = unsafe extern "C" fn(state: *mut c_void, output: *const Output) -> u32;

/// Calls a function with its encoded arguments: one value, a nil for none, an array for several. One call at a time uses a
/// state, on the thread that made it. It answers with a status.
pub type Call = unsafe extern "C" fn(
    state: *mut c_void,
    arguments: *const u8,
    length: usize,
    output: *const Output,
) -> u32;

/// Where an answer goes: the host's own.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Output {
    /// What [`Output::write`] is called with.
    pub sink: *mut c_void,
    /// Takes some more bytes of the answer.
    pub write: Write,
}

/// Appends bytes to an answer. It answers with [`WRITE_TAKEN`] or [`WRITE_REFUSED`], and does not unwind.
pub type Write = unsafe extern "C" fn(sink: *mut c_void, bytes: *const u8, length: usize) -> u32;

// SAFETY: rule 1: what it points to is never written, so threads may read it together.
unsafe impl Sync for Descriptor {}
// SAFETY: rule 1: what it points to is never written, so threads may read it together.
unsafe impl Sync for FunctionEntry {}
