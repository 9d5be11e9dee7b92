//! [`Call`]: the cell of one call, shared by its caller, its worker and the scan.
//!
//! One word decides: who moves the [`StartWord`](super::start_word::StartWord) to `Dead` has ended the call, knows exactly
//! whether it had started, and has its ticket. The winner counts the end, drops the ticket, writes the outcome, and only
//! then says that it is done and wakes who waits ([`Exchange`]). No user code runs in between, so a waiter that comes too late
//! to end the call just waits.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::clock::Moment;
use crate::event::CallSpan;
use crate::function::{FunctionError, Interrupt, Wanted};
use crate::id::{CallId, WorkerId};
use crate::plant::{self, Plant};
use crate::sync::{AtomicU64, Free, Kept, Pool as CellPool, Pooled, current, local, park, shared};
use crate::value::Value;

use super::chain::Chain;
use super::definition::Definition;
use super::exchange::Exchange;
use super::hand::Hand;
use super::load::{Load, Ticket};
use super::news::News;
use super::outcome::{End, Outcome, Trouble, Waiter, Wakeup};
use super::shift::Shift;
use super::start_word::{Killed, Stage};

/// What a call is made with.
pub(crate) struct Making {
    pub(crate) definition: Arc<Definition>,
    pub(crate) argument: Value,
    pub(crate) wanted: Wanted,
    pub(crate) deadline: Moment,
    pub(crate) priority: i32,
    pub(crate) chain: Chain,
    pub(crate) watched: bool,
}

/// One call, from its acceptance until its last holder lets go of it. In the order of its fields, what each side touches first
/// lies together.
#[repr(C)]
pub(crate) struct Call {
    pub(crate) definition: Arc<Definition>,
    pub(crate) shift: Arc<Shift>,
    pub(crate) wanted: Wanted,
    /// When the caller's patience ends; never by explicit wish only.
    pub(crate) due: Moment,
    exchange: Exchange,
    pub(crate) id: CallId,
    pub(crate) chain: Chain,
    /// When the run is abandoned that goes on with it, in nanoseconds of the clock; 0 while that is not known.
    abandon_at: AtomicU64,
    pub(crate) span: CallSpan,
}

/// What a call leaves to be dropped as users' code is: arguments, an outcome that nobody took, a function that nobody knows any more.
pub(crate) struct Remains {
    _exchange: Option<Exchange>,
    _definition: Option<Definition>,
}

local! {
    static KEPT: RefCell<Kept<Call>> = RefCell::new(Kept::new());
}

shared! {
    static POOL: CellPool<Call> = CellPool::new(Free::new());
}

impl Pooled for Call {
    fn pool() -> &'static CellPool<Self> {
        &POOL
    }

    fn with_kept<R>(lend: impl FnOnce(&mut Kept<Self>) -> R) -> Option<R> {
        KEPT.try_with(|kept| lend(&mut kept.borrow_mut())).ok()
    }
}

impl Call {
    pub(crate) fn new(shift: &Arc<Shift>, making: Making) -> Self {
        let id = CallId::next();
        Self {
            id,
            span: CallSpan::new(making.definition.name.as_str(), id),
            definition: making.definition,
            wanted: making.wanted,
            due: making.deadline,
            chain: making.chain,
            abandon_at: AtomicU64::new(0),
            exchange: Exchange::new(making.argument, making.priority, making.watched),
            shift: Arc::clone(shift),
        }
    }

