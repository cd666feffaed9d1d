//! History that is old enough goes, a small batch at a time.
//!
//! ```text
//!   execution ──► pruned_execution ──► its attempts, outputs, job runs, flow runs ──► nothing
//!      one short transaction      any number of them, a batch each
//! ```
//!
//! An execution is gone once its own row is: it cannot be resumed, and is on no page. What belonged to it is found by
//! the list of such executions, also after a crash.
//!
//! Nothing here is under a fence, and nothing has to be: only rows that have ended are touched. The one that could
//! come alive again, an execution that someone resumes, is held by the scheduler that reads it: its row says in which
//! term that was. A commit of that term may still bring it back to life, one of an earlier term never can.

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::{BackfillState, ExecutionState},
    time::Timestamp,
};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbBackend, Order,
    sea_query::{Expr, ExprTrait as _, IntoColumnRef, LockType, Query, SelectStatement},
};

use crate::{
    SqlError, SqlStore,
    dialect::begin_write,
    entity::{
        Action, Alert, Attempt, Audit, Backfill, BackfillDate, Execution, ExecutionEnd, Firing,
        FlowRun, JobOutput, JobRun, Leader, PrunedExecution, ScheduleCursor, Table,
    },
    error::Doing as _,
    retry::Tries,
    upsert::chunks,
};

/// What is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Executions that ended, alerts that were raised, firings that were taken up and backfills that succeeded since
    /// then; `None` for all.
    pub history_since: Option<Timestamp>,
    /// What people did since then; `None` for all. Of an execution that lives all is kept.
    pub audit_since: Option<Timestamp>,
}

/// How many rows of each table went, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// By table; those of which none went are not there.
    pub rows: BTreeMap<&'static str, u64>,
    /// Whether there may be more to do.
    pub more: bool,
}

impl Pruned {
    /// All rows together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.rows.values().sum()
    }

    /// Adds what another batch did; whether there is more is for the other to say.
    pub fn add(&mut self, other: &Self) {
        for (table, rows) in &other.rows {
            *self.rows.entry(table).or_default() += rows;
        }
        self.more = other.more;
    }

    fn note(&mut self, table: &'static str, rows: usize) {
        if rows > 0 {
            *self.rows.entry(table).or_default() += rows as u64;
        }
    }
}

impl SqlStore {
    /// Deletes a batch of what need not be kept: of each kind at most so many rows (at least 1), in a transaction each. On
    /// SQLite commits wait for that long, elsewhere for nothing.
    ///
    /// Kept in any case: what lives, the last firing of each schedule, alerts that somebody has yet to be told of, backfills
    /// that can be restarted, files that came, dates for which flows succeeded, and executions that the scheduler which
    /// leads has read again since it leads.
    ///
    /// # Errors
    /// [`SqlError::Statement`]; what went before it stays gone.
    ///
    /// # Cancel safety
    /// What is dropped half-way is taken up by the next call.
    pub async fn prune(&self, keep: Keep, rows: u32) -> Result<Pruned, SqlError> {
        let mut tries = Tries::default();
        let mut pruned = Pruned::default();
        loop {
            let batch = Batch {
                db: self.pruner(),
                keep,
                limit: usize::try_from(Ord::max(rows, 1)).unwrap_or(usize::MAX),
            };
            let limit = self.patience() * 2;
            let work = batch.run(&mut pruned);
            let done = self.within(limit, "delete old history", work).await;
            if !tries.again(&done).await {
                return done.map(|()| pruned);
            }
        }
    }

