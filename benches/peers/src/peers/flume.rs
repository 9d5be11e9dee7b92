//! flume as request and reply, by its blocking side.
//!
//! <https://docs.rs/flume/0.12/flume/>: senders and receivers are both cloned and shared.

use anyhow::anyhow;

use super::request_reply::{self, Channel};

pub(crate) struct Flume;

/// A reply channel for each call.
pub(crate) type PerCall<A, R> = request_reply::PerCall<Flume, A, R>;

/// A reply channel for each caller, used again by all of its calls.
pub(crate) type Reused<A, R> = request_reply::Reused<Flume, A, R>;

impl Channel for Flume {
    type Sender<T: Send + 'static> = flume::Sender<T>;
    type Receiver<T: Send + 'static> = flume::Receiver<T>;

    fn bounded<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        flume::bounded(capacity)
    }

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, value: T) -> anyhow::Result<()> {
        sender.send(value).map_err(|_| anyhow!("all receivers are gone"))
    }

    fn receive<T: Send + 'static>(receiver: &Self::Receiver<T>) -> anyhow::Result<T> {
        Ok(receiver.recv()?)
    }
}