    /// When the caller's patience ends; none by explicit wish only.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.shift.clock.instant(self.due)
    }

    /// When the timekeeper ends it, since perhaps nobody waits who would; none if somebody does, or nobody is to.
    pub(crate) fn watched_until(&self) -> Option<Instant> {
        self.shift.clock.instant(self.watch_until())
    }

    /// The same; never if somebody does, or nobody is to.
    pub(crate) fn watch_until(&self) -> Moment {
        if self.exchange.watched { self.due } else { Moment::NEVER }
    }

    /// Lower goes first.
    pub(crate) fn priority(&self) -> i32 {
        self.exchange.priority
    }

    /// Gives the call its place in a queue, before any other thread knows of it.
    pub(crate) fn place(&self, ticket: Ticket<'_>) {
        self.exchange.start.place(ticket);
    }

    /// Takes the place back, which no other thread knows of any more; the ticket drops.
    pub(crate) fn displace(&self) {
        drop(self.exchange.start.withdraw(&self.shift.loads));
    }

    /// What it is at.
    pub(super) fn stage(&self) -> Stage {
        self.exchange.start.stage()
    }

    /// The slot where it waits or runs, or where it was last.
    pub(crate) fn slot(&self) -> WorkerId {
        self.exchange.start.slot()
    }

    /// Whether it waits to be started.
    pub(crate) fn is_queued(&self) -> bool {
        self.exchange.start.is_queued()
    }

    /// Whether it has ended, or is about to: nobody starts it any more.
    pub(crate) fn is_dead(&self) -> bool {
        self.exchange.start.is_dead()
    }

    pub(crate) fn is_decided(&self) -> bool {
        self.exchange.start.is_dead()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.exchange.is_done()
    }

    /// Starts the call in `hand`, whose worker is at `load`, and takes its arguments; none if it does not wait any more. The ticket
    /// comes along: taken here if the call waited at another slot, whose own is dropped then.
    pub(crate) fn begin(&self, hand: Hand, load: &Load) -> Option<Value> {
        // A call that waited here keeps its ticket: a second one, even for a moment, could make the slot look full.
        let is_taken = self.slot() != load.slot();
        let own = is_taken.then(|| load.raise());
        self.exchange.begin(&self.shift.loads, hand, own)
    }

    /// The arguments of a call that never starts, for the first who asks.
    pub(crate) fn take_argument(&self) -> Option<Value> {
        self.exchange.take_argument()
    }

    /// Ends the call from the worker's side, after its function returned. `free_hand` marks the hand as free before
    /// the caller can know of the outcome. If the call has been decided already the outcome comes back, to be dropped
    /// in a fence.
    pub(crate) fn finish(&self, outcome: Outcome, free_hand: impl FnOnce()) -> Result<Wakeup, Outcome> {
        let Some(killed) = self.exchange.start.kill(&self.shift.loads) else {
            if Plant::Double.is_planted() {
                self.shift.loads[self.slot().index()].tally().end(outcome.ending());
            }
            return Err(outcome.map(|value| plant::mislay(value, || Value::new(()))));
        };
        free_hand();
        let news = self.settle(&killed, &outcome, true);
        drop(killed.ticket);
        let outcome = outcome.map(|value| plant::misdeliver(value, Value::is_like));
        Ok(Wakeup { waiter: self.exchange.publish(killed.decided, outcome), _news: news })
    }

    /// Ends the call from anywhere else; none if it has been decided already. If its function runs, its flag is set,
    /// and the timekeeper watches that it returns.
    pub(crate) fn end(&self, end: End) -> Option<Wakeup> {
        let killed = self.exchange.start.kill(&self.shift.loads)?;
        let started = killed.started;
        let outcome = end.outcome(started);
        let news = self.settle(&killed, &outcome, started);
        let decided = killed.drop_ticket();
        self.shift.tell_quiet();
        self.interrupt();
        if started {
            self.watch_overrun();
            self.shift.look();
        }
        Some(Wakeup { waiter: self.exchange.publish(decided, outcome), _news: news })
    }

    /// Ends the call if it waits: no worker can have started it. None if it has started or been decided.
    pub(crate) fn end_queued(&self, end: End) -> Option<Wakeup> {
        self.end_unstarted(end.outcome(false))
    }

    /// Ends a call that waits and that no worker can run; none as for [`Call::end_queued`].
    pub(crate) fn fail_queued(&self, error: FunctionError) -> Option<Wakeup> {
        self.end_unstarted(Trouble::Failed(error).into())
    }

    fn end_unstarted(&self, outcome: Outcome) -> Option<Wakeup> {
        let killed = self.exchange.start.withdraw(&self.shift.loads)?;
        let news = self.settle(&killed, &outcome, false);
        drop(killed.ticket);
        self.shift.tell_quiet();
        Some(Wakeup { waiter: self.exchange.publish(killed.decided, outcome), _news: news })
    }

    /// Counts how the call ended, before its ticket drops: where none is out, every call has been counted.
    fn settle(&self, killed: &Killed<'_>, outcome: &Outcome, started: bool) -> Option<Box<News>> {
        let load = &self.shift.loads[killed.slot.index()];
        if !started {
            load.leave_shell();
        }
        load.tally().end(outcome.ending());
        News::of(&self.shift, (self.id, self.definition.name.text()), killed.slot, (outcome, started))
    }

    /// Asks the function to return early.
    pub(crate) fn interrupt(&self) {
        self.exchange.interrupted.store(true, Ordering::Release);
    }

    /// When the run of a function that goes on after its call was ended is to be abandoned; none while that is not
    /// known.
    pub(crate) fn abandon_at(&self) -> Option<Instant> {
        match self.abandon_at.load(Ordering::Acquire) {
            0 => None,
            nanos => self.shift.clock.instant(Moment::from_nanos(nanos)),
        }
    }

    /// Leaves word for whoever ends the call; true if it is done already. Who was left before is forgotten.
    pub(crate) fn leave_word(&self, waiter: Waiter) -> bool {
        self.exchange.leave_word(waiter)
    }

    /// Blocks until the call is done or `until` has come, whichever is first; true if it is done. At its own deadline
    /// the caller ends the call itself.
    pub(crate) fn block(&self, until: Option<Instant>) -> bool {
        if self.spin() {
            return true;
        }
        let clock = &self.shift.clock;
        let mut deadline = self.deadline();
        loop {
            if self.leave_word(Waiter::Thread(current())) {
                return true;
            }
            let wait = clock.wait(earlier(deadline, until));
            if wait.park(park) {
                continue;
            }
            let now = clock.now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                drop(self.end(End::TimedOut));
                deadline = None; // whoever was first: it is done at once, or in a moment
            } else if until.is_some_and(|until| now >= until) {
                return self.is_done();
            }
        }
    }

    /// Waits awake for a while, if the function is short; true if the call is done. If it still waits after that, a worker that sleeps
    /// takes it.
    fn spin(&self) -> bool {
        if self.is_done() {
            return true;
        }
        let shift = &self.shift;
        let pace = &self.definition.pace;
        let shares_core = || shift.loads[self.slot().index()].shares_core();
        // However much is ahead of it: a caller that sleeps has to be woken by a worker, which could run another call meanwhile.
        let is_done = pace.is_short() && shift.awake.wait(&shift.clock, || self.is_done(), shares_core);
        if !is_done && self.is_queued() {
            shift.rescue(self);
        }
        is_done
    }

    /// What is left of a call that nobody holds any more, and whose drop runs users' code; none if there is no such thing.
    pub(crate) fn into_remains(mut self) -> Option<Remains> {
        let is_spent = self.exchange.is_spent();
        let Self { definition, exchange, .. } = self;
        let exchange = (!is_spent).then_some(exchange);
        let definition = Arc::into_inner(definition);
        (exchange.is_some() || definition.is_some())
            .then_some(Remains { _exchange: exchange, _definition: definition })
    }

    /// Takes the outcome of a call that is done. It is there once.
    pub(crate) fn take_outcome(&self) -> Option<Outcome> {
        self.exchange.take_outcome()
    }

    fn watch_overrun(&self) {
        let shift = &self.shift;
        let from = self.deadline().or_else(|| shift.clock.now().checked_add(shift.call_timeout));
        let Some(abandon_at) = from.and_then(|from| from.checked_add(shift.overrun_grace)) else { return };
        self.abandon_at.store(shift.clock.moment_of(abandon_at).nanos(), Ordering::Release);
        shift.arm(abandon_at);
    }
}

