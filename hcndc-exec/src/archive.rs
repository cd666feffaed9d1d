//! Logs that are complete, kept by the server: compressed, and read at any position as where they came from.
//!
//! A file is a row of blocks, each `compressed u32, raw u32, extent u64`, little-endian, and that many bytes of deflate. Raw
//! are frames `length u32, kind u8, time i64` and so many bytes. An extent is how far the positions of a
//! [`FileLog`] move over the block's entries: so a reader that began at the executor goes on here.
//!
//! A log that is empty is but a bit, as with [`FileLog`].
//!
//! With an [object store](LogObjects) a log is complete only once it is there too; files are then a cache, which may be lost.

mod objects;

pub use objects::LogObjects;

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use hcndc_core::{
    id::AttemptId,
    port::{LogEntry, LogRead, LogStore as _},
    time::Timestamp,
};

use crate::file_log::{
    ENTRY_BYTES, FOLDER_BITS, FileLog, FileLogError, HEAD_BYTES, kind_of, stream_of, sweep_files,
};

/// A block is closed when it holds this much. Smaller ones compress worse, larger ones cost more to read a little of.
const BLOCK_BYTES: usize = 256 << 10;
/// The longest raw block that is believed.
const MOST_BYTES: usize = BLOCK_BYTES + ENTRY_BYTES + FRAME_BYTES;
const BLOCK_HEAD_BYTES: usize = 4 + 4 + 8;
const FRAME_BYTES: usize = 4 + 1 + 8;
/// How long files stay beside an object store: most logs that anybody reads are of today.
const CACHED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Keeps complete logs below a directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LogArchive {
    directory: PathBuf,
    /// Knows which logs are empty.
    silent: FileLog,
    /// Where they are kept for good.
    objects: Option<LogObjects>,
}

impl LogArchive {
    /// Logs below `directory`, which is made if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, FileLogError> {
        let directory = directory.into();
        Ok(Self {
            silent: FileLog::open(&directory)?,
            directory,
            objects: None,
        })
    }

    /// The same, with an object store in which logs are kept for good.
    #[must_use]
    pub fn with_objects(mut self, objects: LogObjects) -> Self {
        self.objects = Some(objects);
        self
    }

    fn path(&self, attempt: AttemptId) -> PathBuf {
        self.directory
            .join(format!("{:08x}", attempt.0 >> FOLDER_BITS))
            .join(format!("{attempt}.log.z"))
    }

    /// Begins the log of an attempt; nothing is there before it is [finished](Deposit::finish).
    #[must_use]
    pub fn deposit(&self, attempt: AttemptId) -> Deposit {
        Deposit {
            archive: self.clone(),
            attempt,
            file: None,
            raw: Vec::new(),
            extent: 0,
        }
    }

    /// Reads a log from a position of the [`FileLog`] that it comes from; `None` if it is not here.
    ///
    /// # Errors
    /// When the disk or the object store fails, or the file is damaged, or no entry begins there.
    pub async fn read(
        &self,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
    ) -> Result<Option<LogRead>, FileLogError> {
        let read = self.read_here(attempt, from, max_bytes).await?;
        let (None, Some(objects)) = (&read, &self.objects) else {
            return Ok(read);
        };
        match objects.get(attempt, &self.path(attempt)).await? {
            true => self.read_here(attempt, from, max_bytes).await,
            false => Ok(None),
        }
    }

    async fn read_here(
        &self,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
    ) -> Result<Option<LogRead>, FileLogError> {
        let path = self.path(attempt);
        let read = tokio::task::spawn_blocking(move || read(&path, attempt, from, max_bytes)).await;
        let read = read.unwrap_or_else(|error| {
            Err(FileLogError::Io {
                path: self.directory.clone(),
                source: io::Error::other(error),
            })
        })?;
        if read.is_some() {
            return Ok(read);
        }
        let silent = self.silent.read(attempt, from, max_bytes).await?;
        Ok(silent.complete.then_some(silent))
    }

    /// Deletes logs that came before this, and says how many. Empty ones, which take no room, stay.
    ///
    /// # Errors
    /// When the object store fails; what went before is gone.
    pub async fn sweep(&self, before: SystemTime) -> Result<usize, FileLogError> {
        let here = self.sweep_here(before).await;
        match &self.objects {
            Some(objects) => objects.sweep(before).await,
            None => Ok(here),
        }
    }

    /// Deletes files that nobody needs here: those that came long ago, where an object store has them. Says how many.
    pub async fn trim(&self) -> usize {
        match (&self.objects, SystemTime::now().checked_sub(CACHED_FOR)) {
            (Some(_), Some(before)) => self.sweep_here(before).await,
            _ => 0,
        }
    }

    async fn sweep_here(&self, before: SystemTime) -> usize {
        let directory = self.directory.clone();
        let swept = tokio::task::spawn_blocking(move || sweep_files(&directory, before)).await;
        swept.unwrap_or(0)
    }
}

