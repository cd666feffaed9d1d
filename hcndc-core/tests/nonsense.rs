//! Nonsense: any sequence of any inputs, at any times, with foreign ids, extreme dates and huge numbers. The engine takes or
//! refuses each; it never panics, keeps its rules, and what it refuses changes nothing.
//!
//! `HCNDC_TEST_SEED=n` plays one seed again, `HCNDC_TEST_SLOW=1` plays many more cases.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "support/seeds.rs"]
mod seeds;

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::{
        AlertRow, AttemptRow, AttemptState, BackfillRequest, Change, EditBatch, End, EndCause,
        Engine, ExecutionSnapshot, ExecutionState, FlowRunState, Held, HostFigures, Input,
        JobRunState, Offer, Report, ResolveError, ResolveErrorKind, Settings, SettledAs, Start,
        TriggerKind,
    },
    id::{
        AlertId, AttemptId, BackfillId, CalendarId, ExecutionId, ExecutorId, FileEventId, FlowId,
        JobId, JobRunId, ParamId, PoolId, ScheduleId,
    },
    model::{
        AlertChannelDraft, AlertChannelKind, AlertEvent, AlertRuleDraft, CalendarRef, Condition,
        DataSourceDraft, DataSourceKind, DataSourceRef, DefinitionId, DependencyDraft, Edit,
        Escalation, ExecutorDraft, ExecutorRef, FlowDraft, FlowRef, JobDraft, JobParamDraft,
        JobRef, Param, ParamKindDraft, ParamRef, PlacementDraft, PoolDraft, PoolRef, Ref, Retry,
        ScheduleDraft, SharedParamDraft, TriggerDraft, ValueType,
    },
    time::{DataDate, Timestamp},
    trigger::{Timing, interval::Interval},
};
use proptest::prelude::*;

/// Numbers below this choose among what there is; others are taken as they are.
const KNOWN: u64 = 200;

fn config(cases: u32) -> ProptestConfig {
    seeds::config(
        "nonsense",
        cases,
        100,
        Some("proptest-regressions/nonsense.txt"),
    )
}

/// What an input is made of: a kind, and numbers that become whatever it needs.
#[derive(Clone)]
struct Op(u8, Vec<u64>);

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Op({}, vec!{:?})", self.0, self.1)
    }
}

fn op() -> impl Strategy<Value = Op> {
    let number = prop_oneof![
        12 => 0..60u64,
        2 => prop::sample::select(vec![
            0, 1, KNOWN, u64::from(u16::MAX), u64::from(u32::MAX), 1 << 31, i64::MAX as u64, 1 << 63, u64::MAX,
        ]),
        1 => any::<u64>(),
    ];
    (any::<u8>(), prop::collection::vec(number, 24)).prop_map(|(kind, numbers)| Op(kind, numbers))
}

/// Numbers, one after another; zeros when they run out.
struct Numbers<'a>(std::slice::Iter<'a, u64>);

impl Numbers<'_> {
    fn next(&mut self) -> u64 {
        self.0.next().copied().unwrap_or_default()
    }

    fn next_u32(&mut self) -> u32 {
        u32::try_from(self.next()).unwrap_or(u32::MAX)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 0
    }

    fn id(&mut self, known: &[u64]) -> u64 {
        let number = self.next();
        match known.get((number % known.len().max(1) as u64) as usize) {
            Some(&id) if number < KNOWN => id,
            _ => number,
        }
    }

    fn time(&mut self, now: Timestamp) -> Timestamp {
        match self.next() {
            number if number < KNOWN => now.after(Duration::from_secs(number)),
            number => Timestamp::from_micros(number as i64),
        }
    }

    fn span(&mut self) -> Duration {
        match self.next() {
            number if number < KNOWN => Duration::from_secs(number),
            u64::MAX => Duration::MAX,
            number => Duration::from_nanos(number),
        }
    }

    fn date(&mut self) -> DataDate {
        let dates = [
            "2026-11-20",
            "2026-11-21",
            "2026-11-22",
            "0001-01-01",
            "9999-12-31",
        ];
        let number = self.next();
        let date: DataDate = dates[(number % 5) as usize].parse().unwrap();
        date.plus_days((number / 5 % 3) as i32).unwrap_or(date)
    }

    fn text(&mut self) -> String {
        let number = self.next();
        match number % 20 {
            0 => String::new(),
            1 => " x".into(),
            2 => "a\0b".into(),
            3 => "a/b".into(),
            4 => "名字\u{7f}".into(),
            5 if number > KNOWN => "x".repeat(120_001),
            at @ 6..=9 => format!("flow{}", at - 6),
            at @ 10..=14 => format!("job{}", at - 10),
            at => format!("host{}", at % 5),
        }
    }

    fn list<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| make(self)).collect()
    }

    fn pairs(&mut self) -> BTreeMap<String, String> {
        self.list(|it| (it.text(), it.text())).into_iter().collect()
    }

    fn params(&mut self) -> Vec<Param> {
        self.list(|it| Param {
            name: it.text(),
            value: it.text(),
        })
    }
}

