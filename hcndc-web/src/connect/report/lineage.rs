//! Events of OpenLineage (spec 2-0-2) over HTTP: of executions and of attempts, each when it started and how it ended.
//!
//! | run | job | facets |
//! | --- | --- | --- |
//! | a part of an execution | its first flow | `nominalTime`, `processing_engine`, `errorMessage`; `jobType` |
//! | an attempt | `flow/job` | `parent` (the execution), the same; `jobType`, `sql` of jobs that run statements |
//!
//! All are sent once the execution has ended, with the times at which things happened: from what is stored, none is forgotten.

use chrono_tz::Tz;
use hcndc_core::{
    engine::{AttemptRow, AttemptState, ExecutionState},
    model::JobKind,
    time::{DataDate, Timestamp},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Message, Report, ReportError, RunPart, Story, Target, parse_url,
    story::{began_at, ended_at, failure},
};
use crate::day::first_moment_or_utc;

/// Below the address of a receiver.
const PATH: &str = "api/v1/lineage";

/// Who says all this, as OpenLineage wants to know it.
pub const PRODUCER: &str = concat!(
    "https://github.com/hcndc/hcndc/tree/v",
    env!("CARGO_PKG_VERSION")
);
const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/// Facets that are told, each with where its schema is.
const PARENT: &str =
    "https://openlineage.io/spec/facets/1-0-1/ParentRunFacet.json#/$defs/ParentRunFacet";
const NOMINAL_TIME: &str =
    "https://openlineage.io/spec/facets/1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet";
const ERROR_MESSAGE: &str = "https://openlineage.io/spec/facets/1-0-0/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet";
const PROCESSING_ENGINE: &str = "https://openlineage.io/spec/facets/1-1-0/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet";
const JOB_TYPE: &str =
    "https://openlineage.io/spec/facets/2-0-2/JobTypeJobFacet.json#/$defs/JobTypeJobFacet";
const SQL: &str = "https://openlineage.io/spec/facets/1-0-1/SQLJobFacet.json#/$defs/SQLJobFacet";

/// A receiver of lineage.
#[derive(Debug)]
pub struct Lineage {
    target: Target,
    namespace: String,
    zone: Tz,
}

impl Lineage {
    /// The receiver at an address; nobody is asked yet. One without a path means the path that all receivers have. Jobs are in
    /// `namespace`, days of data dates are those of `zone`, and `api_key` proves who sends.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn new(
        url: &str,
        namespace: &str,
        zone: Tz,
        api_key: Option<&str>,
    ) -> Result<Self, ReportError> {
        let parsed = parse_url("--lineage-to", url, &["http", "https"])?;
        let url = match parsed.path() {
            "" | "/" => format!("{}/{PATH}", parsed.as_str().trim_end_matches('/')),
            _ => parsed.as_str().to_owned(),
        };
        let key = api_key.map(str::trim).filter(|key| !key.is_empty());
        let headers = key.map(|key| ("Authorization".to_owned(), format!("Bearer {key}")));
        Ok(Self {
            target: Target {
                url,
                headers: headers.into_iter().collect(),
                media_type: "application/json",
            },
            namespace: namespace.to_owned(),
            zone,
        })
    }
}

impl Report for Lineage {
    fn name(&self) -> &'static str {
        "lineage"
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn messages<'a>(&'a self, story: &'a Story) -> Box<dyn Iterator<Item = Message> + Send + 'a> {
        let told = Told { to: self, story };
        let attempts = story.runs.iter().flat_map(move |run| {
            let attempts = run.attempts.iter();
            attempts.flat_map(move |attempt| told.attempt(run, attempt))
        });
        let [start, end] = told.part();
        let all = std::iter::once(start).chain(attempts);
        Box::new(all.chain(std::iter::once(end)))
    }
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Start,
    Complete,
    Fail,
    Abort,
}

impl What {
    const fn word(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Complete => "COMPLETE",
            Self::Fail => "FAIL",
            Self::Abort => "ABORT",
        }
    }
}

/// A story for a receiver.
#[derive(Clone, Copy)]
struct Told<'a> {
    to: &'a Lineage,
    story: &'a Story,
}

