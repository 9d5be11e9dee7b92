//! Calls that wait behind a long one, while the other worker has calls of its own: who came first goes first, as from one queue.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use wpc::{Clock, ManualClock, Pending, Wpc};

use crate::support::{Latch, Watchdog, assert_ledger_is_even, build, finish, just_under, start_on};

/// So long a call runs before others take what waits behind it first.
const LONG: Duration = Duration::from_millis(1);

/// Two workers, each inside a call that is held, and what is noted by the calls that wait behind the two.
struct Both {
    wpc: Wpc,
    hands: ManualClock,
    holds: [Latch; 2],
    held: Vec<Pending<()>>,
    notes: Arc<Mutex<Vec<u32>>>,
}

impl Both {
    fn start() -> Self {
        let (clock, hands) = Clock::manual();
        let wpc = build(Wpc::builder().clock(clock));
        let holds = [Latch::new(), Latch::new()];
        let (inside, notes) = (holds.clone(), Arc::new(Mutex::new(Vec::new())));
        wpc.define_function("held", move |at: usize| inside[at].hold()).expect("it is defined");
        let list = Arc::clone(&notes);
        let note = move |n: u32| list.lock().expect("nobody panics").push(n);
        wpc.define_function("note", note).expect("it is defined");
        start_on(&hands, &wpc, 2);
        let begin = |at: usize| {
            let call = wpc.submit("held", at).expect("it is accepted");
            holds[at].wait_entered(1);
            call
        };
        let held = vec![begin(0), begin(1)];
        Self { wpc, hands, holds, held, notes }
    }

    /// Calls that are put to the two in turn.
    fn submit(&self, calls: &[(u32, i32)]) -> Vec<Pending<()>> {
        let submit = |(n, priority): &(u32, i32)| {
            self.wpc.request("note").no_timeout().priority(*priority).submit(*n).expect("it is accepted")
        };
        let pending = calls.iter().map(submit).collect();
        let in_flight: Vec<u32> = self.wpc.workers().iter().map(|worker| worker.in_flight).collect();
        assert_eq!(in_flight, [3, 3], "two wait at each");
        pending
    }

    /// The order in which the second worker runs them all, while the first is held.
    fn order(self, pending: Vec<Pending<()>>) -> Vec<u32> {
        self.holds[1].release();
        finish(pending);
        self.holds[0].release();
        finish(self.held);
        assert_ledger_is_even(&self.wpc);
        let notes = self.notes.lock().expect("nobody panics");
        notes.clone()
    }
}

#[test]
fn calls_behind_a_long_one_and_others_run_in_the_order_of_their_coming() {
    let _watchdog = Watchdog::start();
    let both = Both::start();
    let pending = both.submit(&[(1, 0), (2, 0), (3, 0), (4, 0)]);
    both.hands.advance(LONG);
    assert_eq!(both.order(pending), [1, 2, 3, 4]);
}

#[test]
fn a_worker_runs_its_own_calls_first_while_no_other_one_is_long() {
    let _watchdog = Watchdog::start();
    let both = Both::start();
    let pending = both.submit(&[(1, 0), (2, 0), (3, 0), (4, 0)]);
    both.hands.advance(just_under(LONG));
    assert_eq!(both.order(pending), [2, 4, 1, 3]);
}

#[test]
fn priority_goes_before_age_behind_a_long_call_too() {
    let _watchdog = Watchdog::start();
    let both = Both::start();
    let pending = both.submit(&[(1, 5), (2, 0), (3, -1), (4, 5)]);
    both.hands.advance(LONG);
    assert_eq!(both.order(pending), [3, 2, 1, 4]);
}
