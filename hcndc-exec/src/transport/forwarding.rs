//! Says again elsewhere what ended attempts have said: for those who collect logs of all of their systems in one place.
//!
//! ```text
//!   an end is acknowledged ─► a mark for each sink, on disk ─► its log is read, line by line ─► sink ─► the mark goes
//! ```
//!
//! At least once: a mark stays until the sink has all, whatever stops in between. Nobody waits for a sink; one that is away for
//! too long misses what came first.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{Order, Report},
    id::{AttemptId, ExecutionId, ExecutorId, JobRunId},
    model::Executor,
    port::{Fence, Introduction, LogEntry, LogRead, Stream, Transport, Unreachable},
    time::{DataDate, Timestamp},
};
use tokio::{sync::Notify, time::sleep};
use tokio_util::task::AbortOnDropHandle;

/// Bytes of a line; a longer one is several.
const LINE_BYTES: usize = 32 << 10;
/// Bytes of lines that go to a sink at once, about.
const BATCH_BYTES: usize = 1 << 20;
/// How much of a log is read at once.
const READ_BYTES: usize = 256 << 10;
/// How long to wait after a failure: twice as long each time, up to the last.
const WAITS: [u64; 7] = [1, 2, 4, 8, 16, 32, 60];
/// How long a log waits for its sink. Longer than any outage that people do something about.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Takes lines of logs.
#[async_trait]
pub trait LogSink: fmt::Debug + Send + Sync + 'static {
    /// Short and a file name; two sinks of a server have two. What waits for a sink waits under its name.
    fn name(&self) -> &str;

    /// Takes all of these, or says why not. They may come again.
    ///
    /// # Errors
    /// [`SinkError`].
    async fn send(&self, lines: &[LogLine]) -> Result<(), SinkError>;
}

/// Why a sink took nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SinkError {
    /// In the sink's words.
    pub reason: String,
    /// Whether the same lines may be taken later; else they never are.
    pub may_do_later: bool,
}

/// A line of a log, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// What said it.
    pub origin: Arc<LogOrigin>,
    /// When its first byte was read.
    pub at: Timestamp,
    /// From which stream.
    pub stream: Stream,
    /// At most 32 KiB; bytes that are no UTF-8 are replaced.
    pub text: String,
}

/// What said something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOrigin {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its number in its job run, from 1.
    pub number: u32,
    /// Its job run.
    pub job_run: JobRunId,
    /// Its execution.
    pub execution: ExecutionId,
    /// The name that the flow had.
    pub flow: String,
    /// The name that the job had.
    pub job: String,
    /// The data date.
    pub data_date: DataDate,
    /// Where it ran.
    pub executor: ExecutorId,
}

/// Knows what attempts are of.
#[async_trait]
pub trait Origins: fmt::Debug + Send + Sync + 'static {
    /// What an attempt is of; `None` if nobody knows it any more.
    ///
    /// # Errors
    /// Why it cannot be said now.
    async fn origin(&self, attempt: AttemptId) -> Result<Option<LogOrigin>, String>;
}

/// A transport that forwards the logs of ended attempts to sinks.
#[derive(Debug)]
pub struct Forwarding<T> {
    inner: Arc<T>,
    queues: Arc<[Queue]>,
    _workers: Vec<AbortOnDropHandle<()>>,
}

impl<T: Transport + 'static> Forwarding<T> {
    /// Forwards nothing.
    #[must_use]
    pub fn nothing(inner: T) -> Self {
        Self {
            inner: Arc::new(inner),
            queues: Arc::new([]),
            _workers: Vec::new(),
        }
    }

    /// Forwards to these sinks, with marks below `directory`, which is made if need be. Made within a tokio runtime.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn new(
        inner: T,
        sinks: Vec<Arc<dyn LogSink>>,
        origins: Arc<dyn Origins>,
        directory: &Path,
    ) -> io::Result<Self> {
        let inner = Arc::new(inner);
        let queues = sinks
            .iter()
            .map(|sink| Queue::open(directory.join(sink.name())));
        let queues: Arc<[Queue]> = queues.collect::<io::Result<_>>()?;
        let workers = sinks.into_iter().enumerate().map(|(index, sink)| {
            let worker = Worker {
                transport: Arc::clone(&inner),
                queues: Arc::clone(&queues),
                index,
                sink,
                origins: Arc::clone(&origins),
            };
            AbortOnDropHandle::new(tokio::spawn(worker.run()))
        });
        Ok(Self {
            _workers: workers.collect(),
            inner,
            queues,
        })
    }
}

