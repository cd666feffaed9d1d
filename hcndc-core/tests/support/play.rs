//! What is drawn is played: definitions are made of plans, inputs of operations.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hcndc_core::{
    engine::{
        BackfillRequest, EditBatch, EndCause, Held, HostFigures, Input, JobRunState, Rejected,
        Report, Settings, SettledAs, Start, Step, TriggerKind,
    },
    id::{AttemptId, BackfillId, ExecutionId, ExecutorId, FlowId, JobId, JobRunId, ScheduleId},
    model::{
        Condition, DependencyDraft, Edit, ExecutorDraft, ExecutorRef, FlowDraft, FlowRef, JobDraft,
        JobRef, Missed, Overlap, PlacementDraft, PoolDraft, PoolRef, Retry, ScheduleDraft,
        TriggerDraft,
    },
    time::{DataDate, Timestamp},
    trigger::{Timing, interval::Interval},
};

use super::{
    drawn::{FlowPlan, HostPlan, JobPlan, Op, Plan},
    world::{World, end},
};

pub(crate) fn date(at: u8) -> DataDate {
    format!("2026-11-{:02}", 20 + at % 3).parse().unwrap()
}

pub(crate) fn pick<T: Copy>(from: &[T], at: u8) -> Option<T> {
    (!from.is_empty()).then(|| from[at as usize % from.len()])
}

impl World {
    pub(crate) fn flow_ids(&self) -> Vec<FlowId> {
        self.store.flows.keys().copied().collect()
    }

    pub(crate) fn job_ids(&self) -> Vec<JobId> {
        self.store.jobs.keys().copied().collect()
    }

    pub(crate) fn executor_ids(&self) -> Vec<ExecutorId> {
        self.store.executors.keys().copied().collect()
    }

    pub(crate) fn execution_ids(&self) -> Vec<ExecutionId> {
        self.store.executions.keys().copied().collect()
    }

    pub(crate) fn flow_draft(&self, plan: &FlowPlan, name: String, others: &[FlowId]) -> FlowDraft {
        let parents: BTreeSet<_> = plan
            .parents
            .iter()
            .filter_map(|at| pick(others, *at))
            .collect();
        FlowDraft {
            enabled: plan.enabled,
            priority: plan.priority,
            max_runs: plan.max_runs,
            // No end of a lease and no retry comes at the same moment.
            timeout: plan
                .timeout
                .map(|seconds| Duration::from_micros(seconds * 1_000_000 + 170_007)),
            restart_retries: plan.restarts.0,
            restart_delay: Duration::from_secs(plan.restarts.1),
            parents: parents.into_iter().map(FlowRef::Id).collect(),
            ..FlowDraft::new(name)
        }
    }

    pub(crate) fn job_draft(
        &self,
        plan: &JobPlan,
        flow: FlowId,
        name: String,
        others: &[JobId],
    ) -> JobDraft {
        let mut dependencies = BTreeMap::new();
        for &(at, how, day, limit) in &plan.dependencies {
            let condition = match how {
                0 => Condition::Failure,
                1 => Condition::Done,
                _ => Condition::Success,
            };
            let offset_days = match day {
                0 => -1,
                1 => 1,
                _ => 0,
            };
            // No end of a lease and no retry comes at the same moment.
            let wait_limit = match limit {
                0 => Some(Duration::from_micros(7_770_001)),
                1 => Some(Duration::from_micros(31_310_003)),
                _ => None,
            };
            if let Some(job) = pick(others, at) {
                let dependency = DependencyDraft {
                    offset_days,
                    wait_limit,
                    ..DependencyDraft::new(JobRef::Id(job), condition)
                };
                dependencies.insert((job, offset_days), dependency);
            }
        }
        let executors = self.executor_ids();
        let placement = match (plan.placement, pick(&executors, plan.flow)) {
            (0, Some(executor)) => PlacementDraft::Executor(ExecutorRef::Id(executor)),
            (1 | 2, _) => PlacementDraft::Labels([("gpu".into(), "yes".into())].into()),
            _ => PlacementDraft::Any,
        };
        let dependencies = dependencies.into_values();
        let pools: Vec<_> = self.store.pools().collect();
        let pool = pools.get(usize::from(plan.pool.0));
        let pool_slots = pool.map_or(1, |pool| plan.pool.1.min(pool.slots));
        JobDraft {
            pool: pool.map(|pool| PoolRef::Id(pool.id)),
            pool_slots,
            params: self.shared(&plan.shared),
            enabled: plan.enabled,
            priority: plan.priority,
            dependencies: dependencies.collect(),
            placement,
            slots: plan.slots,
            success_codes: plan.codes.clone(),
            retry: Retry {
                max: plan.retries,
                delay: Duration::from_secs(plan.delay),
                backoff_permille: 2000,
                cap: Some(Duration::from_secs(30)),
            },
            ..JobDraft::new(FlowRef::Id(flow), name, "true")
        }
    }

