//! Whoever writes a recording while a scheduler works.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, TryRecvError, channel},
    },
    thread::JoinHandle,
};

use hcndc_core::{
    engine::{Change, Input, Rejected, Settings, Snapshot, Step},
    port::Observer,
    replay::{Mark, Record},
    time::Timestamp,
};

use super::{Header, Mask, files::Files};
use crate::causes::with_causes;

/// Bytes that may wait for the disk at most. What comes then is left out, and the next file begins as soon as it can.
const MOST_WAITING: u64 = 64 << 20;

/// Where to record, and how much to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordTo {
    /// Folder of the files; made if need be.
    pub dir: PathBuf,
    /// Bytes that the files may have together. The newest is kept whole, whatever its size.
    pub limit: u64,
}

/// Records what goes into an engine. Nobody waits for the disk: a thread of its own writes.
///
/// It ends, and has written everything, when it is dropped.
#[derive(Debug)]
pub struct Recorder {
    mask: Mask,
    limit: u64,
    course: Mutex<Course>,
    waiting: Arc<AtomicU64>,
    writer: Option<JoinHandle<()>>,
}

/// The file that is written, as far as it is known here.
#[derive(Debug)]
struct Course {
    /// `None` once recording has ended.
    lines: Option<Sender<Line>>,
    /// Bytes of what the engine was loaded from.
    base: u64,
    /// Bytes that came since.
    grown: u64,
    /// Something is missing: nothing more belongs into this file.
    torn: bool,
}

#[derive(Debug)]
enum Line {
    /// Begins a file.
    First(Vec<u8>),
    Next(Vec<u8>),
}

impl Recorder {
    /// Begins to record.
    ///
    /// # Errors
    /// If the folder cannot be used, or no thread can be had.
    pub fn start(to: &RecordTo) -> io::Result<Self> {
        let files = Files::open(&to.dir, to.limit)?;
        let (lines, taken) = channel();
        let waiting = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&waiting);
        let writer = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || write(files, &taken, &count))?;
        Ok(Self {
            mask: Mask::new(),
            limit: to.limit,
            course: Mutex::new(Course {
                lines: Some(lines),
                base: 0,
                grown: 0,
                torn: true,
            }),
            waiting,
            writer: Some(writer),
        })
    }

    /// Whether the next file should begin: the present one has its share of what may be kept, or lacks something. It begins
    /// when an engine is loaded.
    #[must_use]
    pub fn wants_anew(&self) -> bool {
        let course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        if course.torn {
            // Not while the disk is behind: what begins a file is large.
            return self.waiting.load(Ordering::Relaxed) < MOST_WAITING / 2;
        }
        // A quarter: so most of what is allowed is kept when the oldest goes. Never less than what it costs to begin.
        course.grown > (self.limit / 4).max(course.base)
    }

    fn record(&self, record: &Record) {
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        let loads = matches!(record, Record::Loaded { .. });
        if course.lines.is_none() || (course.torn && !loads) {
            return;
        }
        let mut bytes = Vec::new();
        let made = match loads {
            true => line(&mut bytes, &Header::new()).and_then(|()| line(&mut bytes, record)),
            false => line(&mut bytes, record),
        };
        if let Err(error) = made {
            tracing::error!(
                error = with_causes(&error),
                "cannot record an input; recording ends"
            );
            (course.lines, course.torn) = (None, false);
            return;
        }
        let size = bytes.len() as u64;
        let waiting = self.waiting.load(Ordering::Relaxed);
        course.torn = !loads && waiting + size > MOST_WAITING;
        if course.torn {
            tracing::warn!(
                waiting,
                "the disk is too slow to record; the next file begins anew"
            );
            return;
        }
        self.waiting.fetch_add(size, Ordering::Relaxed);
        let line = if loads {
            (course.base, course.grown) = (size, 0);
            Line::First(bytes)
        } else {
            course.grown += size;
            Line::Next(bytes)
        };
        // The writer ends after this does.
        let _ = course.lines.as_ref().map(|lines| lines.send(line));
    }
}

fn line(bytes: &mut Vec<u8>, value: &impl serde::Serialize) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *bytes, value)?;
    bytes.push(b'\n');
    Ok(())
}

fn write(mut files: Files, lines: &Receiver<Line>, waiting: &AtomicU64) {
    loop {
        let line = match lines.try_recv() {
            Ok(line) => Ok(line),
            // Nothing waits: a process that is killed now has lost nothing.
            Err(TryRecvError::Empty) => {
                told(files.flush(), &mut files);
                lines.recv().map_err(|_| TryRecvError::Disconnected)
            }
            Err(error) => Err(error),
        };
        let Ok(line) = line else {
            return told(files.end(), &mut files);
        };
        let (Line::First(bytes) | Line::Next(bytes)) = &line;
        waiting.fetch_sub(bytes.len() as u64, Ordering::Relaxed);
        let begun = match &line {
            Line::First(_) => files.begin(),
            Line::Next(_) => Ok(()),
        };
        told(begun.and_then(|()| files.write(bytes)), &mut files);
    }
}

/// A disk that fails ends the file; the server goes on.
fn told(written: io::Result<()>, files: &mut Files) {
    if let Err(error) = written {
        tracing::error!(
            error = with_causes(&error),
            "cannot write the recording; the next begins when the scheduler is loaded again"
        );
        // It cannot be written any more than that.
        let _ = files.end();
    }
}

impl Observer for Recorder {
    fn committed(&self, _: Timestamp, _: &[Change]) {}

    fn loaded(&self, at: Timestamp, settings: &Settings, snapshot: &Snapshot) {
        let snapshot = Box::new(self.mask.snapshot(snapshot));
        let settings = settings.clone();
        self.record(&Record::Loaded {
            at,
            settings,
            snapshot,
        });
    }

    fn applying(&self, at: Timestamp, input: &Input) {
        let input = Box::new(self.mask.input(input));
        self.record(&Record::Input { at, input });
    }

    fn applied(&self, outcome: &Result<Step, Rejected>) {
        let mark = Mark::of(outcome);
        self.record(&Record::Outcome { mark });
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let course = self.course.get_mut();
        course.unwrap_or_else(PoisonError::into_inner).lines = None;
        if let Some(writer) = self.writer.take() {
            // One that panicked has written what it could.
            let _ = writer.join();
        }
    }
}
