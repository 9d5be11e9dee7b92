//! A `Deserializer` around another, which refuses what the inner one would read wrongly without an error.
//!
//! - Integers of 128 bits go through [`WideVisitor`]; all other scalars are read as what they are in the input, so
//!   that serde names the value that does not fit.
//! - A sequence or a map that the type did not read to its end is refused.
//! - A variant is a string or a map of one entry, and nothing else.
//! - Options and newtypes take no bytes, so that a type that nests them in itself could recurse without end: the
//!   number between two containers is limited.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::wide::WideVisitor;

/// Options and newtypes that may lie directly in each other.
const HOPS_MAX: usize = 128;

/// The deserializer that a user's type sees.
pub(super) struct Guard<D> {
    inner: D,
    /// Options and newtypes since the last container.
    hops: usize,
}

impl<D> Guard<D> {
    /// Guards `inner`, at the root or in a container.
    pub(super) const fn new(inner: D) -> Self {
        Self { inner, hops: 0 }
    }

    const fn seen<V>(&self, visitor: V) -> Seen<V> {
        Seen { visitor, hops: self.hops }
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guard<D> {
    type Error = D::Error;

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.seen(visitor);
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_i128(self.inner.deserialize_any(WideVisitor::new())?)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_u128(self.inner.deserialize_any(WideVisitor::new())?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.seen(visitor);
        self.inner.deserialize_option(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.seen(visitor);
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.seen(visitor);
        self.inner.deserialize_seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.seen(visitor);
        self.inner.deserialize_tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.seen(visitor);
        self.inner.deserialize_tuple_struct(name, len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.seen(visitor);
        self.inner.deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(EnumVisitor(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit
        unit_struct map identifier ignored_any
    }
}

/// The visitor that the inner deserializer sees.
struct Seen<V> {
    visitor: V,
    hops: usize,
}

impl<V> Seen<V> {
    fn hop<'de, D: Deserializer<'de>>(&self, inner: D) -> Result<Guard<D>, D::Error> {
        if self.hops == HOPS_MAX {
            return Err(D::Error::custom("options and newtypes nest without end"));
        }
        Ok(Guard { inner, hops: self.hops + 1 })
    }
}

macro_rules! forward_visits {
    ($($method:ident: $scalar:ty,)*) => {
        $(
            fn $method<E: Error>(self, value: $scalar) -> Result<V::Value, E> {
                self.visitor.$method(value)
            }
        )*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Seen<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(formatter)
    }

    forward_visits! {
        visit_bool: bool,
        visit_i8: i8,
        visit_i16: i16,
        visit_i32: i32,
        visit_i64: i64,
        visit_u8: u8,
        visit_u16: u16,
        visit_u32: u32,
        visit_u64: u64,
        visit_f32: f32,
        visit_f64: f64,
        visit_str: &str,
        visit_borrowed_str: &'de str,
        visit_bytes: &[u8],
        visit_borrowed_bytes: &'de [u8],
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let content = self.hop(inner)?;
        self.visitor.visit_some(content)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let content = self.hop(inner)?;
        self.visitor.visit_newtype_struct(content)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<V::Value, A::Error> {
        let value = self.visitor.visit_seq(Access(&mut seq))?;
        match seq.next_element::<IgnoredAny>()? {
            None => Ok(value),
            Some(_) => Err(A::Error::custom("more elements than the type takes")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let value = self.visitor.visit_map(Access(&mut map))?;
        ended(map).map(|()| value)
    }
}

/// Reads a variant: a string, or a map of the variant's name to its content.
struct EnumVisitor<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for EnumVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(formatter)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<V::Value, E> {
        self.0.visit_enum(name.into_deserializer())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let entry = MapAccessDeserializer::new(Access(&mut map));
        let value = self.0.visit_enum(entry)?;
        ended(map).map(|()| value)
    }
}

fn ended<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    match map.next_key::<IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(A::Error::custom("more entries than the type takes")),
    }
}

/// Guards every value that comes out of a container.
struct Access<A>(A);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Access<A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.0.next_element_seed(Seed(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Access<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(Seed(seed))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.0.next_value_seed(Seed(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

struct Seed<T>(T);

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Seed<T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        self.0.deserialize(Guard::new(deserializer))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::{Expected, IgnoredAny};

    use super::*;

    #[test]
    fn what_is_expected_is_what_the_type_expects() {
        let seen: &dyn Expected = &Seen { visitor: IgnoredAny, hops: 0 };
        assert_eq!(seen.to_string(), (&IgnoredAny as &dyn Expected).to_string());
        assert_eq!(seen.to_string(), "anything at all");
    }
}
