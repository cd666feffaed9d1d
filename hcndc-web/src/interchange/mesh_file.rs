//! The mesh file: definitions as people write them, in YAML or JSON.
//!
//! The types say what may be written; [`check`](super::check) says what must hold beyond that.
//! Their documentation is also the text of the JSON schema.

mod account;
mod alert;
mod calendar;
mod connection;
mod dependency;
mod params;
mod schedule;
pub(super) mod short;
mod time;
mod trigger;
mod webhook;
mod work;

pub use self::account::{MeshOrigin, MeshPermission, MeshRole, MeshUser};
pub use self::alert::{
    MeshAlertChannel, MeshAlertEvent, MeshAlertKind, MeshAlertRule, MeshEscalation,
};
pub use self::calendar::{MeshCalendar, MeshPool, MeshWeekday};
pub use self::connection::{
    MeshContext, MeshContextValue, MeshDataSource, MeshDataSourceKind, MeshFileEvent, MeshFilePer,
    MeshFileServer, MeshFileServerKind, MeshParam, MeshQuery, MeshValueType, MeshWindow,
};
pub use self::dependency::{DependencyCondition, JobDependency};
pub use self::params::{MeshOutput, MeshParamValue, MeshParams, OutputJob};
pub use self::schedule::{MeshMissed, MeshOverlap, MeshSchedule};
pub use self::time::{MeshDate, Moment, TimeOfDay};
pub use self::trigger::{MeshDayFilter, MeshDayRule, MeshDeadline, MeshDialect, MeshTrigger};
pub use self::webhook::{MeshHookCondition, MeshHookScheme, MeshHookTest, MeshWebhook};
pub use self::work::{MeshHttp, MeshKettle, MeshKettleLevel, MeshKettleTool, MeshSql, MeshWork};

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;
use super::text_map::TextMap;

/// Version of the format that this program reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// A mesh of flows and jobs, with the executors that run them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshFile {
    /// Version of the format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub hcndc: u32,
    /// Name of the mesh, for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub name: Option<String>,
    /// IANA time zone, such as `Asia/Shanghai`. A run without a data date is for the day before
    /// today in this zone. Default: `UTC`.
    #[serde(default = "utc", skip_serializing_if = "is_utc")]
    pub zone: String,
    /// Values for all jobs: `${param.NAME}` and `HCNDC_PARAM_NAME`; not appended to commands. Default: none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub params: TextMap,
    /// Environment variables of all jobs. Default: none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub env: TextMap,
    /// The hosts that run commands. Default: one executor on this machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub executors: Vec<MeshExecutor>,
    /// Pools of slots that jobs share. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<MeshPool>,
    /// Calendars of business days. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calendars: Vec<MeshCalendar>,
    /// Databases that shared params query. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_sources: Vec<MeshDataSource>,
    /// Params that jobs share by name. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_params: Vec<MeshParam>,
    /// Places where files arrive. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_servers: Vec<MeshFileServer>,
    /// Watched paths whose files make schedules fire. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_events: Vec<MeshFileEvent>,
    /// Where to tell people. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alert_channels: Vec<MeshAlertChannel>,
    /// When to tell people. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alert_rules: Vec<MeshAlertRule>,
    /// Ways in for outside systems. Default: none. `hcndc run` leaves them aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<MeshWebhook>,
    /// What holds for each job that says nothing else.
    #[serde(default, skip_serializing_if = "JobDefaults::is_empty")]
    pub defaults: JobDefaults,
    /// The flows, at least one.
    #[schemars(length(min = 1))]
    pub flows: Vec<MeshFlow>,
    /// When flows run by themselves. Default: never. `hcndc run` leaves them aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<MeshSchedule>,
    /// What users may do. Default: none. `hcndc run` leaves them aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<MeshRole>,
    /// Who may sign in. Default: none. `hcndc run` leaves them aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<MeshUser>,
}

/// A host that runs commands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshExecutor {
    /// Unique name: 1 to 255 characters, no control characters, no space at either end.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// Where it listens: `host:port`, an IPv6 address in brackets. Port 1 to 65535.
    pub address: String,
    /// Labels that jobs can select it by. Default: none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub labels: TextMap,
    /// How many slots its jobs may take together: 1 to 1,000,000. Default: what the executor itself
    /// offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub slots: Option<u32>,
    /// Whether it is given work. Default: true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Text for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What holds for each job that says nothing else.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobDefaults {
    /// How long an attempt may take before it is killed; more than zero. Default: without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How failed attempts are repeated. Default: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<JobRetry>,
}

