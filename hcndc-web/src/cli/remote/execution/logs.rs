//! What the jobs of an execution wrote.

use std::{
    collections::{BTreeSet, VecDeque},
    io::{self, Write as _},
    time::Duration,
};

use clap::{Args, ValueEnum};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use reqwest::Response;
use serde_json::Value;

use super::{
    super::{
        Desk, RemoteError,
        events::{Events, Heard},
        list::Filters,
        nouns::job_name,
    },
    IdArgs,
    watch::is_live,
};
use crate::cli::{Exit, Signals, client::ClientError, warn};

/// Outputs that are followed at once; others wait, and are told whole then.
const AT_ONCE: usize = 16;
/// How long is waited before it is looked again for a next attempt, or a server that was out of reach.
const AGAIN: Duration = Duration::from_secs(1);
/// How often in a row the server may be out of reach.
const TRIES: u32 = 300;

/// Arguments of `execution logs`.
#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    #[command(flatten)]
    id: IdArgs,
    /// The job, as flow/job or by the job run's id; all jobs of the execution if not given
    job: Option<String>,
    /// Go on until the job, or the execution, has ended
    #[arg(short, long)]
    follow: bool,
    /// Number of the attempt, from 1; the latest if not given, and with --follow those after it
    #[arg(long, value_name = "N", requires = "job", value_parser = clap::value_parser!(u32).range(1..))]
    attempt: Option<u32>,
    /// Only what came this way
    #[arg(long, value_enum)]
    stream: Option<StreamName>,
    /// Only the last lines of each job
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    tail: Option<usize>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StreamName {
    Stdout,
    Stderr,
    Executor,
}

impl StreamName {
    const fn word(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Executor => "executor",
        }
    }
}

pub(super) async fn run(desk: &Desk, args: &LogsArgs) -> Result<Exit, RemoteError> {
    let mut signals = Signals::watch()?;
    let printed = async {
        match &args.job {
            Some(job) => one(desk, args, job).await,
            None if args.follow => follow_all(desk, args).await,
            None => all(desk, args).await,
        }
    };
    tokio::select! {
        printed = printed => printed.map(|()| Exit::Success),
        () = signals.next() => Ok(Exit::Interrupted),
    }
}

async fn one(desk: &Desk, args: &LogsArgs, job: &str) -> Result<(), RemoteError> {
    let names = [job.to_owned()];
    let runs = desk.named_runs(args.id.execution, &names).await?;
    let mut sink = Sink::plain(args.tail);
    for run in &runs {
        let log = Log::of(desk, run, args);
        match args.follow {
            true => log.follow(&mut sink).await?,
            false => log.read(&mut sink).await?,
        }
    }
    Ok(sink.end()?)
}

/// Each output after the other, with a line before it that says whose it is.
async fn all(desk: &Desk, args: &LogsArgs) -> Result<(), RemoteError> {
    let id = args.id.execution;
    desk.served
        .json(&format!("/api/v1/executions/{id}"))
        .await?;
    let runs = desk.job_runs(id).await?;
    let begun: Vec<&Value> = runs.iter().filter(|run| has_begun(run)).collect();
    for (at, run) in begun.iter().enumerate() {
        if begun.len() > 1 {
            let gap = if at > 0 { "\n" } else { "" };
            let name = job_name(run, desk.lang);
            write(format!("{gap}==> {name} <==\n").as_bytes())?;
        }
        let mut sink = Sink::plain(args.tail);
        match Log::of(desk, run, args).read(&mut sink).await {
            // That one is gone keeps nobody from the others.
            Err(RemoteError::Client(error)) if error.problem("log_unavailable").is_some() => {
                warn(error.message(desk.lang));
            }
            other => other?,
        }
        sink.end()?;
    }
    Ok(())
}

fn has_begun(run: &Value) -> bool {
    run["attempt"].as_u64().is_some_and(|attempt| attempt > 0)
}

