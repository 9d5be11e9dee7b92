//! The panic fence: all of a plugin's own code runs inside it, and so does every drop of its values.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most bytes of a text that an answer carries: of a panic's message, and of the reason why a value was not encoded
/// or decoded.
const TEXT_BYTES_MAX: usize = 4 << 10;

/// The message of a panic that was caught.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Panicked(pub(crate) String);

/// Runs `code`; a panic ends here.
///
/// What the code was about may be left half done: the caller does not look at it again. The plugin's state is the one
/// thing that outlives a panic, and the host makes a new one.
pub(crate) fn run<T>(code: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        let panicked = Panicked(message(&*payload));
        drop_payload(payload);
        panicked
    })
}

/// The text, cut to what an answer carries.
pub(crate) fn clip(text: &str) -> &str {
    let end = (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    &text[..end.unwrap_or(0)]
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic whose payload is no text");
    clip(text).to_owned()
}

/// A payload's own drop may panic, and that panic's payload again: the second one is forgotten.
fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_between_characters() {
        let long = format!("a{}", "ä".repeat(TEXT_BYTES_MAX));
        assert_eq!(clip(&long).len(), TEXT_BYTES_MAX - 1);
        assert_eq!(clip("short"), "short");
        let panicked = run(|| std::panic::panic_any(long)).expect_err("it panics");
        assert_eq!(panicked.0.len(), TEXT_BYTES_MAX - 1);
    }
}
