//! What is known of an alert, read from the store and from where outputs lie.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{AlertRow, AttemptRow, JobRunState},
    id::{AlertChannelId, AlertId, AlertRuleId, ExecutionId, ExecutorId, JobRunId},
    model::{AlertChannel, AlertEvent, AlertRule, Definition, DefinitionId},
    port::{
        AlertQuery, Direction, ExecutorQuery, FiringQuery, History, JobRunQuery, JobRunView,
        PageRequest, Transport,
    },
    time::Timestamp,
};

use super::story::{EscalatedStory, ExecutionStory, JobStory, ServerStory, Story};
use crate::causes::with_causes;

/// Flows of an execution that are named.
const FLOWS: usize = 3;
/// Failed jobs of an execution that are named.
const FAILED: u32 = 5;
/// Failed jobs of an execution whose output is shown.
const WITH_LOG: usize = 2;
/// Firings of a schedule among which that of an alert is sought.
const FIRINGS: u32 = 100;
/// Bytes of output that are read at once.
const CHUNK: usize = 256 << 10;
/// How long the end of an output is sought: it lies behind all the rest.
const SEEK: Duration = Duration::from_secs(5);
/// Characters of a line of output that are shown.
const LINE: usize = 400;

/// Who is to be told, and of what.
#[async_trait]
pub trait Facts: Send + Sync {
    /// The channels of a rule; `None` if it is gone.
    ///
    /// # Errors
    /// Why the store does not say.
    async fn rule(&self, rule: AlertRuleId) -> Result<Option<Arc<AlertRule>>, String>;

    /// A channel as it is now; `None` if it is gone.
    ///
    /// # Errors
    /// Why the store does not say.
    async fn channel(&self, id: AlertChannelId) -> Result<Option<Arc<AlertChannel>>, String>;

    /// All that can be said of an alert, with so many last lines of outputs. What cannot be read is left out.
    async fn story(&self, alert: &AlertRow, log_lines: usize) -> Story;
}

/// Facts from a store, and outputs through a transport.
#[derive(Clone, Debug)]
pub struct Read<H, T> {
    history: H,
    transport: T,
    base_url: Option<String>,
}

impl<H: History, T: Transport> Read<H, T> {
    /// Reads from these; pages are below `base_url`, without a slash at its end.
    #[must_use]
    pub const fn new(history: H, transport: T, base_url: Option<String>) -> Self {
        Self {
            history,
            transport,
            base_url,
        }
    }

    async fn name(&self, id: impl Into<DefinitionId>) -> Option<Definition> {
        self.history.definition(id.into()).await.ok().flatten()
    }

    async fn alert(&self, id: AlertId) -> Option<AlertRow> {
        let query = AlertQuery {
            ids: vec![id],
            ..AlertQuery::default()
        };
        self.history.alerts(&query).await.ok()?.items.pop()
    }

    async fn executor(&self, id: ExecutorId) -> Option<ServerStory> {
        let query = ExecutorQuery {
            page: page(1_000, Direction::Ascending),
            ..ExecutorQuery::default()
        };
        let all = self.history.executors(&query).await.ok()?;
        let found = all.items.into_iter().find(|it| it.id == id)?;
        Some(ServerStory {
            name: found.name.clone(),
            address: found.address.clone(),
            trouble: self.transport.trouble(id),
        })
    }

    async fn execution(&self, id: ExecutionId) -> Option<ExecutionStory> {
        let view = self.history.execution(id).await.ok().flatten()?;
        let mut flows: Vec<String> = Vec::new();
        for (_, name) in view.flows {
            if !flows.contains(&name) {
                flows.push(name);
            }
        }
        Some(ExecutionStory {
            id: id.0,
            flows_more: flows.len().saturating_sub(FLOWS),
            flows: flows.into_iter().take(FLOWS).collect(),
            state: view.row.state,
            started_at: view.row.started_at,
            ended_at: view.row.ended_at,
            started_by: view.row.started_by,
        })
    }

    async fn job(&self, id: JobRunId, when: When, log_lines: usize) -> Option<JobStory> {
        let view = self.history.job_run(id).await.ok().flatten()?;
        Some(self.of_job_run(view, when, log_lines).await)
    }

