//! A job's output on its way into the log: both streams by time, in batches, within a cap.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use hcndc_core::{
    id::AttemptId,
    port::{LogEntry, LogStore, Stream},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

use super::{mask::Mask, now, process::until, put_out::PutOut, redraw::Redraw};

/// Output is written when so much has come together,
const BATCH_BYTES: usize = 128 << 10;
/// or this long after the first of it.
const BATCH_DELAY: Duration = Duration::from_millis(30);
/// Of the cap, what is kept of the end at most; it is held in memory until the job ends.
const TAIL_BYTES: usize = 1 << 20;
const CHUNK_BYTES: usize = 64 << 10;
/// Entries of the tail are put together up to about this length, under the time of the first.
const MERGED_BYTES: usize = 4 << 10;
/// How long output may still come after all processes of the job are gone.
const LINGER: Duration = Duration::from_millis(500);

/// Takes a job's output until it is closed.
#[derive(Debug)]
pub(crate) struct Capture {
    notes: mpsc::Sender<Note>,
    /// Ends with whoever runs the attempt: pipes that nobody reads are closed.
    task: AbortOnDropHandle<Captured>,
}

/// What came of a job's output.
#[derive(Debug, Default)]
pub(crate) struct Captured {
    /// Bytes that the job wrote.
    pub(crate) bytes: u64,
    /// Values that it put out.
    pub(crate) outputs: BTreeMap<String, String>,
}

#[derive(Debug)]
enum Note {
    Say(String),
    Close,
}

impl Capture {
    /// Starts taking what comes from two pipes, either of which may be missing. The secrets are in nothing that is kept.
    pub(crate) fn start<L: LogStore + 'static>(
        log: Arc<L>,
        attempt: AttemptId,
        pipes: Pipes,
        cap: usize,
        secrets: BTreeSet<String>,
    ) -> Self {
        let (notes, received) = mpsc::channel(16);
        let writer = Writer {
            log,
            attempt,
            put_out: PutOut::new(!secrets.is_empty()),
            masks: Mask::pair(secrets),
            redraws: [Redraw::default(), Redraw::default()],
            cap: Cap::new(cap),
            batch: Vec::new(),
            batch_bytes: 0,
            due: None,
            taken: 0,
            lost: 0,
        };
        let task = AbortOnDropHandle::new(tokio::spawn(writer.run(pipes, received)));
        Self { notes, task }
    }

    /// Adds a line of the executor's own.
    pub(crate) async fn note(&self, text: impl Into<String>) {
        // The task ends only when it is closed, or with the runtime.
        let _ = self.notes.send(Note::Say(text.into())).await;
    }

    /// Takes what is left and finishes the log.
    pub(crate) async fn close(self) -> Captured {
        let _ = self.notes.send(Note::Close).await;
        self.task.await.unwrap_or_default()
    }
}

/// A job's two streams.
#[derive(Debug, Default)]
pub(crate) struct Pipes {
    pub(crate) stdout: Option<tokio::process::ChildStdout>,
    pub(crate) stderr: Option<tokio::process::ChildStderr>,
}

impl Pipes {
    const fn are_open(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some()
    }

    /// The next chunk of either stream. One that has ended, or cannot be read, is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    async fn next(&mut self) -> Option<(Stream, Vec<u8>)> {
        while self.are_open() {
            let (stream, chunk) = tokio::select! {
                chunk = chunk(self.stdout.as_mut()) => (Stream::Stdout, chunk),
                chunk = chunk(self.stderr.as_mut()) => (Stream::Stderr, chunk),
            };
            match (stream, chunk) {
                (stream, Some(chunk)) => return Some((stream, chunk)),
                (Stream::Stdout, None) => self.stdout = None,
                (Stream::Stderr | Stream::Executor, None) => self.stderr = None,
            }
        }
        None
    }
}

async fn chunk<R: AsyncRead + Unpin>(pipe: Option<&mut R>) -> Option<Vec<u8>> {
    let Some(pipe) = pipe else {
        return std::future::pending().await;
    };
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    let mut limited = pipe.take(CHUNK_BYTES as u64);
    match limited.read_buf(&mut chunk).await {
        Ok(0) | Err(_) => None,
        Ok(_) => {
            // Most reads are short, and chunks stay until they are written.
            chunk.shrink_to_fit();
            Some(chunk)
        }
    }
}

struct Writer<L> {
    log: Arc<L>,
    attempt: AttemptId,
    /// Of either stream.
    masks: [Mask; 2],
    redraws: [Redraw; 2],
    put_out: PutOut,
    cap: Cap,
    batch: Vec<LogEntry>,
    batch_bytes: usize,
    due: Option<Instant>,
    /// Bytes that the job wrote.
    taken: u64,
    /// Bytes of them that the log refused since it last took some.
    lost: u64,
}

