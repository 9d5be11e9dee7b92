//! Workers: the [`Slots`] that jobs wait in, and the threads that run them.

mod execute;
mod in_step;
mod inside;
mod install;
mod installed;
mod instances;
mod life;
mod nest;
#[cfg(test)]
pub(crate) mod played;
mod queue;
mod reaper;
mod register;
mod slot;
mod slots;
mod stage;
mod start;
mod supply;
mod thread;

pub(crate) use queue::Closed;
pub(crate) use slot::{Slot, Standing};
pub(crate) use slots::{Counts, Slots, WorkerTerms};
pub(crate) use stage::Stage;
pub use start::{ThreadLife, ThreadStart};
pub(crate) use thread::Threads;
