//! Data sources: databases that are asked for the values of params.
//!
//! [`resolver`] is the port's adapter: it looks up where to ask ([`query`] puts the values in their places), and shares an answer
//! among the jobs of an execution: the first [`row`], of which each param takes a column. [`pool`] keeps a few connections to
//! each data source. A file per system knows how it is connected to and asked; none of them writes: a query runs in a
//! transaction that only reads, where the system has one. Some systems are cargo features.

mod clickhouse;
#[cfg(feature = "mongodb")]
mod mongo;
mod mysql;
#[cfg(feature = "odbc")]
mod odbc;
pub mod pool;
mod postgres;
pub mod query;
pub mod resolver;
pub mod row;
#[cfg(feature = "sql-server")]
mod sql_server;
mod sqlite;
#[cfg(any(feature = "odbc", feature = "sql-server"))]
mod statement;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use hcndc_core::{
    engine::ResolveErrorKind,
    model::{DataSource, DataSourceKind, ValueType},
};
use sqlx::error::DatabaseError;

use self::row::{Cell, NO_VALUE, Row};
use super::{
    http::Http,
    settings::{self, Form, Setting, SettingFault, Words},
};
use crate::causes::with_causes;

/// Options that every data source has.
const COMMON: &[Setting] = &[
    Setting::optional("max_connections", Form::Number(1, 50)),
    Setting::optional("connect_seconds", Form::Number(1, 300)),
];

/// Options of data sources with a protocol of their own.
const NETWORK: &[Setting] = &[
    Setting::optional(
        "tls",
        Form::Word(&["none", "prefer", "require", "verify_ca", "verify_full"]),
    ),
    Setting::optional("ca_file", Form::Text),
];

/// Options of data sources that speak HTTP: the port says which of both it is, so there is no "if it is offered".
const HTTP: &[Setting] = &[
    Setting::optional("tls", Form::Word(&["none", "verify_full"])),
    Setting::optional("ca_file", Form::Text),
];

/// Options of SQL Server. Authorities are checked together with names there, so `verify_ca` is none of its.
const SQL_SERVER: &[Setting] = &[
    Setting::optional(
        "tls",
        Form::Word(&["none", "prefer", "require", "verify_full"]),
    ),
    Setting::optional("ca_file", Form::Text),
];

/// Options of MongoDB, whose servers do not say whether they have TLS.
const MONGODB: &[Setting] = &[
    Setting::optional("tls", Form::Word(&["none", "require", "verify_full"])),
    Setting::optional("ca_file", Form::Text),
    Setting::optional("auth_source", Form::Text),
    Setting::optional("replica_set", Form::Text),
    Setting::optional("srv", Form::Flag),
];

/// Options of what is asked by ODBC.
const ODBC: &[Setting] = &[
    Setting::optional("driver", Form::Text),
    Setting::optional("dsn", Form::Text),
    Setting::optional("attribute.*", Form::Text),
];

/// Attributes of ODBC that are no options: they have fields of their own, or would read or write files of the server.
const RESERVED: &[&str] = &[
    "DRIVER", "DSN", "FILEDSN", "SAVEFILE", "UID", "USER", "USERNAME", "PWD", "PASSWORD",
];

/// How much longer than a query's timeout the data source itself may be at it. It gives up, so that nothing runs on there
/// which nobody waits for; but later than we do, so that people are told of a timeout and not of a refusal.
const GRACE: Duration = Duration::from_secs(1);

/// MariaDB's "Connection was killed".
const KILLED: u16 = 1_927;

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct AskError {
    /// What went wrong.
    pub kind: ResolveErrorKind,
    /// In the data source's words, where it has any; no secret.
    pub reason: String,
}

impl AskError {
    /// Of this kind, for this reason.
    #[must_use]
    pub fn new(kind: ResolveErrorKind, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { kind, reason }
    }

    fn timed_out(limit: Duration) -> Self {
        Self::new(
            ResolveErrorKind::TimedOut,
            format!("no value within {limit:?}"),
        )
    }

    fn unreachable(reason: impl Into<String>) -> Self {
        Self::new(ResolveErrorKind::Unreachable, reason)
    }

