//! All kinds of definitions, and dependencies on jobs of other data dates.

use sea_orm::{
    ConnectionTrait as _, DeriveIden, DeriveMigrationName,
    sea_query::{Expr, Index, Query, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Indexes, Make, flag, id, name, number, number_or_null, word};
use crate::{
    dialect::byte_collation,
    entity::{
        AlertChannel, AlertRule, Calendar, DataSource, FileEvent, FileServer, JobDependency, Pool,
        Schedule, SharedParam,
    },
};

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
        make.dated_dependencies().await?;
        make.schedules().await?;
        make.calendars().await?;
        make.pools().await?;
        make.shared_params().await?;
        make.data_sources().await?;
        make.file_servers().await?;
        make.file_events().await?;
        make.alert_channels().await?;
        make.alert_rules().await
    }
}

/// `job_dependency` while it is made anew.
#[derive(Clone, Copy, DeriveIden)]
enum DatedJobDependency {
    Table,
}

impl Make<'_, '_> {
    /// A job may depend on several dates of one other, so the offset is a part of the key. SQLite changes no key of a table
    /// that there is: the table is made anew.
    async fn dated_dependencies(&self) -> Result<(), DbErr> {
        const TABLE: &str = "job_dependency";
        let there = self.manager.has_table(TABLE).await?;
        if !there || !self.manager.has_column(TABLE, "offset_days").await? {
            let table = Table::create()
                .table(DatedJobDependency::Table)
                .col(number(JobDependency::JobId))
                .col(number(JobDependency::DependsOnId))
                .col(number(JobDependency::OffsetDays))
                .col(word(JobDependency::Condition))
                .col(number_or_null(JobDependency::WaitLimitMicros))
                .primary_key(
                    Index::create()
                        .col(JobDependency::JobId)
                        .col(JobDependency::DependsOnId)
                        .col(JobDependency::OffsetDays),
                )
                .to_owned();
            self.table::<JobDependency>(table, &[]).await?;
            if there {
                self.copy_dependencies().await?;
                let old = Table::drop().table(JobDependency::Table).to_owned();
                self.manager.drop_table(old).await?;
            }
            let rename = Table::rename()
                .table(DatedJobDependency::Table, JobDependency::Table)
                .to_owned();
            self.manager.rename_table(rename).await?;
        }
        let index = "job_dependency_by_depends_on";
        if self.manager.has_index(TABLE, index).await? {
            return Ok(());
        }
        let index = Index::create()
            .name(index)
            .table(JobDependency::Table)
            .col(JobDependency::DependsOnId)
            .col(JobDependency::JobId)
            .to_owned();
        self.manager.create_index(index).await
    }

    async fn copy_dependencies(&self) -> Result<(), DbErr> {
        // What an earlier try had copied when it was cut off.
        let leftovers = Query::delete()
            .from_table(DatedJobDependency::Table)
            .to_owned();
        self.manager.execute(leftovers).await?;
        let old = Query::select()
            .column(JobDependency::JobId)
            .column(JobDependency::DependsOnId)
            .expr(Expr::val(0))
            .column(JobDependency::Condition)
            .from(JobDependency::Table)
            .to_owned();
        let mut copy = Query::insert();
        copy.into_table(DatedJobDependency::Table).columns([
            JobDependency::JobId,
            JobDependency::DependsOnId,
            JobDependency::OffsetDays,
            JobDependency::Condition,
        ]);
        copy.select_from(old)
            .map_err(|error| DbErr::Custom(error.to_string()))?;
        self.manager.execute(copy.to_owned()).await
    }

