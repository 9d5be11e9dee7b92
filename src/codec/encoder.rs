//! A `Serializer` around another, which checks a value while it is written.
//!
//! Every value inside another is wrapped again, so that a check holds at any depth and a failure has its path. What it
//! refuses is in [`Cause`]; it counts bytes itself, because a map of unknown length (`flatten`) is held by the inner
//! serializer until its end and reaches no writer before.

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::place::{Cause, KeyText, Leg, Place, Step};
use super::size;
use super::wide::Wide;

/// A value and its place, to be given to the inner serializer.
pub(super) struct Nested<'a, T: ?Sized> {
    /// The user's value.
    pub(super) value: &'a T,
    /// Where it lies.
    pub(super) place: Place<'a>,
}

impl<T: Serialize + ?Sized> Serialize for Nested<'_, T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        let place = self.place;
        self.value.serialize(Guard { inner, place }).map_err(|error| place.pass(error))
    }
}

/// The serializer that a user's type sees.
struct Guard<'a, S> {
    inner: S,
    place: Place<'a>,
}

impl<'a, S: Serializer> Guard<'a, S> {
    /// Checks the header of a container, and opens it with `open`.
    fn open<C>(
        self,
        announced: Option<usize>,
        open: impl FnOnce(S) -> Result<C, S::Error>,
    ) -> Result<Compound<'a, C>, S::Error> {
        let place = self.place.inside(1)?;
        // The header of an unknown length is counted at the end.
        place.spend(announced.map_or(0, size::container))?;
        Ok(Compound { inner: open(self.inner)?, place, variant: None, announced, written: 0 })
    }

    /// Checks the map of one entry that a variant with content is, and opens the content with `open`.
    fn open_variant<C>(
        self,
        variant: &'static str,
        announced: usize,
        open: impl FnOnce(S) -> Result<C, S::Error>,
    ) -> Result<Compound<'a, C>, S::Error> {
        let place = self.place.inside(1)?;
        place.spend(size::container(1) + size::string(variant.len()))?;
        let guard = Guard { place, ..self };
        Ok(Compound { variant: Some(variant), ..guard.open(Some(announced), open)? })
    }

    fn wide(self, value: &Wide) -> Result<S::Ok, S::Error> {
        self.place.spend(value.bytes())?;
        value.serialize(self.inner)
    }
}

macro_rules! scalars {
    ($($method:ident: $scalar:ty, |$value:pat_param| $bytes:expr;)*) => {
        $(
            fn $method(self, value: $scalar) -> Result<S::Ok, S::Error> {
                let $value = value;
                self.place.spend($bytes)?;
                self.inner.$method(value)
            }
        )*
    };
}

