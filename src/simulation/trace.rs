//! [`Trace`]: what happened, step by step, as bytes that depend on nothing but the seed.

use std::fmt::{Arguments, Write};

/// Kept only where somebody wants to read it. It holds no number that the process counts: no call, no generation.
#[derive(Default)]
pub(super) struct Trace(Option<String>);

impl Trace {
    pub(super) fn kept() -> Self {
        Self(Some(String::new()))
    }

    pub(super) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Adds to the present line.
    pub(super) fn add(&mut self, what: Arguments<'_>) {
        if let Some(text) = &mut self.0 {
            text.write_fmt(what).expect("a string takes all that is written");
        }
    }

    pub(super) fn into_text(self) -> String {
        self.0.unwrap_or_default()
    }
}
