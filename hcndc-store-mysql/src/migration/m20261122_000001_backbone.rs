//! The first tables: definitions, executions, and who leads.
//!
//! There are no foreign keys and no unique names. One engine writes, and it has checked both; keys would make each commit
//! look every reference up again, dictate the order of tables, and keep two flows from changing names in one commit.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName,
    sea_query::{ColumnDef, Index, OnConflict, Query, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Indexes, Make, flag, id, name, number, number_or_null, word};
use crate::{
    dialect::{byte_collation, long_text_column},
    entity::{
        Attempt, Execution, Executor, Flow, FlowParent, FlowRun, FlowVersion, Job, JobDependency,
        JobRun, JobVersion, Leader,
    },
};

/// All tables of this step, to recognize those of others.
pub(super) const TABLES: &[&str] = &[
    "leader",
    "flow",
    "flow_parent",
    "flow_version",
    "job",
    "job_dependency",
    "job_version",
    "executor",
    "execution",
    "flow_run",
    "job_run",
    "attempt",
];

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait has one lifetime fewer when it is written out"
)]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let make = Make {
            manager,
            backend: db.get_database_backend(),
            collation: byte_collation(db).await?,
        };
        make.leader().await?;
        make.flows().await?;
        make.jobs().await?;
        make.executors().await?;
        make.executions().await?;
        make.runs().await?;
        make.attempts().await
    }
}