    async fn schedules(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Schedule::Table)
            .col(id(Schedule::Id))
            .col(number(Schedule::Version))
            .col(name(Schedule::Name))
            .col(self.text(Schedule::Directory))
            .col(number(Schedule::UpdatedAt))
            .col(self.text(Schedule::Search))
            .col(number(Schedule::FlowId))
            .col(word(Schedule::TriggerKind))
            .col(flag(Schedule::Paused))
            .col(number_or_null(Schedule::CalendarId))
            .col(self.text(Schedule::Definition))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("schedule_by_name", &[Schedule::Name, Schedule::Id]),
            (
                "schedule_by_updated_at",
                &[Schedule::UpdatedAt, Schedule::Id],
            ),
            ("schedule_by_flow", &[Schedule::FlowId, Schedule::Id]),
            (
                "schedule_by_calendar",
                &[Schedule::CalendarId, Schedule::Id],
            ),
        ];
        self.table(table, indexes).await
    }

    async fn calendars(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Calendar::Table)
            .col(id(Calendar::Id))
            .col(number(Calendar::Version))
            .col(name(Calendar::Name))
            .col(self.text(Calendar::Directory))
            .col(number(Calendar::UpdatedAt))
            .col(self.text(Calendar::Search))
            .col(self.text(Calendar::Definition))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("calendar_by_name", &[Calendar::Name, Calendar::Id]),
            (
                "calendar_by_updated_at",
                &[Calendar::UpdatedAt, Calendar::Id],
            ),
        ];
        self.table(table, indexes).await
    }

    async fn pools(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Pool::Table)
            .col(id(Pool::Id))
            .col(number(Pool::Version))
            .col(name(Pool::Name))
            .col(self.text(Pool::Directory))
            .col(number(Pool::UpdatedAt))
            .col(self.text(Pool::Search))
            .col(number(Pool::Slots))
            .col(self.text(Pool::Definition))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("pool_by_name", &[Pool::Name, Pool::Id]),
            ("pool_by_updated_at", &[Pool::UpdatedAt, Pool::Id]),
        ];
        self.table(table, indexes).await
    }

    async fn shared_params(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(SharedParam::Table)
            .col(id(SharedParam::Id))
            .col(number(SharedParam::Version))
            .col(name(SharedParam::Name))
            .col(self.text(SharedParam::Directory))
            .col(number(SharedParam::UpdatedAt))
            .col(self.text(SharedParam::Search))
            .col(word(SharedParam::Kind))
            .col(number_or_null(SharedParam::DataSourceId))
            .col(self.text(SharedParam::Definition))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            (
                "shared_param_by_name",
                &[SharedParam::Name, SharedParam::Id],
            ),
            (
                "shared_param_by_updated_at",
                &[SharedParam::UpdatedAt, SharedParam::Id],
            ),
            (
                "shared_param_by_data_source",
                &[SharedParam::DataSourceId, SharedParam::Id],
            ),
        ];
        self.table(table, indexes).await
    }

    async fn data_sources(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(DataSource::Table)
            .col(id(DataSource::Id))
            .col(number(DataSource::Version))
            .col(name(DataSource::Name))
            .col(self.text(DataSource::Directory))
            .col(number(DataSource::UpdatedAt))
            .col(self.text(DataSource::Search))
            .col(word(DataSource::Kind))
            .col(self.text(DataSource::Definition))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("data_source_by_name", &[DataSource::Name, DataSource::Id]),
            (
                "data_source_by_updated_at",
                &[DataSource::UpdatedAt, DataSource::Id],
            ),
        ];
        self.table(table, indexes).await
    }

    async fn file_servers(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(FileServer::Table)
            .col(id(FileServer::Id))
            .col(number(FileServer::Version))
            .col(name(FileServer::Name))
            .col(self.text(FileServer::Directory))
            .col(number(FileServer::UpdatedAt))
            .col(self.text(FileServer::Search))
            .col(word(FileServer::Kind))
            .col(self.text(FileServer::Definition))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("file_server_by_name", &[FileServer::Name, FileServer::Id]),
            (
                "file_server_by_updated_at",
                &[FileServer::UpdatedAt, FileServer::Id],
            ),
        ];
        self.table(table, indexes).await
    }

    async fn file_events(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(FileEvent::Table)
            .col(id(FileEvent::Id))
            .col(number(FileEvent::Version))
            .col(name(FileEvent::Name))
            .col(self.text(FileEvent::Directory))
            .col(number(FileEvent::UpdatedAt))
            .col(self.text(FileEvent::Search))
            .col(flag(FileEvent::Enabled))
            .col(number(FileEvent::ServerId))
            .col(self.text(FileEvent::Definition))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("file_event_by_name", &[FileEvent::Name, FileEvent::Id]),
            (
                "file_event_by_updated_at",
                &[FileEvent::UpdatedAt, FileEvent::Id],
            ),
            (
                "file_event_by_server",
                &[FileEvent::ServerId, FileEvent::Id],
            ),
        ];
        self.table(table, indexes).await
    }

    async fn alert_channels(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(AlertChannel::Table)
            .col(id(AlertChannel::Id))
            .col(number(AlertChannel::Version))
            .col(name(AlertChannel::Name))
            .col(self.text(AlertChannel::Directory))
            .col(number(AlertChannel::UpdatedAt))
            .col(self.text(AlertChannel::Search))
            .col(flag(AlertChannel::Enabled))
            .col(word(AlertChannel::Kind))
            .col(self.text(AlertChannel::Definition))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            (
                "alert_channel_by_name",
                &[AlertChannel::Name, AlertChannel::Id],
            ),
            (
                "alert_channel_by_updated_at",
                &[AlertChannel::UpdatedAt, AlertChannel::Id],
            ),
        ];
        self.table(table, indexes).await
    }

    async fn alert_rules(&self) -> Result<(), DbErr> {
        let table = Table::create()
            .table(AlertRule::Table)
            .col(id(AlertRule::Id))
            .col(number(AlertRule::Version))
            .col(name(AlertRule::Name))
            .col(self.text(AlertRule::Directory))
            .col(number(AlertRule::UpdatedAt))
            .col(self.text(AlertRule::Search))
            .col(flag(AlertRule::Enabled))
            .col(flag(AlertRule::IsDefault))
            .col(self.text(AlertRule::Definition))
            .to_owned();
        let indexes: Indexes<'_, _> = &[
            ("alert_rule_by_name", &[AlertRule::Name, AlertRule::Id]),
            (
                "alert_rule_by_updated_at",
                &[AlertRule::UpdatedAt, AlertRule::Id],
            ),
        ];
        self.table(table, indexes).await
    }
}