    /// A failure of a connection that stood: the data source's own words are a refusal.
    fn of_query(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(said) if is_lost(&**said) => Self::unreachable(said.to_string()),
            sqlx::Error::Database(said) => Self::new(ResolveErrorKind::Refused, said.to_string()),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => Self::unreachable(with_causes(error)),
            other => Self::new(ResolveErrorKind::Other, with_causes(other)),
        }
    }

    /// A failure to connect, whatever it is: also a refusal of the user means that nobody can be asked.
    fn of_connect(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Configuration(_) => Self::new(ResolveErrorKind::Other, with_causes(error)),
            other => Self::unreachable(with_causes(other)),
        }
    }

    /// The same, without this text.
    fn without(mut self, secret: &str) -> Self {
        if !secret.is_empty() {
            self.reason = self.reason.replace(secret, "***");
        }
        self
    }
}

/// Whether the last words of a connection say that it was cut: by a shutdown, or by whoever administers the data source.
fn is_lost(said: &dyn DatabaseError) -> bool {
    // Classes 08 of the SQL standard and 57P of PostgreSQL; MariaDB has a number of its own.
    let of_class = |code: &str| code.starts_with("08") || code.starts_with("57P");
    said.code().is_some_and(|code| of_class(&code))
        || said
            .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
            .is_some_and(|said| said.number() == KILLED)
}

/// What is wrong with the options of a data source of this kind.
#[must_use]
pub fn check(kind: DataSourceKind, options: &BTreeMap<String, String>) -> Vec<SettingFault> {
    match kind {
        DataSourceKind::Mysql | DataSourceKind::Postgresql => {
            settings::faults(&[COMMON, NETWORK], options)
        }
        DataSourceKind::Clickhouse => settings::faults(&[COMMON, HTTP], options),
        DataSourceKind::Sqlite => settings::faults(&[COMMON], options),
        DataSourceKind::SqlServer => settings::faults(&[COMMON, SQL_SERVER], options),
        DataSourceKind::Mongodb => settings::faults(&[COMMON, MONGODB], options),
        DataSourceKind::Hive | DataSourceKind::Impala | DataSourceKind::Odbc => {
            let mut faults = settings::faults(&[COMMON, ODBC], options);
            faults.extend(faults_of_odbc(options));
            faults
        }
    }
}

/// What else is wrong with options of ODBC: whoever may write data sources may not thereby run any code in this process.
fn faults_of_odbc(options: &BTreeMap<String, String>) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    if !["driver", "dsn"].iter().any(|it| options.contains_key(*it)) {
        faults.push(SettingFault::missing("driver"));
    }
    for (name, text) in options {
        let (en, zh) = match name.as_str() {
            "driver" | "dsn" if text.contains(['/', '\\', ';', '{', '}', '=']) => (
                "it must be a name of odbcinst.ini or odbc.ini, not a path",
                "应为 odbcinst.ini 或 odbc.ini 中的名称，不能是路径",
            ),
            _ => match name.strip_prefix("attribute.") {
                Some(attribute) if RESERVED.iter().any(|it| it.eq_ignore_ascii_case(attribute)) => {
                    (
                        "this attribute cannot be set: there is a field or an option for it, or it reaches for files",
                        "不能设置这个属性：它有对应的字段或选项，或会访问文件",
                    )
                }
                Some(attribute)
                    if !attribute
                        .chars()
                        .all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | ' ' | '-')) =>
                {
                    (
                        "names of attributes have letters, digits, _, - and spaces",
                        "属性名只能含字母、数字、_、- 和空格",
                    )
                }
                _ => continue,
            },
        };
        faults.push(SettingFault::unreadable(name.clone(), Words::new(en, zh)));
    }
    faults
}

/// A value as sqlx has read it.
fn cell(value: Result<Option<String>, sqlx::Error>) -> Cell {
    match value {
        Ok(value) => Cell::of(value),
        Err(error) => Cell::Unreadable(with_causes(&error)),
    }
}

/// A connection to a data source.
enum Connection {
    MySql(Box<sqlx::MySqlConnection>),
    Postgres(Box<sqlx::PgConnection>),
    Sqlite(Box<sqlx::SqliteConnection>),
    ClickHouse(clickhouse::Client),
    #[cfg(feature = "sql-server")]
    SqlServer(Box<sql_server::Client>),
    #[cfg(feature = "mongodb")]
    Mongo(mongo::Client),
    #[cfg(feature = "odbc")]
    Odbc(odbc::Client),
}

