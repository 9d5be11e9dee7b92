//! Values on their way: moved where the two sides name the same type, converted through MessagePack where not.

use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, CONVERSION_BYTES_MAX, DecodeError, EncodeError};

use crate::value::Value;

use super::signature::type_names;

/// The type of a value that one side has, and how to encode such a value.
#[derive(Clone, Copy)]
pub(crate) struct Given(&'static Gives);

struct Gives {
    id: fn() -> TypeId,
    name: fn() -> &'static str,
    encode: fn(&dyn Any) -> Result<Vec<u8>, EncodeError>,
}

/// Has the facts of a type in one place for as long as the program runs.
struct Of<T>(PhantomData<T>);

impl<T: Serialize + 'static> Of<T> {
    const GIVES: Gives =
        Gives { id: TypeId::of::<T>, name: std::any::type_name::<T>, encode: encode_any::<T> };
}

impl Given {
    pub(crate) fn of<T: Serialize + 'static>() -> Self {
        Self(&Of::<T>::GIVES)
    }

    pub(crate) fn id(self) -> TypeId {
        (self.0.id)()
    }

    pub(crate) fn name(self) -> &'static str {
        (self.0.name)()
    }

    /// Encodes a value of this type; it has at most [`CONVERSION_BYTES_MAX`] bytes.
    pub(crate) fn encode(self, value: &dyn Any) -> Result<Vec<u8>, EncodeError> {
        (self.0.encode)(value)
    }
}

fn encode_any<T: Serialize + 'static>(value: &dyn Any) -> Result<Vec<u8>, EncodeError> {
    let value = value.downcast_ref::<T>().expect("the value was given together with its type");
    codec::encode(value, CONVERSION_BYTES_MAX)
}

/// The type of a value that one side wants, and how to decode such a value.
#[derive(Clone, Copy)]
pub(crate) struct Wanted(&'static Wants);

struct Wants {
    id: fn() -> TypeId,
    name: fn() -> &'static str,
    decode: fn(&[u8]) -> Result<Value, DecodeError>,
}

impl<T: DeserializeOwned + Send + 'static> Of<T> {
    const WANTS: Wants =
        Wants { id: TypeId::of::<T>, name: std::any::type_name::<T>, decode: decode_any::<T> };
}

impl Wanted {
    pub(crate) fn of<T: DeserializeOwned + Send + 'static>() -> Self {
        Self(&Of::<T>::WANTS)
    }

    pub(crate) fn id(self) -> TypeId {
        (self.0.id)()
    }

    pub(crate) fn name(self) -> &'static str {
        (self.0.name)()
    }

    /// Decodes what `found` names the type of.
    pub(crate) fn decode(self, bytes: &[u8], found: &'static str) -> Result<Value, Misfit> {
        (self.0.decode)(bytes)
            .map_err(|error| Misfit::new(self.name(), found, error.path().to_owned(), error.reason()))
    }

    /// Takes `value`, of the type `given`, as it is where the types are the same, else converted.
    pub(crate) fn convert(self, value: Value, given: Given) -> Result<Value, Misfit> {
        if given.id() == self.id() {
            return Ok(value);
        }
        self.convert_from(value.as_any(), given)
    }

    /// Converts `value`, of the type `given`, which stays as it is.
    pub(crate) fn convert_from(self, value: &dyn Any, given: Given) -> Result<Value, Misfit> {
        let bytes = given.encode(value).map_err(|error| {
            Misfit::new(self.name(), given.name(), error.path().to_owned(), error.reason())
        })?;
        self.decode(&bytes, given.name())
    }
}

fn decode_any<T: DeserializeOwned + Send + 'static>(bytes: &[u8]) -> Result<Value, DecodeError> {
    codec::decode::<T>(bytes).map(Value::new)
}

/// Takes back the value that [`Given`] or [`Wanted`] of the same type stood for.
pub(crate) fn unbox<T: 'static>(value: Value) -> T {
    value.take().expect("the value was moved or converted to this very type")
}

