//! Whatever has a driver for ODBC: Hive, Impala and others.
//!
//! Drivers block, and are somebody else's code. So each connection has a thread of its own, in which all calls for it are made
//! and which outlives whoever waits for it, should a driver not come back: a thread of the runtime would then keep the
//! program from ending. Texts are asked for as UTF-16, for what other texts are is the business of the host's locale.
//!
//! A query runs in a transaction that is always rolled back, in a session that only reads where the system is known to have
//! such; and it is one statement that asks, for some systems have no transactions.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use hcndc_core::{
    engine::ResolveErrorKind,
    model::{DataSource, DataSourceKind, LONGEST_TEXT},
};
use odbc_api::{
    Connection, ConnectionOptions, Cursor as _, DriverSpecificConnectionOptions, Error,
    Preallocated, ResultSetMetadata as _, SetConnectionAttributeArgs,
    buffers::Indicator,
    environment,
    handles::{AsStatementRef as _, Statement, StatementImpl},
    parameter::VarWCharBox,
    sys::{ConnectionAttribute, HStmt, IS_UINTEGER, Pointer, SQLCancel},
};
use tokio::sync::oneshot;

use super::{
    AskError, GRACE,
    row::{Cell, Row},
    statement,
};
use crate::connect::settings;

/// Threads of connections at once, those included whose drivers do not come back.
const MOST_THREADS: usize = 200;
/// What statements that ask begin with.
const WORDS: &[&str] = &[
    "select", "with", "values", "show", "describe", "desc", "explain", "table",
];

/// How many threads of connections there are.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// A connection: the way to its thread. Dropped, it has the thread disconnect and end.
pub(super) struct Client {
    jobs: mpsc::Sender<Job>,
    running: Arc<Running>,
    version: String,
}

/// A query for a connection's thread.
struct Job {
    query: String,
    timeout: Duration,
    answer: oneshot::Sender<Result<Option<Row>, AskError>>,
}

/// The statement that a connection's thread is at, for others to cancel.
#[derive(Default)]
struct Running(Mutex<Option<Handle>>);

/// A statement's handle.
struct Handle(HStmt);

// SAFETY: of all threads but its own only `SQLCancel` is called with it, which ODBC allows for that very purpose.
unsafe impl Send for Handle {}

impl Running {
    fn set(&self, handle: Option<Handle>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = handle;
    }

    /// Has the statement be given up, if there is one. May take as long as a connection.
    fn cancel(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Handle(handle)) = &*running {
            // SAFETY: the handle is taken out, under this lock, before its statement is freed.
            let _ = unsafe { SQLCancel(*handle) };
        }
    }
}

/// Cancels what runs when whoever waits for it goes.
struct Waiting<'a>(&'a Arc<Running>, bool);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.1 {
            let running = Arc::clone(self.0);
            // Some drivers make a connection for it. Where there is no thread to be had the driver's own limit must do.
            let _ = thread::Builder::new()
                .name("odbc-cancel".to_owned())
                .spawn(move || running.cancel());
        }
    }
}

/// Counts a thread for as long as it is there.
struct Counted;

