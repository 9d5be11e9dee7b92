//! Channels as request and reply: worker threads that share one queue, and a channel for the replies, in two forms.

use std::marker::PhantomData;

use super::threads::Threads;
use crate::contender::{Caller, Service, WINDOW};

/// Requests that the queue takes before a sender waits.
const QUEUE: usize = 1_024;

/// A crate's bounded channel for several senders and several receivers.
pub(crate) trait Channel: 'static {
    type Sender<T: Send + 'static>: Clone + Send + 'static;
    type Receiver<T: Send + 'static>: Clone + Send + 'static;

    fn bounded<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>);

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, value: T) -> anyhow::Result<()>;

    /// An error once all senders are gone.
    fn receive<T: Send + 'static>(receiver: &Self::Receiver<T>) -> anyhow::Result<T>;
}

/// An argument, and where its reply is sent.
pub(crate) struct Request<C: Channel, A, R: Send + 'static> {
    argument: A,
    reply: C::Sender<R>,
}

/// The threads and their queue.
struct Crew<C: Channel, A: Send + 'static, R: Send + 'static> {
    requests: C::Sender<Request<C, A, R>>,
    threads: Threads,
}

impl<C: Channel, A: Send + 'static, R: Send + 'static> Crew<C, A, R> {
    fn start(workers: usize, function: fn(A) -> R) -> anyhow::Result<Self> {
        let (requests, queue) = C::bounded::<Request<C, A, R>>(QUEUE);
        let threads = Threads::start(workers, || {
            let queue = queue.clone();
            move || {
                while let Ok(Request { argument, reply }) = C::receive(&queue) {
                    // Whoever asked may have gone.
                    let _ = C::send(&reply, function(argument));
                }
            }
        })?;
        Ok(Self { requests, threads })
    }

    fn stop(self) -> anyhow::Result<()> {
        drop(self.requests);
        self.threads.join()
    }
}

/// A reply channel for each call.
pub(crate) struct PerCall<C: Channel, A: Send + 'static, R: Send + 'static>(Crew<C, A, R>);

pub(crate) struct PerCallCaller<C: Channel, A: Send + 'static, R: Send + 'static>(
    C::Sender<Request<C, A, R>>,
    PhantomData<C>,
);

impl<C: Channel + Send, A: Send + 'static, R: Send + 'static> Service<A, R> for PerCall<C, A, R> {
    type Caller = PerCallCaller<C, A, R>;

    fn start(workers: usize, function: fn(A) -> R) -> anyhow::Result<Self> {
        Crew::start(workers, function).map(Self)
    }

    fn caller(&self) -> anyhow::Result<Self::Caller> {
        Ok(PerCallCaller(self.0.requests.clone(), PhantomData))
    }

    fn stop(self) -> anyhow::Result<()> {
        self.0.stop()
    }
}

impl<C: Channel + Send, A: Send + 'static, R: Send + 'static> Caller<A, R> for PerCallCaller<C, A, R> {
    type Pending = C::Receiver<R>;

    fn submit(&mut self, argument: A) -> anyhow::Result<Self::Pending> {
        let (reply, answer) = C::bounded(1);
        C::send(&self.0, Request { argument, reply })?;
        Ok(answer)
    }

    fn wait(&mut self, pending: Self::Pending) -> anyhow::Result<R> {
        C::receive(&pending)
    }
}

/// A reply channel for each caller, used again by all of its calls.
pub(crate) struct Reused<C: Channel, A: Send + 'static, R: Send + 'static>(Crew<C, A, R>);

pub(crate) struct ReusedCaller<C: Channel, A: Send + 'static, R: Send + 'static> {
    requests: C::Sender<Request<C, A, R>>,
    reply: C::Sender<R>,
    answers: C::Receiver<R>,
}

impl<C: Channel + Send, A: Send + 'static, R: Send + 'static> Service<A, R> for Reused<C, A, R> {
    type Caller = ReusedCaller<C, A, R>;

    fn start(workers: usize, function: fn(A) -> R) -> anyhow::Result<Self> {
        Crew::start(workers, function).map(Self)
    }

    fn caller(&self) -> anyhow::Result<Self::Caller> {
        let (reply, answers) = C::bounded(WINDOW);
        Ok(ReusedCaller { requests: self.0.requests.clone(), reply, answers })
    }

    fn stop(self) -> anyhow::Result<()> {
        self.0.stop()
    }
}

impl<C: Channel + Send, A: Send + 'static, R: Send + 'static> Caller<A, R> for ReusedCaller<C, A, R> {
    type Pending = ();

    const IN_ORDER: bool = false;

    fn submit(&mut self, argument: A) -> anyhow::Result<()> {
        C::send(&self.requests, Request { argument, reply: self.reply.clone() })
    }

    fn wait(&mut self, (): ()) -> anyhow::Result<R> {
        C::receive(&self.answers)
    }
}
