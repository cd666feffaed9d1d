//! Files on this host, or in what is mounted there.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use hcndc_core::time::Timestamp;
use tokio::sync::Semaphore;

use super::{Entry, Place};

/// The files of this host.
pub(super) struct Local {
    readers: Arc<Semaphore>,
    private: Vec<PathBuf>,
}

impl Local {
    pub(super) const fn new(readers: Arc<Semaphore>, private: Vec<PathBuf>) -> Self {
        Self { readers, private }
    }
}

impl Place for Local {
    async fn list(&mut self, folder: &str) -> Result<Option<Vec<Entry>>, String> {
        let folder = PathBuf::from(folder);
        let private = self.private.clone();
        // It is never closed.
        let permit = Arc::clone(&self.readers).acquire_owned().await;
        let reading = tokio::task::spawn_blocking(move || {
            let read = read(&folder, &private);
            drop(permit);
            read
        });
        reading.await.map_err(|error| error.to_string())?
    }
}

fn read(folder: &Path, private: &[PathBuf]) -> Result<Option<Vec<Entry>>, String> {
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
        let modified = about.modified().map_err(failed)?;
        entries.push(Entry {
            name,
            is_folder: about.is_dir(),
            size: about.len(),
            modified: Timestamp::from(DateTime::<Utc>::from(modified)),
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
