//! The state of a worker: made once, used by its calls, dropped once.

use std::cell::Cell;
use std::rc::Rc;

use wpc_plugin::abi::{self, Descriptor};

use crate::host::{Answer, Worker};

thread_local! {
    /// What the states of this test's thread went through: made, dropped.
    static MADE_AND_DROPPED: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
    /// How the next state is made.
    static NEXT: Cell<Next> = const { Cell::new(Next::Made) };
}

#[derive(Clone, Copy)]
enum Next {
    Made,
    Fails,
    Panics,
    PanicsWhenDropped,
}

static PLUGIN: Descriptor = wpc_plugin::__descriptor! {
    state: Tally = Tally::open,
    functions: {
        fn add(tally: &mut Tally, by: u64) -> u64;
        fn panic_after(tally: &mut Tally, by: u64) -> u64;
        fn stateless() -> u64 = || 7;
    }
};

/// It holds an `Rc`: a state stays on its thread.
struct Tally {
    count: Rc<Cell<u64>>,
    next: Next,
}

impl Tally {
    fn open() -> Result<Self, String> {
        let (made, dropped) = MADE_AND_DROPPED.get();
        let next = NEXT.get();
        match next {
            Next::Fails => return Err("no more states".to_owned()),
            Next::Panics => panic!("while it was made"),
            Next::Made | Next::PanicsWhenDropped => MADE_AND_DROPPED.set((made + 1, dropped)),
        }
        Ok(Self { count: Rc::new(Cell::new(0)), next })
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let (made, dropped) = MADE_AND_DROPPED.get();
        MADE_AND_DROPPED.set((made, dropped + 1));
        assert!(matches!(self.next, Next::Made), "while it was dropped");
    }
}

fn add(tally: &mut Tally, by: u64) -> u64 {
    tally.count.set(tally.count.get() + by);
    tally.count.get()
}

fn panic_after(tally: &mut Tally, by: u64) -> u64 {
    add(tally, by);
    panic!("it was added");
}

fn done() -> Answer {
    Answer { status: abi::STATUS_DONE, output: Vec::new() }
}

#[test]
fn each_worker_has_a_state_of_its_own() {
    let (one, other) = (Worker::start(&PLUGIN).unwrap(), Worker::start(&PLUGIN).unwrap());
    assert_eq!(one.call("add", 2).value::<u64>(), 2);
    assert_eq!(one.call("add", 3).value::<u64>(), 5);
    assert_eq!(other.call("add", 1).value::<u64>(), 1);
    assert_eq!(other.call("stateless", ()).value::<u64>(), 7);
    assert_eq!(MADE_AND_DROPPED.get(), (2, 0));
    assert_eq!(one.stop(), done());
    assert_eq!(MADE_AND_DROPPED.get(), (2, 1));
    assert_eq!(other.stop(), done());
    assert_eq!(MADE_AND_DROPPED.get(), (2, 2));
}

#[test]
fn a_panic_leaves_the_state_as_it_is() {
    let worker = Worker::start(&PLUGIN).unwrap();
    assert_eq!(worker.call("panic_after", 2).panic(), "it was added");
    assert_eq!(worker.call("add", 1).value::<u64>(), 3);
    assert_eq!(MADE_AND_DROPPED.get(), (1, 0));
}

#[test]
fn a_state_that_is_not_made_says_why() {
    NEXT.set(Next::Fails);
    let failure = Worker::start(&PLUGIN).err().unwrap().failure();
    assert_eq!((failure.name.as_str(), failure.message.as_str()), ("Error", "no more states"));
    NEXT.set(Next::Panics);
    assert_eq!(Worker::start(&PLUGIN).err().unwrap().panic(), "while it was made");
    assert_eq!(MADE_AND_DROPPED.get(), (0, 0));
}

#[test]
fn a_panic_while_the_state_is_dropped_ends_there() {
    NEXT.set(Next::PanicsWhenDropped);
    let worker = Worker::start(&PLUGIN).unwrap();
    assert_eq!(worker.stop().panic(), "while it was dropped");
    assert_eq!(MADE_AND_DROPPED.get(), (1, 1));
}

#[test]
fn a_state_may_have_no_size() {
    struct Nothing;
    static PLUGIN: Descriptor = wpc_plugin::__descriptor! {
        state: Nothing = || Nothing,
        functions: { fn seven(state: &mut Nothing) -> u64 = |_| 7; }
    };
    let worker = Worker::start(&PLUGIN).unwrap();
    assert_eq!(worker.call("seven", ()).value::<u64>(), 7);
    assert_eq!(worker.stop(), done());
}

#[test]
fn a_call_without_the_state_that_it_takes_is_refused() {
    static PLUGIN: Descriptor = wpc_plugin::__descriptor! {
        state: u64 = || 7,
        functions: { fn get(state: &mut u64) -> u64 = |state| *state; }
    };
    let worker = Worker::start(&PLUGIN).unwrap();
    assert_eq!(worker.call("get", ()).value::<u64>(), 7);
    assert_eq!(worker.call_without_state("get").panic(), "called without the state that it takes");
}
