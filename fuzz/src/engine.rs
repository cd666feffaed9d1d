//! Any sequence of any inputs: the engine refuses or takes each, and its rules hold after every one.

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::{
        Change, EditBatch, Effect, End, EndCause, Engine, ExecutionSnapshot, Input, Order, Report,
        ResolveError, ResolveErrorKind, Settings, SettledAs, Start, TriggerKind,
    },
    id::{AttemptId, ExecutionId, ExecutorId, FlowId, JobId, JobRunId, ParamId},
    model::{
        Condition, DataSourceDraft, DataSourceKind, DataSourceRef, DependencyDraft, Edit,
        ExecutorDraft, FlowDraft, FlowRef, JobDraft, JobParamDraft, JobRef, ParamKindDraft,
        ParamRef, Retry, SharedParamDraft, ValueType,
    },
    time::{DataDate, Timestamp},
};

/// Bytes, as a source of small decisions; zeros when they run out.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        u64::from(self.next()) % limit.max(1)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a store would know: enough to bring an ended execution back.
#[derive(Default)]
struct Shelf {
    executions: BTreeMap<ExecutionId, ExecutionSnapshot>,
}

impl Shelf {
    /// Takes executions as they stand while they live, and their last rows as they end.
    fn keep(&mut self, engine: &Engine, changes: &[Change]) {
        for live in engine.snapshot().executions {
            self.executions.insert(live.row.id, live);
        }
        for change in changes {
            match change {
                Change::Execution(row) => {
                    if let Some(kept) = self.executions.get_mut(&row.id) {
                        kept.row = row.clone();
                    }
                }
                Change::FlowRun { row, .. } => {
                    if let Some(kept) = self.executions.get_mut(&row.execution) {
                        let runs = kept.flow_runs.iter_mut();
                        runs.filter(|(it, _)| it.id == row.id)
                            .for_each(|(it, _)| *it = *row);
                    }
                }
                Change::JobRun { row, .. } => {
                    if let Some(kept) = self.executions.get_mut(&row.execution) {
                        let runs = kept.job_runs.iter_mut();
                        runs.filter(|(it, _)| it.id == row.id)
                            .for_each(|(it, _)| *it = *row);
                    }
                }
                Change::Attempt(row) if row.state.is_ended() => {
                    if let Some(kept) = self.executions.get_mut(&row.execution) {
                        kept.attempts.retain(|it| it.id != row.id);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Plays a list of inputs into an engine.
///
/// # Panics
/// If a rule is broken after one of them.
pub fn engine(data: &[u8]) {
    let mut bytes = Bytes(data);
    let mut engine = Engine::default();
    let mut shelf = Shelf::default();
    let mut now = Timestamp::from_micros(0);
    let mut attempts: Vec<(ExecutorId, AttemptId)> = Vec::new();
    let mut asked: Vec<(AttemptId, ParamId)> = Vec::new();
    set_up(&mut engine, now);
    for _ in 0..400 {
        if bytes.is_empty() {
            break;
        }
        now = now.after(Duration::from_secs(bytes.below(90)));
        let given = Given {
            attempts: &attempts,
            asked: &asked,
            now,
        };
        let input = draw(&mut bytes, &engine, &shelf, &given);
        let before = engine.snapshot();
        match engine.apply(now, input) {
            Ok(step) => {
                for effect in &step.effects {
                    if let Effect::Tell {
                        executor,
                        order: Order::Run(run),
                    } = effect
                    {
                        attempts.push((*executor, run.attempt));
                    }
                    if let Effect::Resolve(order) = effect {
                        asked.push((order.attempt, order.asks[0].param));
                    }
                }
                shelf.keep(&engine, &step.changes);
            }
            Err(_) => assert_eq!(
                engine.snapshot(),
                before,
                "a refused input changed something"
            ),
        }
        assert_eq!(engine.check(), [], "a rule is broken");
    }
}

/// Something to play with, so that most of what is drawn makes sense.
fn set_up(engine: &mut Engine, now: Timestamp) {
    let query = ParamKindDraft::Sql {
        data_source: DataSourceRef::Name("source".to_owned()),
        query: "select 1".to_owned(),
        timeout: Duration::from_secs(1),
        column: None,
        value_type: ValueType::Text,
    };
    let mut edits = vec![
        Edit::PutExecutor(ExecutorDraft::new("e0", "e0:1", 2)),
        Edit::PutExecutor(ExecutorDraft::new("e1", "e1:1", 3)),
        DataSourceDraft::new("source", DataSourceKind::Sqlite, "").into(),
        SharedParamDraft::new("asked", query).into(),
    ];
    for at in 0..4 {
        let mut flow = FlowDraft::new(format!("n{at}"));
        flow.parents = (at == 3)
            .then(|| FlowRef::Name("n0".to_owned()))
            .into_iter()
            .collect();
        edits.push(Edit::PutFlow(flow));
        for job in 0..3 {
            let of = FlowRef::Name(format!("n{at}"));
            let mut draft = JobDraft::new(of, format!("n{job}"), "true");
            draft.retry.max = job;
            draft.params = params(job == 1);
            if job > 0 {
                let before = JobRef::Name {
                    flow: format!("n{at}"),
                    job: format!("n{}", job - 1),
                };
                draft.dependencies = vec![DependencyDraft::new(before, Condition::Success)];
            }
            edits.push(Edit::PutJob(draft));
        }
    }
    let by = "fuzz".to_owned();
    engine
        .apply(now, Input::Edit(EditBatch { by, edits }))
        .expect("a sound edit");
    let executors: Vec<ExecutorId> = engine.executors().map(|it| it.id).collect();
    for executor in executors {
        let report = Report::hello(String::new(), Vec::new());
        engine
            .apply(now, Input::Report { executor, report })
            .expect("a known executor");
    }
}

/// What the engine has asked of the world, and when it is.
struct Given<'a> {
    attempts: &'a [(ExecutorId, AttemptId)],
    asked: &'a [(AttemptId, ParamId)],
    now: Timestamp,
}

/// Params of a job: the one that asks a query, or none.
fn params(asks: bool) -> Vec<JobParamDraft> {
    let shared = ParamRef::Name("asked".to_owned());
    let asked = asks.then_some(JobParamDraft::Shared { shared });
    asked.into_iter().collect()
}

fn draw(bytes: &mut Bytes<'_>, engine: &Engine, shelf: &Shelf, given: &Given<'_>) -> Input {
    let Given {
        attempts,
        asked,
        now,
    } = *given;
    let by = "fuzz".to_owned();
    let execution = |bytes: &mut Bytes<'_>| {
        let at = bytes.below(shelf.executions.len() as u64 + 1) as usize;
        shelf
            .executions
            .keys()
            .nth(at)
            .copied()
            .unwrap_or(ExecutionId(u64::MAX))
    };
    let archived = |id: ExecutionId| shelf.executions.get(&id).cloned().map(Box::new);
    let executor = |bytes: &mut Bytes<'_>| {
        let at = bytes.below(4) as usize;
        engine.executors().nth(at).map_or(ExecutorId(0), |it| it.id)
    };
    let run_of = |bytes: &mut Bytes<'_>, execution| {
        let its = shelf.executions.get(&execution);
        let runs = its.map_or(0, |it| it.job_runs.len() as u64);
        let at = bytes.below(runs + 1) as usize;
        let run = its.and_then(|it| it.job_runs.get(at));
        run.map_or(JobRunId(0), |(row, _)| row.id)
    };
    match bytes.below(30) {
        0..=1 => {
            let edits = (0..1 + bytes.below(4))
                .map(|_| edit(bytes, engine))
                .collect();
            Input::Edit(EditBatch { by, edits })
        }
        2..=5 => {
            let flows = (0..1 + bytes.below(3))
                .map(|_| flow(bytes, engine))
                .collect();
            let day = i32::from(bytes.next() % 2);
            let date = DataDate::day_before(now, chrono_tz::UTC);
            let data_date = date.plus_days(day).unwrap_or(date);
            let downstream = bytes.next().is_multiple_of(2);
            Input::Start(Start {
                flows,
                jobs: bytes.next().is_multiple_of(5).then(|| {
                    let at = usize::from(bytes.next() % 16);
                    vec![engine.jobs().nth(at).map_or(JobId(0), |it| it.id)]
                }),
                downstream,
                data_date,
                date_format: None,
                params: Vec::new(),
                trigger: TriggerKind::Manual,
                by,
            })
        }
        6 => Input::Stop {
            execution: execution(bytes),
            by,
        },
        7 => {
            let execution = execution(bytes);
            Input::Resume {
                execution,
                by,
                archived: archived(execution),
            }
        }
        8 => {
            let execution = execution(bytes);
            let from = vec![run_of(bytes, execution)];
            Input::Rerun {
                execution,
                from,
                by,
                archived: archived(execution),
            }
        }
        9 => Input::Report {
            executor: executor(bytes),
            report: Report::hello(String::new(), Vec::new()),
        },
        10 => Input::Report {
            executor: executor(bytes),
            report: Report::Disconnected {
                reason: String::new(),
            },
        },
        11..=20 => {
            let at = bytes.below(attempts.len() as u64 + 1) as usize;
            let (executor, attempt) = attempts
                .get(at)
                .copied()
                .unwrap_or_else(|| (executor(bytes), AttemptId(0)));
            let report = match bytes.below(8) {
                0 | 1 => Report::Started {
                    attempt,
                    pid: 1,
                    at: now,
                },
                cause => Report::Finished {
                    attempt,
                    end: end(cause, now),
                },
            };
            Input::Report { executor, report }
        }
        21 => Input::Configure(Settings {
            max_running: 1 + u32::from(bytes.next() % 8),
            ..Settings::default()
        }),
        22 | 23 => {
            let at = bytes.below(asked.len() as u64 + 1) as usize;
            let (attempt, param) = asked.get(at).copied().unwrap_or((AttemptId(0), ParamId(0)));
            let result = match bytes.below(12) {
                kind @ 0..=6 => Err(ResolveError {
                    param,
                    kind: ResolveErrorKind::ALL[kind as usize],
                    reason: String::new(),
                }),
                7 => Ok(BTreeMap::new()),
                _ => Ok([(param, "v".to_owned())].into()),
            };
            Input::Resolved { attempt, result }
        }
        24 => Input::Pause {
            execution: execution(bytes),
            by,
        },
        25 => Input::Unpause {
            execution: execution(bytes),
            by,
        },
        26 => {
            let execution = execution(bytes);
            let job_run = run_of(bytes, execution);
            Input::Kill { job_run, by }
        }
        27 | 28 => {
            let execution = execution(bytes);
            let settled = if bytes.next().is_multiple_of(2) {
                SettledAs::Skipped
            } else {
                SettledAs::Succeeded
            };
            Input::Settle {
                execution,
                job_runs: vec![run_of(bytes, execution)],
                settled,
                by,
                archived: archived(execution),
            }
        }
        29 => {
            let execution = execution(bytes);
            let archived = archived(execution);
            Input::Reset {
                execution,
                by,
                archived,
            }
        }
        _ => Input::Wake,
    }
}

fn end(cause: u64, now: Timestamp) -> End {
    let cause = match cause {
        2 => EndCause::Exited(1),
        3 => EndCause::Lost(String::new()),
        4 => EndCause::Killed,
        5 => EndCause::TimedOut,
        _ => EndCause::Exited(0),
    };
    End {
        cause,
        started_at: Some(now),
        ended_at: now,
        peak_memory_bytes: 0,
        cpu_time: Duration::ZERO,
        log_bytes: 0,
        outputs: BTreeMap::new(),
    }
}

fn flow(bytes: &mut Bytes<'_>, engine: &Engine) -> FlowId {
    let at = bytes.below(6) as usize;
    engine
        .flows()
        .nth(at)
        .map_or_else(|| FlowId(u64::from(bytes.next())), |flow| flow.id)
}

fn job(bytes: &mut Bytes<'_>, engine: &Engine) -> JobId {
    let at = bytes.below(10) as usize;
    engine
        .jobs()
        .nth(at)
        .map_or_else(|| JobId(u64::from(bytes.next())), |job| job.id)
}

fn edit(bytes: &mut Bytes<'_>, engine: &Engine) -> Edit {
    let name = |bytes: &mut Bytes<'_>| format!("n{}", bytes.below(12));
    match bytes.below(10) {
        0 | 1 => {
            let mut draft = FlowDraft::new(name(bytes));
            draft.id = bytes.next().is_multiple_of(2).then(|| flow(bytes, engine));
            draft.enabled = !bytes.next().is_multiple_of(8);
            draft.priority = i32::from(bytes.next() % 3);
            draft.parents = (0..bytes.below(3))
                .map(|_| FlowRef::Id(flow(bytes, engine)))
                .collect();
            Edit::PutFlow(draft)
        }
        2..=5 => {
            let of = match bytes.next() % 2 {
                0 => FlowRef::Id(flow(bytes, engine)),
                _ => FlowRef::Name(name(bytes)),
            };
            let mut draft = JobDraft::new(of, name(bytes), "true");
            draft.id = bytes.next().is_multiple_of(4).then(|| job(bytes, engine));
            draft.enabled = !bytes.next().is_multiple_of(8);
            draft.slots = 1 + u32::from(bytes.next() % 3);
            draft.params = params(draft.slots == 2);
            draft.retry = Retry {
                max: u32::from(bytes.next() % 3),
                ..Retry::default()
            };
            draft.retry.delay = Duration::from_secs(bytes.below(60));
            draft.dependencies = (0..bytes.below(4))
                .map(|_| {
                    let on = JobRef::Id(job(bytes, engine));
                    let condition = match bytes.below(4) {
                        0 => Condition::Failure,
                        1 => Condition::Done,
                        _ => Condition::Success,
                    };
                    DependencyDraft::new(on, condition)
                })
                .collect();
            Edit::PutJob(draft)
        }
        6 => Edit::DeleteFlow {
            flow: flow(bytes, engine),
            version: None,
        },
        7 => Edit::DeleteJob {
            job: job(bytes, engine),
            version: None,
        },
        8 => {
            let name = name(bytes);
            let address = format!("{name}:1");
            let slots = 1 + u32::from(bytes.next() % 4);
            Edit::PutExecutor(ExecutorDraft::new(name, address, slots))
        }
        _ => {
            let at = bytes.below(4) as usize;
            let executor = engine.executors().nth(at).map_or(ExecutorId(0), |it| it.id);
            Edit::DeleteExecutor {
                executor,
                version: None,
            }
        }
    }
}
