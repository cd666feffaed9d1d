//! The audit trail: rows are added, and go when they are old enough.

use hcndc_core::port::{AuditEntry, AuditQuery, AuditRow, Page};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection,
    sea_query::{Expr, ExprTrait as _, Query},
};

use super::Tried;
use crate::{
    SqlError, SqlStore,
    entity::{Audit, Table as _, number},
    error::Doing as _,
    history::filter_text,
    keyset::{Keyset, id_place, page},
    upsert::chunks,
};

pub(super) async fn record(store: &SqlStore, entries: &[AuditEntry]) -> Tried<()> {
    let doing = "write the audit trail";
    if entries.is_empty() {
        return Ok(Ok(()));
    }
    let transaction = store.begin().await?;
    for piece in chunks(entries) {
        let mut insert = Query::insert();
        insert
            .into_table(Audit::Table)
            .columns(Audit::COLUMNS.iter().copied());
        for entry in piece {
            let values = Audit::values(entry)?.into_iter().map(Expr::val);
            insert.values_panic(values);
        }
        transaction.execute(&insert).await.doing(doing)?;
    }
    transaction.commit().await.doing(doing)?;
    Ok(Ok(()))
}

pub(super) async fn list(
    db: &DatabaseConnection,
    query: &AuditQuery,
) -> Result<Page<AuditRow>, SqlError> {
    let mut select = Query::select()
        .column(Audit::Id)
        .columns(Audit::COLUMNS.iter().copied())
        .from(Audit::Table)
        .to_owned();
    for (column, wanted) in [
        (Audit::Account, &query.account),
        (Audit::Action, &query.action),
        (Audit::Kind, &query.kind),
    ] {
        if let Some(wanted) = wanted {
            select.and_where(Expr::col(column).eq(wanted.as_str()));
        }
    }
    if let Some(object) = query.object {
        select.and_where(Expr::col(Audit::ObjectId).eq(number("audited id", object)?));
    }
    filter_text(&mut select, Audit::Search, &query.text);
    if let Some(since) = query.since {
        select.and_where(Expr::col(Audit::At).gte(since.as_micros()));
    }
    if let Some(until) = query.until {
        select.and_where(Expr::col(Audit::At).lt(until.as_micros()));
    }
    Keyset::by_id(Audit::Id).restrict(&mut select, &query.page)?;
    let rows = db.query_all(&select).await.doing("list the audit trail")?;
    let rows = rows.iter().map(Audit::read).collect::<Result<_, _>>()?;
    Ok(page(rows, &query.page, |row: &AuditRow| id_place(row.id.0)))
}
