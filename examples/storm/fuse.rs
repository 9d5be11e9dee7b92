//! [`Fuse`]: what panics when it is dropped, and [`Fuses`], the book that says whether each was.

use std::collections::HashMap;
use std::panic::panic_any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::work::OnPurpose;

/// Every fuse that was armed, until it goes off or is disarmed. Each must go once.
#[derive(Debug, Default)]
pub(crate) struct Fuses {
    armed: AtomicU64,
    /// Fuses that were dropped once more.
    twice: AtomicU64,
    /// The nonces of their calls, by the fuses' own numbers.
    out: Mutex<HashMap<u64, u64>>,
}

impl Fuses {
    /// A fuse that panics when it is dropped, with the nonce of the call that it belongs to.
    pub(crate) fn arm(self: &Arc<Self>, nonce: u64) -> Fuse {
        let number = self.armed.fetch_add(1, Ordering::SeqCst);
        self.with_out(|out| out.insert(number, nonce));
        Fuse { armed: Some(Armed { number, nonce, book: Arc::clone(self) }) }
    }

    /// How many were ever armed.
    pub(crate) fn armed(&self) -> u64 {
        self.armed.load(Ordering::SeqCst)
    }

    /// How many are neither dropped nor disarmed.
    pub(crate) fn out(&self) -> u64 {
        self.with_out(|out| out.len() as u64)
    }

    /// The call of one that is out.
    pub(crate) fn nonce_of_one(&self) -> Option<u64> {
        self.with_out(|out| out.values().next().copied())
    }

    /// How many have gone more than once.
    pub(crate) fn twice(&self) -> u64 {
        self.twice.load(Ordering::SeqCst)
    }

    fn is_gone(&self, number: u64) {
        let was_out = self.with_out(|out| out.remove(&number).is_some());
        self.twice.fetch_add(u64::from(!was_out), Ordering::SeqCst);
    }

    fn with_out<T>(&self, act: impl FnOnce(&mut HashMap<u64, u64>) -> T) -> T {
        act(&mut self.out.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Panics when it is dropped, if it is armed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Fuse {
    #[serde(skip)]
    armed: Option<Armed>,
}

#[derive(Debug)]
struct Armed {
    number: u64,
    nonce: u64,
    book: Arc<Fuses>,
}

impl Fuse {
    pub(crate) fn disarm(&mut self) {
        if let Some(Armed { number, book, .. }) = self.armed.take() {
            book.is_gone(number);
        }
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        if let Some(Armed { number, nonce, book }) = self.armed.take() {
            book.is_gone(number);
            panic_any(OnPurpose::message(nonce));
        }
    }
}
