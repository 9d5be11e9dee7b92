//! [`Crew`]: the workers of one shift with the threads that serve them.

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
        (registry, counts, bus): (&Arc<Registry>, &Arc<Counts>, &Arc<Bus>),
        runs: Vec<Run>,
    ) -> std::io::Result<Self> {
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
        };
        let slots = Slots::new(Arc::clone(&shift), Arc::clone(registry), Arc::clone(counts), terms);
        let slots = Arc::new(slots);
        let scans: Arc<[Arc<dyn Scan>]> = Arc::new([Arc::clone(&slots) as Arc<dyn Scan>]);
        let timekeeper = Timekeeper::start(&shift, scans)?;
        let setup = Setup {
            clock: settings.clock.clone(),
            start_timeout: settings.start_timeout,
            policy: settings.restart,
            bus: Arc::clone(bus),
            seed: settings.seed,
            runs,
        };
        let driver = Driver::start(setup, |mailbox| Threads::new(&slots, mailbox))?;
        Ok(Self {
            slots,
            board: Arc::clone(driver.board()),
            mailbox: driver.mailbox().clone(),
            cursor: AtomicUsize::new(0),
            pending_calls_max: settings.pending_calls_max,
            threads: Mutex::new(Some((driver, timekeeper))),
        })
    }

    pub(crate) fn shift(&self) -> &Arc<Shift> {
        &self.slots.shift
    }
}
