//! [`Held`]: a value with several holders, in memory that is used again and again.
//!
//! It is what an `Arc` is, with two differences. The memory of a value that is gone is kept for the next one of its type, so
//! that a value that comes and goes costs no allocation; it is never given back, so that as much stays as was ever in use at once.
//! And so [`Weak`], which does not hold the value, can be turned into a
//! holder without keeping memory of its own: it remembers which value it saw.
//!
//! # Rules of the unsafe code
//!
//! 1. A [`Node`] lives for ever. Its word says how many holders its value has, and in its upper bits how many values the node
//!    has had.
//! 2. The count is above 0 exactly while the value is initialised and may be borrowed by its holders. [`hold_twice`] raises it from 0
//!    to 2, on a node that it alone has; each further holder is made from one that is there, or by a swap that finds the count above 0.
//! 3. Who lowers the count to 0 has the value alone, as a [`Last`], and then the node, until that is among free ones or
//!    [`hold_twice`] gives it a value. A node is in one such chain at most, and what takes it from there has it alone.
//! 4. Whatever a holder did before it let go happens before the value is dropped: letting go is a `Release`, the last of it an
//!    `Acquire`.

use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::Ordering;

use crate::plant::Plant;

use super::stack::Link;
use super::{AtomicPtr, AtomicU64, Mutex, UnsafeCell};

/// So many bits of the word count holders.
const COUNT_BITS: u32 = 24;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// Half of the holders that the count has room for: nobody comes near.
const HOLDERS_MAX: u64 = COUNT / 2;

/// So many free nodes a thread keeps to itself; half of them it gives to the others, or takes from them, at a time.
const KEPT_MAX: usize = 16;

/// So many nodes are made at once.
const MADE: usize = if cfg!(any(wpc_loom, wpc_shuttle)) { 4 } else { 64 };

/// Memory for one value, in lines of the cache that it shares with no other.
#[repr(C, align(64))]
pub(crate) struct Node<T> {
    word: AtomicU64,
    /// Its place in a [`Stack`](super::Stack).
    pub(super) link: Link<T>,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: rules 2 and 3: a node's value is lent to several threads at once, which needs `T: Sync`, and is dropped by another
// one than has made it, which needs `T: Send`. The word is atomic.
#[expect(unsafe_code, reason = "its rules stand above")]
unsafe impl<T: Send + Sync> Sync for Node<T> {}

/// Free nodes, one behind the other.
pub(crate) struct Free<T: 'static> {
    first: Option<&'static Node<T>>,
    count: usize,
}

impl<T: 'static> Free<T> {
    pub(crate) const fn new() -> Self {
        Self { first: None, count: 0 }
    }

    fn put(&mut self, node: &'static Node<T>) {
        node.link.next.store(self.first.map_or(ptr::null_mut(), Node::place), Ordering::Relaxed);
        self.first = Some(node);
        self.count += 1;
    }

    #[expect(unsafe_code, reason = "its rules stand above")]
    fn get(&mut self) -> Option<&'static Node<T>> {
        let node = self.first?;
        // SAFETY: rule 3: a free node is in one chain, whose pointers `put` has stored.
        self.first = unsafe { Node::at(node.link.next.load(Ordering::Relaxed)) };
        self.count -= 1;
        Some(node)
    }

    /// Has at most `count` of them move over.
    fn move_to(&mut self, other: &mut Self, count: usize) {
        for _ in 0..count {
            let Some(node) = self.get() else { return };
            other.put(node);
        }
    }
}

/// The free nodes that no thread keeps to itself.
pub(crate) type Pool<T> = Mutex<Free<T>>;

/// A type whose values are held in pooled memory. There is one pool for each, and a few free nodes in each thread.
pub(crate) trait Pooled: Send + Sync + Sized + 'static {
    fn pool() -> &'static Pool<Self>;

    /// Lends the thread's own; none while the thread's locals are destroyed.
    fn with_kept<R>(lend: impl FnOnce(&mut Kept<Self>) -> R) -> Option<R>;
}