/// An engine, and enough of a store to bring ended executions back.
struct World {
    engine: Engine,
    now: Timestamp,
    executions: BTreeMap<ExecutionId, ExecutionSnapshot>,
    attempts: BTreeMap<u64, u64>,
    backfills: Vec<u64>,
    alerts: BTreeMap<u64, AlertRow>,
    /// Inputs taken and refused, by kind.
    seen: [[u64; 2]; KINDS],
}

/// Kinds of inputs.
const KINDS: usize = 22;

/// The number of an input's kind; a new kind stops the build here, so that nonsense of it is drawn too.
const fn kind(input: &Input) -> usize {
    match input {
        Input::Edit(_) => 0,
        Input::Start(_) => 1,
        Input::Stop { .. } => 2,
        Input::Resume { .. } => 3,
        Input::Rerun { .. } => 4,
        Input::Backfill(_) => 5,
        Input::StopBackfill { .. } => 6,
        Input::RestartBackfill { .. } => 7,
        Input::Report { .. } => 8,
        Input::Configure(_) => 9,
        Input::Wake => 10,
        Input::Pause { .. } => 11,
        Input::Unpause { .. } => 12,
        Input::Kill { .. } => 13,
        Input::Settle { .. } => 14,
        Input::Reset { .. } => 15,
        Input::PauseSchedules { .. } => 16,
        Input::RunSchedule { .. } => 17,
        Input::FileArrived { .. } => 18,
        Input::Notified { .. } => 19,
        Input::Resolved { .. } => 20,
        Input::Acknowledge { .. } => 21,
    }
}

