//! Output in files: one for each attempt, a thousand and some to a folder.
//!
//! A file is a row of frames: `length u32, kind u8, time i64, check u32`, little-endian, then that many bytes of output.
//! The check covers the head and its place in the file, so that a position that no read gave out is noticed. A frame of
//! kind 255 and length 0 says that the log is finished. A position is the place of a frame.
//!
//! Most short jobs say nothing, and making a file is the dearest thing in the life of such a job. A log that is finished
//! and empty is therefore but a bit in its folder's file `silent`.
//!
//! Logs may be read in one process while another one writes them. What is not whole yet is not there yet, and whoever
//! waits looks every so often.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind as IoKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use hcndc_core::{
    id::AttemptId,
    port::{ErrorKind, LogEntry, LogRead, LogStore, PortError, Stream},
    time::Timestamp,
};
use tokio::sync::Notify;

use crate::{
    checksum::fnv1a_32,
    platform::{REMOVES_OPEN_FILES, is_named, read_exact_at, write_all_at},
};

pub(crate) const HEAD_BYTES: usize = 4 + 1 + 8 + 4;
/// The longest entry that the port allows.
pub(crate) const ENTRY_BYTES: usize = 64 << 10;
const FINISHED: u8 = 255;
/// Waiters are woken by attempt id modulo this; a waiter of another attempt looks and sleeps on.
const BELLS: usize = 64;
/// How often a waiter looks for what another process has written.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The most entries of one read, however short they are.
const READ_ENTRIES: usize = 16_384;
/// A folder holds so many attempts, as a power of two.
pub(crate) const FOLDER_BITS: u32 = 10;

/// A fault of [`FileLog`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileLogError {
    /// The disk does not do what it should.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Something was to be appended to a finished log.
    #[error("the log of attempt {attempt} is finished")]
    Finished {
        /// Whose log.
        attempt: AttemptId,
    },
    /// An entry of more than 64 KiB.
    #[error("an entry of {bytes} bytes is longer than a log takes at once")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A position at which no entry starts.
    #[error("position {position} in the log of attempt {attempt} is none that a read gave out")]
    NoPosition {
        /// Whose log.
        attempt: AttemptId,
        /// Where.
        position: u64,
    },
    /// The file is damaged.
    #[error("{} is damaged at byte {position}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        position: u64,
    },
    /// The object store does not do what it should.
    #[error("the log store, at {key}: {source}")]
    Object {
        /// Which object, or those below which folder.
        key: String,
        /// What it said.
        source: Box<object_store::Error>,
    },
}

impl PortError for FileLogError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::Object { .. } => ErrorKind::Unavailable,
            Self::Finished { .. } | Self::TooLong { .. } | Self::NoPosition { .. } => {
                ErrorKind::Invalid
            }
            Self::Damaged { .. } => ErrorKind::Corrupt,
        }
    }
}

/// Keeps output in files below a directory. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct FileLog {
    inner: Arc<Inner>,
    /// What costs next to nothing is done where it is asked for.
    at_once: bool,
}

#[derive(Debug)]
struct Inner {
    directory: RwLock<PathBuf>,
    /// Logs that were appended to and are not finished.
    open: Mutex<HashMap<AttemptId, Arc<Mutex<OpenLog>>>>,
    bells: Vec<Notify>,
    /// Held while a folder's bits are read and changed; the file in which some were set last.
    silent: Mutex<Option<SilentFile>>,
}

#[derive(Debug)]
struct OpenLog {
    path: PathBuf,
    file: File,
    /// Whole frames end here.
    length: u64,
    finished: bool,
}

