//! What stands for `trace.rs` without the feature `tracing`: nothing is forwarded, and a call has no span.

use crate::id::{CallId, WorkerId};

use super::event::Event;

/// Whether anybody would see a forwarded event: nobody.
pub(super) fn is_enabled() -> bool {
    false
}

/// Forwards nothing.
pub(super) fn forward(_: &Event) {}

/// The span that a call has with the feature `tracing`.
#[derive(Debug)]
pub(crate) struct CallSpan;

impl CallSpan {
    pub(crate) fn new(_: &str, _: CallId) -> Self {
        Self
    }

    /// Runs `code`.
    #[expect(clippy::unused_self, reason = "with the feature `tracing` it is the span that is entered")]
    pub(crate) fn run<T>(&self, _: WorkerId, code: impl FnOnce() -> T) -> T {
        code()
    }
}