/// The free nodes that a thread keeps to itself. When it ends, the others get them.
pub(crate) struct Kept<T: Pooled>(Free<T>);

impl<T: Pooled> Kept<T> {
    pub(crate) const fn new() -> Self {
        Self(Free::new())
    }

    /// A free node, which the caller has alone.
    fn take(&mut self) -> &'static Node<T> {
        if let Some(node) = self.0.get() {
            return node;
        }
        T::pool().lock().move_to(&mut self.0, KEPT_MAX / 2);
        self.0.get().unwrap_or_else(Node::new)
    }

    fn give(&mut self, node: &'static Node<T>) {
        if self.0.count >= KEPT_MAX {
            self.0.move_to(&mut T::pool().lock(), KEPT_MAX / 2);
        }
        self.0.put(node);
    }
}

// In a model of loom the process's pool may be gone by then.
#[cfg(not(wpc_loom))]
impl<T: Pooled> Drop for Kept<T> {
    fn drop(&mut self) {
        self.0.move_to(&mut T::pool().lock(), usize::MAX);
    }
}

impl<T: Pooled> Node<T> {
    /// One more node, for ever; those that are made with it go to the pool.
    fn new() -> &'static Self {
        let node = || Self {
            word: AtomicU64::new(0),
            link: Link::new(),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        };
        let made: Box<[Self]> = (0..MADE).map(|_| node()).collect();
        let (first, others) = Box::leak(made).split_first().expect("some are made");
        let mut pool = T::pool().lock();
        for node in others {
            pool.put(node);
        }
        first
    }

    fn free(&'static self) {
        if T::with_kept(|kept| kept.give(self)).is_none() {
            T::pool().lock().put(self);
        }
    }
}

impl<T: 'static> Node<T> {
    /// Where it lies, which [`Node::at`] finds it by.
    pub(super) fn place(&'static self) -> *mut Self {
        ptr::from_ref(self).cast_mut()
    }

    /// Has the processor get all of it into its cache, to be written there, while other work is done.
    pub(super) fn fetch(&'static self) {
        let lines = size_of::<Self>() / size_of::<Line>();
        let first = ptr::from_ref(self).cast::<Line>();
        (0..lines).for_each(|line| fetch_line(first.wrapping_add(line)));
    }

    /// The node that lies there; none for null.
    ///
    /// # Safety
    ///
    /// Any other pointer must have come from [`Node::place`].
    #[expect(unsafe_code, reason = "its rules stand above")]
    pub(super) unsafe fn at(place: *mut Self) -> Option<&'static Self> {
        // SAFETY: rule 1: what is not null is the place of a node, which lives for ever.
        unsafe { place.as_ref() }
    }
}