/// Why a value of one type does not fit another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misfit {
    /// The type that was to be filled.
    pub expected: String,
    /// The type of the value that was there.
    pub found: String,
    /// Where in the value it did not fit, such as `list[0].name`; empty for the value as a whole.
    pub path: String,
    /// What was wrong there, such as "missing field `name`".
    pub reason: String,
}

impl Misfit {
    pub(crate) fn new(expected: &'static str, found: &'static str, path: String, reason: String) -> Self {
        let (expected, found) = type_names(expected, found);
        Self { expected, found, path, reason }
    }

    /// Of types that another language or another build has named.
    pub(crate) fn foreign(expected: &str, found: &str, path: String, reason: String) -> Self {
        Self { expected: expected.to_owned(), found: found.to_owned(), path, reason }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` does not fit `{}`", self.found, self.expected)?;
        if !self.path.is_empty() {
            write!(f, " at `{}`", self.path)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for Misfit {}

/// The arguments of a call on their way to the function.
#[doc(hidden)]
pub struct Carried(pub(crate) Cargo);

/// What a call's arguments are carried as.
pub(crate) enum Cargo {
    /// The caller's own value, to be moved.
    Owned(Value, Given),
    /// An encoding of a value that the caller kept, with the name of its type.
    Encoded(Result<Vec<u8>, EncodeError>, &'static str),
}

impl Cargo {
    /// The caller's own value, if it was moved.
    pub(crate) fn into_original(self) -> Option<Value> {
        match self {
            Self::Owned(value, _) => Some(value),
            Self::Encoded(..) => None,
        }
    }
}

/// What can be the arguments of a call: any `T: Serialize + Send + 'static`, which is moved, or [`Ref`] of a value
/// that is only borrowed, which is encoded at once.
///
/// No arguments are `()`, one is the value itself, several are a tuple.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the arguments of a call",
    label = "not `Serialize + Send + 'static`",
    note = "the arguments travel as one value: `()` for none, the value itself for one, a tuple for several",
    note = "to pass something borrowed, wrap it: `Ref(&value)`"
)]
pub trait Argument {
    #[doc(hidden)]
    fn carry(self) -> Carried;
}

impl<T: Serialize + Send + 'static> Argument for T {
    fn carry(self) -> Carried {
        Carried(Cargo::Owned(Value::new(self), Given::of::<T>()))
    }
}

/// Arguments that the caller only borrows: they are encoded before the call is accepted and decoded as the
/// function's own type, both on the caller's thread.
///
/// # Examples
///
/// ```
/// use wpc::{Ref, Wpc};
/// let wpc = Wpc::builder().build()?;
/// wpc.define_function("length", |text: String| text.len())?;
/// wpc.start_workers(1)?;
/// let text = String::from("borrowed");
/// let length: usize = wpc.call("length", Ref(text.as_str()))?;
/// assert_eq!(length, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ref<'a, T: ?Sized>(pub &'a T);

impl<T: Serialize + ?Sized> Argument for Ref<'_, T> {
    fn carry(self) -> Carried {
        let bytes = codec::encode(self.0, CONVERSION_BYTES_MAX);
        Carried(Cargo::Encoded(bytes, std::any::type_name::<T>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_type_is_moved_not_encoded() {
        let value = vec![1_u8, 2, 3];
        let place = value.as_ptr();
        let moved = Wanted::of::<Vec<u8>>().convert(Value::new(value), Given::of::<Vec<u8>>());
        let moved = unbox::<Vec<u8>>(moved.expect("the same type"));
        assert_eq!(moved.as_ptr(), place);
    }

    #[test]
    fn another_type_is_converted_or_refused_with_both_names() {
        let converted =
            Wanted::of::<(u64, String)>().convert(Value::new((7_i32, "x")), Given::of::<(i32, &str)>());
        assert_eq!(unbox::<(u64, String)>(converted.expect("it fits")), (7, "x".to_owned()));
        let refused =
            Wanted::of::<u64>().convert(Value::new(-1_i32), Given::of::<i32>()).expect_err("negative");
        assert_eq!((refused.expected.as_str(), refused.found.as_str()), ("u64", "i32"));
        assert!(refused.to_string().starts_with("`i32` does not fit `u64`: "), "{refused}");
    }
}
