//! All kinds of definitions, and dependencies on jobs of other data dates.

use sea_orm::{
    ConnectionTrait as _, DeriveIden, DeriveMigrationName,
    sea_query::{Expr, Index, Query, Table},
};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Make, number, number_or_null, word};
use crate::{dialect::byte_collation, entity::JobDependency};

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
        make.dated_dependencies().await
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
}