impl Connection {
    /// Connects. Files that are `private`, or below such folders, are nobody's data source.
    async fn open(source: &DataSource, http: &Http, private: &[PathBuf]) -> Result<Self, AskError> {
        let faults = check(source.kind, &source.options);
        if !faults.is_empty() {
            let reason = settings::sentences(&faults);
            return Err(AskError::new(ResolveErrorKind::Other, reason));
        }
        let connecting = async {
            match source.kind {
                DataSourceKind::Mysql => mysql::connect(source).await.map(Self::MySql),
                DataSourceKind::Postgresql => postgres::connect(source).await.map(Self::Postgres),
                DataSourceKind::Sqlite => sqlite::connect(source, private).await.map(Self::Sqlite),
                DataSourceKind::Clickhouse => {
                    clickhouse::Client::new(source, http).map(Self::ClickHouse)
                }
                #[cfg(feature = "sql-server")]
                DataSourceKind::SqlServer => {
                    let connected = sql_server::Client::connect(source).await;
                    connected.map(|client| Self::SqlServer(Box::new(client)))
                }
                #[cfg(not(feature = "sql-server"))]
                DataSourceKind::SqlServer => Err(left_out("SQL Server", "sql-server")),
                #[cfg(feature = "mongodb")]
                DataSourceKind::Mongodb => mongo::Client::connect(source).await.map(Self::Mongo),
                #[cfg(not(feature = "mongodb"))]
                DataSourceKind::Mongodb => Err(left_out("MongoDB", "mongodb")),
                #[cfg(feature = "odbc")]
                DataSourceKind::Hive | DataSourceKind::Impala | DataSourceKind::Odbc => {
                    let connected = odbc::Client::connect(source, private).await;
                    connected.map(Self::Odbc)
                }
                #[cfg(not(feature = "odbc"))]
                DataSourceKind::Hive | DataSourceKind::Impala | DataSourceKind::Odbc => {
                    Err(left_out("ODBC, by which this system is asked,", "odbc"))
                }
            }
        };
        let within = connect_within(source);
        match tokio::time::timeout(within, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(AskError::unreachable(format!(
                "no connection within {} s",
                within.as_secs()
            ))),
        }
    }

    /// The first row that a query gives.
    async fn ask(&mut self, query: &str, timeout: Duration) -> Result<Row, AskError> {
        let found = match self {
            Self::MySql(connection) => mysql::ask(connection, query, timeout).await,
            Self::Postgres(connection) => postgres::ask(connection, query, timeout).await,
            Self::Sqlite(connection) => sqlite::ask(connection, query, timeout).await,
            Self::ClickHouse(client) => client.ask(query, timeout).await,
            #[cfg(feature = "sql-server")]
            Self::SqlServer(client) => client.ask(query, timeout).await,
            #[cfg(feature = "mongodb")]
            Self::Mongo(client) => client.ask(query, timeout).await,
            #[cfg(feature = "odbc")]
            Self::Odbc(client) => client.ask(query, timeout).await,
        };
        found?.ok_or_else(|| AskError::new(ResolveErrorKind::NoRow, NO_VALUE))
    }

    /// Which system is at the other end, in its own words.
    async fn version(&mut self) -> Result<String, AskError> {
        let query = match self {
            Self::MySql(_) | Self::Postgres(_) | Self::ClickHouse(_) => "SELECT version()",
            Self::Sqlite(_) => "SELECT sqlite_version()",
            #[cfg(feature = "sql-server")]
            Self::SqlServer(_) => "SELECT @@VERSION",
            #[cfg(feature = "mongodb")]
            Self::Mongo(client) => return client.version().await,
            #[cfg(feature = "odbc")]
            Self::Odbc(client) => return Ok(client.version()),
        };
        let row = self.ask(query, Duration::from_secs(10)).await?;
        row.value(None, ValueType::Text)
    }
}

/// How long a connection may take.
fn connect_within(source: &DataSource) -> Duration {
    Duration::from_secs(settings::number(&source.options, "connect_seconds", 10))
}

/// That this program has no client for a system, and which one has.
#[cfg(not(all(feature = "sql-server", feature = "mongodb", feature = "odbc")))]
fn left_out(system: &str, feature: &str) -> AskError {
    let reason = format!(
        "this program was built without the feature {feature}, so that {system} cannot be asked; take one that was built \
         with it: cargo build --release --features hcndc-web/{feature}"
    );
    AskError::new(ResolveErrorKind::Unsupported, reason)
}