/// What a sink has not taken yet.
#[derive(Debug)]
struct Queue {
    directory: PathBuf,
    waiting: Mutex<BTreeMap<AttemptId, ExecutorId>>,
    bell: Notify,
}

impl Queue {
    fn open(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let files = fs::read_dir(&directory)?.flatten();
        let marks = files.filter_map(|file| parse(file.file_name().to_str()?));
        Ok(Self {
            waiting: Mutex::new(marks.collect()),
            bell: Notify::new(),
            directory,
        })
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<AttemptId, ExecutorId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, attempt: AttemptId, executor: ExecutorId) -> PathBuf {
        self.directory.join(format!("{attempt}-{executor}"))
    }

    fn mark(&self, attempt: AttemptId, executor: ExecutorId) -> io::Result<()> {
        fs::File::create(self.path(attempt, executor))?;
        self.waiting().insert(attempt, executor);
        self.bell.notify_one();
        Ok(())
    }

    fn is_too_old(&self, attempt: AttemptId, executor: ExecutorId) -> bool {
        let written = fs::metadata(self.path(attempt, executor)).and_then(|it| it.modified());
        let age = written.map(|it| SystemTime::now().duration_since(it).unwrap_or_default());
        age.is_ok_and(|age| age > KEPT_FOR)
    }

    fn done(&self, attempt: AttemptId, executor: ExecutorId) {
        if let Err(error) = fs::remove_file(self.path(attempt, executor)) {
            tracing::warn!(%attempt, %error, "a log that was forwarded stays marked, and is forwarded again at the next start");
        }
        self.waiting().remove(&attempt);
    }
}

fn parse(name: &str) -> Option<(AttemptId, ExecutorId)> {
    let (attempt, executor) = name.split_once('-')?;
    let attempt = u64::from_str(attempt).ok()?;
    Some((AttemptId(attempt), ExecutorId(executor.parse().ok()?)))
}

/// Why a log is not forwarded.
enum Missed {
    /// The sink does not take it now.
    Sink(SinkError),
    /// The log, or what it is of, cannot be had now.
    Log(String),
    /// It never will be.
    ForGood(String),
}

/// Brings what waits to one sink.
struct Worker<T> {
    transport: Arc<T>,
    queues: Arc<[Queue]>,
    index: usize,
    sink: Arc<dyn LogSink>,
    origins: Arc<dyn Origins>,
}

impl<T: Transport> Worker<T> {
    async fn run(self) {
        let queue = &self.queues[self.index];
        let mut failures = 0;
        loop {
            let waiting: Vec<_> = queue.waiting().iter().map(|(a, e)| (*a, *e)).collect();
            if waiting.is_empty() {
                queue.bell.notified().await;
                continue;
            }
            match self.pass(queue, waiting).await {
                true => failures = 0,
                false => {
                    let wait = WAITS[failures.min(WAITS.len() - 1)];
                    failures += 1;
                    sleep(Duration::from_secs(wait)).await;
                }
            }
        }
    }

    /// Goes once over all that waits; whether nothing is left of it.
    async fn pass(&self, queue: &Queue, waiting: Vec<(AttemptId, ExecutorId)>) -> bool {
        let mut batch = Batch::default();
        let mut whole = true;
        for (attempt, executor) in waiting {
            if queue.is_too_old(attempt, executor) {
                tracing::warn!(%attempt, sink = self.sink.name(), "a log was never forwarded: its sink was away for too long");
                queue.done(attempt, executor);
                continue;
            }
            match self.take(&mut batch, attempt, executor).await {
                Ok(()) => batch.whole.push((attempt, executor)),
                Err(Missed::ForGood(reason)) => {
                    tracing::warn!(%attempt, reason, sink = self.sink.name(), "a log cannot be forwarded");
                    batch.forget(attempt);
                    queue.done(attempt, executor);
                }
                Err(Missed::Log(reason)) => {
                    tracing::info!(%attempt, reason, sink = self.sink.name(), "a log is not forwarded yet");
                    batch.forget(attempt);
                    whole = false;
                }
                Err(Missed::Sink(error)) => {
                    tracing::warn!(%error, sink = self.sink.name(), "a sink of logs takes nothing");
                    batch.settle(queue);
                    return false;
                }
            }
            batch.settle(queue);
        }
        let sent = self.send(&mut batch).await;
        batch.settle(queue);
        if let Err(error) = &sent {
            tracing::warn!(%error, sink = self.sink.name(), "a sink of logs takes nothing");
        }
        whole && sent.is_ok()
    }

