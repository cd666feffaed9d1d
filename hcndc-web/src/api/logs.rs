//! `/job-runs/{id}/log`: the output of an attempt, by position or while it is written.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hcndc_core::{
    engine::AttemptRow,
    id::JobRunId,
    port::{ErrorKind, History, LogEntry, LogRead, PortError as _, Stream, Transport},
};
use serde::Serialize;
use warp::{
    Filter as _,
    filters::BoxedFilter,
    http::{HeaderMap, HeaderValue, header},
    reply::Response,
};

use super::{
    forward::{PASSED_ON_BY, ask, told_by_other},
    job_runs::find,
    needs::READ,
    ports::read,
    problem::{Blame, BlameError, Problem, ProblemDto, What},
    query::Query,
    route::{HandedTo as _, Route, at_id, having, query},
    stream::{BrokenOff, Writer, streamed},
};
use crate::app::App;

const LOG: &str = "/api/v1/job-runs/{id}/log";

/// Bytes of one answer when nobody says, and at most.
const USUAL: u64 = 1 << 20;
const MOST: u64 = 16 << 20;
/// Bytes that are asked of an executor at once.
const CHUNK: usize = 256 << 10;
/// How long an executor is asked to wait for more.
const WAIT: Duration = Duration::from_secs(15);
/// How long another server is waited for.
const OTHERS: Duration = Duration::from_secs(5);
/// Between two looks for a first attempt, and between two tries of an executor out of reach.
const PAUSE: Duration = Duration::from_millis(300);
/// Tries of an executor that is out of reach, one after the other: about a minute.
const TRIES: u32 = 200;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    vec![
        Route::get(
            LOG,
            READ,
            at_id(LOG)
                .and(having(app))
                .and(query())
                .and(asked())
                .handed_to(log),
        )
        .by_leader_or_here(),
    ]
}

/// How a request was put, to put it to others.
#[derive(Clone, Debug)]
pub(super) struct Put {
    target: String,
    headers: HeaderMap,
    passed_on: bool,
}

/// Hands that to a handler.
fn asked() -> BoxedFilter<(Put,)> {
    warp::path::full()
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::header::headers_cloned())
        .map(
            |path: warp::path::FullPath, query: String, headers: HeaderMap| Put {
                target: format!("{}?{query}", path.as_str()),
                passed_on: headers.contains_key(PASSED_ON_BY),
                headers,
            },
        )
        .boxed()
}

/// What is wanted of an output.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    attempt: Option<u32>,
    stream: Option<Stream>,
    follow: bool,
    from: u64,
    limit: Option<u64>,
    format: Format,
}

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    JsonLines,
}

impl Wanted {
    fn of(mut query: Query) -> Result<Self, Problem> {
        let streams = [
            ("all", None),
            ("stdout", Some(Stream::Stdout)),
            ("stderr", Some(Stream::Stderr)),
            ("executor", Some(Stream::Executor)),
        ];
        let formats = [("text", Format::Text), ("jsonl", Format::JsonLines)];
        let wanted = Self {
            attempt: query
                .number("attempt", 1, u32::MAX.into())
                .map(|number| number as u32),
            stream: query.word("stream", &streams).flatten(),
            follow: query.flag("follow").unwrap_or(false),
            from: query.number("from", 0, u64::MAX).unwrap_or(0),
            limit: query.number("limit_bytes", 1, MOST),
            format: query.word("format", &formats).unwrap_or(Format::Text),
        };
        query.finish()?;
        Ok(wanted)
    }
}