impl<L: LogStore> Writer<L> {
    async fn run(mut self, mut pipes: Pipes, mut notes: mpsc::Receiver<Note>) -> Captured {
        let mut open = true;
        while open {
            tokio::select! {
                chunk = pipes.next(), if pipes.are_open() => {
                    if let Some((stream, bytes)) = chunk {
                        self.take(stream, bytes);
                    }
                }
                note = notes.recv() => match note {
                    Some(Note::Say(text)) => self.say(text),
                    Some(Note::Close) | None => open = false,
                },
                () = until(self.due) => self.flush().await,
                () = until(self.redrawn()) => self.keep_redrawn(false),
            }
            if self.batch_bytes >= BATCH_BYTES {
                self.flush().await;
            }
        }
        let deadline = Instant::now() + LINGER;
        while pipes.are_open() {
            match timeout_at(deadline, pipes.next()).await {
                Ok(Some((stream, bytes))) => self.take(stream, bytes),
                Ok(None) => {}
                Err(_) => {
                    self.say(
                        "something that is not part of the job holds its output open; \
                              what it writes from now on is not kept"
                            .to_owned(),
                    );
                    break;
                }
            }
            if self.batch_bytes >= BATCH_BYTES {
                self.flush().await;
            }
        }
        self.unmask();
        self.keep_redrawn(true);
        let (outputs, told) = std::mem::take(&mut self.put_out).finish();
        let drawn_over: u64 = self.redraws.iter().map(Redraw::left_out).sum();
        let (left_out, tail) = self.cap.finish();
        if left_out > 0 {
            self.say(format!("{left_out} bytes of output were left out here"));
        }
        for entry in tail {
            self.push(entry);
            if self.batch_bytes >= BATCH_BYTES {
                self.flush().await;
            }
        }
        told.into_iter().for_each(|text| self.say(text));
        if drawn_over > 0 {
            self.say(format!(
                "{drawn_over} bytes were left out of lines that were redrawn"
            ));
        }
        self.flush().await;
        if let Err(error) = self.log.finish(self.attempt).await {
            tracing::warn!(attempt = %self.attempt, %error, "cannot finish a log");
        }
        Captured {
            bytes: self.taken,
            outputs,
        }
    }

    fn take(&mut self, stream: Stream, bytes: Vec<u8>) {
        self.taken += bytes.len() as u64;
        let place = place_of(stream);
        let bytes = self.masks[place].take(bytes);
        self.take_masked(stream, bytes);
    }

    fn take_masked(&mut self, stream: Stream, bytes: Vec<u8>) {
        let told = match stream {
            Stream::Stdout => self.put_out.take(&bytes),
            Stream::Stderr | Stream::Executor => Vec::new(),
        };
        let bytes = self.redraws[place_of(stream)].take(bytes, Instant::now());
        self.keep(stream, bytes);
        told.into_iter().for_each(|text| self.say(text));
    }

    /// Takes what masks have held back, for no more will come.
    fn unmask(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let place = place_of(stream);
            let bytes = self.masks[place].rest();
            self.take_masked(stream, bytes);
        }
    }

    /// When the state of a line that is being redrawn is to be kept.
    fn redrawn(&self) -> Option<Instant> {
        self.redraws.iter().filter_map(Redraw::due).min()
    }

    /// Keeps the states that are due, or all.
    fn keep_redrawn(&mut self, all: bool) {
        let now = Instant::now();
        for (place, stream) in [Stream::Stdout, Stream::Stderr].into_iter().enumerate() {
            let redraw = &mut self.redraws[place];
            if all || redraw.due().is_some_and(|due| due <= now) {
                let bytes = redraw.flush(now);
                self.keep(stream, bytes);
            }
        }
    }

    fn keep(&mut self, stream: Stream, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let entry = LogEntry {
            at: now(),
            stream,
            bytes,
        };
        let was_full = self.cap.is_full();
        if let Some(entry) = self.cap.take(entry) {
            self.push(entry);
        }
        if self.cap.is_full() && !was_full {
            let tail = self.cap.tail_bytes;
            self.say(format!(
                "the output is longer than is kept; its last {tail} bytes follow when the job ends"
            ));
        }
    }

    fn say(&mut self, mut text: String) {
        text.push('\n');
        self.push(note_entry(text));
    }

    fn push(&mut self, entry: LogEntry) {
        self.batch_bytes += entry.bytes.len();
        self.batch.push(entry);
        self.due.get_or_insert_with(|| Instant::now() + BATCH_DELAY);
    }

    /// Writes the batch. A log that takes nothing costs output, never the job.
    async fn flush(&mut self) {
        self.due = None;
        self.batch_bytes = 0;
        if self.batch.is_empty() {
            return;
        }
        if self.lost > 0 {
            let text = format!("{} bytes of output could not be written\n", self.lost);
            self.batch.insert(0, note_entry(text));
        }
        match self.log.append(self.attempt, &self.batch).await {
            Ok(()) => self.lost = 0,
            Err(error) => {
                if self.lost == 0 {
                    tracing::warn!(attempt = %self.attempt, %error, "cannot write a log");
                }
                self.lost += self
                    .batch
                    .iter()
                    .filter(|entry| entry.stream != Stream::Executor)
                    .map(|entry| entry.bytes.len() as u64)
                    .sum::<u64>();
            }
        }
        self.batch.clear();
    }
}

