//! The C side of a plugin: what its descriptor points to, generic over the typed side.
//!
//! # Safety
//!
//! 1. The host calls these as [`abi`] says: during a call its output and its arguments are there, and null pointers to
//!    arguments come with a length of zero. What the host lends is not used after the call.
//! 2. A state is null or what `init` of the same plugin stored, once, and `free` has not been called with it.
//!    `export_plugin!` names one type of state for all that it makes, so that the pointer is of the type that is read.
//! 3. A state is used by one call at a time, on the thread that made it. So nothing else refers to it during a call, and
//!    its type need be neither `Send` nor `Sync`.
//! 4. Nothing unwinds out of these: what runs a plugin's own code is behind [`crate::fence`], and the host's functions do
//!    not unwind.

use std::ffi::c_void;

use crate::abi::{self, Call, Descriptor, Free, FunctionEntry, Init, Output, Text};
use crate::function::{self, Function, Open, Setback};

/// Serves a call of a function that takes no state.
///
/// # Safety
///
/// The host calls it as [`abi::Call`] says.
pub unsafe extern "C" fn call<F: Function<State = ()>>(
    _: *mut c_void,
    arguments: *const u8,
    length: usize,
    output: *const Output,
) -> u32 {
    // SAFETY: rule 1: the host lends the arguments for the time of this call.
    let bytes = unsafe { lent(arguments, length) };
    let ended = function::serve::<F>(&mut (), bytes);
    // SAFETY: rule 1: the host lends the output for the time of this call.
    unsafe { answer(ended, output) }
}

/// Serves a call of a function that takes the state.
///
/// # Safety
///
/// The host calls it as [`abi::Call`] says, with what `init` of a plugin whose state is `F::State` stored.
pub unsafe extern "C" fn call_with_state<F: Function>(
    state: *mut c_void,
    arguments: *const u8,
    length: usize,
    output: *const Output,
) -> u32 {
    // SAFETY: rule 1: the host lends the arguments for the time of this call.
    let bytes = unsafe { lent(arguments, length) };
    // SAFETY: rules 2 and 3: the pointer is null or to a state of this type, and only this call uses it.
    let state = unsafe { state.cast::<F::State>().as_mut() };
    let ended = match state {
        Some(state) => function::serve::<F>(state, bytes),
        None => Err(Setback::Panicked("called without the state that it takes".to_owned())),
    };
    // SAFETY: rule 1: the host lends the output for the time of this call.
    unsafe { answer(ended, output) }
}

/// Makes the state of one worker.
///
/// # Safety
///
/// The host calls it as [`abi::Init`] says.
pub unsafe extern "C" fn init<O: Open>(state: *mut *mut c_void, output: *const Output) -> u32 {
    let ended = function::open::<O>().map(|opened| {
        let opened = Box::into_raw(opened).cast::<c_void>();
        // SAFETY: rule 1: the host lends the place of the state for the time of this call.
        unsafe { state.write(opened) };
        Vec::new()
    });
    // SAFETY: rule 1: the host lends the output for the time of this call.
    unsafe { answer(ended, output) }
}

/// Frees a state.
///
/// # Safety
///
/// The host calls it as [`abi::Free`] says, with what `init` of a plugin whose state is `S` stored.
pub unsafe extern "C" fn free<S>(state: *mut c_void, output: *const Output) -> u32 {
    let ended = if state.is_null() {
        Ok(())
    } else {
        // SAFETY: rules 2 and 3: `init` took it out of a box of this type, and this is the last use of it.
        function::close(unsafe { Box::from_raw(state.cast::<S>()) })
    };
    // SAFETY: rule 1: the host lends the output for the time of this call.
    unsafe { answer(ended.map(|()| Vec::new()), output) }
}

/// What the host lends as arguments.
///
/// # Safety
///
/// They are there until the caller returns, or null with a length of zero.
unsafe fn lent<'a>(arguments: *const u8, length: usize) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: rule 1: with a length that is not zero the bytes are there, and the host does not write them.
    unsafe { std::slice::from_raw_parts(arguments, length) }
}

/// Hands an answer to the host; its status.
///
/// # Safety
///
/// The output is there until the caller returns.
unsafe fn answer(ended: Result<Vec<u8>, Setback>, output: *const Output) -> u32 {
    let (status, bytes) = match ended {
        Ok(bytes) => (abi::STATUS_DONE, bytes),
        Err(setback) => (setback.status(), setback.into_output()),
    };
    if bytes.is_empty() {
        return status;
    }
    // SAFETY: rule 1: the output is there.
    let Output { sink, write } = unsafe { output.read() };
    // SAFETY: rule 1: it is the host's own function, with what it is to be called with and bytes that are there.
    let taken = unsafe { write(sink, bytes.as_ptr(), bytes.len()) };
    match (taken, status) {
        // A panic stays one without its message, because a host makes a new state after it.
        (abi::WRITE_TAKEN, _) | (_, abi::STATUS_PANICKED) => status,
        _ => abi::STATUS_REFUSED,
    }
}

/// What a descriptor is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// The plugin's name.
    pub name: &'static str,
    /// The plugin's own version.
    pub version: &'static str,
    /// [`abi::PANICS_UNWIND`] or [`abi::PANICS_ABORT`].
    pub panics: u32,
    /// What makes and frees the state of one worker, if there is one.
    pub state: Option<(Init, Free)>,
    /// The functions.
    pub functions: &'static [FunctionEntry],
}

impl Parts {
    /// The descriptor.
    ///
    /// # Panics
    ///
    /// When it is compiled, if the plugin has no name.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "both structures take far less than 4 GiB, and so do all functions"
    )]
    pub const fn descriptor(self) -> Descriptor {
        assert!(!self.name.is_empty(), "a plugin has a name");
        let (init, free) = match self.state {
            Some((init, free)) => (Some(init), Some(free)),
            None => (None, None),
        };
        Descriptor {
            magic: abi::MAGIC,
            abi: abi::ABI,
            size: size_of::<Descriptor>() as u32,
            function_size: size_of::<FunctionEntry>() as u32,
            panics: self.panics,
            codec: abi::CODEC_MESSAGE_PACK,
            function_count: self.functions.len() as u32,
            name: text(self.name),
            version: text(self.version),
            functions: self.functions.as_ptr(),
            init,
            free,
        }
    }
}

/// The entry of a function.
///
/// # Panics
///
/// When it is compiled, if a host would refuse the name.
pub const fn entry(name: &'static str, signature: &'static str, call: Call) -> FunctionEntry {
    let bytes = name.as_bytes();
    assert!(bytes.len() <= 255, "the name of a function has at most 255 bytes");
    let mut at = 0;
    while at < bytes.len() {
        assert!(
            bytes[at] == b'_' || bytes[at].is_ascii_alphanumeric(),
            "the name of a function is made of ASCII letters, digits and `_`"
        );
        at += 1;
    }
    FunctionEntry { name: text(name), signature: text(signature), call: Some(call) }
}

const fn text(text: &'static str) -> Text {
    Text { start: text.as_ptr(), length: text.len() }
}