    async fn of_job_run(&self, view: JobRunView, when: When, log_lines: usize) -> JobStory {
        let attempts = self.history.attempts(view.row.id).await;
        let attempt = told(attempts.unwrap_or_default(), when);
        let mut story = JobStory {
            flow: view.flow_name,
            job: view.job_name,
            job_run: view.row.id.0,
            attempt: view.row.attempt,
            executor: String::new(),
            state: None,
            exit_code: None,
            signal: None,
            message: String::new(),
            log: Vec::new(),
        };
        if let Some(attempt) = attempt {
            let executor = self.executor(attempt.executor).await;
            story.executor = executor.map(|it| it.name).unwrap_or_default();
            story.log = self.tail(&attempt, log_lines).await;
            story.attempt = attempt.number;
            story.state = Some(attempt.state);
            story.exit_code = attempt.exit_code;
            story.signal = attempt.signal;
            story.message = attempt.message;
        }
        story
    }

    async fn failed(
        &self,
        execution: ExecutionId,
        when: When,
        log_lines: usize,
    ) -> (Vec<JobStory>, u64) {
        let query = JobRunQuery {
            execution: Some(execution),
            states: vec![JobRunState::Failed, JobRunState::Killed],
            page: page(FAILED, Direction::Ascending),
            ..JobRunQuery::default()
        };
        let Ok(found) = self.history.job_runs(&query).await else {
            return (Vec::new(), 0);
        };
        let all = match self.history.execution(execution).await {
            Ok(Some(view)) => {
                let count = |state| view.job_runs.get(&state).copied().unwrap_or_default();
                count(JobRunState::Failed) + count(JobRunState::Killed)
            }
            Ok(None) | Err(_) => 0,
        };
        let mut stories = Vec::new();
        for (number, view) in found.items.into_iter().enumerate() {
            let lines = if number < WITH_LOG { log_lines } else { 0 };
            stories.push(self.of_job_run(view, when, lines).await);
        }
        let more = all.saturating_sub(stories.len() as u64);
        (stories, more)
    }

    /// The last lines of an attempt's output; none if they cannot be had soon.
    async fn tail(&self, attempt: &AttemptRow, lines: usize) -> Vec<String> {
        let mut tail = Tail::new(lines);
        let until = Instant::now() + SEEK;
        let mut from = 0;
        while lines > 0 && Instant::now() < until {
            let reading =
                self.transport
                    .read_log(attempt.executor, attempt.id, from, CHUNK, Duration::ZERO);
            let Ok(Ok(read)) = tokio::time::timeout(SEEK, reading).await else {
                return Vec::new();
            };
            for entry in &read.entries {
                tail.add(&entry.bytes);
            }
            if read.complete || read.entries.is_empty() {
                return tail.finish();
            }
            from = read.next;
        }
        Vec::new()
    }
}

/// Which attempt of a job an alert is about.
#[derive(Clone, Copy)]
enum When {
    /// The latest: it runs.
    Running,
    /// The last that had ended then; by now there may be others.
    EndedBy(Timestamp),
}

fn told(mut attempts: Vec<AttemptRow>, when: When) -> Option<AttemptRow> {
    let at = match when {
        When::Running => None,
        When::EndedBy(then) => attempts
            .iter()
            .rposition(|it| it.ended_at.is_some_and(|at| at <= then)),
    };
    match at {
        Some(at) => Some(attempts.swap_remove(at)),
        None => attempts.pop(),
    }
}

fn page(limit: u32, direction: Direction) -> PageRequest {
    PageRequest {
        limit,
        direction,
        ..PageRequest::default()
    }
}

#[async_trait]
impl<H: History, T: Transport> Facts for Read<H, T> {
    async fn rule(&self, rule: AlertRuleId) -> Result<Option<Arc<AlertRule>>, String> {
        match self.history.definition(rule.into()).await {
            Ok(Some(Definition::AlertRule(rule))) => Ok(Some(rule)),
            Ok(_) => Ok(None),
            Err(error) => Err(with_causes(&error)),
        }
    }

    async fn channel(&self, id: AlertChannelId) -> Result<Option<Arc<AlertChannel>>, String> {
        match self.history.definition(id.into()).await {
            Ok(Some(Definition::AlertChannel(channel))) => Ok(Some(channel)),
            Ok(_) => Ok(None),
            Err(error) => Err(with_causes(&error)),
        }
    }

