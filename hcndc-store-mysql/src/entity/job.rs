//! `job`, `job_dependency`, `job_version`: current jobs, the ties among them, and all versions there ever were.

use hcndc_core::{
    id::JobId,
    model::{self, Condition, Dependency},
};
use sea_orm::{
    DeriveIden, Value,
    sea_query::{Expr, ExprTrait as _, Query, SelectStatement},
};

use super::{Table, duration_if, id_if, json, number, search, time};
use crate::SqlError;

/// Columns of `job`: current jobs, as far as lists filter and sort by them.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Job {
    Table,
    Id,
    FlowId,
    Version,
    Name,
    Enabled,
    UpdatedAt,
    Search,
    /// What it does.
    Kind,
    /// For statements.
    DataSourceId,
}

impl Table for Job {
    type Row<'a> = &'a model::Job;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::FlowId,
        Self::Version,
        Self::Name,
        Self::Enabled,
        Self::UpdatedAt,
        Self::Search,
        Self::Kind,
        Self::DataSourceId,
    ];

    fn values(job: &model::Job) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("job", job.id.0)?.into(),
            number("flow", job.flow.0)?.into(),
            i64::from(job.revision.version).into(),
            job.name.as_str().into(),
            job.enabled.into(),
            time(job.revision.updated_at),
            search(&job.name, &job.description),
            job.kind.as_str().into(),
            id_if("data source", job.kind.data_source().map(|it| it.0))?,
        ])
    }
}

impl Job {
    /// Current jobs: id and definition.
    pub(crate) fn select_current() -> SelectStatement {
        let version = JobVersion::Table;
        let same_id = Expr::col((version, JobVersion::JobId)).equals((Self::Table, Self::Id));
        let same_version =
            Expr::col((version, JobVersion::Version)).equals((Self::Table, Self::Version));
        Query::select()
            .column((Self::Table, Self::Id))
            .column((version, JobVersion::Definition))
            .from(Self::Table)
            .inner_join(version, same_id.and(same_version))
            .to_owned()
    }
}

/// Columns of `job_dependency`, for whoever looks at the mesh with SQL.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum JobDependency {
    Table,
    JobId,
    /// The job waited for.
    DependsOnId,
    /// The data date that is asked for, from the run's own.
    OffsetDays,
    /// The end that it must come to.
    Condition,
    /// How long the run waits for a job that is not a part of its execution.
    WaitLimitMicros,
}

impl Table for JobDependency {
    type Row<'a> = (JobId, Dependency);

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::JobId, Self::DependsOnId, Self::OffsetDays];
    const COLUMNS: &'static [Self] = &[
        Self::JobId,
        Self::DependsOnId,
        Self::OffsetDays,
        Self::Condition,
        Self::WaitLimitMicros,
    ];

    fn values((job, dependency): (JobId, Dependency)) -> Result<Vec<Value>, SqlError> {
        let condition = match dependency.condition {
            Condition::Success => "success",
            Condition::Failure => "failure",
            Condition::Done => "done",
        };
        Ok(vec![
            number("job", job.0)?.into(),
            number("job", dependency.job.0)?.into(),
            i64::from(dependency.offset_days).into(),
            condition.into(),
            duration_if(dependency.wait_limit),
        ])
    }
}

/// Columns of `job_version`: every version, for runs that are pinned to it.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum JobVersion {
    Table,
    JobId,
    Version,
    /// Beside the definition, so that lists of runs need not parse it.
    Name,
    /// The whole job as JSON; not queried.
    Definition,
}

impl Table for JobVersion {
    type Row<'a> = &'a model::Job;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::JobId, Self::Version];
    const COLUMNS: &'static [Self] = &[Self::JobId, Self::Version, Self::Name, Self::Definition];

    fn values(job: &model::Job) -> Result<Vec<Value>, SqlError> {
        Ok(vec![
            number("job", job.id.0)?.into(),
            i64::from(job.revision.version).into(),
            job.name.as_str().into(),
            json("a job", job)?,
        ])
    }
}
