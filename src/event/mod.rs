//! Events: what happened in a pool, told in order to whoever subscribes, and never at the cost of a call.
//!
//! The [`Bus`] gives each event the next number and puts it into the bounded ring of each reader: a [`Subscription`],
//! which its owner reads, or a listener, which a thread of its own calls. Nothing that a reader does holds up the thread
//! that emits.

mod audience;
mod bus;
mod draft;
mod error;
#[expect(clippy::module_inception, reason = "the file is named for its noun, as every file is")]
mod event;
mod listener;
mod name;
mod ring;
mod sequence;
mod subscription;
#[cfg(feature = "tracing")]
mod trace;
#[cfg(not(feature = "tracing"))]
#[path = "no_trace.rs"]
mod trace;

#[cfg(test)]
mod tests;

pub use audience::LISTENERS_MAX;
pub use bus::EventCounts;
pub use error::{SubscribeError, WaitEventError};
pub use event::{Detail, Event, EventError};
pub use listener::{LISTENER_PANICS_MAX, ListenerId};
pub use name::{EventName, EventSource, Severity};
pub use ring::EVENT_BUFFER_DEFAULT;
pub use subscription::Subscription;

pub(crate) use bus::Bus;
pub(crate) use draft::Draft;
pub(crate) use trace::CallSpan;