impl FileLog {
    /// Logs below `directory`, which is made if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, FileLogError> {
        let directory = directory.into();
        fs::create_dir_all(&directory).map_err(|source| FileLogError::Io {
            path: directory.clone(),
            source,
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                directory: RwLock::new(directory),
                open: Mutex::default(),
                bells: (0..BELLS).map(|_| Notify::new()).collect(),
                silent: Mutex::default(),
            }),
            at_once: false,
        })
    }

    /// Finishes logs in which nothing is on the caller's thread, for who has nothing else to do meanwhile: it is quicker than to
    /// wake another.
    pub(crate) fn at_once(self) -> Self {
        let at_once = true;
        Self { at_once, ..self }
    }

    /// Keeps logs below `directory` from now on, where nothing is yet; those kept so far are not to be found any more.
    /// None of them may be open.
    pub(crate) async fn start_over(&self, directory: PathBuf) -> Result<(), FileLogError> {
        let started = self
            .blocking(move |inner| {
                // Only a damaged journal leaves something there.
                let cleared = match fs::remove_dir_all(&directory) {
                    Err(error) if error.kind() != IoKind::NotFound => Err(FileLogError::Io {
                        path: directory.clone(),
                        source: error,
                    }),
                    _ => Ok(()),
                };
                inner.logs().clear();
                *inner
                    .directory
                    .write()
                    .unwrap_or_else(PoisonError::into_inner) = directory;
                cleared
            })
            .await;
        self.inner.bells.iter().for_each(Notify::notify_waiters);
        started
    }

    async fn blocking<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Inner) -> Result<T, FileLogError> + Send + 'static,
    ) -> Result<T, FileLogError> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || what(&inner)).await {
            Ok(result) => result,
            Err(error) => Err(FileLogError::Io {
                path: self.inner.directory(),
                source: io::Error::other(error),
            }),
        }
    }
}

#[async_trait]
impl LogStore for FileLog {
    type Error = FileLogError;

    async fn append(&self, attempt: AttemptId, entries: &[LogEntry]) -> Result<(), FileLogError> {
        if let Some(long) = entries.iter().find(|entry| entry.bytes.len() > ENTRY_BYTES) {
            return Err(FileLogError::TooLong {
                bytes: long.bytes.len(),
            });
        }
        if entries.is_empty() {
            return Ok(());
        }
        // The frames are made here, in order, so that the entries need not be copied for another thread.
        let mut frames =
            Vec::with_capacity(entries.iter().map(|e| HEAD_BYTES + e.bytes.len()).sum());
        let mut heads = Vec::with_capacity(entries.len());
        for entry in entries {
            heads.push((
                frames.len(),
                entry.bytes.len(),
                kind_of(entry.stream),
                entry.at,
            ));
            frames.extend_from_slice(&[0; HEAD_BYTES]);
            frames.extend_from_slice(&entry.bytes);
        }
        self.blocking(move |inner| inner.append(attempt, &mut frames, &heads))
            .await?;
        self.inner.ring(attempt);
        Ok(())
    }

    async fn finish(&self, attempt: AttemptId) -> Result<(), FileLogError> {
        if !(self.at_once && self.inner.finish_silent(attempt)?) {
            self.blocking(move |inner| inner.finish(attempt)).await?;
        }
        self.inner.ring(attempt);
        Ok(())
    }

    async fn read(
        &self,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
    ) -> Result<LogRead, FileLogError> {
        self.blocking(move |inner| inner.read(attempt, from, max_bytes))
            .await
    }

    async fn wait(&self, attempt: AttemptId, from: u64) -> Result<(), FileLogError> {
        loop {
            // Enabled before looking: what is appended after the look rings it.
            let rung = self.inner.bell(attempt).notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            let read = self.read(attempt, from, 1).await?;
            if read.complete || !read.entries.is_empty() {
                return Ok(());
            }
            // An end that is told and a look that is due are the same to us.
            let _ = tokio::time::timeout(LOOK_EVERY, rung).await;
        }
    }

    async fn delete(&self, attempt: AttemptId) -> Result<(), FileLogError> {
        self.blocking(move |inner| inner.delete(attempt)).await?;
        self.inner.ring(attempt);
        Ok(())
    }
}

impl Inner {
    fn directory(&self) -> PathBuf {
        self.directory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn folder(&self, attempt: AttemptId) -> PathBuf {
        self.directory()
            .join(format!("{:08x}", attempt.0 >> FOLDER_BITS))
    }

    fn path(&self, attempt: AttemptId) -> PathBuf {
        self.folder(attempt).join(format!("{attempt}.log"))
    }

    fn is_silent(&self, attempt: AttemptId) -> Result<bool, FileLogError> {
        let _guard = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        Silent::of(self, attempt).map(|silent| silent.is_set())
    }

    fn clear_silent(&self, attempt: AttemptId) -> Result<(), FileLogError> {
        let mut last = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        *last = None;
        Silent::of(self, attempt)?.clear()
    }

    fn set_silent(&self, attempt: AttemptId) -> Result<(), FileLogError> {
        let path = self.folder(attempt).join(SILENT);
        let mut last = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let set = SilentFile::of(last.take(), &path).and_then(|it| it.set(attempt).map(|()| it));
        *last = set
            .map(|it| REMOVES_OPEN_FILES.then_some(it))
            .map_err(|source| FileLogError::Io { path, source })?;
        Ok(())
    }

    /// Whether the log is finished now because nothing was in it.
    fn finish_silent(&self, attempt: AttemptId) -> Result<bool, FileLogError> {
        if self.find_open(attempt).is_some() || self.path(attempt).exists() {
            return Ok(false);
        }
        self.set_silent(attempt).map(|()| true)
    }

    fn bell(&self, attempt: AttemptId) -> &Notify {
        &self.bells[(attempt.0 % BELLS as u64) as usize]
    }

    fn ring(&self, attempt: AttemptId) {
        self.bell(attempt).notify_waiters();
    }

    fn logs(&self) -> MutexGuard<'_, HashMap<AttemptId, Arc<Mutex<OpenLog>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find_open(&self, attempt: AttemptId) -> Option<Arc<Mutex<OpenLog>>> {
        self.logs().get(&attempt).cloned()
    }

