//! [`Stack`]: what many threads put down without a lock, and one at a time takes away as a whole, in the order in which it was
//! put down.
//!
//! It is Treiber's stack (R. K. Treiber, "Systems programming: coping with parallelism", 1986), of which everything is taken at
//! once: so no swap can take a head for the one that it was before.
//!
//! # Rules of the unsafe code
//!
//! 1. A pointer in `head` or in a node's `next` is null, the mark of a closed stack, or the place of a node.
//! 2. A node in the stack stands for one holder of its value: [`Stack::push`] has given it up, and who takes the node away has
//!    it again. Who swaps `head` for another than the next one has all nodes from there on alone.

use std::ptr;
use std::sync::atomic::Ordering;

use crate::plant::Plant;

use super::pooled::{Held, Node, Pooled};
use super::{AtomicPtr, AtomicU32};

/// A node's place in a stack.
pub(super) struct Link<T> {
    pub(super) next: AtomicPtr<Node<T>>,
    /// How many lie in the stack down from here.
    depth: AtomicU32,
}

impl<T> Link<T> {
    pub(super) fn new() -> Self {
        Self { next: AtomicPtr::new(ptr::null_mut()), depth: AtomicU32::new(0) }
    }
}

/// A stack that can be closed.
pub(crate) struct Stack<T: Pooled> {
    head: AtomicPtr<Node<T>>,
}

impl<T: Pooled> Stack<T> {
    pub(crate) fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Puts the value down; if the stack is closed it comes back.
    #[expect(unsafe_code, reason = "its rules stand above")]
    pub(crate) fn push(&self, value: Held<T>) -> Result<(), Held<T>> {
        let node = value.into_node();
        // Acquire, here and wherever a node is looked into: what it is made of was stored before its place. And whoever finds the
        // stack closed sees what was stored before that.
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            if head == closed() {
                // SAFETY: rule 2: it was given up above, and nobody else has seen it.
                return Err(unsafe { Held::from_node(node) });
            }
            node.link.next.store(head, Ordering::Relaxed);
            node.link.depth.store(depth(head).saturating_add(1), Ordering::Relaxed);
            let new = node.place();
            match self.head.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(()),
                Err(now) => head = now,
            }
        }
    }

    /// How many lie here; not exact while others put more down, or take.
    pub(crate) fn len(&self) -> usize {
        depth(self.head.load(Ordering::Acquire)) as usize
    }

    /// Whether nothing lies here. Whoever finds it empty sees what was stored before it was taken.
    pub(crate) fn is_empty(&self) -> bool {
        let head = self.head.load(Ordering::Acquire);
        head.is_null() || head == closed()
    }

    /// Takes everything, the first that was put down first.
    pub(crate) fn take(&self) -> Taken<T> {
        if self.is_empty() {
            return Taken { first: None };
        }
        self.take_for(ptr::null_mut())
    }

    /// Takes everything, and lets nothing more be put down.
    pub(crate) fn close(&self) -> Taken<T> {
        let mark = if Plant::InboxStaysOpen.is_planted() { ptr::null_mut() } else { closed() };
        self.take_for(mark)
    }

    fn take_for(&self, instead: *mut Node<T>) -> Taken<T> {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == closed() {
                return Taken { first: None };
            }
            match self.head.compare_exchange_weak(head, instead, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Taken { first: turned(head) },
                Err(now) => head = now,
            }
        }
    }
}

/// What no node's pointer is.
fn closed<T>() -> *mut Node<T> {
    ptr::without_provenance_mut(1)
}

/// The node; none for null and for the mark.
#[expect(unsafe_code, reason = "its rules stand above")]
fn node<T: 'static>(place: *mut Node<T>) -> Option<&'static Node<T>> {
    if place == closed() {
        return None;
    }
    // SAFETY: rule 1: it is null or the place of a node.
    unsafe { Node::at(place) }
}

fn depth<T: 'static>(place: *mut Node<T>) -> u32 {
    // Where the node has been taken meanwhile, it is the depth that it had, or has in another stack.
    node(place).map_or(0, |node| node.link.depth.load(Ordering::Relaxed))
}

/// Turns a chain round that was taken from a stack.
fn turned<T: 'static>(head: *mut Node<T>) -> Option<&'static Node<T>> {
    let (mut rest, mut first) = (node(head), None);
    while let Some(here) = rest {
        here.fetch();
        rest = node(here.link.next.load(Ordering::Relaxed));
        here.link.next.store(first.map_or(ptr::null_mut(), Node::place), Ordering::Relaxed);
        first = Some(here);
    }
    first
}

/// What was taken from a stack, one by one.
pub(crate) struct Taken<T: Pooled> {
    first: Option<&'static Node<T>>,
}

impl<T: Pooled> Iterator for Taken<T> {
    type Item = Held<T>;

    #[expect(unsafe_code, reason = "its rules stand above")]
    fn next(&mut self) -> Option<Held<T>> {
        let here = self.first.take()?;
        self.first = node(here.link.next.load(Ordering::Relaxed));
        // SAFETY: rule 2: the chain was taken by one, and each of its nodes is met once.
        Some(unsafe { Held::from_node(here) })
    }
}

impl<T: Pooled> Drop for Taken<T> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

impl<T: Pooled> Drop for Stack<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
