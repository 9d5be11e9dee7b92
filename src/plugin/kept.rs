//! What the libraries that unit tests make up point to. Like that of a real one it is there for ever, and whoever looks for lost
//! memory finds it here.

use std::sync::{Mutex, PoisonError};

static ADDRESSES: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Keeps the values for ever.
pub(super) fn kept<T>(values: Vec<T>) -> &'static [T] {
    let values: &'static [T] = values.leak();
    ADDRESSES.lock().unwrap_or_else(PoisonError::into_inner).push(values.as_ptr().addr());
    values
}

/// Keeps the text for ever.
pub(super) fn kept_text(text: String) -> &'static str {
    std::str::from_utf8(kept(text.into_bytes())).expect("it was a text")
}