/// A line of the cache.
type Line = [u64; 8];

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[expect(unsafe_code, reason = "its rules stand above")]
fn fetch_line(line: *const Line) {
    // SAFETY: a prefetch is a hint: it reads and writes nothing, wherever it points. Processors of this kind that do not know this one
    // take it for an instruction that does nothing.
    unsafe { std::arch::asm!("prefetchw [{}]", in(reg) line, options(nostack, preserves_flags, readonly)) }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn fetch_line(_: *const Line) {}

/// Puts the value into pooled memory.
#[cfg(test)]
pub(crate) fn hold<T: Pooled>(value: T) -> Held<T> {
    let [held, _] = hold_twice(value);
    held
}

/// Puts the value into pooled memory, where it has two holders.
#[expect(unsafe_code, reason = "its rules stand above")]
pub(crate) fn hold_twice<T: Pooled>(value: T) -> [Held<T>; 2] {
    // While the thread's own locals are destroyed, the pool has what others have given back.
    let node = T::with_kept(Kept::take).or_else(|| T::pool().lock().get()).unwrap_or_else(Node::new);
    let before = node.word.load(Ordering::Relaxed);
    debug_assert_eq!(before & COUNT, 0, "a free node has no holders");
    // SAFETY: rule 3: the node was taken from a list or is new, so that nobody else reaches its value.
    node.value.with_mut(|place| unsafe { place.write(MaybeUninit::new(value)) });
    // The next of its values.
    let life = (before >> COUNT_BITS).wrapping_add(1);
    node.word.store((life << COUNT_BITS) | 2, Ordering::Release);
    [Held(node), Held(node)]
}

/// One holder of a value.
pub(crate) struct Held<T: Pooled>(&'static Node<T>);

impl<T: Pooled> Held<T> {
    /// Whether the two hold the same value.
    pub(crate) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }

    /// The node, which stands for this holder from now on.
    pub(super) fn into_node(self) -> &'static Node<T> {
        let node = self.0;
        std::mem::forget(self);
        node
    }

    /// The holder that the node stands for since [`Held::into_node`].
    ///
    /// # Safety
    ///
    /// It is asked for once for each [`Held::into_node`].
    #[expect(unsafe_code, reason = "its rules stand above")]
    pub(super) unsafe fn from_node(node: &'static Node<T>) -> Self {
        Self(node)
    }

    /// What the value can be found by later, if it is still there.
    pub(crate) fn downgrade(&self) -> Weak<T> {
        Weak { node: Some(self.0), life: self.0.word.load(Ordering::Relaxed) >> COUNT_BITS }
    }

    /// Lets go; whoever is the last has the value alone.
    pub(crate) fn into_last(self) -> Option<Last<T>> {
        Self::let_go(self.into_node())
    }

    fn let_go(node: &'static Node<T>) -> Option<Last<T>> {
        let release = if Plant::LetsGoLoosely.is_planted() { Ordering::Relaxed } else { Ordering::Release };
        let before = node.word.fetch_sub(1, release);
        debug_assert!(before & COUNT > 0, "a holder lets go once");
        if before & COUNT != 1 {
            return None;
        }
        node.word.load(Ordering::Acquire); // rule 4
        Some(Last(node))
    }
}

impl<T: Pooled> Clone for Held<T> {
    fn clone(&self) -> Self {
        let before = self.0.word.fetch_add(1, Ordering::Relaxed);
        assert!(before & COUNT < HOLDERS_MAX, "nobody has {HOLDERS_MAX} holders of one value");
        Self(self.0)
    }
}

impl<T: Pooled> Deref for Held<T> {
    type Target = T;

    #[expect(unsafe_code, reason = "its rules stand above")]
    fn deref(&self) -> &T {
        // SAFETY: rule 2: `self` is a holder, and counted.
        let value = self.0.value.with(|place| unsafe { &*place });
        // SAFETY: rule 2: while there is a holder the value is initialised.
        unsafe { value.assume_init_ref() }
    }
}

impl<T: Pooled> Drop for Held<T> {
    fn drop(&mut self) {
        drop(Self::let_go(self.0));
    }
}