impl Counted {
    fn new() -> Option<Self> {
        let taken = THREADS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            (count < MOST_THREADS).then_some(count + 1)
        });
        taken.is_ok().then_some(Self)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Client {
    /// Connects. Values that are paths of `private` files, or of files below such folders, are refused.
    pub(super) async fn connect(
        source: &DataSource,
        private: &[PathBuf],
    ) -> Result<Self, AskError> {
        let values = source.options.values().chain([&source.database]);
        if values.into_iter().any(|value| is_private(value, private)) {
            let reason = "the server's own files are no data sources";
            return Err(AskError::new(ResolveErrorKind::Refused, reason));
        }
        let address = address(source);
        let within = settings::number(&source.options, "connect_seconds", 10);
        let within = u32::try_from(within).unwrap_or(u32::MAX);
        let Some(counted) = Counted::new() else {
            let reason =
                format!("{MOST_THREADS} connections by ODBC are open, or hang in their drivers");
            return Err(AskError::new(ResolveErrorKind::Other, reason));
        };
        let (jobs, todo) = mpsc::channel();
        let (ready, connected) = oneshot::channel();
        let running = Arc::new(Running::default());
        let its = Arc::clone(&running);
        thread::Builder::new()
            .name("odbc".to_owned())
            .spawn(move || {
                let _counted = counted;
                serve(&address, within, &its, &todo, ready);
            })
            .map_err(|error| AskError::new(ResolveErrorKind::Other, error.to_string()))?;
        let version = connected.await.map_err(|_| broken())??;
        Ok(Self {
            jobs,
            running,
            version,
        })
    }

    pub(super) async fn ask(
        &self,
        query: &str,
        timeout: Duration,
    ) -> Result<Option<Row>, AskError> {
        if !statement::asks(query, WORDS) {
            let words = WORDS.join(", ").to_uppercase();
            let reason = format!(
                "a data source of ODBC answers one statement, which begins with one of {words}"
            );
            return Err(AskError::new(ResolveErrorKind::Refused, reason));
        }
        let (answer, asked) = oneshot::channel();
        let job = Job {
            query: query.to_owned(),
            timeout,
            answer,
        };
        self.jobs.send(job).map_err(|_| broken())?;
        let mut waiting = Waiting(&self.running, true);
        let asked = asked.await.map_err(|_| broken());
        waiting.1 = false;
        asked?
    }

    /// The system's name, in its driver's words.
    pub(super) fn version(&self) -> String {
        self.version.clone()
    }
}

/// That the thread ended on its own: drivers that break the rules of ODBC are ended so.
fn broken() -> AskError {
    AskError::unreachable("its driver broke off")
}

/// Whether a value is the path of a file that is nobody's.
fn is_private(value: &str, private: &[PathBuf]) -> bool {
    let path = value.strip_prefix("file:").unwrap_or(value);
    let path = path.split('?').next().unwrap_or(path);
    let real = Path::new(path).canonicalize();
    real.is_ok_and(|real| private.iter().any(|private| real.starts_with(private)))
}

/// What is connected to, as ODBC has it: attributes, each with a value in braces if it is more than a word.
fn address(source: &DataSource) -> String {
    // With braces in any case, as everybody writes it: the name holds none.
    let driver = settings::text(&source.options, "driver");
    let mut address = driver.map_or_else(String::new, |name| format!("DRIVER={{{name}}};"));
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            address.push_str(name);
            address.push('=');
            address.push_str(&quoted(value));
            address.push(';');
        }
    };
    let option = |name| settings::text(&source.options, name).unwrap_or_default();
    add("DSN", option("dsn"));
    // Some drivers have words of their own for the same.
    let (server, database) = match source.kind {
        DataSourceKind::Hive => ("HOST", "SCHEMA"),
        DataSourceKind::Impala => ("HOST", "DATABASE"),
        _ => ("SERVER", "DATABASE"),
    };
    add(server, &source.host);
    let port = source.port.map(|port| port.to_string());
    add("PORT", &port.unwrap_or_default());
    add(database, &source.database);
    add("UID", &source.user);
    add("PWD", source.password.reveal());
    for (name, value) in &source.options {
        if let Some(name) = name.strip_prefix("attribute.") {
            add(name, value);
        }
    }
    address
}

/// A value that begins and ends where it should, whatever it holds.
fn quoted(value: &str) -> String {
    let is_plain = |it: char| it.is_alphanumeric() || matches!(it, '_' | '.' | '-' | ':' | '/');
    match value.chars().all(is_plain) {
        true => value.to_owned(),
        false => format!("{{{}}}", value.replace('}', "}}")),
    }
}