    /// How many rows of each table [`prune`](Self::prune) would delete, called until there is no more.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    ///
    /// # Complexity
    /// Looks at each of them.
    pub async fn prunable(&self, keep: Keep) -> Result<Pruned, SqlError> {
        let db = self.reader();
        let mut pruned = Pruned::default();
        if let Some(since) = keep.history_since {
            let fence = fence(db).await?;
            let of_these = |column: Expr| {
                let old = old_executions(since, fence);
                let gone = Query::select()
                    .column(PrunedExecution::ExecutionId)
                    .from(PrunedExecution::Table)
                    .to_owned();
                column.clone().in_subquery(old).or(column.in_subquery(gone))
            };
            let executions = old_executions(since, fence);
            pruned.note("execution", count(db, executions).await?);
            let rows = Query::select()
                .column(FlowRun::Id)
                .from(FlowRun::Table)
                .and_where(of_these(Expr::col(FlowRun::ExecutionId)))
                .to_owned();
            pruned.note("flow_run", count(db, rows).await?);
            let rows = Query::select()
                .column(JobRun::Id)
                .from(JobRun::Table)
                .and_where(of_these(Expr::col(JobRun::ExecutionId)))
                .to_owned();
            pruned.note("job_run", count(db, rows).await?);
            let rows = Query::select()
                .column(Attempt::Id)
                .from(Attempt::Table)
                .and_where(of_these(Expr::col(Attempt::ExecutionId)))
                .to_owned();
            pruned.note("attempt", count(db, rows).await?);
            let rows = Query::select()
                .column(JobOutput::JobRunId)
                .from(JobOutput::Table)
                .and_where(of_these(Expr::col(JobOutput::ExecutionId)))
                .to_owned();
            pruned.note("job_output", count(db, rows).await?);
            pruned.note("firing", count(db, old_firings(since)).await?);
            pruned.note("alert", count(db, old_alerts(since)).await?);
            pruned.note("backfill", count(db, old_backfills(since)).await?);
            let dates = Query::select()
                .column(BackfillDate::BackfillId)
                .from(BackfillDate::Table)
                .and_where(Expr::col(BackfillDate::BackfillId).in_subquery(old_backfills(since)))
                .to_owned();
            pruned.note("backfill_date", count(db, dates).await?);
        }
        if let Some(since) = keep.audit_since {
            pruned.note("action", count(db, old_actions(since)).await?);
            pruned.note("audit", count(db, old_audit(since)).await?);
        }
        pruned.more = pruned.total() > 0;
        Ok(pruned)
    }

    /// The connection that deletes: none that a commit waits for, where there can be two that write.
    fn pruner(&self) -> &DatabaseConnection {
        match self.writer().get_database_backend() {
            DbBackend::MySql => self.reader(),
            // Others wait in our queue, and not in the lock of the file.
            _ => self.writer(),
        }
    }
}

/// A batch of work.
struct Batch<'a> {
    db: &'a DatabaseConnection,
    keep: Keep,
    /// Rows of a transaction at most.
    limit: usize,
}

