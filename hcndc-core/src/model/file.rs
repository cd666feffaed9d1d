//! File servers, and the files on them that make schedules fire.

use alloc::{collections::BTreeMap, string::String};
use core::time::Duration;

use chrono_tz::Tz;

use super::{FileServerRef, Revision, Secret};
use crate::{
    id::{FileEventId, FileServerId},
    trigger::TimeOfDay,
};

/// A place where files arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FileServer {
    /// Given by the engine.
    pub id: FileServerId,
    /// Unique among file servers; 1 to 255 characters, no control characters, no outer spaces.
    pub name: String,
    /// Slash path to file it under (目录); starts with `/`.
    pub directory: String,
    /// For people.
    pub description: String,
    /// How it is reached.
    pub kind: FileServerKind,
    /// Host name or address; empty for local files.
    pub host: String,
    /// Port, not 0; `None` for the protocol's own.
    pub port: Option<u16>,
    /// Who logs in.
    pub user: String,
    /// With what.
    pub password: Secret,
    /// Further settings of the connection.
    pub options: BTreeMap<String, String>,
    /// Version, and who made it.
    pub revision: Revision,
}

/// How a file server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(missing_docs, reason = "names are names")]
pub enum FileServerKind {
    Local,
    Ftp,
    Ftps,
    Sftp,
    S3,
}

/// A watched path whose files make schedules fire (文件事件).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FileEvent {
    /// Given by the engine.
    pub id: FileEventId,
    /// Unique among file events; 1 to 255 characters, no control characters, no outer spaces.
    pub name: String,
    /// Slash path to file it under (目录); starts with `/`.
    pub directory: String,
    /// For people.
    pub description: String,
    /// An event that is not enabled is not watched.
    pub enabled: bool,
    /// Where.
    pub server: FileServerId,
    /// Path on the server; not empty; placeholders of dates and globs (`*`, `?`) may stand in it.
    pub path: String,
    /// The part of each day in which it is watched; `None` for always.
    pub window: Option<Window>,
    /// Whose clock the window and the dates go by.
    pub zone: Tz,
    /// Time between two looks, 1 second to 1 day.
    pub interval: Duration,
    /// How long a file must have been left alone before it counts.
    pub min_age: Duration,
    /// Name of a file beside it that says that it is complete; not empty.
    pub marker: Option<String>,
    /// What it fires for once.
    pub per: FilePer,
    /// Form of the data date in a file's name as of `strftime`; `None`: the date counts from the day of arrival.
    pub date_pattern: Option<String>,
    /// Version, and who made it.
    pub revision: Revision,
}

/// A part of each day, local time; over midnight if it ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Window {
    /// Its first second.
    pub from: TimeOfDay,
    /// Its last second.
    pub to: TimeOfDay,
}

/// What a file event fires for once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum FilePer {
    /// A data date, however many files arrive for it.
    #[default]
    Date,
    /// A file.
    File,
}

/// A [`FileServer`] as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on FileServer")]
pub struct FileServerDraft {
    /// `None` makes a new one.
    pub id: Option<FileServerId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub directory: String,
    pub description: String,
    pub kind: FileServerKind,
    pub host: String,
    pub port: Option<u16>,
    pub user: String,
    /// `None` keeps the one that it has, none for a new one.
    pub password: Option<Secret>,
    pub options: BTreeMap<String, String>,
}

/// As it is, to be changed; the secret stays.
impl From<&FileServer> for FileServerDraft {
    fn from(it: &FileServer) -> Self {
        Self {
            id: Some(it.id),
            version: Some(it.revision.version),
            name: it.name.clone(),
            directory: it.directory.clone(),
            description: it.description.clone(),
            kind: it.kind,
            host: it.host.clone(),
            port: it.port,
            user: it.user.clone(),
            password: None,
            options: it.options.clone(),
        }
    }
}

impl FileServerDraft {
    /// A new file server of this name, kind and host, with nothing else set.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: FileServerKind, host: impl Into<String>) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            directory: "/".into(),
            description: String::new(),
            kind,
            host: host.into(),
            port: None,
            user: String::new(),
            password: None,
            options: BTreeMap::new(),
        }
    }
}

/// A [`FileEvent`] as people write it; the fields mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(missing_docs, reason = "they stand on FileEvent")]
pub struct FileEventDraft {
    /// `None` makes a new one.
    pub id: Option<FileEventId>,
    /// With an id: refused unless this is its version; `None` replaces any.
    pub version: Option<u32>,
    pub name: String,
    pub directory: String,
    pub description: String,
    pub enabled: bool,
    pub server: FileServerRef,
    pub path: String,
    pub window: Option<Window>,
    pub zone: Tz,
    pub interval: Duration,
    pub min_age: Duration,
    pub marker: Option<String>,
    pub per: FilePer,
    pub date_pattern: Option<String>,
}

impl FileEventDraft {
    /// A new file event of this name, server and path that is looked for each minute, in UTC.
    #[must_use]
    pub fn new(name: impl Into<String>, server: FileServerRef, path: impl Into<String>) -> Self {
        Self {
            id: None,
            version: None,
            name: name.into(),
            directory: "/".into(),
            description: String::new(),
            enabled: true,
            server,
            path: path.into(),
            window: None,
            zone: Tz::UTC,
            interval: Duration::from_secs(60),
            min_age: Duration::ZERO,
            marker: None,
            per: FilePer::default(),
            date_pattern: None,
        }
    }
}
