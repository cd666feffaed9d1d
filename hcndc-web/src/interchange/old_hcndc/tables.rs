//! The old tables, as texts, in one consistent picture.

use std::{collections::BTreeMap, time::Duration};

use sqlx::{
    Column as _, Connection as _, Executor as _, MySqlConnection, Row as _,
    mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlRow},
};

/// Tables that are read, each with its statement and with the column that numbers its rows.
const SOURCES: &[(&str, &str, &str)] = &[
    ("tb_exec_host", "SELECT * FROM tb_exec_host", "server_id"),
    ("tb_interface", "SELECT * FROM tb_interface", "interface_id"),
    (
        "tb_interface_parent",
        "SELECT * FROM tb_interface_parent",
        "id",
    ),
    (
        "tb_interface_child",
        "SELECT * FROM tb_interface_child",
        "id",
    ),
    ("tb_jobs", "SELECT * FROM tb_jobs", "job_id"),
    ("tb_job_prep", "SELECT * FROM tb_job_prep", "id"),
    ("tb_job_param", "SELECT * FROM tb_job_param", "id"),
    ("tb_datasource", "SELECT * FROM tb_datasource", "source_id"),
    (
        "tb_param_config",
        "SELECT * FROM tb_param_config",
        "param_id",
    ),
    (
        "tb_param_index",
        "SELECT * FROM tb_param_index",
        "p_index_id",
    ),
    ("tb_dispatch", "SELECT * FROM tb_dispatch", "dispatch_id"),
    ("tb_dispatch_alert", "SELECT * FROM tb_dispatch_alert", "id"),
    (
        "tb_dispatch_alert_conf",
        "SELECT * FROM tb_dispatch_alert_conf",
        "id",
    ),
    ("tb_ftp_config", "SELECT * FROM tb_ftp_config", "ftp_id"),
    (
        "tb_file_event",
        "SELECT * FROM tb_file_event",
        "ftp_event_id",
    ),
    (
        "tb_file_event_interface",
        "SELECT * FROM tb_file_event_interface",
        "id",
    ),
    ("tb_user", "SELECT * FROM tb_user", "id"),
    ("tb_user_roles", "SELECT * FROM tb_user_roles", "id"),
    (
        "tb_user_roles_link",
        "SELECT * FROM tb_user_roles_link",
        "id",
    ),
    ("tb_user_privilege", "SELECT * FROM tb_user_privilege", "id"),
    (
        "tb_user_privilege_link",
        "SELECT * FROM tb_user_privilege_link",
        "id",
    ),
];

/// Tables that the last version had. Others came and went before it.
pub(super) const TABLES: &[&str] = &[
    "tb_exec_host",
    "tb_interface",
    "tb_interface_parent",
    "tb_jobs",
    "tb_job_prep",
    "tb_job_param",
    "tb_datasource",
    "tb_param_config",
    "tb_dispatch",
    "tb_dispatch_alert",
    "tb_dispatch_alert_conf",
    "tb_ftp_config",
    "tb_file_event",
    "tb_file_event_interface",
    "tb_user",
    "tb_user_roles",
    "tb_user_roles_link",
    "tb_user_privilege",
    "tb_user_privilege_link",
];

/// Columns without which the rest means nothing. Of tables without rows no columns are known, nor needed.
const NEEDED: &[(&str, &[&str])] = &[
    ("tb_exec_host", &["server_id", "server_host"]),
    ("tb_interface", &["interface_id", "interface_name"]),
    ("tb_interface_parent", &["interface_id", "parent_id"]),
    (
        "tb_jobs",
        &["job_id", "interface_id", "job_name", "server_script"],
    ),
    ("tb_job_prep", &["job_id", "prep_id"]),
    ("tb_job_param", &["job_id", "param_id"]),
    (
        "tb_datasource",
        &["source_id", "source_name", "source_type"],
    ),
    (
        "tb_param_config",
        &["param_id", "param_type", "param_value"],
    ),
    (
        "tb_dispatch",
        &["dispatch_id", "interface_id", "minute", "hour", "status"],
    ),
    (
        "tb_dispatch_alert",
        &["dispatch_id", "config_id", "alert_type"],
    ),
    ("tb_dispatch_alert_conf", &["id", "alert_channel"]),
    ("tb_ftp_config", &["ftp_id", "ftp_host"]),
    (
        "tb_file_event",
        &["ftp_event_id", "ftp_id", "data_path", "file_name", "status"],
    ),
    ("tb_file_event_interface", &["ftp_event_id", "interface_id"]),
    ("tb_user", &["id", "user_name"]),
];

