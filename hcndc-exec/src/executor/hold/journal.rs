//! What a holder writes down, so that the end of a job is known even if the holder ends before an executor has asked.
//!
//! A row of lines, sealed like the spool's. Its file is locked as long as its holder lives. What follows the last whole
//! line is what a crash cut off.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use hcndc_core::{engine::End, id::AttemptId};
use serde::{Deserialize, Serialize};

use super::Kept;
use crate::{
    executor::spool::replace,
    ledger::{
        ProcessMark,
        journal::{read_sealed, seal},
    },
    platform::open_alone,
};

/// The journal is rewritten when it is this long and most of it is of the past.
const SLACK_BYTES: u64 = 1 << 20;

/// One thing to remember.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Note {
    /// An attempt was taken on; before its process is started.
    Begun { attempt: AttemptId },
    /// Its process runs.
    Started {
        attempt: AttemptId,
        process: ProcessMark,
    },
    /// It ended.
    Ended { attempt: AttemptId, end: End },
    /// The executor has written down its end.
    Released { attempt: AttemptId },
}

/// A holder's journal. Notes are taken one by one, and written together.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    /// The file may end with a part of a line.
    torn: bool,
    /// What is held and not released.
    kept: BTreeMap<AttemptId, Kept>,
    /// Lines that are to be written.
    lines: Vec<u8>,
    /// Whether they must be durable then.
    durable: bool,
    /// Whether they make the file shorter, if it is written again.
    released: bool,
}

impl Journal {
    /// An empty one in this file, which is locked by whoever opened it.
    pub(super) fn new(path: PathBuf, file: File) -> Self {
        Self {
            path,
            file,
            length: 0,
            torn: false,
            kept: BTreeMap::new(),
            lines: Vec::new(),
            durable: false,
            released: false,
        }
    }

    pub(super) const fn kept(&self) -> &BTreeMap<AttemptId, Kept> {
        &self.kept
    }

    /// Whether an attempt is held that has not ended.
    pub(super) fn is_running(&self) -> bool {
        self.kept.values().any(|kept| kept.end.is_none())
    }

    pub(super) fn begin(&mut self, attempt: AttemptId) {
        self.take(&Note::Begun { attempt });
    }

    pub(super) fn start(&mut self, attempt: AttemptId, process: ProcessMark) {
        self.take(&Note::Started { attempt, process });
    }

    /// Durable once it is written if asked for, which is when no executor is there to write it down.
    pub(super) fn end(&mut self, attempt: AttemptId, end: End, durable: bool) {
        self.take(&Note::Ended { attempt, end });
        self.durable |= durable;
    }

    pub(super) fn release(&mut self, attempt: AttemptId) {
        if self.kept.contains_key(&attempt) {
            self.take(&Note::Released { attempt });
            self.released = true;
        }
    }

    /// It counts even if it cannot be written: only a crash of ours would miss it.
    fn take(&mut self, note: &Note) {
        apply(note, &mut self.kept);
        seal(&to_json(note), &mut self.lines);
    }

    /// Writes what was taken since.
    pub(super) fn write(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        let durable = std::mem::take(&mut self.durable);
        let released = std::mem::take(&mut self.released);
        if lines.is_empty() {
            return Ok(());
        }
        if self.kept.is_empty() {
            return self.cut(0);
        }
        if released && self.length > SLACK_BYTES + 4096 * self.kept.len() as u64 {
            self.rewrite()?;
        } else {
            self.add(&lines)?;
        }
        if durable {
            self.file.sync_data()?;
        }
        Ok(())
    }

    fn add(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.torn {
            self.cut(self.length)?;
        }
        // Half a line would hide what follows, and what is not found here counts as never begun.
        self.torn = true;
        if let Err(error) = self.file.write_all(lines) {
            let _ = self.cut(self.length);
            return Err(error);
        }
        self.torn = false;
        self.length += lines.len() as u64;
        Ok(())
    }

    /// What is written next follows this length, also where a file is not opened for appending.
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.torn = true;
        self.file.set_len(length)?;
        self.length = length;
        self.file.seek(SeekFrom::Start(length))?;
        self.torn = false;
        Ok(())
    }

    /// The file stays the same one, for it is locked: emptied, and written again by what is kept. A copy beside it
    /// covers a crash in between.
    fn rewrite(&mut self) -> io::Result<()> {
        let mut lines = Vec::new();
        for (attempt, kept) in &self.kept {
            let attempt = *attempt;
            let mut notes = vec![Note::Begun { attempt }];
            notes.extend(
                kept.process
                    .map(|process| Note::Started { attempt, process }),
            );
            notes.extend(kept.end.clone().map(|end| Note::Ended { attempt, end }));
            for note in notes {
                seal(&to_json(&note), &mut lines);
            }
        }
        let copy = copy_of(&self.path);
        replace(&copy, &lines)?;
        self.cut(0)?;
        self.add(&lines)?;
        std::fs::remove_file(copy)
    }
}

