//! SQLite: files on the server's host, opened to be read only.
//!
//! A query is one `SELECT`, `WITH` or `VALUES`: others could read or write files besides the data source (`ATTACH`,
//! `VACUUM INTO`), and what opens a file to be read does not keep them from it.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hcndc_core::{engine::ResolveErrorKind, model::DataSource};
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Row as _, SqliteConnection, TypeInfo as _,
    ValueRef as _,
    sqlite::{SqliteConnectOptions, SqliteRow},
};

use super::{AskError, GRACE, cell, row::Row};

/// How long a writer of the file is waited for.
const BUSY: Duration = Duration::from_secs(10);
/// Steps of a query between two looks at the clock: a few milliseconds.
const STEPS: i32 = 100_000;

pub(super) async fn connect(
    source: &DataSource,
    private: &[PathBuf],
) -> Result<Box<SqliteConnection>, AskError> {
    let path = Path::new(&source.database);
    let real = tokio::fs::canonicalize(path)
        .await
        .map_err(|error| AskError::unreachable(format!("{}: {error}", path.display())))?;
    if private.iter().any(|private| real.starts_with(private)) {
        let reason = "the server's own files are no data sources";
        return Err(AskError::new(ResolveErrorKind::Refused, reason));
    }
    let options = SqliteConnectOptions::new()
        .filename(&real)
        .read_only(true)
        .busy_timeout(BUSY);
    let connected = SqliteConnection::connect_with(&options).await;
    connected
        .map(Box::new)
        .map_err(|error| AskError::of_connect(&error))
}

pub(super) async fn ask(
    connection: &mut SqliteConnection,
    query: &str,
    timeout: Duration,
) -> Result<Option<Row>, AskError> {
    let refine = |error: sqlx::Error| AskError::of_query(&error);
    if !is_one_query(query) {
        let reason = "a data source of SQLite answers one SELECT, WITH or VALUES, and nothing else";
        return Err(AskError::new(ResolveErrorKind::Refused, reason));
    }
    // It runs in a thread, which would go on when nobody waits for it any more.
    let begun = Instant::now();
    let limit = timeout.saturating_add(GRACE);
    connection
        .lock_handle()
        .await
        .map_err(refine)?
        .set_progress_handler(STEPS, move || begun.elapsed() < limit);
    let row = sqlx::query(AssertSqlSafe(query.to_owned()))
        .persistent(false)
        .fetch_optional(connection)
        .await
        .map_err(refine)?;
    Ok(row.map(|row| read(&row)))
}

/// Whether a text is one statement that asks. What stands between quotes and in comments is passed over as SQLite does.
fn is_one_query(text: &str) -> bool {
    let mut bare = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        match (letter, next) {
            ('\'' | '"' | '`', _) => {
                // A doubled quote ends one text and begins another.
                letters.find(|it| *it == letter);
                bare.push_str(" x ");
            }
            ('[', _) => {
                letters.find(|it| *it == ']');
                bare.push_str(" x ");
            }
            ('-', Some('-')) => {
                letters.find(|it| *it == '\n');
                bare.push(' ');
            }
            ('/', Some('*')) => {
                letters.next();
                let mut last = ' ';
                letters.find(|it| {
                    let ends = (last, *it) == ('*', '/');
                    last = *it;
                    ends
                });
                bare.push(' ');
            }
            // Names of values that are bound, which may hold quotes; and nothing is bound here.
            ('$' | '@' | '#' | ':' | '?' | '\0', _) => return false,
            (other, _) => bare.push(other),
        }
    }
    let statement = bare.trim();
    let statement = statement.strip_suffix(';').unwrap_or(statement);
    let first = statement
        .split(|it: char| !it.is_ascii_alphanumeric() && it != '_')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    !statement.contains(';') && matches!(first.as_str(), "select" | "with" | "values")
}

fn read(found: &SqliteRow) -> Row {
    let mut row = Row::default();
    for (at, column) in found.columns().iter().enumerate() {
        row.push(column.name(), cell(text(found, at)));
    }
    row
}

/// A value, as SQLite itself would write it.
fn text(row: &SqliteRow, at: usize) -> Result<Option<String>, sqlx::Error> {
    let value = row.try_get_raw(at)?;
    if value.is_null() {
        return Ok(None);
    }
    let kind = value.type_info().name().to_owned();
    Ok(Some(match kind.as_str() {
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked::<i64, _>(at)?.to_string(),
        // With a point, whatever it is: 2.0, not 2.
        "REAL" => format!("{:?}", row.try_get_unchecked::<f64, _>(at)?),
        _ => row.try_get_unchecked::<String, _>(at)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::is_one_query;

    #[test]
    fn one_statement_that_asks_is_a_query() {
        for good in [
            "SELECT 1",
            " -- the last one\n select max(id) from batch ; ",
            "WITH t AS (SELECT 1) SELECT * FROM t",
            "VALUES ('a;b'), (\"c;d\"), ([e;f]), (`g;h`)",
            "SELECT 'it''s; ATTACH' /* ; */ , 2",
        ] {
            assert!(is_one_query(good), "{good}");
        }
    }

    #[test]
    fn what_reaches_for_other_files_is_no_query() {
        for bad in [
            "",
            "ATTACH 'other.db' AS o",
            "SELECT 1; ATTACH 'other.db' AS o; SELECT * FROM o.t",
            "VACUUM INTO 'copy.db'",
            "/* */ PRAGMA temp_store_directory = '/'",
            "SELECT $a('); ATTACH 'other.db' AS o; SELECT '",
            "SELECT '' ; ATTACH 'x' AS y -- '",
            "SELECT 1 /* '; */ ; ATTACH 'x' AS y",
            "selected",
        ] {
            assert!(!is_one_query(bad), "{bad}");
        }
    }
}
