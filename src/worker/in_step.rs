//! How a worker keeps in step with the registry: it takes snapshots, acknowledges what it has, and lets go of the rest.

use std::sync::Arc;

use crate::fence;

use super::inside::Worker;
use super::install::Abandoned;
use super::slot::Acknowledged;

impl Worker {
    pub(super) fn has_news(&self) -> bool {
        self.slots.registry.publication().version() != self.snapshot.borrow().version
    }

    /// Takes the newest snapshot, if there is a newer one, and acknowledges it; true if there was. The one before is kept
    /// until [`Worker::let_go`].
    pub(super) fn adopt(&self) -> bool {
        let is_new = self.take_newest();
        if is_new {
            self.acknowledge();
        }
        is_new
    }

    /// Takes the newest snapshot, if there is a newer one, before this worker serves.
    pub(super) fn take_newest(&self) -> bool {
        if !self.has_news() {
            return false;
        }
        let newest = self.slots.registry.publication().newest();
        self.has_uninstalled.set(!newest.dependencies.is_empty());
        let before = self.snapshot.replace(newest);
        self.superseded.borrow_mut().push(before);
        true
    }

    /// Drops what is superseded: snapshots, local state and conversions that belong to nothing any more, and instances
    /// that no call can need. All of that is user code.
    pub(super) fn let_go(&self) -> Result<(), Abandoned> {
        let superseded = self.superseded.take();
        if superseded.is_empty() && !self.instances.have_superseded() {
            return Ok(());
        }
        let mut gone = Vec::new();
        let kept = self.clean(|| {
            let newest = Arc::clone(&self.snapshot.borrow());
            self.locals.prune(
                |name| newest.functions.contains_key(name),
                |name| newest.constants.contains_key(name),
            );
            fence::drop_value(superseded);
            gone = self.instances.drop_superseded();
        });
        self.slot().as_own(self.load(), self.hand.get(), || {
            self.slot().installed.dropped(&gone);
            self.slot().installed.prune();
        });
        if kept { Ok(()) } else { Err(Abandoned) }
    }

    pub(super) fn acknowledge(&self) {
        let snapshot = Arc::clone(&self.snapshot.borrow());
        let lacking: Vec<_> = snapshot
            .dependencies
            .values()
            .map(|published| published.dependency.generation())
            .filter(|generation| !self.instances.has(*generation))
            .collect();
        let digest = if lacking.is_empty() { snapshot.digest() } else { snapshot.digest_without(&lacking) };
        let acknowledged = Acknowledged { version: snapshot.version, digest, lacking };
        self.slot().as_own(self.load(), self.hand.get(), || self.slot().acknowledge(acknowledged));
        self.slots.acknowledgements.notify();
    }
}
