//! [`World`]: one seed's pool, whoever uses it, and the simulation's own books about them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::call::next_look;
use crate::clock::{Clock, ManualClock};
use crate::pool::Pool;
use crate::worker::played::Played;

use super::callers::Caller;
use super::definitions::Definitions;
use super::plan::{Kind, Plan};
use super::random::Random;
use super::readers::Readers;
use super::shift::Shift;
use super::trace::Trace;
use super::violation::{Checked, Violation};

/// How often a step is drawn anew that cannot be taken.
const DRAWS_MAX: usize = 64;

/// Everything.
pub(super) struct World {
    pub(super) random: Random,
    pub(super) plan: Plan,
    pub(super) clock: Clock,
    hands: ManualClock,
    pub(super) pool: Pool,
    /// The workers of now, if they were started.
    pub(super) shift: Option<Shift>,
    /// The workers' threads, those included that were left behind.
    pub(super) runs: Vec<Played>,
    /// The calls that were accepted and whose outcome is to come.
    pub(super) callers: Vec<Caller>,
    pub(super) count: Count,
    pub(super) definitions: Definitions,
    pub(super) readers: Readers,
    /// Whether the next instance of a library cannot be made.
    pub(super) init_fails: Arc<AtomicBool>,
    pub(super) trace: Trace,
    /// How many steps there were.
    pub(super) steps: u64,
}

/// How many calls there were, and what became of them.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    /// Those that were rejected since what they need is not there.
    pub(super) missing: u64,
    pub(super) values: u64,
    pub(super) failed: u64,
    pub(super) panicked: u64,
    pub(super) timed_out: u64,
    pub(super) cancelled: u64,
    pub(super) worker_lost: u64,
}

impl World {
    pub(super) fn new(seed: u64, trace: Trace) -> Result<Self, Violation> {
        let mut random = Random::new(seed);
        let (clock, hands) = Clock::manual();
        let plan = Plan::draw(&mut random, clock.clone());
        let mut world = Self {
            pool: Pool::new(plan.settings.clone()),
            random,
            plan,
            clock,
            hands,
            shift: None,
            runs: Vec::new(),
            callers: Vec::new(),
            count: Count::default(),
            definitions: Definitions::default(),
            readers: Readers::default(),
            init_fails: Arc::default(),
            trace,
            steps: 0,
        };
        world.define_first()?;
        world.start();
        Ok(world)
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Takes a step that can be taken; most draws can.
    pub(super) fn step(&mut self) -> Checked {
        for _ in 0..DRAWS_MAX {
            let kind = self.plan.next(&mut self.random);
            if self.take(kind)? {
                return self.end_step(kind);
            }
        }
        self.advance();
        self.end_step(Kind::Advance)
    }

    /// Takes a step of this kind; false if there is nothing to do, and nothing was done.
    pub(super) fn take(&mut self, kind: Kind) -> Result<bool, Violation> {
        match kind {
            Kind::Submit => self.submit(),
            Kind::Work => self.work(),
            Kind::Return => Ok(self.return_any()),
            Kind::Drive => self.drive(),
            Kind::Keep => Ok(self.keep()),
            Kind::Cancel => Ok(self.cancel()),
            Kind::Expire => Ok(self.expire_any()),
            Kind::Advance => {
                self.advance();
                Ok(true)
            }
            Kind::Read => self.read_any(),
            Kind::Listen => self.listen(),
            Kind::Define => self.define(),
            Kind::Poll => self.poll_define(),
            Kind::Lose => Ok(self.lose()),
            Kind::Rumour => Ok(self.rumour()),
            Kind::Shift => self.go_on(),
            Kind::Stop => Ok(self.ask_to_stop()),
            Kind::Settle => {
                self.settle()?;
                Ok(true)
            }
        }
    }

    /// Writes the step down, and checks what must hold after each.
    pub(super) fn end_step(&mut self, kind: Kind) -> Checked {
        self.steps += 1;
        self.note(kind);
        self.runs.iter_mut().for_each(Played::hear);
        self.check()
    }

    /// Moves the clock: to what comes next, by a little, or by a lot.
    fn advance(&mut self) {
        let by = match self.random.below(16) {
            0..8 => {
                let until = self.next_due().filter(|until| *until > self.now());
                until.map_or(Duration::from_millis(1), |until| until - self.now())
            }
            8..15 => Duration::from_micros(self.random.below(10_000).into()),
            _ => Duration::from_millis(self.random.below(1_000).into()),
        };
        self.move_clock(by);
    }

    pub(super) fn move_clock(&mut self, by: Duration) {
        self.hands.advance(by);
    }

    /// When something is due next, for whoever.
    fn next_due(&self) -> Option<Instant> {
        let now = self.now();
        let driver = self.shift.as_ref().and_then(|shift| shift.played.driver.due());
        let keeper = self.shift.as_ref().and_then(|shift| next_look(shift.played.shift()));
        let marks = self.shift.as_ref().and_then(Shift::mark);
        let callers = self.callers.iter().filter_map(|caller| caller.call.deadline()).min();
        [driver, keeper, marks, callers].into_iter().flatten().filter(|at| *at > now).min()
    }

    fn note(&mut self, kind: Kind) {
        if !self.trace.is_kept() {
            return;
        }
        let at = self.clock.moment_of(self.now()).nanos();
        self.trace.add(format_args!("{} {kind:?} at {at}:", self.steps));
        let Some(shift) = &self.shift else {
            self.trace.add(format_args!(" stopped\n"));
            return;
        };
        for (slot, load) in shift.played.slots().with_loads() {
            let (hand, child) = (load.hand(), shift.played.driver.child(slot.id.0));
            let (observed, run) = (child.observed(), child.run());
            self.trace.add(format_args!(
                " [{} run {} execution {} {:?}, {} in flight, {} queued, {observed} as {run}]",
                slot.id,
                hand.run,
                hand.execution,
                hand.phase,
                load.tickets(),
                slot.queue.len(),
            ));
        }
        self.trace.add(format_args!("\n"));
    }
}
