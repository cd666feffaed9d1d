//! `audit`: what people did, or tried to.

use hcndc_core::{
    id::AuditId,
    port::{AuditEntry, AuditRow},
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, number, search, time};
use crate::SqlError;

/// Columns of `audit`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Audit {
    Table,
    Id,
    At,
    Account,
    Address,
    Method,
    Action,
    Kind,
    ObjectId,
    Name,
    /// What lists are searched in: account and name.
    Search,
    Before,
    After,
}

impl Table for Audit {
    type Row<'a> = &'a AuditEntry;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    /// All but the id, which the database gives.
    const COLUMNS: &'static [Self] = &[
        Self::At,
        Self::Account,
        Self::Address,
        Self::Method,
        Self::Action,
        Self::Kind,
        Self::ObjectId,
        Self::Name,
        Self::Search,
        Self::Before,
        Self::After,
    ];

    fn values(entry: &AuditEntry) -> Result<Vec<Value>, SqlError> {
        let object = entry.object.map(|id| number("audited id", id));
        Ok(vec![
            time(entry.at),
            entry.account.as_str().into(),
            entry.address.as_str().into(),
            entry.method.as_str().into(),
            entry.action.as_str().into(),
            entry.kind.as_str().into(),
            object.transpose()?.into(),
            entry.name.as_str().into(),
            search(&entry.account, &entry.name),
            entry.before.as_deref().into(),
            entry.after.as_deref().into(),
        ])
    }
}

impl Audit {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<AuditRow, SqlError> {
        let row = Reader::new("audit", row);
        Ok(AuditRow {
            id: AuditId(row.number("id")?),
            entry: AuditEntry {
                at: row.time("at")?,
                account: row.column("account")?,
                address: row.column("address")?,
                method: row.column("method")?,
                action: row.column("action")?,
                kind: row.column("kind")?,
                object: row.number_if("object_id")?,
                name: row.column("name")?,
                before: row.column("before")?,
                after: row.column("after")?,
            },
        })
    }
}
