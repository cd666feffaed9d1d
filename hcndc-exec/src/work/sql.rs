//! Runs statements on a data source, one after another, and tells what came of each.

mod clickhouse;

use std::{
    fmt::{Display, Write as _},
    io::{self, Write as _},
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt as _, TryFutureExt as _, TryStreamExt as _, future::Either as Ended, pin_mut,
};
use hcndc_core::{engine::SourceAccess, model::DataSourceKind};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Either, Executor as _, MySqlConnection,
    PgConnection, Row as _, SqliteConnection, TypeInfo as _, ValueRef as _, sqlite::SqliteRow,
};
use tokio::time::error::Elapsed;

use super::{
    REFUSED, SqlTask, UNREACHED, access, say,
    split::{Dialect, statements},
};
use crate::{causes::with_causes, platform::asked_to_end};

/// Rows of a statement that are shown.
const ROWS: u64 = 50;
/// Letters of a value that are shown.
const LETTERS: usize = 80;
/// How much longer than the job's timeout the data source itself may be at it: it gives up where a kill does not reach it.
const GRACE: Duration = Duration::from_secs(5);
/// How long it may take to end a session from outside.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Why statements came to no good end.
enum Failure {
    /// No session was to be had.
    Unreached(String),
    /// It was asked to end; what became of the session.
    Ended(String),
    /// A statement failed, after so many that did not.
    Statement(u64, String),
}

pub(super) async fn run(task: SqlTask) -> u8 {
    let source = &task.source;
    say(format_args!(
        "data source {} ({})",
        source.name,
        source.kind.as_str()
    ));
    let ended = match source.kind {
        DataSourceKind::Mysql => mysql(&task).await,
        DataSourceKind::Postgresql => postgres(&task).await,
        DataSourceKind::Sqlite => sqlite(&task).await,
        DataSourceKind::Clickhouse => clickhouse::run(&task).await,
        other => Err(Failure::Unreached(format!(
            "no statements are run on data sources of kind {}",
            other.as_str()
        ))),
    };
    let _ = io::stdout().lock().flush();
    let hidden = |text: String| match source.password.is_empty() {
        true => text,
        false => text.replace(source.password.reveal(), "***"),
    };
    match ended {
        Ok(done) => {
            say(format_args!("{done} statements done"));
            0
        }
        Err(Failure::Unreached(reason)) => {
            say(format_args!("failed: no connection: {}", hidden(reason)));
            UNREACHED
        }
        Err(Failure::Ended(reason)) => {
            say(hidden(reason));
            REFUSED
        }
        Err(Failure::Statement(done, reason)) => {
            let undone = match (task.transaction, done) {
                (_, 0) => "",
                (true, _) => "; the statements before it are undone",
                (false, _) => "; the statements before it stay done",
            };
            say(format_args!(
                "failed: statement {}: {}{undone}",
                done + 1,
                hidden(reason)
            ));
            REFUSED
        }
    }
}

/// A session by these options, or why there is none in time.
macro_rules! connect {
    ($options:expr, $source:expr) => {{
        let within = access::patience($source);
        // The client panics at some of what is none of its protocol.
        let connecting = AssertUnwindSafe($options.connect()).catch_unwind();
        match tokio::time::timeout(within, connecting).await {
            Ok(Ok(connected)) => connected.map_err(|error| Failure::Unreached(with_causes(&error))),
            Ok(Err(_)) => Err(Failure::Unreached(
                "what it answers is no such protocol".to_owned(),
            )),
            Err(_) => Err(Failure::Unreached(format!("none within {within:?}"))),
        }
    }};
}

/// What a connection makes of a text of statements, told as it comes. Evaluates to how many were done, or which failed.
macro_rules! play {
    ($connection:expr, $text:expr, $done:expr, $value:expr) => {{
        let text: String = $text;
        let mut came = sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(&mut $connection);
        let mut shown = Shown::new();
        loop {
            match came.try_next().await {
                Ok(None) => break Ok(()),
                Ok(Some(Either::Left(result))) => {
                    *$done += 1;
                    shown.end(
                        *$done,
                        format_args!("{} rows affected", result.rows_affected()),
                    );
                }
                Ok(Some(Either::Right(row))) => {
                    if shown.rows == 0 {
                        shown.head(row.columns().iter().map(|it| it.name()));
                    }
                    let value = $value;
                    shown.row((0..row.len()).map(|at| value(&row, at)));
                }
                Err(error) => break Err(error),
            }
        }
    }};
}

