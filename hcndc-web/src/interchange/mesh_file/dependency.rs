//! What jobs wait for.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::short::{ShortForm, TextForm, read_either};
use crate::interchange::span::Span;

/// What a job waits for: another job's end.
///
/// Written as a name, or as a map when more is to be said. The name is that of a job of the same flow; where there is
/// none, it is split at its first slash into a flow and a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDependency {
    /// Name of the job.
    pub job: String,
    /// The end it must have come to.
    pub on: DependencyCondition,
    /// The data date that is asked for, counted in days from the run's own: -366 to 366.
    pub offset_days: i32,
    /// How long the job waits when the other one's run is not a part of the same execution; `None` for as long as it
    /// takes.
    pub wait_limit: Option<Span>,
}

/// How the other job must have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DependencyCondition {
    /// It succeeded.
    #[default]
    Success,
    /// It failed.
    Failure,
    /// It ended in either way.
    Done,
}

impl JobDependency {
    /// Name under which readers know the type.
    pub(crate) const NAME: &'static str = "JobDependency";

    /// A dependency on the success of `job`.
    pub fn on_success(job: impl Into<String>) -> Self {
        Self {
            job: job.into(),
            on: DependencyCondition::Success,
            offset_days: 0,
            wait_limit: None,
        }
    }

    /// Whether it asks for the run's own data date. Only such ones can make a cycle.
    pub fn is_of_same_date(&self) -> bool {
        self.offset_days == 0
    }
}

impl Serialize for JobDependency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::on_success(self.job.as_str()) {
            return serializer.serialize_str(&self.job);
        }
        LongDependency {
            job: self.job.clone(),
            on: self.on,
            offset_days: self.offset_days,
            wait_limit: self.wait_limit,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JobDependency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_either(deserializer)
    }
}

/// A dependency as a map.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LongDependency {
    /// Name of the job, as in the short form.
    job: String,
    /// How that job must have ended. Default: `success`.
    #[serde(default, skip_serializing_if = "is_success")]
    on: DependencyCondition,
    /// The data date that is asked for, counted in days from the run's own: -1 is the day before. -366 to 366. Default: 0.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    #[schemars(range(min = -366, max = 366))]
    offset_days: i32,
    /// How long the job waits, from the start of its flow, when the other job's run is not a part of the same execution;
    /// more than zero. Default: as long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait_limit: Option<Span>,
}

fn is_success(on: &DependencyCondition) -> bool {
    *on == DependencyCondition::Success
}

impl TextForm for JobDependency {
    const NAME: &'static str = Self::NAME;
    const EXPECTING: &'static str = "a job's name, or a map with `job` and `on`";

    fn from_text(job: &str) -> Option<Self> {
        Some(Self::on_success(job))
    }
}

impl ShortForm for JobDependency {
    type Long = LongDependency;

    fn from_long(long: LongDependency) -> Option<Self> {
        Some(Self {
            job: long.job,
            on: long.on,
            offset_days: long.offset_days,
            wait_limit: long.wait_limit,
        })
    }
}

impl JsonSchema for JobDependency {
    fn schema_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<LongDependency>();
        json_schema!({
            "description": "What a job waits for: a job's name, or a map when more is to be said than its success. The \
                name is that of a job of the same flow; where there is none, it is split at its first slash into a \
                flow and a job.",
            "anyOf": [{ "type": "string", "minLength": 1 }, long]
        })
    }
}
