//! [`Loader`]: the one thread of the process on which libraries are loaded.
//!
//! # Theory of operation
//!
//! Loading a library runs its constructors, which may take any time, and the system's loader lets only one thread load at
//! a time: who loads beside a constructor that hangs hangs too. So all loads of the process run here, one after the
//! other, and who wants one waits for it with a deadline of its own.
//!
//! The thread starts with the process's first load. It parks while nothing waits at its [`Desk`], and whoever puts a load
//! there unparks it. It takes the first load out under the lock, runs it in a fence without the lock, puts the result
//! into the [`Order`] and unparks the caller. It owns nothing but the load that it runs. A caller whose time is up takes
//! what is still waiting away from the desk, so that it never runs and its place is free; what has begun ends for
//! nobody. A load that never ends keeps the thread for good: the loads behind it are told so by their own deadlines, and
//! at once when the desk is full. The thread ends after its [`Loader`]; the process keeps one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use std::{io, mem};

use crate::clock::Clock;
use crate::fence;
use crate::function::Library;
use crate::sync::{self, Mutex, Thread, shared};

use super::error::LoadError;

/// How many loads may wait for the thread, over all pools of the process; each holds its library's bytes.
const WAITING_MAX: usize = 16;

/// What the thread is to do.
pub(super) type Load = Box<dyn FnOnce() -> Loaded + Send>;

type Loaded = Result<Arc<dyn Library>, LoadError>;

/// The way to the thread, which ends after this is dropped.
pub(super) struct Loader {
    desk: Arc<Mutex<Desk>>,
    thread: Thread,
}

/// Where loads wait.
#[derive(Default)]
struct Desk {
    waiting: VecDeque<(Arc<Order>, Load)>,
    /// The library that is being loaded.
    loading: Option<String>,
    closed: bool,
}

/// One load, as its caller waits for it.
struct Order {
    library: String,
    caller: Thread,
    result: Mutex<Slot>,
}

/// Where the result of a load goes.
enum Slot {
    Open,
    Loaded(Loaded),
    /// The caller has left.
    Closed,
}

/// The loader of this process, started by the first load.
pub(super) fn of_process() -> Result<Arc<Loader>, LoadError> {
    shared! {
        static LOADER: Mutex<Option<Arc<Loader>>> = Mutex::new(None);
    }
    let mut loader = LOADER.lock();
    if let Some(loader) = &*loader {
        return Ok(Arc::clone(loader));
    }
    let started = Loader::start().map_err(|source| LoadError::Thread { source })?;
    Ok(Arc::clone(loader.insert(Arc::new(started))))
}

impl Loader {
    fn start() -> io::Result<Self> {
        let desk = Arc::<Mutex<Desk>>::default();
        let theirs = Arc::clone(&desk);
        let spawned = sync::spawn("wpc-loader".into(), move || serve(&theirs))?;
        Ok(Self { desk, thread: spawned.thread().clone() })
    }

    /// Has the thread run `load` and waits for its result, at most `until` (none: without an end).
    pub(super) fn load(&self, library: String, load: Load, clock: &Clock, until: Option<Instant>) -> Loaded {
        let order = Arc::new(Order { library, caller: sync::current(), result: Mutex::new(Slot::Open) });
        self.submit(&order, load)?;
        loop {
            if let Some(loaded) = order.take() {
                return loaded;
            }
            if !clock.wait(until).park(sync::park) {
                return self.leave(&order);
            }
        }
    }

    fn submit(&self, order: &Arc<Order>, load: Load) -> Result<(), LoadError> {
        let mut desk = self.desk.lock();
        if desk.waiting.len() >= WAITING_MAX {
            let refused = desk.refusal(&order.library);
            drop(desk);
            drop(load); // after the lock
            return Err(refused);
        }
        desk.waiting.push_back((Arc::clone(order), load));
        drop(desk);
        self.thread.unpark();
        Ok(())
    }

    /// What a caller gets that waits no longer.
    fn leave(&self, order: &Arc<Order>) -> Loaded {
        let mut desk = self.desk.lock();
        let place = desk.waiting.iter().position(|(waiting, _)| Arc::ptr_eq(waiting, order));
        let Some(place) = place else {
            drop(desk);
            return order.close();
        };
        let unloaded = desk.waiting.remove(place);
        let refused = desk.refusal(&order.library);
        drop(desk);
        drop(unloaded); // after the lock
        Err(refused)
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.desk.lock().closed = true;
        self.thread.unpark();
    }
}

