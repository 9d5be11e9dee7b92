//! A call: asked for ([`Request`]), bound to a [`Definition`], accepted as a [`Call`] with a `Ticket`, on its way as a
//! [`Job`], in a worker's hand as a [`Reply`], awaited as a [`Pending`]; and the timekeeper that ends what is overdue.

mod cell;
mod chain;
pub(crate) mod current;
mod definition;
mod error;
mod exchange;
#[cfg(test)]
mod fixture;
mod hand;
mod job;
mod load;
mod news;
mod outcome;
mod pace;
mod panic;
mod pending;
mod request;
mod shift;
mod spin;
mod start_word;
mod tally;
mod timekeeper;
mod waits;

pub use error::{CallError, NESTING_MAX, RejectReason, Rejected};
pub use panic::PanicLocation;
pub use pending::Pending;
pub use tally::Totals;

pub(crate) use cell::{Call, Making};
pub(crate) use chain::{Chain, Link};
pub(crate) use definition::{Bound, Definition};
pub(crate) use hand::{Hand, Phase};
pub(crate) use job::{Job, Reply};
pub(crate) use load::{Load, Seen};
pub(crate) use news::{News, tell_rejected};
pub(crate) use outcome::{End, Outcome, Trouble, Wakeup};
pub(crate) use pace::{Pace, TIMED_EVERY};
pub(crate) use panic::{Panic, Panics, watch_locations};
pub(crate) use request::{Limit, Request, Target, Terms};
pub(crate) use shift::{Gate, Rescue, Shift};
pub(crate) use spin::{Budget, WAKE};
#[cfg(all(test, wpc_loom))]
pub(crate) use timekeeper::attend;
pub(crate) use timekeeper::{Round, Scan, Timekeeper};
#[cfg(test)]
pub(crate) use timekeeper::{look, next_look};
pub(crate) use waits::{Position, Waiting};