/// Tells the output of an attempt.
///
/// As text: the bytes as they came, of all streams in their order. As `jsonl`: a line `{"t", "stream", "text"}` for
/// each piece as it was read, which may hold several lines or a part of one. `X-Next-Position` is the `from` of what
/// comes next; `X-Log-Complete` says whether anything will. With `follow` the answer ends when the output is complete,
/// also if the attempt has not begun yet.
#[utoipa::path(get, operation_id = "read_log", path = "/api/v1/job-runs/{id}/log", tag = "job runs", params(
    ("id" = u64, Path),
    ("attempt" = Option<u32>, Query, description = "Its number, from 1. Default: the latest"),
    ("stream" = Option<String>, Query, description = "`all` (default), `stdout`, `stderr`, or `executor`: the executor's own words"),
    ("follow" = Option<bool>, Query, description = "Go on until the output is complete"),
    ("from" = Option<u64>, Query, description = "`X-Next-Position` of an earlier read. Default: 0, the start"),
    ("limit_bytes" = Option<u64>, Query, description = "Read about so many bytes: 1 to 16777216. Default: 1048576; no limit with `follow`"),
    ("format" = Option<String>, Query, description = "`text` (default) or `jsonl`"),
), responses(
    (status = 200, content_type = "text/plain", body = String, headers(("X-Next-Position" = u64), ("X-Log-Complete" = bool))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_job_run`, `unknown_attempt`"),
    (status = 503, body = ProblemDto, content_type = "application/problem+json", description = "`log_unavailable`: its executor is out of reach, or has the output no more"),
))]
pub(super) async fn log<H: History + 'static, T: Transport + 'static>(
    job_run: JobRunId,
    app: Arc<App<H, T>>,
    query: Query,
    put: Put,
) -> Result<Response, Problem> {
    let wanted = Wanted::of(query)?;
    let attempt = find_attempt(&app, job_run, wanted.attempt).await?;
    if let (None, Some(number)) = (&attempt, wanted.attempt) {
        let (what, id) = (What::Attempt, number.into());
        return Err(Problem::Unknown { what, id });
    }
    if let Some(attempt) = &attempt
        && let Some(answer) = ask_others(&app, attempt, wanted.from, &put).await
    {
        return Ok(answer);
    }
    if wanted.follow {
        let (writer, response) = streamed(wanted.format.media_type());
        tokio::spawn(async move {
            tokio::select! {
                () = app.stopping.cancelled() => {}
                () = writer.closed() => {}
                result = follow(&app, job_run, attempt, wanted, &writer) => {
                    if result.is_err() {
                        // Nobody may be there any more to be told.
                        let _ = writer.send(Err(BrokenOff)).await;
                    }
                }
            }
        });
        return Ok(response);
    }
    let mut render = Render::new(wanted);
    let mut text = Vec::new();
    let (mut next, mut complete) = (wanted.from, false);
    match &attempt {
        Some(attempt) => {
            let limit = wanted.limit.unwrap_or(USUAL);
            let mut left = limit as usize;
            while left > 0 && !complete {
                let piece =
                    read_piece(&app, attempt, next, left.min(CHUNK), Duration::ZERO).await?;
                (next, complete) = (piece.next, piece.complete);
                if piece.entries.is_empty() {
                    break;
                }
                let bytes: usize = piece.entries.iter().map(|entry| entry.bytes.len()).sum();
                left = left.saturating_sub(bytes.max(1));
                render.add(&piece.entries, &mut text);
            }
        }
        // What was not run and will not be has no output, and all of it.
        None => complete = find(&app, job_run).await?.row.state.is_settled(),
    }
    render.finish(&mut text);
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(wanted.format.media_type()),
    );
    headers.insert("x-next-position", HeaderValue::from(next));
    let complete = if complete { "true" } else { "false" };
    headers.insert("x-log-complete", HeaderValue::from_static(complete));
    Ok(response)
}

/// The output of an attempt that has ended may lie with another server, which led then: each is asked, and those that are
/// asked ask nobody. `None` if it can be had here, or nowhere.
async fn ask_others<H: History, T: Transport>(
    app: &App<H, T>,
    attempt: &AttemptRow,
    from: u64,
    put: &Put,
) -> Option<Response> {
    let peers = app.peers.as_deref().filter(|_| !put.passed_on)?;
    let others = peers.others();
    if others.is_empty() || !attempt.state.is_ended() {
        return None;
    }
    let here = read_piece(app, attempt, from, 1, Duration::ZERO).await;
    if !matches!(here, Err(Problem::LogUnavailable { .. })) {
        return None;
    }
    for url in others {
        if let Some(answer) = ask(peers, &url, &put.target, Some(&put.headers), OTHERS).await {
            return Some(told_by_other(answer));
        }
    }
    None
}

/// The attempt of this number, or the latest; `None` if there is none (yet).
async fn find_attempt<H: History, T: Transport>(
    app: &App<H, T>,
    job_run: JobRunId,
    number: Option<u32>,
) -> Result<Option<AttemptRow>, Problem> {
    let mut attempts = read(app.history.attempts(job_run)).await?;
    if attempts.is_empty() {
        find(app, job_run).await?;
    }
    Ok(match number {
        Some(number) => attempts.into_iter().find(|it| it.number == number),
        None => attempts.pop(),
    })
}

async fn read_piece<H: History, T: Transport>(
    app: &App<H, T>,
    attempt: &AttemptRow,
    from: u64,
    max_bytes: usize,
    wait: Duration,
) -> Result<LogRead, Problem> {
    let (executor, id) = (attempt.executor, attempt.id);
    let reading = app.transport.read_log(executor, id, from, max_bytes, wait);
    reading.await.map_err(|error| match error.kind() {
        ErrorKind::Invalid if from > 0 => {
            Problem::BadQuery(vec![Blame::of("from", BlameError::BadPosition)])
        }
        _ => Problem::LogUnavailable {
            reason: app
                .transport
                .trouble(executor)
                .unwrap_or_else(|| error.to_string()),
        },
    })
}

/// Tells output until it is complete. Fails when it cannot be had.
async fn follow<H: History, T: Transport>(
    app: &App<H, T>,
    job_run: JobRunId,
    mut attempt: Option<AttemptRow>,
    wanted: Wanted,
    writer: &Writer,
) -> Result<(), Problem> {
    let attempt = loop {
        if let Some(attempt) = attempt {
            break attempt;
        }
        if find(app, job_run).await?.row.state.is_settled() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
        attempt = find_attempt(app, job_run, None).await?;
    };
    let mut render = Render::new(wanted);
    let mut text = Vec::new();
    let mut next = wanted.from;
    let mut left = wanted.limit.map_or(usize::MAX, |limit| limit as usize);
    let mut failures = 0;
    loop {
        let piece = match read_piece(app, &attempt, next, left.min(CHUNK), WAIT).await {
            Ok(piece) => piece,
            Err(Problem::LogUnavailable { .. }) if failures < TRIES => {
                failures += 1;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(problem) => return Err(problem),
        };
        failures = 0;
        next = piece.next;
        let bytes: usize = piece.entries.iter().map(|entry| entry.bytes.len()).sum();
        left = left.saturating_sub(bytes);
        render.add(&piece.entries, &mut text);
        let ends = piece.complete || left == 0;
        if ends {
            render.finish(&mut text);
        }
        if !text.is_empty() {
            let chunk = Bytes::from(std::mem::take(&mut text));
            if writer.send(Ok(chunk)).await.is_err() {
                return Ok(());
            }
        }
        if ends {
            return Ok(());
        }
    }
}

impl Format {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::JsonLines => "application/x-ndjson",
        }
    }
}

/// Pieces of output, as they are told.
struct Render {
    stream: Option<Stream>,
    format: Format,
    /// The beginnings of characters whose rest is still to come, with the time and stream of their pieces.
    cut: Vec<LogEntry>,
}

/// A piece of output as JSON.
#[derive(Serialize)]
struct Line<'a> {
    t: String,
    stream: Stream,
    text: &'a str,
}

impl Render {
    const fn new(wanted: Wanted) -> Self {
        Self {
            stream: wanted.stream,
            format: wanted.format,
            cut: Vec::new(),
        }
    }

    fn add(&mut self, entries: &[LogEntry], out: &mut Vec<u8>) {
        let stream = self.stream;
        let entries = entries
            .iter()
            .filter(|entry| stream.is_none_or(|stream| entry.stream == stream));
        for entry in entries {
            match self.format {
                Format::Text => out.extend_from_slice(&entry.bytes),
                Format::JsonLines => self.add_line(entry, out),
            }
        }
    }

    fn add_line(&mut self, entry: &LogEntry, out: &mut Vec<u8>) {
        let before = self.cut.iter().position(|cut| cut.stream == entry.stream);
        let mut bytes = before.map_or_else(Vec::new, |at| self.cut.swap_remove(at).bytes);
        bytes.extend_from_slice(&entry.bytes);
        let whole = bytes.len() - cut_character(&bytes);
        let rest = bytes.split_off(whole);
        if !rest.is_empty() {
            self.cut.push(LogEntry {
                bytes: rest,
                ..*entry
            });
        }
        if !bytes.is_empty() {
            write_line(entry, &bytes, out);
        }
    }

    /// Tells what is left over.
    fn finish(&mut self, out: &mut Vec<u8>) {
        for cut in std::mem::take(&mut self.cut) {
            write_line(&cut, &cut.bytes, out);
        }
    }
}

fn write_line(entry: &LogEntry, bytes: &[u8], out: &mut Vec<u8>) {
    let line = Line {
        t: entry.at.to_string(),
        stream: entry.stream,
        text: &String::from_utf8_lossy(bytes),
    };
    // Texts always serialize, and a vector takes all.
    let _ = serde_json::to_writer(&mut *out, &line);
    out.push(b'\n');
}

/// How many bytes at the end are the beginning of a character: 0 to 3.
fn cut_character(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let start = tail.iter().rposition(|byte| byte & 0xC0 != 0x80);
    let Some(start) = start else { return 0 };
    let begun = &tail[start..];
    match std::str::from_utf8(begun) {
        // No length: more bytes could make it a character.
        Err(error) if error.error_len().is_none() => begun.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hcndc_core::time::Timestamp;

    fn render(format: Format, pieces: &[(Stream, &[u8])]) -> String {
        let mut render = Render {
            stream: None,
            format,
            cut: Vec::new(),
        };
        let entries: Vec<LogEntry> = pieces
            .iter()
            .map(|(stream, bytes)| LogEntry {
                at: Timestamp::from_micros(0),
                stream: *stream,
                bytes: bytes.to_vec(),
            })
            .collect();
        let mut out = Vec::new();
        render.add(&entries, &mut out);
        render.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_character_that_is_cut_between_pieces_stays_whole() {
        let text = "数据".as_bytes();
        let lines = render(
            Format::JsonLines,
            &[
                (Stream::Stdout, &text[..4]),
                (Stream::Stderr, b"!"),
                (Stream::Stdout, &text[4..]),
            ],
        );
        let texts: Vec<serde_json::Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(texts[0]["text"], "数");
        assert_eq!(texts[1]["text"], "!");
        assert_eq!(texts[1]["stream"], "stderr");
        assert_eq!(texts[2]["text"], "据");
        assert_eq!(texts[2]["t"], "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn bytes_that_are_no_text_do_not_stop_it() {
        let lines = render(
            Format::JsonLines,
            &[(Stream::Stdout, b"a\xff"), (Stream::Stdout, b"\xe6\x95")],
        );
        assert_eq!(lines.lines().count(), 2, "{lines}");
        assert_eq!(render(Format::Text, &[(Stream::Stdout, b"a\nb")]), "a\nb");
    }
}
