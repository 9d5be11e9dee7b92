//! What reaches the driver: its [`Mailbox`], and the [`ExitNotice`] by which a child cannot end unnoticed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::id::Run;
use crate::sync::channel::{self, Receiver, Sender};
use crate::sync::{AtomicBool, OnceLock, Thread, current};

use super::ChildId;
use super::child::{Input, RunEnd};

/// The end of a run.
#[derive(Debug)]
pub(crate) struct Departure {
    /// The number that it was started under.
    pub(crate) run: Run,
    /// The newest number that it went by.
    pub(crate) last: Run,
    pub(crate) end: RunEnd,
    /// Why it ended, if that is known.
    pub(crate) why: Option<Arc<str>>,
}

/// One message to the driver.
#[derive(Debug)]
pub(crate) enum Message {
    /// News of a child; of its end with what was wrong, if it knew.
    News { child: ChildId, input: Input, why: Option<Arc<str>> },
    /// All children are to end, and are killed at `kill_at`.
    StopAll { kill_at: Instant },
}

/// The way to the driver. Its queue is bounded; a run posts at most three messages, and the driver always reads on.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    sender: Sender<Message>,
    driver: Arc<OnceLock<Thread>>,
    /// Whether the driver is to look at its children.
    look: Arc<AtomicBool>,
}

impl Mailbox {
    /// A mailbox for so many children, and its reading end.
    pub(super) fn new(children: usize) -> (Self, Receiver<Message>) {
        let (sender, receiver) = channel::bounded(16 + 4 * children);
        (Self { sender, driver: Arc::default(), look: Arc::default() }, receiver)
    }

    /// Says that the calling thread is the driver.
    pub(super) fn attend(&self) {
        self.driver.get_or_init(current);
    }

    /// Whether the calling thread is the driver.
    pub(crate) fn is_read_here(&self) -> bool {
        self.driver.get().is_some_and(|driver| driver.id() == current().id())
    }

    pub(crate) fn stop_all(&self, kill_at: Instant) {
        self.post(Message::StopAll { kill_at });
    }

    /// Says that a run has ended which will not say so itself in time.
    pub(crate) fn exited(&self, child: ChildId, departure: Departure) {
        let Departure { run, last, end, why } = departure;
        self.post(Message::News { child, input: Input::Exited { run, last, end }, why });
    }

    /// Has the driver look which children overrun. It takes no place in the queue, so that it never waits.
    pub(crate) fn look(&self) {
        if !self.look.swap(true, Ordering::AcqRel)
            && let Some(driver) = self.driver.get()
        {
            driver.unpark();
        }
    }

    /// Whether the driver is to look, once for all who asked.
    pub(super) fn is_to_look(&self) -> bool {
        self.look.load(Ordering::Acquire) && self.look.swap(false, Ordering::AcqRel)
    }

    fn post(&self, message: Message) {
        if self.sender.send(message).is_ok()
            && let Some(driver) = self.driver.get()
        {
            driver.unpark();
        } // else the driver has ended, after every child that it waits for: the news is of no use to anybody
    }
}

/// A run's way to tell of itself. Dropped, it says that the run has ended, however that came about.
#[derive(Debug)]
pub(crate) struct ExitNotice {
    mailbox: Mailbox,
    child: ChildId,
    run: Run,
    last: Run,
    succeeded: bool,
    abandoned: bool,
    why: Option<Arc<str>>,
}

impl ExitNotice {
    pub(super) fn new(mailbox: Mailbox, child: ChildId, run: Run) -> Self {
        Self { mailbox, child, run, last: run, succeeded: false, abandoned: false, why: None }
    }

    /// The run is ready.
    pub(crate) fn ready(&self) {
        let input = Input::Ready { run: self.run };
        self.mailbox.post(Message::News { child: self.child, input, why: None });
    }

    /// The run has been of use.
    pub(crate) fn succeeded(&mut self) {
        self.succeeded = true;
    }

    /// The run ends because of this.
    pub(crate) fn failed(&mut self, why: &str) {
        self.why = Some(why.into());
    }

    /// The run was left behind: whoever did that has told of its end.
    pub(crate) fn was_abandoned(&mut self) {
        self.abandoned = true;
    }

    /// The same thread goes on under another run number.
    pub(crate) fn recycled(&mut self, last: Run) {
        self.last = last;
    }
}

impl Drop for ExitNotice {
    fn drop(&mut self) {
        if !self.abandoned {
            let end = RunEnd::Ended { succeeded: self.succeeded };
            let why = self.why.take();
            self.mailbox.exited(self.child, Departure { run: self.run, last: self.last, end, why });
        }
    }
}
