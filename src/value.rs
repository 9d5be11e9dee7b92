//! [`Value`]: one value of any type that can be sent, for whoever knows the type to take out again. A small one lies inside,
//! so that arguments and results of short calls need no memory of their own; a larger one in a box.
//!
//! # Rules of the unsafe code
//!
//! 1. `kind` and `store` are written together, by [`Value::new`] alone, and never after: `kind` is that of the type `T` whose
//!    value the store holds. An inline kind holds the `T` itself, at the store's address, which is aligned for it and has room
//!    for it, as [`is_inline`] says; a boxed kind holds a `Box<T>` as its raw pointer.
//! 2. The value in the store is initialised until it is moved out or dropped, which only [`Value::take`] and `drop` do: both
//!    have the `Value` itself, and `take` forgets it, so that one of them happens, once.
//! 3. A `T` is `Send`, so a `Value` may be sent. It may not be shared: a `T` need not be `Sync`, and a shared `Value` would lend
//!    it.

use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};

/// Values that fit in here, at this alignment, lie inside.
type Store = [u64; 6];

/// A value whose type is known by who takes it.
pub(crate) struct Value {
    kind: &'static Kind,
    store: MaybeUninit<Store>,
    /// Neither sent nor shared, but for rule 3.
    _marker: PhantomData<*const ()>,
}

// SAFETY: rule 3: what it holds is `Send`, as `Value::new` demands, and it holds nothing else that is not.
#[expect(unsafe_code, reason = "the pointer is a marker only")]
unsafe impl Send for Value {}

/// How to reach the value in a store.
struct Kind {
    /// Of the value's type.
    id: fn() -> TypeId,
    /// Where it is.
    place: unsafe fn(&MaybeUninit<Store>) -> *const (),
    /// What it is, for the address that `place` gave.
    any: unsafe fn(*const ()) -> *const dyn Any,
    drop: unsafe fn(&mut MaybeUninit<Store>),
}

const fn is_inline<T>() -> bool {
    size_of::<T>() <= size_of::<Store>() && align_of::<T>() <= align_of::<Store>()
}

struct KindOf<T>(PhantomData<T>);

#[expect(unsafe_code, reason = "a store has no type: its rules stand above")]
impl<T: Send + 'static> KindOf<T> {
    const INLINE: Kind =
        Kind { id: TypeId::of::<T>, place: Self::place_inside, any: Self::any, drop: Self::drop_inline };
    const BOXED: Kind =
        Kind { id: TypeId::of::<T>, place: Self::place_of_box, any: Self::any, drop: Self::drop_box };

    const KIND: &'static Kind = if is_inline::<T>() { &Self::INLINE } else { &Self::BOXED };

    /// The store is of an inline kind.
    unsafe fn place_inside(store: &MaybeUninit<Store>) -> *const () {
        store.as_ptr().cast()
    }

    /// The store is of a boxed kind, and holds its pointer.
    unsafe fn place_of_box(store: &MaybeUninit<Store>) -> *const () {
        // SAFETY: rule 1: a store of a boxed kind holds the raw pointer, which has room there and is aligned less.
        unsafe { store.as_ptr().cast::<*const T>().read() }.cast()
    }

    /// `place` is that of a `T`.
    unsafe fn any(place: *const ()) -> *const dyn Any {
        place.cast::<T>()
    }

    /// The store holds a `T`, which is not used again.
    unsafe fn drop_inline(store: &mut MaybeUninit<Store>) {
        // SAFETY: rules 1 and 2: it is a `T` that is initialised, and this is the once.
        unsafe { store.as_mut_ptr().cast::<T>().drop_in_place() }
    }

    /// The store holds the pointer of a box, which is not used again.
    unsafe fn drop_box(store: &mut MaybeUninit<Store>) {
        // SAFETY: rule 1: it is the raw pointer of a `Box<T>`.
        let place = unsafe { store.as_ptr().cast::<*mut T>().read() };
        // SAFETY: rule 2: the box is there, and this is the once.
        drop(unsafe { Box::from_raw(place) });
    }
}

