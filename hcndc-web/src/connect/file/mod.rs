//! Files: the places where they arrive, looked at for those that an event waits for.
//!
//! [`probe`] is the port's adapter. A file per kind of place lists folders and knows nothing else; [`path`] knows what fits, for
//! all of them alike.

mod local;
pub mod path;
pub mod probe;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    path::PathBuf,
    time::Duration,
};

use hcndc_core::{
    model::{FileEvent, FileServerKind},
    port::{FoundFile, Look},
    time::{DataDate, Timestamp},
};

/// How long a look may take.
const LOOK: Duration = Duration::from_secs(60);
/// Folders that are read by one look.
const FOLDERS: usize = 1_000;
/// Files that one look may find.
const FILES: usize = 10_000;
/// Folders of this host that are read at once.
const READERS: usize = 16;

/// Finds files.
#[derive(Clone, Debug)]
pub struct Finder {
    private: Vec<PathBuf>,
    readers: local::Readers,
}

/// What lies in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    is_folder: bool,
    size: u64,
    modified: Timestamp,
}

/// A place whose folders can be listed.
trait Place {
    /// What lies in a folder; `None` if there is no such folder.
    fn list(
        &mut self,
        folder: &str,
    ) -> impl Future<Output = Result<Option<Vec<Entry>>, String>> + Send;
}

impl Finder {
    /// Files that are `private`, and those below such folders, are nobody's.
    #[must_use]
    pub fn new(private: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            private: private.into_iter().collect(),
            readers: local::Readers::new(READERS),
        }
    }

    /// The files that fit, by path.
    ///
    /// # Errors
    /// Why it cannot look, in the other side's words where it has any; no secret.
    pub async fn find(&self, look: &Look) -> Result<Vec<FoundFile>, String> {
        match tokio::time::timeout(LOOK, self.find_in_time(look)).await {
            Ok(found) => found,
            Err(_) => Err(format!("no answer within {} s", LOOK.as_secs())),
        }
    }

    async fn find_in_time(&self, look: &Look) -> Result<Vec<FoundFile>, String> {
        match look.server.kind {
            FileServerKind::Local => {
                let mut place = local::Local::new(self.readers.clone(), self.private.clone());
                find_at(&mut place, look).await
            }
            FileServerKind::Ftp | FileServerKind::Ftps => Err(
                "FTP servers cannot be looked at: this version has no client for FTP".to_owned(),
            ),
            FileServerKind::Sftp => Err(
                "SFTP servers cannot be looked at: this version has no client for SSH".to_owned(),
            ),
            FileServerKind::S3 => {
                Err("S3 cannot be looked at: this version has no client for it".to_owned())
            }
        }
    }
}

/// The files that fit at a place.
async fn find_at(place: &mut impl Place, look: &Look) -> Result<Vec<FoundFile>, String> {
    let event = &look.event;
    let mut found: BTreeMap<String, FoundFile> = BTreeMap::new();
    for (date, pattern) in path::patterns(&event.path, &look.dates)? {
        for folder in folders(place, &pattern).await? {
            let Some(entries) = place.list(&folder).await? else {
                continue;
            };
            for file in fitting(event, &pattern, date, &folder, entries)? {
                // The latest date has it.
                found.entry(file.path.clone()).or_insert(file);
            }
            if found.len() > FILES {
                return Err(format!(
                    "more than {FILES} files fit; a narrower path is needed"
                ));
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The folders in which files may lie that fit.
async fn folders(place: &mut impl Place, pattern: &path::Pattern) -> Result<Vec<String>, String> {
    let mut folders = vec![String::new()];
    for part in pattern.folders() {
        if !path::is_glob(part) {
            folders.iter_mut().for_each(|it| *it = join(it, part));
            continue;
        }
        let mut next = Vec::new();
        for folder in &folders {
            let entries = place.list(&rooted(folder)).await?.unwrap_or_default();
            let fit = entries.iter();
            let fit = fit.filter(|it| it.is_folder && path::fits(part, &it.name));
            next.extend(fit.map(|it| join(folder, &it.name)));
            if next.len() > FOLDERS {
                return Err(format!(
                    "more than {FOLDERS} folders fit; a narrower path is needed"
                ));
            }
        }
        folders = next;
    }
    Ok(folders.iter().map(|it| rooted(it)).collect())
}

fn join(folder: &str, name: &str) -> String {
    format!("{folder}/{name}")
}

/// A folder's path; that of the root is empty until here.
fn rooted(folder: &str) -> String {
    match folder.is_empty() {
        true => "/".to_owned(),
        false => folder.to_owned(),
    }
}

/// Those of a folder's entries that fit.
fn fitting(
    event: &FileEvent,
    pattern: &path::Pattern,
    date: Option<DataDate>,
    folder: &str,
    entries: Vec<Entry>,
) -> Result<Vec<FoundFile>, String> {
    let date_of = |name: &str| match &event.date_pattern {
        Some(form) => path::date_in(name, form),
        None => date,
    };
    // A marker may fit the path itself, and is no file of the event for that.
    let names: BTreeSet<String> = entries.iter().map(|it| it.name.clone()).collect();
    let mut markers = BTreeMap::new();
    if let Some(marker) = &event.marker {
        for name in names.iter().filter(|it| path::fits(pattern.name(), it)) {
            markers.insert(name.clone(), path::marker(marker, name, date_of(name))?);
        }
    }
    let all_markers: BTreeSet<&String> = markers.values().collect();
    let files = entries.iter().filter(|it| {
        !it.is_folder && path::fits(pattern.name(), &it.name) && !all_markers.contains(&it.name)
    });
    let folder = if folder == "/" { "" } else { folder };
    let found = files.map(|it| FoundFile {
        path: join(folder, &it.name),
        size: it.size,
        modified: it.modified,
        date: date_of(&it.name),
        is_complete: markers.get(&it.name).is_none_or(|it| names.contains(it)),
    });
    Ok(found.collect())
}
