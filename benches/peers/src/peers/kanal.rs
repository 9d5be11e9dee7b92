//! kanal as request and reply, by its blocking side.
//!
//! <https://docs.rs/kanal/0.1/kanal/#usage> has bounded channels, cloned for each thread. One of capacity 0 would need no
//! memory, but would keep a worker until its caller comes for the reply.

use anyhow::anyhow;

use super::request_reply::{self, Channel};

pub(crate) struct Kanal;

/// A reply channel for each call.
pub(crate) type PerCall<A, R> = request_reply::PerCall<Kanal, A, R>;

/// A reply channel for each caller, used again by all of its calls.
pub(crate) type Reused<A, R> = request_reply::Reused<Kanal, A, R>;

impl Channel for Kanal {
    type Sender<T: Send + 'static> = kanal::Sender<T>;
    type Receiver<T: Send + 'static> = kanal::Receiver<T>;

    fn bounded<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        kanal::bounded(capacity)
    }

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, value: T) -> anyhow::Result<()> {
        sender.send(value).map_err(|_| anyhow!("all receivers are gone"))
    }

    fn receive<T: Send + 'static>(receiver: &Self::Receiver<T>) -> anyhow::Result<T> {
        Ok(receiver.recv()?)
    }
}
