//! Files: the places where they arrive, looked at for those that an event waits for.
//!
//! [`probe`] is the port's adapter. A file per kind of place lists folders and knows nothing else; [`path`] and `search` know what
//! fits, for all of them alike. `line` keeps the connections to servers, and `ssh` what their owners prove themselves with.

mod ftp;
mod line;
mod local;
pub mod path;
pub mod probe;
mod s3;
mod search;
mod sftp;
mod ssh;

use std::{collections::BTreeMap, future::Future, path::PathBuf, sync::Arc, time::Duration};

use hcndc_core::{
    model::{FileServer, FileServerKind},
    port::{FoundFile, Look},
    time::Timestamp,
};

use self::search::{ENTRIES, find_at};
use super::settings::{self, Form, Setting, SettingFault};
use crate::vault::Vault;

/// How long a look may take.
const LOOK: Duration = Duration::from_secs(60);
/// Folders of this host that are read at once.
const READERS: usize = 16;

/// Options of each server that is connected to.
const NETWORK: &[Setting] = &[
    Setting::optional("connect_seconds", Form::Number(1, 50)),
    Setting::optional("answer_seconds", Form::Number(1, 50)),
];

/// Finds files.
#[derive(Clone, Debug)]
pub struct Finder {
    private: Vec<PathBuf>,
    readers: local::Readers,
    lines: Arc<line::Lines>,
}

/// What lies in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    is_folder: bool,
    size: u64,
    /// `None` where the listing does not tell.
    modified: Option<Timestamp>,
}

/// A place whose folders can be listed.
trait Place {
    /// What lies in a folder, [`too_many`] if that is more than `most`; `None` if there is no such folder.
    fn list(
        &mut self,
        folder: &str,
        most: usize,
    ) -> impl Future<Output = Result<Option<Vec<Entry>>, String>> + Send;

    /// When a file was changed last whose listing does not tell; `None` if it is gone.
    fn modified(
        &mut self,
        _path: &str,
    ) -> impl Future<Output = Result<Option<Timestamp>, String>> + Send {
        async { Ok(None) }
    }
}

/// Why a look ends that reads too much.
fn too_many() -> String {
    format!("more than {ENTRIES} entries lie in the folders of the path; a narrower one is needed")
}

/// What is wrong with the options of a file server of this kind.
#[must_use]
pub fn check(kind: FileServerKind, options: &BTreeMap<String, String>) -> Vec<SettingFault> {
    match kind {
        FileServerKind::Local => settings::faults(&[], options),
        FileServerKind::Sftp => {
            let mut faults = settings::faults(&[sftp::SETTINGS, NETWORK], options);
            faults.extend(sftp::check(options));
            faults
        }
        FileServerKind::Ftp => settings::faults(&[NETWORK], options),
        FileServerKind::Ftps => settings::faults(&[ftp::TLS, NETWORK], options),
        FileServerKind::S3 => {
            let mut faults = settings::faults(&[s3::SETTINGS, NETWORK], options);
            faults.extend(s3::check(options));
            faults
        }
    }
}

impl Finder {
    /// Files that are `private`, and those below such folders, are nobody's. `vault` opens passwords.
    #[must_use]
    pub fn new(vault: Arc<Vault>, private: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            private: private.into_iter().collect(),
            readers: local::Readers::new(READERS),
            lines: Arc::new(line::Lines::new(vault)),
        }
    }

    /// The files that fit, by path.
    ///
    /// # Errors
    /// Why it cannot look, in the other side's words where it has any; no secret.
    pub async fn find(&self, look: &Look) -> Result<Vec<FoundFile>, String> {
        match look.server.kind {
            FileServerKind::Local => {
                let mut place = local::Local::new(self.readers.clone(), self.private.clone());
                in_time(LOOK, find_at(&mut place, look)).await
            }
            FileServerKind::Ftp
            | FileServerKind::Ftps
            | FileServerKind::Sftp
            | FileServerKind::S3 => self.lines.find(look).await,
        }
    }

    /// Connects to a server anew, and tells what it says of itself; nothing for files of this host.
    ///
    /// # Errors
    /// As for [`find`](Self::find).
    pub async fn try_out(&self, server: &FileServer) -> Result<String, String> {
        match server.kind {
            FileServerKind::Local => Ok(String::new()),
            FileServerKind::Ftp
            | FileServerKind::Ftps
            | FileServerKind::Sftp
            | FileServerKind::S3 => self.lines.try_out(server).await,
        }
    }
}

/// What something comes to within this time.
async fn in_time<T>(
    within: Duration,
    doing: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    match tokio::time::timeout(within, doing).await {
        Ok(done) => done,
        Err(_) => Err(format!("no answer within {} s", within.as_secs())),
    }
}