/// The last holder of a value. Dropped, it drops the value.
pub(crate) struct Last<T: Pooled>(&'static Node<T>);

impl<T: Pooled> Last<T> {
    /// The value, moved out of the pool's memory.
    #[expect(unsafe_code, reason = "its rules stand above")]
    pub(crate) fn into_value(self) -> T {
        let node = Freed(self.0);
        std::mem::forget(self);
        // SAFETY: rule 3: nobody else reaches the value.
        let value = node.0.value.with_mut(|place| unsafe { &*place });
        // SAFETY: rules 2 and 3: the count was above 0 until now, and `self`, which would drop the value, is forgotten.
        unsafe { value.assume_init_read() }
    }
}

impl<T: Pooled> Drop for Last<T> {
    #[expect(unsafe_code, reason = "its rules stand above")]
    fn drop(&mut self) {
        let node = Freed(self.0); // also if the value's own drop panics
        // SAFETY: rule 3: nobody else reaches the value.
        let value = node.0.value.with_mut(|place| unsafe { &mut *place });
        // SAFETY: rules 2 and 3: the count was above 0 until now, and this is the once.
        unsafe { value.assume_init_drop() };
    }
}

/// Gives a node back.
struct Freed<T: Pooled>(&'static Node<T>);

impl<T: Pooled> Drop for Freed<T> {
    fn drop(&mut self) {
        self.0.free();
    }
}

/// What a value is found by that is not held.
pub(crate) struct Weak<T: Pooled> {
    node: Option<&'static Node<T>>,
    life: u64,
}

impl<T: Pooled> Weak<T> {
    /// That of no value.
    pub(crate) const fn new() -> Self {
        Self { node: None, life: 0 }
    }

    /// One more holder of the value, if it is still there.
    pub(crate) fn upgrade(&self) -> Option<Held<T>> {
        let node = self.node?;
        let more = |word: u64| {
            let is_there = word >> COUNT_BITS == self.life && word & COUNT > 0;
            is_there.then(|| word + 1)
        };
        node.word.fetch_update(Ordering::Acquire, Ordering::Relaxed, more).ok().map(|_| Held(node))
    }
}

impl<T: Pooled> Clone for Weak<T> {
    fn clone(&self) -> Self {
        Self { node: self.node, life: self.life }
    }
}

/// A [`Weak`] that one thread stores and others load.
pub(crate) struct AtomicWeak<T: Pooled> {
    node: AtomicPtr<Node<T>>,
    life: AtomicU64,
}

impl<T: Pooled> AtomicWeak<T> {
    pub(crate) fn new() -> Self {
        Self { node: AtomicPtr::new(ptr::null_mut()), life: AtomicU64::new(0) }
    }

    pub(crate) fn store(&self, value: &Held<T>) {
        let Weak { node, life } = value.downgrade();
        self.life.store(life, Ordering::Release);
        self.node.store(node.map_or(ptr::null_mut(), Node::place), Ordering::Release);
    }

    /// What was stored last; while another is being stored it may find neither of the two.
    #[expect(unsafe_code, reason = "its rules stand above")]
    pub(crate) fn load(&self) -> Weak<T> {
        // SAFETY: rule 1: `store` alone stores here, the place of a node.
        let node = unsafe { Node::at(self.node.load(Ordering::Acquire)) };
        Weak { node, life: self.life.load(Ordering::Acquire) }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Arc;

    use super::*;
    use crate::sync::{AtomicUsize, local, shared};

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
        static POOL: Pool<Counted> = Mutex::new(Free::new());
    }

    impl Pooled for Counted {
        fn pool() -> &'static Pool<Self> {
            &POOL
        }

        fn with_kept<R>(lend: impl FnOnce(&mut Kept<Self>) -> R) -> Option<R> {
            KEPT.try_with(|kept| lend(&mut kept.borrow_mut())).ok()
        }
    }

    fn held(drops: &Arc<AtomicUsize>, number: u64) -> Held<Counted> {
        hold(Counted(Arc::clone(drops), number))
    }

    #[test]
    fn a_value_is_dropped_by_its_last_holder_and_its_memory_used_again() {
        let drops = Arc::new(AtomicUsize::new(0));
        let one = held(&drops, 1);
        let (other, node) = (one.clone(), one.0);
        assert!(one.is(&other) && one.into_last().is_none());
        assert_eq!((other.1, drops.load(Ordering::Relaxed)), (1, 0));
        let last = other.into_last().expect("nobody else holds it");
        assert_eq!(drops.load(Ordering::Relaxed), 0, "not yet");
        let value = last.into_value();
        assert_eq!((value.1, drops.load(Ordering::Relaxed)), (1, 0), "moved out");
        drop(value);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
        let next = held(&drops, 2);
        assert!(std::ptr::eq(next.0, node) && next.1 == 2);
        drop(next);
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_was_seen_is_found_while_it_is_held_and_never_after() {
        let drops = Arc::new(AtomicUsize::new(0));
        let one = held(&drops, 1);
        let seen = one.downgrade();
        assert!(seen.upgrade().is_some_and(|again| again.is(&one)));
        drop(one);
        assert!(seen.upgrade().is_none(), "it is gone");
        let next = held(&drops, 2);
        assert!(seen.upgrade().is_none(), "what lies there now is another one");
        assert!(next.downgrade().clone().upgrade().is_some_and(|again| again.1 == 2));
        assert!(Weak::<Counted>::new().upgrade().is_none());
    }

    #[test]
    fn threads_that_hold_and_let_go_drop_each_value_once() {
        const ROUNDS: usize = 20_000;
        let drops = Arc::new(AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for number in 0..2 {
                let (sender, receiver) = std::sync::mpsc::sync_channel(64);
                scope.spawn(move || receiver.into_iter().for_each(drop::<Held<Counted>>));
                let drops = &drops;
                scope.spawn(move || {
                    for _ in 0..ROUNDS {
                        let one = held(drops, number);
                        let seen = one.downgrade();
                        sender.send(one.clone()).expect("the other thread takes all of them");
                        let again = seen.upgrade().expect("`one` holds it");
                        assert_eq!((again.1, one.1), (number, number));
                        drop((one, again));
                        assert!(seen.upgrade().is_none_or(|last| last.1 == number));
                    }
                });
            }
        });
        assert_eq!(drops.load(Ordering::Relaxed), 2 * ROUNDS);
    }

    /// Holds values while the thread's locals are destroyed.
    struct Late(Arc<AtomicUsize>);

    impl Drop for Late {
        fn drop(&mut self) {
            assert!(Counted::with_kept(|_| ()).is_none(), "they were destroyed before this");
            let count = || POOL.lock().count;
            drop(held(&self.0, 0)); // at the most this makes nodes
            let before = count();
            for number in 0..10 * MADE as u64 {
                drop(held(&self.0, number));
            }
            // Other tests take some of them and give them back.
            assert!(count() < before + 2 * MADE, "{} free ones of {before}", count());
        }
    }

    #[test]
    fn values_that_are_held_as_a_thread_s_locals_are_destroyed_use_memory_again() {
        thread_local! {
            static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
        }
        let drops = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&drops);
        let thread = std::thread::spawn(move || {
            // It is destroyed after what is made after it.
            LATE.with(|late| *late.borrow_mut() = Some(Late(Arc::clone(&theirs))));
            drop(held(&theirs, 0));
        });
        thread.join().expect("it does not panic");
        assert_eq!(drops.load(Ordering::Relaxed), 2 + 10 * MADE);
    }

    #[test]
    fn a_thread_that_ends_leaves_its_free_nodes_to_the_others() {
        let drops = Arc::new(AtomicUsize::new(0));
        let all: Vec<_> = (0..3 * KEPT_MAX as u64).map(|number| held(&drops, number)).collect();
        let nodes = std::thread::spawn(move || {
            let nodes: Vec<_> = all.iter().map(|held| held.0.place() as usize).collect();
            drop(all);
            nodes
        });
        let nodes = nodes.join().expect("it does not panic");
        assert_eq!(drops.load(Ordering::Relaxed), nodes.len());
        let mut pool = POOL.lock();
        let mut free = Vec::new();
        while let Some(node) = pool.get() {
            free.push(node);
        }
        let found =
            nodes.iter().filter(|place| free.iter().any(|node| node.place() as usize == **place)).count();
        for node in free {
            pool.put(node);
        }
        // Other tests use the pool too, and may have taken some.
        assert!(found > KEPT_MAX, "{found} of {}", nodes.len());
    }
}
