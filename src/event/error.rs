//! Why there is no subscription, and why there is no event.

use std::io;

/// There is no subscription, or no listener.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// As many subscriptions and listeners as may be are there already.
    #[error("there are {limit} subscriptions and listeners already")]
    TooMany {
        /// How many there may be: [`LISTENERS_MAX`](crate::LISTENERS_MAX).
        limit: usize,
    },
    /// The listener's thread could not be started.
    #[error("the listener's thread could not be started")]
    Thread(#[source] io::Error),
    /// The pool is gone, or about to go: there will be no more events.
    #[error("there will be no more events")]
    Closed,
}

/// No event came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitEventError {
    /// The time was up.
    #[error("no event came in time")]
    TimedOut,
    /// Everything that was emitted has been read, and nothing more will come.
    #[error("there will be no more events")]
    Closed,
}
