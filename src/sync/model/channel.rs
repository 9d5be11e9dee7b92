//! A bounded channel of one reader, as a queue under a lock.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::sync::Mutex;

#[derive(Debug)]
struct Messages<T> {
    waiting: VecDeque<T>,
    is_read: bool,
}

/// The end that is written.
#[derive(Debug)]
pub(crate) struct Sender<T> {
    messages: Arc<Mutex<Messages<T>>>,
    limit: usize,
}

/// The end that is read.
#[derive(Debug)]
pub(crate) struct Receiver<T>(Arc<Mutex<Messages<T>>>);

/// Nobody reads what is sent any more; it comes back.
#[derive(Debug)]
pub(crate) struct SendError<T>(pub(crate) T);

/// Nothing is there.
#[derive(Debug)]
pub(crate) struct Empty;

/// A channel for at most `limit` messages.
pub(crate) fn bounded<T>(limit: usize) -> (Sender<T>, Receiver<T>) {
    let messages = Arc::new(Mutex::new(Messages { waiting: VecDeque::new(), is_read: true }));
    (Sender { messages: Arc::clone(&messages), limit }, Receiver(messages))
}

impl<T> Sender<T> {
    /// Sends a message. Where the real channel would wait for room this one panics: no model is to get there.
    pub(crate) fn send(&self, message: T) -> Result<(), SendError<T>> {
        let mut messages = self.messages.lock();
        if !messages.is_read {
            return Err(SendError(message));
        }
        assert!(messages.waiting.len() < self.limit, "I6: {} messages wait at the most", self.limit);
        messages.waiting.push_back(message);
        Ok(())
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { messages: Arc::clone(&self.messages), limit: self.limit }
    }
}

impl<T> Receiver<T> {
    pub(crate) fn try_recv(&self) -> Result<T, Empty> {
        self.0.lock().waiting.pop_front().ok_or(Empty)
    }

    /// How many messages wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().waiting.len()
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut messages = self.0.lock();
        messages.is_read = false;
        let unread = std::mem::take(&mut messages.waiting);
        drop(messages);
        drop(unread);
    }
}
