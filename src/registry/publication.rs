//! [`Publication`]: the newest snapshot, for everybody to read without a lock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::call::Definition;
use crate::id::Version;
use crate::sync::{ArcSwap, AtomicU64, full_fence};

use super::snapshot::Snapshot;

/// Written by the registry alone, under its lock.
pub(crate) struct Publication {
    snapshot: ArcSwap<Snapshot>,
    version: AtomicU64,
}

impl Publication {
    pub(super) fn new(first: Snapshot) -> Self {
        Self { version: AtomicU64::new(first.version.0), snapshot: ArcSwap::from_pointee(first) }
    }

    /// The definition of that name in the newest snapshot.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Definition>> {
        self.snapshot.load().functions.get(name).cloned()
    }

    /// The newest snapshot, to keep.
    pub(crate) fn newest(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The newest version: a cheap look whether there is something new.
    pub(crate) fn version(&self) -> Version {
        Version(self.version.load(Ordering::Acquire))
    }

    /// Publishes; the snapshot before comes back, to be dropped outside of locks. A full fence follows the store,
    /// for the hand-shake with workers that go to sleep or into user code.
    pub(super) fn publish(&self, next: Snapshot) -> Arc<Snapshot> {
        let version = next.version.0;
        let before = self.snapshot.swap(Arc::new(next));
        self.version.store(version, Ordering::Release);
        full_fence();
        before
    }
}