impl Desk {
    /// Why a library that was not even begun with is not loaded.
    fn refusal(&self, library: &str) -> LoadError {
        let library = library.to_owned();
        let first = || self.waiting.front().map(|(order, _)| order.library.clone());
        match self.loading.clone().or_else(first) {
            Some(with) => LoadError::Busy { library, with },
            None => LoadError::TimedOut { library },
        }
    }
}

impl Order {
    /// The result, once it is there.
    fn take(&self) -> Option<Loaded> {
        let mut slot = self.result.lock();
        match mem::replace(&mut *slot, Slot::Open) {
            Slot::Loaded(loaded) => Some(loaded),
            Slot::Open | Slot::Closed => None,
        }
    }

    /// Ends the wait for a load that has begun. If its result came in this moment it is taken.
    fn close(&self) -> Loaded {
        let slot = mem::replace(&mut *self.result.lock(), Slot::Closed);
        match slot {
            Slot::Loaded(loaded) => loaded,
            Slot::Open | Slot::Closed => Err(LoadError::TimedOut { library: self.library.clone() }),
        }
    }

    /// Puts the result in for the caller. One who has left leaves the library loaded, and used by nobody.
    fn finish(&self, loaded: Loaded) {
        let mut slot = self.result.lock();
        let unwanted = match &*slot {
            Slot::Closed => Slot::Loaded(loaded),
            Slot::Open | Slot::Loaded(_) => mem::replace(&mut *slot, Slot::Loaded(loaded)),
        };
        drop(slot);
        drop(unwanted); // after the lock
        self.caller.unpark();
    }
}

