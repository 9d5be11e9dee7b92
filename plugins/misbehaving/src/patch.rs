//! Two texts that a test may change in the bytes of the built file, before it is loaded.
//!
//! Each is 64 bytes in the file, once: `wpc-misbehaving-` and `mode:` or `label:`, the text, and dots to the end. A text
//! holds no dot, and is at most 42 bytes long.
//!
//! The mode is `none`, or says what the states of this copy do. `<what>-init` concerns every state, `<what>-second-init`
//! the second alone, where `<what>` is `fail`, `panic` or `hang`; `panic-free` makes every state panic when it is freed.
//! The label is any text: another one makes another file.
//!
//! # Safety
//!
//! 1. A static of this module is never written: a file is patched before it is loaded.

use std::ptr;

/// The bytes of a text in the file.
const REGION_BYTES: usize = 64;

type Region = [u8; REGION_BYTES];

#[used]
static MODE: Region = *b"wpc-misbehaving-mode:none.......................................";

#[used]
static LABEL: Region = *b"wpc-misbehaving-label:a.........................................";

/// What a mode does to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    None,
    Init(Fault),
    SecondInit(Fault),
    PanicFree,
    Unknown,
}

/// What goes wrong when a state is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Fail,
    Panic,
    Hang,
}

/// This copy's mode.
pub(crate) fn mode() -> Mode {
    parse(&text(&MODE))
}

/// This copy's label.
pub(crate) fn label() -> String {
    text(&LABEL)
}

fn text(region: &Region) -> String {
    // SAFETY: rule 1: it is a reference to what nobody writes. The compiler is to read what is in the file.
    let bytes = unsafe { ptr::read_volatile(region) };
    let behind = bytes.iter().skip_while(|&&byte| byte != b':').skip(1);
    let text = behind.take_while(|&&byte| byte != b'.').copied().collect();
    String::from_utf8(text).unwrap_or_default()
}

fn parse(text: &str) -> Mode {
    let fault = |what: &str| match what {
        "fail" => Some(Fault::Fail),
        "panic" => Some(Fault::Panic),
        "hang" => Some(Fault::Hang),
        _ => None,
    };
    let mode = match text {
        "none" => Some(Mode::None),
        "panic-free" => Some(Mode::PanicFree),
        _ => match text.split_once('-') {
            Some((what, "init")) => fault(what).map(Mode::Init),
            Some((what, "second-init")) => fault(what).map(Mode::SecondInit),
            _ => None,
        },
    };
    mode.unwrap_or(Mode::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_patched_behaves() {
        assert_eq!((mode(), label().as_str()), (Mode::None, "a"));
    }

    #[test]
    fn modes_say_what_and_when() {
        assert_eq!(parse("fail-init"), Mode::Init(Fault::Fail));
        assert_eq!(parse("panic-second-init"), Mode::SecondInit(Fault::Panic));
        assert_eq!(parse("hang-init"), Mode::Init(Fault::Hang));
        assert_eq!(parse("panic-free"), Mode::PanicFree);
        assert_eq!(parse("typo-init"), Mode::Unknown);
        assert_eq!(parse(""), Mode::Unknown);
    }
}
