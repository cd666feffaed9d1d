//! What may come into the engine.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};
use core::time::Duration;

use super::{
    alert::AlertRow,
    backfill::BackfillRequest,
    change::{ExecutionSnapshot, TriggerKind},
    resolve::ResolveError,
    settings::Settings,
    state::JobRunState,
};
use crate::{
    id::{
        AlertId, AttemptId, BackfillId, ExecutionId, ExecutorId, FileEventId, FlowId, JobId,
        JobRunId, ParamId, ScheduleId,
    },
    model::{Calendar, DataSource, DataSourceKind, Edit, JobKind, Param, Secret},
    time::{DataDate, DateFormat, Timestamp},
};

/// One thing that happened or is wanted.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Input {
    /// Change definitions.
    Edit(EditBatch),
    /// Start an execution.
    Start(Start),
    /// Kill what runs and end the execution (R10).
    Stop {
        /// Which.
        execution: ExecutionId,
        /// Who wants it.
        by: String,
    },
    /// Let what runs of an execution end, and start nothing more of it (R10).
    Pause {
        /// Which.
        execution: ExecutionId,
        /// Who wants it.
        by: String,
    },
    /// Let a paused execution go on (R10).
    Unpause {
        /// Which.
        execution: ExecutionId,
        /// Who wants it.
        by: String,
    },
    /// End the attempt of a job run, or its waiting for one; its execution goes on as after a failure (R10).
    Kill {
        /// Which.
        job_run: JobRunId,
        /// Who wants it.
        by: String,
    },
    /// Settle job runs that wait or have failed, in a live execution or in one that has ended, and go on with what waited
    /// for them (R10). Other job runs that failed stay as they are.
    Settle {
        /// Of which execution.
        execution: ExecutionId,
        /// Which; not empty.
        job_runs: Vec<JobRunId>,
        /// As what.
        settled: SettledAs,
        /// Who wants it.
        by: String,
        /// As for [`Input::Resume`].
        archived: Option<Box<ExecutionSnapshot>>,
    },
    /// Continue a failed or stopped execution where it broke (R10).
    Resume {
        /// Which.
        execution: ExecutionId,
        /// Who wants it.
        by: String,
        /// Its state from the store; needed when the engine no longer holds it, ignored when it does.
        archived: Option<Box<ExecutionSnapshot>>,
    },
    /// Run these job runs and all below them again, in an execution that has ended (R10).
    Rerun {
        /// Which execution.
        execution: ExecutionId,
        /// From where; not empty.
        from: Vec<JobRunId>,
        /// Who wants it.
        by: String,
        /// As for [`Input::Resume`].
        archived: Option<Box<ExecutionSnapshot>>,
    },
    /// Run the whole of an execution that has ended anew (R10).
    Reset {
        /// Which execution.
        execution: ExecutionId,
        /// Who wants it.
        by: String,
        /// As for [`Input::Resume`].
        archived: Option<Box<ExecutionSnapshot>>,
    },
    /// Run a range of dates, each as an execution of its own. Refused if the flow is unknown or not enabled, or a number
    /// is out of range.
    Backfill(BackfillRequest),
    /// Stop all that a backfill runs, and begin no other date of it.
    StopBackfill {
        /// Which.
        backfill: BackfillId,
        /// Who wants it.
        by: String,
    },
    /// Go on with a backfill that failed or was stopped: all of its dates that have not succeeded begin anew, in their
    /// order.
    RestartBackfill {
        /// Which.
        backfill: BackfillId,
        /// Who wants it.
        by: String,
    },
    /// Pause or resume schedules, all or none. What is due at that moment fires before a pause; what falls into the pause is
    /// skipped, as one, when it ends. Those that are as they should be stay as they are.
    PauseSchedules {
        /// Which.
        schedules: Vec<ScheduleId>,
        /// Whether they are paused from now on.
        paused: bool,
        /// Who wants it.
        by: String,
    },
    /// Run a schedule at once with its flow, dates and params, whatever its times and limits; it uses none of its times.
    RunSchedule {
        /// Which.
        schedule: ScheduleId,
        /// The date; `None` for the one that it would have if it fired now.
        data_date: Option<DataDate>,
        /// How dates are written where a placeholder does not say so itself; `None` for `%Y-%m-%d`.
        #[cfg_attr(
            feature = "serde",
            serde(default, skip_serializing_if = "Option::is_none")
        )]
        date_format: Option<DateFormat>,
        /// Whether all flows downstream of its flow take part; `None` as the schedule says.
        #[cfg_attr(feature = "serde", serde(default))]
        downstream: Option<bool>,
        /// Values that go before the schedule's own.
        #[cfg_attr(feature = "serde", serde(default))]
        params: Vec<Param>,
        /// Who wants it.
        by: String,
    },
    /// A file came that schedules may wait for. A key that came before is used, for ever: then nothing happens.
    FileArrived {
        /// The file event.
        event: FileEventId,
        /// What tells the file from others of the event: its date or its name; 1 to 255 characters.
        key: String,
        /// The date that the file is for; `None` for the one that a schedule would have if it fired now.
        data_date: Option<DataDate>,
    },
    /// Whoever tells people is done with an alert. An unknown alert is none that waits.
    Notified {
        /// Which.
        alert: AlertId,
        /// Why nobody could be told; `None` if people were told.
        error: Option<String>,
    },
    /// A person takes care of what alerts tell of: nobody else is told of them (R9). Those that escalated them, or that they
    /// escalate, count too. All or none; who acknowledged one first stays.
    Acknowledge {
        /// Which.
        alerts: Vec<AlertId>,
        /// Who.
        by: String,
        /// Those that the engine does not hold, and those that are linked to them, as the store has them.
        archived: Vec<AlertRow>,
    },
    /// An executor says something.
    Report {
        /// Which.
        executor: ExecutorId,
        /// What it says.
        report: Report,
    },
    /// What came of a [`ResolveOrder`](super::ResolveOrder): all of its values, or why one of them cannot be had. An attempt
    /// that does not wait for an answer, or not any more, stays as it is.
    Resolved {
        /// The attempt that waits for it.
        attempt: AttemptId,
        /// Values by param; those that were not asked for are passed over.
        result: Result<BTreeMap<ParamId, String>, ResolveError>,
    },
    /// Change the engine's settings.
    Configure(Settings),
    /// Nothing but time has passed; send it at [`next_wakeup`](super::Engine::next_wakeup).
    Wake,
}