/// A log on its way into the archive. Dropped unfinished, it leaves nothing.
#[derive(Debug)]
pub struct Deposit {
    archive: LogArchive,
    attempt: AttemptId,
    /// Made with the first block, and under another name until all is there.
    file: Option<(PathBuf, File)>,
    raw: Vec<u8>,
    extent: u64,
}

impl Deposit {
    /// Adds entries.
    ///
    /// # Errors
    /// When the disk fails; then it is of no use any more.
    pub async fn append(mut self, entries: Vec<LogEntry>) -> Result<Self, FileLogError> {
        blocking(move || {
            for entry in entries {
                self.raw
                    .extend_from_slice(&(entry.bytes.len() as u32).to_le_bytes());
                self.raw.push(kind_of(entry.stream));
                self.raw
                    .extend_from_slice(&entry.at.as_micros().to_le_bytes());
                self.raw.extend_from_slice(&entry.bytes);
                self.extent += (HEAD_BYTES + entry.bytes.len()) as u64;
                if self.raw.len() >= BLOCK_BYTES {
                    self.close_block()?;
                }
            }
            Ok(self)
        })
        .await
    }

    /// It is complete, and readable from now on.
    ///
    /// # Errors
    /// When the disk or the object store fails.
    pub async fn finish(mut self) -> Result<(), FileLogError> {
        let (attempt, objects) = (self.attempt, self.archive.objects.clone());
        if self.raw.is_empty() && self.file.is_none() {
            if let Some(objects) = &objects {
                objects.put_nothing(attempt).await?;
                objects.forget(attempt);
            }
            return self.archive.silent.finish(attempt).await;
        }
        let mut whole = blocking(move || {
            self.close_block()?;
            if let Some((path, file)) = &self.file {
                file.sync_all().map_err(|source| FileLogError::Io {
                    path: path.clone(),
                    source,
                })?;
            }
            Ok(self)
        })
        .await?;
        if let (Some(objects), Some((new, _))) = (&objects, &whole.file) {
            objects.put(attempt, new).await?;
            objects.forget(attempt);
        }
        blocking(move || whole.rename()).await
    }

    /// From now on it is there.
    fn rename(&mut self) -> Result<(), FileLogError> {
        let path = self.archive.path(self.attempt);
        match self.file.take() {
            None => Ok(()),
            Some((new, _)) => {
                fs::rename(&new, &path).map_err(|source| FileLogError::Io { path, source })
            }
        }
    }

    fn close_block(&mut self) -> Result<(), FileLogError> {
        if self.raw.is_empty() {
            return Ok(());
        }
        let path = self.archive.path(self.attempt).with_extension("new");
        self.write_block(&path)
            .map_err(|source| FileLogError::Io { path, source })
    }

    fn write_block(&mut self, path: &Path) -> io::Result<()> {
        let (_, file) = match &mut self.file {
            Some(open) => open,
            None => {
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                self.file.insert((path.to_owned(), File::create(path)?))
            }
        };
        let mut block = vec![0; BLOCK_HEAD_BYTES];
        let mut encoder = DeflateEncoder::new(&mut block, Compression::fast());
        encoder.write_all(&self.raw)?;
        encoder.finish()?;
        let compressed = (block.len() - BLOCK_HEAD_BYTES) as u32;
        block[..4].copy_from_slice(&compressed.to_le_bytes());
        block[4..8].copy_from_slice(&(self.raw.len() as u32).to_le_bytes());
        block[8..16].copy_from_slice(&self.extent.to_le_bytes());
        file.write_all(&block)?;
        self.raw.clear();
        self.extent = 0;
        Ok(())
    }
}

impl Drop for Deposit {
    fn drop(&mut self) {
        if let Some((new, _)) = &self.file {
            // What stays is written over when the log comes again.
            let _ = fs::remove_file(new);
        }
    }
}

async fn blocking<T: Send + 'static>(
    what: impl FnOnce() -> Result<T, FileLogError> + Send + 'static,
) -> Result<T, FileLogError> {
    match tokio::task::spawn_blocking(what).await {
        Ok(result) => result,
        Err(error) => Err(FileLogError::Io {
            path: PathBuf::new(),
            source: io::Error::other(error),
        }),
    }
}

