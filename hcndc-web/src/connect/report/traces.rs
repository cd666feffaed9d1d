//! Traces for OpenTelemetry (OTLP 1.x over HTTP, binary): a trace for each execution.
//!
//! ```text
//! execution daily_load            hcndc.execution, hcndc.flows, hcndc.data_date, hcndc.trigger, hcndc.started_by, hcndc.state
//!   ├── daily_load/extract        hcndc.job_run, hcndc.state; events queued, dispatched, running
//!   │     ├── attempt 1           hcndc.executor, process.exit.code, hcndc.signal, …; event running
//!   │     └── attempt 2
//!   └── daily_load/report         a link to each job run that it waited for
//! ```

use hcndc_core::{
    engine::{AttemptRow, JobRunState},
    model::Condition,
    time::Timestamp,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::KeyValue,
    trace::v1::{
        ResourceSpans, ScopeSpans, Span, Status,
        span::{Event, Link, SpanKind},
        status::StatusCode,
    },
};
use prost::Message as _;

use super::{
    Message, Report, ReportError, RunPart, Story, Target, Upstream, parse_url,
    story::{began_at, ended_at, failure},
};
use crate::connect::otlp::{
    MEDIA_TYPE, address, attribute, number, parse_headers, resource, scope, text, texts,
};

/// Below the address of a collector, for traces.
const PATH: &str = "v1/traces";
/// Spans of a message at most: some hundred kilobytes.
const MOST: usize = 512;

/// A collector of traces.
#[derive(Debug)]
pub struct Traces {
    target: Target,
}

impl Traces {
    /// The collector at an address; nobody is asked yet. One without a path means the path that all collectors have. `headers` are
    /// `name=value,name=value`, as `OTEL_EXPORTER_OTLP_HEADERS` has them.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn new(url: &str, headers: Option<&str>) -> Result<Self, ReportError> {
        const OPTION: &str = "--traces-to";
        let schemes = ["http", "https", "otlp+http", "otlp+https"];
        let parsed = parse_url(OPTION, url, &schemes)?;
        let headers = headers.map(parse_headers).transpose();
        let headers = headers.map_err(|reason| ReportError {
            option: OPTION,
            url: url.to_owned(),
            reason,
        })?;
        Ok(Self {
            target: Target {
                url: address(&parsed, PATH),
                headers: headers.unwrap_or_default(),
                media_type: MEDIA_TYPE,
            },
        })
    }
}

impl Report for Traces {
    fn name(&self) -> &'static str {
        "traces"
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn messages<'a>(&'a self, story: &'a Story) -> Box<dyn Iterator<Item = Message> + Send + 'a> {
        let mut spans = spans(story).peekable();
        Box::new(std::iter::from_fn(move || {
            spans.peek()?;
            let spans: Vec<Span> = spans.by_ref().take(MOST).collect();
            Some(Message {
                about: format!("trace of execution {}", story.end.execution),
                body: request(spans).encode_to_vec(),
            })
        }))
    }
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let spans = ScopeSpans {
        scope: Some(scope("hcndc.execution")),
        spans,
        ..ScopeSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource()),
            scope_spans: vec![spans],
            ..ResourceSpans::default()
        }],
    }
}

/// All spans of a part, parents first.
fn spans(story: &Story) -> impl Iterator<Item = Span> + Send + '_ {
    let runs = story.runs.iter().flat_map(move |run| {
        let attempts = run.attempts.iter();
        let attempts = attempts.map(move |it| attempt_span(story, run, it));
        std::iter::once(run_span(story, run)).chain(attempts)
    });
    std::iter::once(part_span(story)).chain(runs)
}

fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_micros()).unwrap_or_default() * 1_000
}

fn ok() -> Status {
    Status {
        code: StatusCode::Ok.into(),
        ..Status::default()
    }
}

fn error(message: String) -> Status {
    Status {
        code: StatusCode::Error.into(),
        message,
    }
}

fn event(name: &str, at: Timestamp) -> Event {
    Event {
        name: name.to_owned(),
        time_unix_nano: nanos(at),
        ..Event::default()
    }
}

fn span(story: &Story, name: String, (from, to): (Timestamp, Timestamp)) -> Span {
    Span {
        trace_id: story.ids.trace(story.end.execution).to_vec(),
        name,
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: nanos(from),
        end_time_unix_nano: nanos(to),
        // Sampled, as jobs are told by `TRACEPARENT`.
        flags: 1,
        ..Span::default()
    }
}

fn part_span(story: &Story) -> Span {
    let (row, end) = (&story.execution, &story.end);
    let ids = &story.ids;
    let what = match story.goes_on {
        false => "execution",
        true => "resumed",
    };
    let name = format!("{what} {}", story.name());
    let mut attributes = vec![
        attribute("hcndc.execution", number(end.execution.0)),
        attribute("hcndc.flows", texts(&story.flows)),
        attribute("hcndc.data_date", text(row.data_date.to_string())),
        attribute("hcndc.trigger", text(row.trigger.as_str())),
        attribute("hcndc.started_by", text(&*row.started_by)),
        attribute("hcndc.state", text(end.state.as_str())),
        attribute("hcndc.resumes", number(end.resumes.into())),
    ];
    let schedule = row.schedule.map(|id| ("hcndc.schedule", id.0));
    let backfill = row.backfill.map(|id| ("hcndc.backfill", id.0));
    let others = schedule.into_iter().chain(backfill);
    attributes.extend(others.map(|(key, id)| attribute(key, number(id))));
    if let (true, Some(by)) = (story.goes_on, &row.resumed_by) {
        attributes.push(attribute("hcndc.resumed_by", text(&**by)));
    }
    let root = ids.part(end.execution, 0);
    Span {
        span_id: ids.part(end.execution, end.resumes).to_vec(),
        parent_span_id: match story.goes_on {
            true => root.to_vec(),
            false => Vec::new(),
        },
        attributes,
        status: Some(story.failure().map_or_else(ok, error)),
        ..span(story, name, (story.started_at, story.ended_at()))
    }
}