#[expect(unsafe_code, reason = "a store has no type: its rules stand above")]
impl Value {
    pub(crate) fn new<T: Send + 'static>(value: T) -> Self {
        let mut store = MaybeUninit::<Store>::uninit();
        if is_inline::<T>() {
            // SAFETY: rule 1: there is room for a `T`, at an address that is aligned for it.
            unsafe { store.as_mut_ptr().cast::<T>().write(value) };
        } else {
            // SAFETY: rule 1: there is room for a pointer, at an address that is aligned for it.
            unsafe { store.as_mut_ptr().cast::<*mut T>().write(Box::into_raw(Box::new(value))) };
        }
        Self { kind: KindOf::<T>::KIND, store, _marker: PhantomData }
    }

    /// The value, to be looked at.
    pub(crate) fn as_any(&self) -> &dyn Any {
        // SAFETY: rule 1: the store is of this kind, and holds its value.
        let place = unsafe { (self.kind.place)(&self.store) };
        // SAFETY: rule 1: `place` is that of the `T` of this kind.
        let any = unsafe { (self.kind.any)(place) };
        // SAFETY: rule 2: it is initialised, and nobody takes or drops it while `self` is borrowed.
        unsafe { &*any }
    }

    /// Whether the other one is of the same type.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (self.kind.id)() == (other.kind.id)()
    }

    /// Takes the value out, if it is a `T`; else all of it comes back.
    pub(crate) fn take<T: 'static>(self) -> Result<T, Self> {
        if (self.kind.id)() != TypeId::of::<T>() {
            return Err(self);
        }
        let this = ManuallyDrop::new(self);
        if is_inline::<T>() {
            // SAFETY: rules 1 and 2: the store holds a `T`, and `this` is forgotten.
            return Ok(unsafe { this.store.as_ptr().cast::<T>().read() });
        }
        // SAFETY: rule 1: it is the raw pointer of a `Box<T>`.
        let place = unsafe { this.store.as_ptr().cast::<*mut T>().read() };
        // SAFETY: rule 2: the box is there, and `this` is forgotten.
        Ok(*unsafe { Box::from_raw(place) })
    }
}

impl Drop for Value {
    #[expect(unsafe_code, reason = "a store has no type: its rules stand above")]
    fn drop(&mut self) {
        // SAFETY: rules 1 and 2: `kind` is that of what the store holds, and nobody has taken it.
        unsafe { (self.kind.drop)(&mut self.store) }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[repr(align(64))]
    #[derive(Debug, PartialEq, Eq)]
    struct Wide(u8);

    /// Counts its drops.
    struct Counted<const BYTES: usize>(Arc<AtomicUsize>, [u8; BYTES]);

    impl<const BYTES: usize> Drop for Counted<BYTES> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counted<const BYTES: usize>() -> (Arc<AtomicUsize>, Value) {
        let drops = Arc::new(AtomicUsize::new(0));
        (Arc::clone(&drops), Value::new(Counted::<BYTES>(drops, [0; BYTES])))
    }

    #[test]
    fn what_was_put_in_comes_out_at_every_size_and_alignment() {
        assert_eq!(Value::new(()).take::<()>().ok(), Some(()));
        assert_eq!(Value::new(7_u64).take::<u64>().ok(), Some(7));
        assert_eq!(Value::new([5_u64; 6]).take::<[u64; 6]>().ok(), Some([5; 6]));
        assert_eq!(Value::new([6_u64; 7]).take::<[u64; 7]>().ok(), Some([6; 7]));
        assert_eq!(Value::new(Wide(3)).take::<Wide>().ok(), Some(Wide(3)));
        assert_eq!(Value::new("text".to_owned()).take::<String>().ok().as_deref(), Some("text"));
        assert_eq!(Value::new(9_u8).as_any().downcast_ref::<u8>(), Some(&9));
        assert_eq!(Value::new(Wide(4)).as_any().downcast_ref::<Wide>(), Some(&Wide(4)));
    }

    #[test]
    fn values_of_up_to_48_bytes_lie_inside() {
        assert!(is_inline::<[u64; 6]>() && is_inline::<(String, String)>() && is_inline::<()>());
        assert!(!is_inline::<[u8; 49]>() && !is_inline::<u128>() && !is_inline::<Wide>());
    }

    #[test]
    fn another_type_leaves_the_value_as_it_is() {
        let value = Value::new(7_u64).take::<i64>().expect_err("it is no `i64`");
        assert_eq!(value.take::<u64>().ok(), Some(7));
    }

    #[test]
    fn a_value_is_dropped_once_wherever_it_goes() {
        fn check<const BYTES: usize>() {
            let (drops, value) = counted::<BYTES>();
            drop(value);
            assert_eq!(drops.load(Ordering::Relaxed), 1, "dropped inside");
            let (drops, value) = counted::<BYTES>();
            let taken = value.take::<Counted<BYTES>>().expect("it is one");
            assert_eq!(drops.load(Ordering::Relaxed), 0, "moved out");
            drop(taken);
            assert_eq!(drops.load(Ordering::Relaxed), 1);
            let (drops, value) = counted::<BYTES>();
            let value = std::thread::spawn(move || value).join().expect("it does not panic");
            drop(value.take::<()>());
            assert_eq!(drops.load(Ordering::Relaxed), 1, "asked for another type");
        }
        check::<8>();
        check::<40>();
        check::<41>();
        check::<4_096>();
    }
}
