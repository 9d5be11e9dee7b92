//! crossbeam-channel as request and reply.
//!
//! Threads share a receiver by cloning it: <https://docs.rs/crossbeam-channel/0.5/crossbeam_channel/#sharing-channels>; both
//! channels are bounded ones: <https://docs.rs/crossbeam-channel/0.5/crossbeam_channel/#channel-types>.

use anyhow::anyhow;

use super::request_reply::{self, Channel};

pub(crate) struct Crossbeam;

/// A reply channel for each call.
pub(crate) type PerCall<A, R> = request_reply::PerCall<Crossbeam, A, R>;

/// A reply channel for each caller, used again by all of its calls.
pub(crate) type Reused<A, R> = request_reply::Reused<Crossbeam, A, R>;

impl Channel for Crossbeam {
    type Sender<T: Send + 'static> = crossbeam_channel::Sender<T>;
    type Receiver<T: Send + 'static> = crossbeam_channel::Receiver<T>;

    fn bounded<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        crossbeam_channel::bounded(capacity)
    }

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, value: T) -> anyhow::Result<()> {
        sender.send(value).map_err(|_| anyhow!("all receivers are gone"))
    }

    fn receive<T: Send + 'static>(receiver: &Self::Receiver<T>) -> anyhow::Result<T> {
        Ok(receiver.recv()?)
    }
}