/// Whether nonsense of this edit is drawn; a new kind stops the build here.
const fn is_drawn(edit: &Edit) -> bool {
    match edit {
        Edit::PutFlow(_)
        | Edit::DeleteFlow { .. }
        | Edit::PutJob(_)
        | Edit::DeleteJob { .. }
        | Edit::PutExecutor(_)
        | Edit::DeleteExecutor { .. }
        | Edit::Put(_)
        | Edit::Delete { .. } => true,
    }
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            engine: Engine::default(),
            now: Timestamp::from_micros(1_000_000),
            executions: BTreeMap::new(),
            attempts: BTreeMap::new(),
            backfills: Vec::new(),
            alerts: BTreeMap::new(),
            seen: [[0; 2]; KINDS],
        };
        let mut edits = vec![
            DataSourceDraft::new("source", DataSourceKind::Sqlite, "").into(),
            SharedParamDraft::new(
                "asked",
                ParamKindDraft::Sql {
                    data_source: DataSourceRef::Name("source".into()),
                    query: "select 1".into(),
                    timeout: Duration::from_secs(1),
                    column: None,
                    value_type: ValueType::Text,
                },
            )
            .into(),
        ];
        for at in 0..2 {
            let name = format!("host{at}");
            edits.push(Edit::PutExecutor(ExecutorDraft::new(&name, &name, 2)));
        }
        for at in 0..3 {
            let mut flow = FlowDraft::new(format!("flow{at}"));
            flow.parents = (at == 2)
                .then(|| FlowRef::Name("flow0".into()))
                .into_iter()
                .collect();
            edits.push(Edit::PutFlow(flow));
            for job in 0..3 {
                let of = FlowRef::Name(format!("flow{at}"));
                let mut draft = JobDraft::new(of, format!("job{job}"), "true");
                draft.retry.max = job;
                // Some wait for an answer before they begin.
                let shared = ParamRef::Name("asked".into());
                let shared = JobParamDraft::Shared { shared };
                draft.params = (job == 1).then_some(shared).into_iter().collect();
                draft.dependencies = (job == 2)
                    .then(|| {
                        let (flow, job) = (format!("flow{at}"), "job0".into());
                        DependencyDraft::new(JobRef::Name { flow, job }, Condition::Success)
                    })
                    .into_iter()
                    .collect();
                edits.push(Edit::PutJob(draft));
            }
        }
        // Whatever happens is told, and is to be acknowledged.
        edits.push(AlertChannelDraft::new("c", AlertChannelKind::Sms).into());
        let rule = AlertRuleDraft {
            default: true,
            escalation: Some(Escalation {
                after: Escalation::LEAST_AFTER,
                channels: vec![Ref::Name("c".into())],
            }),
            ..AlertRuleDraft::new("r", AlertEvent::ALL.iter().copied(), [])
        };
        edits.push(rule.into());
        let by = "ann".into();
        world.send(Input::Edit(EditBatch { by, edits }));
        for executor in world.executors() {
            let (executor, held) = (ExecutorId(executor), vec![]);
            let version = "1".into();
            let report = Report::hello(version, held);
            world.send(Input::Report { executor, report });
        }
        world
    }

    fn flows(&self) -> Vec<u64> {
        self.engine.flows().map(|it| it.id.0).collect()
    }

    fn jobs(&self) -> Vec<u64> {
        self.engine.jobs().map(|it| it.id.0).collect()
    }

    fn executors(&self) -> Vec<u64> {
        self.engine.executors().map(|it| it.id.0).collect()
    }

    fn send(&mut self, input: Input) {
        let kind = kind(&input);
        let before = self.engine.snapshot();
        let outcome = self.engine.apply(self.now, input);
        self.seen[kind][usize::from(outcome.is_err())] += 1;
        match outcome {
            Ok(step) => self.keep(&step.changes),
            Err(refused) => assert_eq!(
                self.engine.snapshot(),
                before,
                "{refused} changed something"
            ),
        }
        assert_eq!(self.engine.check(), []);
        let snapshot = self.engine.snapshot();
        let runs = snapshot.executions.iter().flat_map(|it| &it.job_runs);
        for (row, _) in runs {
            assert!(self.engine.explain(row.id).is_some());
        }
        let loaded = Engine::load(self.now, self.engine.settings().clone(), snapshot.clone());
        assert_eq!(loaded.unwrap().snapshot(), snapshot);
    }

    /// Takes executions as they stand while they live, and their last rows as they end.
    fn keep(&mut self, changes: &[Change]) {
        for live in self.engine.snapshot().executions {
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
                Change::Attempt(row) => {
                    self.attempts.insert(row.id.0, row.executor.0);
                    if let Some(kept) = self.executions.get_mut(&row.execution)
                        && row.state.is_ended()
                    {
                        kept.attempts.retain(|it| it.id != row.id);
                    }
                }
                Change::Backfill(row) => self.backfills.push(row.id.0),
                Change::Alert(row) => {
                    self.alerts.insert(row.id.0, row.clone());
                }
                _ => {}
            }
        }
    }

    fn play(&mut self, op: &Op) {
        let mut numbers = Numbers(op.1.iter());
        let it = &mut numbers;
        // Mostly forwards, sometimes to the end or the beginning of time.
        self.now = match it.next() {
            number if number < KNOWN => self.now.after(Duration::from_secs(number)),
            number => Timestamp::from_micros(number as i64),
        };
        let input = self.make(op.0, it);
        self.send(input);
    }

    fn make(&self, what: u8, it: &mut Numbers<'_>) -> Input {
        let known: Vec<u64> = self.executions.keys().map(|id| id.0).collect();
        match what % 40 {
            0..=3 => {
                let edits = it.list(|it| self.edit(it));
                assert!(edits.iter().all(is_drawn));
                let by = it.text();
                Input::Edit(EditBatch { by, edits })
            }
            4..=6 => Input::Start(Start {
                flows: it.list(|it| FlowId(it.id(&self.flows()))),
                jobs: (it.below(4) == 0).then(|| it.list(|it| JobId(it.id(&self.jobs())))),
                downstream: it.yes(),
                data_date: it.date(),
                date_format: None,
                params: it.params(),
                trigger: TriggerKind::ALL[it.below(TriggerKind::ALL.len() as u64) as usize],
                by: it.text(),
            }),
            7 => Input::Stop {
                execution: ExecutionId(it.id(&known)),
                by: it.text(),
            },
            8..=9 => {
                let execution = ExecutionId(it.id(&known));
                Input::Resume {
                    execution,
                    by: it.text(),
                    archived: self.archived(execution, it),
                }
            }
            10..=11 => {
                let execution = ExecutionId(it.id(&known));
                let kept = self.executions.get(&execution);
                let runs = kept.map(|kept| kept.job_runs.iter().map(|(row, _)| row.id.0).collect());
                let runs: Vec<u64> = runs.unwrap_or_default();
                Input::Rerun {
                    execution,
                    from: it.list(|it| JobRunId(it.id(&runs))),
                    by: it.text(),
                    archived: self.archived(execution, it),
                }
            }
            12 => {
                let request = BackfillRequest {
                    flow: FlowId(it.id(&self.flows())),
                    downstream: it.yes(),
                    from: it.date(),
                    to: it.date(),
                    parallel: it.next_u32(),
                    date_format: None,
                    params: it.params(),
                    by: it.text(),
                };
                let planned = self.engine.plan_backfill(&request);
                assert!(planned.is_err() || planned.is_ok_and(|it| !it.dates.is_empty()));
                Input::Backfill(request)
            }
            13 => Input::StopBackfill {
                backfill: BackfillId(it.id(&self.backfills)),
                by: it.text(),
            },
            14 => Input::RestartBackfill {
                backfill: BackfillId(it.id(&self.backfills)),
                by: it.text(),
            },
            15..=24 => self.report(it),
            25 => Input::Configure(Settings {
                max_running: it.next_u32(),
                executor_lease: it.span(),
                kill_grace: it.span(),
            }),
            26 => Input::Pause {
                execution: ExecutionId(it.id(&known)),
                by: it.text(),
            },
            27 => Input::Unpause {
                execution: ExecutionId(it.id(&known)),
                by: it.text(),
            },
            28 => Input::Kill {
                job_run: JobRunId(it.id(&self.job_runs(None))),
                by: it.text(),
            },
            29..=30 => {
                let execution = ExecutionId(it.id(&known));
                let runs = self.job_runs(Some(execution));
                Input::Settle {
                    execution,
                    job_runs: it.list(|it| JobRunId(it.id(&runs))),
                    settled: [SettledAs::Skipped, SettledAs::Succeeded][it.below(2) as usize],
                    by: it.text(),
                    archived: self.archived(execution, it),
                }
            }
            31..=32 => {
                let execution = ExecutionId(it.id(&known));
                Input::Reset {
                    execution,
                    by: it.text(),
                    archived: self.archived(execution, it),
                }
            }
            33 => Input::PauseSchedules {
                schedules: it.list(|it| ScheduleId(it.id(&self.schedules()))),
                paused: it.yes(),
                by: it.text(),
            },
            34 => Input::RunSchedule {
                schedule: ScheduleId(it.id(&self.schedules())),
                data_date: it.yes().then(|| it.date()),
                date_format: None,
                downstream: it.yes().then(|| it.yes()),
                params: Vec::new(),
                by: it.text(),
            },
            35 => Input::FileArrived {
                event: FileEventId(it.next()),
                key: it.text(),
                data_date: it.yes().then(|| it.date()),
            },
            36 => Input::Notified {
                alert: AlertId(it.next()),
                error: it.yes().then(|| it.text()),
            },
            37 => Input::Resolved {
                attempt: AttemptId(it.id(&self.latest())),
                result: self.answer(it),
            },
            38 => {
                let known: Vec<u64> = self.alerts.keys().copied().collect();
                let alerts = (0..it.below(4)).map(|_| AlertId(it.id(&known)));
                let archived = self.alerts.values().cloned();
                Input::Acknowledge {
                    alerts: alerts.collect(),
                    by: it.text(),
                    archived: archived.filter(|_| it.yes()).collect(),
                }
            }
            _ => Input::Wake,
        }
    }

    /// Attempts of the latest, which may be alive.
    fn latest(&self) -> Vec<u64> {
        self.attempts.keys().rev().take(6).copied().collect()
    }

    fn answer(&self, it: &mut Numbers<'_>) -> Result<BTreeMap<ParamId, String>, ResolveError> {
        let all = self.engine.other_definitions().map(|it| it.id());
        let params: Vec<u64> = all
            .filter_map(|id| match id {
                DefinitionId::Param(param) => Some(param.0),
                _ => None,
            })
            .collect();
        if it.yes() {
            return Ok(it
                .list(|it| (ParamId(it.id(&params)), it.text()))
                .into_iter()
                .collect());
        }
        Err(ResolveError {
            param: ParamId(it.id(&params)),
            kind: ResolveErrorKind::ALL[it.below(ResolveErrorKind::ALL.len() as u64) as usize],
            reason: it.text(),
        })
    }

    fn schedules(&self) -> Vec<u64> {
        self.engine.schedules().map(|it| it.id.0).collect()
    }

    /// Job runs of an execution, or of all.
    fn job_runs(&self, execution: Option<ExecutionId>) -> Vec<u64> {
        let kept = self.executions.values();
        let kept = kept.filter(|it| execution.is_none_or(|execution| it.row.id == execution));
        kept.flat_map(|it| it.job_runs.iter().map(|(row, _)| row.id.0))
            .collect()
    }

    fn report(&self, it: &mut Numbers<'_>) -> Input {
        let attempts = self.latest();
        let attempt = it.id(&attempts);
        // Mostly the one that has it, sometimes anyone.
        let owner = self
            .attempts
            .get(&attempt)
            .filter(|_| !it.yes() || it.yes());
        let executor = owner.copied().unwrap_or_else(|| it.id(&self.executors()));
        let (attempt, executor) = (AttemptId(attempt), ExecutorId(executor));
        let now = self.now;
        let report = match it.below(8) {
            0 => Report::Hello {
                version: it.text(),
                held: it.list(|it| Held {
                    attempt: AttemptId(it.id(&attempts)),
                    started: it.yes().then(|| (it.next_u32(), it.time(now))),
                    end: it.yes().then(|| end(it, now)),
                }),
                offer: Offer {
                    labels: it.pairs(),
                    slots: it.next_u32() % 4,
                },
            },
            1 | 2 => Report::Started {
                attempt,
                pid: it.next_u32(),
                at: it.time(now),
            },
            3..=5 => Report::Finished {
                attempt,
                end: end(it, now),
            },
            6 => Report::Heartbeat(HostFigures {
                cores: it.next_u32(),
                load_1m: [0.5, -1.0, f64::NAN, f64::INFINITY, f64::MAX][it.below(5) as usize],
                memory_total_bytes: it.next(),
                memory_available_bytes: it.next(),
                disk_total_bytes: it.next(),
                disk_available_bytes: it.next(),
                os: it.text(),
                hostname: it.text(),
                running: it.next_u32(),
            }),
            _ => Report::Disconnected { reason: it.text() },
        };
        Input::Report { executor, report }
    }

    fn edit(&self, it: &mut Numbers<'_>) -> Edit {
        let (flows, jobs, executors) = (self.flows(), self.jobs(), self.executors());
        let version = |it: &mut Numbers<'_>| (it.below(4) == 0).then(|| it.next_u32());
        let flow_ref = |it: &mut Numbers<'_>| match it.yes() {
            true => FlowRef::Id(FlowId(it.id(&flows))),
            false => FlowRef::Name(it.text()),
        };
        match it.below(13) {
            9 => PoolDraft::new(it.text(), it.next_u32()).into(),
            10 | 11 => {
                let every = Duration::from_secs(1 + it.below(90));
                let timing = Interval::new(every, it.time(self.now)).map(Timing::Interval);
                let trigger = match timing {
                    Ok(timing) if it.below(4) > 0 => TriggerDraft::Time(timing),
                    _ => TriggerDraft::DataDate(it.list(flow_ref)),
                };
                let mut draft = ScheduleDraft::new(it.text(), flow_ref(it), trigger);
                draft.paused = it.below(4) == 0;
                draft.max_instances = it.next_u32();
                draft.misfire_grace = it.span();
                draft.date_offset = it.next() as i32;
                draft.not_before = it.yes().then(|| it.time(self.now));
                draft.into()
            }
            12 => Edit::Delete {
                definition: match it.below(3) {
                    0 => ScheduleId(it.id(&self.schedules())).into(),
                    1 => FlowId(it.id(&flows)).into(),
                    _ => PoolId(it.next()).into(),
                },
                version: version(it),
            },
            0 | 1 => {
                let mut draft = FlowDraft::new(it.text());
                draft.id = it.yes().then(|| FlowId(it.id(&flows)));
                draft.version = version(it);
                draft.directory = it.text();
                draft.enabled = it.below(8) > 0;
                draft.priority = it.next() as i32;
                draft.parents = it.list(flow_ref);
                draft.params = it.params();
                draft.env = it.pairs();
                draft.max_runs = it.yes().then(|| it.next_u32());
                draft.timeout = it.yes().then(|| it.span());
                draft.restart_retries = it.next_u32();
                draft.restart_delay = it.span();
                draft.calendar = it.yes().then(|| CalendarRef::Id(CalendarId(it.next())));
                Edit::PutFlow(draft)
            }
            2..=4 => {
                let mut draft = JobDraft::new(flow_ref(it), it.text(), "true");
                draft.id = it.yes().then(|| JobId(it.id(&jobs)));
                draft.version = version(it);
                draft.enabled = it.below(8) > 0;
                draft.priority = it.next() as i32;
                draft.slots = it.next_u32();
                draft.dependencies = it.list(|it| DependencyDraft {
                    job: match it.yes() {
                        true => JobRef::Id(JobId(it.id(&jobs))),
                        false => JobRef::Name {
                            flow: it.text(),
                            job: it.text(),
                        },
                    },
                    condition: [Condition::Success, Condition::Failure, Condition::Done]
                        [it.below(3) as usize],
                    offset_days: if it.yes() { 0 } else { it.next() as i32 },
                    wait_limit: it.yes().then(|| it.span()),
                });
                draft.placement = match it.below(4) {
                    0 => PlacementDraft::Executor(ExecutorRef::Id(ExecutorId(it.id(&executors)))),
                    1 => PlacementDraft::Labels(it.pairs()),
                    _ => PlacementDraft::Any,
                };
                draft.success_codes = it.list(|it| it.next() as u8);
                draft.retry = Retry {
                    max: it.next_u32(),
                    delay: it.span(),
                    backoff_permille: it.next_u32(),
                    cap: it.yes().then(|| it.span()),
                };
                draft.timeout = it.yes().then(|| it.span());
                draft.pool = (it.below(4) == 0).then(|| PoolRef::Id(PoolId(it.next())));
                draft.pool_slots = it.next_u32();
                draft.expected = it.yes().then(|| it.span());
                Edit::PutJob(draft)
            }
            5 => Edit::DeleteFlow {
                flow: FlowId(it.id(&flows)),
                version: version(it),
            },
            6 => Edit::DeleteJob {
                job: JobId(it.id(&jobs)),
                version: version(it),
            },
            7 => {
                let mut draft = ExecutorDraft::new(it.text(), it.text(), it.next_u32());
                draft.id = it.yes().then(|| ExecutorId(it.id(&executors)));
                draft.version = version(it);
                draft.enabled = it.yes();
                draft.labels = it.pairs();
                Edit::PutExecutor(draft)
            }
            _ => Edit::DeleteExecutor {
                executor: ExecutorId(it.id(&executors)),
                version: version(it),
            },
        }
    }

    /// An execution as a store brings it, or as a broken one might.
    fn archived(&self, id: ExecutionId, it: &mut Numbers<'_>) -> Option<Box<ExecutionSnapshot>> {
        let mut found = self.executions.get(&id)?.clone();
        if it.yes() {
            spoil(&mut found, it);
        }
        (it.below(8) > 0).then(|| Box::new(found))
    }
}

