//! Rows to store: short builders, and a small world with one of everything.

mod definition;
mod firing;

pub use definition::{calendar, pool, schedule, shared_param};
pub use firing::{alert, cursor, file, firing, open_firing};

use alloc::{collections::BTreeMap, format, string::String, sync::Arc, vec, vec::Vec};
use core::time::Duration;

use crate::{
    engine::{
        AttemptRow, AttemptState, BackfillDateRow, BackfillDateState, BackfillRow, BackfillState,
        Change, ExecutionRow, ExecutionSnapshot, ExecutionState, FlowDates, FlowRunRow,
        FlowRunState, JobOutcome, JobOutputs, JobRunRow, JobRunState, Snapshot, TriggerKind,
    },
    id::{
        AttemptId, BackfillId, CalendarId, ExecutionId, ExecutorId, FlowId, FlowRunId, JobId,
        JobRunId, ParamId, PoolId, ScheduleId,
    },
    model::{
        Condition, Definition, Dependency, Executor, Flow, Job, JobKind, JobParam, OutputSource,
        Param, Placement, Retry, Revision,
    },
    time::{DataDate, DateFormat, Timestamp},
};

/// Texts that stores are known to spoil.
pub const AWKWARD: &[&str] = &[
    "每日账期 · 任务流",
    "it's \"quoted\" `ticked` \\back\\ %percent% _under_ ?1 :x @y $z",
    "🚀 four bytes 👩‍👩‍👧 and a flag 🇨🇳",
    "e\u{301} is not é; ß is not ss; İ ı; ﬀ",
    "tab\tnewline\nreturn\r\nbell\u{7} escape\u{1b}",
    "'; DROP TABLE flow; --",
    "  outer spaces  ",
    "\u{202e}right to left\u{202c} \u{feff}\u{200b}\u{10ffff}",
    "",
];

/// The moment `micros` after a fixed one that does not fall on a whole second.
#[must_use]
pub const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_795_284_000_123_457 + micros)
}

/// A data date.
///
/// # Panics
/// If `text` is none.
#[must_use]
pub fn date(text: &str) -> DataDate {
    text.parse().expect("the samples write dates that exist")
}

/// How dates are written.
///
/// # Panics
/// If the text does not say that.
#[must_use]
pub fn date_format(text: &str) -> DateFormat {
    text.parse().expect("a format of dates")
}

/// Version `version`, made `version` seconds after [`at`]`(0)`.
#[must_use]
pub fn revision(version: u32) -> Revision {
    Revision {
        version,
        created_at: at(0),
        created_by: String::from("anna"),
        updated_at: at(i64::from(version) * 1_000_000),
        updated_by: format!("editor {version}"),
    }
}

/// A flow with nothing but a name.
#[must_use]
pub fn flow(id: u64, name: &str) -> Flow {
    Flow {
        id: FlowId(id),
        name: name.into(),
        directory: String::from("/"),
        description: String::new(),
        owner: String::new(),
        enabled: true,
        priority: 0,
        parents: Vec::new(),
        params: Vec::new(),
        env: BTreeMap::new(),
        workdir: String::new(),
        max_runs: None,
        timeout: None,
        restart_retries: 0,
        restart_delay: Duration::ZERO,
        calendar: None,
        revision: revision(1),
    }
}

/// A job with nothing but a flow and a name.
#[must_use]
pub fn job(id: u64, flow: u64, name: &str) -> Job {
    Job {
        id: JobId(id),
        flow: FlowId(flow),
        name: name.into(),
        description: String::new(),
        enabled: true,
        priority: 0,
        dependencies: Vec::new(),
        placement: Placement::Any,
        slots: 1,
        kind: JobKind::Shell,
        command: String::from("true"),
        params: Vec::new(),
        env: BTreeMap::new(),
        workdir: String::new(),
        success_codes: vec![0],
        retry: Retry::default(),
        timeout: None,
        pool: None,
        pool_slots: 1,
        expected: None,
        revision: revision(1),
    }
}