    fn open_log(&self, attempt: AttemptId) -> Result<Arc<Mutex<OpenLog>>, FileLogError> {
        if let Some(log) = self.find_open(attempt) {
            return Ok(log);
        }
        if self.is_silent(attempt)? {
            return Err(FileLogError::Finished { attempt });
        }
        let log = OpenLog::open(self.path(attempt))?;
        // Someone else may have opened it meanwhile; all must write through one.
        let mut logs = self.logs();
        let log = logs
            .entry(attempt)
            .or_insert_with(|| Arc::new(Mutex::new(log)));
        Ok(Arc::clone(log))
    }

    fn append(
        &self,
        attempt: AttemptId,
        frames: &mut [u8],
        heads: &[(usize, usize, u8, Timestamp)],
    ) -> Result<(), FileLogError> {
        let log = self.open_log(attempt)?;
        let mut log = lock(&log);
        if log.finished {
            return Err(FileLogError::Finished { attempt });
        }
        for (place, length, kind, at) in heads {
            let head = head(log.length + *place as u64, *length as u32, *kind, *at);
            frames[*place..place + HEAD_BYTES].copy_from_slice(&head);
        }
        log.write(frames)
    }

    fn finish(&self, attempt: AttemptId) -> Result<(), FileLogError> {
        if self.finish_silent(attempt)? {
            return Ok(());
        }
        let log = self.open_log(attempt)?;
        {
            let mut log = lock(&log);
            if !log.finished {
                let head = head(log.length, 0, FINISHED, Timestamp::default());
                log.write(&head)?;
                log.finished = true;
            }
        }
        // From now on the file says it all.
        self.logs().remove(&attempt);
        Ok(())
    }

    fn read(&self, attempt: AttemptId, from: u64, max: usize) -> Result<LogRead, FileLogError> {
        let path = self.path(attempt);
        let nothing = LogRead {
            entries: Vec::new(),
            next: from,
            complete: false,
        };
        let fault = |source| FileLogError::Io {
            path: path.clone(),
            source,
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == IoKind::NotFound => {
                return Ok(LogRead {
                    complete: self.is_silent(attempt)?,
                    ..nothing
                });
            }
            Err(error) => return Err(fault(error)),
        };
        // The length is asked for after the file was opened, or a log that is finished in between seems shorter.
        let length = match self.find_open(attempt) {
            Some(log) => lock(&log).length,
            None => file.metadata().map_err(fault)?.len(),
        };
        if from > length {
            return Err(FileLogError::NoPosition {
                attempt,
                position: from,
            });
        }
        let mut read = nothing;
        let mut frames = Frames::new(&file, length);
        let mut bytes = 0;
        while read.entries.len() < READ_ENTRIES {
            let frame = match frames.at(read.next).map_err(fault)? {
                Next::Frame(frame) => frame,
                Next::End | Next::Part => break,
                Next::Damage if read.next == from => {
                    return Err(FileLogError::NoPosition {
                        attempt,
                        position: from,
                    });
                }
                Next::Damage => {
                    return Err(FileLogError::Damaged {
                        path,
                        position: read.next,
                    });
                }
            };
            if frame.kind == FINISHED {
                // The position stays before the mark, so that reading on says so again.
                read.complete = true;
                break;
            }
            let stream = stream_of(frame.kind);
            if !read.entries.is_empty() && bytes + frame.bytes.len() > max {
                break;
            }
            bytes += frame.bytes.len();
            read.next += (HEAD_BYTES + frame.bytes.len()) as u64;
            read.entries.push(LogEntry {
                at: frame.at,
                stream,
                bytes: frame.bytes.to_vec(),
            });
        }
        Ok(read)
    }

