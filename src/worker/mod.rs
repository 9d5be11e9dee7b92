//! Workers: the [`Slots`] that jobs wait in, and the threads that run them.

mod execute;
mod inside;
mod queue;
mod reaper;
mod slot;
mod slots;
mod thread;

pub(crate) use queue::Closed;
pub(crate) use reaper::drop_later;
pub(crate) use slot::{Slot, Standing};
pub(crate) use slots::{Counts, Slots};
pub(crate) use thread::Threads;
