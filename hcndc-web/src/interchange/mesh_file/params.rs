//! Params of jobs: texts of their own, params that jobs share, and what other jobs put out.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::interchange::de::REFERENCE;
use crate::interchange::text_map::{TextMap, WRITTEN};

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
    /// What another job puts out.
    Output(MeshOutput),
}

/// A value that another job puts out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshOutput {
    /// Which job.
    pub job: OutputJob,
    /// The value's name there; `None` for that of the param.
    pub name: Option<String>,
    /// What holds if there is no such value; `None` if the run then fails.
    pub default: Option<String>,
}

/// The job that puts out a value, as a dependency names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputJob {
    /// By name: of a job of the same flow, or `flow/job`.
    Name(String),
    /// By id; in a file, where there are none, a name of digits.
    Id(u64),
}

impl OutputJob {
    /// The name that it is in a file.
    pub fn to_name(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Id(id) => id.to_string(),
        }
    }
}

impl Serialize for OutputJob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => serializer.serialize_str(name),
            Self::Id(id) => serializer.serialize_u64(*id),
        }
    }
}

impl<'de> Deserialize<'de> for OutputJob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(REFERENCE, JobVisitor)
    }
}

struct JobVisitor;

impl<'de> Visitor<'de> for JobVisitor {
    type Value = OutputJob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a job's name or id")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<OutputJob, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<OutputJob, E> {
        Ok(OutputJob::Name(name.to_owned()))
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<OutputJob, E> {
        Ok(OutputJob::Id(id))
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<OutputJob, E> {
        u64::try_from(id)
            .map(OutputJob::Id)
            .map_err(|_| E::custom("an id is not negative"))
    }
}

/// A text, as it is written.
struct Written(String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_newtype_struct(WRITTEN, ValueVisitor)? {
            MeshParamValue::Text(text) => Ok(Self(text)),
            MeshParamValue::Shared | MeshParamValue::Output(_) => {
                Err(D::Error::custom("expected a text, number or boolean"))
            }
        }
    }
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
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedForm {
    /// Always true: the value is that of the shared param of this name.
    shared: bool,
}

/// How a value that another job puts out is written.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutputForm {
    /// The job that puts it out, named as in `depends_on`. The job that takes it must depend on that one for the same data
    /// date, directly or through others.
    #[schemars(with = "String")]
    output: OutputJob,
    /// The value's name there. Default: that of the param.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"))]
    name: Option<String>,
    /// What holds if that job did not run in the execution, or put out no such value. Default: none; the run fails then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Scalar>")]
    default: Option<String>,
}

/// A text; numbers and booleans are taken as they are written.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
#[expect(dead_code, reason = "it only describes")]
enum Scalar {
    Text(String),
    Number(f64),
    Flag(bool),
}

/// Either of both, as readers see it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnyForm {
    #[serde(default)]
    shared: Option<bool>,
    #[serde(default)]
    output: Option<OutputJob>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    default: Option<Written>,
}

impl AnyForm {
    fn value<E: Error>(self) -> Result<MeshParamValue, E> {
        match self {
            Self {
                shared: Some(true),
                output: None,
                name: None,
                default: None,
            } => Ok(MeshParamValue::Shared),
            Self {
                shared: None,
                output: Some(job),
                name,
                default,
            } => Ok(MeshParamValue::Output(MeshOutput {
                job,
                name,
                default: default.map(|Written(text)| text),
            })),
            Self {
                shared: Some(false),
                ..
            } => Err(E::custom("`shared` can only be true")),
            _ => Err(E::custom(
                "expected `{shared: true}`, or `output` with a job and, if need be, `name` and `default`",
            )),
        }
    }
}

impl Serialize for MeshParamValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Shared => SharedForm { shared: true }.serialize(serializer),
            Self::Output(MeshOutput { job, name, default }) => OutputForm {
                output: job.clone(),
                name: name.clone(),
                default: default.clone(),
            }
            .serialize(serializer),
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
        f.write_str("a text, number or boolean, `{shared: true}`, or `{output: JOB}`")
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
        AnyForm::deserialize(MapAccessDeserializer::new(entries))?.value()
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
        let output = generator.subschema_for::<OutputForm>();
        json_schema!({
            "type": "object",
            "additionalProperties": {
                "anyOf": [{ "type": ["string", "number", "boolean"] }, shared, output]
            }
        })
    }
}
