//! References in bodies: an id as a number, or a name as a text.

use std::fmt;

use hcndc_core::{
    engine::Engine,
    id::{CalendarId, ExecutorId, FlowId, JobId, PoolId},
    model::{
        CalendarRef, Condition, Dependency, DependencyDraft, ExecutorRef, FlowRef, Job, JobRef,
        PoolRef,
    },
    port::{FlowQuery, History},
};
use serde::{
    Deserialize, Serialize, Serializer,
    de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use utoipa::ToSchema;

use super::{ports::read, problem::Problem, revision::to_span};
use crate::interchange::{JobDependency, OutputJob, REFERENCE, Span};

/// An id, or a name.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[serde(untagged)]
pub(super) enum Reference {
    /// By id.
    Id(u64),
    /// By name.
    Name(String),
}

impl Reference {
    /// What a query says: digits are an id.
    pub(super) fn of(text: String) -> Self {
        text.parse().map_or(Self::Name(text), Self::Id)
    }

    /// The flow that is meant.
    pub(super) fn flow(self) -> FlowRef {
        match self {
            Self::Id(id) => FlowRef::Id(FlowId(id)),
            Self::Name(name) => FlowRef::Name(name),
        }
    }

    /// The executor that is meant.
    pub(super) fn executor(self) -> ExecutorRef {
        match self {
            Self::Id(id) => ExecutorRef::Id(ExecutorId(id)),
            Self::Name(name) => ExecutorRef::Name(name),
        }
    }

    /// The pool that is meant.
    pub(super) fn pool(self) -> PoolRef {
        match self {
            Self::Id(id) => PoolRef::Id(PoolId(id)),
            Self::Name(name) => PoolRef::Name(name),
        }
    }

    /// The calendar that is meant.
    pub(super) fn calendar(self) -> CalendarRef {
        match self {
            Self::Id(id) => CalendarRef::Id(CalendarId(id)),
            Self::Name(name) => CalendarRef::Name(name),
        }
    }

    /// The flow that is meant, if there is one.
    pub(super) fn find_flow(&self, engine: &Engine) -> Option<FlowId> {
        match self {
            Self::Id(id) => engine.flow(FlowId(*id)),
            Self::Name(name) => engine.find_flow(name),
        }
        .map(|flow| flow.id)
    }

    /// The same by what is stored, where no engine is at hand.
    ///
    /// # Errors
    /// As for [`read`].
    pub(super) async fn find_stored_flow(
        &self,
        history: &impl History,
    ) -> Result<Option<FlowId>, Problem> {
        let name = match self {
            Self::Id(id) => {
                let found = read(history.flow(FlowId(*id))).await?;
                return Ok(found.map(|view| view.flow.id));
            }
            Self::Name(name) => name,
        };
        let mut query = FlowQuery {
            text: name.clone(),
            ..FlowQuery::default()
        };
        query.page.limit = 1_000;
        loop {
            let page = read(history.flows(&query)).await?;
            let found = page.items.iter().find(|view| view.flow.name == *name);
            match (found, page.next) {
                (Some(view), _) => return Ok(Some(view.flow.id)),
                (None, Some(next)) => query.page.after = Some(next),
                (None, None) => return Ok(None),
            }
        }
    }

    /// The job that is meant, if there is one: `flow/job`, split where there are both.
    pub(super) fn find_job(&self, engine: &Engine) -> Option<JobId> {
        let name = match self {
            Self::Id(id) => return engine.job(JobId(*id)).map(|job| job.id),
            Self::Name(name) => name,
        };
        let mut slashes = name.match_indices('/').map(|(at, _)| at);
        slashes.find_map(|at| {
            let flow = engine.find_flow(&name[..at])?;
            let job = engine.find_job(flow.id, &name[at + 1..])?;
            Some(job.id)
        })
    }

    /// The job that is meant by a job of a flow: the name of one of its own jobs, else split at the first slash.
    pub(super) fn job(self, own_flow: &str, engine: &Engine) -> JobRef {
        let name = match self {
            Self::Id(id) => return JobRef::Id(JobId(id)),
            Self::Name(name) => name,
        };
        let own = engine
            .find_flow(own_flow)
            .and_then(|flow| engine.find_job(flow.id, &name));
        match name.split_once('/') {
            Some((flow, job)) if own.is_none() => JobRef::Name {
                flow: flow.to_owned(),
                job: job.to_owned(),
            },
            _ => JobRef::Name {
                flow: own_flow.to_owned(),
                job: name,
            },
        }
    }

    /// What a job of a flow calls another one, so that [`job`](Self::job) finds it again.
    pub(super) fn to_job(engine: &Engine, own_flow: FlowId, other: &Job) -> Self {
        if other.flow == own_flow {
            return Self::Name(other.name.clone());
        }
        let named = engine
            .flow(other.flow)
            .map(|flow| format!("{}/{}", flow.name, other.name));
        match named {
            Some(name) if engine.find_job(own_flow, &name).is_none() => Self::Name(name),
            _ => Self::Id(other.id.0),
        }
    }
}

impl From<OutputJob> for Reference {
    fn from(job: OutputJob) -> Self {
        match job {
            OutputJob::Id(id) => Self::Id(id),
            OutputJob::Name(name) => Self::Name(name),
        }
    }
}

impl From<Reference> for OutputJob {
    fn from(job: Reference) -> Self {
        match job {
            Reference::Id(id) => Self::Id(id),
            Reference::Name(name) => Self::Name(name),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => fmt::Display::fmt(id, f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Id(id) => serializer.serialize_u64(*id),
            Self::Name(name) => serializer.serialize_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(REFERENCE, ReferenceVisitor)
    }
}

struct ReferenceVisitor;

impl<'de> Visitor<'de> for ReferenceVisitor {
    type Value = Reference;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id or a name")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Reference, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Reference, E> {
        Ok(Reference::Name(name.to_owned()))
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<Reference, E> {
        Ok(Reference::Id(id))
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<Reference, E> {
        u64::try_from(id)
            .map(Reference::Id)
            .map_err(|_| E::custom("an id is not negative"))
    }
}

/// What a job waits for: another job, by name (`job`, or `flow/job` for another flow's) or by id; as
/// `{"job": …, "on": …, "offset_days": …, "wait_limit": …}` when more is to be said than its success.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[serde(untagged)]
#[schema(as = Dependency)]
pub(super) enum DependencyDto {
    /// For its success, by id.
    Id(u64),
    /// For its success, by name.
    Name(String),
    /// For any end.
    Long(LongDependency),
}

/// A job, and the end that it must come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LongDependency {
    /// The job.
    job: Reference,
    /// The end that it must come to. Default: `success`.
    #[serde(default)]
    on: ConditionDto,
    /// The data date that is asked for, counted in days from the run's own: -366 to 366. Default: 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    offset_days: i32,
    /// How long the job waits, from the start of its flow run, for a run that is not a part of its execution. Default: as
    /// long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "4h")]
    wait_limit: Option<Span>,
}

const fn is_zero(days: &i32) -> bool {
    *days == 0
}

/// The end of a job that another waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Condition)]
pub(super) enum ConditionDto {
    /// It succeeded or was skipped.
    #[default]
    Success,
    /// It failed, or could not run.
    Failure,
    /// It came to any end.
    Done,
}

impl From<Condition> for ConditionDto {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Success => Self::Success,
            Condition::Failure => Self::Failure,
            Condition::Done => Self::Done,
        }
    }
}

impl From<ConditionDto> for Condition {
    fn from(condition: ConditionDto) -> Self {
        match condition {
            ConditionDto::Success => Self::Success,
            ConditionDto::Failure => Self::Failure,
            ConditionDto::Done => Self::Done,
        }
    }
}

impl DependencyDto {
    /// As it is told.
    pub(super) fn of(engine: &Engine, own_flow: FlowId, tie: &Dependency) -> Self {
        let job = engine.job(tie.job).map_or(Reference::Id(tie.job.0), |job| {
            Reference::to_job(engine, own_flow, job)
        });
        Self::on(job, tie)
    }

    /// As it is meant for ever, whatever the job is called.
    pub(super) fn by_id(tie: &Dependency) -> Self {
        Self::on(Reference::Id(tie.job.0), tie)
    }

    fn on(job: Reference, tie: &Dependency) -> Self {
        let short = Dependency::new(tie.job, Condition::Success) == *tie;
        match job {
            Reference::Id(id) if short => Self::Id(id),
            Reference::Name(name) if short => Self::Name(name),
            job => Self::Long(LongDependency {
                job,
                on: tie.condition.into(),
                offset_days: tie.offset_days,
                wait_limit: tie.wait_limit.map(to_span),
            }),
        }
    }

    /// As the engine takes it.
    pub(super) fn draft(self, own_flow: &str, engine: &Engine) -> DependencyDraft {
        let short =
            |job: Reference| DependencyDraft::new(job.job(own_flow, engine), Condition::Success);
        match self {
            Self::Id(id) => short(Reference::Id(id)),
            Self::Name(name) => short(Reference::Name(name)),
            Self::Long(long) => DependencyDraft {
                condition: long.on.into(),
                offset_days: long.offset_days,
                wait_limit: long.wait_limit.map(Span::duration),
                ..short(long.job)
            },
        }
    }
}

impl Serialize for DependencyDto {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Id(id) => serializer.serialize_u64(*id),
            Self::Name(name) => serializer.serialize_str(name),
            Self::Long(long) => long.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for DependencyDto {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(JobDependency::NAME, DependencyVisitor)
    }
}

struct DependencyVisitor;

impl<'de> Visitor<'de> for DependencyVisitor {
    type Value = DependencyDto;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a job's name or id, or a map with `job` and `on`")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<DependencyDto, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<DependencyDto, E> {
        Ok(DependencyDto::Name(name.to_owned()))
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<DependencyDto, E> {
        Ok(DependencyDto::Id(id))
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<DependencyDto, E> {
        u64::try_from(id)
            .map(DependencyDto::Id)
            .map_err(|_| E::custom("an id is not negative"))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<DependencyDto, A::Error> {
        LongDependency::deserialize(MapAccessDeserializer::new(entries)).map(DependencyDto::Long)
    }
}
