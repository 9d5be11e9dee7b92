//! [`Exchange`]: what a call's two sides give each other. The arguments lie here until somebody takes them, and the result after
//! them; who waits for the outcome leaves word here.
//!
//! Who decides the call has a [`Decided`], and with it alone can publish: it writes the outcome, then says that it is there, and
//! wakes who waits.
//!
//! # Rules of the unsafe code
//!
//! 1. The store holds the arguments from the making of the exchange until they are claimed. The start word gives one [`Claim`]: to
//!    whoever starts the call, or else to the first who asks. Who has it has the arguments alone, and moves them out at once.
//! 2. A `Decided` is made once for a call, by the step that ends it, and is used up by publishing in that call's exchange. A
//!    value is published only after the arguments were claimed, by the thread that has claimed them: so it is written once,
//!    into a store that nobody else touches, before `DONE` is stored with `Release`.
//! 3. Who swaps `DONE` for `TAKEN` (`Acquire`) has the outcome alone and moves it out, which happens once, since nothing stores
//!    `DONE` again.
//! 4. Whoever drops the exchange has it alone, and drops what the store holds: the arguments while nobody has claimed them, or
//!    a value that was published and not taken.

use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;

use crate::plant::Plant;
use crate::sync::{AtomicBool, AtomicU8, Mutex, UnsafeCell};
use crate::value::Value;

use super::hand::Hand;
use super::load::{Load, Ticket};
use super::outcome::{Outcome, Trouble, Waiter};
use super::start_word::{Claim, Decided, StartWord};

const PENDING: u8 = 0;
const DONE: u8 = 1;
const TAKEN: u8 = 2;
const STATE: u8 = 3;
/// Somebody has left word.
const AWAITED: u8 = 4;
/// The outcome is no value.
const TROUBLE: u8 = 8;

/// Where the arguments and the outcome of a call come to lie. The waiting caller looks at its first line only, until the
/// outcome is there.
#[repr(C)]
pub(super) struct Exchange {
    state: AtomicU8,
    /// Whether the function was asked to return early.
    pub(super) interrupted: AtomicBool,
    /// See [`Call`](super::Call): it lies here for the room that there is.
    pub(super) watched: bool,
    /// See [`Call`](super::Call): it lies here for the room that there is.
    pub(super) priority: i32,
    store: UnsafeCell<MaybeUninit<Value>>,
    pub(super) start: StartWord,
    rare: Mutex<Rare>,
}

/// What most calls have no use for.
#[derive(Default)]
struct Rare {
    waiter: Option<Waiter>,
    trouble: Option<Box<Trouble>>,
}

// SAFETY: rules 1 to 3: the threads that share the exchange share no `Value`: each time one has it alone, for which it is `Send`.
// The rest of it is made to be shared.
#[expect(unsafe_code, reason = "its rules stand above")]
unsafe impl Sync for Exchange {}

#[expect(unsafe_code, reason = "its rules stand above")]
impl Exchange {
    pub(super) fn new(argument: Value, priority: i32, watched: bool) -> Self {
        Self {
            state: AtomicU8::new(PENDING),
            interrupted: AtomicBool::new(false),
            watched,
            priority,
            store: UnsafeCell::new(MaybeUninit::new(argument)),
            start: StartWord::new(),
            rare: Mutex::default(),
        }
    }

    /// Starts the call in `hand`, at the slot of `own` if it waited at another: whoever does so has its arguments. None if it does
    /// not wait any more. The ticket that is not needed drops here.
    pub(super) fn begin(&self, loads: &[Load], hand: Hand, own: Option<Ticket<'_>>) -> Option<Value> {
        let (claim, _freed) = self.start.begin(loads, hand, own).ok()?;
        Some(self.claimed(claim))
    }

    /// The arguments, for the first who asks.
    pub(super) fn take_argument(&self) -> Option<Value> {
        self.start.claim().map(|claim| self.claimed(claim))
    }

