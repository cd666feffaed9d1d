//! Values that are written as a text, and values that are written as a text or as a map.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize as _, DeserializeOwned, Deserializer, Error, MapAccess, Visitor};

/// What is written as a text of a form of its own.
pub(crate) trait TextForm: Sized {
    /// Name under which readers know the type.
    const NAME: &'static str;
    /// What a reader expects, as a noun.
    const EXPECTING: &'static str;

    /// The value of a text, if it has the form.
    fn from_text(text: &str) -> Option<Self>;
}

/// What has a long form, a map, beside its text.
pub(crate) trait ShortForm: TextForm {
    /// The map.
    type Long: DeserializeOwned;

    /// The value of a map, unless its fields do not go together.
    fn from_long(long: Self::Long) -> Option<Self>;
}

/// Reads a [`TextForm`].
pub(super) fn read_text<'de, T: TextForm, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_newtype_struct(T::NAME, Text(PhantomData))
}

/// Reads a [`ShortForm`].
pub(super) fn read_either<'de, T: ShortForm, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_newtype_struct(T::NAME, Either(PhantomData))
}

struct Text<T>(PhantomData<T>);

impl<'de, T: TextForm> Visitor<'de> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTING)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::custom(format_args!("expected {}", T::EXPECTING)))
    }
}

struct Either<T>(PhantomData<T>);

impl<'de, T: ShortForm> Visitor<'de> for Either<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTING)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::custom(format_args!("expected {}", T::EXPECTING)))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        let long = T::Long::deserialize(MapAccessDeserializer::new(entries))?;
        T::from_long(long)
            .ok_or_else(|| A::Error::custom(format_args!("expected {}", T::EXPECTING)))
    }
}
