//! Params of jobs: texts of their own, and params that jobs share.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::interchange::text_map::TextMap;

/// Params of a job under unique names, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MeshParams(Vec<(String, MeshParamValue)>);

/// The value of a job's param.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeshParamValue {
    /// A text. Numbers and booleans are taken as they are written.
    Text(String),
    /// That of the shared param of this name.
    Shared,
}

impl MeshParams {
    /// The pairs in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &MeshParamValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<TextMap> for MeshParams {
    fn from(texts: TextMap) -> Self {
        let pairs = texts.iter();
        let text = |text: &str| MeshParamValue::Text(text.to_owned());
        Self(
            pairs
                .map(|(name, value)| (name.to_owned(), text(value)))
                .collect(),
        )
    }
}

/// Of several pairs with one name the last value counts, at the place of the first.
impl FromIterator<(String, MeshParamValue)> for MeshParams {
    fn from_iter<T: IntoIterator<Item = (String, MeshParamValue)>>(pairs: T) -> Self {
        let mut params: Vec<(String, MeshParamValue)> = Vec::new();
        for (name, value) in pairs {
            match params.iter_mut().find(|(other, _)| *other == name) {
                Some((_, old)) => *old = value,
                None => params.push((name, value)),
            }
        }
        Self(params)
    }
}

/// How a shared param is written.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedForm {
    /// Always true: the value is that of the shared param of this name.
    shared: bool,
}

impl Serialize for MeshParamValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Shared => SharedForm { shared: true }.serialize(serializer),
        }
    }
}

impl Serialize for MeshParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl MeshParamValue {
    /// Name under which readers know the type: a scalar as it is written, or a map.
    pub(crate) const NAME: &'static str = "ParamValue";
}

impl<'de> Deserialize<'de> for MeshParamValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::NAME, ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = MeshParamValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, number or boolean, or `{shared: true}`")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<MeshParamValue, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<MeshParamValue, E> {
        Ok(MeshParamValue::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<MeshParamValue, E> {
        Ok(MeshParamValue::Text(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<MeshParamValue, E> {
        Ok(MeshParamValue::Text(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<MeshParamValue, E> {
        Ok(MeshParamValue::Text(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<MeshParamValue, E> {
        Ok(MeshParamValue::Text(value.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<MeshParamValue, A::Error> {
        let SharedForm { shared } = SharedForm::deserialize(MapAccessDeserializer::new(entries))?;
        if shared {
            Ok(MeshParamValue::Shared)
        } else {
            Err(A::Error::custom("`shared` can only be true"))
        }
    }
}

impl<'de> Deserialize<'de> for MeshParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor)
    }
}

struct MapVisitor;

impl<'de> Visitor<'de> for MapVisitor {
    type Value = MeshParams;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of params")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<MeshParams, A::Error> {
        let mut params: Vec<(String, MeshParamValue)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some((name, value)) = entries.next_entry::<String, MeshParamValue>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format_args!("`{name}` stands twice")));
            }
            params.push((name, value));
        }
        Ok(MeshParams(params))
    }
}

impl JsonSchema for MeshParams {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MeshParams".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let shared = generator.subschema_for::<SharedForm>();
        json_schema!({
            "type": "object",
            "additionalProperties": {
                "anyOf": [{ "type": ["string", "number", "boolean"] }, shared]
            }
        })
    }
}