impl Batch<'_> {
    async fn run(&self, pruned: &mut Pruned) -> Result<(), SqlError> {
        pruned.more = false;
        // What is gone goes first: so there are never more such executions than one batch makes.
        let left = self.remains(pruned).await?;
        if let Some(since) = self.keep.history_since {
            if left {
                self.executions(since, pruned).await?;
            }
            let old = old_firings(since);
            self.rows(old, Firing::Table, Firing::Id, "firing", pruned)
                .await?;
            let old = old_alerts(since);
            self.rows(old, Alert::Table, Alert::Id, "alert", pruned)
                .await?;
            self.backfills(since, pruned).await?;
        }
        if let Some(since) = self.keep.audit_since {
            let old = old_actions(since);
            self.rows(old, Action::Table, Action::Id, "action", pruned)
                .await?;
            let old = old_audit(since);
            self.rows(old, Audit::Table, Audit::Id, "audit", pruned)
                .await?;
        }
        Ok(())
    }

    /// Deletes rows of one table, the oldest first.
    async fn rows<T: Table>(
        &self,
        mut old: SelectStatement,
        table: T,
        id: T,
        name: &'static str,
        pruned: &mut Pruned,
    ) -> Result<(), SqlError> {
        let doing = "delete old history";
        let db = begin_write(self.db).await.doing(doing)?;
        old.limit(self.limit as u64);
        let old = ids(&db, &old).await?;
        delete_in(&db, table, id, &old).await?;
        db.commit().await.doing(doing)?;
        pruned.note(name, old.len());
        pruned.more |= old.len() == self.limit;
        Ok(())
    }

    /// Lets executions go. What belongs to them follows.
    async fn executions(&self, since: Timestamp, pruned: &mut Pruned) -> Result<(), SqlError> {
        let doing = "delete old executions";
        let db = begin_write(self.db).await.doing(doing)?;
        let fence = fence(&db).await?;
        let mut old = old_executions(since, fence);
        old.order_by(Execution::EndedAt, Order::Asc)
            .limit(self.limit as u64)
            // Whoever reads one of them to go on with it waits, and then finds nothing.
            .lock(LockType::Update);
        let old = ids(&db, &old).await?;
        for piece in chunks(&old) {
            let mut list = Query::insert();
            list.into_table(PrunedExecution::Table)
                .columns([PrunedExecution::ExecutionId]);
            for id in piece {
                list.values_panic([Expr::val(*id)]);
            }
            db.execute(&list).await.doing(doing)?;
        }
        delete_in(&db, Execution::Table, Execution::Id, &old).await?;
        let column = ExecutionEnd::ExecutionId;
        delete_in(&db, ExecutionEnd::Table, column, &old).await?;
        db.commit().await.doing(doing)?;
        pruned.note("execution", old.len());
        pruned.more |= !old.is_empty();
        Ok(())
    }

    /// Deletes what belonged to executions that are gone. Whether nothing of them is left.
    async fn remains(&self, pruned: &mut Pruned) -> Result<bool, SqlError> {
        let doing = "delete runs of old executions";
        let db = begin_write(self.db).await.doing(doing)?;
        let mut went = Pruned::default();
        let mut left = self.limit;
        let gone = Query::select()
            .column(PrunedExecution::ExecutionId)
            .from(PrunedExecution::Table)
            .order_by(PrunedExecution::ExecutionId, Order::Asc)
            .limit(self.limit as u64)
            .to_owned();
        let gone = ids(&db, &gone).await?;
        let mut done = Vec::new();
        for &execution in &gone {
            if left == 0 || !remains_of(&db, execution, &mut left, &mut went).await? {
                break;
            }
            done.push(execution);
        }
        let column = PrunedExecution::ExecutionId;
        delete_in(&db, PrunedExecution::Table, column, &done).await?;
        db.commit().await.doing(doing)?;
        pruned.add(&went);
        let all = done.len() == gone.len() && gone.len() < self.limit;
        pruned.more = !all;
        Ok(all)
    }

    /// Deletes backfills that have succeeded; their dates first.
    async fn backfills(&self, since: Timestamp, pruned: &mut Pruned) -> Result<(), SqlError> {
        let doing = "delete old backfills";
        let db = begin_write(self.db).await.doing(doing)?;
        let mut old = old_backfills(since);
        old.limit(1);
        let Some(&backfill) = ids(&db, &old).await?.first() else {
            return Ok(());
        };
        let of_it = Expr::col(BackfillDate::BackfillId).eq(backfill);
        let dates = Query::select()
            .column(BackfillDate::DataDate)
            .from(BackfillDate::Table)
            .and_where(of_it.clone())
            .order_by(BackfillDate::DataDate, Order::Asc)
            .limit(self.limit as u64)
            .to_owned();
        let rows = db.query_all(&dates).await.doing(doing)?;
        let last = rows
            .last()
            .map(|row| row.try_get_by_index::<sea_orm::prelude::Date>(0));
        if let Some(last) = last.transpose().doing(doing)? {
            let dates = Query::delete()
                .from_table(BackfillDate::Table)
                .and_where(of_it)
                .and_where(Expr::col(BackfillDate::DataDate).lte(last))
                .to_owned();
            db.execute(&dates).await.doing(doing)?;
        }
        let whole = rows.len() < self.limit;
        if whole {
            delete_in(&db, Backfill::Table, Backfill::Id, &[backfill]).await?;
        }
        db.commit().await.doing(doing)?;
        pruned.note("backfill_date", rows.len());
        pruned.note("backfill", usize::from(whole));
        pruned.more = true;
        Ok(())
    }
}

