//! [`Crew`]: the workers of one shift with the threads that serve them.

use std::num::NonZero;
use std::sync::Arc;

use crate::call::{Scan, Shift, Timekeeper};
use crate::event::Bus;
use crate::id::{PoolId, Run};
use crate::registry::Registry;
use crate::supervise::{Board, Driver, Mailbox, Setup};
use crate::sync::{AtomicUsize, Mutex};
use crate::worker::{Counts, Slots, Threads, WorkerTerms};

use super::settings::Settings;

/// From one start of the workers to the stop after it.
pub(crate) struct Crew {
    pub(crate) slots: Arc<Slots>,
    pub(crate) board: Arc<Board>,
    pub(super) mailbox: Mailbox,
    /// Where the next choice among equals begins.
    pub(super) cursor: AtomicUsize,
    pub(super) pending_calls_max: u32,
    /// The driver and the timekeeper, until a stop has ended them.
    pub(super) threads: Mutex<Option<(Driver, Timekeeper)>>,
}

impl Crew {
    /// Starts the timekeeper, the driver, and through it a worker for each of `runs`.
    pub(super) fn start(
        pool: PoolId,
        settings: &Settings,
        shared: (&Arc<Registry>, &Arc<Counts>, &Arc<Bus>),
        runs: Vec<Run>,
    ) -> std::io::Result<Self> {
        let (slots, setup) = Self::prepare(pool, settings, shared, runs);
        let timekeeper = Timekeeper::start(&slots.shift, scans(&slots))?;
        let driver = Driver::start(setup, |mailbox| Threads::new(&slots, mailbox))?;
        let (board, mailbox) = (Arc::clone(driver.board()), driver.mailbox().clone());
        let threads = Mutex::new(Some((driver, timekeeper)));
        Ok(Self { threads, ..Self::new(slots, settings, board, mailbox) })
    }

    /// A crew without the threads that serve it.
    pub(super) fn new(slots: Arc<Slots>, settings: &Settings, board: Arc<Board>, mailbox: Mailbox) -> Self {
        Self {
            slots,
            board,
            mailbox,
            cursor: AtomicUsize::new(0),
            pending_calls_max: settings.pending_calls_max,
            threads: Mutex::default(),
        }
    }

    /// The slots, and what their driver is made with.
    pub(super) fn prepare(
        pool: PoolId,
        settings: &Settings,
        (registry, counts, bus): (&Arc<Registry>, &Arc<Counts>, &Arc<Bus>),
        runs: Vec<Run>,
    ) -> (Arc<Slots>, Setup) {
        let times = (settings.call_timeout, settings.overrun_grace);
        let clock = settings.clock.clone();
        let shift = Arc::new(Shift::new(pool, (clock, Arc::clone(bus)), times, &runs));
        let terms = WorkerTerms {
            calls_max: settings.pending_calls_max as usize + 1,
            control_timeout: settings.control_timeout,
            start_timeout: settings.start_timeout,
            restart: settings.restart,
            thread_start: settings.thread_start.clone(),
            panic_locations: settings.panic_locations,
            // Where it is not known, threads leave each other the core that there is.
            cores: std::thread::available_parallelism().map_or(1, NonZero::get),
        };
        let slots = Slots::new(shift, Arc::clone(registry), Arc::clone(counts), terms);
        let setup = Setup {
            clock: settings.clock.clone(),
            start_timeout: settings.start_timeout,
            policy: settings.restart,
            bus: Arc::clone(bus),
            seed: settings.seed,
            runs,
        };
        let slots = Arc::new(slots);
        let rescuer = Arc::downgrade(&slots);
        slots.shift.rescuer.get_or_init(|| rescuer);
        (slots, setup)
    }

    pub(crate) fn shift(&self) -> &Arc<Shift> {
        &self.slots.shift
    }
}

/// What the timekeeper looks at.
pub(super) fn scans(slots: &Arc<Slots>) -> Arc<[Arc<dyn Scan>]> {
    Arc::new([Arc::clone(slots) as Arc<dyn Scan>])
}
