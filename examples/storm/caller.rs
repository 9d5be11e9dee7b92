//! [`Caller`]: makes calls, treats them as their fault asks for, and books what comes of them. One blocks, one has many
//! calls under way and waits for the oldest, and one polls those that it was woken for.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::thread::{park_timeout, yield_now};
use std::time::{Duration, Instant};

use wpc::{CallError, CallRequest, Clock, Pending, Wpc};

use crate::errand::{Errand, Treatment};
use crate::ledger::{Ledger, Made};
use crate::plan::Plan;
use crate::work::{Answer, NAME};

/// How many calls a caller that does not block has under way.
pub(crate) const WINDOW: usize = 64;

/// The pool's own deadline: so far away that only what is lost meets it.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long after its deadline a call may end.
const MARGIN: Duration = Duration::from_secs(10);

/// How long a caller waits before it tries again after a rejection.
const RETRY_AFTER: Duration = Duration::from_micros(200);

/// How long a caller that would cancel a running call waits for it to run.
const BEGIN_MAX: Duration = Duration::from_millis(100);

/// One of the storm's callers.
pub(crate) struct Caller<'a> {
    pub(crate) wpc: &'a Wpc,
    pub(crate) ledger: &'a Ledger,
    pub(crate) plan: Plan,
    pub(crate) clock: Clock,
    /// Each message asks for one more version of the function.
    pub(crate) redefinitions: SyncSender<()>,
    /// Each message asks for a stop and a start.
    pub(crate) restarts: SyncSender<()>,
}

/// A call that was accepted.
pub(crate) struct UnderWay {
    pub(crate) errand: Errand,
    pub(crate) pending: Pending<Answer>,
    /// When it must have ended.
    pub(crate) due: Instant,
    made: Made,
}

impl Caller<'_> {
    /// Makes one call after the other.
    pub(crate) fn block(&self) {
        while let Some(errand) = self.next() {
            if errand.is_plain() {
                self.call(&errand);
            } else if let Some(under_way) = self.submit(errand) {
                self.wait(under_way);
            }
        }
    }

    /// Keeps a window of calls under way.
    pub(crate) fn pipeline(&self) {
        let mut window = VecDeque::with_capacity(WINDOW);
        while let Some(errand) = self.next() {
            if window.len() == WINDOW
                && let Some(oldest) = window.pop_front()
            {
                self.wait(oldest);
            }
            window.extend(self.submit(errand));
        }
        for under_way in window {
            self.wait(under_way);
        }
    }

    /// The next call, if there is one.
    pub(crate) fn next(&self) -> Option<Errand> {
        self.ledger.next().map(|nonce| Errand::new(nonce, &self.plan))
    }

    /// Submits the call, again and again until it is accepted, and treats it; none if the storm is given up before.
    pub(crate) fn submit(&self, errand: Errand) -> Option<UnderWay> {
        while !self.ledger.is_over() {
            let made = self.ledger.make();
            match self.request(&errand).submit(errand.order(self.ledger.fuses())) {
                Ok(pending) => {
                    self.ledger.accept();
                    let due = self.clock.now() + errand.timeout.unwrap_or(CALL_TIMEOUT) + MARGIN;
                    let under_way = UnderWay { errand, pending, due, made };
                    self.treat(&under_way);
                    return Some(under_way);
                }
                Err(error) => self.refused(&errand, error),
            }
        }
        None
    }

    /// Books the outcome of a call that has been polled to its end.
    pub(crate) fn book(&self, of: &UnderWay, outcome: Result<Answer, CallError>) {
        self.ledger.book(&of.errand, of.made, outcome);
    }

    /// Calls and waits in one step.
    fn call(&self, errand: &Errand) {
        while !self.ledger.is_over() {
            let made = self.ledger.make();
            match self.request(errand).call(errand.order(self.ledger.fuses())) {
                Err(error @ CallError::Rejected(_)) => self.refused(errand, error),
                outcome => {
                    self.ledger.accept();
                    return self.ledger.book(errand, made, outcome);
                }
            }
        }
    }

    fn request(&self, errand: &Errand) -> CallRequest<'_> {
        let request = self.wpc.request(NAME).priority(errand.priority);
        match errand.timeout {
            Some(timeout) => request.timeout(timeout),
            None => request,
        }
    }

    fn refused(&self, errand: &Errand, error: CallError) {
        match error {
            CallError::Rejected(rejected) => self.ledger.book_rejection(errand.nonce, rejected),
            other => unreachable!("a submission ends in nothing but a rejection: {other}"),
        }
        park_timeout(RETRY_AFTER);
    }

    /// Waits for the outcome, until it is due.
    fn wait(&self, under_way: UnderWay) {
        let UnderWay { errand, pending, due, made } = under_way;
        match pending.wait_timeout(due.saturating_duration_since(self.clock.now())) {
            Ok(outcome) => self.ledger.book(&errand, made, outcome),
            Err(_) => self.ledger.book_missing(&errand),
        }
    }

    fn treat(&self, UnderWay { errand, pending, .. }: &UnderWay) {
        // What cannot be asked for any more was given up; what cannot be cancelled has ended.
        match errand.treatment {
            Treatment::Wait => {}
            Treatment::Cancel => drop(pending.cancel()),
            Treatment::CancelOnceBegun => {
                let until = self.clock.now() + BEGIN_MAX;
                while !self.ledger.has_run(errand.nonce) && !pending.is_done() && self.clock.now() < until {
                    yield_now();
                }
                pending.cancel();
            }
            Treatment::AskForRedefinition => drop(self.redefinitions.send(())),
            Treatment::AskForRestart => drop(self.restarts.send(())),
        }
    }
}