    fn delete(&self, attempt: AttemptId) -> Result<(), FileLogError> {
        self.logs().remove(&attempt);
        if self.is_silent(attempt)? {
            self.clear_silent(attempt)?;
        }
        let path = self.path(attempt);
        match fs::remove_file(&path) {
            Ok(()) => {
                // Fails while the folder holds others, which is as it should be.
                let _ = path.parent().map(fs::remove_dir);
                Ok(())
            }
            Err(error) if error.kind() == IoKind::NotFound => Ok(()),
            Err(source) => Err(FileLogError::Io { path, source }),
        }
    }
}

/// What the bits of a folder are in.
const SILENT: &str = "silent";

/// Where the bit of an attempt is in its folder's file: a byte, and a bit of that.
const fn bit_of(attempt: AttemptId) -> (u64, u8) {
    let place = attempt.0 % (1 << FOLDER_BITS);
    (place / 8, 1 << (place % 8))
}

/// A folder's bits, to be set one after another.
#[derive(Debug)]
struct SilentFile {
    path: PathBuf,
    file: File,
}

impl SilentFile {
    /// The file of this path: the last one, unless that is another one or was taken away with its folder.
    fn of(last: Option<Self>, path: &Path) -> io::Result<Self> {
        match last {
            Some(it) if it.path == path && is_named(&it.file) => Ok(it),
            _ => Ok(Self {
                path: path.to_owned(),
                file: open_for_writing(path)?,
            }),
        }
    }

    fn set(&self, attempt: AttemptId) -> io::Result<()> {
        let (byte, mask) = bit_of(attempt);
        let mut bits = [0];
        // Behind the end all are unset.
        match read_exact_at(&self.file, &mut bits, byte) {
            Err(error) if error.kind() != IoKind::UnexpectedEof => Err(error),
            _ => write_all_at(&self.file, &[bits[0] | mask], byte),
        }
    }
}

/// The bits of a folder, and one attempt's among them.
struct Silent {
    path: PathBuf,
    bits: Vec<u8>,
    byte: usize,
    mask: u8,
}

impl Silent {
    fn of(inner: &Inner, attempt: AttemptId) -> Result<Self, FileLogError> {
        let path = inner.folder(attempt).join(SILENT);
        let (byte, mask) = bit_of(attempt);
        match fs::read(&path) {
            Err(error) if error.kind() == IoKind::NotFound => Ok(Vec::new()),
            other => other,
        }
        .map(|bits| Self {
            path: path.clone(),
            bits,
            byte: byte as usize,
            mask,
        })
        .map_err(|source| FileLogError::Io { path, source })
    }

    fn is_set(&self) -> bool {
        self.bits
            .get(self.byte)
            .is_some_and(|byte| byte & self.mask != 0)
    }

    fn clear(mut self) -> Result<(), FileLogError> {
        let Some(bits) = self.bits.get_mut(self.byte) else {
            return Ok(());
        };
        *bits &= !self.mask;
        let written = if self.bits.iter().all(|byte| *byte == 0) {
            // The folder goes with its last log.
            fs::remove_file(&self.path).map(|()| {
                let _ = self.path.parent().map(fs::remove_dir);
            })
        } else {
            open_for_writing(&self.path).and_then(|file| {
                write_all_at(&file, &self.bits[self.byte..=self.byte], self.byte as u64)
            })
        };
        written.map_err(|source| FileLogError::Io {
            path: self.path,
            source,
        })
    }
}

/// Opens a file, which is made with its folder if need be, and leaves in it what it holds.
fn open_for_writing(path: &Path) -> io::Result<File> {
    let open = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    };
    match open() {
        Err(error) if error.kind() == IoKind::NotFound => {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            open()
        }
        other => other,
    }
}

impl OpenLog {
    /// Opens for appending after the last whole frame; a crash may have left a part of another.
    fn open(path: PathBuf) -> Result<Self, FileLogError> {
        Self::try_open(&path).map_err(|source| FileLogError::Io { path, source })
    }

