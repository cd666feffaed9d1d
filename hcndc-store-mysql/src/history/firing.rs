//! Firings, alerts and backfills.

use std::collections::BTreeMap;

use hcndc_core::{
    engine::{
        AlertRow, BackfillDateRow, BackfillDateState, BackfillRow, FiringRow, ScheduleCursor as Row,
    },
    id::{BackfillId, ScheduleId},
    port::{AlertQuery, BackfillQuery, BackfillView, FiringQuery, Page},
};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, Order, TransactionTrait as _,
    sea_query::{Expr, ExprTrait as _, Query},
};

use super::{definitions::is_id, runs::select_rows};
use crate::{
    SqlError,
    entity::{self, Alert, Backfill, BackfillDate, Firing, Reader, ScheduleCursor},
    error::Doing as _,
    keyset::{Keyset, id_place, page},
};

pub(super) async fn firings(
    db: &DatabaseConnection,
    query: &FiringQuery,
) -> Result<Page<FiringRow>, SqlError> {
    let mut select = select_rows::<Firing>();
    if let Some(schedule) = query.schedule {
        select.and_where(is_id((Firing::Table, Firing::ScheduleId), schedule.0));
    }
    if let Some(started) = query.started {
        let outcome = Expr::col((Firing::Table, Firing::Outcome));
        select.and_where(if started {
            outcome.eq("started")
        } else {
            outcome.ne("started")
        });
    }
    Keyset::by_id(Firing::Id).restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list firings")?;
    let rows = rows.iter().map(Firing::read).collect::<Result<_, _>>()?;
    Ok(page(rows, &query.page, |row: &FiringRow| {
        id_place(row.id.0)
    }))
}

pub(super) async fn schedule_cursor(
    db: &DatabaseConnection,
    schedule: ScheduleId,
) -> Result<Option<Row>, SqlError> {
    let select = select_rows::<ScheduleCursor>()
        .and_where(is_id(
            (ScheduleCursor::Table, ScheduleCursor::ScheduleId),
            schedule.0,
        ))
        .to_owned();
    let row = db.query_one(&select).await.doing("read a cursor")?;
    row.as_ref().map(ScheduleCursor::read).transpose()
}

pub(super) async fn alerts(
    db: &DatabaseConnection,
    query: &AlertQuery,
) -> Result<Page<AlertRow>, SqlError> {
    let mut select = select_rows::<Alert>();
    let mut only = |column, id: Option<u64>| {
        if let Some(id) = id {
            select.and_where(is_id((Alert::Table, column), id));
        }
    };
    only(Alert::ScheduleId, query.schedule.map(|id| id.0));
    only(Alert::ExecutionId, query.execution.map(|id| id.0));
    only(Alert::RuleId, query.rule.map(|id| id.0));
    if !query.ids.is_empty() {
        // None beyond what a number of the database holds is there.
        let ids = query.ids.iter().filter_map(|id| i64::try_from(id.0).ok());
        select.and_where(Expr::col((Alert::Table, Alert::Id)).is_in(ids));
    }
    if !query.events.is_empty() {
        let events = query.events.iter().map(|event| event.as_str());
        select.and_where(Expr::col((Alert::Table, Alert::Event)).is_in(events));
    }
    if let Some(acknowledged) = query.acknowledged {
        let at = Expr::col((Alert::Table, Alert::AcknowledgedAt));
        select.and_where(if acknowledged {
            at.is_not_null()
        } else {
            at.is_null()
        });
    }
    if let Some(waiting) = query.waiting {
        let closed = Expr::col((Alert::Table, Alert::ClosedAt));
        select.and_where(if waiting {
            closed.is_null()
        } else {
            closed.is_not_null()
        });
    }
    Keyset::by_id(Alert::Id).restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list alerts")?;
    let rows = rows.iter().map(Alert::read).collect::<Result<_, _>>()?;
    Ok(page(rows, &query.page, |row: &AlertRow| id_place(row.id.0)))
}

pub(super) async fn backfills(
    db: &DatabaseConnection,
    query: &BackfillQuery,
) -> Result<Page<BackfillView>, SqlError> {
    let mut select = select_rows::<Backfill>();
    if !query.states.is_empty() {
        let states = query.states.iter().map(|state| state.as_str());
        select.and_where(Expr::col((Backfill::Table, Backfill::State)).is_in(states));
    }
    if let Some(flow) = query.flow {
        select.and_where(is_id((Backfill::Table, Backfill::FlowId), flow.0));
    }
    Keyset::by_id(Backfill::Id).restrict(&mut select, &query.page)?;
    let db = db.begin().await.doing("begin to list backfills")?;
    let rows = db.query_all(&select).await.doing("list backfills")?;
    let rows = rows.iter().map(Backfill::read);
    let page = page(
        rows.collect::<Result<Vec<_>, _>>()?,
        &query.page,
        |row: &BackfillRow| id_place(row.id.0),
    );
    let items = views(&db, page.items).await?;
    db.commit().await.doing("end the list of backfills")?;
    Ok(Page {
        items,
        next: page.next,
    })
}

pub(super) async fn backfill(
    db: &DatabaseConnection,
    backfill: BackfillId,
) -> Result<Option<BackfillView>, SqlError> {
    let db = db.begin().await.doing("begin to read a backfill")?;
    let select = select_rows::<Backfill>()
        .and_where(is_id((Backfill::Table, Backfill::Id), backfill.0))
        .to_owned();
    let row = db.query_one(&select).await.doing("read a backfill")?;
    let row = row.as_ref().map(Backfill::read).transpose()?;
    let view = views(&db, row.into_iter().collect()).await?.pop();
    db.commit().await.doing("end reading a backfill")?;
    Ok(view)
}

/// Adds the counts, by one query for all backfills together.
async fn views(
    db: &DatabaseTransaction,
    rows: Vec<BackfillRow>,
) -> Result<Vec<BackfillView>, SqlError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = rows.iter().map(|row| entity::number("backfill", row.id.0));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let columns = [BackfillDate::BackfillId, BackfillDate::State];
    let select = Query::select()
        .columns(columns)
        .expr_as(Expr::col(BackfillDate::DataDate).count(), "dates")
        .from(BackfillDate::Table)
        .and_where(Expr::col(BackfillDate::BackfillId).is_in(ids))
        .group_by_columns(columns)
        .to_owned();
    let mut counts = BTreeMap::<u64, BTreeMap<_, _>>::new();
    for row in db.query_all(&select).await.doing("count dates")? {
        let row = Reader::new("backfill_date", &row);
        let state = row.named("state", BackfillDateState::from_name)?;
        let its = counts.entry(row.number("backfill_id")?).or_default();
        its.insert(state, row.number("dates")?);
    }
    let views = rows.into_iter().map(|row| BackfillView {
        dates: counts.remove(&row.id.0).unwrap_or_default(),
        row,
    });
    Ok(views.collect())
}

pub(super) async fn backfill_dates(
    db: &DatabaseConnection,
    backfill: BackfillId,
) -> Result<Vec<BackfillDateRow>, SqlError> {
    let select = select_rows::<BackfillDate>()
        .and_where(is_id(
            (BackfillDate::Table, BackfillDate::BackfillId),
            backfill.0,
        ))
        .order_by((BackfillDate::Table, BackfillDate::DataDate), Order::Asc)
        .to_owned();
    let rows = db.query_all(&select).await.doing("list dates")?;
    rows.iter().map(BackfillDate::read).collect()
}