/// What a connection's thread does: connects, and asks until nobody can ask any more.
fn serve(
    address: &str,
    within: u32,
    running: &Running,
    todo: &mpsc::Receiver<Job>,
    ready: oneshot::Sender<Result<String, AskError>>,
) {
    let opened = open(address, within);
    let (connection, version) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    if ready.send(Ok(version)).is_err() {
        return;
    }
    while let Ok(job) = todo.recv() {
        let asked = ask(&connection, running, &job.query, job.timeout);
        let asked = asked.map_err(|error| of_query(&connection, &error));
        // Nothing of what was asked stays; without transactions there is nothing to take back.
        let _ = connection.rollback();
        let _ = job.answer.send(asked);
    }
}

/// What every driver has to know of a connection before it is made, though few heed it.
struct OnlyToRead;

impl DriverSpecificConnectionOptions<'static> for OnlyToRead {
    fn attributes(&self) -> impl Iterator<Item = SetConnectionAttributeArgs<'static>> {
        /// `SQL_MODE_READ_ONLY`.
        const READ_ONLY: usize = 1;
        let value = READ_ONLY as Pointer;
        // SAFETY: the standard's own attribute, whose value is this number and no address.
        let read = unsafe {
            SetConnectionAttributeArgs::new(ConnectionAttribute::ACCESS_MODE, value, IS_UINTEGER)
        };
        [read].into_iter()
    }
}

