//! What a worker keeps for the functions that run on it: local state, and constants converted to other types.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::id::Version;

use crate::fence;

/// The state was asked for while the same function was using it, further out on the same worker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the local state `{state}` of function `{function}` is in use by a call further out on this worker")]
pub struct LocalInUse {
    /// The type of the state.
    pub state: &'static str,
    /// The function whose state it is.
    pub function: Arc<str>,
}

type Shared = Arc<dyn Any + Send + Sync>;

/// A name, the function's or the constant's, and a type.
type Key = (Arc<str>, TypeId);

/// One worker run's state, by function and type. Only the worker's own thread reaches it.
#[derive(Default)]
pub(crate) struct Locals {
    /// None for a state that is lent.
    states: RefCell<HashMap<Key, Option<Box<dyn Any>>>>,
    constants: RefCell<HashMap<Key, (Version, Shared)>>,
}

impl Locals {
    /// Lends the state of `function` to `use_it`, made by `init` if there is none yet. It is lent to one at a time;
    /// if one of the closures panics the state is gone and made anew at the next use.
    pub(crate) fn lend<T: 'static, R>(
        &self,
        function: &Arc<str>,
        init: impl FnOnce() -> T,
        use_it: impl FnOnce(&mut T) -> R,
    ) -> Result<R, LocalInUse> {
        let key = (Arc::clone(function), TypeId::of::<T>());
        let taken = self.states.borrow_mut().insert(key.clone(), None);
        let in_use = || LocalInUse { state: std::any::type_name::<T>(), function: Arc::clone(function) };
        let state = match taken {
            Some(None) => return Err(in_use()),
            Some(Some(state)) => Some(state),
            None => None,
        };
        let lent = Lent { locals: self, key: Some(key) };
        let mut state = match state {
            Some(state) => state.downcast::<T>().expect("a state is kept under its own type"),
            None => Box::new(init()),
        };
        let result = use_it(&mut state);
        lent.give_back(state);
        Ok(result)
    }

    /// The constant `name` of that version as a `T`, made by `convert` at the first use.
    pub(crate) fn converted<T: Send + Sync + 'static, E>(
        &self,
        name: &Arc<str>,
        version: Version,
        convert: impl FnOnce() -> Result<Arc<T>, E>,
    ) -> Result<Arc<T>, E> {
        let key = (Arc::clone(name), TypeId::of::<T>());
        if let Some((kept, value)) = self.constants.borrow().get(&key)
            && *kept == version
        {
            return Ok(Arc::clone(value).downcast().expect("a constant is kept under its own type"));
        }
        let value = convert()?;
        let old = self.constants.borrow_mut().insert(key, (version, Arc::clone(&value) as Shared));
        drop(old); // after the borrow: dropping it runs user code
        Ok(value)
    }

    /// Forgets the states of functions and the conversions of constants that are defined no more.
    pub(crate) fn prune(&self, has_function: impl Fn(&str) -> bool, has_constant: impl Fn(&str) -> bool) {
        let is_gone = |(name, _): &Key, state: &Option<Box<dyn Any>>| state.is_some() && !has_function(name);
        let states: Vec<_> = self
            .states
            .borrow_mut()
            .extract_if(|key, state| is_gone(key, state))
            .map(|(_, state)| state)
            .collect();
        let constants: Vec<_> = self
            .constants
            .borrow_mut()
            .extract_if(|(name, _), _| !has_constant(name))
            .map(|(_, kept)| kept)
            .collect();
        // After the borrows: dropping them runs user code.
        for state in states {
            fence::drop_value(state);
        }
        for constant in constants {
            fence::drop_value(constant);
        }
    }

    /// Drops everything, each state in a fence of its own.
    pub(crate) fn clear(&self) {
        for (_, state) in self.states.take() {
            fence::drop_value(state);
        }
        for (_, value) in self.constants.take() {
            fence::drop_value(value);
        }
    }
}

