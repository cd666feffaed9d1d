//! Which migrations a database has, for those who look after it.

use std::collections::BTreeMap;

use hcndc_core::time::Timestamp;
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection,
    sea_query::{Alias, Query},
};
use sea_orm_migration::{MigratorTrait as _, SchemaManager};

use super::{MIGRATIONS, Migrator, m20261122_000001_backbone};
use crate::{SqlError, entity::Reader, error::Doing as _};

/// A step of the tables from version to version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its name: date and purpose. Steps are taken in the order of their names.
    pub name: String,
    /// When it was applied, to the second; `None` if it is still to come.
    pub applied_at: Option<Timestamp>,
    /// Whether this version of the program has it. One that it does not know was applied by a newer version.
    pub known: bool,
}

/// Which steps have been applied, and which are to come, in order. Changes nothing.
pub(crate) async fn status(db: &DatabaseConnection) -> Result<Vec<MigrationStatus>, SqlError> {
    let steps = Migrator::migrations().into_iter().map(|migration| {
        let name = migration.name().to_owned();
        let step = MigrationStatus {
            name: name.clone(),
            applied_at: None,
            known: true,
        };
        (name, step)
    });
    let mut steps: BTreeMap<_, _> = steps.collect();
    let schema = SchemaManager::new(db);
    if has_table(&schema, MIGRATIONS).await? {
        // The migrator's own way to ask would make the table.
        let applied = Query::select()
            .columns([Alias::new("version"), Alias::new("applied_at")])
            .from(Alias::new(MIGRATIONS))
            .to_owned();
        let applied = db.query_all(&applied).await;
        for row in applied.doing("read the list of migrations")? {
            let row = Reader::new(MIGRATIONS, &row);
            let seconds: i64 = row.column("applied_at")?;
            let at = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
            steps
                .entry(row.column("version")?)
                .and_modify(|step| step.applied_at = Some(at))
                .or_insert_with_key(|name| MigrationStatus {
                    name: name.clone(),
                    applied_at: Some(at),
                    known: false,
                });
        }
    }
    Ok(steps.into_values().collect())
}

/// The first table that has one of our names although no migration of ours has run, if there is one: it cannot be ours.
/// Another process may be making them; it makes the list of migrations first, which is therefore looked for last.
pub(crate) async fn foreign_table(
    schema: &SchemaManager<'_>,
) -> Result<Option<&'static str>, SqlError> {
    for &table in m20261122_000001_backbone::TABLES {
        if has_table(schema, table).await? {
            let ours = has_table(schema, MIGRATIONS).await?;
            return Ok((!ours).then_some(table));
        }
    }
    Ok(None)
}

async fn has_table(schema: &SchemaManager<'_>, table: &str) -> Result<bool, SqlError> {
    schema.has_table(table).await.doing("look for tables")
}