/// A named group of jobs; the unit that is scheduled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeshFlow {
    /// Unique name: 1 to 255 characters, no slash, no control characters, no space at either end.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[^/]*$"))]
    pub name: String,
    /// Text for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Slash path under which pages file the flow. Default: `/`.
    #[serde(default = "root_directory", skip_serializing_if = "is_root_directory")]
    #[schemars(regex(pattern = r"^/"))]
    pub directory: String,
    /// Flows that must have succeeded before this one starts. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
    /// Whether it runs. Default: true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Among waiting jobs, those of flows with a higher priority go first. Default: 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// Who answers for it. Default: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Values for its jobs, not appended to commands; one of the same name replaces the mesh's. Default: none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub params: TextMap,
    /// Environment variables of its jobs; one of the same name replaces the mesh's. Default: none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub env: TextMap,
    /// Directory in which its commands run; placeholders are replaced. Default: the file's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    /// How many of its runs may go on at once, over all executions: 1 to 10,000. Default: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_runs: Option<u32>,
    /// How long a run of it may take before its jobs are killed; more than zero. Default: without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How often a failed run of it is taken up again by itself, where it broke: 0 to 100. Default: 0.
    #[serde(default, skip_serializing_if = "is_none_at_all")]
    #[schemars(range(min = 0, max = 100))]
    pub restart_retries: u32,
    /// Wait before a failed run is taken up again. Default: none.
    #[serde(default, skip_serializing_if = "is_no_span")]
    pub restart_delay: Span,
    /// Name of the calendar whose business days `${date-1b}` counts in its jobs. Default: none; Monday to Friday are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Its jobs. Default: none; a flow without jobs succeeds at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<MeshJob>,
}

/// One piece of work on an executor: one of `command`, `http`, `sql` and `kettle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["executor", "labels"] }))]
#[schemars(extend("oneOf" = [{ "required": ["command"] }, { "required": ["http"] }, { "required": ["sql"] }, { "required": ["kettle"] }]))]
pub struct MeshJob {
    /// Name, unique within the flow: 1 to 255 characters, no control characters, no space at either
    /// end.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// Text for people. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Command line for the shell. `${date}`, `${date-1d:%Y%m%d}` and `${param.NAME}` are replaced,
    /// and the job's params are quoted and appended in their order.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1))]
    pub command: String,
    /// A request to send, in the place of a command; its params are values for placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<MeshHttp>,
    /// Statements to run on a data source, in the place of a command; its params are values for placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<MeshSql>,
    /// What Kettle runs, in the place of a command; its params are values for placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kettle: Option<MeshKettle>,
    /// Directory in which the command runs; placeholders are replaced. Default: the flow's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    /// Jobs that this one waits for. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<JobDependency>,
    /// Params of this job, appended to its command in this order; one of the same name replaces the flow's and the mesh's.
    /// `NAME: {shared: true}` takes the shared param of that name. Default: none.
    #[serde(default, skip_serializing_if = "MeshParams::is_empty")]
    pub params: MeshParams,
    /// Environment variables; one of the same name replaces the flow's and the mesh's. Default:
    /// none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub env: TextMap,
    /// Exit codes that mean success, at least one, each 0 to 255. Default: 0 alone.
    #[serde(default = "zero_alone", skip_serializing_if = "is_zero_alone")]
    #[schemars(length(min = 1))]
    pub success_codes: Vec<u8>,
    /// How failed attempts are repeated; replaces the file's default as a whole. Default: the
    /// file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<JobRetry>,
    /// How long an attempt may take before it is killed; more than zero. Default: the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Among waiting jobs, those with a higher priority go first. Default: 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// How many of its executor's slots it takes while it runs: 1 to 1000. Default: 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = 1000))]
    pub slots: u32,
    /// Name of the executor that runs it; not together with `labels`. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// Labels that its executor must have, all of them; not together with `executor`. Default:
    /// none.
    #[serde(default, skip_serializing_if = "TextMap::is_empty")]
    pub labels: TextMap,
    /// Name of the pool whose slots it takes while it runs. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// How many of the pool's slots it takes: 1 to 1000. Default: 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = 1000))]
    pub pool_slots: u32,
    /// How long it usually takes, for forecasts that know no earlier run; more than zero. Default: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Span>,
    /// Whether it runs. Default: true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
}

/// How failed attempts are repeated: the n-th retry waits `delay` × `backoff`ⁿ⁻¹, at most `cap`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobRetry {
    /// How many attempts may follow the first: 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub max: u32,
    /// Wait before the first retry. Default: none.
    #[serde(default, skip_serializing_if = "is_no_span")]
    pub delay: Span,
    /// Factor by which each wait is longer than the one before: 1 to 100, at most three decimals.
    /// Default: 1.
    #[serde(default = "one_times", skip_serializing_if = "is_one_times")]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub backoff: f64,
    /// Longest wait; more than zero. Default: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Span>,
}

impl MeshFile {
    /// A mesh of this version with nothing in it but `flows`.
    pub fn of_flows(flows: Vec<MeshFlow>) -> Self {
        Self {
            hcndc: FORMAT_VERSION,
            name: None,
            zone: utc(),
            params: TextMap::default(),
            env: TextMap::default(),
            executors: Vec::new(),
            defaults: JobDefaults::default(),
            flows,
            pools: Vec::new(),
            calendars: Vec::new(),
            data_sources: Vec::new(),
            shared_params: Vec::new(),
            file_servers: Vec::new(),
            file_events: Vec::new(),
            alert_channels: Vec::new(),
            alert_rules: Vec::new(),
            webhooks: Vec::new(),
            schedules: Vec::new(),
            roles: Vec::new(),
            users: Vec::new(),
        }
    }