impl Drop for Locals {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A state that is out; on a panic its place is cleared, so that the next use makes it anew.
struct Lent<'a> {
    locals: &'a Locals,
    key: Option<Key>,
}

impl Lent<'_> {
    fn give_back(mut self, state: Box<dyn Any>) {
        if let Some(key) = self.key.take() {
            self.locals.states.borrow_mut().insert(key, Some(state));
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.locals.states.borrow_mut().remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_state_is_made_once_and_kept_by_function_and_type() {
        let locals = Locals::default();
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let add = |function: &Arc<str>| {
            locals.lend(
                function,
                || 0_u32,
                |n| {
                    *n += 1;
                    *n
                },
            )
        };
        assert_eq!((add(&one), add(&one), add(&other)), (Ok(1), Ok(2), Ok(1)));
    }

    #[test]
    fn what_belongs_to_nothing_that_is_defined_goes_but_not_while_it_is_lent() {
        let locals = Locals::default();
        let (kept, gone): (Arc<str>, Arc<str>) = ("kept".into(), "gone".into());
        let count = |name: &Arc<str>| {
            locals.lend(
                name,
                || 0_u32,
                |n| {
                    *n += 1;
                    *n
                },
            )
        };
        assert_eq!((count(&kept), count(&gone)), (Ok(1), Ok(1)));
        locals.prune(|name| name == "kept", |_| true);
        assert_eq!((count(&kept), count(&gone)), (Ok(2), Ok(1)));
        let lent = locals.lend(
            &gone,
            || 0_u32,
            |n| {
                locals.prune(|_| false, |_| true);
                *n
            },
        );
        assert_eq!(lent, Ok(1));
        assert_eq!(count(&gone), Ok(2), "it came back");
    }

    #[test]
    fn a_state_in_use_is_refused_and_one_lost_by_a_panic_is_made_anew() {
        let locals = Locals::default();
        let name: Arc<str> = "f".into();
        let inner = locals.lend(&name, || 1_u8, |_| locals.lend(&name, || 2_u8, |n| *n));
        assert!(matches!(inner, Ok(Err(LocalInUse { .. }))));
        let _ = fence::run(|| locals.lend(&name, || 0_u8, |_| panic!("in use")));
        assert_eq!(locals.lend(&name, || 9_u8, |n| *n), Ok(9));
    }

    /// A state or constant that counts its drops, and panics then if it is told to.
    struct Counted(Arc<AtomicUsize>, bool);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            assert!(!self.1, "on purpose");
        }
    }

    #[test]
    fn what_is_defined_no_more_is_forgotten_and_the_rest_is_kept() {
        let (locals, drops) = (Locals::default(), [(); 4].map(|()| Arc::new(AtomicUsize::new(0))));
        let named = |name: &str| -> Arc<str> { name.into() };
        for (name, drops) in [("gone", &drops[0]), ("here", &drops[1])] {
            locals.lend(&named(name), || Counted(Arc::clone(drops), false), |_| ()).expect("nobody uses it");
        }
        for (name, drops) in [("gone", &drops[2]), ("here", &drops[3])] {
            let made = || Ok::<_, LocalInUse>(Arc::new(Counted(Arc::clone(drops), false)));
            drop(locals.converted(&named(name), Version(1), made).expect("it is made"));
        }
        locals.prune(|name| name == "here", |name| name == "here");
        let dropped = || drops.each_ref().map(|drops| drops.load(Ordering::Relaxed));
        assert_eq!(dropped(), [1, 0, 1, 0]);
        drop(locals);
        assert_eq!(dropped(), [1; 4]);
    }

    #[test]
    fn each_state_is_dropped_with_the_worker_in_a_fence_of_its_own() {
        let (locals, drops) = (Locals::default(), Arc::new(AtomicUsize::new(0)));
        for name in ["one", "other"] {
            locals.lend(&name.into(), || Counted(Arc::clone(&drops), true), |_| ()).expect("nobody uses it");
        }
        drop(locals);
        assert_eq!(drops.load(Ordering::Relaxed), 2, "and no panic came out");
    }
}