/// Deletes runs of an execution that is gone, as many rows as are left of the batch. Whether nothing of it is left. A page
/// needs the flow run of a job run that it shows, so that goes last.
async fn remains_of(
    db: &DatabaseTransaction,
    execution: i64,
    left: &mut usize,
    went: &mut Pruned,
) -> Result<bool, SqlError> {
    loop {
        let runs = some_of(JobRun::Table, JobRun::Id, JobRun::ExecutionId, &[execution]);
        let runs = first(db, runs, *left).await?;
        if runs.is_empty() {
            break;
        }
        let attempts = some_of(Attempt::Table, Attempt::Id, Attempt::JobRunId, &runs);
        let attempts = first(db, attempts, *left).await?;
        delete_in(db, Attempt::Table, Attempt::Id, &attempts).await?;
        went.note("attempt", attempts.len());
        *left -= attempts.len();
        if *left == 0 {
            return Ok(false);
        }
        // Fewer were found than were asked for, so there are no more attempts of these.
        if !outputs_of(db, &runs, left, went).await? {
            return Ok(false);
        }
        let runs = &runs[..runs.len().min(*left)];
        delete_in(db, JobRun::Table, JobRun::Id, runs).await?;
        went.note("job_run", runs.len());
        *left -= runs.len();
        if *left == 0 {
            return Ok(false);
        }
    }
    let runs = some_of(
        FlowRun::Table,
        FlowRun::Id,
        FlowRun::ExecutionId,
        &[execution],
    );
    let runs = first(db, runs, *left).await?;
    delete_in(db, FlowRun::Table, FlowRun::Id, &runs).await?;
    went.note("flow_run", runs.len());
    *left -= runs.len();
    Ok(*left > 0)
}

/// Deletes what these job runs have put out, as many rows as are left of the batch. Whether none are left of it.
async fn outputs_of(
    db: &DatabaseTransaction,
    runs: &[i64],
    left: &mut usize,
    went: &mut Pruned,
) -> Result<bool, SqlError> {
    let doing = "delete old history";
    let mut rows = some_of(
        JobOutput::Table,
        JobOutput::JobRunId,
        JobOutput::JobRunId,
        runs,
    );
    rows.column(JobOutput::Name)
        .order_by(JobOutput::JobRunId, Order::Asc)
        .order_by(JobOutput::Name, Order::Asc)
        .limit(*left as u64);
    let rows = db.query_all(&rows).await.doing(doing)?;
    let keys = rows.iter().map(|row| {
        let run: i64 = row.try_get_by_index(0)?;
        let name: String = row.try_get_by_index(1)?;
        Ok((run, name))
    });
    let keys: Vec<(i64, String)> = keys.collect::<Result<_, sea_orm::DbErr>>().doing(doing)?;
    let Some(&(last, _)) = keys.last() else {
        return Ok(true);
    };
    // Of the last run there may be more rows than are left of the batch; of those before it there are not.
    let whole = keys.iter().map(|(run, _)| *run);
    let whole: BTreeSet<i64> = whole.filter(|run| *run != last).collect();
    let whole: Vec<i64> = whole.into_iter().collect();
    delete_in(db, JobOutput::Table, JobOutput::JobRunId, &whole).await?;
    let its = keys.iter().filter(|(run, _)| *run == last);
    let its = its.map(|(_, name)| name.as_str());
    let statement = Query::delete()
        .from_table(JobOutput::Table)
        .and_where(Expr::col(JobOutput::JobRunId).eq(last))
        .and_where(Expr::col(JobOutput::Name).is_in(its))
        .to_owned();
    db.execute(&statement).await.doing(doing)?;
    went.note("job_output", keys.len());
    *left -= keys.len();
    Ok(*left > 0)
}

fn some_of<T: Table>(table: T, id: T, column: T, of: &[i64]) -> SelectStatement {
    Query::select()
        .column(id)
        .from(table)
        .and_where(Expr::col(column.into_column_ref()).is_in(of.iter().copied()))
        .to_owned()
}

async fn first(
    db: &DatabaseTransaction,
    mut select: SelectStatement,
    limit: usize,
) -> Result<Vec<i64>, SqlError> {
    select.limit(limit as u64);
    ids(db, &select).await
}

/// Executions that ended before, and that nobody may be about to go on with.
fn old_executions(since: Timestamp, fence: i64) -> SelectStatement {
    let ended = ExecutionState::ALL.iter().filter(|it| it.is_ended());
    let loaded_in = Expr::col(Execution::LoadedIn);
    Query::select()
        .column(Execution::Id)
        .from(Execution::Table)
        .and_where(Expr::col(Execution::EndedAt).lt(since.as_micros()))
        .and_where(Expr::col(Execution::State).is_in(ended.map(|it| it.as_str())))
        .and_where(loaded_in.clone().is_null().or(loaded_in.lt(fence)))
        .to_owned()
}

