//! A host in the test's own process: it calls what a descriptor names, and reads what is written.
//!
//! # Safety
//!
//! 1. Every descriptor here is made by the kit in this binary, so that it is what [`wpc_plugin::abi`] says.
//! 2. A [`Worker`] is neither `Send` nor `Sync`, and frees its state when it is dropped: a state is used on one thread, by
//!    one call at a time.
//! 3. What is lent to a call, arguments and sink, is a local that outlives the call.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr::null_mut;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wpc_plugin::abi::{self, Descriptor, FunctionEntry, Output, Text};

/// What a call answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u32,
    pub(crate) output: Vec<u8>,
}

/// The output of a function that failed.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) details: BTreeMap<String, String>,
    pub(crate) causes: Vec<String>,
}

/// The output of a call whose arguments did not fit.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) expected: String,
    pub(crate) path: String,
    pub(crate) reason: String,
}

impl Answer {
    pub(crate) fn value<T: DeserializeOwned>(&self) -> T {
        assert_eq!(self.status, abi::STATUS_DONE, "it answered {self:?}");
        rmp_serde::from_slice(&self.output).unwrap()
    }

    pub(crate) fn failure(&self) -> Failure {
        assert_eq!(self.status, abi::STATUS_FAILED, "it answered {self:?}");
        rmp_serde::from_slice(&self.output).unwrap()
    }

    pub(crate) fn misfit(&self) -> Misfit {
        assert_eq!(self.status, abi::STATUS_MISFIT, "it answered {self:?}");
        rmp_serde::from_slice(&self.output).unwrap()
    }

    pub(crate) fn panic(&self) -> &str {
        assert_eq!(self.status, abi::STATUS_PANICKED, "it answered {self:?}");
        std::str::from_utf8(&self.output).unwrap()
    }
}

/// What a sink takes, and has taken.
struct Sink {
    bytes: Vec<u8>,
    bytes_max: usize,
}

extern "C" fn write(sink: *mut c_void, bytes: *const u8, length: usize) -> u32 {
    // SAFETY: rule 3: the sink is a local of `answer_of`, which is not used during the call.
    let sink = unsafe { &mut *sink.cast::<Sink>() };
    // SAFETY: rule 1: the kit writes bytes that are there.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, length) };
    if sink.bytes.len() + bytes.len() > sink.bytes_max {
        return abi::WRITE_REFUSED;
    }
    sink.bytes.extend_from_slice(bytes);
    abi::WRITE_TAKEN
}

fn answer_of(bytes_max: usize, call: impl FnOnce(*const Output) -> u32) -> Answer {
    let mut sink = Sink { bytes: Vec::new(), bytes_max };
    let status = call(&Output { sink: (&raw mut sink).cast(), write });
    Answer { status, output: sink.bytes }
}

/// A text of a descriptor.
pub(crate) fn text(text: Text) -> &'static str {
    // SAFETY: rule 1: it is UTF-8 that lives as long as the plugin, which is this binary.
    let bytes = unsafe { std::slice::from_raw_parts(text.start, text.length) };
    std::str::from_utf8(bytes).unwrap()
}

/// A descriptor's functions.
pub(crate) fn functions(descriptor: &Descriptor) -> &'static [FunctionEntry] {
    // SAFETY: rule 1: there are as many as it says, and they live as long as the plugin, which is this binary.
    unsafe { std::slice::from_raw_parts(descriptor.functions, descriptor.function_count as usize) }
}

/// A worker with its instance of a plugin.
pub(crate) struct Worker {
    descriptor: &'static Descriptor,
    state: *mut c_void,
    bytes_max: usize,
}

impl Worker {
    /// A worker, or what making its state answered.
    pub(crate) fn start(descriptor: &'static Descriptor) -> Result<Self, Answer> {
        let mut state = null_mut();
        if let Some(init) = descriptor.init {
            // SAFETY: rules 1 and 3.
            let answer = answer_of(usize::MAX, |output| unsafe { init(&raw mut state, output) });
            if answer != (Answer { status: abi::STATUS_DONE, output: Vec::new() }) {
                assert!(state.is_null(), "a state was stored that was not made");
                return Err(answer);
            }
            assert!(!state.is_null(), "no state was stored");
        }
        Ok(Self { descriptor, state, bytes_max: usize::MAX })
    }

    /// Takes at most so many bytes of an answer from now on.
    pub(crate) fn limit(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// Calls a function with one argument, a tuple of several, or `()`.
    pub(crate) fn call(&self, name: &str, arguments: impl Serialize) -> Answer {
        self.call_raw(name, &rmp_serde::to_vec_named(&arguments).unwrap())
    }

    pub(crate) fn call_raw(&self, name: &str, arguments: &[u8]) -> Answer {
        let start = if arguments.is_empty() { std::ptr::null() } else { arguments.as_ptr() };
        let entry = functions(self.descriptor).iter().find(|entry| text(entry.name) == name).unwrap();
        let call = entry.call.unwrap();
        // SAFETY: rules 1, 2 and 3.
        answer_of(self.bytes_max, |output| unsafe { call(self.state, start, arguments.len(), output) })
    }

    /// Calls a function with a null pointer for the state, as a host that is wrong would.
    pub(crate) fn call_without_state(self, name: &str) -> Answer {
        Self { descriptor: self.descriptor, state: null_mut(), bytes_max: usize::MAX }.call(name, ())
    }

    /// Ends the worker; what freeing its state answered.
    pub(crate) fn stop(mut self) -> Answer {
        self.free()
    }

    fn free(&mut self) -> Answer {
        let state = std::mem::replace(&mut self.state, null_mut());
        match self.descriptor.free {
            // SAFETY: rules 1, 2 and 3; a second time it is null.
            Some(free) => answer_of(usize::MAX, |output| unsafe { free(state, output) }),
            None => Answer { status: abi::STATUS_DONE, output: Vec::new() },
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.free();
    }
}