    pub(crate) fn host_draft(plan: &HostPlan, name: String) -> ExecutorDraft {
        let address = format!("{name}:1");
        let mut draft = ExecutorDraft::new(name, address, plan.slots);
        if plan.gpu {
            draft.labels.insert("gpu".into(), "yes".into());
        }
        draft.enabled = plan.enabled;
        draft
    }

    pub(crate) fn edit(&mut self, edits: Vec<Edit>) -> Result<Step, Rejected> {
        let by = "ann".into();
        self.send(Input::Edit(EditBatch { by, edits }))
    }

    /// Makes what is planned; what would make a cycle waits for nothing instead.
    pub(crate) fn build(&mut self, plan: &Plan) {
        let settings = Settings {
            max_running: plan.max_running,
            ..Settings::default()
        };
        self.send(Input::Configure(settings)).unwrap();
        for (at, host) in plan.hosts.iter().enumerate() {
            let draft = Self::host_draft(host, format!("host{at}"));
            self.edit(vec![Edit::PutExecutor(draft)]).unwrap();
        }
        for (at, slots) in plan.pools.iter().enumerate() {
            let draft = PoolDraft::new(format!("pool{at}"), *slots);
            self.edit(vec![draft.into()]).unwrap();
        }
        self.build_params();
        for (at, flow) in plan.flows.iter().enumerate() {
            let draft = self.flow_draft(flow, format!("flow{at}"), &self.flow_ids());
            self.edit(vec![Edit::PutFlow(draft)]).unwrap();
        }
        for job in &plan.jobs {
            self.add_job(job);
        }
    }

    pub(crate) fn add_job(&mut self, plan: &JobPlan) {
        let Some(flow) = pick(&self.flow_ids(), plan.flow) else {
            return;
        };
        let name = format!("job{}", self.engine.next_id());
        let mut draft = self.job_draft(plan, flow, name, &self.job_ids());
        if self.edit(vec![Edit::PutJob(draft.clone())]).is_err() {
            draft.dependencies.clear();
            self.edit(vec![Edit::PutJob(draft)]).unwrap();
        }
    }

    pub(crate) fn schedule_ids(&self) -> Vec<ScheduleId> {
        self.store.schedules().map(|it| it.id).collect()
    }

    pub(crate) fn backfill_ids(&self) -> Vec<BackfillId> {
        self.store.backfills.keys().copied().collect()
    }

