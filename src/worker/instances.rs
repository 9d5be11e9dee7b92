//! [`Instances`]: one worker run's instances of the dependencies. Only the worker's own thread reaches them.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use crate::fence;
use crate::function::{Dependency, Instance};
use crate::id::Generation;

struct Made {
    generation: Generation,
    /// Dead once no snapshot and no accepted call holds the dependency.
    dependency: Weak<Dependency>,
    instance: Rc<dyn Instance>,
}

/// By generation: a redefinition does not touch what calls that were accepted before it are bound to.
#[derive(Default)]
pub(super) struct Instances {
    made: RefCell<Vec<Made>>,
}

impl Instances {
    pub(super) fn has(&self, generation: Generation) -> bool {
        self.made.borrow().iter().any(|made| made.generation == generation)
    }

    pub(super) fn find(&self, generation: Generation) -> Option<Rc<dyn Instance>> {
        let made = self.made.borrow();
        let found = made.iter().find(|made| made.generation == generation && !made.instance.is_spent());
        found.map(|made| Rc::clone(&made.instance))
    }

    pub(super) fn put(&self, dependency: &Arc<Dependency>, instance: Rc<dyn Instance>) {
        let (generation, dependency) = (dependency.generation(), Arc::downgrade(dependency));
        self.made.borrow_mut().push(Made { generation, dependency, instance });
    }

    /// Whether there are some that no call can need any more.
    pub(super) fn have_superseded(&self) -> bool {
        self.made.borrow().iter().any(|made| made.dependency.strong_count() == 0)
    }

    /// Drops those that no call can need any more, each in a fence of its own: which these were.
    pub(super) fn drop_superseded(&self) -> Vec<Generation> {
        let superseded: Vec<_> =
            self.made.borrow_mut().extract_if(.., |made| made.dependency.strong_count() == 0).collect();
        drop_all(superseded)
    }

    /// Drops those that panicked, each in a fence of its own.
    pub(super) fn drop_spent(&self) {
        let spent: Vec<_> = self.made.borrow_mut().extract_if(.., |made| made.instance.is_spent()).collect();
        drop_all(spent);
    }

    /// Drops everything, each in a fence of its own.
    pub(super) fn clear(&self) {
        drop_all(self.made.take());
    }
}

fn drop_all(all: Vec<Made>) -> Vec<Generation> {
    let one = |made: Made| {
        fence::drop_value(made.instance);
        made.generation
    };
    all.into_iter().map(one).collect()
}