impl Make<'_, '_> {
    async fn leader(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Leader::Table)
            .col(id(Leader::Id))
            .col(name(Leader::Realm))
            .col(number(Leader::Fence))
            .col(long_text_column(self.backend, Leader::Holder))
            .col(number_or_null(Leader::ExpiresAt))
            .col(number(Leader::NextId))
            .to_owned();
        self.table::<Leader>(table, &[]).await?;
        let realm = uuid::Uuid::new_v4().to_string();
        let row = Query::insert()
            .into_table(Leader::Table)
            .columns([Leader::Id, Leader::Realm, Leader::Fence, Leader::NextId])
            .values_panic([Leader::ROW.into(), realm.into(), 0.into(), 0.into()])
            .on_conflict(
                OnConflict::column(Leader::Id)
                    .update_column(Leader::Id)
                    .to_owned(),
            )
            .to_owned();
        self.manager.execute(row).await
    }

    async fn flows(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Flow::Table)
            .col(id(Flow::Id))
            .col(number(Flow::Version))
            .col(name(Flow::Name))
            .col(self.text(Flow::Directory))
            .col(flag(Flow::Enabled))
            .col(number(Flow::UpdatedAt))
            .col(self.text(Flow::Search))
            .col(ColumnDef::new(Flow::DataDate).date())
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("flow_by_name", &[Flow::Name, Flow::Id]),
            ("flow_by_updated_at", &[Flow::UpdatedAt, Flow::Id]),
        ];
        self.table(table, indexes).await?;

        let table = Table::create()
            .table(FlowParent::Table)
            .col(number(FlowParent::FlowId))
            .col(number(FlowParent::ParentId))
            .primary_key(
                Index::create()
                    .col(FlowParent::FlowId)
                    .col(FlowParent::ParentId),
            )
            .to_owned();
        let indexes: Indexes<'_, _> = &[(
            "flow_parent_by_parent",
            &[FlowParent::ParentId, FlowParent::FlowId],
        )];
        self.table(table, indexes).await?;

        let table = Table::create()
            .table(FlowVersion::Table)
            .col(number(FlowVersion::FlowId))
            .col(number(FlowVersion::Version))
            .col(name(FlowVersion::Name))
            .col(self.text(FlowVersion::Definition))
            .primary_key(
                Index::create()
                    .col(FlowVersion::FlowId)
                    .col(FlowVersion::Version),
            )
            .to_owned();
        self.table::<FlowVersion>(table, &[]).await
    }

    async fn jobs(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Job::Table)
            .col(id(Job::Id))
            .col(number(Job::FlowId))
            .col(number(Job::Version))
            .col(name(Job::Name))
            .col(flag(Job::Enabled))
            .col(number(Job::UpdatedAt))
            .col(self.text(Job::Search))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("job_by_flow", &[Job::FlowId, Job::Id]),
            ("job_by_name", &[Job::Name, Job::Id]),
            ("job_by_updated_at", &[Job::UpdatedAt, Job::Id]),
        ];
        self.table(table, indexes).await?;

        let table = Table::create()
            .table(JobDependency::Table)
            .col(number(JobDependency::JobId))
            .col(number(JobDependency::DependsOnId))
            .col(word(JobDependency::Condition))
            .primary_key(
                Index::create()
                    .col(JobDependency::JobId)
                    .col(JobDependency::DependsOnId),
            )
            .to_owned();
        let indexes: Indexes<'_, _> = &[(
            "job_dependency_by_depends_on",
            &[JobDependency::DependsOnId, JobDependency::JobId],
        )];
        self.table(table, indexes).await?;

        let table = Table::create()
            .table(JobVersion::Table)
            .col(number(JobVersion::JobId))
            .col(number(JobVersion::Version))
            .col(name(JobVersion::Name))
            .col(self.text(JobVersion::Definition))
            .primary_key(
                Index::create()
                    .col(JobVersion::JobId)
                    .col(JobVersion::Version),
            )
            .to_owned();
        self.table::<JobVersion>(table, &[]).await
    }

    async fn executors(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Executor::Table)
            .col(id(Executor::Id))
            .col(number(Executor::Version))
            .col(name(Executor::Name))
            .col(flag(Executor::Enabled))
            .col(number(Executor::UpdatedAt))
            .col(self.text(Executor::Search))
            .col(self.text(Executor::Definition))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("executor_by_name", &[Executor::Name, Executor::Id]),
            (
                "executor_by_updated_at",
                &[Executor::UpdatedAt, Executor::Id],
            ),
        ];
        self.table(table, indexes).await
    }

    async fn executions(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Execution::Table)
            .col(id(Execution::Id))
            .col(word(Execution::State))
            .col(word(Execution::TriggerKind))
            .col(ColumnDef::new(Execution::DataDate).date().not_null())
            .col(self.text(Execution::Params))
            .col(self.text(Execution::StartedBy))
            .col(number(Execution::StartedAt))
            .col(number_or_null(Execution::EndedAt))
            .col(long_text_column(self.backend, Execution::StoppedBy))
            .col(long_text_column(self.backend, Execution::ResumedBy))
            .col(number(Execution::Resumes))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("execution_by_state", &[Execution::State, Execution::Id]),
            (
                "execution_by_data_date",
                &[Execution::DataDate, Execution::Id],
            ),
        ];
        self.table(table, indexes).await
    }

    async fn runs(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(FlowRun::Table)
            .col(id(FlowRun::Id))
            .col(number(FlowRun::ExecutionId))
            .col(number(FlowRun::FlowId))
            .col(number(FlowRun::FlowVersion))
            .col(word(FlowRun::State))
            .col(number_or_null(FlowRun::StartedAt))
            .col(number_or_null(FlowRun::EndedAt))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            (
                "flow_run_by_execution",
                &[FlowRun::ExecutionId, FlowRun::Id],
            ),
            ("flow_run_by_flow", &[FlowRun::FlowId, FlowRun::ExecutionId]),
        ];
        self.table(table, indexes).await?;

        let table = Table::create()
            .table(JobRun::Table)
            .col(id(JobRun::Id))
            .col(number(JobRun::ExecutionId))
            .col(number(JobRun::FlowRunId))
            .col(number(JobRun::JobId))
            .col(number(JobRun::JobVersion))
            .col(word(JobRun::State))
            .col(number(JobRun::Attempt))
            .col(number(JobRun::AttemptsBefore))
            .col(number_or_null(JobRun::QueuedAt))
            .col(number_or_null(JobRun::StartedAt))
            .col(number_or_null(JobRun::EndedAt))
            .col(ColumnDef::new(JobRun::ExitCode).integer())
            .col(number_or_null(JobRun::RetryAt))
            .to_owned();
        // Every move of a job run costs a change in each index that has the state. So it stands in two: one that counts
        // by execution and by flow run, and one that finds what runs now.
        let indexes: Indexes<'_, _> = &[
            ("job_run_by_execution", &[JobRun::ExecutionId, JobRun::Id]),
            ("job_run_by_flow_run", &[JobRun::FlowRunId, JobRun::Id]),
            ("job_run_by_job", &[JobRun::JobId, JobRun::Id]),
            (
                "job_run_counts",
                &[JobRun::ExecutionId, JobRun::FlowRunId, JobRun::State],
            ),
            ("job_run_by_state", &[JobRun::State, JobRun::Id]),
        ];
        self.table(table, indexes).await
    }

    async fn attempts(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Attempt::Table)
            .col(id(Attempt::Id))
            .col(number(Attempt::ExecutionId))
            .col(number(Attempt::JobRunId))
            .col(number(Attempt::Number))
            .col(number(Attempt::ExecutorId))
            .col(number(Attempt::Slots))
            .col(word(Attempt::State))
            .col(flag(Attempt::KillAsked))
            .col(number(Attempt::DispatchedAt))
            .col(number_or_null(Attempt::StartedAt))
            .col(number_or_null(Attempt::EndedAt))
            .col(number_or_null(Attempt::Pid))
            .col(ColumnDef::new(Attempt::ExitCode).integer())
            .col(ColumnDef::new(Attempt::Signal).integer())
            .col(self.text(Attempt::Message))
            .col(number(Attempt::PeakMemoryBytes))
            .col(number(Attempt::CpuTimeMicros))
            .col(number(Attempt::LogBytes))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("attempt_by_job_run", &[Attempt::JobRunId, Attempt::Number]),
            ("attempt_by_state", &[Attempt::State, Attempt::ExecutionId]),
        ];
        self.table(table, indexes).await
    }
}