/// What a person can settle a job run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum SettledAs {
    /// It was passed over.
    Skipped,
    /// It counts as if it had succeeded.
    Succeeded,
}

impl SettledAs {
    /// The state that this gives a job run.
    #[must_use]
    pub const fn state(self) -> JobRunState {
        match self {
            Self::Skipped => JobRunState::Skipped,
            Self::Succeeded => JobRunState::Succeeded,
        }
    }
}

/// A batch of edits by one person; applies entirely or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EditBatch {
    /// Who makes them.
    pub by: String,
    /// The edits; order does not matter, later ones may be named by earlier ones.
    pub edits: Vec<Edit>,
}

/// The start of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Start {
    /// Flows to run. With several, all take part in one execution. Not empty, unless `jobs` names some.
    pub flows: Vec<FlowId>,
    /// Only these jobs, whose flows take part too; not empty. All others of the flows are skipped when their turn comes, so
    /// that order passes through them. Such a *partial* execution moves no data date, and waits for nothing outside of it. `None` for all.
    pub jobs: Option<Vec<JobId>>,
    /// With all flows downstream of them, by parents and by dependencies of jobs.
    pub downstream: bool,
    /// The date that it is for.
    pub data_date: DataDate,
    /// How dates are written where a placeholder does not say so itself; `None` for `%Y-%m-%d`.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub date_format: Option<DateFormat>,
    /// Values that go before the flows' and jobs' own.
    pub params: Vec<Param>,
    /// What starts it: people do so by hand; an embedder's own schedules may say that they are ones. A backfill
    /// has an input of its own, and counts as a person here.
    pub trigger: TriggerKind,
    /// Who starts it.
    pub by: String,
}

/// What an executor says.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Report {
    /// The connection stands. All that it holds; what it does not name, it does not have.
    Hello {
        /// Version of the executor's program.
        version: String,
        /// Attempts that it holds: running, or ended and not yet acknowledged.
        held: Vec<Held>,
        /// What it offers to jobs by its own settings.
        #[cfg_attr(feature = "serde", serde(default))]
        offer: Offer,
    },
    /// The attempt's process runs.
    Started {
        /// Which.
        attempt: AttemptId,
        /// Its process id; 0 if unknown.
        pid: u32,
        /// When.
        at: Timestamp,
    },
    /// The attempt ended, or never began.
    Finished {
        /// Which.
        attempt: AttemptId,
        /// How.
        end: End,
    },
    /// It lives; how its host is doing.
    Heartbeat(HostFigures),
    /// The connection broke, or could not be made.
    Disconnected {
        /// Why, in the transport's words.
        reason: String,
    },
}

impl Report {
    /// A hello of an executor whose own settings offer nothing.
    #[must_use]
    pub fn hello(version: String, held: Vec<Held>) -> Self {
        Self::Hello {
            version,
            held,
            offer: Offer::default(),
        }
    }
}

/// What an executor offers to jobs by the settings that it was started with, beside what people define of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Offer {
    /// Labels that jobs can ask for, too; one that its definition has as well is the definition's.
    pub labels: BTreeMap<String, String>,
    /// Slots at most, whatever its definition says; 0 for as many as that says.
    pub slots: u32,
}

