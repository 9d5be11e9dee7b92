//! [`Driver`]: the one thread that feeds the children's state machines and carries out what they say.
//!
//! # Theory of operation
//!
//! The thread parks. It is woken by a message in its mailbox, by a wish that it look at its children, or by the earliest
//! deadline of a child. It owns every
//! [`Child`] and what was started for it. It ends when a stop was asked for and no child is left, and says so on the
//! board. It runs no user code and holds no lock while it calls an adapter.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::clock::Clock;
use crate::event::Bus;
use crate::id::Run;
use crate::sync::channel::Receiver;
use crate::sync::{self, JoinHandle};

use super::board::{Board, Observed};
use super::child::{Action, Child, Input};
use super::chronicle::{Chronicle, Glance, Turn};
use super::notice::{ExitNotice, Mailbox, Message};
use super::policy::RestartPolicy;
use super::{ChildId, Running, Start};

/// The thread, as its owner holds it.
pub(crate) struct Driver {
    mailbox: Mailbox,
    board: Arc<Board>,
    thread: JoinHandle<()>,
}

/// What a driver is made with.
pub(crate) struct Setup {
    pub(crate) clock: Clock,
    pub(crate) start_timeout: Duration,
    pub(crate) policy: RestartPolicy,
    pub(crate) bus: Arc<Bus>,
    /// What the jitter of the delays is drawn from.
    pub(crate) seed: u64,
    /// The number of the last run of each child so far; as many as there are children.
    pub(crate) runs: Vec<Run>,
}

impl Driver {
    /// Starts the driver, which starts all children, of a kind that `kind` makes with the driver's mailbox.
    pub(crate) fn start<S: Start>(setup: Setup, kind: impl FnOnce(&Mailbox) -> S) -> std::io::Result<Self> {
        let (drive, inbox) = Drive::new(setup, kind);
        let (mailbox, board) = (drive.mailbox.clone(), Arc::clone(&drive.board));
        let thread = sync::spawn("wpc-driver".into(), move || drive.run(&inbox))?;
        Ok(Self { mailbox, board, thread })
    }

    pub(crate) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    pub(crate) fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Waits for the thread, which has said on the board that it ends: this takes no longer than a return.
    pub(crate) fn join(self) {
        debug_assert!(self.board.has_ended(), "a driver is joined after it said that it ends");
        self.thread.join().expect("the driver does not panic: adapters do not");
    }
}

struct Care {
    child: Child,
    running: Option<Box<dyn Running>>,
    /// Why the run ends, as far as it is known before its end.
    why: Option<Arc<str>>,
    /// Whether it has been started before.
    was_begun: bool,
}

/// The driver's side of the thread.
pub(super) struct Drive {
    clock: Clock,
    kind: Box<dyn Start>,
    pub(super) mailbox: Mailbox,
    pub(super) board: Arc<Board>,
    children: Vec<Care>,
    stopping: bool,
    chronicle: Chronicle,
    jitter_max: Duration,
    chance: StdRng,
}

impl Drop for Drive {
    /// However the thread ends, nobody waits for it any more.
    fn drop(&mut self) {
        self.board.end();
    }
}

impl Drive {
    /// The driver without its thread, and what it is to read.
    pub(super) fn new<S: Start>(setup: Setup, kind: impl FnOnce(&Mailbox) -> S) -> (Self, Receiver<Message>) {
        let (mailbox, inbox) = Mailbox::new(setup.runs.len());
        let board = Arc::new(Board::new(setup.runs.len()));
        let care = |run: &Run| Care {
            child: Child::new(setup.policy, setup.start_timeout, *run),
            running: None,
            why: None,
            was_begun: false,
        };
        let drive = Drive {
            clock: setup.clock,
            kind: Box::new(kind(&mailbox)),
            mailbox,
            board,
            children: setup.runs.iter().map(care).collect(),
            stopping: false,
            chronicle: Chronicle::new(setup.bus, setup.policy),
            jitter_max: setup.policy.jitter_max(),
            chance: StdRng::seed_from_u64(setup.seed),
        };
        (drive, inbox)
    }

    fn run(mut self, inbox: &Receiver<Message>) {
        self.begin_all();
        while !self.has_ended() {
            if self.mailbox.is_to_look() {
                self.look();
            }
            match inbox.try_recv() {
                Ok(message) => self.take(message),
                Err(_) => self.rest(),
            }
        }
    }

    /// Has every child run.
    pub(super) fn begin_all(&mut self) {
        self.mailbox.attend();
        self.step_all(Input::Start);
    }