    /// Takes a log into the batch, which goes whenever it is full.
    async fn take(
        &self,
        batch: &mut Batch,
        attempt: AttemptId,
        executor: ExecutorId,
    ) -> Result<(), Missed> {
        let origin = self.origins.origin(attempt).await.map_err(Missed::Log)?;
        let Some(origin) = origin else {
            return Err(Missed::ForGood("its execution is gone".to_owned()));
        };
        let mut lines = Lines::new(origin);
        let mut from = 0;
        loop {
            let read = self
                .transport
                .read_log(executor, attempt, from, READ_BYTES, Duration::ZERO)
                .await
                .map_err(|error| Missed::Log(error.to_string()))?;
            let is_all = read.complete || read.next == from;
            from = read.next;
            for entry in read.entries {
                lines.add(entry, batch);
            }
            if is_all {
                lines.end(batch);
                return Ok(());
            }
            if batch.bytes >= BATCH_BYTES {
                self.send(batch).await.map_err(Missed::Sink)?;
            }
        }
    }

    async fn send(&self, batch: &mut Batch) -> Result<(), SinkError> {
        if !batch.lines.is_empty()
            && let Err(error) = self.sink.send(&batch.lines).await
        {
            if error.may_do_later {
                return Err(error);
            }
            tracing::warn!(%error, lines = batch.lines.len(), sink = self.sink.name(), "a sink refuses lines for good");
        }
        batch.lines.clear();
        batch.bytes = 0;
        batch.sent.append(&mut batch.whole);
        Ok(())
    }
}

/// Lines on their way, of one log or many.
#[derive(Default)]
struct Batch {
    lines: Vec<LogLine>,
    bytes: usize,
    /// Attempts whose last lines are among them.
    whole: Vec<(AttemptId, ExecutorId)>,
    /// Attempts whose lines have all gone.
    sent: Vec<(AttemptId, ExecutorId)>,
}

impl Batch {
    fn push(&mut self, line: LogLine) {
        // What stands beside a line takes room, too.
        self.bytes += line.text.len() + 200;
        self.lines.push(line);
    }

    /// What has gone as a whole is done.
    fn settle(&mut self, queue: &Queue) {
        for (attempt, executor) in self.sent.drain(..) {
            queue.done(attempt, executor);
        }
    }

    fn forget(&mut self, attempt: AttemptId) {
        self.lines.retain(|line| line.origin.attempt != attempt);
    }
}

/// Makes lines of what was read in pieces.
struct Lines {
    origin: Arc<LogOrigin>,
    /// By stream: what has no end yet, and when it began.
    begun: BTreeMap<Stream, (Timestamp, Vec<u8>)>,
}

impl Lines {
    fn new(origin: LogOrigin) -> Self {
        Self {
            origin: Arc::new(origin),
            begun: BTreeMap::new(),
        }
    }