/// An executor with nothing but a name.
#[must_use]
pub fn executor(id: u64, name: &str) -> Executor {
    Executor {
        id: ExecutorId(id),
        name: name.into(),
        description: String::new(),
        address: format!("host-{id}:7890"),
        labels: BTreeMap::new(),
        slots: 4,
        enabled: true,
        revision: revision(1),
    }
}

/// An execution that runs for 2026-11-21.
#[must_use]
pub fn execution(id: u64) -> ExecutionRow {
    ExecutionRow {
        id: ExecutionId(id),
        state: ExecutionState::Running,
        trigger: TriggerKind::Manual,
        schedule: None,
        fire_time: None,
        backfill: None,
        data_date: date("2026-11-21"),
        date_format: None,
        params: Vec::new(),
        started_by: String::from("anna"),
        started_at: at(7),
        ended_at: None,
        stopped_by: None,
        paused_by: None,
        resumed_by: None,
        resumes: 0,
        partial: false,
    }
}

/// A flow run of version 1 that waits.
#[must_use]
pub const fn flow_run(id: u64, execution: u64, flow: u64) -> FlowRunRow {
    FlowRunRow {
        id: FlowRunId(id),
        execution: ExecutionId(execution),
        flow: FlowId(flow),
        flow_version: 1,
        state: FlowRunState::Waiting,
        started_at: None,
        ended_at: None,
        joined_to: None,
        restarts: 0,
        restart_at: None,
        timed_out: false,
    }
}

/// A job run of version 1 that is blocked.
#[must_use]
pub const fn job_run(id: u64, execution: u64, flow_run: u64, job: u64) -> JobRunRow {
    JobRunRow {
        id: JobRunId(id),
        execution: ExecutionId(execution),
        flow_run: FlowRunId(flow_run),
        job: JobId(job),
        job_version: 1,
        state: JobRunState::Blocked,
        attempt: 0,
        attempts_before: 0,
        queued_at: None,
        started_at: None,
        ended_at: None,
        exit_code: None,
        retry_at: None,
        left_out: false,
        met_outside: 0,
    }
}

/// An attempt that is dispatched.
#[must_use]
pub const fn attempt(
    id: u64,
    execution: u64,
    job_run: u64,
    number: u32,
    executor: u64,
) -> AttemptRow {
    AttemptRow {
        id: AttemptId(id),
        execution: ExecutionId(execution),
        job_run: JobRunId(job_run),
        number,
        executor: ExecutorId(executor),
        slots: 1,
        state: AttemptState::Dispatched,
        kill_asked: false,
        dispatched_at: at(9),
        started_at: None,
        ended_at: None,
        pid: None,
        exit_code: None,
        signal: None,
        message: String::new(),
        peak_memory_bytes: 0,
        cpu_time: Duration::ZERO,
        log_bytes: 0,
    }
}

/// A backfill of flow 1 that runs.
#[must_use]
pub fn backfill(id: u64) -> BackfillRow {
    BackfillRow {
        id: BackfillId(id),
        state: BackfillState::Running,
        flow: FlowId(1),
        downstream: false,
        from: date("2026-01-31"),
        to: date("2026-02-02"),
        parallel: 1,
        date_format: None,
        params: Vec::new(),
        started_by: String::from("anna"),
        started_at: at(7),
        ended_at: None,
        stopped_by: None,
        restarted_by: None,
        restarts: 0,
    }
}

/// A date of a backfill that waits.
#[must_use]
pub fn backfill_date(backfill: u64, data_date: &str) -> BackfillDateRow {
    BackfillDateRow {
        backfill: BackfillId(backfill),
        data_date: date(data_date),
        state: BackfillDateState::Waiting,
        execution: None,
    }
}

/// The flow as a change.
#[must_use]
pub fn put_flow(flow: &Flow) -> Change {
    Change::FlowPut(Arc::new(flow.clone()))
}

/// The job as a change.
#[must_use]
pub fn put_job(job: &Job) -> Change {
    Change::JobPut(Arc::new(job.clone()))
}

/// The executor as a change.
#[must_use]
pub fn put_executor(executor: &Executor) -> Change {
    Change::ExecutorPut(Arc::new(executor.clone()))
}

