//! [`Board`]: what the driver has observed of its children, for everybody to read and wait for.

use std::sync::atomic::Ordering;

use crate::sync::{AtomicBool, AtomicU8, Mutex, Signal};

use super::ChildId;

/// A child's state, as the driver last saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Observed {
    Stopped = 0,
    Starting = 1,
    Ready = 2,
    Draining = 3,
    Backoff = 4,
    GaveUp = 5,
}

impl Observed {
    fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Starting,
            2 => Self::Ready,
            3 => Self::Draining,
            4 => Self::Backoff,
            5 => Self::GaveUp,
            _ => Self::Stopped,
        }
    }
}

/// Written by the driver alone.
#[derive(Debug)]
pub(crate) struct Board {
    states: Box<[AtomicU8]>,
    failures: Mutex<Vec<(ChildId, String)>>,
    ended: AtomicBool,
    changed: Signal,
}

impl Board {
    pub(crate) fn new(children: usize) -> Self {
        Self {
            states: (0..children).map(|_| AtomicU8::new(Observed::Starting as u8)).collect(),
            failures: Mutex::default(),
            ended: AtomicBool::new(false),
            changed: Signal::default(),
        }
    }

    pub(crate) fn observed(&self, child: ChildId) -> Observed {
        Observed::from_number(self.states[child as usize].load(Ordering::Acquire))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Observed> {
        self.states.iter().map(|state| Observed::from_number(state.load(Ordering::Acquire)))
    }

    /// Why starts have failed, by child, each child's first.
    pub(crate) fn failures(&self) -> Vec<(ChildId, String)> {
        self.failures.lock().clone()
    }

    /// Whether the driver has ended: it starts nothing any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Notified after each change.
    pub(crate) fn changed(&self) -> &Signal {
        &self.changed
    }

    pub(super) fn show(&self, child: ChildId, observed: Observed) {
        self.states[child as usize].store(observed as u8, Ordering::Release);
        self.changed.notify();
    }

    pub(super) fn failed(&self, child: ChildId, why: String) {
        let mut failures = self.failures.lock();
        if failures.iter().all(|(known, _)| *known != child) {
            failures.push((child, why));
        }
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.changed.notify();
    }
}