    fn add(&mut self, entry: LogEntry, batch: &mut Batch) {
        for piece in entry.bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in piece.chunks(LINE_BYTES) {
                let line = self.begun.remove(&entry.stream);
                let (at, mut line) = line.unwrap_or((entry.at, Vec::new()));
                if line.len() + piece.len() > LINE_BYTES && !line.is_empty() {
                    batch.push(self.line(at, entry.stream, &line));
                    line.clear();
                }
                line.extend_from_slice(piece);
                match line.strip_suffix(b"\n") {
                    Some(whole) => batch.push(self.line(at, entry.stream, whole)),
                    None => drop(self.begun.insert(entry.stream, (at, line))),
                }
            }
        }
    }

    fn end(mut self, batch: &mut Batch) {
        for (stream, (at, line)) in std::mem::take(&mut self.begun) {
            batch.push(self.line(at, stream, &line));
        }
    }

    fn line(&self, at: Timestamp, stream: Stream, bytes: &[u8]) -> LogLine {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        LogLine {
            origin: Arc::clone(&self.origin),
            at,
            stream,
            text: String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

#[async_trait]
impl<T: Transport + 'static> Transport for Forwarding<T> {
    type Error = T::Error;

    fn connect(&self, executor: Arc<Executor>, fence: Fence) {
        self.inner.connect(executor, fence);
    }

    fn disconnect(&self, executor: ExecutorId) {
        self.inner.disconnect(executor);
    }

    fn send(&self, executor: ExecutorId, order: Order) {
        let Order::Ack { attempt } = order else {
            return self.inner.send(executor, order);
        };
        if self.queues.is_empty() {
            return self.inner.send(executor, order);
        }
        let (inner, queues) = (Arc::clone(&self.inner), Arc::clone(&self.queues));
        tokio::task::spawn_blocking(move || {
            for queue in queues.iter() {
                if let Err(error) = queue.mark(attempt, executor) {
                    // The executor reports the end again, and then there may be room.
                    let path = queue.directory.display();
                    return tracing::warn!(%attempt, %path, %error, "a log cannot be marked to be forwarded");
                }
            }
            inner.send(executor, order);
        });
    }

    async fn recv(&self) -> (ExecutorId, Report) {
        self.inner.recv().await
    }

    async fn read_log(
        &self,
        executor: ExecutorId,
        attempt: AttemptId,
        from: u64,
        max_bytes: usize,
        wait: Duration,
    ) -> Result<LogRead, Self::Error> {
        let read = self
            .inner
            .read_log(executor, attempt, from, max_bytes, wait);
        read.await
    }

    fn trouble(&self, executor: ExecutorId) -> Option<String> {
        self.inner.trouble(executor)
    }

    async fn test(&self, executor: &Executor) -> Result<Introduction, Unreachable> {
        self.inner.test(executor).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> LogOrigin {
        LogOrigin {
            attempt: AttemptId(7),
            number: 1,
            job_run: JobRunId(6),
            execution: ExecutionId(5),
            flow: "night".to_owned(),
            job: "load".to_owned(),
            data_date: "2026-11-26".parse().expect("a date"),
            executor: ExecutorId(1),
        }
    }

    fn lines(pieces: &[(i64, Stream, &[u8])]) -> Vec<(i64, Stream, String)> {
        let mut batch = Batch::default();
        let mut lines = Lines::new(origin());
        for (at, stream, bytes) in pieces {
            let entry = LogEntry {
                at: Timestamp::from_micros(*at),
                stream: *stream,
                bytes: bytes.to_vec(),
            };
            lines.add(entry, &mut batch);
        }
        lines.end(&mut batch);
        let lines = batch.lines.into_iter();
        lines
            .map(|line| (line.at.as_micros(), line.stream, line.text))
            .collect()
    }

    #[test]
    fn lines_are_made_of_pieces_by_stream() {
        use Stream::{Stderr, Stdout};
        let found = lines(&[
            (1, Stdout, b"one\ntw"),
            (2, Stderr, b"err\r\n"),
            (3, Stdout, b"o\n\nthree"),
            (4, Stdout, b"\xff"),
        ]);
        let line = |at, stream, text: &str| (at, stream, text.to_owned());
        assert_eq!(
            found,
            [
                line(1, Stdout, "one"),
                line(2, Stderr, "err"),
                line(1, Stdout, "two"),
                line(3, Stdout, ""),
                line(3, Stdout, "three\u{fffd}"),
            ]
        );
    }

    #[test]
    fn a_long_line_is_several() {
        let long = vec![b'a'; 2 * LINE_BYTES + 10];
        let found = lines(&[(1, Stream::Stdout, &long), (2, Stream::Stdout, b"\n")]);
        let lengths: Vec<_> = found.iter().map(|(_, _, text)| text.len()).collect();
        assert_eq!(lengths, [LINE_BYTES, LINE_BYTES, 10]);
    }

    #[test]
    fn marks_outlive_their_process() {
        let directory = tempfile::tempdir().expect("a folder");
        let path = directory.path().join("sink");
        let queue = Queue::open(path.clone()).expect("open");
        queue.mark(AttemptId(7), ExecutorId(1)).expect("marked");
        queue.mark(AttemptId(8), ExecutorId(2)).expect("marked");
        queue.done(AttemptId(7), ExecutorId(1));
        let again = Queue::open(path).expect("open");
        let left = BTreeMap::from([(AttemptId(8), ExecutorId(2))]);
        assert_eq!(*again.waiting(), left);
    }
}
