//! MySQL and MariaDB.
//!
//! The query is prepared by the server from a text (`PREPARE … FROM`), which takes one statement and no more, and executed by the
//! protocol for texts: so every value comes as the server itself writes it.

use std::time::Duration;

use hcndc_core::{engine::SourceAccess, model::DataSource};
use hcndc_exec::work::access;
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Executor as _, MySqlConnection, Row as _,
    mysql::MySqlRow,
};

use super::{AskError, GRACE, cell, row::Row};

pub(super) async fn connect(source: &DataSource) -> Result<Box<MySqlConnection>, AskError> {
    let options = access::mysql(&SourceAccess::from(source));
    let refine = |error: sqlx::Error| AskError::of_connect(&error);
    let mut connection = MySqlConnection::connect_with(&options)
        .await
        .map_err(refine)?;
    // Also where a query ends the transaction that it runs in. And of all rows the first is enough.
    for setting in [
        "SET SESSION TRANSACTION READ ONLY",
        "SET SESSION sql_select_limit = 1",
    ] {
        connection
            .execute(sqlx::raw_sql(setting))
            .await
            .map_err(refine)?;
    }
    Ok(Box::new(connection))
}

pub(super) async fn ask(
    connection: &mut MySqlConnection,
    query: &str,
    timeout: Duration,
) -> Result<Option<Row>, AskError> {
    let refine = |error: sqlx::Error| AskError::of_query(&error);
    limit(connection, timeout).await;
    sqlx::query("SET @hcndc = ?")
        .bind(query)
        .execute(&mut *connection)
        .await
        .map_err(refine)?;
    connection
        .execute(sqlx::raw_sql("START TRANSACTION READ ONLY"))
        .await
        .map_err(refine)?;
    let asked = async {
        connection
            .execute(sqlx::raw_sql("PREPARE hcndc FROM @hcndc"))
            .await?;
        let row = connection
            .fetch_optional(sqlx::raw_sql("EXECUTE hcndc"))
            .await?;
        Ok(row.map(|row| read(&row)))
    };
    let asked = asked.await.map_err(refine);
    // What fails here fails the next query on this connection, which then is not used again.
    let _ = connection.execute(sqlx::raw_sql("ROLLBACK")).await;
    asked
}

/// A row of the protocol for texts.
fn read(found: &MySqlRow) -> Row {
    let mut row = Row::default();
    for (at, column) in found.columns().iter().enumerate() {
        let value = found.try_get_unchecked::<Option<String>, _>(at);
        row.push(column.name(), cell(value));
    }
    row
}

/// Has the server itself give a query up, so that none runs on there that nobody waits for. MySQL and MariaDB call it
/// differently, and each knows its own only.
async fn limit(connection: &mut MySqlConnection, timeout: Duration) {
    let timeout = timeout.saturating_add(GRACE);
    let mariadb = format!("SET SESSION max_statement_time = {}", timeout.as_secs_f64());
    let set = connection
        .execute(sqlx::raw_sql(AssertSqlSafe(mariadb)))
        .await;
    if set.is_err() {
        let mysql = format!("SET SESSION max_execution_time = {}", timeout.as_millis());
        let _ = connection
            .execute(sqlx::raw_sql(AssertSqlSafe(mysql)))
            .await;
    }
}
