//! What stands for `trace.rs` without the feature `tracing`: nothing is forwarded, and a call's span is nothing.

use std::sync::Arc;

use crate::id::{CallId, WorkerId};

use super::bus::Bus;

/// Forwards nothing.
pub(super) fn attend(_: &Arc<Bus>) {}

/// The span of one call, which without the feature `tracing` is nothing.
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