    /// Does what a message says.
    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::News { child, input, why } => {
                let known = &mut self.children[child as usize].why;
                *known = why.or(known.take());
                self.step(child, input);
            }
            Message::StopAll { kill_at } => {
                self.stopping = true;
                self.step_all(Input::Stop { kill_at });
            }
        }
    }

    #[cfg(test)]
    pub(super) fn child(&self, id: ChildId) -> &Child {
        &self.children[id as usize].child
    }

    #[cfg(all(test, wpc_loom))]
    pub(super) fn running(&mut self, id: ChildId) -> Option<Box<dyn Running>> {
        self.children[id as usize].running.take()
    }

    /// Parks until there is something to do.
    fn rest(&mut self) {
        if !self.clock.wait(self.due()).park(sync::park) {
            self.tick();
        }
    }

    /// When the first child's time is up.
    pub(super) fn due(&self) -> Option<Instant> {
        self.children.iter().filter_map(|care| care.child.deadline()).min()
    }

    /// Time has passed.
    pub(super) fn tick(&mut self) {
        self.step_all(Input::Tick);
    }

    /// Looks at each child: somebody has asked for that.
    pub(super) fn look(&mut self) {
        for child in 0..self.children.len() {
            let overruns = self.children[child].running.as_ref().map(|running| running.is_overrun());
            if let Some(overruns) = overruns {
                self.step(id_of(child), Input::Overrun(overruns));
            }
            if self.children[child].child.is_held() && self.kind.has_room() {
                self.step(id_of(child), Input::Room);
            }
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        let settled = |care: &Care| matches!(care.child.observed(), Observed::Stopped | Observed::GaveUp);
        self.stopping && self.children.iter().all(settled)
    }

    fn step_all(&mut self, input: Input) {
        for child in 0..self.children.len() {
            self.step(id_of(child), input);
        }
    }

    fn step(&mut self, id: ChildId, input: Input) {
        let now = self.clock.now();
        let jitter = self.jitter(input);
        let care = &mut self.children[id as usize];
        let (before, was_restart) = (Glance::of(&care.child), care.child.is_restart());
        let run = match (input, &care.running) {
            (Input::Exited { last, .. }, _) => last,
            (_, Some(running)) => running.newest(),
            _ => before.run,
        };
        let action = care.child.step(now, input, jitter);
        let after = Glance::of(&care.child);
        if before.observed != after.observed || before.run != after.run {
            let why = care.why.take_if(|_| matches!(input, Input::Exited { .. }));
            let turn =
                Turn { before, after, run, input, child: &care.child, was_restart, why: why.as_deref() };
            if let Some(failure) = self.chronicle.tell(id, &turn) {
                self.board.failed(id, &failure);
            }
        }
        if matches!(after.observed, Observed::Stopped | Observed::Backoff | Observed::GaveUp) {
            care.running = None;
        }
        // A start is shown before it begins, so that nobody takes an old state for what came of it; all else once it is done.
        let (is_new, begins) = (before.observed != after.observed, matches!(action, Some(Action::Start(_))));
        if is_new && begins {
            self.board.show(id, after.observed);
        }
        match action {
            Some(Action::Start(run)) => self.begin(id, run),
            Some(Action::RequestStop) => care.running.iter().for_each(|running| running.request_stop()),
            Some(Action::Kill) => care.running.iter().for_each(|running| running.kill()),
            Some(Action::Hold) => self.hold(id),
            Some(Action::GiveUp) => self.kind.gave_up(id),
            None => {}
        }
        if is_new && !begins {
            self.board.show(id, after.observed);
        }
    }

    /// Looks once more for room, which may have come before anybody could know that the child waits for it.
    fn hold(&mut self, id: ChildId) {
        self.kind.held(id);
        self.mailbox.look();
    }

    fn begin(&mut self, id: ChildId, run: Run) {
        let notice = ExitNotice::new(self.mailbox.clone(), id, run);
        let care = &mut self.children[id as usize];
        care.why = None;
        match self.kind.start(id, run, notice) {
            Ok(running) => {
                care.running = Some(running);
                self.chronicle.spawned(id, run);
            }
            // The notice that `start` was given has been dropped, so the exit is on its way already.
            Err(why) => care.why = Some(why.into()),
        }
        if std::mem::replace(&mut care.was_begun, true) {
            self.board.restarted(id);
        }
    }

    /// The jitter of the delay that this input may lead to.
    fn jitter(&mut self, input: Input) -> Duration {
        if !matches!(input, Input::Exited { .. }) {
            return Duration::ZERO;
        }
        let nanos = u64::try_from(self.jitter_max.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.chance.random_range(0..=nanos))
    }
}

fn id_of(child: usize) -> ChildId {
    ChildId::try_from(child).expect("there are fewer children than ids")
}
