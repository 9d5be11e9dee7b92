//! [`Worker`]: the state of one worker run, on its own thread; and what functions that run there can ask of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::call::{Budget, Call, Chain, Definition, Hand, Load, Outcome, Panics, Phase, Trouble, WAKE};
use crate::clock::{Clock, Moment};
use crate::event::CallSpan;
use crate::function::{
    Constant, Context, ContextOf, Dependency, Host, Instance, InstanceError, Interrupt, Locals, Wanted,
};
use crate::id::{CallId, WorkerId};
use crate::registry::Snapshot;
use crate::sync::{CachePadded, Held, Weak};
use crate::value::Value;

use super::execute;
use super::instances::Instances;
use super::register::{Busy, Cleaning, Shown};
use super::slot::Slot;
use super::slots::Slots;
use super::start::ThreadLife;

/// One running function.
pub(super) struct Frame {
    pub(super) deadline: Moment,
    pub(super) chain: Chain,
    /// The flag; none for the outermost function, whose flag is that of the call that the hand runs.
    pub(super) interrupt: Option<Rc<dyn Interrupt>>,
}

/// A worker's own state. Nobody else reaches it.
pub(crate) struct Worker {
    pub(super) slots: Arc<Slots>,
    pub(super) at: usize,
    /// The hand as this thread last moved it; if the slot's differs, the run has been abandoned.
    pub(super) hand: Cell<Hand>,
    /// Where it shows the call that it is at.
    shown: Arc<CachePadded<Shown>>,
    pub(super) snapshot: RefCell<Arc<Snapshot>>,
    /// Those before it, which are to be let go of.
    pub(super) superseded: RefCell<Vec<Arc<Snapshot>>>,
    pub(super) locals: Locals,
    pub(super) instances: Instances,
    /// Whether the snapshot may have dependencies that were not tried yet.
    pub(super) has_uninstalled: Cell<bool>,
    /// The number of the last stage that it came to.
    pub(super) stage_seen: Cell<u64>,
    pub(super) life: Cell<ThreadLife>,
    /// The calls that its thread has run.
    pub(super) calls: Cell<u64>,
    pub(super) frames: RefCell<Vec<Frame>>,
    /// How long it waits awake for its next job.
    pub(super) rest: Budget,
    /// When the call began that runs, if its time is taken.
    pub(super) began: Cell<Option<Moment>>,
    /// What it ran last was short.
    pub(super) is_hurried: Cell<bool>,
    /// It has run a call to its end, without a panic.
    pub(super) has_served: Cell<bool>,
    /// A function panicked inside the one that runs: the worker recycles after it.
    pub(super) is_tainted: Cell<bool>,
    /// The last panics of the thread, if the pool is to tell where they were.
    pub(super) panics: Panics,
}

/// What one function runs with, wherever its call came from.
pub(super) struct Running<'a> {
    pub(super) call_id: CallId,
    pub(super) definition: &'a Definition,
    pub(super) argument: Value,
    pub(super) wanted: &'a Wanted,
    pub(super) span: &'a CallSpan,
    pub(super) interrupt: &'a dyn Interrupt,
    pub(super) frame: Frame,
}

impl Worker {
    pub(super) fn new(slots: Arc<Slots>, at: usize, hand: Hand, shown: Arc<CachePadded<Shown>>) -> Self {
        let snapshot = RefCell::new(slots.registry.publication().newest());
        Self {
            slots,
            at,
            hand: Cell::new(hand),
            shown,
            snapshot,
            superseded: RefCell::default(),
            locals: Locals::default(),
            instances: Instances::default(),
            has_uninstalled: Cell::new(false),
            stage_seen: Cell::new(0),
            life: Cell::default(),
            calls: Cell::new(0),
            frames: RefCell::default(),
            rest: Budget::new(WAKE),
            began: Cell::default(),
            is_hurried: Cell::new(false),
            has_served: Cell::new(false),
            is_tainted: Cell::new(false),
            panics: Panics::default(),
        }
    }

    pub(super) fn slot(&self) -> &Slot {
        &self.slots.all[self.at]
    }

    pub(super) fn load(&self) -> &Load {
        &self.slots.shift.loads[self.at]
    }

    /// Moves the hand on; false if the run has been abandoned, after which nothing of the slot may be touched.
    pub(super) fn move_hand(&self, to: Hand) -> bool {
        let moved = self.load().move_hand(self.hand.get(), to);
        if moved {
            self.hand.set(to);
        }
        moved
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.load().hand() != self.hand.get()
    }