    fn claimed(&self, _: Claim) -> Value {
        // SAFETY: rule 1: nobody else has the claim.
        let argument = self.store.with_mut(|place| unsafe { &*place });
        // SAFETY: rule 1: it was initialised, and is not used again.
        unsafe { argument.assume_init_read() }
    }

    /// Whether the outcome is there, or has been taken.
    pub(super) fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) & STATE != PENDING
    }

    /// Publishes the outcome of this call; who is to be woken comes back.
    pub(super) fn publish(&self, _: Decided, outcome: Outcome) -> Option<Waiter> {
        assert_eq!(self.state.load(Ordering::Relaxed) & STATE, PENDING, "a call is given one outcome");
        let kind = match outcome {
            Outcome::Value(value) => {
                assert!(self.start.is_claimed(), "who has a result has taken the arguments");
                // SAFETY: rule 2: nobody reads it before `DONE`, and nobody else writes it.
                self.store.with_mut(|place| unsafe { place.write(MaybeUninit::new(value)) });
                0
            }
            Outcome::Trouble(trouble) => {
                self.rare.lock().trouble = Some(trouble);
                TROUBLE
            }
        };
        let order = if Plant::PublishesLoosely.is_planted() { Ordering::Relaxed } else { Ordering::AcqRel };
        let before = self.state.swap(DONE | kind, order);
        // Who leaves word from here on sees that it is done.
        if before & AWAITED == 0 { None } else { self.rare.lock().waiter.take() }
    }

    /// Leaves word for whoever publishes; true if the outcome is there already. Who was left before is forgotten.
    pub(super) fn leave_word(&self, waiter: Waiter) -> bool {
        if self.is_done() {
            return true;
        }
        let before = self.rare.lock().waiter.replace(waiter);
        drop(before); // outside of the lock: a waker's drop is a user's code
        let is_done = self.state.fetch_or(AWAITED, Ordering::AcqRel) & STATE != PENDING;
        if is_done {
            let own = self.rare.lock().waiter.take();
            drop(own);
        }
        is_done
    }

    /// Whether nothing of a user's is left here.
    pub(super) fn is_spent(&mut self) -> bool {
        let holds_value = self.state.load(Ordering::Relaxed) & (STATE | TROUBLE) == DONE;
        let rare = self.rare.get_mut();
        let is_users = |trouble: &Trouble| matches!(trouble, Trouble::Failed(_) | Trouble::Panicked(_));
        let holds_error = rare.trouble.as_deref().is_some_and(is_users);
        self.start.is_claimed() && !holds_value && rare.waiter.is_none() && !holds_error
    }

    /// Takes the outcome, if it is there. It is there once.
    pub(super) fn take_outcome(&self) -> Option<Outcome> {
        let seen = self.state.load(Ordering::Acquire);
        if seen & STATE != DONE {
            return None;
        }
        // Nobody else changes it any more, but for another who takes.
        let taken = (seen & !STATE) | TAKEN;
        if self.state.compare_exchange(seen, taken, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return None;
        }
        if seen & TROUBLE != 0 {
            let trouble = self.rare.lock().trouble.take();
            return Some(Outcome::Trouble(trouble.expect("it was noted before it was said to be there")));
        }
        // SAFETY: rule 3: this is the one thread that swapped it.
        let value = self.store.with_mut(|place| unsafe { &*place });
        // SAFETY: rules 2 and 3: a value was published, and it is not used again.
        Some(Outcome::Value(unsafe { value.assume_init_read() }))
    }
}

