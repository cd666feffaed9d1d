//! PostgreSQL.
//!
//! The query is declared as a cursor, in a statement that the server takes alone and no other with it; its first row is fetched
//! by the protocol for texts: so every value comes as the server itself writes it, and only one row comes.

use std::time::Duration;

use hcndc_core::{engine::SourceAccess, model::DataSource};
use hcndc_exec::work::access;
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Executor as _, PgConnection, Row as _,
    postgres::PgRow,
};

use super::{AskError, GRACE, cell, row::Row};

/// The longest limit that the server takes, in milliseconds.
const MOST_MS: u128 = i32::MAX as u128;

pub(super) async fn connect(source: &DataSource) -> Result<Box<PgConnection>, AskError> {
    let options = access::postgres(&SourceAccess::from(source));
    let connected = PgConnection::connect_with(&options).await;
    connected
        .map(Box::new)
        .map_err(|error| AskError::of_connect(&error))
}

pub(super) async fn ask(
    connection: &mut PgConnection,
    query: &str,
    timeout: Duration,
) -> Result<Option<Row>, AskError> {
    let refine = |error: sqlx::Error| AskError::of_query(&error);
    connection
        .execute(sqlx::raw_sql("BEGIN TRANSACTION READ ONLY"))
        .await
        .map_err(refine)?;
    let limit = format!(
        "SET LOCAL statement_timeout = {}",
        timeout.saturating_add(GRACE).as_millis().min(MOST_MS)
    );
    let declare = format!("DECLARE hcndc NO SCROLL CURSOR FOR {query}");
    let asked = async {
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(limit)))
            .await?;
        sqlx::query(AssertSqlSafe(declare))
            .persistent(false)
            .execute(&mut *connection)
            .await?;
        let row = connection
            .fetch_optional(sqlx::raw_sql("FETCH FORWARD 1 FROM hcndc"))
            .await?;
        Ok(row.map(|row| read(&row)))
    };
    let asked = asked.await.map_err(refine);
    // What fails here fails the next query on this connection, which then is not used again.
    let _ = connection.execute(sqlx::raw_sql("ROLLBACK")).await;
    asked
}

/// A row of the protocol for texts.
fn read(found: &PgRow) -> Row {
    let mut row = Row::default();
    for (at, column) in found.columns().iter().enumerate() {
        let value = found.try_get_unchecked::<Option<String>, _>(at);
        row.push(column.name(), cell(value));
    }
    row
}
