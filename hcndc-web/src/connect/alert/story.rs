//! What an alert is about: all that people are told, as data. A webhook gets it as it is.

use chrono_tz::Tz;
use hcndc_core::{
    engine::{AttemptState, ExecutionState},
    model::AlertEvent,
    time::{DataDate, Timestamp},
};
use serde::Serialize;

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// The alert's id; 0 for a test.
    pub alert: u64,
    /// What happened.
    pub event: AlertEvent,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// The alert that nobody has acknowledged, if this one tells others of it.
    pub escalates: Option<EscalatedStory>,
    /// Name of the rule that asked for it.
    pub rule: String,
    /// Name of the schedule that it is about.
    pub schedule: Option<String>,
    /// The data date of what it is about.
    pub data_date: Option<DataDate>,
    /// The moment that was missed.
    pub deadline: Option<Timestamp>,
    /// The execution that it is about.
    pub execution: Option<ExecutionStory>,
    /// The job that it is about.
    pub job: Option<JobStory>,
    /// Jobs that failed in the execution, the first of them.
    pub failed: Vec<JobStory>,
    /// How many more failed.
    pub failed_more: u64,
    /// Name of the executor that it is about, and why it is out of reach.
    pub executor: Option<ServerStory>,
    /// Name of the data source that it is about.
    pub data_source: Option<ServerStory>,
    /// The page that shows more.
    pub url: Option<String>,
    /// The page to acknowledge it on, where others are told if nobody does.
    pub acknowledge_url: Option<String>,
}

/// An alert that nobody has acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EscalatedStory {
    /// Its id.
    pub alert: u64,
    /// When it was raised.
    pub raised_at: Timestamp,
}

/// An execution that an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExecutionStory {
    /// Its id.
    pub id: u64,
    /// Names of its flows, the first of them.
    pub flows: Vec<String>,
    /// How many more flows it has.
    pub flows_more: usize,
    /// Where it stands.
    pub state: ExecutionState,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// Who started it.
    pub started_by: String,
}

/// A job that an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobStory {
    /// Name of its flow.
    pub flow: String,
    /// Its name.
    pub job: String,
    /// Its run.
    pub job_run: u64,
    /// The number of its latest attempt; 0 before there is one.
    pub attempt: u32,
    /// Name of the executor of that attempt.
    pub executor: String,
    /// How that attempt stands.
    pub state: Option<AttemptState>,
    /// Its exit code, if it exited.
    pub exit_code: Option<i32>,
    /// The signal, if one ended it.
    pub signal: Option<i32>,
    /// Why it was not started, or was lost; empty otherwise.
    pub message: String,
    /// Last lines of its output.
    pub log: Vec<String>,
}

/// An executor or a data source that an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerStory {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub address: String,
    /// What is wrong with it, if that is known.
    pub trouble: Option<String>,
}

impl Story {
    /// Of an alert of which nothing more is known.
    #[must_use]
    pub const fn new(alert: u64, event: AlertEvent, raised_at: Timestamp) -> Self {
        Self {
            alert,
            event,
            raised_at,
            escalates: None,
            rule: String::new(),
            schedule: None,
            data_date: None,
            deadline: None,
            execution: None,
            job: None,
            failed: Vec::new(),
            failed_more: 0,
            executor: None,
            data_source: None,
            url: None,
            acknowledge_url: None,
        }
    }

    /// One that only shows how alerts look, for tests of a channel.
    #[must_use]
    pub fn example(now: Timestamp, zone: Tz, url: Option<String>) -> Self {
        let date = DataDate::day_before(now, zone);
        let job = JobStory {
            flow: "example".to_owned(),
            job: "load".to_owned(),
            job_run: 0,
            attempt: 1,
            executor: "etl-1".to_owned(),
            state: Some(AttemptState::Failed),
            exit_code: Some(3),
            signal: None,
            message: String::new(),
            log: vec!["2 rows are refused".to_owned()],
        };
        Self {
            rule: "test".to_owned(),
            data_date: Some(date),
            job: Some(job),
            url,
            ..Self::new(0, AlertEvent::JobFailed, now)
        }
    }
}