fn to_json(note: &Note) -> Vec<u8> {
    serde_json::to_vec(note).expect("a note has string keys and finite numbers")
}

fn copy_of(path: &Path) -> PathBuf {
    path.with_extension("copy")
}

fn apply(note: &Note, kept: &mut BTreeMap<AttemptId, Kept>) {
    match note {
        Note::Begun { attempt } => {
            kept.entry(*attempt).or_default();
        }
        Note::Started { attempt, process } => {
            kept.entry(*attempt).or_default().process = Some(*process);
        }
        Note::Ended { attempt, end } => {
            kept.entry(*attempt).or_default().end = Some(end.clone());
        }
        Note::Released { attempt } => {
            kept.remove(attempt);
        }
    }
}

/// Opens a journal and locks it; `None` while its holder lives. The lock goes with the last copy of the file that is open
/// in any process.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    open_alone(path)
}

/// What the journal of a holder that is gone tells.
pub(super) fn read(path: &Path) -> io::Result<BTreeMap<AttemptId, Kept>> {
    let mut kept = BTreeMap::new();
    // A copy is there only if its holder ended while it wrote the file again.
    for path in [copy_of(path), path.to_owned()] {
        match std::fs::read(&path) {
            Ok(bytes) => {
                read_sealed(&bytes, |note: Note| apply(&note, &mut kept));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(kept)
}

/// Takes away the files of a holder that is gone.
pub(super) fn remove(path: &Path) {
    for path in [copy_of(path), path.with_extension("sock"), path.to_owned()] {
        // What is left is found again, and taken away then.
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::testing::end;
    use hcndc_core::engine::EndCause;

    const ONE: AttemptId = AttemptId(1);

    fn journal(directory: &tempfile::TempDir) -> (PathBuf, Journal) {
        let path = directory.path().join("a.journal");
        let file = lock(&path).unwrap().unwrap();
        (path.clone(), Journal::new(path, file))
    }

    #[test]
    fn what_a_holder_held_is_read_when_it_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let (path, mut journal) = journal(&directory);
        for id in 1..4 {
            journal.begin(AttemptId(id));
        }
        journal.end(ONE, end(EndCause::Exited(3)), true);
        assert_eq!(read(&path).unwrap(), BTreeMap::new());
        journal.write().unwrap();
        journal.end(AttemptId(2), end(EndCause::Killed), false);
        journal.release(AttemptId(2));
        journal.write().unwrap();
        let kept = read(&path).unwrap();
        assert_eq!(&kept, journal.kept());
        assert_eq!(kept[&ONE].end, Some(end(EndCause::Exited(3))));
        assert!(kept[&AttemptId(3)].end.is_none() && journal.is_running());
    }

    #[test]
    fn it_does_not_grow_with_what_is_released() {
        let directory = tempfile::tempdir().unwrap();
        let (path, mut journal) = journal(&directory);
        journal.begin(ONE);
        for id in 2..20_000 {
            journal.begin(AttemptId(id));
            journal.end(AttemptId(id), end(EndCause::Exited(0)), false);
            journal.write().unwrap();
            journal.release(AttemptId(id));
            journal.write().unwrap();
        }
        assert!(std::fs::metadata(&path).unwrap().len() < 2 * SLACK_BYTES);
        assert_eq!(&read(&path).unwrap(), journal.kept());
        journal.end(ONE, end(EndCause::Exited(0)), false);
        journal.release(ONE);
        journal.write().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    }

    #[test]
    fn half_a_line_hides_nothing_that_follows() {
        let directory = tempfile::tempdir().unwrap();
        let (path, mut journal) = journal(&directory);
        journal.begin(ONE);
        journal.write().unwrap();
        // As a full disk leaves it that cannot even be cut.
        journal.file.write_all(b"half").unwrap();
        journal.torn = true;
        journal.begin(AttemptId(2));
        journal.write().unwrap();
        assert_eq!(read(&path).unwrap().len(), 2);
    }

    #[test]
    fn a_journal_is_locked_while_its_holder_lives() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.journal");
        let held = lock(&path).unwrap().unwrap();
        assert!(lock(&path).unwrap().is_none());
        drop(held);
        assert!(lock(&path).unwrap().is_some());
    }
}