fn read(
    path: &Path,
    attempt: AttemptId,
    from: u64,
    max: usize,
) -> Result<Option<LogRead>, FileLogError> {
    let fault = |source| FileLogError::Io {
        path: path.to_owned(),
        source,
    };
    let damaged = |position| FileLogError::Damaged {
        path: path.to_owned(),
        position,
    };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    let mut read = LogRead {
        entries: Vec::new(),
        next: from,
        complete: false,
    };
    let (mut place, mut bytes) = (0, 0);
    while let Some(head) = block_head(&mut file).map_err(fault)? {
        let (compressed, raw, extent) = head;
        if raw > MOST_BYTES {
            return Err(damaged(place));
        }
        let end: u64 = extent + place;
        if end <= from {
            file.seek(SeekFrom::Current(i64::from(compressed)))
                .map_err(fault)?;
            place = end;
            continue;
        }
        let mut block = Vec::with_capacity(raw);
        let limited = (&mut file).take(u64::from(compressed));
        DeflateDecoder::new(limited)
            .take(raw as u64)
            .read_to_end(&mut block)
            .map_err(|_| damaged(place))?;
        let mut rest = block.as_slice();
        while !rest.is_empty() {
            let (entry, after) = frame(rest).ok_or_else(|| damaged(place))?;
            rest = after;
            let next = place + (HEAD_BYTES + entry.bytes.len()) as u64;
            if place >= from {
                if place != read.next {
                    return Err(FileLogError::NoPosition {
                        attempt,
                        position: from,
                    });
                }
                if !read.entries.is_empty() && bytes + entry.bytes.len() > max {
                    return Ok(Some(read));
                }
                bytes += entry.bytes.len();
                read.next = next;
                read.entries.push(entry);
            }
            place = next;
        }
    }
    if from > place {
        return Err(FileLogError::NoPosition {
            attempt,
            position: from,
        });
    }
    read.complete = true;
    Ok(Some(read))
}

/// Lengths of a block, compressed and raw, and its extent; `None` at the end.
fn block_head(file: &mut File) -> io::Result<Option<(u32, usize, u64)>> {
    let mut head = [0; BLOCK_HEAD_BYTES];
    match file.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let [c0, c1, c2, c3, r0, r1, r2, r3, extent @ ..] = head;
    Ok(Some((
        u32::from_le_bytes([c0, c1, c2, c3]),
        u32::from_le_bytes([r0, r1, r2, r3]) as usize,
        u64::from_le_bytes(extent),
    )))
}

