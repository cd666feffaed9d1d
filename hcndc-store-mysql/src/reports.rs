//! What reporters read, and their marks. None of it is under a fence: whoever comes too late with a mark moves it nowhere.

use async_trait::async_trait;
use hcndc_core::{
    id::{ExecutionId, JobRunId},
    port::{ExecutionEnd, Reports, RunStory},
};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, Order,
    sea_query::{Expr, ExprTrait as _, OnConflict, Query, SelectStatement},
};

use crate::{
    SqlError, SqlStore,
    entity::{self, Leader, Reader, ReportMark, Table as _, number},
    error::Doing as _,
    history::run_stories,
    retry::Tries,
};

/// Positions are numbers of commits: none is beyond this.
fn place(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn select_ends(which: Expr) -> SelectStatement {
    let columns = entity::ExecutionEnd::COLUMNS.iter().copied();
    Query::select()
        .columns(columns)
        .from(entity::ExecutionEnd::Table)
        .and_where(which)
        .to_owned()
}

async fn read_ends(
    db: &DatabaseConnection,
    select: &SelectStatement,
) -> Result<Vec<ExecutionEnd>, SqlError> {
    let rows = db
        .query_all(select)
        .await
        .doing("read ends of executions")?;
    rows.iter().map(entity::ExecutionEnd::read).collect()
}

/// A page of ends, and the rest of those at its last position.
async fn ends(
    db: &DatabaseConnection,
    after: u64,
    limit: u32,
) -> Result<Vec<ExecutionEnd>, SqlError> {
    use entity::ExecutionEnd as End;
    let limit = u64::from(Ord::max(limit, 1));
    let select = select_ends(Expr::col(End::Position).gt(place(after)))
        .order_by(End::Position, Order::Asc)
        .order_by(End::ExecutionId, Order::Asc)
        .limit(limit)
        .to_owned();
    let mut ends = read_ends(db, &select).await?;
    let Some(last) = ends.last().filter(|_| ends.len() as u64 == limit) else {
        return Ok(ends);
    };
    let at_last = Expr::col(End::Position).eq(place(last.position));
    let beyond = Expr::col(End::ExecutionId).gt(number("execution", last.execution.0)?);
    let select = select_ends(at_last.and(beyond))
        .order_by(End::ExecutionId, Order::Asc)
        .to_owned();
    ends.extend(read_ends(db, &select).await?);
    Ok(ends)
}

impl SqlStore {
    async fn put_mark_once(&self, name: &str, position: u64) -> Result<(), SqlError> {
        let doing = "store a mark";
        let forward = Query::update()
            .table(ReportMark::Table)
            .value(ReportMark::Position, place(position))
            .and_where(Expr::col(ReportMark::Name).eq(name))
            .and_where(Expr::col(ReportMark::Position).lt(place(position)))
            .to_owned();
        let moved = self.signs().execute(&forward).await.doing(doing)?;
        if moved.rows_affected() > 0 {
            return Ok(());
        }
        // It is as far already, or not there yet.
        let kept = OnConflict::column(ReportMark::Name)
            .update_column(ReportMark::Name)
            .to_owned();
        let insert = Query::insert()
            .into_table(ReportMark::Table)
            .columns([ReportMark::Name, ReportMark::Position])
            .values_panic([Expr::val(name), Expr::val(place(position))])
            .on_conflict(kept)
            .to_owned();
        self.signs().execute(&insert).await.doing(doing).map(drop)
    }
}

#[async_trait]
impl Reports for SqlStore {
    type Error = SqlError;

    async fn ends(&self, after: u64, limit: u32) -> Result<Vec<ExecutionEnd>, SqlError> {
        let db = self.reader().clone();
        let read = async move { ends(&db, after, limit).await };
        self.read("read ends of executions", read).await
    }

    async fn ends_of(&self, execution: ExecutionId) -> Result<Vec<ExecutionEnd>, SqlError> {
        use entity::ExecutionEnd as End;
        let db = self.reader().clone();
        let read = async move {
            let of_it = Expr::col(End::ExecutionId).eq(number("execution", execution.0)?);
            let select = select_ends(of_it)
                .order_by(End::Resumes, Order::Asc)
                .to_owned();
            read_ends(&db, &select).await
        };
        self.read("read ends of an execution", read).await
    }

    async fn last_position(&self) -> Result<u64, SqlError> {
        let (db, doing) = (self.reader().clone(), "read the number of commits");
        let read = async move {
            let select = Query::select()
                .column(Leader::Commits)
                .from(Leader::Table)
                .and_where(Expr::col(Leader::Id).eq(Leader::ROW))
                .to_owned();
            let row = db.query_one(&select).await.doing(doing)?;
            row.map_or(Ok(0), |row| Reader::new("leader", &row).number("commits"))
        };
        self.read(doing, read).await
    }

    async fn run_stories(
        &self,
        execution: ExecutionId,
        after: Option<JobRunId>,
        limit: u32,
    ) -> Result<Vec<RunStory>, SqlError> {
        let db = self.reader().clone();
        let read = async move { run_stories(&db, execution, after, limit).await };
        self.read("read job runs for a report", read).await
    }

    async fn mark(&self, name: &str) -> Result<Option<u64>, SqlError> {
        let select = Query::select()
            .column(ReportMark::Position)
            .from(ReportMark::Table)
            .and_where(Expr::col(ReportMark::Name).eq(name))
            .to_owned();
        let (db, doing) = (self.reader().clone(), "read a mark");
        let read = async move {
            let row = db.query_one(&select).await.doing(doing)?;
            row.map(|row| Reader::new("report_mark", &row).number("position"))
                .transpose()
        };
        self.read(doing, read).await
    }

    async fn put_mark(&self, name: &str, position: u64) -> Result<(), SqlError> {
        let mut tries = Tries::default();
        loop {
            let done = self.soon("store a mark", self.put_mark_once(name, position));
            let done = done.await;
            if !tries.again(&done).await {
                return done;
            }
        }
    }
}
