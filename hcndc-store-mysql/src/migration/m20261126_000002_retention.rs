//! What retention needs: which executions are on their way out, which must stay for now, and indexes by age; and indexes for
//! lists of what is rare.

use sea_orm::{ConnectionTrait as _, DeriveMigrationName, sea_query::Table};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager, async_trait};

use super::make::{Make, id, number_or_null};
use crate::{
    dialect::byte_collation,
    entity::{Action, Alert, Execution, Firing, PrunedExecution},
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
        let loaded_in = number_or_null(Execution::LoadedIn);
        make.column("execution", "loaded_in", Execution::Table, loaded_in)
            .await?;
        let table = Table::create()
            .table(PrunedExecution::Table)
            .col(id(PrunedExecution::ExecutionId))
            .to_owned();
        make.table::<PrunedExecution>(table, &[]).await?;

        let by = "execution_by_ended_at";
        make.index("execution", by, Execution::Table, Execution::EndedAt)
            .await?;
        let by = "action_by_done_at";
        make.index("action", by, Action::Table, Action::DoneAt)
            .await?;
        let by = "firing_by_taken_up_at";
        make.index("firing", by, Firing::Table, Firing::TakenUpAt)
            .await?;
        let by = "alert_by_raised_at";
        make.index("alert", by, Alert::Table, Alert::RaisedAt)
            .await?;

        let by = "firing_by_outcome";
        make.index("firing", by, Firing::Table, Firing::Outcome)
            .await?;
        let by = "alert_by_closed_at";
        make.index("alert", by, Alert::Table, Alert::ClosedAt).await
    }
}