/// All outputs as they come, each line with the name of its job before it.
async fn follow_all(desk: &Desk, args: &LogsArgs) -> Result<(), RemoteError> {
    let id = args.id.execution;
    let path = format!("/api/v1/executions/{id}");
    let mut events = Events::at(desk, format!("{path}/events"));
    let mut known = BTreeSet::new();
    let mut waiting: VecDeque<Value> = VecDeque::new();
    let mut followed = FuturesUnordered::new();
    let mut is_over = false;
    loop {
        while followed.len() < AT_ONCE
            && let Some(run) = waiting.pop_front()
        {
            followed.push(async move {
                let mut sink = Sink::named(&job_name(&run, desk.lang));
                let done = Log::of(desk, &run, args).follow(&mut sink).await;
                sink.end()?;
                done
            });
        }
        if is_over && followed.is_empty() && waiting.is_empty() {
            return Ok(());
        }
        let look = tokio::select! {
            heard = events.next(), if !is_over => match heard? {
                Heard::Anew => true,
                Heard::Event(event) => match &*event.kind {
                    "job_run" => matches!(event.data["to"].as_str(), Some("dispatched" | "running")),
                    kind => kind == "execution",
                },
            },
            Some(done) = followed.next() => {
                match done {
                    Err(RemoteError::Client(error)) if error.problem("log_unavailable").is_some() => {
                        warn(error.message(desk.lang));
                    }
                    other => other?,
                }
                false
            }
        };
        if look {
            let execution = desk.served.json(&path).await?;
            is_over = !is_live(&execution);
            let runs = desk.job_runs(id).await?;
            let begun = runs.into_iter().filter(has_begun);
            waiting.extend(begun.filter(|run| known.insert(run["id"].as_u64())));
        }
    }
}

/// The output of a job run.
struct Log<'a> {
    desk: &'a Desk,
    run: u64,
    attempt: Option<u32>,
    stream: Option<&'static str>,
}

/// How far it has come with an attempt.
enum Step {
    /// It is there, and its output complete.
    Complete,
    /// Its output was cut off.
    Broken,
    /// It has not begun.
    Waits,
    /// It will never begin.
    Over,
}

/// How far an output was read.
#[derive(Debug, Default)]
struct Place {
    /// Where the next read begins.
    from: u64,
    /// Bytes after that which were told already.
    told: usize,
}

impl<'a> Log<'a> {
    fn of(desk: &'a Desk, run: &Value, args: &LogsArgs) -> Self {
        Self {
            desk,
            run: run["id"].as_u64().unwrap_or_default(),
            attempt: args.attempt,
            stream: args.stream.map(StreamName::word),
        }
    }

    async fn open(
        &self,
        attempt: Option<u32>,
        from: u64,
        follow: bool,
    ) -> Result<Response, ClientError> {
        let query = Filters::default()
            .with("attempt", attempt)
            .with("stream", self.stream)
            .with("from", Some(from))
            .with("follow", follow.then_some("true"));
        let path = query.path(&format!("job-runs/{}/log", self.run));
        self.desk.served.open(&path, None).await
    }

    /// Tells what there is; whether that is all that will be.
    async fn catch_up(
        &self,
        attempt: Option<u32>,
        place: &mut Place,
        sink: &mut Sink,
    ) -> Result<bool, RemoteError> {
        loop {
            let mut response = self.open(attempt, place.from, false).await?;
            let header = |name: &str| {
                let value = response.headers().get(name)?;
                value.to_str().ok().map(str::to_owned)
            };
            let next = header("x-next-position").and_then(|next| next.parse().ok());
            let complete = header("x-log-complete").is_some_and(|it| it == "true");
            let mut skip = place.told;
            let mut bytes = 0;
            loop {
                let chunk = response.chunk().await;
                let Some(chunk) = chunk.map_err(|error| self.desk.served.lost(error))? else {
                    break;
                };
                let known = skip.min(chunk.len());
                skip -= known;
                sink.write(&chunk[known..])?;
                // What is told is not told again, should the rest of this answer get lost.
                bytes += chunk.len();
                place.told = place.told.max(bytes);
            }
            let next = next.unwrap_or(place.from);
            let is_still = next == place.from;
            *place = Place {
                from: next,
                told: place.told.saturating_sub(bytes),
            };
            if complete || is_still {
                return Ok(complete);
            }
        }
    }

    /// Tells what there is.
    async fn read(&self, sink: &mut Sink) -> Result<(), RemoteError> {
        self.catch_up(self.attempt, &mut Place::default(), sink)
            .await
            .map(drop)
    }