impl Told<'_> {
    fn part_uuid(self) -> Uuid {
        let end = &self.story.end;
        self.story.ids.part_uuid(end.execution, end.resumes)
    }

    fn part(self) -> [Message; 2] {
        let story = self.story;
        let what = match story.end.state {
            ExecutionState::Succeeded => What::Complete,
            ExecutionState::Stopped => What::Abort,
            ExecutionState::Failed
            | ExecutionState::Running
            | ExecutionState::Paused
            | ExecutionState::Stopping => What::Fail,
        };
        let run = |error: Option<String>| {
            let mut facets = self.facets();
            if let Some(message) = error {
                facets["errorMessage"] = error_message(&message, "HCNDC");
            }
            json!({ "runId": self.part_uuid(), "facets": facets })
        };
        let job = json!({
            "namespace": self.to.namespace,
            "name": story.name(),
            "facets": { "jobType": job_type("DAG") },
        });
        let about = format!("execution {}", story.end.execution);
        [
            event(&about, What::Start, story.started_at, run(None), &job),
            event(&about, what, story.ended_at(), run(story.failure()), &job),
        ]
    }

    fn attempt(self, part: &RunPart, attempt: &AttemptRow) -> [Message; 2] {
        let end = &self.story.end;
        let what = match attempt.state {
            AttemptState::Succeeded => What::Complete,
            AttemptState::Killed => What::Abort,
            AttemptState::Failed
            | AttemptState::TimedOut
            | AttemptState::NotStarted
            | AttemptState::Lost
            | AttemptState::Dispatched
            | AttemptState::Running => What::Fail,
        };
        let (kind, language) = kind_of(&part.job.kind);
        let run = |error: Option<String>| {
            let mut facets = self.facets();
            facets["parent"] = json!({
                "_producer": PRODUCER,
                "_schemaURL": PARENT,
                "run": { "runId": self.part_uuid() },
                "job": { "namespace": self.to.namespace, "name": self.story.name() },
            });
            if let Some(message) = error {
                facets["errorMessage"] = error_message(&message, language);
            }
            let uuid = self.story.ids.attempt_uuid(attempt.id);
            json!({ "runId": uuid, "facets": facets })
        };
        let mut facets = json!({ "jobType": job_type(kind) });
        // As it was written: values of params come in their places only where it runs.
        if let JobKind::Sql(script) = &part.job.kind {
            facets["sql"] = json!({
                "_producer": PRODUCER, "_schemaURL": SQL, "query": script.statement,
            });
        }
        let name = format!("{}/{}", part.flow_name, part.job.name);
        let job = json!({ "namespace": self.to.namespace, "name": name, "facets": facets });
        let about = format!("attempt {} of execution {}", attempt.id, end.execution);
        let began_at = began_at(attempt, end).unwrap_or(attempt.dispatched_at);
        let ended_at = ended_at(attempt, end);
        [
            event(&about, What::Start, began_at, run(None), &job),
            event(&about, what, ended_at, run(failure(attempt)), &job),
        ]
    }

    /// What is said of every run.
    fn facets(self) -> Value {
        let date = self.story.execution.data_date;
        let mut nominal = json!({
            "_producer": PRODUCER,
            "_schemaURL": NOMINAL_TIME,
            "nominalStartTime": begin(self.to.zone, date),
        });
        if let Some(next) = date.plus_days(1) {
            nominal["nominalEndTime"] = begin(self.to.zone, next).into();
        }
        json!({
            "nominalTime": nominal,
            "processing_engine": {
                "_producer": PRODUCER,
                "_schemaURL": PROCESSING_ENGINE,
                "name": "HCNDC",
                "version": env!("CARGO_PKG_VERSION"),
            },
        })
    }
}

fn event(about: &str, what: What, at: Timestamp, run: Value, job: &Value) -> Message {
    let event = json!({
        "eventType": what.word(),
        "eventTime": at.to_string(),
        "producer": PRODUCER,
        "schemaURL": EVENT,
        "run": run,
        "job": job,
        "inputs": [],
        "outputs": [],
    });
    Message {
        about: format!("{} of {about}", what.word()),
        body: event.to_string().into_bytes(),
    }
}

fn error_message(message: &str, language: &str) -> Value {
    json!({
        "_producer": PRODUCER,
        "_schemaURL": ERROR_MESSAGE,
        "message": message,
        "programmingLanguage": language,
    })
}

fn job_type(kind: &str) -> Value {
    json!({
        "_producer": PRODUCER,
        "_schemaURL": JOB_TYPE,
        "processingType": "BATCH",
        "integration": "HCNDC",
        "jobType": kind,
    })
}

/// What a job is to OpenLineage, and the language that its errors are told in.
const fn kind_of(kind: &JobKind) -> (&'static str, &'static str) {
    match kind {
        JobKind::Shell => ("COMMAND", "Shell"),
        JobKind::Http(_) => ("REQUEST", "HTTP"),
        JobKind::Sql(_) => ("QUERY", "SQL"),
        JobKind::Kettle(_) => ("TASK", "Kettle"),
    }
}

/// When a date begins in a zone.
fn begin(zone: Tz, date: DataDate) -> String {
    first_moment_or_utc(date.to_naive(), zone).to_string()
}