impl Drop for Exchange {
    #[expect(unsafe_code, reason = "its rules stand above")]
    fn drop(&mut self) {
        let has_value = self.state.load(Ordering::Acquire) & (STATE | TROUBLE) == DONE;
        if !self.start.is_claimed() || has_value {
            // SAFETY: rule 4.
            let value = self.store.with_mut(|place| unsafe { &mut *place });
            // SAFETY: rule 4.
            unsafe { value.assume_init_drop() };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::call::hand::Phase;
    use crate::call::panic::Panic;
    use crate::function::FunctionError;
    use crate::id::{Run, WorkerId};

    fn hand() -> Hand {
        Hand { run: Run(1), execution: 9, phase: Phase::Running }
    }

    /// An exchange whose call waits at the load's slot, and what tells whether its arguments are still there.
    fn placed(load: &Load) -> (Exchange, Arc<()>) {
        let fuse = Arc::new(());
        let exchange = Exchange::new(Value::new(Arc::clone(&fuse)), 0, false);
        exchange.start.place(load.raise());
        (exchange, fuse)
    }

    fn ended(exchange: &Exchange, loads: &[Load], outcome: Outcome) -> Option<Waiter> {
        let killed = exchange.start.kill(loads).expect("it is alive");
        drop(killed.ticket);
        exchange.publish(killed.decided, outcome)
    }

    #[test]
    fn arguments_go_to_the_first_and_the_value_to_who_takes_it() {
        let loads = [Load::new(WorkerId(0), Run(1))];
        let (exchange, fuse) = placed(&loads[0]);
        drop(exchange.begin(&loads, hand(), None).expect("it waits"));
        assert!(exchange.take_argument().is_none());
        assert_eq!(
            (Arc::strong_count(&fuse), exchange.is_done(), exchange.take_outcome().is_none()),
            (1, false, true)
        );
        assert!(ended(&exchange, &loads, Outcome::Value(Value::new(7_u64))).is_none());
        let outcome = exchange.take_outcome();
        assert!(
            matches!(outcome, Some(Outcome::Value(value)) if value.as_any().downcast_ref() == Some(&7_u64))
        );
        assert!(exchange.is_done() && exchange.take_outcome().is_none(), "it is there once");
    }

    #[test]
    fn what_nobody_takes_is_dropped_with_the_exchange() {
        let loads = [Load::new(WorkerId(0), Run(1))];
        let (exchange, arguments) = placed(&loads[0]);
        ended(&exchange, &loads, Trouble::Cancelled { started: false }.into());
        assert_eq!(Arc::strong_count(&arguments), 2, "they lie there still");
        drop(exchange);
        assert_eq!(Arc::strong_count(&arguments), 1);
        let (exchange, _) = placed(&loads[0]);
        let value = Arc::new(());
        assert!(
            exchange.begin(&loads, hand(), None).is_some() && exchange.begin(&loads, hand(), None).is_none()
        );
        ended(&exchange, &loads, Outcome::Value(Value::new(Arc::clone(&value))));
        drop(exchange);
        assert_eq!(Arc::strong_count(&value), 1);
    }

    #[test]
    fn each_outcome_comes_as_it_was_published() {
        let loads = [Load::new(WorkerId(0), Run(1))];
        let panic = Panic { message: "told".to_owned(), location: None };
        let outcomes: [fn() -> Outcome; 6] = [
            || Trouble::TimedOut { started: true }.into(),
            || Trouble::TimedOut { started: false }.into(),
            || Trouble::Cancelled { started: true }.into(),
            || Trouble::Cancelled { started: false }.into(),
            || Trouble::WorkerLost { started: true }.into(),
            || Trouble::WorkerLost { started: false }.into(),
        ];
        for outcome in outcomes {
            let (exchange, _) = placed(&loads[0]);
            ended(&exchange, &loads, outcome());
            let came = exchange.take_outcome().expect("it is there");
            assert_eq!(came.ending(), outcome().ending());
            let started = |outcome: &Outcome| match outcome.trouble() {
                Some(
                    Trouble::TimedOut { started }
                    | Trouble::Cancelled { started }
                    | Trouble::WorkerLost { started },
                ) => *started,
                _ => panic!("it is none of these"),
            };
            assert_eq!(started(&came), started(&outcome()));
        }
        let (exchange, _) = placed(&loads[0]);
        ended(&exchange, &loads, Trouble::Panicked(panic).into());
        let came = exchange.take_outcome().expect("it is there");
        assert!(matches!(came.trouble(), Some(Trouble::Panicked(panic)) if panic.message == "told"));
        let (exchange, _) = placed(&loads[0]);
        ended(&exchange, &loads, Trouble::Failed(FunctionError::new("Quota", "used up")).into());
        let came = exchange.take_outcome().expect("it is there");
        assert!(matches!(came.trouble(), Some(Trouble::Failed(error)) if error.name() == "Quota"));
    }

    #[test]
    fn word_that_is_left_comes_back_with_the_outcome_or_at_once() {
        let loads = [Load::new(WorkerId(0), Run(1))];
        let waiter = || Waiter::Thread(crate::sync::current());
        let (exchange, _) = placed(&loads[0]);
        assert!(!exchange.leave_word(waiter()) && !exchange.leave_word(waiter()), "the last one counts");
        assert!(ended(&exchange, &loads, Trouble::Cancelled { started: false }.into()).is_some());
        assert!(exchange.leave_word(waiter()), "it is done");
    }

    #[test]
    fn who_is_about_to_leave_word_is_not_woken_and_finds_that_it_is_done() {
        let loads = [Load::new(WorkerId(0), Run(1))];
        let (exchange, _) = placed(&loads[0]);
        exchange.rare.lock().waiter = Some(Waiter::Thread(crate::sync::current()));
        assert!(ended(&exchange, &loads, Trouble::Cancelled { started: false }.into()).is_none());
        assert!(exchange.leave_word(Waiter::Thread(crate::sync::current())));
    }

    #[test]
    fn what_holds_nothing_of_a_user_s_is_spent() {
        let loads = [Load::new(WorkerId(0), Run(1))];
        let running = || {
            let (exchange, _) = placed(&loads[0]);
            drop(exchange.begin(&loads, hand(), None).expect("it waits"));
            exchange
        };
        let (mut waiting, _) = placed(&loads[0]);
        assert!(!waiting.is_spent(), "it has its arguments");
        ended(&waiting, &loads, Trouble::Cancelled { started: false }.into());
        assert!(!waiting.is_spent(), "nobody took them");
        drop(waiting.take_argument());
        assert!(waiting.is_spent());

        let mut valued = running();
        assert!(valued.is_spent(), "there is no result yet");
        ended(&valued, &loads, Outcome::Value(Value::new(7_u64)));
        assert!(!valued.is_spent(), "it has a result");
        drop(valued.take_outcome());
        assert!(valued.is_spent());

        let panic = Panic { message: "told".to_owned(), location: None };
        for trouble in [Trouble::Failed(FunctionError::new("told", "of it")), Trouble::Panicked(panic)] {
            let mut failed = running();
            ended(&failed, &loads, trouble.into());
            assert!(!failed.is_spent(), "an error is a user's");
            drop(failed.take_outcome());
            assert!(failed.is_spent());
        }

        let mut awaited = running();
        assert!(!awaited.leave_word(Waiter::Thread(crate::sync::current())));
        assert!(!awaited.is_spent(), "a waker is a user's");
        ended(&awaited, &loads, Trouble::WorkerLost { started: true }.into());
        assert!(awaited.is_spent(), "a loss is not");
    }

    #[test]
    fn of_two_threads_one_gets_the_arguments() {
        let loads = [Load::new(WorkerId(0), Run(1))];
        for _ in 0..1_000 {
            let (exchange, _) = placed(&loads[0]);
            let got: usize = std::thread::scope(|scope| {
                let threads =
                    [scope.spawn(|| exchange.take_argument()), scope.spawn(|| exchange.take_argument())];
                threads.map(|thread| thread.join().expect("it does not panic")).iter().flatten().count()
            });
            assert_eq!(got, 1);
            drop(exchange.start.kill(&loads));
        }
    }
}