const fn place_of(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr | Stream::Executor => 1,
    }
}

fn note_entry(text: String) -> LogEntry {
    LogEntry {
        at: now(),
        stream: Stream::Executor,
        bytes: text.into_bytes(),
    }
}

/// Lets the head of the output through and keeps the tail.
#[derive(Debug)]
struct Cap {
    head_left: usize,
    tail_bytes: usize,
    tail: VecDeque<LogEntry>,
    held: usize,
    left_out: u64,
    full: bool,
}

impl Cap {
    fn new(bytes: usize) -> Self {
        let tail_bytes = TAIL_BYTES.min(bytes / 2);
        Self {
            head_left: bytes - tail_bytes,
            tail_bytes,
            tail: VecDeque::new(),
            held: 0,
            left_out: 0,
            full: false,
        }
    }

    /// Whether the head is complete and more has come.
    const fn is_full(&self) -> bool {
        self.full
    }

    /// What of the entry belongs to the head.
    fn take(&mut self, mut entry: LogEntry) -> Option<LogEntry> {
        if entry.bytes.len() <= self.head_left && !self.full {
            self.head_left -= entry.bytes.len();
            return Some(entry);
        }
        let rest = entry
            .bytes
            .split_off(if self.full { 0 } else { self.head_left });
        self.full = true;
        self.head_left = 0;
        self.hold(LogEntry {
            at: entry.at,
            stream: entry.stream,
            bytes: rest,
        });
        (!entry.bytes.is_empty()).then_some(entry)
    }

    fn hold(&mut self, entry: LogEntry) {
        self.held += entry.bytes.len();
        match self.tail.back_mut() {
            // Many short entries would cost far more than their bytes.
            Some(last)
                if last.stream == entry.stream
                    && last.bytes.len() + entry.bytes.len() <= MERGED_BYTES =>
            {
                last.bytes.extend_from_slice(&entry.bytes);
            }
            _ => self.tail.push_back(entry),
        }
        while self.held > self.tail_bytes {
            let over = self.held - self.tail_bytes;
            let Some(first) = self.tail.front_mut() else {
                break;
            };
            let dropped = if first.bytes.len() <= over {
                self.tail.pop_front().map_or(0, |first| first.bytes.len())
            } else {
                first.bytes.drain(..over);
                over
            };
            self.held -= dropped;
            self.left_out += dropped as u64;
        }
    }

    /// How much was left out, and the tail.
    fn finish(&mut self) -> (u64, VecDeque<LogEntry>) {
        (self.left_out, std::mem::take(&mut self.tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hcndc_core::time::Timestamp;

    fn entry(text: &str) -> LogEntry {
        LogEntry {
            at: Timestamp::default(),
            stream: Stream::Stdout,
            bytes: text.as_bytes().to_vec(),
        }
    }

    /// What a cap keeps of chunks: head, bytes left out, tail.
    fn capped(cap: usize, chunks: &[&str]) -> (String, u64, String) {
        let mut cap = Cap::new(cap);
        let text = |entries: &mut dyn Iterator<Item = LogEntry>| {
            entries
                .map(|entry| String::from_utf8(entry.bytes).unwrap())
                .collect::<String>()
        };
        let head = text(&mut chunks.iter().filter_map(|chunk| cap.take(entry(chunk))));
        let (left_out, tail) = cap.finish();
        (head, left_out, text(&mut tail.into_iter()))
    }

    #[test]
    fn output_within_the_cap_passes_whole() {
        assert_eq!(capped(8, &["abcd"]), ("abcd".into(), 0, String::new()));
    }

    #[test]
    fn head_and_tail_stay() {
        assert_eq!(
            capped(8, &["abcdef", "ghij", "klm"]),
            ("abcd".into(), 5, "jklm".into())
        );
    }

    #[test]
    fn output_a_little_over_half_the_cap_loses_nothing() {
        assert_eq!(
            capped(8, &["abcdef", "gh"]),
            ("abcd".into(), 0, "efgh".into())
        );
    }

    #[test]
    fn a_cap_of_nothing_keeps_nothing() {
        assert_eq!(capped(0, &["abc"]), (String::new(), 3, String::new()));
    }
}
