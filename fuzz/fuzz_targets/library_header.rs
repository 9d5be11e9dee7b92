//! The look at a library's header, which is taken before the system's loader sees the file.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Whether it is taken or not is the same here: it must not panic.
    let _ = wpc::__fuzzing::check_library(bytes);
});
