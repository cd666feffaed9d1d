//! Data sources: databases that shared params query.

use alloc::{collections::BTreeMap, string::String};

use super::{Revision, Secret};
use crate::id::DataSourceId;

/// A database that shared params query (数据源).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DataSource {
    /// Given by the engine.
    pub id: DataSourceId,
    /// Unique among data sources; 1 to 255 characters, no control characters, no outer spaces.
    pub name: String,
    /// Slash path to file it under (目录); starts with `/`.
    pub directory: String,
    /// For people.
    pub description: String,
    /// Which system it is.
    pub kind: DataSourceKind,
    /// Host name or address; empty for a file.
    pub host: String,
    /// Port, not 0; `None` for the system's own.
    pub port: Option<u16>,
    /// Database, or the path of a file.
    pub database: String,
    /// Who logs in.
    pub user: String,
    /// With what.
    pub password: Secret,
    /// Further settings of the connection.
    pub options: BTreeMap<String, String>,
    /// Version, and who made it.
    pub revision: Revision,
}

/// Which system a data source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(missing_docs, reason = "names are names")]
pub enum DataSourceKind {
    Mysql,
    Postgresql,
    Sqlite,
    SqlServer,
    Mongodb,
    Hive,
    Impala,
    Clickhouse,
    Odbc,
}

/// A [`DataSource`] as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on DataSource")]
pub struct DataSourceDraft {
    /// `None` makes a new one.
    pub id: Option<DataSourceId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub directory: String,
    pub description: String,
    pub kind: DataSourceKind,
    pub host: String,
    pub port: Option<u16>,
    pub database: String,
    pub user: String,
    /// `None` keeps the one that it has, none for a new one.
    pub password: Option<Secret>,
    pub options: BTreeMap<String, String>,
}

/// As it is, to be changed; the secret stays.
impl From<&DataSource> for DataSourceDraft {
    fn from(it: &DataSource) -> Self {
        Self {
            id: Some(it.id),
            version: Some(it.revision.version),
            name: it.name.clone(),
            directory: it.directory.clone(),
            description: it.description.clone(),
            kind: it.kind,
            host: it.host.clone(),
            port: it.port,
            database: it.database.clone(),
            user: it.user.clone(),
            password: None,
            options: it.options.clone(),
        }
    }
}

impl DataSourceDraft {
    /// A new data source of this name, kind and host, with nothing else set.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: DataSourceKind, host: impl Into<String>) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            directory: "/".into(),
            description: String::new(),
            kind,
            host: host.into(),
            port: None,
            database: String::new(),
            user: String::new(),
            password: None,
            options: BTreeMap::new(),
        }
    }
}