impl Interrupt for Call {
    fn is_interrupted(&self) -> bool {
        self.exchange.interrupted.load(Ordering::Acquire)
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use super::*;
    use crate::call::fixture::{call, shift};
    use crate::call::shift::Rescue;
    use crate::clock::Clock;

    #[cfg(not(feature = "tracing"))]
    #[test]
    fn a_call_fits_into_three_lines_of_the_cache() {
        assert!(size_of::<Call>() <= 192 - 24, "{} bytes", size_of::<Call>());
    }

    #[test]
    fn a_call_that_finds_its_queue_closed_gives_its_ticket_back_and_can_be_placed_again() {
        let shift = shift(&Clock::system());
        let call = call(&shift, 0, Moment::NEVER, false);
        call.place(shift.loads[0].raise());
        call.displace();
        assert_eq!(shift.loads[0].tickets(), 0);
        call.place(shift.loads[1].raise());
        assert_eq!((call.slot(), call.is_queued(), shift.loads[1].tickets()), (WorkerId(1), true, 1));
        call.displace();
        assert_eq!(shift.loads[1].tickets(), 0);
    }

    #[test]
    fn the_timekeeper_ends_what_is_watched_at_its_deadline_and_nothing_else() {
        let (clock, _hands) = Clock::manual();
        let shift = shift(&clock);
        let due = clock.moment().after(Duration::from_secs(3));
        let at = |watched| call(&shift, 7, due, watched);
        assert_eq!(at(true).watched_until(), Some(clock.now() + Duration::from_secs(3)));
        assert_eq!((at(false).watched_until(), at(false).watch_until()), (None, Moment::NEVER));
        assert_eq!((at(false).deadline(), at(false).priority()), (at(true).watched_until(), 7));
    }

    /// Counts what it is asked.
    #[derive(Default)]
    struct Asked(AtomicUsize);

    impl Rescue for Asked {
        fn rescue(&self, _: &Call) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_caller_that_has_waited_awake_in_vain_has_its_call_taken_by_another_and_others_do_not() {
        let shift = shift(&Clock::system());
        let asked = Arc::new(Asked::default());
        let rescuer: Weak<dyn Rescue> = Arc::downgrade(&(Arc::clone(&asked) as Arc<dyn Rescue>));
        shift.rescuer.get_or_init(|| rescuer);
        let call = call(&shift, 0, Moment::NEVER, false);
        call.definition.pace.learn(Duration::from_nanos(100));
        call.place(shift.loads[0].raise());
        assert!(!call.spin(), "nobody runs it");
        assert_eq!(asked.0.load(Ordering::Relaxed), 1);
        drop(call.begin(shift.loads[0].hand().running_next(), &shift.loads[0]));
        assert!(!call.spin(), "it has not come to its end");
        assert_eq!(asked.0.load(Ordering::Relaxed), 1, "it runs, and nobody else can take it");
        let killed = call.exchange.start.kill(&shift.loads).expect("it is alive");
        drop(call.exchange.publish(killed.drop_ticket(), Trouble::Cancelled { started: false }.into()));
        assert!(call.spin(), "it is done");
        assert_eq!(asked.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_thread_that_lives_keeps_memory_for_its_next_calls() {
        assert_eq!(Call::with_kept(|_| 7), Some(7));
    }
}