/// Tables without which a database is none of a first HCNDC.
const HALLMARKS: [&str; 2] = ["tb_interface", "tb_jobs"];

/// How long the server may take to be reached.
const PATIENCE: Duration = Duration::from_secs(15);

/// MySQL's "SELECT command denied to user".
const DENIED: u16 = 1_142;

/// A table that a test writes down: its name, its columns, its rows.
#[cfg(test)]
pub(super) type Written<'a> = (&'a str, &'a [&'a str], &'a [&'a [&'a str]]);

/// Why tables were not read.
#[derive(Debug, thiserror::Error)]
pub enum OldReadError {
    /// The server cannot be reached, or lets nobody in.
    #[error("cannot connect to the database of the first HCNDC")]
    Connect(#[source] sqlx::Error),
    /// It does not answer.
    #[error("the database of the first HCNDC does not answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// The database is none of a first HCNDC.
    #[error("the database has no table {table}: it is none of a first HCNDC")]
    NotOne {
        /// The table.
        table: &'static str,
    },
    /// A table lacks a column that all versions had.
    #[error("the table {table} has no column {column}")]
    NoColumn {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The user may not read a table.
    #[error("the user may not read the table {table}: GRANT SELECT on it")]
    Denied {
        /// The table.
        table: &'static str,
    },
    /// A table cannot be read.
    #[error("cannot read the table {table}")]
    Table {
        /// The table.
        table: &'static str,
        /// What the server says.
        source: sqlx::Error,
    },
}

/// The tables of a first HCNDC.
#[derive(Debug, Clone, Default)]
pub struct OldTables {
    tables: BTreeMap<&'static str, Table>,
}

#[derive(Debug, Clone, Default)]
struct Table {
    columns: BTreeMap<String, usize>,
    /// In the order of their numbers.
    rows: Vec<Vec<Option<String>>>,
}

impl OldTables {
    /// Reads all tables in one transaction that only reads and sees one state of them.
    ///
    /// # Errors
    /// See [`OldReadError`]; none holds the password.
    pub async fn read(options: &MySqlConnectOptions) -> Result<Self, OldReadError> {
        let connecting = MySqlConnection::connect_with(options);
        let connected = tokio::time::timeout(PATIENCE, connecting).await;
        let connected = connected.map_err(|_| OldReadError::Silent)?;
        let mut connection = connected.map_err(OldReadError::Connect)?;
        for statement in [
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        ] {
            let begun = connection.execute(sqlx::raw_sql(statement)).await;
            begun.map_err(OldReadError::Connect)?;
        }
        let found = connection.fetch_all(sqlx::raw_sql("SHOW TABLES")).await;
        let found = found.map_err(OldReadError::Connect)?;
        let found: Vec<String> = found.iter().filter_map(|row| text(row, 0)).collect();
        for table in HALLMARKS {
            if !found.iter().any(|it| it == table) {
                return Err(OldReadError::NotOne { table });
            }
        }
        let mut tables = Self::default();
        for &(table, statement, key) in SOURCES {
            if !found.iter().any(|it| it == table) {
                continue;
            }
            let rows = connection.fetch_all(sqlx::raw_sql(statement)).await;
            let rows = rows.map_err(|source| OldReadError::of_table(table, source))?;
            tables.add(table, key, Table::of(&rows))?;
        }
        // The picture was only looked at: whether the server hears that it is done with makes no difference.
        let _ = connection.close().await;
        Ok(tables)
    }

    /// Tables that a test writes down: for each its columns and rows.
    #[cfg(test)]
    pub(super) fn written(tables: &[Written<'_>]) -> Result<Self, OldReadError> {
        let mut all = Self::default();
        for (name, columns, rows) in tables {
            let source = SOURCES.iter().find(|(table, ..)| table == name);
            let &(table, _, key) = source.expect("a table of the first HCNDC");
            let value = |text: &&str| (*text != "NULL").then(|| (*text).to_owned());
            let columns = columns.iter().enumerate();
            let table_read = Table {
                columns: columns.map(|(at, it)| ((*it).to_owned(), at)).collect(),
                rows: rows
                    .iter()
                    .map(|row| row.iter().map(value).collect())
                    .collect(),
            };
            all.add(table, key, table_read)?;
        }
        Ok(all)
    }

    fn add(
        &mut self,
        name: &'static str,
        key: &'static str,
        mut table: Table,
    ) -> Result<(), OldReadError> {
        let needed = NEEDED.iter().find(|(table, _)| *table == name);
        let needed = needed.map_or(&[][..], |(_, columns)| columns);
        if !table.rows.is_empty() {
            let missing = needed.iter().find(|it| !table.columns.contains_key(**it));
            if let Some(&column) = missing {
                return Err(OldReadError::NoColumn {
                    table: name,
                    column,
                });
            }
        }
        // The order of link rows is that of a job's params.
        if let Some(&at) = table.columns.get(key) {
            let number = |row: &Vec<Option<String>>| {
                let text = row[at].as_deref().unwrap_or_default();
                text.parse::<i64>().unwrap_or(i64::MAX)
            };
            table.rows.sort_by_key(number);
        }
        self.tables.insert(name, table);
        Ok(())
    }

    /// Whether the database has this table.
    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// Names of the tables that are there, with the numbers of their rows.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.tables
            .iter()
            .map(|(name, table)| (*name, table.rows.len()))
    }

    /// The rows of a table; none of one that is not there.
    pub(super) fn rows(&self, table: &'static str) -> impl Iterator<Item = Row<'_>> {
        let key = SOURCES.iter().find(|(name, ..)| *name == table);
        let key = key.map_or("id", |(_, _, key)| key);
        let found = self.tables.get(table);
        found.into_iter().flat_map(move |found| {
            let columns = &found.columns;
            found.rows.iter().map(move |values| Row {
                table,
                key,
                columns,
                values,
            })
        })
    }
}

impl OldReadError {
    fn of_table(table: &'static str, source: sqlx::Error) -> Self {
        let said = source.as_database_error();
        let said = said.and_then(|said| said.try_downcast_ref::<MySqlDatabaseError>());
        match said.is_some_and(|said| said.number() == DENIED) {
            true => Self::Denied { table },
            false => Self::Table { table, source },
        }
    }
}

impl Table {
    fn of(rows: &[MySqlRow]) -> Self {
        let columns = rows.first().map(|row| row.columns()).unwrap_or_default();
        let columns = columns.iter().enumerate();
        let columns: BTreeMap<String, usize> = columns
            .map(|(at, column)| (column.name().to_ascii_lowercase(), at))
            .collect();
        let count = columns.len();
        let values = |row: &MySqlRow| (0..count).map(|at| text(row, at)).collect();
        Self {
            columns,
            rows: rows.iter().map(values).collect(),
        }
    }
}

/// A value as the server writes it. What is no UTF-8 although it says so is kept as far as it can be read.
fn text(row: &MySqlRow, at: usize) -> Option<String> {
    let bytes = row.try_get_unchecked::<Option<Vec<u8>>, _>(at).ok()??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// One row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'static str,
    key: &'static str,
    columns: &'a BTreeMap<String, usize>,
    values: &'a [Option<String>],
}

impl<'a> Row<'a> {
    /// Its table.
    pub(super) fn table(&self) -> &'static str {
        self.table
    }

    /// Its number; 0 if it has none.
    pub(super) fn id(&self) -> i64 {
        self.number(self.key).unwrap_or(0)
    }

    /// A text; empty if there is none, and if there is no such column.
    pub(super) fn text(&self, column: &str) -> &'a str {
        let at = self.columns.get(column);
        let value = at.and_then(|at| self.values.get(*at)?.as_deref());
        value.unwrap_or_default()
    }

    /// Whether its table has this column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }

    /// A whole number, if there is one.
    pub(super) fn number(&self, column: &str) -> Option<i64> {
        self.text(column).trim().parse().ok()
    }

    /// Whether the first HCNDC showed it to nobody any more: rows had a flag for that, or a state.
    pub(super) fn is_deleted(&self) -> bool {
        let has_state = matches!(self.table, "tb_dispatch" | "tb_file_event");
        match has_state {
            true => self.number("status").unwrap_or(0) == 0,
            false => self.number("is_deleted").unwrap_or(0) != 0,
        }
    }
}
