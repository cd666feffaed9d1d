//! Whether the tables are what the migrations make.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::{Finding, Upkeep};
use crate::{SqlError, dialect::byte_collation, error::Doing as _};

/// Names of columns and of indexes, by table.
#[derive(Debug, Default)]
struct Shape(BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>);

impl Upkeep {
    /// Looks for all that the migrations make. What else is there is nobody's business.
    pub(super) async fn compare_shape(&self, findings: &mut Vec<Finding>) -> Result<(), SqlError> {
        let found = Shape::of(self.db()).await?;
        let Some(wanted) = wanted().await? else {
            return Ok(());
        };
        for (table, (columns, indexes)) in &wanted.0 {
            let Some((its_columns, its_indexes)) = found.0.get(table) else {
                findings.push(Finding::Missing {
                    what: table.clone(),
                });
                continue;
            };
            let missing = columns.difference(its_columns);
            let missing = missing.map(|column| format!("{table}.{column}"));
            let indexes = indexes.difference(its_indexes);
            let missing = missing.chain(indexes.map(|index| format!("{index} on {table}")));
            findings.extend(missing.map(|what| Finding::Missing { what }));
        }
        if self.backend() == DbBackend::MySql {
            self.kinds_of_tables(&wanted, findings).await?;
        }
        Ok(())
    }

    /// Engines and collations, which a dump or a person may have changed.
    async fn kinds_of_tables(
        &self,
        wanted: &Shape,
        findings: &mut Vec<Finding>,
    ) -> Result<(), SqlError> {
        let collation = byte_collation(self.db())
            .await
            .doing("ask for collations")?;
        let wants = format!("InnoDB {}", collation.unwrap_or_default());
        let query = "SELECT CAST(table_name AS CHAR), \
             CAST(CONCAT(engine, ' ', table_collation) AS CHAR) FROM information_schema.tables \
             WHERE table_schema = DATABASE() ORDER BY table_name";
        for row in self.rows("ask for collations", query).await? {
            let doing = "ask for collations";
            let table: String = row.try_get_by_index(0).doing(doing)?;
            let found: Option<String> = row.try_get_by_index(1).doing(doing)?;
            let found = found.unwrap_or_default();
            // The list of migrations has the collation that is the server's default.
            let ours = wanted.0.contains_key(&table) && table != crate::migration::MIGRATIONS;
            if ours && found != wants {
                findings.push(Finding::TableKind {
                    table,
                    found,
                    wants: wants.clone(),
                });
            }
        }
        Ok(())
    }
}

impl Shape {
    async fn of(db: &DatabaseConnection) -> Result<Self, SqlError> {
        let (columns, indexes) = match db.get_database_backend() {
            DbBackend::MySql => (
                "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR) \
                 FROM information_schema.columns WHERE table_schema = DATABASE()",
                "SELECT DISTINCT CAST(table_name AS CHAR), CAST(index_name AS CHAR) \
                 FROM information_schema.statistics \
                 WHERE table_schema = DATABASE() AND index_name <> 'PRIMARY'",
            ),
            _ => (
                "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c \
                 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
                "SELECT tbl_name, name FROM sqlite_schema \
                 WHERE type = 'index' AND name NOT LIKE 'sqlite_%'",
            ),
        };
        let mut shape = Self::default();
        for (table, column) in pairs(db, columns).await? {
            shape.0.entry(table).or_default().0.insert(column);
        }
        for (table, index) in pairs(db, indexes).await? {
            shape.0.entry(table).or_default().1.insert(index);
        }
        Ok(shape)
    }
}

async fn pairs(db: &DatabaseConnection, query: &str) -> Result<Vec<(String, String)>, SqlError> {
    let doing = "look at the tables";
    let query = Statement::from_string(db.get_database_backend(), query);
    let rows = db.query_all_raw(query).await.doing(doing)?;
    rows.iter()
        .map(|row| {
            let table = row.try_get_by_index(0).doing(doing)?;
            Ok((table, row.try_get_by_index(1).doing(doing)?))
        })
        .collect()
}

/// What the migrations make, found out by making it in memory; on every database the names are the same. A build without
/// SQLite cannot tell.
#[cfg(feature = "sqlite")]
async fn wanted() -> Result<Option<Shape>, SqlError> {
    let fresh = crate::SqlStore::connect("sqlite::memory:").await?;
    let shape = Shape::of(fresh.writer()).await?;
    fresh.close().await?;
    Ok(Some(shape))
}

#[cfg(not(feature = "sqlite"))]
#[expect(
    clippy::unused_async,
    reason = "the same function makes a database where there is SQLite"
)]
async fn wanted() -> Result<Option<Shape>, SqlError> {
    Ok(None)
}