    /// Whether there is something in its own queue.
    pub(super) fn has_jobs(&self) -> bool {
        !self.slot().queue.is_empty()
    }

    /// Shows a call that this worker takes from a queue, and takes it into its hand; false if the run has been abandoned, and
    /// must not take it. So whoever ends what is here meets each call in its queue, or in the hand.
    pub(super) fn take(&self, call: &Held<Call>) -> bool {
        if !call.is_queued() {
            return !self.is_abandoned(); // a shell, which nobody has to meet
        }
        self.shown.store(call);
        self.move_hand(self.hand.get().running_next())
    }

    /// The call that the outermost function runs for; none once the run has been abandoned.
    pub(super) fn outermost(&self) -> Weak<Call> {
        if self.is_abandoned() { Weak::new() } else { self.shown.load() }
    }

    /// Runs user code that belongs to no call, in a phase of its own; false if the run has been abandoned.
    ///
    /// It is shown as a running call is, and left behind if it goes on for two overrun graces.
    pub(super) fn clean(&self, code: impl FnOnce()) -> bool {
        let shift = &self.slots.shift;
        let (grace, until) = (shift.overrun_grace, shift.clock.now().checked_add(shift.overrun_grace));
        self.aside(Busy::Clean(Cleaning { until, grace, is_suspect: false }), until, code)
    }

    /// Runs user code that belongs to no call, and may take as long as a start may.
    pub(super) fn prepare(&self, code: impl FnOnce()) -> bool {
        let grace = self.slots.shift.overrun_grace;
        self.aside(Busy::Clean(Cleaning { until: None, grace, is_suspect: false }), None, code)
    }

    /// Runs user code in the hand's own phase for it; false if the run has been abandoned.
    pub(super) fn aside(&self, busy: Busy, until: Option<Instant>, code: impl FnOnce()) -> bool {
        let before = self.hand.get();
        let aside = Hand { phase: Phase::Cleaning, ..before };
        let kept = self.move_hand(aside);
        if kept {
            self.slot().show_aside(self.load(), aside, busy);
            // Whoever puts a job here from now on sees that; for those that lie here already somebody else is to look.
            crate::sync::full_fence();
            self.slots.look_soon(self.slot());
            if let Some(until) = until {
                self.slots.shift.arm(until);
            }
        }
        let was_tainted = self.is_tainted.get();
        code(); // on an abandoned run too: what it drops, it drops in its fence
        self.is_tainted.set(was_tainted); // a call made in there belongs to no function
        let kept = kept && self.move_hand(before);
        self.slot().clear_aside(aside);
        kept
    }

    /// Runs the function in a frame of its own.
    pub(super) fn run(&self, running: Running<'_>) -> Outcome {
        let of = ContextOf {
            call_id: running.call_id,
            function: running.definition.name.text(),
            deadline: running.frame.deadline,
            constants: &running.definition.constants,
            dependencies: &running.definition.dependencies,
            interrupt: running.interrupt,
        };
        let context = Context::new(self, of);
        if self.frames.borrow().is_empty() {
            self.panics.forget(); // those of others
        }
        self.frames.borrow_mut().push(running.frame);
        let outcome = running.span.run(self.slot().id, || {
            let carried = (running.argument, running.wanted);
            execute::run(&running.definition.function, &context, carried, &self.panics)
        });
        self.frames.borrow_mut().pop();
        if matches!(outcome.trouble(), Some(Trouble::Panicked(_))) {
            self.is_tainted.set(true);
        }
        outcome
    }
}

impl Host for Worker {
    fn worker_id(&self) -> WorkerId {
        self.slot().id
    }

    fn clock(&self) -> &Clock {
        &self.slots.shift.clock
    }

    fn constant(&self, name: &str) -> Option<Arc<Constant>> {
        self.snapshot.borrow().constants.get(name).cloned()
    }

    fn locals(&self) -> &Locals {
        &self.locals
    }

    fn dependency(&self, alias: &str) -> Option<Arc<Dependency>> {
        let snapshot = self.snapshot.borrow();
        snapshot.dependencies.get(alias).map(|published| Arc::clone(&published.dependency))
    }

    fn instance(&self, dependency: &Arc<Dependency>) -> Result<Rc<dyn Instance>, InstanceError> {
        self.instance_now(dependency)
    }

    fn taint(&self) {
        self.is_tainted.set(true);
    }
}