    pub(crate) fn play(&mut self, op: &Op) {
        match op {
            Op::Start {
                flows,
                downstream,
                date: at,
                only,
                how,
            } => {
                let ids = self.flow_ids();
                let flows: Vec<_> = flows.iter().filter_map(|at| pick(&ids, *at)).collect();
                let (data_date, by) = (date(*at), String::from("ann"));
                let jobs = self.job_ids();
                let jobs: Vec<_> = only.iter().filter_map(|at| pick(&jobs, *at)).collect();
                let _ = self.send(Input::Start(Start {
                    flows,
                    jobs: (!jobs.is_empty()).then_some(jobs),
                    downstream: *downstream,
                    data_date,
                    date_format: None,
                    params: vec![],
                    trigger: TriggerKind::ALL[*how as usize % TriggerKind::ALL.len()],
                    by,
                }));
            }
            Op::Pause(at) => {
                if let Some(execution) = pick(&self.twin.live(), *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::Pause { execution, by });
                }
            }
            Op::Unpause(at) => {
                if let Some(execution) = pick(&self.twin.live(), *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::Unpause { execution, by });
                }
            }
            Op::Kill(at) => {
                let live = self.twin.live();
                let runs = self.store.job_runs.values();
                let runs: Vec<_> = runs
                    .filter(|row| live.contains(&row.execution) && row.state.is_active())
                    .map(|row| row.id)
                    .collect();
                if let Some(job_run) = pick(&runs, *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::Kill { job_run, by });
                }
            }
            Op::Settle(at, runs, how) => {
                if let Some(execution) = pick(&self.execution_ids(), *at) {
                    let its = self.store.job_runs.values();
                    let its: Vec<_> = its
                        .filter(|row| row.execution == execution)
                        .filter(|row| {
                            use JobRunState as S;
                            !matches!(row.state, S::Succeeded | S::Skipped)
                        })
                        .map(|row| row.id)
                        .collect();
                    let job_runs = runs.iter().filter_map(|at| pick(&its, *at)).collect();
                    let settled = if *how {
                        SettledAs::Skipped
                    } else {
                        SettledAs::Succeeded
                    };
                    let archived = self.store.execution(execution).map(Box::new);
                    let by = "bob".into();
                    let _ = self.send(Input::Settle {
                        execution,
                        job_runs,
                        settled,
                        by,
                        archived,
                    });
                }
            }
            Op::Reset(at) => {
                if let Some(execution) = pick(&self.execution_ids(), *at) {
                    let archived = self.store.execution(execution).map(Box::new);
                    let by = "bob".into();
                    let _ = self.send(Input::Reset {
                        execution,
                        by,
                        archived,
                    });
                }
            }
            Op::Backfill {
                flow,
                downstream,
                from,
                days,
                parallel,
            } => {
                if let Some(flow) = pick(&self.flow_ids(), *flow) {
                    let from = date(0).plus_days((*from).into()).unwrap();
                    let _ = self.send(Input::Backfill(BackfillRequest {
                        flow,
                        downstream: *downstream,
                        from,
                        to: from.plus_days(i32::from(*days) - 1).unwrap(),
                        parallel: (*parallel).into(),
                        date_format: None,
                        params: vec![],
                        by: "ann".into(),
                    }));
                }
            }
            Op::PutSchedule(at, plan) => {
                if let Some(flow) = pick(&self.flow_ids(), plan.flow) {
                    let every = Duration::from_secs(plan.every);
                    let interval = Interval::new(every, Timestamp::from_micros(0)).unwrap();
                    // One in three is new.
                    let id = pick(&self.schedule_ids(), *at).filter(|_| at % 3 != 0);
                    let name = id.map_or_else(
                        || format!("s{}", self.engine.next_id()),
                        |id| self.engine.schedule(id).unwrap().name.clone(),
                    );
                    let trigger = TriggerDraft::Time(Timing::Interval(interval));
                    let draft = ScheduleDraft {
                        id,
                        misfire_grace: Duration::from_secs(plan.grace),
                        missed: if plan.catch_up {
                            Missed::CatchUp
                        } else {
                            Missed::Coalesce
                        },
                        overlap: if plan.skip {
                            Overlap::Skip
                        } else {
                            Overlap::Queue
                        },
                        max_instances: plan.instances,
                        ..ScheduleDraft::new(name, FlowRef::Id(flow), trigger)
                    };
                    let _ = self.edit(vec![draft.into()]);
                }
            }
            Op::PauseSchedule(at, paused) => {
                if let Some(id) = pick(&self.schedule_ids(), *at) {
                    let (paused, by) = (*paused, "bob".into());
                    let schedules = vec![id];
                    self.send(Input::PauseSchedules {
                        schedules,
                        paused,
                        by,
                    })
                    .unwrap();
                }
            }
            Op::RunSchedule(at) => {
                if let Some(schedule) = pick(&self.schedule_ids(), *at) {
                    let (data_date, by) = (None, "bob".into());
                    let _ = self.send(Input::RunSchedule {
                        schedule,
                        data_date,
                        date_format: None,
                        downstream: None,
                        params: Vec::new(),
                        by,
                    });
                }
            }
            Op::DeleteSchedule(at) => {
                if let Some(id) = pick(&self.schedule_ids(), *at) {
                    let (definition, version) = (id.into(), None);
                    self.edit(vec![Edit::Delete {
                        definition,
                        version,
                    }])
                    .unwrap();
                }
            }
            Op::StopBackfill(at) => {
                if let Some(backfill) = pick(&self.backfill_ids(), *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::StopBackfill { backfill, by });
                }
            }
            Op::RestartBackfill(at) => {
                if let Some(backfill) = pick(&self.backfill_ids(), *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::RestartBackfill { backfill, by });
                }
            }
            Op::Stop(at) => {
                if let Some(execution) = pick(&self.twin.live(), *at) {
                    let by = "bob".into();
                    let _ = self.send(Input::Stop { execution, by });
                }
            }
            Op::Resume(at) => {
                if let Some(execution) = pick(&self.execution_ids(), *at) {
                    let archived = self.store.execution(execution).map(Box::new);
                    let by = "bob".into();
                    let _ = self.send(Input::Resume {
                        execution,
                        by,
                        archived,
                    });
                }
            }
            Op::Rerun(at, from) => {
                if let Some(execution) = pick(&self.execution_ids(), *at) {
                    let runs = self.store.job_runs.values();
                    let runs: Vec<JobRunId> = runs
                        .filter(|row| row.execution == execution)
                        .map(|row| row.id)
                        .collect();
                    let from = from.iter().filter_map(|at| pick(&runs, *at)).collect();
                    let archived = self.store.execution(execution).map(Box::new);
                    let by = "bob".into();
                    let _ = self.send(Input::Rerun {
                        execution,
                        from,
                        by,
                        archived,
                    });
                }
            }
            Op::Hello(at) => {
                if let Some(executor) = pick(&self.executor_ids(), *at) {
                    self.hello(executor, vec![]);
                }
            }
            Op::Break(at, how) => {
                if let Some(executor) = pick(&self.executor_ids(), *at) {
                    let hand = self.hands.get_mut(&executor).unwrap();
                    hand.connected = false;
                    match how % 4 {
                        0 => hand.held.retain(|_, held| held.started.is_some()),
                        1 if !self.steady => hand.held.clear(),
                        _ => {}
                    }
                    // An order that never arrived can arrive later.
                    hand.known = hand
                        .known
                        .iter()
                        .copied()
                        .filter(|it| hand.held.contains_key(it))
                        .collect();
                    let reason = "broken".into();
                    self.report(executor, Report::Disconnected { reason });
                }
            }
            Op::Begin(at) => {
                if let Some((executor, attempt)) = pick(&self.held(), *at) {
                    self.start_attempt(executor, attempt);
                }
            }
            Op::Finish(at, how) => {
                if let Some((executor, attempt)) = pick(&self.held(), *at) {
                    let cause = match how % 16 {
                        _ if self.steady => self.steady_end(attempt),
                        0 | 1 => EndCause::Exited(1),
                        2 => EndCause::Exited(3),
                        3 => EndCause::Signaled(9),
                        4 => EndCause::TimedOut,
                        5 => EndCause::Killed,
                        6 => EndCause::NotStarted("no such file".into()),
                        7 => EndCause::Lost("restarted".into()),
                        _ => EndCause::Exited(0),
                    };
                    self.finish_attempt(executor, attempt, cause);
                }
            }
            Op::Answer(at, how) => self.answer(*at, *how),
            Op::EditParam(at, asks) => self.edit_param(*at, *asks),
            Op::Advance(seconds) => self.advance(Duration::from_secs((*seconds).into())),
            Op::WakeUp => {
                if let Some(at) = self.engine.next_wakeup() {
                    self.now = self.now.max(at);
                    self.send(Input::Wake).unwrap();
                }
            }
            Op::Configure(what) => {
                let settings = Settings {
                    max_running: [1000, 3, 1, 0][*what as usize % 4],
                    executor_lease: Duration::from_secs(if what % 3 == 0 { 5 } else { 60 }),
                    ..Settings::default()
                };
                self.send(Input::Configure(settings)).unwrap();
            }
            Op::EditJob(at, plan) => {
                if let Some(id) = pick(&self.job_ids(), *at) {
                    let old = self.store.jobs[&id].clone();
                    let draft = self.job_draft(plan, old.flow, old.name.clone(), &self.job_ids());
                    let id = Some(id);
                    let _ = self.edit(vec![Edit::PutJob(JobDraft { id, ..draft })]);
                }
            }
            Op::DeleteJob(at) => {
                if let Some(job) = pick(&self.job_ids(), *at) {
                    let _ = self.edit(vec![Edit::DeleteJob { job, version: None }]);
                }
            }
            Op::AddJob(plan) => self.add_job(plan),
            Op::EditFlow(at, plan) => {
                if let Some(id) = pick(&self.flow_ids(), *at) {
                    let name = self.store.flows[&id].0.name.clone();
                    let draft = self.flow_draft(plan, name, &self.flow_ids());
                    let id = Some(id);
                    let _ = self.edit(vec![Edit::PutFlow(FlowDraft { id, ..draft })]);
                }
            }
            Op::EditHost(at, plan) => {
                if let Some(id) = pick(&self.executor_ids(), *at) {
                    let draft = Self::host_draft(plan, self.store.executors[&id].name.clone());
                    let id = Some(id);
                    self.edit(vec![Edit::PutExecutor(ExecutorDraft { id, ..draft })])
                        .unwrap();
                }
            }
            Op::EditPool(at, slots) => {
                let pools: Vec<_> = self.store.pools().collect();
                if let Some(pool) = pick(&pools, *at) {
                    let id = Some(pool.id);
                    let draft = PoolDraft::new(pool.name.clone(), *slots);
                    // Refused if a job takes more.
                    let _ = self.edit(vec![PoolDraft { id, ..draft }.into()]);
                }
            }
            Op::DeleteHost(at) => {
                if let Some(executor) = pick(&self.executor_ids(), *at) {
                    let version = None;
                    let _ = self.edit(vec![Edit::DeleteExecutor { executor, version }]);
                }
            }
            Op::Reload => self.reload(),
            Op::Nonsense(what, at, id) => self.nonsense(*what, *at, *id),
        }
    }

    /// What should never come, and does no harm when it comes.
    pub(crate) fn nonsense(&mut self, what: u8, at: u8, id: u8) {
        let attempts: Vec<AttemptId> = self.store.attempts.keys().copied().collect();
        let attempt = pick(&attempts, id).unwrap_or_else(|| AttemptId(u64::from(id) * 1000));
        let executor = pick(&self.executor_ids(), at).unwrap_or(ExecutorId(999_999));
        let execution = pick(&self.execution_ids(), at).unwrap_or(ExecutionId(999_999));
        let (by, now) = (String::from("eve"), self.now);
        match what % 10 {
            0 => self.report(
                ExecutorId(999_999),
                Report::Heartbeat(HostFigures::default()),
            ),
            1 => self.report(executor, Report::Heartbeat(HostFigures::default())),
            2 => {
                let (pid, at) = (0, now);
                self.report(executor, Report::Started { attempt, pid, at });
            }
            3 => {
                // Whoever says it: only the executor that has it is believed.
                let owner = self.store.attempts.get(&attempt).map(|row| row.executor);
                if owner != Some(executor) {
                    let end = end(EndCause::Exited(0), now);
                    self.report(executor, Report::Finished { attempt, end });
                }
            }
            4 => {
                let end = Some(end(EndCause::Exited(0), now));
                let stranger = Held {
                    attempt: AttemptId(888_888),
                    started: None,
                    end,
                };
                self.hello(executor, vec![stranger]);
            }
            5 => {
                let archived = None;
                let refused = self.send(Input::Resume {
                    execution,
                    by,
                    archived,
                });
                assert!(refused.is_err());
            }
            6 => {
                let refused = self.send(Input::Stop {
                    execution: ExecutionId(999_999),
                    by,
                });
                let execution = ExecutionId(999_999);
                assert_eq!(refused, Err(Rejected::UnknownExecution { execution }));
            }
            7 => {
                let from = vec![JobRunId(999_999)];
                let archived = self.store.execution(execution).map(Box::new);
                let refused = self.send(Input::Rerun {
                    execution,
                    from,
                    by,
                    archived,
                });
                assert!(refused.is_err());
            }
            8 => {
                // Time goes back; first, what a reload has left due.
                self.send(Input::Wake).unwrap();
                let earlier = Timestamp::from_micros(5);
                let now = std::mem::replace(&mut self.now, earlier);
                let due = self.engine.next_wakeup();
                self.engine.apply(self.now, Input::Wake).unwrap();
                assert_eq!(self.engine.next_wakeup(), due);
                self.now = now;
            }
            _ => {
                let flow = FlowId(999_999);
                let start = Start {
                    flows: vec![flow],
                    jobs: None,
                    downstream: true,
                    data_date: date(0),
                    date_format: None,
                    params: vec![],
                    trigger: TriggerKind::Manual,
                    by,
                };
                let refused = self.send(Input::Start(start));
                assert_eq!(refused, Err(Rejected::UnknownFlow { flow }));
            }
        }
    }
}