/// Firings that nothing waits for, but for the last of each schedule.
fn old_firings(since: Timestamp) -> SelectStatement {
    let last = Query::select()
        .column(ScheduleCursor::LastFiringId)
        .from(ScheduleCursor::Table)
        .and_where(Expr::col(ScheduleCursor::LastFiringId).is_not_null())
        .to_owned();
    Query::select()
        .column(Firing::Id)
        .from(Firing::Table)
        .and_where(Expr::col(Firing::TakenUpAt).lt(since.as_micros()))
        .and_where(Expr::col(Firing::Open).eq(false))
        .and_where(Expr::col(Firing::Id).not_in_subquery(last))
        .to_owned()
}

/// Alerts that are over, and of which nobody has yet to be told.
fn old_alerts(since: Timestamp) -> SelectStatement {
    Query::select()
        .column(Alert::Id)
        .from(Alert::Table)
        .and_where(Expr::col(Alert::RaisedAt).lt(since.as_micros()))
        .and_where(Expr::col(Alert::Open).eq(false))
        .to_owned()
}

/// Backfills that have succeeded: others can be restarted.
fn old_backfills(since: Timestamp) -> SelectStatement {
    Query::select()
        .column(Backfill::Id)
        .from(Backfill::Table)
        .and_where(Expr::col(Backfill::State).eq(BackfillState::Succeeded.as_str()))
        .and_where(Expr::col(Backfill::EndedAt).lt(since.as_micros()))
        .to_owned()
}

/// What people did to executions that have ended, or are gone.
fn old_actions(since: Timestamp) -> SelectStatement {
    let live = ExecutionState::ALL.iter().filter(|it| !it.is_ended());
    let live = Query::select()
        .column(Execution::Id)
        .from(Execution::Table)
        .and_where(Expr::col(Execution::State).is_in(live.map(|it| it.as_str())))
        .to_owned();
    Query::select()
        .column(Action::Id)
        .from(Action::Table)
        .and_where(Expr::col(Action::DoneAt).lt(since.as_micros()))
        .and_where(Expr::col(Action::ExecutionId).not_in_subquery(live))
        .to_owned()
}

/// Entries of the audit trail.
fn old_audit(since: Timestamp) -> SelectStatement {
    Query::select()
        .column(Audit::Id)
        .from(Audit::Table)
        .and_where(Expr::col(Audit::At).lt(since.as_micros()))
        .to_owned()
}

/// The newest term.
async fn fence(db: &impl sea_orm::ConnectionTrait) -> Result<i64, SqlError> {
    let statement = Query::select()
        .column(Leader::Fence)
        .from(Leader::Table)
        .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
        .to_owned();
    Ok(ids(db, &statement).await?.first().copied().unwrap_or(0))
}

async fn ids(
    db: &impl sea_orm::ConnectionTrait,
    select: &SelectStatement,
) -> Result<Vec<i64>, SqlError> {
    let doing = "look for old history";
    let rows = db.query_all(select).await.doing(doing)?;
    let ids = rows.iter().map(|row| row.try_get_by_index(0));
    ids.collect::<Result<_, _>>().doing(doing)
}

async fn count(db: &DatabaseConnection, of: SelectStatement) -> Result<usize, SqlError> {
    let count = Query::select()
        .expr(Expr::val(1).count())
        .from_subquery(of, "old")
        .to_owned();
    let count = ids(db, &count).await?;
    let count = count.first().copied().unwrap_or(0);
    Ok(usize::try_from(count).unwrap_or(0))
}

async fn delete_in<T: sea_orm::sea_query::IntoIden + Copy>(
    db: &DatabaseTransaction,
    table: T,
    column: T,
    ids: &[i64],
) -> Result<(), SqlError> {
    for piece in chunks(ids) {
        let statement = Query::delete()
            .from_table(table.into_iden())
            .and_where(Expr::col(column.into_iden()).is_in(piece.iter().copied()))
            .to_owned();
        db.execute(&statement).await.doing("delete old history")?;
    }
    Ok(())
}