/// Dates for which a flow succeeded.
///
/// # Panics
/// If a text is no date.
#[must_use]
pub fn flow_dates(flow: u64, from: &str, to: &str) -> FlowDates {
    FlowDates {
        flow: FlowId(flow),
        from: date(from),
        to: date(to),
    }
}

/// Where a job stood when its flow failed.
///
/// # Panics
/// If the text is no date.
#[must_use]
pub fn job_outcome(job: u64, data_date: &str, state: JobRunState) -> JobOutcome {
    JobOutcome {
        job: JobId(job),
        data_date: date(data_date),
        state,
    }
}

/// The range of dates as a change.
#[must_use]
pub const fn put_flow_dates(range: &FlowDates) -> Change {
    Change::FlowDates {
        flow: range.flow,
        from: range.from,
        to: Some(range.to),
    }
}

/// The outcome as a change.
#[must_use]
pub const fn put_job_outcome(outcome: &JobOutcome) -> Change {
    Change::JobOutcome {
        job: outcome.job,
        data_date: outcome.data_date,
        state: Some(outcome.state),
    }
}

/// The flow run as a change.
#[must_use]
pub const fn put_flow_run(row: FlowRunRow) -> Change {
    Change::FlowRun { from: None, row }
}

/// The job run as a change.
#[must_use]
pub const fn put_job_run(row: JobRunRow) -> Change {
    Change::JobRun { from: None, row }
}

/// Two flows, three jobs, two executors and an execution of both flows in mid-run, with every field set to something.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// Flows 1 and 2; 2 waits for 1.
    pub flows: Vec<Flow>,
    /// Jobs 11 and 12 of flow 1, job 13 of flow 2.
    pub jobs: Vec<Job>,
    /// Executors 21 and 22.
    pub executors: Vec<Executor>,
    /// At least one of each other kind, by kind and id, from 71 on.
    pub definitions: Vec<Definition>,
    /// Execution 31.
    pub execution: ExecutionRow,
    /// Flow runs 41 and 42.
    pub flow_runs: Vec<FlowRunRow>,
    /// Job runs 51 to 53.
    pub job_runs: Vec<JobRunRow>,
    /// Attempt 61, which failed, and 62, which runs: both of job run 51.
    pub attempts: Vec<AttemptRow>,
    /// What job run 51 has put out.
    pub outputs: JobOutputs,
    /// Two ranges of dates of flow 1.
    pub flow_dates: Vec<FlowDates>,
    /// Outcomes of jobs 11 and 12.
    pub job_outcomes: Vec<JobOutcome>,
}

impl World {
    /// The world; always the same.
    #[must_use]
    pub fn new() -> Self {
        Self {
            flows: flows(),
            jobs: jobs(),
            executors: executors(),
            definitions: definition::all(),
            execution: ExecutionRow {
                trigger: TriggerKind::Schedule,
                schedule: Some(ScheduleId(71)),
                fire_time: Some(at(6)),
                date_format: Some(date_format("%Y年%m月%d日 '%j'")),
                params: vec![param("zone", "华东"), param("empty", "")],
                started_by: String::from("王芳"),
                stopped_by: Some(String::from("o'brien")),
                paused_by: Some(String::from("李雷")),
                resumed_by: Some(String::from("ann")),
                state: ExecutionState::Stopping,
                resumes: 3,
                partial: true,
                ..execution(31)
            },
            flow_runs: vec![
                FlowRunRow {
                    state: FlowRunState::Running,
                    started_at: Some(at(8)),
                    ..flow_run(41, 31, 1)
                },
                FlowRunRow {
                    joined_to: Some(FlowRunId(39)),
                    restarts: 7,
                    restart_at: Some(at(6_000_001)),
                    timed_out: true,
                    ..flow_run(42, 31, 2)
                },
            ],
            job_runs: job_runs(),
            attempts: attempts(),
            outputs: outputs(
                31,
                51,
                1,
                &[("Rows", "1 = 2\n"), ("rows", ""), ("表", "订单")],
            ),
            flow_dates: vec![
                flow_dates(1, "1999-12-31", "2000-01-01"),
                flow_dates(1, "2024-02-01", "2024-02-29"),
            ],
            job_outcomes: vec![
                job_outcome(11, "2024-03-01", JobRunState::Failed),
                job_outcome(12, "2024-03-01", JobRunState::Blocked),
            ],
        }
    }

