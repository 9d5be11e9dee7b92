//! A value and its holders: the last of them drops it, whoever that is, and what only saw it finds it before that or never.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::check;
use super::world::{joined, thread};
use crate::plant::Plant;
use crate::sync::{Free, Kept, Pool, Pooled, hold_twice, local, shared};

/// Counts its drops, and has a number.
struct Counted(Arc<AtomicUsize>, u64);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

local! {
    static KEPT: RefCell<Kept<Counted>> = RefCell::new(Kept::new());
}

shared! {
    static POOL: Pool<Counted> = Pool::new(Free::new());
}

impl Pooled for Counted {
    fn pool() -> &'static Pool<Self> {
        &POOL
    }

    fn with_kept<R>(lend: impl FnOnce(&mut Kept<Self>) -> R) -> Option<R> {
        KEPT.try_with(|kept| lend(&mut kept.borrow_mut())).ok()
    }
}

#[test]
fn a_value_that_its_worker_and_its_caller_let_go_of_is_dropped_once_and_not_while_it_is_read() {
    check("drop in worker", Plant::LetsGoLoosely, || {
        let drops = Arc::new(AtomicUsize::new(0));
        let [caller, worker] = hold_twice(Counted(Arc::clone(&drops), 7));
        let seen = caller.downgrade();
        let again = Arc::clone(&drops);
        ::loom::explore();
        let worker = thread(move || {
            assert_eq!(worker.1, 7);
            drop(worker);
            // Perhaps in the same memory.
            drop(hold_twice(Counted(again, 8)));
        });
        let scan = thread(move || seen.upgrade().map(|found| found.1));
        assert_eq!(caller.1, 7);
        drop(caller);
        joined(worker);
        assert!(joined(scan).is_none_or(|found| found == 7), "another value is not the one that was seen");
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    });
}