    /// The time limit of `job`: its own, else the file's.
    pub fn timeout_of(&self, job: &MeshJob) -> Option<Span> {
        job.timeout.or(self.defaults.timeout)
    }

    /// The retries of `job`: its own, else the file's.
    pub fn retry_of<'a>(&'a self, job: &'a MeshJob) -> Option<&'a JobRetry> {
        job.retry.as_ref().or(self.defaults.retry.as_ref())
    }
}

impl MeshFlow {
    /// A flow with nothing but a name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            directory: root_directory(),
            parents: Vec::new(),
            enabled: true,
            priority: 0,
            owner: None,
            params: TextMap::default(),
            env: TextMap::default(),
            workdir: None,
            max_runs: None,
            timeout: None,
            restart_retries: 0,
            restart_delay: Span::default(),
            calendar: None,
            jobs: Vec::new(),
        }
    }
}

impl MeshJob {
    /// A job with nothing but a name and a command.
    pub fn new(name: impl Into<String>, command: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            command: command.into(),
            http: None,
            sql: None,
            kettle: None,
            workdir: None,
            depends_on: Vec::new(),
            params: MeshParams::default(),
            env: TextMap::default(),
            success_codes: zero_alone(),
            retry: None,
            timeout: None,
            priority: 0,
            slots: 1,
            executor: None,
            labels: TextMap::default(),
            pool: None,
            pool_slots: 1,
            expected: None,
            enabled: true,
        }
    }
}

impl MeshJob {
    /// What it does in the place of a command.
    pub fn work(&self) -> MeshWork {
        MeshWork {
            http: self.http.clone(),
            sql: self.sql.clone(),
            kettle: self.kettle.clone(),
        }
    }
}

impl JobDefaults {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl JobRetry {
    /// The backoff in thousandths.
    pub fn backoff_permille(&self) -> u32 {
        // The cast saturates; a checked file holds 1000 to 100,000 thousandths.
        (self.backoff * 1_000.0).round() as u32
    }
}

/// Where jobs stand in a file, by name.
///
/// Of several jobs or flows with one name, the first counts.
#[derive(Debug, Clone)]
pub struct JobIndex<'a> {
    flows: HashMap<&'a str, usize>,
    jobs: Vec<HashMap<&'a str, usize>>,
}

impl<'a> JobIndex<'a> {
    /// Indexes all of `file`, in time proportional to its size.
    pub fn new(file: &'a MeshFile) -> Self {
        let first = |map: &mut HashMap<&'a str, usize>, name: &'a str, index| {
            map.entry(name).or_insert(index);
        };
        let mut flows = HashMap::new();
        let mut jobs = Vec::with_capacity(file.flows.len());
        for (index, flow) in file.flows.iter().enumerate() {
            first(&mut flows, &flow.name, index);
            let mut own = HashMap::with_capacity(flow.jobs.len());
            for (index, job) in flow.jobs.iter().enumerate() {
                first(&mut own, &job.name, index);
            }
            jobs.push(own);
        }
        Self { flows, jobs }
    }

    /// Place of the flow called `name`.
    pub fn find_flow(&self, name: &str) -> Option<usize> {
        self.flows.get(name).copied()
    }

    /// Places of the flow and, in it, of the job that `name` means in a dependency of a job of the
    /// flow at `flow`.
    pub fn find_job(&self, flow: usize, name: &str) -> Option<(usize, usize)> {
        if let Some(job) = self.jobs.get(flow).and_then(|jobs| jobs.get(name)) {
            return Some((flow, *job));
        }
        let (flow, job) = name.split_once('/')?;
        let flow = self.find_flow(flow)?;
        self.jobs[flow].get(job).map(|job| (flow, *job))
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

fn is_utc(zone: &str) -> bool {
    zone == "UTC"
}

fn root_directory() -> String {
    "/".to_owned()
}

fn is_root_directory(directory: &str) -> bool {
    directory == "/"
}

fn yes() -> bool {
    true
}

fn is_yes(enabled: &bool) -> bool {
    *enabled
}

fn is_no(flag: &bool) -> bool {
    !*flag
}

fn is_zero(number: &i32) -> bool {
    *number == 0
}

fn is_none_at_all(count: &u32) -> bool {
    *count == 0
}

fn one() -> u32 {
    1
}

fn is_one(slots: &u32) -> bool {
    *slots == 1
}

fn zero_alone() -> Vec<u8> {
    vec![0]
}

fn is_zero_alone(codes: &[u8]) -> bool {
    codes == [0]
}

fn is_no_span(delay: &Span) -> bool {
    delay.is_zero()
}

fn one_times() -> f64 {
    1.0
}

fn is_one_times(backoff: &f64) -> bool {
    *backoff == 1.0
}