fn frame(bytes: &[u8]) -> Option<(LogEntry, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first()?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let entry = LogEntry {
        at: Timestamp::from_micros(i64::from_le_bytes(*at)),
        stream: stream_of(*kind),
        bytes: bytes.to_vec(),
    };
    Some((entry, rest))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hcndc_core::port::Stream;

    use super::*;

    const ONE: AttemptId = AttemptId(1);

    fn entries(count: usize) -> Vec<LogEntry> {
        let streams = [Stream::Stdout, Stream::Stderr, Stream::Executor];
        (0..count)
            .map(|i| LogEntry {
                at: Timestamp::from_micros(i as i64),
                stream: streams[i % 3],
                bytes: format!("line {i}\n").repeat(i % 50).into_bytes(),
            })
            .collect()
    }

    async fn archived(directory: &tempfile::TempDir, entries: Vec<LogEntry>) -> LogArchive {
        let archive = LogArchive::open(directory.path()).unwrap();
        let deposit = archive.deposit(ONE).append(entries).await.unwrap();
        deposit.finish().await.unwrap();
        archive
    }

    #[tokio::test]
    async fn a_reader_goes_on_where_it_was_at_the_executor() {
        let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log = FileLog::open(there.path()).unwrap();
        log.append(ONE, &entries(5_000)).await.unwrap();
        log.finish(ONE).await.unwrap();
        let archive = archived(&here, entries(5_000)).await;
        let mut from = 0;
        loop {
            let expected = log.read(ONE, from, 100_000).await.unwrap();
            let read = archive.read(ONE, from, 100_000).await.unwrap().unwrap();
            assert_eq!(read, expected);
            from = read.next;
            if read.complete {
                break;
            }
        }
        let size = fs::metadata(archive.path(ONE)).unwrap().len();
        assert!(size * 4 < from, "{size} bytes for {from}");
    }

    #[tokio::test]
    async fn what_is_not_finished_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let archive = LogArchive::open(directory.path()).unwrap();
        let deposit = archive.deposit(ONE).append(entries(20_000)).await.unwrap();
        assert_eq!(archive.read(ONE, 0, 1).await.unwrap(), None);
        drop(deposit);
        assert_eq!(archive.read(ONE, 0, 1).await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_empty_log_is_complete_and_costs_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let archive = archived(&directory, Vec::new()).await;
        let read = archive.read(ONE, 0, 1).await.unwrap().unwrap();
        assert!(read.complete && read.entries.is_empty());
        assert!(!archive.path(ONE).exists());
    }

    #[tokio::test]
    async fn a_position_that_no_read_gave_out_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let archive = archived(&directory, entries(50)).await;
        for from in [1, 1 << 40] {
            let error = archive.read(ONE, from, 1).await.unwrap_err();
            assert!(matches!(error, FileLogError::NoPosition { .. }));
        }
    }

    #[tokio::test]
    async fn damage_is_told_and_never_panics() {
        let directory = tempfile::tempdir().unwrap();
        let archive = archived(&directory, entries(50)).await;
        let whole = fs::read(archive.path(ONE)).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x55;
            fs::write(archive.path(ONE), changed).unwrap();
            let _ = archive.read(ONE, 0, usize::MAX).await;
        }
    }

    #[tokio::test]
    async fn old_logs_are_swept() {
        let directory = tempfile::tempdir().unwrap();
        let archive = archived(&directory, entries(50)).await;
        assert_eq!(archive.sweep(SystemTime::UNIX_EPOCH).await.unwrap(), 0);
        let later = SystemTime::now() + Duration::from_secs(60);
        assert_eq!(archive.sweep(later).await.unwrap(), 1);
        assert_eq!(archive.read(ONE, 0, 1).await.unwrap(), None);
    }

    /// An archive whose folder is as good as new.
    fn elsewhere(objects: &LogObjects) -> (tempfile::TempDir, LogArchive) {
        let directory = tempfile::tempdir().unwrap();
        let archive = LogArchive::open(directory.path()).unwrap();
        (directory, archive.with_objects(objects.clone()))
    }

    fn objects() -> LogObjects {
        let store = Arc::new(object_store::memory::InMemory::new());
        LogObjects::new(store, "logs/night".into())
    }

    #[tokio::test]
    async fn what_is_kept_in_an_object_store_is_read_on_any_host() {
        let objects = objects();
        objects.check().await.unwrap();
        let (_here, archive) = elsewhere(&objects);
        let deposit = archive.deposit(ONE).append(entries(5_000)).await.unwrap();
        deposit.finish().await.unwrap();
        let two = AttemptId(2);
        archive.deposit(two).finish().await.unwrap();

        let whole = archive.read(ONE, 0, usize::MAX).await.unwrap();
        assert_eq!(whole.as_ref().unwrap().entries.len(), 5_000);
        let (_there, other) = elsewhere(&objects);
        assert_eq!(other.read(ONE, 0, usize::MAX).await.unwrap(), whole);
        let silent = other.read(two, 0, 1).await.unwrap().unwrap();
        assert!(silent.complete && silent.entries.is_empty());
        assert_eq!(other.read(AttemptId(3), 0, 1).await.unwrap(), None);

        let later = SystemTime::now() + Duration::from_secs(60);
        assert_eq!(archive.sweep(later).await.unwrap(), 2);
        let (_third, third) = elsewhere(&objects);
        assert_eq!(third.read(ONE, 0, 1).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_cannot_go_to_the_object_store_is_not_complete() {
        let objects = objects();
        let (here, archive) = elsewhere(&objects);
        // Its file is gone before it goes up.
        let deposit = archive.deposit(ONE).append(entries(20_000)).await.unwrap();
        fs::remove_dir_all(here.path()).unwrap();
        let error = deposit.finish().await.unwrap_err();
        assert!(error.to_string().contains("logs/night"), "{error}");
        assert_eq!(archive.read(ONE, 0, 1).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_log_that_was_not_there_is_seen_here_once_it_is() {
        let objects = objects();
        let (_here, archive) = elsewhere(&objects);
        assert_eq!(archive.read(ONE, 0, 1).await.unwrap(), None);
        archive.deposit(ONE).finish().await.unwrap();
        assert!(archive.read(ONE, 0, 1).await.unwrap().is_some());
        let two = AttemptId(2);
        assert_eq!(archive.read(two, 0, 1).await.unwrap(), None);
        let deposit = archive.deposit(two).append(entries(50)).await.unwrap();
        deposit.finish().await.unwrap();
        assert!(archive.read(two, 0, 1).await.unwrap().is_some());
    }
}
