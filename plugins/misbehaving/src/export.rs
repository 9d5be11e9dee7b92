//! The functions that break the agreement, written by hand, and the descriptor of all functions.
//!
//! # Safety
//!
//! 1. The host calls these as [`wpc_plugin::abi`] says: during a call its output is there. What they break is what they
//!    answer, never whose memory they touch.
//! 2. The symbol is exported by this file alone.

use std::ffi::c_void;

use wpc_plugin::__private::{Parts, entry};
use wpc_plugin::abi::{self, Descriptor, FunctionEntry, Output};

use crate::instance::Instance;
use crate::typed;

/// Arrays around the nil that `deep` answers.
const DEEP: usize = 100_000;

/// Bytes that `flood` writes at once, and how often it does before it takes the host for one without limits.
const FLOOD_BYTES: usize = 1 << 20;
const FLOOD_TIMES: usize = 1 << 10;

const BY_HAND: &[FunctionEntry] = &[
    entry("garbage", "() -> u64", garbage),
    entry("truncated", "() -> u64", truncated),
    entry("trailing", "() -> u64", trailing),
    entry("silent", "() -> u64", silent),
    entry("deep", "() -> u64", deep),
    entry("flood", "() -> u64", flood),
    entry("unknown_status", "() -> u64", unknown_status),
    entry("garbage_error", "() -> u64", garbage_error),
    entry("garbage_misfit", "() -> u64", garbage_misfit),
    entry("garbage_message", "() -> u64", garbage_message),
    entry("garbage_reason", "() -> u64", garbage_reason),
    entry("refused_without_cause", "() -> u64", refused_without_cause),
];

const FUNCTIONS: [FunctionEntry; typed::FUNCTIONS.len() + BY_HAND.len()] = {
    let mut all = [BY_HAND[0]; typed::FUNCTIONS.len() + BY_HAND.len()];
    let (first, second) = all.split_at_mut(typed::FUNCTIONS.len());
    first.copy_from_slice(typed::FUNCTIONS);
    second.copy_from_slice(BY_HAND);
    all
};

// SAFETY: rule 2.
#[unsafe(export_name = "wpc_plugin")]
static DESCRIPTOR: Descriptor = Parts {
    name: "misbehaving",
    version: env!("CARGO_PKG_VERSION"),
    panics: if cfg!(panic = "abort") { abi::PANICS_ABORT } else { abi::PANICS_UNWIND },
    state: wpc_plugin::__state!(Instance = Instance::open),
    functions: &FUNCTIONS,
}
.descriptor();

/// Defines functions that answer with a status and some bytes, whatever they are called with.
macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident => $status:expr, $bytes:expr;)*) => {$(
        $(#[$doc])*
        unsafe extern "C" fn $name(_: *mut c_void, _: *const u8, _: usize, output: *const Output) -> u32 {
            // SAFETY: rule 1: the host lends the output for the time of this call.
            unsafe { write(output, $bytes) };
            $status
        }
    )*};
}

answers! {
    /// A byte that begins no value.
    garbage => abi::STATUS_DONE, b"\xc1";
    /// An array of two that ends after the first.
    truncated => abi::STATUS_DONE, b"\x92\x01";
    /// Two values.
    trailing => abi::STATUS_DONE, b"\x01\x02";
    /// No value.
    silent => abi::STATUS_DONE, b"";
    /// A value that nests deeper than any stack.
    deep => abi::STATUS_DONE, &[&[0x91].repeat(DEEP)[..], &[0xc0]].concat();
    /// A status that nobody knows.
    unknown_status => 77, b"\x01";
    /// An error that is none.
    garbage_error => abi::STATUS_FAILED, b"\xc1";
    /// A misfit that is none.
    garbage_misfit => abi::STATUS_MISFIT, b"\x01";
    /// A panic's message that is not UTF-8.
    garbage_message => abi::STATUS_PANICKED, b"\xff\xfe";
    /// A reason that is not UTF-8.
    garbage_reason => abi::STATUS_UNENCODABLE, b"\xff\xfe";
    /// A host that refused, which it did not.
    refused_without_cause => abi::STATUS_REFUSED, b"";
}

/// Writes until it is refused, once more after that, and says that all went well.
unsafe extern "C" fn flood(_: *mut c_void, _: *const u8, _: usize, output: *const Output) -> u32 {
    let block = vec![0xc0; FLOOD_BYTES];
    for _ in 0..FLOOD_TIMES {
        // SAFETY: rule 1: the host lends the output for the time of this call.
        if unsafe { write(output, &block) } != abi::WRITE_TAKEN {
            break;
        }
    }
    // SAFETY: rule 1: the host lends the output for the time of this call.
    unsafe { write(output, b"\x01") };
    abi::STATUS_DONE
}

/// Writes to the host's output.
///
/// # Safety
///
/// The output is there.
unsafe fn write(output: *const Output, bytes: &[u8]) -> u32 {
    // SAFETY: rule 1: the output is there.
    let Output { sink, write } = unsafe { output.read() };
    // SAFETY: rule 1: it is the host's own function, with what it is to be called with and bytes that are there.
    unsafe { write(sink, bytes.as_ptr(), bytes.len()) }
}