impl<'a, S: Serializer> Serializer for Guard<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Compound<'a, S::SerializeSeq>;
    type SerializeTuple = Compound<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Compound<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Compound<'a, S::SerializeTupleVariant>;
    type SerializeMap = Compound<'a, S::SerializeMap>;
    type SerializeStruct = Compound<'a, S::SerializeStruct>;
    type SerializeStructVariant = Compound<'a, S::SerializeStructVariant>;

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    scalars! {
        serialize_bool: bool, |_| size::UNIT;
        serialize_i8: i8, |value| size::signed(value.into());
        serialize_i16: i16, |value| size::signed(value.into());
        serialize_i32: i32, |value| size::signed(value.into());
        serialize_i64: i64, |value| size::signed(value);
        serialize_u8: u8, |value| size::unsigned(value.into());
        serialize_u16: u16, |value| size::unsigned(value.into());
        serialize_u32: u32, |value| size::unsigned(value.into());
        serialize_u64: u64, |value| size::unsigned(value);
        serialize_f32: f32, |_| size::F32;
        serialize_f64: f64, |_| size::F64;
        serialize_char: char, |value| size::string(value.len_utf8());
        serialize_str: &str, |value| size::string(value.len());
        serialize_bytes: &[u8], |value| size::binary(value.len());
    }

    fn serialize_i128(self, value: i128) -> Result<S::Ok, S::Error> {
        self.wide(&value.into())
    }

    fn serialize_u128(self, value: u128) -> Result<S::Ok, S::Error> {
        self.wide(&value.into())
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.place.spend_nil()?;
        self.inner.serialize_unit()
    }

    /// As nil and not, as rmp-serde does, as an empty array, which an `untagged` enum would not read or take for a list.
    fn serialize_unit_struct(self, _name: &'static str) -> Result<S::Ok, S::Error> {
        self.serialize_unit()
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.place.spend_nil()?;
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let place = self.place.in_option();
        self.inner.serialize_some(&Nested { value, place })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let place = self.place;
        self.inner.serialize_newtype_struct(name, &Nested { value, place })
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.place.spend(size::string(variant.len()))?;
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let place = self.place.inside(1)?;
        place.spend(size::container(1) + size::string(variant.len()))?;
        let step = Step { parent: place.step(), leg: Leg::Name(variant) };
        let place = place.at(&step);
        self.inner.serialize_newtype_variant(name, index, variant, &Nested { value, place })
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.open(len, |inner| inner.serialize_seq(len))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.open(Some(len), |inner| inner.serialize_tuple(len))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.open(Some(len), |inner| inner.serialize_tuple_struct(name, len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.open_variant(variant, len, |inner| inner.serialize_tuple_variant(name, index, variant, len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.open(len, |inner| inner.serialize_map(len))
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        self.open(Some(len), |inner| inner.serialize_struct(name, len))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.open_variant(variant, len, |inner| inner.serialize_struct_variant(name, index, variant, len))
    }
}

/// An array or a map that is being written.
struct Compound<'a, C> {
    inner: C,
    /// Inside the container.
    place: Place<'a>,
    /// The variant that the container is the content of.
    variant: Option<&'static str>,
    announced: Option<usize>,
    /// Elements or entries so far.
    written: usize,
}

impl<C> Compound<'_, C> {
    /// Gives `write` the value with its place.
    fn nest<T: ?Sized, R>(
        &mut self,
        leg: Leg<'_>,
        value: &T,
        write: impl FnOnce(&mut C, &Nested<'_, T>) -> R,
    ) -> R {
        let variant = self.variant.map(|name| Step { parent: self.place.step(), leg: Leg::Name(name) });
        let step = Step { parent: variant.as_ref().or(self.place.step()), leg };
        let place = self.place.at(&step);
        write(&mut self.inner, &Nested { value, place })
    }

    fn element<T: ?Sized, R>(&mut self, value: &T, write: impl FnOnce(&mut C, &Nested<'_, T>) -> R) -> R {
        let index = self.written;
        self.written += 1;
        self.nest(Leg::Index(index), value, write)
    }

    fn field<T: ?Sized, E: Error>(
        &mut self,
        name: &'static str,
        value: &T,
        write: impl FnOnce(&mut C, &Nested<'_, T>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.written += 1;
        self.place.spend(size::string(name.len()))?;
        self.nest(Leg::Name(name), value, write)
    }

    /// Checks the number of elements: a wrong one would make the decoder read what follows as something else.
    fn close<E: Error>(self) -> Result<C, E> {
        match self.announced {
            None => self.place.spend(size::container(self.written))?,
            Some(announced) if announced == self.written => {}
            Some(announced) => {
                return Err(self.place.refuse(Cause::Miscounted { announced, written: self.written }));
            }
        }
        Ok(self.inner)
    }
}

macro_rules! array_compounds {
    ($($compound:ident: $method:ident,)*) => {
        $(
            impl<C: $compound> $compound for Compound<'_, C> {
                type Ok = C::Ok;
                type Error = C::Error;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                    self.element(value, |inner, nested| inner.$method(nested))
                }

                fn end(self) -> Result<C::Ok, C::Error> {
                    self.close::<C::Error>()?.end()
                }
            }
        )*
    };
}

array_compounds! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

macro_rules! struct_compounds {
    ($($compound:ident,)*) => {
        $(
            impl<C: $compound> $compound for Compound<'_, C> {
                type Ok = C::Ok;
                type Error = C::Error;

                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    name: &'static str,
                    value: &T,
                ) -> Result<(), C::Error> {
                    self.field(name, value, |inner, nested| inner.serialize_field(name, nested))
                }

                fn end(self) -> Result<C::Ok, C::Error> {
                    self.close::<C::Error>()?.end()
                }
            }
        )*
    };
}

struct_compounds! {
    SerializeStruct,
    SerializeStructVariant,
}

impl<C: SerializeMap> SerializeMap for Compound<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<K: Serialize + ?Sized>(&mut self, key: &K) -> Result<(), C::Error> {
        self.written += 1;
        self.nest(Leg::Name("?"), key, |inner, key| inner.serialize_key(key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.nest(Leg::Name("?"), value, |inner, value| inner.serialize_value(value))
    }

    fn serialize_entry<K: Serialize + ?Sized, T: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &T,
    ) -> Result<(), C::Error> {
        self.serialize_key(key)?;
        self.nest(Leg::Key(&KeyText(key)), value, |inner, value| inner.serialize_value(value))
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.close::<C::Error>()?.end()
    }
}
