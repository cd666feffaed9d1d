//! Files on this host, or in what is mounted there.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use hcndc_core::time::Timestamp;
use tokio::sync::Semaphore;

use super::{Entry, Place, too_many};

/// Reads of folders, a few at once, and one of each folder at a time. One that hangs, as a mount may, keeps its place until it
/// answers; who else wants that folder waits without one: so that a dead folder takes one place and no more.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    places: Arc<Semaphore>,
    folders: Arc<Mutex<BTreeMap<PathBuf, Turn>>>,
}

/// Whoever holds it reads the folder.
type Turn = Arc<tokio::sync::Mutex<()>>;

impl Readers {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once)),
            folders: Arc::default(),
        }
    }

    fn turn(&self, folder: &Path) -> Turn {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody reads or waits for the others.
        folders.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(folders.entry(folder.to_owned()).or_default())
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
        let turn = self.readers.turn(&folder).lock_owned().await;
        // It is never closed.
        let place = Arc::clone(&self.readers.places).acquire_owned().await;
        let private = self.private.clone();
        let read = tokio::task::spawn_blocking(move || {
            let read = read(&folder, &private, most);
            drop((place, turn));
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
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_folder_that_hangs_takes_one_place_and_is_left_alone_until_it_answers() {
        let readers = Readers::new(2);
        let (dead, alive) = (tempfile::tempdir(), tempfile::tempdir());
        let (dead, alive) = (dead.expect("a folder"), alive.expect("a folder"));
        let folder = dead.path().display().to_string();
        let list = async |folder: &str| {
            let mut local = Local::new(readers.clone(), Vec::new());
            let listed = local.list(folder, 10);
            tokio::time::timeout(Duration::from_millis(50), listed).await
        };
        // As its read would, for as long as it goes on.
        let hanging = readers.turn(dead.path()).lock_owned().await;
        let place = Arc::clone(&readers.places).acquire_owned().await;
        for _ in 0..3 {
            list(&folder).await.expect_err("it has had no answer");
        }
        assert_eq!(readers.places.available_permits(), 1);
        let other = list(&alive.path().display().to_string()).await;
        let other = other.expect("it answers").expect("it is read");
        assert_eq!(other.map(|entries| entries.len()), Some(0));
        drop((hanging, place));
        let read = list(&folder)
            .await
            .expect("it answers")
            .expect("it is read");
        assert_eq!(read.map(|entries| entries.len()), Some(0));
        drop(readers.turn(Path::new("/")));
        let known = readers.folders.lock().expect("nobody broke it").len();
        assert_eq!(known, 1, "folders that nobody reads are forgotten");
    }
}