/// Breaks something of an execution.
fn spoil(found: &mut ExecutionSnapshot, it: &mut Numbers<'_>) {
    let what = it.below(20);
    let execution = found.row.id;
    let at = it.next() as usize;
    let row = &mut found.row;
    let runs = found.job_runs.len().max(1);
    let job_run = found.job_runs.get_mut(at % runs);
    let flows = found.flow_runs.len().max(1);
    let flow_run = found.flow_runs.get_mut(at % flows);
    match (what, job_run, flow_run) {
        (0, ..) => row.id = ExecutionId(it.next()),
        (1, ..) => row.state = ExecutionState::ALL[at % ExecutionState::ALL.len()],
        (2, ..) => row.resumes = it.next_u32(),
        (3, ..) => row.data_date = it.date(),
        (4, ..) => row.backfill = Some(BackfillId(it.next())),
        (5, Some((run, _)), _) => run.state = JobRunState::ALL[at % JobRunState::ALL.len()],
        (6, Some((run, _)), _) => run.attempt = it.next_u32(),
        (7, Some((run, _)), _) => run.attempts_before = it.next_u32(),
        (8, Some((run, _)), _) => run.id = JobRunId(it.next()),
        (9, Some((run, _)), _) => run.job = JobId(it.next()),
        (10, Some((run, _)), _) => run.retry_at = Some(it.time(Timestamp::MAX)),
        (11, Some((run, _)), _) => {
            (run.attempt, run.attempts_before) = (u32::MAX, u32::MAX);
        }
        (12, _, Some((run, _))) => run.state = FlowRunState::ALL[at % FlowRunState::ALL.len()],
        (13, _, Some((run, _))) => run.flow = FlowId(it.next()),
        (14, _, Some((run, _))) => run.id.0 = it.next(),
        (15, ..) => {
            found.job_runs.pop();
        }
        (16, ..) => {
            found.flow_runs.pop();
        }
        (17, Some(run), _) => {
            let copy = run.clone();
            found.job_runs.push(copy);
        }
        (18, ..) => {
            // All ids far up.
            let first = u64::MAX - found.job_runs.len() as u64 + 1;
            for (at, (run, _)) in found.job_runs.iter_mut().enumerate() {
                run.id = JobRunId(first + at as u64);
            }
        }
        (_, Some((run, _)), _) => {
            let row = AttemptRow {
                id: AttemptId(it.next()),
                execution,
                job_run: run.id,
                number: it.next_u32(),
                executor: ExecutorId(it.next()),
                slots: it.next_u32(),
                state: AttemptState::ALL[at % AttemptState::ALL.len()],
                kill_asked: it.yes(),
                dispatched_at: it.time(Timestamp::MIN),
                started_at: None,
                ended_at: None,
                pid: None,
                exit_code: None,
                signal: None,
                message: it.text(),
                peak_memory_bytes: it.next(),
                cpu_time: it.span(),
                log_bytes: it.next(),
            };
            found.attempts.push(row);
        }
        _ => {}
    }
}