/// A connection, and what its driver says that it leads to.
fn open(address: &str, within: u32) -> Result<(Connection<'static>, String), AskError> {
    let environment = environment().map_err(|error| {
        AskError::new(
            ResolveErrorKind::Unsupported,
            format!("ODBC cannot be used: {error}"),
        )
    })?;
    let options = ConnectionOptions {
        login_timeout_sec: Some(within),
        ..ConnectionOptions::default()
    };
    // SAFETY: the attribute is the standard's, so every driver knows it, or refuses it.
    let connected = unsafe {
        environment.connect_with_connection_string_and_driver_specific_options(
            address, options, OnlyToRead,
        )
    };
    let connected = match connected {
        Err(error) if is_of_attribute(&error) => {
            environment.connect_with_connection_string(address, ConnectionOptions::default())
        }
        other => other,
    };
    let connection = connected.map_err(|error| {
        let is_absent = state(&error).starts_with("IM") || told(&error).contains("Can't open lib");
        match is_absent {
            true => {
                let drivers = environment.drivers().unwrap_or_default();
                let mut names: Vec<String> = drivers.into_iter().map(|it| it.description).collect();
                names.sort_unstable();
                let there = match names.is_empty() {
                    true => "no driver is installed on the server's host".to_owned(),
                    false => format!("drivers on the server's host: {}", names.join(", ")),
                };
                AskError::new(
                    ResolveErrorKind::Unsupported,
                    format!("{}; {there}", told(&error)),
                )
            }
            false => AskError::unreachable(told(&error)),
        }
    })?;
    let name = connection
        .database_management_system_name()
        .unwrap_or_else(|_| "a system without a name".to_owned());
    let only_reads = match name.to_lowercase() {
        name if name.contains("postgres") => {
            Some("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        }
        name if name.contains("mysql") || name.contains("mariadb") => {
            Some("SET SESSION TRANSACTION READ ONLY")
        }
        name if name.contains("sqlite") => Some("PRAGMA query_only = ON"),
        _ => None,
    };
    if let Some(statement) = only_reads {
        let set = connection.execute(statement, (), None);
        set.map_err(|error| AskError::unreachable(told(&error)))?;
    }
    // Systems without transactions refuse it: there one statement that asks must do.
    let _ = connection.set_autocommit(false);
    Ok((connection, name))
}

fn ask(
    connection: &Connection<'_>,
    running: &Running,
    query: &str,
    timeout: Duration,
) -> Result<Option<Row>, Error> {
    let mut statement = connection.preallocate()?;
    let limit = timeout.saturating_add(GRACE).as_secs().saturating_add(1);
    // Not every driver has it.
    let _ = statement.set_query_timeout_sec(usize::try_from(limit).unwrap_or(usize::MAX));
    running.set(Some(Handle(statement.as_stmt_ref().as_sys())));
    let found = first(&mut statement, query);
    running.set(None);
    found
}

fn first(
    statement: &mut Preallocated<StatementImpl<'_>>,
    query: &str,
) -> Result<Option<Row>, Error> {
    let Some(mut cursor) = statement.execute(query, ())? else {
        return Ok(None);
    };
    let count = u16::try_from(cursor.num_result_cols()?).unwrap_or(0);
    let names = (1..=count).map(|at| cursor.col_name(at));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let Some(mut found) = cursor.next_row()? else {
        return Ok(None);
    };
    let mut row = Row::default();
    // With room for the longest value that there may be, and for one letter more, by which a longer one is known.
    let mut value = VarWCharBox::from_buffer(
        vec![0_u16; LONGEST_TEXT + 2].into_boxed_slice(),
        Indicator::Null,
    );
    for (name, at) in names.into_iter().zip(1..) {
        found.get_data(at, &mut value)?;
        let cell = match value.is_complete() {
            false => Cell::Unreadable(format!("the value is longer than {LONGEST_TEXT} bytes")),
            true => match value.as_slice().map(String::from_utf16) {
                None => Cell::Null,
                Some(Ok(text)) => Cell::Text(text),
                Some(Err(error)) => Cell::Unreadable(error.to_string()),
            },
        };
        row.push(name, cell);
    }
    Ok(Some(row))
}

/// The five letters that tell what went wrong; empty where there are none.
fn state(error: &Error) -> &str {
    match error {
        Error::Diagnostics { record, .. } => record.state.as_str(),
        _ => "",
    }
}

/// Whether it is the access mode that was refused.
fn is_of_attribute(error: &Error) -> bool {
    matches!(state(error), "HYC00" | "HY024" | "HY092" | "IM001")
}

/// The driver's words, with which most name themselves.
fn told(error: &Error) -> String {
    match error {
        Error::Diagnostics { record, .. } => {
            let said = record.to_string();
            let words = said
                .split_once("Message: ")
                .map_or(&*said, |(_, words)| words);
            let words: Vec<&str> = words.split_whitespace().collect();
            format!("{} ({})", words.join(" "), record.state.as_str())
        }
        other => other.to_string(),
    }
}

/// What a failed query means. Not every driver says by its state that the connection is gone.
fn of_query(connection: &Connection<'_>, error: &Error) -> AskError {
    /// "Server has gone away", "lost connection", "connection was killed" of MySQL and MariaDB.
    const GONE: &[i32] = &[2_006, 2_013, 1_927];
    let state = state(error);
    let is_gone = state.starts_with("08")
        || state.starts_with("57P")
        || matches!(error, Error::Diagnostics { record, .. } if GONE.contains(&record.native_error))
        || connection.is_dead().unwrap_or(false);
    let kind = match state {
        _ if is_gone => ResolveErrorKind::Unreachable,
        "HYT00" | "HYT01" | "57014" | "HY008" => ResolveErrorKind::TimedOut,
        "" => ResolveErrorKind::Other,
        _ => ResolveErrorKind::Refused,
    };
    AskError::new(kind, told(error))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_value_cannot_begin_another_attribute() {
        for (value, expected) in [
            ("127.0.0.1", "127.0.0.1"),
            ("etl user", "{etl user}"),
            ("x;DRIVER=y", "{x;DRIVER=y}"),
            ("x};PWD=y", "{x}};PWD=y}"),
            ("{x", "{{x}"),
            ("p@ss=w", "{p@ss=w}"),
        ] {
            assert_eq!(quoted(value), expected);
        }
    }
}
