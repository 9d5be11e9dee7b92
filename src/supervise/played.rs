//! [`Driver`]: the driver as a simulation plays it, one turn at a time and without its thread.

use std::time::Instant;

use crate::sync::channel::Receiver;

pub(crate) use super::child::{Child, Input};
use super::driver::{Drive, Setup};
pub(crate) use super::notice::Message;
use super::{Board, ChildId, Mailbox, Start};

/// What the thread of a driver would own.
pub(crate) struct Driver {
    drive: Drive,
    inbox: Receiver<Message>,
}

impl Driver {
    /// A driver that has begun all its children.
    pub(crate) fn start<S: Start>(setup: Setup, kind: impl FnOnce(&Mailbox) -> S) -> Self {
        let (mut drive, inbox) = Drive::new(setup, kind);
        drive.begin_all();
        Self { drive, inbox }
    }

    pub(crate) fn mailbox(&self) -> &Mailbox {
        &self.drive.mailbox
    }

    pub(crate) fn board(&self) -> &std::sync::Arc<Board> {
        &self.drive.board
    }

    pub(crate) fn child(&self, id: ChildId) -> &Child {
        self.drive.child(id)
    }

    /// What the driver holds of the child's run, while it has one.
    #[cfg(wpc_loom)]
    pub(crate) fn running(&mut self, id: ChildId) -> Option<Box<dyn super::Running>> {
        self.drive.running(id)
    }

    /// The next message.
    pub(crate) fn receive(&self) -> Option<Message> {
        self.inbox.try_recv().ok()
    }

    /// How many messages wait.
    pub(crate) fn messages(&self) -> usize {
        self.inbox.len()
    }

    pub(crate) fn take(&mut self, message: Message) {
        self.drive.take(message);
    }

    /// Looks at the children, if that was asked for.
    pub(crate) fn look(&mut self) -> bool {
        let asked = self.drive.mailbox.is_to_look();
        if asked {
            self.drive.look();
        }
        asked
    }

    /// When the thread would wake without a message.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.drive.due()
    }

    pub(crate) fn tick(&mut self) {
        self.drive.tick();
    }

    /// Whether the thread would end.
    pub(crate) fn has_ended(&self) -> bool {
        self.drive.has_ended()
    }
}