/// Runs the texts on a connection, in a transaction or not.
macro_rules! session {
    ($connection:expr, $task:expr, $begin:literal, $texts:expr, $value:expr) => {{
        let mut done = 0;
        let mut failed = None;
        if $task.transaction
            && let Err(error) = $connection.execute(sqlx::raw_sql($begin)).await
        {
            failed = Some(error);
        }
        for text in $texts {
            if failed.is_some() {
                break;
            }
            let played: Result<(), sqlx::Error> = play!($connection, text, &mut done, $value);
            failed = played.err();
        }
        if $task.transaction {
            let last = match failed {
                None => "COMMIT",
                Some(_) => "ROLLBACK",
            };
            let ended = $connection.execute(sqlx::raw_sql(last)).await;
            failed = failed.or_else(|| ended.err());
        }
        match failed {
            None => Ok(done),
            Some(error) => Err(Failure::Statement(done, with_causes(&error))),
        }
    }};
}

/// A number that the server tells.
macro_rules! ask {
    ($connection:expr, $query:literal, $number:ty) => {
        sqlx::query_scalar::<_, $number>($query)
            .fetch_one(&mut $connection)
            .await
            .map_err(|error| Failure::Unreached(with_causes(&error)))
    };
}

async fn mysql(task: &SqlTask) -> Result<u64, Failure> {
    let options = access::mysql(&task.source);
    let mut connection: MySqlConnection = connect!(options, &task.source)?;
    let session = ask!(connection, "SELECT CONNECTION_ID()", u64)?;
    if let Some(timeout) = task.timeout {
        let limit = timeout.saturating_add(GRACE);
        // MySQL and MariaDB call it differently, and each knows its own only.
        let mariadb = format!("SET SESSION max_statement_time = {}", limit.as_secs_f64());
        let mysql = format!("SET SESSION max_execution_time = {}", limit.as_millis());
        let set = sqlx::raw_sql(AssertSqlSafe(mariadb));
        if connection.execute(set).await.is_err() {
            let set = sqlx::raw_sql(AssertSqlSafe(mysql));
            let _ = connection.execute(set).await;
        }
    }
    // Its server splits the text itself, and knows the bodies of procedures.
    let playing = async {
        session!(
            connection,
            task,
            "START TRANSACTION",
            [task.statement.clone()],
            |row: &sqlx::mysql::MySqlRow, at| text_or_bytes(
                row.try_get_unchecked::<Option<String>, _>(at)
            )
        )
    };
    let ending = async {
        let mut other = options.connect().await?;
        let kill = sqlx::raw_sql(AssertSqlSafe(format!("KILL {session}")));
        other.execute(kill).await.map(drop)
    };
    unless_asked_to_end(playing, ending).await
}

async fn postgres(task: &SqlTask) -> Result<u64, Failure> {
    let options = access::postgres(&task.source);
    let mut connection: PgConnection = connect!(options, &task.source)?;
    let session = ask!(connection, "SELECT pg_backend_pid()", i32)?;
    // So it sees by itself that nobody is there any more. Earlier versions than 14 do not know it.
    let watch = sqlx::raw_sql("SET client_connection_check_interval = '1s'");
    let _ = connection.execute(watch).await;
    if let Some(timeout) = task.timeout {
        let limit = timeout.saturating_add(GRACE).as_millis();
        let limit = limit.min(i32::MAX.unsigned_abs().into());
        let set = sqlx::raw_sql(AssertSqlSafe(format!("SET statement_timeout = {limit}")));
        let _ = connection.execute(set).await;
    }
    let texts: Vec<String> = match task.transaction {
        // As one message they are one transaction anyway.
        true => vec![task.statement.clone()],
        false => {
            let texts = statements(&task.statement, Dialect::Postgresql).into_iter();
            texts.map(str::to_owned).collect()
        }
    };
    let playing = async {
        session!(
            connection,
            task,
            "BEGIN",
            texts,
            |row: &sqlx::postgres::PgRow, at| text_or_bytes(
                row.try_get_unchecked::<Option<String>, _>(at)
            )
        )
    };
    let ending = async {
        let mut other = options.connect().await?;
        let end = format!("SELECT pg_terminate_backend({session})");
        other
            .execute(sqlx::raw_sql(AssertSqlSafe(end)))
            .await
            .map(drop)
    };
    unless_asked_to_end(playing, ending).await
}

