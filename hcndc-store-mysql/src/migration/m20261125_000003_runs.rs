//! What runs know of runs in other executions, and what is kept of those that have ended.

use sea_orm::{
    ConnectionTrait as _, DeriveMigrationName,
    sea_query::{ColumnDef, Expr, ExprTrait as _, Index, Query, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Make, flag, number, number_or_null, word};
use crate::{
    dialect::byte_collation,
    entity::{Flow, FlowDateRange, FlowRun, JobOutcomes, JobRun},
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
        make.columns_of_runs().await?;
        make.past().await
    }
}

impl Make<'_, '_> {
    async fn columns_of_runs(&self) -> Result<(), DbErr> {
        let joined_to = number_or_null(FlowRun::JoinedTo);
        let restarts = number(FlowRun::Restarts).default(0).to_owned();
        let restart_at = number_or_null(FlowRun::RestartAt);
        let timed_out = flag(FlowRun::TimedOut).default(false).to_owned();
        for (name, column) in [
            ("joined_to", joined_to),
            ("restarts", restarts),
            ("restart_at", restart_at),
            ("timed_out", timed_out),
        ] {
            self.column("flow_run", name, FlowRun::Table, column)
                .await?;
        }
        let met_outside = number(JobRun::MetOutside).default(0).to_owned();
        self.column("job_run", "met_outside", JobRun::Table, met_outside)
            .await
    }

    async fn past(&self) -> Result<(), DbErr> {
        let day = |column: FlowDateRange| ColumnDef::new(column).date().not_null().to_owned();
        let table = Table::create()
            .table(FlowDateRange::Table)
            .col(number(FlowDateRange::FlowId))
            .col(day(FlowDateRange::FromDate))
            .col(day(FlowDateRange::ToDate))
            .primary_key(
                Index::create()
                    .col(FlowDateRange::FlowId)
                    .col(FlowDateRange::FromDate),
            )
            .to_owned();
        self.table::<FlowDateRange>(table, &[]).await?;
        let table = Table::create()
            .table(JobOutcomes::Table)
            .col(number(JobOutcomes::JobId))
            .col(
                ColumnDef::new(JobOutcomes::DataDate)
                    .date()
                    .not_null()
                    .to_owned(),
            )
            .col(word(JobOutcomes::State))
            .primary_key(
                Index::create()
                    .col(JobOutcomes::JobId)
                    .col(JobOutcomes::DataDate),
            )
            .to_owned();
        self.table::<JobOutcomes>(table, &[]).await?;
        self.known_dates().await
    }

    /// Until now only the last date of each flow was kept.
    async fn known_dates(&self) -> Result<(), DbErr> {
        let leftovers = Query::delete().from_table(FlowDateRange::Table).to_owned();
        self.manager.execute(leftovers).await?;
        let known = Query::select()
            .column(Flow::Id)
            .column(Flow::DataDate)
            .column(Flow::DataDate)
            .from(Flow::Table)
            .and_where(Expr::col(Flow::DataDate).is_not_null())
            .to_owned();
        let mut copy = Query::insert();
        copy.into_table(FlowDateRange::Table).columns([
            FlowDateRange::FlowId,
            FlowDateRange::FromDate,
            FlowDateRange::ToDate,
        ]);
        copy.select_from(known)
            .map_err(|error| DbErr::Custom(error.to_string()))?;
        self.manager.execute(copy.to_owned()).await
    }
}