fn end(it: &mut Numbers<'_>, now: Timestamp) -> End {
    let cause = match it.below(8) {
        0 => EndCause::Exited(it.next() as i32),
        1 => EndCause::Signaled(it.next() as i32),
        2 => EndCause::TimedOut,
        3 => EndCause::Killed,
        4 => EndCause::NotStarted(it.text()),
        5 => EndCause::Lost(it.text()),
        _ => EndCause::Exited(0),
    };
    End {
        cause,
        started_at: it.yes().then(|| it.time(now)),
        ended_at: it.time(now),
        peak_memory_bytes: it.next(),
        cpu_time: it.span(),
        log_bytes: it.next(),
        outputs: (0..it.below(3)).map(|_| (it.text(), it.text())).collect(),
    }
}

#[test]
fn no_input_whatever_makes_the_engine_panic() {
    let seen = RefCell::new([[0; 2]; KINDS]);
    proptest!(config(300), |(ops in prop::collection::vec(op(), 1..60))| {
        let mut world = World::new();
        for op in &ops {
            world.play(op);
        }
        for (all, new) in seen.borrow_mut().iter_mut().zip(world.seen) {
            (all[0], all[1]) = (all[0] + new[0], all[1] + new[1]);
        }
    });
    let seen = seen.into_inner();
    let drawn = |&[taken, refused]: &[u64; 2]| taken + refused > 0;
    assert!(
        seen.iter().all(drawn),
        "some of each kind are drawn: {seen:?}"
    );
}