/// An attempt that an executor holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Held {
    /// Which.
    pub attempt: AttemptId,
    /// Its process, once it runs: id and start.
    pub started: Option<(u32, Timestamp)>,
    /// Its end, once it has one.
    pub end: Option<End>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct End {
    /// What ended it.
    pub cause: EndCause,
    /// When its process started; `None` if it never did.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Largest resident memory of one of its processes, or of all together where its host can count that, bytes; 0 if
    /// unknown.
    pub peak_memory_bytes: u64,
    /// Processor time of all its processes; zero if unknown.
    pub cpu_time: Duration,
    /// Bytes of output that it wrote.
    pub log_bytes: u64,
    /// Values that it put out, by name, within the bounds of [`outputs`](crate::outputs).
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "BTreeMap::is_empty")
    )]
    pub outputs: BTreeMap<String, String>,
}

/// What ended an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum EndCause {
    /// The process ended with this exit code.
    Exited(i32),
    /// A signal that we did not send ended the process.
    Signaled(i32),
    /// A signal that we did not send ended the process, and it left an image of its memory (core dump).
    CoreDumped(i32),
    /// The system killed it, or a part of it that it could not do without, because memory was used up: that of the host, or
    /// as much as the job may have.
    OutOfMemory,
    /// It ran longer than its timeout and was killed.
    TimedOut,
    /// It was killed because the scheduler asked.
    Killed,
    /// It could not be started; why.
    NotStarted(String),
    /// Nobody knows how it ended; why not. Its executor restarted, or the host did.
    Lost(String),
}

/// How an executor's host is doing.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HostFigures {
    /// Processors that it may use.
    pub cores: u32,
    /// Mean number of runnable processes over the last minute.
    pub load_1m: f64,
    /// Memory of the host, bytes.
    pub memory_total_bytes: u64,
    /// Memory that new processes could have, bytes.
    pub memory_available_bytes: u64,
    /// Space of the disk that holds its data folder, bytes.
    pub disk_total_bytes: u64,
    /// Space left there, bytes.
    pub disk_available_bytes: u64,
    /// Name and version of its operating system.
    pub os: String,
    /// Name of the host.
    pub hostname: String,
    /// Jobs that run there now.
    pub running: u32,
}

/// How a data source is reached: what an executor needs of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SourceAccess {
    /// Its name, for people.
    pub name: String,
    /// Which system it is.
    pub kind: DataSourceKind,
    /// Host name or address; empty for a file.
    pub host: String,
    /// Port; `None` for the system's own.
    pub port: Option<u16>,
    /// Database, or the path of a file.
    pub database: String,
    /// Who logs in.
    pub user: String,
    /// With what: as it is stored, so whoever carries the order opens it.
    pub password: Secret,
    /// Further settings of the connection.
    pub options: BTreeMap<String, String>,
}

impl From<&DataSource> for SourceAccess {
    fn from(it: &DataSource) -> Self {
        Self {
            name: it.name.clone(),
            kind: it.kind,
            host: it.host.clone(),
            port: it.port,
            database: it.database.clone(),
            user: it.user.clone(),
            password: it.password.clone(),
            options: it.options.clone(),
        }
    }
}

/// What an executor needs to run an attempt: complete, so that it need not ask.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RunOrder {
    /// The key: an executor runs it at most once.
    pub attempt: AttemptId,
    /// The execution that it belongs to.
    pub execution: ExecutionId,
    /// The job run that it belongs to.
    pub job_run: JobRunId,
    /// Number of the attempt, from 1.
    pub number: u32,
    /// Name of the flow.
    pub flow: String,
    /// Name of the job.
    pub job: String,
    /// The date that it is for.
    pub data_date: DataDate,
    /// How dates are written where a placeholder does not say so itself; `None` for `%Y-%m-%d`.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub date_format: Option<DateFormat>,
    /// Whose business days placeholders count; `None` for Monday to Friday.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub calendar: Option<Arc<Calendar>>,
    /// What it does.
    #[cfg_attr(feature = "serde", serde(default))]
    pub kind: JobKind<SourceAccess>,
    /// Given to `sh -c`, or to the interpreter that it names after `#!`, after placeholders are replaced and `args` appended.
    pub command: String,
    /// The job's params, in order: values are appended to the command, each quoted as one word.
    pub args: Vec<Param>,
    /// All values by name (execution's over job's over flow's), for placeholders and the environment.
    pub values: BTreeMap<String, String>,
    /// Names of values that are taken as they are, without placeholders: others put them out.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "BTreeSet::is_empty")
    )]
    pub literal: BTreeSet<String>,
    /// Environment that the flow and the job define.
    pub env: BTreeMap<String, String>,
    /// Working directory; empty for the executor's.
    pub workdir: String,
    /// Longest run time; `None` for no limit.
    pub timeout: Option<Duration>,
    /// Time between TERM and KILL.
    pub grace: Duration,
}
