//! How runs went over time: a flow's runs one after the other, and counts and durations of what was started in a time.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::ExecutionState,
    port::{Page, PastRun, PastRunQuery, Tally, TallyQuery},
};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, Order, TransactionTrait as _,
    sea_query::{Expr, ExprTrait as _, Query, SelectStatement},
};

use super::{definitions::is_id, pieces::unindexed};
use crate::{
    SqlError,
    entity::{Execution, FlowRun, Reader, Table as _},
    error::Doing as _,
    keyset::{Keyset, id_place, page},
};

pub(super) async fn past_runs(
    db: &DatabaseConnection,
    query: &PastRunQuery,
) -> Result<Page<PastRun>, SqlError> {
    let rows = db.query_all(&select_past_runs(query)?).await;
    let rows = rows.doing("read the runs of a flow")?;
    let runs = rows.iter().map(|row| {
        let others = Reader::new("flow_run", row);
        Ok(PastRun {
            data_date: others.date("data_date")?,
            execution_started_at: others.time("execution_started_at")?,
            row: FlowRun::read(row)?,
        })
    });
    let runs = runs.collect::<Result<Vec<_>, SqlError>>()?;
    Ok(page(runs, &query.page, |run: &PastRun| {
        id_place(run.row.execution.0)
    }))
}

/// A flow has one run in an execution at most, and its runs stand in the order of executions.
fn select_past_runs(query: &PastRunQuery) -> Result<SelectStatement, SqlError> {
    let its =
        Expr::col((Execution::Table, Execution::Id)).equals((FlowRun::Table, FlowRun::ExecutionId));
    let columns = FlowRun::COLUMNS.iter();
    let mut select = Query::select();
    select
        .columns(columns.map(|column| (FlowRun::Table, *column)))
        .column((Execution::Table, Execution::DataDate))
        .expr_as(
            Expr::col((Execution::Table, Execution::StartedAt)),
            "execution_started_at",
        )
        .from(FlowRun::Table)
        .cross_join(Execution::Table)
        .and_where(its)
        .and_where(is_id((FlowRun::Table, FlowRun::FlowId), query.flow.0));
    Keyset::by_id(FlowRun::ExecutionId).restrict(&mut select, &query.page)?;
    Ok(select)
}

pub(super) async fn tally(db: &DatabaseConnection, query: &TallyQuery) -> Result<Tally, SqlError> {
    // Counts and durations of one moment.
    let db = db.begin().await.doing("begin to count executions")?;
    let mut tally = counts(&db, query).await?;
    let succeeded = tally.states.get(&ExecutionState::Succeeded).copied();
    if let Some(count) = succeeded.filter(|count| *count > 0) {
        tally.durations = durations(&db, query, count).await?;
    }
    db.commit().await.doing("end counting executions")?;
    Ok(tally)
}

async fn counts(db: &DatabaseTransaction, query: &TallyQuery) -> Result<Tally, SqlError> {
    let mut tally = Tally {
        states: BTreeMap::new(),
        ..Tally::default()
    };
    let rows = db.query_all(&select_counts(query)).await;
    for row in rows.doing("count executions by state")? {
        let row = Reader::new("execution", &row);
        let state = row.named("state", ExecutionState::from_name)?;
        tally.states.insert(state, row.number("executions")?);
        tally.last_end = tally.last_end.max(row.time_if("last_end")?);
    }
    Ok(tally)
}

async fn durations(
    db: &DatabaseTransaction,
    query: &TallyQuery,
    count: u64,
) -> Result<Vec<Duration>, SqlError> {
    let mut durations = Vec::with_capacity(query.percentiles.len());
    for percentile in &query.percentiles {
        let select = select_duration(query, TallyQuery::rank(*percentile, count));
        let row = db.query_one(&select).await;
        let Some(row) = row.doing("read how long executions took")? else {
            continue;
        };
        // A clock that was set back must not make it negative.
        let micros: i64 = Reader::new("execution", &row).column("took")?;
        durations.push(Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
    }
    Ok(durations)
}

/// What was started in the time; the index `execution_by_started_at` has all that is asked of it.
fn select_of(query: &TallyQuery) -> SelectStatement {
    let started_at = || Expr::col(Execution::StartedAt);
    Query::select()
        .from(Execution::Table)
        .and_where(started_at().gte(query.from.as_micros()))
        .and_where(started_at().lt(query.to.as_micros()))
        .to_owned()
}

fn select_counts(query: &TallyQuery) -> SelectStatement {
    select_of(query)
        .column(Execution::State)
        .expr_as(Expr::col(Execution::Id).count(), "executions")
        .expr_as(Expr::col(Execution::EndedAt).max(), "last_end")
        .group_by_col(Execution::State)
        .to_owned()
}

fn select_duration(query: &TallyQuery, rank: u64) -> SelectStatement {
    let took = || Expr::col(Execution::EndedAt).sub(Expr::col(Execution::StartedAt));
    select_of(query)
        .expr_as(took(), "took")
        .and_where(unindexed("+execution.state").eq(ExecutionState::Succeeded.as_str()))
        .and_where(Expr::col(Execution::EndedAt).is_not_null())
        .order_by_expr(took(), Order::Asc)
        .limit(1)
        .offset(rank)
        .to_owned()
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use hcndc_core::{
        id::FlowId,
        port::{Direction, PageRequest},
        time::Timestamp,
    };
    use sea_orm::{DbBackend, Statement};

    use super::*;
    use crate::SqlStore;

    async fn plan(store: &SqlStore, select: &SelectStatement) -> String {
        let statement = DbBackend::Sqlite.build(select);
        let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        let explain = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let rows = store.reader().query_all_raw(explain).await.expect("a plan");
        let lines = rows.iter().map(|row| row.try_get::<String>("", "detail"));
        let lines: Vec<_> = lines.collect::<Result<_, _>>().expect("lines");
        lines.join("\n")
    }

    #[tokio::test]
    async fn what_was_started_in_a_time_is_counted_off_an_index_alone() {
        let store = SqlStore::connect("sqlite::memory:").await.expect("open");
        let query = TallyQuery {
            from: Timestamp::from_micros(1),
            to: Timestamp::from_micros(2),
            percentiles: vec![50],
        };
        for select in [select_counts(&query), select_duration(&query, 3)] {
            let plan = plan(&store, &select).await;
            let index =
                "USING COVERING INDEX execution_by_started_at (started_at>? AND started_at<?)";
            assert!(plan.contains(index), "{plan}");
        }
    }

    #[tokio::test]
    async fn a_page_of_a_flows_runs_is_read_off_an_index_in_its_order() {
        let store = SqlStore::connect("sqlite::memory:").await.expect("open");
        let query = PastRunQuery {
            flow: FlowId(3),
            page: PageRequest {
                direction: Direction::Descending,
                ..PageRequest::default()
            },
        };
        let plan = plan(&store, &select_past_runs(&query).expect("a query")).await;
        assert!(
            !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }
}