async fn sqlite(task: &SqlTask) -> Result<u64, Failure> {
    let SourceAccess { database, .. } = &task.source;
    let options = access::sqlite(&task.source);
    let mut connection: SqliteConnection = connect!(options, &task.source).map_err(|failure| {
        let Failure::Unreached(reason) = failure else {
            return failure;
        };
        Failure::Unreached(format!("{database}: {reason}"))
    })?;
    // This process is the session: it ends with it, and what was not committed is undone.
    session!(
        connection,
        task,
        "BEGIN",
        [task.statement.clone()],
        sqlite_text
    )
}

/// Goes on until the work is done or the job is ended from outside; then ends the session at the other end, too.
async fn unless_asked_to_end(
    playing: impl Future<Output = Result<u64, Failure>>,
    ending: impl Future<Output = Result<(), sqlx::Error>>,
) -> Result<u64, Failure> {
    let asked = asked_to_end();
    pin_mut!(playing, asked);
    let played = futures_util::future::select(playing, asked).await;
    if let Ended::Left((done, _)) = played {
        return done;
    }
    let ending = ending.map_err(|error| with_causes(&error));
    Err(ended(tokio::time::timeout(LAST_WORDS, ending).await))
}

/// That work was asked to end, and what became of it at the other end.
fn ended(there: Result<Result<(), String>, Elapsed>) -> Failure {
    Failure::Ended(match there {
        Ok(Ok(())) => "ended before it was done, and its session at the data source with it".into(),
        Ok(Err(reason)) => {
            format!("ended before it was done; its session at the data source may go on: {reason}")
        }
        Err(_) => "ended before it was done; its session at the data source may go on".into(),
    })
}

fn text_or_bytes(value: Result<Option<String>, sqlx::Error>) -> Option<String> {
    value.unwrap_or_else(|_| Some("(no text)".to_owned()))
}

/// A value as SQLite itself would write it.
fn sqlite_text(row: &SqliteRow, at: usize) -> Option<String> {
    let value = row.try_get_raw(at).ok()?;
    if value.is_null() {
        return None;
    }
    let kind = value.type_info().name().to_owned();
    let text = match kind.as_str() {
        "INTEGER" | "BOOLEAN" => row
            .try_get_unchecked::<i64, _>(at)
            .map(|number| number.to_string()),
        // With a point, whatever it is: 2.0, not 2.
        "REAL" => row
            .try_get_unchecked::<f64, _>(at)
            .map(|number| format!("{number:?}")),
        _ => row.try_get_unchecked::<String, _>(at),
    };
    text_or_bytes(text.map(Some))
}

/// What is shown of one statement after another.
struct Shown {
    rows: u64,
    since: Instant,
}

impl Shown {
    fn new() -> Self {
        Self {
            rows: 0,
            since: Instant::now(),
        }
    }

    fn head<'a>(&self, names: impl Iterator<Item = &'a str>) {
        line(names.map(|name| Some(name.to_owned())));
    }

    fn row(&mut self, values: impl Iterator<Item = Option<String>>) {
        self.rows += 1;
        if self.rows <= ROWS {
            line(values);
        }
    }

    /// That a statement is done; what is said of one without rows.
    fn end(&mut self, number: u64, nothing: impl Display) {
        let took = self.since.elapsed().as_secs_f64();
        let _ = io::stdout().lock().flush();
        match self.rows {
            0 => say(format_args!("statement {number}: {nothing}, {took:.3} s")),
            rows if rows > ROWS => say(format_args!(
                "statement {number}: {rows} rows, of which the first {ROWS} are shown, {took:.3} s"
            )),
            rows => say(format_args!("statement {number}: {rows} rows, {took:.3} s")),
        }
        *self = Self::new();
    }
}

/// Values in a line, with tabs between them; what would break it is written as in programs.
fn line(values: impl Iterator<Item = Option<String>>) {
    let mut text = String::new();
    for (at, value) in values.enumerate() {
        if at > 0 {
            text.push('\t');
        }
        let Some(value) = value else {
            text.push_str("NULL");
            continue;
        };
        for (at, letter) in value.chars().enumerate() {
            match letter {
                _ if at == LETTERS => {
                    text.push('…');
                    break;
                }
                letter if letter.is_control() => {
                    let _ = write!(text, "{}", letter.escape_default());
                }
                letter => text.push(letter),
            }
        }
    }
    text.push('\n');
    let _ = io::stdout().lock().write_all(text.as_bytes());
}