    async fn story(&self, alert: &AlertRow, log_lines: usize) -> Story {
        let mut story = Story::new(alert.id.0, alert.event, alert.raised_at);
        story.data_date = alert.data_date;
        let first = match alert.escalates {
            Some(first) => self.alert(first).await,
            None => None,
        };
        let happened_at = first.as_ref().map_or(alert.raised_at, |it| it.raised_at);
        story.escalates = alert.escalates.map(|id| EscalatedStory {
            alert: id.0,
            raised_at: happened_at,
        });
        let when = match alert.event {
            AlertEvent::LongerThanUsual => When::Running,
            _ => When::EndedBy(happened_at),
        };
        if let Some(rule) = self.name(alert.rule).await {
            story.rule = rule.name().to_owned();
        }
        if let Some(schedule) = alert.schedule {
            let found = self.name(schedule).await;
            story.schedule = found.map(|it| it.name().to_owned());
        }
        if let (Some(firing), Some(schedule)) = (alert.firing, alert.schedule) {
            let query = FiringQuery {
                schedule: Some(schedule),
                started: None,
                page: page(FIRINGS, Direction::Descending),
            };
            let firings = self.history.firings(&query).await.ok();
            let mut firings = firings.into_iter().flat_map(|page| page.items);
            story.deadline = firings.find(|it| it.id == firing).and_then(|it| {
                let due = match alert.event {
                    AlertEvent::NotStartedBy => it.start_by,
                    _ => it.finish_by,
                };
                due.map(|due| due.at)
            });
        }
        if let Some(execution) = alert.execution {
            story.execution = self.execution(execution).await;
            if alert.job_run.is_none() {
                (story.failed, story.failed_more) = self.failed(execution, when, log_lines).await;
            }
        }
        if let Some(job_run) = alert.job_run {
            story.job = self.job(job_run, when, log_lines).await;
        }
        if let Some(executor) = alert.executor {
            story.executor = self.executor(executor).await;
        }
        if let Some(source) = alert.data_source
            && let Some(Definition::DataSource(source)) = self.name(source).await
        {
            let port = source.port.map(|port| format!(":{port}"));
            story.data_source = Some(ServerStory {
                name: source.name.clone(),
                address: format!("{}{}", source.host, port.unwrap_or_default()),
                trouble: None,
            });
        }
        let page = match (alert.execution, alert.executor, alert.data_source) {
            (Some(execution), ..) => format!("execute/{execution}/"),
            (None, Some(_), _) => "base/exec/host/".to_owned(),
            (None, None, Some(_)) => "datasource/".to_owned(),
            (None, None, None) => "dispatch/".to_owned(),
        };
        story.url = self.base_url.as_ref().map(|base| format!("{base}/{page}"));
        if alert.escalate_at.is_some() || alert.escalates.is_some() {
            let base = self.base_url.as_ref();
            story.acknowledge_url = base.map(|base| format!("{base}/alert/?id={}", alert.id));
        }
        story
    }
}

/// The last lines of what comes in pieces.
struct Tail {
    most: usize,
    lines: VecDeque<Vec<u8>>,
    open: Vec<u8>,
}

impl Tail {
    fn new(most: usize) -> Self {
        Self {
            most,
            lines: VecDeque::new(),
            open: Vec::new(),
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => self.end_line(),
                // What is longer is cut off, four bytes being the longest letter.
                _ if self.open.len() < 4 * LINE => self.open.push(*byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.open);
        self.lines.push_back(line);
        if self.lines.len() > self.most {
            self.lines.pop_front();
        }
    }

    fn finish(mut self) -> Vec<String> {
        if !self.open.is_empty() {
            self.end_line();
        }
        let lines = self.lines.iter().map(|line| readable(line));
        lines.collect()
    }
}

/// A line as text, without what would steer a terminal.
fn readable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = console::strip_ansi_codes(text.trim_end());
    let text = text
        .chars()
        .filter(|letter| *letter == '\t' || !letter.is_control());
    text.take(LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_whole_and_readable() {
        let mut tail = Tail::new(2);
        for piece in ["one\ntw", "o\n\u{1b}[31mthree\u{1b}[0m\r\nfo", "ur"] {
            tail.add(piece.as_bytes());
        }
        assert_eq!(tail.finish(), ["three", "four"]);
    }

    #[test]
    fn a_line_without_end_is_cut_off() {
        let mut tail = Tail::new(1);
        tail.add("长".repeat(10_000).as_bytes());
        assert_eq!(tail.finish(), ["长".repeat(LINE)]);
    }
}
