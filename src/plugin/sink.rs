//! [`Sink`]: where the answer of a plugin's function is collected, up to a limit.
//!
//! # Rules
//!
//! 1. A plugin passes to `write` the `sink` of the [`Output`] that it was called with, only while that call is under way,
//!    and from one thread at a time.
//! 2. The bytes that it passes are there, as many as it says, until `write` returns.

#![expect(unsafe_code, reason = "a plugin writes through a pointer to the sink, from a pointer to its bytes")]

use std::ffi::c_void;

use wpc_plugin::abi::{Output, WRITE_REFUSED, WRITE_TAKEN};

/// The bytes of one answer.
#[derive(Debug)]
pub(super) struct Sink {
    bytes: Vec<u8>,
    limit: usize,
    refused: bool,
}

/// What a sink holds at the end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Collected {
    /// The whole answer.
    Whole(Vec<u8>),
    /// Its beginning: the rest was refused.
    Part(Vec<u8>),
}

impl Sink {
    /// An empty one that takes at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, refused: false }
    }

    /// What a plugin's function is called with, so that it answers here. It is of use only while the sink stays where
    /// it is.
    pub(super) fn output(&mut self) -> Output {
        Output { sink: std::ptr::from_mut(self).cast(), write }
    }

    pub(super) fn finish(self) -> Collected {
        if self.refused { Collected::Part(self.bytes) } else { Collected::Whole(self.bytes) }
    }

    /// Whether `length` more bytes may come; once they may not, no more do.
    fn admits(&mut self, length: usize) -> bool {
        let fits = length <= self.limit - self.bytes.len();
        self.refused = self.refused || !fits || self.bytes.try_reserve(length).is_err();
        !self.refused
    }
}

/// Takes some more bytes of an answer. It cannot unwind: memory is reserved before it is used, and nothing else fails.
unsafe extern "C" fn write(sink: *mut c_void, bytes: *const u8, length: usize) -> u32 {
    // SAFETY: rule 1: it is the pointer that `output` gave, to a sink that is still there and that nobody else uses now.
    let Some(sink) = (unsafe { sink.cast::<Sink>().as_mut() }) else {
        return WRITE_REFUSED;
    };
    if bytes.is_null() && length > 0 {
        sink.refused = true;
    }
    if !sink.admits(length) {
        return WRITE_REFUSED;
    }
    if length > 0 {
        // SAFETY: rule 2; the pointer is not null, and what could be reserved is no longer than any slice may be.
        let bytes = unsafe { std::slice::from_raw_parts(bytes, length) };
        sink.bytes.extend_from_slice(bytes);
    }
    WRITE_TAKEN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(output: &Output, bytes: &[u8]) -> u32 {
        // SAFETY: rules 1 and 2: the sink of each test outlives its writes, and the bytes are borrowed for the write.
        unsafe { (output.write)(output.sink, bytes.as_ptr(), bytes.len()) }
    }

    #[test]
    fn pieces_are_collected_up_to_the_limit() {
        let mut sink = Sink::new(5);
        let output = sink.output();
        assert_eq!(put(&output, b"123"), WRITE_TAKEN);
        assert_eq!(put(&output, b""), WRITE_TAKEN);
        assert_eq!(put(&output, b"45"), WRITE_TAKEN);
        assert_eq!(sink.finish(), Collected::Whole(b"12345".to_vec()));
    }

    #[test]
    fn what_was_refused_once_stays_refused() {
        let mut sink = Sink::new(5);
        let output = sink.output();
        assert_eq!(put(&output, b"123"), WRITE_TAKEN);
        assert_eq!(put(&output, b"456"), WRITE_REFUSED);
        assert_eq!(put(&output, b"4"), WRITE_REFUSED);
        assert_eq!(put(&output, b""), WRITE_REFUSED);
        assert_eq!(sink.finish(), Collected::Part(b"123".to_vec()));
    }

    #[test]
    fn null_pointers_and_lying_lengths_are_refused() {
        let mut sink = Sink::new(usize::MAX);
        let output = sink.output();
        // SAFETY: rule 2: no bytes are said to be there.
        assert_eq!(unsafe { (output.write)(output.sink, std::ptr::null(), 0) }, WRITE_TAKEN);
        // SAFETY: rule 1: a sink that is null is none.
        assert_eq!(unsafe { (output.write)(std::ptr::null_mut(), b"1".as_ptr(), 1) }, WRITE_REFUSED);
        // SAFETY: rule 2: so many bytes are nowhere, and the length is refused before they are looked for.
        assert_eq!(unsafe { (output.write)(output.sink, b"1".as_ptr(), usize::MAX) }, WRITE_REFUSED);
        assert_eq!(sink.finish(), Collected::Part(Vec::new()));
        let mut sink = Sink::new(5);
        let output = sink.output();
        // SAFETY: rule 2: a null pointer is refused before it is read through.
        assert_eq!(unsafe { (output.write)(output.sink, std::ptr::null(), 1) }, WRITE_REFUSED);
        assert_eq!(put(&output, b"1"), WRITE_REFUSED);
        assert_eq!(sink.finish(), Collected::Part(Vec::new()));
    }
}
