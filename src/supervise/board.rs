//! [`Board`]: what the driver has observed of its children, for everybody to read and wait for.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::sync::{AtomicBool, AtomicU8, AtomicU32, Mutex, Signal};

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
    Degraded = 6,
}

impl Observed {
    fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Starting,
            2 => Self::Ready,
            3 => Self::Draining,
            4 => Self::Backoff,
            5 => Self::GaveUp,
            6 => Self::Degraded,
            _ => Self::Stopped,
        }
    }
}

impl std::fmt::Display for Observed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Backoff => "backoff",
            Self::GaveUp => "gave up",
            Self::Degraded => "degraded",
        })
    }
}

/// What is known of one child.
#[derive(Debug)]
struct Line {
    state: AtomicU8,
    /// Whether its first start has come to an end, good or bad.
    is_settled: AtomicBool,
    /// Starts after the first one.
    restarts: AtomicU32,
    /// Why its last run ended, if nobody had asked for it.
    failure: Mutex<Option<Arc<str>>>,
}

/// Written by the driver alone.
#[derive(Debug)]
pub(crate) struct Board {
    lines: Box<[Line]>,
    ended: AtomicBool,
    changed: Signal,
}

impl Board {
    pub(crate) fn new(children: usize) -> Self {
        let line = |_| Line {
            state: AtomicU8::new(Observed::Starting as u8),
            is_settled: AtomicBool::new(false),
            restarts: AtomicU32::new(0),
            failure: Mutex::default(),
        };
        Self {
            lines: (0..children).map(line).collect(),
            ended: AtomicBool::new(false),
            changed: Signal::default(),
        }
    }

    pub(crate) fn observed(&self, child: ChildId) -> Observed {
        Observed::from_number(self.lines[child as usize].state.load(Ordering::Acquire))
    }

    /// Whether every child is ready or has failed once.
    pub(crate) fn are_settled(&self) -> bool {
        self.lines.iter().all(|line| line.is_settled.load(Ordering::Acquire))
    }

    /// How often the child was started after the first time.
    pub(crate) fn restarts(&self, child: ChildId) -> u32 {
        self.lines[child as usize].restarts.load(Ordering::Acquire)
    }

    /// Why its last run ended, or could not be started, if nobody had asked for that.
    pub(crate) fn failure(&self, child: ChildId) -> Option<Arc<str>> {
        self.lines[child as usize].failure.lock().clone()
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
        let line = &self.lines[child as usize];
        line.state.store(observed as u8, Ordering::Release);
        if observed != Observed::Starting {
            line.is_settled.store(true, Ordering::Release);
        }
        self.changed.notify();
    }

    pub(super) fn restarted(&self, child: ChildId) {
        self.lines[child as usize].restarts.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn failed(&self, child: ChildId, why: &Arc<str>) {
        *self.lines[child as usize].failure.lock() = Some(Arc::clone(why));
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.changed.notify();
    }
}