    fn try_open(path: &Path) -> io::Result<Self> {
        let file = open_for_writing(path)?;
        let on_disk = file.metadata()?.len();
        let mut length = 0;
        let mut finished = false;
        let mut frames = Frames::new(&file, on_disk);
        while let Next::Frame(frame) = frames.at(length)? {
            if frame.kind == FINISHED {
                finished = true;
                break;
            }
            length += (HEAD_BYTES + frame.bytes.len()) as u64;
        }
        if !finished && length < on_disk {
            file.set_len(length)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            finished,
        })
    }

    /// Appends whole frames or nothing.
    fn write(&mut self, frames: &[u8]) -> Result<(), FileLogError> {
        match write_all_at(&self.file, frames, self.length) {
            Ok(()) => {
                self.length += frames.len() as u64;
                Ok(())
            }
            Err(source) => {
                // Best effort: readers stop at `length` anyway, and the next write goes over it.
                let _ = self.file.set_len(self.length);
                Err(FileLogError::Io {
                    path: self.path.clone(),
                    source,
                })
            }
        }
    }
}

fn lock(log: &Mutex<OpenLog>) -> MutexGuard<'_, OpenLog> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) const fn kind_of(stream: Stream) -> u8 {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
        Stream::Executor => 2,
    }
}

pub(crate) const fn stream_of(kind: u8) -> Stream {
    match kind {
        0 => Stream::Stdout,
        1 => Stream::Stderr,
        _ => Stream::Executor,
    }
}

/// Deletes logs below a directory that were last written before this; how many.
pub(crate) fn sweep_files(directory: &Path, before: SystemTime) -> usize {
    let list = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let mut swept = 0;
    for folder in list(directory) {
        for file in list(&folder.path()) {
            let is_log = file.file_name() != SILENT;
            let written = file.metadata().and_then(|it| it.modified());
            if is_log
                && written.is_ok_and(|written| written < before)
                && fs::remove_file(file.path()).is_ok()
            {
                swept += 1;
            }
        }
    }
    swept
}

fn head(place: u64, length: u32, kind: u8, at: Timestamp) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4] = kind;
    head[5..13].copy_from_slice(&at.as_micros().to_le_bytes());
    let check = check(place, &head[..13]);
    head[13..].copy_from_slice(&check.to_le_bytes());
    head
}

fn check(place: u64, head: &[u8]) -> u32 {
    fnv1a_32([place.to_le_bytes().as_slice(), head])
}

struct Frame<'a> {
    kind: u8,
    at: Timestamp,
    bytes: &'a [u8],
}

enum Next<'a> {
    Frame(Frame<'a>),
    End,
    /// The beginning of a frame: it is being written, or a crash cut it off.
    Part,
    Damage,
}

/// Reads frames through a window of the file.
struct Frames<'a> {
    file: &'a File,
    length: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Frames<'a> {
    const WINDOW_BYTES: usize = 256 << 10;

    const fn new(file: &'a File, length: u64) -> Self {
        Self {
            file,
            length,
            window: Vec::new(),
            window_at: 0,
        }
    }

    fn at(&mut self, place: u64) -> io::Result<Next<'_>> {
        let left = self.length.saturating_sub(place);
        if left == 0 {
            return Ok(Next::End);
        }
        if left < HEAD_BYTES as u64 {
            return Ok(Next::Part);
        }
        self.fill(place, HEAD_BYTES)?;
        let start = (place - self.window_at) as usize;
        let mut head = [0; HEAD_BYTES];
        head.copy_from_slice(&self.window[start..start + HEAD_BYTES]);
        let [
            l0,
            l1,
            l2,
            l3,
            kind,
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            t7,
            c0,
            c1,
            c2,
            c3,
        ] = head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if u32::from_le_bytes([c0, c1, c2, c3]) != check(place, &head[..13]) || length > ENTRY_BYTES
        {
            return Ok(Next::Damage);
        }
        if left < (HEAD_BYTES + length) as u64 {
            return Ok(Next::Part);
        }
        self.fill(place, HEAD_BYTES + length)?;
        let start = (place - self.window_at) as usize + HEAD_BYTES;
        Ok(Next::Frame(Frame {
            kind,
            at: Timestamp::from_micros(i64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7])),
            bytes: &self.window[start..start + length],
        }))
    }

    /// Brings `count` bytes from `place`, which the file has, into the window.
    fn fill(&mut self, place: u64, count: usize) -> io::Result<()> {
        let end = place + count as u64;
        if place >= self.window_at && end <= self.window_at + self.window.len() as u64 {
            return Ok(());
        }
        let wanted = (self.length - place).min(Self::WINDOW_BYTES.max(count) as u64) as usize;
        self.window.resize(wanted, 0);
        self.window_at = place;
        read_exact_at(self.file, &mut self.window, place)
    }
}

#[cfg(test)]
mod tests;
