//! The ledger's records on disk: one journal, appended to, made durable a batch at a time, rewritten when it has grown.
//!
//! What follows the last whole line is what a crash cut off; nothing was done on the strength of it, for records are
//! durable before they are acted upon.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    ledger::{
        Ledger, Record,
        journal::{replay, write_line},
    },
    platform::sync_folder,
};

/// The journal is rewritten when it is this much longer than it was after the last rewriting.
const SLACK_BYTES: u64 = 8 << 20;

/// A fault of the spool's disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// It cannot be opened or read.
    #[error("cannot read the spool {}: {source}", path.display())]
    Read {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the spool {}: {source}", path.display())]
    Write {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The journal.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    file: File,
    /// Whole records end here.
    length: u64,
    rewritten_length: u64,
    /// A write failed: records are missing, and only rewriting brings them all.
    behind: bool,
}

impl Spool {
    /// Reads what is remembered in `directory`, and rewrites it.
    pub(crate) fn open(directory: &Path) -> Result<(Self, Ledger), SpoolError> {
        let path = directory.join("spool.journal");
        let mut ledger = Ledger::default();
        match fs::read(&path) {
            Ok(bytes) => {
                let whole = replay(&bytes, &mut ledger);
                if whole < bytes.len() {
                    tracing::warn!(
                        path = %path.display(),
                        bytes = bytes.len() - whole,
                        "the spool's end was cut off; kept aside"
                    );
                    let aside = path.with_extension("cut-off");
                    fs::write(&aside, &bytes[whole..]).map_err(|source| SpoolError::Write {
                        path: aside,
                        source,
                    })?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(SpoolError::Read { path, source }),
        }
        if ledger.key().is_empty() {
            ledger.apply(&Record::Key(uuid::Uuid::new_v4().simple().to_string()));
        }
        let (file, length) =
            rewritten(&path, &ledger.to_records()).map_err(|source| SpoolError::Write {
                path: path.clone(),
                source,
            })?;
        let spool = Self {
            path,
            file,
            length,
            rewritten_length: length,
            behind: false,
        };
        Ok((spool, ledger))
    }

    /// Whether [`Spool::rewrite`] is due.
    pub(crate) const fn wants_rewriting(&self) -> bool {
        self.behind || self.length > 2 * self.rewritten_length + SLACK_BYTES
    }

    /// Whether records are missing since a write failed.
    pub(crate) const fn is_behind(&self) -> bool {
        self.behind
    }

    /// Appends records; all are on disk afterwards if `durable`, else in the system's hands, which survives our end but
    /// not the host's.
    pub(crate) fn append(&mut self, records: &[Record], durable: bool) -> Result<(), SpoolError> {
        let mut lines = Vec::new();
        records
            .iter()
            .for_each(|record| write_line(record, &mut lines));
        let written = self.file.write_all(&lines).and_then(|()| {
            if durable {
                self.file.sync_data()
            } else {
                Ok(())
            }
        });
        match written {
            Ok(()) => {
                self.length += lines.len() as u64;
                Ok(())
            }
            Err(source) => {
                self.behind = true;
                // Best effort: a cut-off line at the end is told from a whole one by its checksum anyway.
                let _ = self.file.set_len(self.length);
                let _ = self.file.seek(SeekFrom::Start(self.length));
                Err(SpoolError::Write {
                    path: self.path.clone(),
                    source,
                })
            }
        }
    }

    /// Replaces the journal by these records.
    pub(crate) fn rewrite(&mut self, records: &[Record]) -> Result<(), SpoolError> {
        let (file, length) =
            rewritten(&self.path, records).map_err(|source| SpoolError::Write {
                path: self.path.clone(),
                source,
            })?;
        self.file = file;
        self.length = length;
        self.rewritten_length = length;
        self.behind = false;
        Ok(())
    }
}

fn rewritten(path: &Path, records: &[Record]) -> io::Result<(File, u64)> {
    let mut lines = Vec::new();
    records
        .iter()
        .for_each(|record| write_line(record, &mut lines));
    Ok((replace(path, &lines)?, lines.len() as u64))
}

/// Writes a file that holds this and nothing else, durably, whole or not at all.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<File> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // The new name is durable only with its directory.
    if let Some(directory) = path.parent() {
        sync_folder(directory)?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::testing::end;
    use hcndc_core::{engine::EndCause, id::AttemptId, port::Fence, time::Timestamp};

    fn records() -> Vec<Record> {
        let attempt = AttemptId(1);
        let at = Timestamp::from_micros(5);
        vec![
            Record::Realm {
                realm: "r".into(),
                era: 1,
            },
            Record::Fence(Fence(2)),
            Record::Accepted {
                attempt,
                fingerprint: u64::MAX,
                at,
            },
            Record::Ended {
                attempt,
                end: end(EndCause::NotStarted("no\nsuch \u{1F600}".into())),
            },
        ]
    }

    #[test]
    fn what_was_written_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let (mut spool, mut ledger) = Spool::open(directory.path()).unwrap();
        let key = ledger.key().to_owned();
        assert!(!key.is_empty());
        spool.append(&records(), true).unwrap();
        records().iter().for_each(|record| ledger.apply(record));
        assert_eq!(Spool::open(directory.path()).unwrap().1, ledger);
        spool.rewrite(&ledger.to_records()).unwrap();
        spool.append(&[Record::Fence(Fence(9))], false).unwrap();
        let (_, again) = Spool::open(directory.path()).unwrap();
        assert_eq!((again.key(), again.fence()), (key.as_str(), Fence(9)));
    }

    #[test]
    fn a_cut_off_end_is_kept_aside() {
        let directory = tempfile::tempdir().unwrap();
        let (mut spool, mut ledger) = Spool::open(directory.path()).unwrap();
        spool.append(&records(), true).unwrap();
        let path = directory.path().join("spool.journal");
        let length = fs::metadata(&path).unwrap().len();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(length - 1).unwrap();
        let (last, others) = (records().pop().unwrap(), records().len() - 1);
        records()[..others]
            .iter()
            .for_each(|record| ledger.apply(record));
        assert_eq!(Spool::open(directory.path()).unwrap().1, ledger);
        let mut line = Vec::new();
        write_line(&last, &mut line);
        line.pop();
        let aside = fs::read(path.with_extension("cut-off")).unwrap();
        assert_eq!(aside, line);
        assert_eq!(Spool::open(directory.path()).unwrap().1, ledger);
    }
}
