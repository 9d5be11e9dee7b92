//! The users' work in tests: time that passes while a function runs. Never used to synchronise.

use std::time::Duration;

/// Works for so long.
#[expect(clippy::disallowed_methods, reason = "this is the user's work, not a wait of the library's")]
pub(crate) fn for_about(duration: Duration) {
    std::thread::sleep(duration);
}
