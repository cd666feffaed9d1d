//! `pruned_execution`.

use sea_orm::DeriveIden;

/// Columns of `pruned_execution`: executions that are no more, while some of their runs are still there.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum PrunedExecution {
    Table,
    ExecutionId,
}
