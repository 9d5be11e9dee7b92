//! The panic fence: user code runs inside it, and so does every drop of a user's value on a thread of the pool.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most bytes of a panic's message that a caller is told.
pub(crate) const PANIC_MESSAGE_BYTES_MAX: usize = 4 << 10;

/// Runs `code`; a panic ends here and becomes its message.
pub(crate) fn run<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    run_noting(code, |_| ()).map_err(|(message, ())| message)
}

/// Runs `code`; a panic ends here and becomes its message, and what `note` knows of that. It is asked before the panic's
/// payload drops, which may panic again.
pub(crate) fn run_noting<T, N>(
    code: impl FnOnce() -> T,
    note: impl FnOnce(&str) -> N,
) -> Result<T, (String, N)> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        let text = message(&*payload);
        let noted = note(&text);
        drop_payload(payload);
        (text, noted)
    })
}

/// Drops a user's value; true if that went without a panic.
pub(crate) fn drop_value<T>(value: T) -> bool {
    run(|| drop(value)).is_ok()
}

/// What a panic says, as far as it is told.
pub(crate) fn message(payload: &dyn Any) -> String {
    let text = payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic whose payload is no text");
    let end = (0..=PANIC_MESSAGE_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text[..end.unwrap_or(0)].to_owned()
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
    use std::panic::panic_any;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any(Self);
        }
    }

    #[test]
    fn messages_are_told_and_cut() {
        assert_eq!(run(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
        assert_eq!(run(|| panic!("number {}", 7)), Err::<(), _>("number 7".to_owned()));
        assert_eq!(run(|| panic_any(5_u8)), Err::<(), _>("a panic whose payload is no text".to_owned()));
        let long = "ä".repeat(PANIC_MESSAGE_BYTES_MAX);
        let told = run(|| panic_any(long)).expect_err("it panics");
        assert_eq!(told.len(), PANIC_MESSAGE_BYTES_MAX);
    }

    #[test]
    fn a_payload_whose_drop_panics_is_contained() {
        assert!(run(|| panic_any(Bomb)).is_err());
        assert!(!drop_value(Bomb));
    }
}