    /// All of it as changes, in the order in which an engine would make them.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        changes.extend(self.flows.iter().map(put_flow));
        changes.extend(self.jobs.iter().map(put_job));
        changes.extend(self.executors.iter().map(put_executor));
        changes.extend(self.definitions.iter().cloned().map(Change::DefinitionPut));
        changes.push(Change::FlowDataDate {
            flow: FlowId(1),
            data_date: date("2024-02-29"),
        });
        changes.extend(self.flow_dates.iter().map(put_flow_dates));
        changes.extend(self.job_outcomes.iter().map(put_job_outcome));
        changes.push(Change::Execution(self.execution.clone()));
        changes.extend(self.flow_runs.iter().copied().map(put_flow_run));
        changes.extend(self.job_runs.iter().copied().map(put_job_run));
        changes.extend(self.attempts.iter().cloned().map(Change::Attempt));
        changes.push(Change::Outputs(self.outputs.clone()));
        changes
    }

    /// What `load` returns when all of it is stored.
    #[must_use]
    pub fn snapshot(&self, next_id: u64) -> Snapshot {
        let dates = [Some(date("2024-02-29")), None];
        let flows = self.flows.iter().cloned().map(Arc::new);
        Snapshot {
            next_id,
            flows: flows.zip(dates).collect(),
            jobs: self.jobs.iter().cloned().map(Arc::new).collect(),
            executors: self.executors.iter().cloned().map(Arc::new).collect(),
            definitions: self.definitions.clone(),
            executions: vec![self.execution_snapshot()],
            flow_dates: self.flow_dates.clone(),
            job_outcomes: self.job_outcomes.clone(),
            backfills: Vec::new(),
            cursors: Vec::new(),
            firings: Vec::new(),
            files: Vec::new(),
            alerts: Vec::new(),
        }
    }

    /// What `load_execution` returns for execution 31.
    #[must_use]
    pub fn execution_snapshot(&self) -> ExecutionSnapshot {
        let flows = self.flows.iter().cloned().map(Arc::new);
        let jobs = self.jobs.iter().cloned().map(Arc::new);
        ExecutionSnapshot {
            row: self.execution.clone(),
            flow_runs: self.flow_runs.iter().copied().zip(flows).collect(),
            job_runs: self.job_runs.iter().copied().zip(jobs).collect(),
            attempts: self
                .attempts
                .iter()
                .filter(|attempt| !attempt.state.is_ended())
                .cloned()
                .collect(),
            outputs: vec![self.outputs.clone()],
        }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// What a job run has put out.
#[must_use]
pub fn outputs(execution: u64, job_run: u64, attempt: u32, values: &[(&str, &str)]) -> JobOutputs {
    JobOutputs {
        execution: ExecutionId(execution),
        job_run: JobRunId(job_run),
        attempt,
        values: map(values),
    }
}

/// A param.
#[must_use]
pub fn param(name: &str, value: &str) -> Param {
    Param {
        name: name.into(),
        value: value.into(),
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(k, v)| (k.into(), v.into())).collect()
}

fn flows() -> Vec<Flow> {
    let orders = Flow {
        directory: String::from("/零售/nightly"),
        description: String::from("extract,\nthen clean"),
        owner: String::from("data-platform"),
        priority: -7,
        params: vec![param("region", "north"), param("day", "${date-1d:%Y%m%d}")],
        env: map(&[("LANG", "zh_CN.UTF-8"), ("EMPTY", "")]),
        workdir: String::from("/srv/etl"),
        max_runs: Some(2),
        timeout: Some(Duration::from_secs(7 * 3_600)),
        restart_retries: 3,
        restart_delay: Duration::from_millis(90_500),
        calendar: Some(CalendarId(75)),
        ..flow(1, "orders")
    };
    let report = Flow {
        enabled: false,
        parents: vec![FlowId(1)],
        ..flow(2, "日报 'report'")
    };
    vec![orders, report]
}

fn jobs() -> Vec<Job> {
    let extract = Job {
        description: String::from("pulls the day's orders"),
        priority: 9,
        slots: 2,
        command: String::from("psql -c \"select * from orders where day = '$date'\""),
        params: vec![
            param("out", "a b").into(),
            JobParam::Shared {
                shared: ParamId(77),
            },
            param("in", "").into(),
        ],
        pool: Some(PoolId(76)),
        env: map(&[("PGHOST", "db")]),
        workdir: String::from("/tmp"),
        success_codes: vec![0, 3, 255],
        retry: Retry {
            max: 5,
            delay: Duration::from_millis(1_500),
            backoff_permille: 2_000,
            cap: Some(Duration::from_secs(60)),
        },
        timeout: Some(Duration::from_secs(3_600)),
        pool_slots: 7,
        expected: Some(Duration::from_secs(600)),
        ..job(11, 1, "extract")
    };
    let clean = Job {
        enabled: false,
        dependencies: vec![Dependency::new(JobId(11), Condition::Done)],
        placement: Placement::Executor(ExecutorId(21)),
        ..job(12, 1, "clean")
    };
    let sum = Job {
        dependencies: vec![
            Dependency {
                offset_days: -1,
                wait_limit: Some(Duration::from_micros(7_200_000_001)),
                ..Dependency::new(JobId(11), Condition::Done)
            },
            Dependency::new(JobId(11), Condition::Success),
            Dependency::new(JobId(12), Condition::Failure),
        ],
        placement: Placement::Labels(map(&[("disk", "ssd"), ("zone", "东")])),
        params: vec![JobParam::Output {
            name: String::from("rows"),
            output: OutputSource {
                job: JobId(11),
                name: String::from("rows"),
                default: Some(String::from("no 'rows'")),
            },
        }],
        ..job(13, 2, "extract")
    };
    vec![extract, clean, sum]
}

fn executors() -> Vec<Executor> {
    let big = Executor {
        description: String::from("the big one"),
        labels: map(&[("disk", "ssd"), ("zone", "东")]),
        slots: 100_000,
        ..executor(21, "etl-01")
    };
    let local = Executor {
        enabled: false,
        address: String::from("local"),
        ..executor(22, "local")
    };
    vec![big, local]
}

fn job_runs() -> Vec<JobRunRow> {
    let running = JobRunRow {
        state: JobRunState::Running,
        attempt: 2,
        attempts_before: 1,
        queued_at: Some(at(20)),
        started_at: Some(at(30)),
        exit_code: Some(-1),
        ..job_run(51, 31, 41, 11)
    };
    let waiting = JobRunRow {
        state: JobRunState::RetryWait,
        attempt: 1,
        ended_at: Some(at(40)),
        exit_code: Some(137),
        retry_at: Some(at(5_000_001)),
        met_outside: 1 << 63 | 5,
        ..job_run(52, 31, 41, 12)
    };
    let left_out = JobRunRow {
        left_out: true,
        ..job_run(53, 31, 42, 13)
    };
    vec![running, waiting, left_out]
}

fn attempts() -> Vec<AttemptRow> {
    let failed = AttemptRow {
        state: AttemptState::Failed,
        ended_at: Some(at(19)),
        exit_code: Some(2),
        ..attempt(61, 31, 51, 1, 22)
    };
    let running = AttemptRow {
        state: AttemptState::Running,
        slots: 2,
        kill_asked: true,
        started_at: Some(at(30)),
        pid: Some(4_194_304),
        signal: Some(15),
        message: String::from("could not read 'orders'\n"),
        peak_memory_bytes: 70_000_000_000,
        cpu_time: Duration::from_micros(3_600_000_001),
        log_bytes: 5_000_000_000,
        ..attempt(62, 31, 51, 2, 21)
    };
    vec![failed, running]
}