fn run_span(story: &Story, run: &RunPart) -> Span {
    let (ids, end) = (&story.ids, &story.end);
    let name = format!("{}/{}", run.flow_name, run.job.name);
    let mut events = Vec::new();
    events.extend(run.queued_at.map(|at| event("queued", at)));
    for attempt in &run.attempts {
        events.push(event("dispatched", attempt.dispatched_at));
        events.extend(began_at(attempt, end).map(|at| event("running", at)));
    }
    events.sort_by_key(|event| event.time_unix_nano);
    let last = run.attempts.last();
    let status = match run.state {
        JobRunState::Succeeded => ok(),
        JobRunState::Failed | JobRunState::Killed => {
            let failure = last.and_then(failure);
            error(failure.unwrap_or_else(|| run.state.as_str().to_owned()))
        }
        // What never ran is neither: its state says why.
        JobRunState::Skipped
        | JobRunState::UpstreamFailed
        | JobRunState::Blocked
        | JobRunState::Queued
        | JobRunState::Dispatched
        | JobRunState::Running
        | JobRunState::RetryWait => Status::default(),
    };
    let links = run.upstream.iter().map(|upstream| Link {
        trace_id: ids.trace(end.execution).to_vec(),
        span_id: ids.run(upstream.run, upstream.resumes).to_vec(),
        attributes: vec![attribute("hcndc.condition", text(condition(upstream)))],
        ..Link::default()
    });
    Span {
        span_id: ids.run(run.row.id, end.resumes).to_vec(),
        parent_span_id: ids.part(end.execution, end.resumes).to_vec(),
        attributes: vec![
            attribute("hcndc.execution", number(end.execution.0)),
            attribute("hcndc.flow", text(&*run.flow_name)),
            attribute("hcndc.job", text(&*run.job.name)),
            attribute("hcndc.job_run", number(run.row.id.0)),
            attribute(
                "hcndc.data_date",
                text(story.execution.data_date.to_string()),
            ),
            attribute("hcndc.state", text(run.state.as_str())),
            attribute("hcndc.attempts", number(run.attempts.len() as u64)),
        ],
        events,
        links: links.collect(),
        status: Some(status),
        ..span(story, name, (run.started_at, run.ended_at))
    }
}

const fn condition(upstream: &Upstream) -> &'static str {
    match upstream.condition {
        Condition::Success => "success",
        Condition::Failure => "failure",
        Condition::Done => "done",
    }
}

fn attempt_span(story: &Story, run: &RunPart, attempt: &AttemptRow) -> Span {
    let (ids, end) = (&story.ids, &story.end);
    let events = began_at(attempt, end).map(|at| event("running", at));
    let times = (attempt.dispatched_at, ended_at(attempt, end));
    Span {
        span_id: ids.attempt(attempt.id).to_vec(),
        parent_span_id: ids.run(run.row.id, end.resumes).to_vec(),
        attributes: attempt_attributes(story, attempt),
        events: events.into_iter().collect(),
        status: Some(failure(attempt).map_or_else(ok, error)),
        ..span(story, format!("attempt {}", attempt.number), times)
    }
}

fn attempt_attributes(story: &Story, attempt: &AttemptRow) -> Vec<KeyValue> {
    let mut attributes = vec![
        attribute("hcndc.attempt", number(attempt.id.0)),
        attribute("hcndc.attempt_number", number(attempt.number.into())),
        attribute("hcndc.executor", number(attempt.executor.0)),
        attribute("hcndc.state", text(attempt.state.as_str())),
        attribute("hcndc.log_bytes", number(attempt.log_bytes)),
    ];
    let name = story.executors.get(&attempt.executor);
    attributes.extend(name.map(|name| attribute("hcndc.executor_name", text(&**name))));
    let signed = |value: i32| number(i64::from(value).cast_unsigned());
    let code = attempt.exit_code;
    attributes.extend(code.map(|code| attribute("process.exit.code", signed(code))));
    let signal = attempt.signal;
    attributes.extend(signal.map(|signal| attribute("hcndc.signal", signed(signal))));
    let pid = attempt.pid;
    attributes.extend(pid.map(|pid| attribute("process.pid", number(pid.into()))));
    if !attempt.message.is_empty() {
        attributes.push(attribute("hcndc.message", text(&*attempt.message)));
    }
    if attempt.peak_memory_bytes > 0 {
        let bytes = number(attempt.peak_memory_bytes);
        attributes.push(attribute("hcndc.peak_memory_bytes", bytes));
    }
    if !attempt.cpu_time.is_zero() {
        let micros = u64::try_from(attempt.cpu_time.as_micros()).unwrap_or(u64::MAX);
        attributes.push(attribute("hcndc.cpu_time_us", number(micros)));
    }
    attributes
}