    /// Tells what there is and what comes, of the attempt or, if none was named, of the latest and those after it, over breaks
    /// of the connection.
    async fn follow(&self, sink: &mut Sink) -> Result<(), RemoteError> {
        let mut wanted = self.attempt;
        let mut place = Place::default();
        let mut tries = 0;
        loop {
            let step = async {
                let (begun, is_settled) = self.begun().await?;
                let number = *wanted.get_or_insert_with(|| begun.max(1));
                if number > begun {
                    return Ok::<_, RemoteError>(match is_settled {
                        true => Step::Over,
                        false => Step::Waits,
                    });
                }
                let is_complete = self.follow_once(Some(number), &mut place, sink).await?;
                Ok(match is_complete {
                    true => Step::Complete,
                    false => Step::Broken,
                })
            };
            match step.await {
                Ok(Step::Over) => return Ok(()),
                Ok(Step::Waits) => tokio::time::sleep(AGAIN).await,
                Ok(Step::Broken) => tries = 0,
                Ok(Step::Complete) if self.attempt.is_some() => return Ok(()),
                Ok(Step::Complete) => {
                    wanted = wanted.map(|number| number + 1);
                    place = Place::default();
                }
                Err(RemoteError::Client(error)) if error.is_passing() && tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// How many attempts have begun, and whether no other will.
    async fn begun(&self) -> Result<(u32, bool), RemoteError> {
        let path = format!("/api/v1/job-runs/{}", self.run);
        let run = self.desk.served.json(&path).await?;
        let at = run["attempt"].as_u64().unwrap_or(0);
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        Ok(match run["state"].as_str().unwrap_or_default() {
            // It is counted when it is queued, and there once it is dispatched.
            "queued" => (at.saturating_sub(1), false),
            "succeeded" | "failed" | "killed" | "upstream_failed" | "skipped" => (at, true),
            _ => (at, false),
        })
    }

    /// As far as one connection lasts; tells whether the output is complete.
    async fn follow_once(
        &self,
        attempt: Option<u32>,
        place: &mut Place,
        sink: &mut Sink,
    ) -> Result<bool, RemoteError> {
        if self.catch_up(attempt, place, sink).await? {
            return Ok(true);
        }
        let mut response = self.open(attempt, place.from, true).await?;
        let mut skip = place.told;
        // An answer that breaks off, or ends because its server does, is taken up where it ended.
        while let Ok(Some(chunk)) = response.chunk().await {
            let known = skip.min(chunk.len());
            skip -= known;
            sink.write(&chunk[known..])?;
            place.told += chunk.len() - known;
        }
        self.catch_up(attempt, place, sink).await
    }
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Where an output goes.
#[derive(Debug)]
struct Sink {
    /// Before each line.
    name: Option<String>,
    /// Only so many of the last lines.
    tail: Option<usize>,
    /// Lines that are kept back, and the beginning of the next.
    lines: VecDeque<Vec<u8>>,
    open: Vec<u8>,
}

impl Sink {
    const fn plain(tail: Option<usize>) -> Self {
        Self {
            name: None,
            tail,
            lines: VecDeque::new(),
            open: Vec::new(),
        }
    }

    fn named(name: &str) -> Self {
        Self {
            name: Some(format!("{name} | ")),
            ..Self::plain(None)
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.name.is_none() && self.tail.is_none() {
            return write(bytes);
        }
        let mut told = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.open.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.open);
                self.line(line, &mut told);
            }
        }
        match told.is_empty() {
            true => Ok(()),
            false => write(&told),
        }
    }

    fn line(&mut self, line: Vec<u8>, told: &mut Vec<u8>) {
        match self.tail {
            Some(most) => {
                self.lines.push_back(line);
                while self.lines.len() > most {
                    self.lines.pop_front();
                }
            }
            None => {
                told.extend_from_slice(self.name.as_deref().unwrap_or_default().as_bytes());
                told.extend_from_slice(&line);
            }
        }
    }

    /// Tells what was kept back.
    fn end(mut self) -> io::Result<()> {
        let mut told = Vec::new();
        if !self.open.is_empty() {
            let mut line = std::mem::take(&mut self.open);
            if self.name.is_some() {
                line.push(b'\n');
            }
            self.line(line, &mut told);
        }
        told.extend(self.lines.into_iter().flatten());
        match told.is_empty() {
            true => Ok(()),
            false => write(&told),
        }
    }
}