fn serve(desk: &Mutex<Desk>) {
    loop {
        let (next, closed) = {
            let mut desk = desk.lock();
            let next = desk.waiting.pop_front();
            desk.loading = next.as_ref().map(|(order, _)| order.library.clone());
            (next, desk.closed)
        };
        match next {
            Some((order, load)) => {
                let library = order.library.clone();
                let loaded =
                    fence::run(load).unwrap_or_else(|message| Err(LoadError::Panicked { library, message }));
                desk.lock().loading = None;
                order.finish(loaded);
            }
            None if closed => return,
            None => sync::park(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::function::LibraryFacts;
    use crate::plugin::system::SystemLibrary;

    fn library(origin: &str) -> Arc<dyn Library> {
        let facts = LibraryFacts { origin: origin.to_owned(), ..LibraryFacts::default() };
        Arc::new(SystemLibrary::new(Vec::new(), facts))
    }

    /// A load that says when it begins and ends when it is told to.
    fn held() -> (Load, Receiver<()>, Sender<()>) {
        let (begins, begun) = channel();
        let (release, released) = channel();
        let load = move || {
            begins.send(()).expect("the test waits for it");
            let _ = released.recv(); // also a test that ended lets it go
            Ok(library("held"))
        };
        (Box::new(load), begun, release)
    }

    fn load(loader: &Loader, name: &str, until: Option<Instant>) -> Loaded {
        let load: Load = Box::new(|| Ok(library("free")));
        loader.load(name.to_owned(), load, &Clock::system(), until)
    }

    #[test]
    fn a_load_runs_on_the_thread_and_its_result_comes_back() {
        let loader = Loader::start().expect("there is room for a thread");
        let work: Load = Box::new(|| Ok(library(thread::current().name().unwrap_or_default())));
        let library = loader.load("a".to_owned(), work, &Clock::system(), None).expect("it does not fail");
        assert_eq!(library.facts().origin, "wpc-loader");
    }

    #[test]
    fn a_load_that_hangs_fails_in_time_and_so_does_what_waits_behind_it() {
        let loader = Arc::new(Loader::start().expect("there is room for a thread"));
        let (clock, hands) = Clock::manual();
        let (hanging, begun, release) = held();
        let (theirs, their_clock) = (Arc::clone(&loader), clock.clone());
        let until = Some(clock.now() + Duration::from_secs(1));
        let caller = thread::spawn(move || theirs.load("hangs".to_owned(), hanging, &their_clock, until));
        begun.recv().expect("it begins");
        hands.advance(Duration::from_secs(1));
        let first = caller.join().expect("it does not panic").err().expect("it hangs");
        assert!(matches!(&first, LoadError::TimedOut { library } if library == "hangs"), "{first}");
        let second = load(&loader, "late", Some(clock.now())).err().expect("the thread is not free");
        assert_eq!(second.to_string(), "`late` was not loaded: the loader is busy with `hangs`");
        release.send(()).expect("it waits for it");
        assert_eq!(load(&loader, "later", None).expect("it is free again").facts().origin, "free");
    }

    #[test]
    fn a_full_desk_refuses_at_once_and_who_leaves_makes_room_and_is_not_loaded() {
        let loader = Loader::start().expect("there is room for a thread");
        let (hanging, begun, release) = held();
        let (runs, ran) = channel::<usize>();
        thread::scope(|scope| {
            let hold =
                scope.spawn(|| loader.load("hangs".to_owned(), hanging, &Clock::system(), None).map(drop));
            begun.recv().expect("it begins");
            let clock = Clock::system();
            let work = |number: usize| -> Load {
                let runs = runs.clone();
                Box::new(move || {
                    runs.send(number).expect("the test holds the other end");
                    Ok(library("ran"))
                })
            };
            for number in 0..2 * WAITING_MAX {
                let left = loader.load("left".to_owned(), work(number), &clock, Some(clock.now()));
                assert!(matches!(left, Err(LoadError::Busy { with, .. }) if with == "hangs"));
            }
            for number in 100..100 + WAITING_MAX {
                let order = Order {
                    library: "waits".to_owned(),
                    caller: sync::current(),
                    result: Mutex::new(Slot::Open),
                };
                loader.submit(&Arc::new(order), work(number)).expect("those that left have made room");
            }
            let refused = load(&loader, "one too many", None); // it would wait without an end
            assert!(matches!(refused, Err(LoadError::Busy { with, .. }) if with == "hangs"));
            release.send(()).expect("it waits for it");
            hold.join().expect("it does not panic").expect("it was only held");
            let order: Vec<usize> = (0..WAITING_MAX).map(|_| ran.recv().expect("they are loaded")).collect();
            assert_eq!(order, (100..100 + WAITING_MAX).collect::<Vec<_>>(), "in the order that they came in");
        });
        load(&loader, "after all", None).expect("the thread is free");
        assert!(ran.try_recv().is_err(), "a load ran whose caller had left");
    }

    #[test]
    fn a_result_that_came_in_the_last_moment_is_taken_and_one_after_it_is_dropped() {
        let order =
            || Order { library: "a".to_owned(), caller: sync::current(), result: Mutex::new(Slot::Open) };
        let (early, late) = (order(), order());
        early.finish(Ok(library("early")));
        early.close().expect("it was there");
        assert!(matches!(late.close(), Err(LoadError::TimedOut { .. })));
        let library = library("late");
        late.finish(Ok(Arc::clone(&library)));
        assert_eq!(Arc::strong_count(&library), 1);
    }

    #[test]
    fn the_thread_ends_after_its_loader() {
        let loader = Loader::start().expect("there is room for a thread");
        let desk = Arc::downgrade(&loader.desk);
        let (ends, ended) = channel::<()>();
        let work: Load = Box::new(move || {
            thread_local!(static END: std::cell::Cell<Option<Sender<()>>> = const { std::cell::Cell::new(None) });
            END.set(Some(ends)); // dropped with the thread
            Ok(library("a"))
        });
        loader.load("a".to_owned(), work, &Clock::system(), None).expect("it does not fail");
        drop(loader);
        ended.recv().expect_err("nothing is sent: the thread has ended");
        assert!(desk.upgrade().is_none());
    }

    #[test]
    fn a_panic_ends_one_load_and_not_the_thread() {
        let loader = Loader::start().expect("there is room for a thread");
        let work: Load = Box::new(|| panic!("on purpose"));
        let error = loader.load("a".to_owned(), work, &Clock::system(), None).err().expect("it panics");
        assert!(matches!(error, LoadError::Panicked { message, .. } if message == "on purpose"));
        load(&loader, "b", None).expect("the thread lives");
    }

    #[test]
    fn the_process_has_one_loader() {
        let (one, other) = (of_process().expect("started"), of_process().expect("started"));
        assert!(Arc::ptr_eq(&one, &other));
    }
}
