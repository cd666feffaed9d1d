//! Files on this host, or in what is mounted there.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use chrono::{DateTime, Utc};
use hcndc_core::time::Timestamp;
use tokio::sync::Semaphore;

use super::{Entry, Place, too_many};

/// Reads of folders, a few at once. One that hangs, as a mount may, keeps its place until it answers, and its folder is not
/// read again before: so that a dead mount takes one place and no more.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    places: Arc<Semaphore>,
    /// Reads for which nobody waits any more, for as long as they go on.
    hanging: Arc<Mutex<BTreeMap<PathBuf, Weak<()>>>>,
}

impl Readers {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once)),
            hanging: Arc::default(),
        }
    }

    fn hangs_in(&self, folder: &Path) -> bool {
        let mut hanging = self.hanging.lock().unwrap_or_else(PoisonError::into_inner);
        hanging.retain(|_, reading| reading.strong_count() > 0);
        hanging.contains_key(folder)
    }
}

/// Waits for the read of a folder, and notes it where it is given up.
struct Waiting<'a> {
    readers: &'a Readers,
    folder: &'a Path,
    reading: Weak<()>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.reading.strong_count() > 0 {
            let hanging = self.readers.hanging.lock();
            let mut hanging = hanging.unwrap_or_else(PoisonError::into_inner);
            hanging.insert(self.folder.to_owned(), Weak::clone(&self.reading));
        }
    }
}

/// The files of this host.
pub(super) struct Local {
    readers: Readers,
    private: Vec<PathBuf>,
}

impl Local {
    pub(super) const fn new(readers: Readers, private: Vec<PathBuf>) -> Self {
        Self { readers, private }
    }
}

impl Place for Local {
    async fn list(&mut self, folder: &str, most: usize) -> Result<Option<Vec<Entry>>, String> {
        let folder = PathBuf::from(folder);
        if self.readers.hangs_in(&folder) {
            return Err(format!(
                "{}: an earlier look has had no answer yet",
                folder.display()
            ));
        }
        // It is never closed.
        let place = Arc::clone(&self.readers.places).acquire_owned().await;
        let reading = Arc::new(());
        let _waiting = Waiting {
            readers: &self.readers,
            folder: &folder,
            reading: Arc::downgrade(&reading),
        };
        let (folder, private) = (folder.clone(), self.private.clone());
        let read = tokio::task::spawn_blocking(move || {
            let read = read(&folder, &private, most);
            drop((place, reading));
            read
        });
        read.await.map_err(|error| error.to_string())?
    }
}

fn read(folder: &Path, private: &[PathBuf], most: usize) -> Result<Option<Vec<Entry>>, String> {
    let failed = |error: io::Error| format!("{}: {error}", folder.display());
    let real = match folder.canonicalize() {
        Ok(real) => real,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if private.iter().any(|private| real.starts_with(private)) {
        return Err(format!(
            "{}: the server's own data folder is not looked at",
            folder.display()
        ));
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(&real).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A name that is no text cannot be a key.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        // Links are what they lead to. What is gone meanwhile, or leads nowhere, is not there.
        let Ok(about) = fs::metadata(entry.path()) else {
            continue;
        };
        if !about.is_file() && !about.is_dir() {
            continue;
        }
        if entries.len() == most {
            return Err(too_many());
        }
        let modified = about.modified().map_err(failed)?;
        entries.push(Entry {
            name,
            is_folder: about.is_dir(),
            size: about.len(),
            modified: Some(Timestamp::from(DateTime::<Utc>::from(modified))),
        });
    }
    Ok(Some(entries))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_hangs_is_left_alone_until_it_answers() {
        let (readers, folder) = (Readers::new(1), Path::new("/mnt/dead"));
        let reading = Arc::new(());
        let wait = || Waiting {
            readers: &readers,
            folder,
            reading: Arc::downgrade(&reading),
        };
        drop(wait());
        assert!(readers.hangs_in(folder) && !readers.hangs_in(Path::new("/mnt")));
        let again = wait();
        drop(reading);
        assert!(!readers.hangs_in(folder), "it has answered");
        drop(again);
        assert!(!readers.hangs_in(folder), "and was waited for");
    }
}
