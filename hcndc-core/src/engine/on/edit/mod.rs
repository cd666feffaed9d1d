//! Edits: resolve names, check everything, then apply everything.
//!
//! A [`Plan`] is what a batch would do: `names` finds out who is meant, `put` and `delete` what each edit asks for, `field`
//! what a single field may hold. Nothing is applied before all of it is known to be right.

mod delete;
mod field;
mod names;
mod nouns;
mod put;
mod put_named;
mod put_webhook;
mod shared;

use alloc::{
    borrow::{Borrow, ToOwned as _},
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    sync::Arc,
    vec,
    vec::Vec,
};

use self::nouns::{Draft, Nouns, Planned, Puts, of_any_draft};
use super::super::{
    Change, DefinitionId, EditBatch, Effect, Engine, JobRunState, Rejected, Reply, Step,
    advance::{Task, Tasks},
    definitions::{Definitions, Untied},
};
use crate::{
    id::{ExecutorId, FlowId, JobId},
    mesh::Node,
    model::{
        Definition, DefinitionError, Edit, Executor, Fault, Flow, FlowRef, Job, JobParam,
        Named as _, Subject,
    },
    time::Timestamp,
};

/// What needs an executor while something runs there.
const LIVE_ATTEMPTS: &str = "attempts that run there";

/// What needs a pool, a param, a data source or a calendar as long as it may run, whatever became of its job meanwhile.
const OPEN_RUNS: &str = "job runs that have not ended";

impl Engine {
    pub(in super::super) fn on_edit(
        &mut self,
        batch: EditBatch,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let Plan {
            faults,
            ids,
            next_id,
            flows,
            jobs,
            nouns,
            gone,
            ..
        } = self.plan(&batch);
        if !faults.is_empty() {
            return Err(Rejected::Definition { faults });
        }
        let flows: Vec<_> = flows.into_values().collect();
        let jobs: Vec<_> = jobs.into_values().collect();
        if let Err(untied) = self
            .definitions
            .try_mesh(&gone.flows, &gone.jobs, &flows, &jobs)
        {
            let names = AfterNames {
                base: &self.definitions,
                flows: &flows,
                jobs: &jobs,
            };
            return Err(Rejected::Definition {
                faults: match untied {
                    Untied::Cycle(cycle) => vec![Fault {
                        edit: None,
                        subject: Subject::Mesh,
                        field: String::new(),
                        error: DefinitionError::Cycle {
                            path: name_cycle(&cycle, &names),
                        },
                    }],
                    Untied::NotUpstream(readers) => {
                        let fault = |(job, upstream)| blind(job, upstream, &ids, &names);
                        readers.into_iter().map(fault).collect()
                    }
                },
            });
        }

        self.next_id = next_id;
        let mut tasks = Tasks::default();
        for job in gone.jobs {
            self.past.forget_job(job, &mut step.changes);
            self.let_watchers_look(job, None, &mut tasks);
            self.definitions.remove_job(job);
            step.changes.push(Change::JobDeleted(job));
        }
        for flow in gone.flows {
            self.past.forget_flow(flow, &mut step.changes);
            let waiting = self.crossings.open_gate(flow, None);
            waiting
                .into_iter()
                .for_each(|it| tasks.push(Task::Start(it)));
            tasks.push(Task::Fill(flow));
            self.definitions.remove_flow(flow);
            step.changes.push(Change::FlowDeleted(flow));
        }
        self.apply_executors(nouns.executors, step);
        self.apply_named(nouns.schedules, step);
        self.apply_named(nouns.calendars, step);
        for &pool in &nouns.pools.gone {
            self.yard.remove_pool(pool);
        }
        for pool in nouns.pools.puts.values() {
            self.yard.put_pool(pool.id, pool.slots);
        }
        self.apply_named(nouns.pools, step);
        self.apply_named(nouns.params, step);
        self.apply_named(nouns.data_sources, step);
        self.apply_named(nouns.file_servers, step);
        self.apply_named(nouns.file_events, step);
        self.apply_named(nouns.alert_channels, step);
        // At once: a deadline that has passed is told by the rules of after the edit.
        for &rule in &nouns.alert_rules.gone {
            self.alerts.remove_rule(rule);
        }
        for rule in nouns.alert_rules.puts.values() {
            self.alerts.put_rule(rule);
        }
        self.apply_named(nouns.alert_rules, step);
        self.apply_named(nouns.webhooks, step);
        step.changes.reserve(flows.len() + jobs.len());
        for flow in flows {
            self.definitions.put_flow(Arc::clone(&flow));
            tasks.push(Task::Fill(flow.id));
            step.changes.push(Change::FlowPut(flow));
        }
        for job in jobs {
            self.definitions.put_job(Arc::clone(&job));
            step.changes.push(Change::JobPut(job));
        }
        self.finish(tasks, step);
        step.reply = Reply::Edited(ids);
        Ok(())
    }

    /// Refuses a batch of edits as [`apply`](Self::apply) would, and changes nothing: no copy of the engine is needed to try it on.
    /// Circles, and outputs of jobs that are not upstream, are not found: where the batch ties flows or jobs otherwise, or takes outputs,
    /// which is told by `true`, applying it to a copy shows them.
    ///
    /// # Errors
    /// [`Rejected::Definition`] with all faults.
    ///
    /// # Complexity
    /// O(what the batch names, and executors); to delete an executor is a look at all jobs.
    pub fn check_edits(&self, batch: &EditBatch) -> Result<bool, Rejected> {
        let plan = self.plan(batch);
        if !plan.faults.is_empty() {
            let faults = plan.faults;
            return Err(Rejected::Definition { faults });
        }
        let flows = plan.flows.values().any(|flow| {
            let old = self.flow(flow.id);
            old.map_or(!flow.parents.is_empty(), |old| old.parents != flow.parents)
        });
        let jobs = plan.jobs.values().any(|job| {
            let takes = |it: &JobParam| matches!(it, JobParam::Output { .. });
            let takes = job.params.iter().any(takes);
            match self.job(job.id) {
                None => takes || !job.dependencies.is_empty(),
                Some(old) => {
                    old.dependencies != job.dependencies || (takes && old.params != job.params)
                }
            }
        });
        Ok(flows || jobs)
    }

    fn plan<'a>(&'a self, batch: &'a EditBatch) -> Plan<'a> {
        let busy: BTreeSet<ExecutorId> = self
            .yard
            .hosts()
            .filter(|host| !host.attempts.is_empty())
            .map(|host| host.executor.id)
            .collect();
        let held = self.held_by_runs(batch);
        let mut plan = Plan::new(&self.definitions, self.next_id.max(1), self.now, batch);
        plan.check(&busy, &held);
        plan
    }

    /// Pools, params, data sources, calendars and executors that runs need by the versions that they are pinned to, if the batch deletes one.
    fn held_by_runs(&self, batch: &EditBatch) -> BTreeSet<DefinitionId> {
        let is_held = |id| {
            matches!(
                id,
                DefinitionId::Pool(_)
                    | DefinitionId::Param(_)
                    | DefinitionId::DataSource(_)
                    | DefinitionId::Calendar(_)
                    | DefinitionId::Executor(_)
            )
        };
        let mut deletes = batch.edits.iter().filter_map(Edit::deletes);
        if !deletes.any(|(id, _)| is_held(id)) {
            return BTreeSet::new();
        }
        // One that has failed, or waits for nothing any more, may run again as it is pinned, by a restart of its flow or by people.
        let is_over = |state| matches!(state, JobRunState::Succeeded | JobRunState::Skipped);
        let open = self.executions.values().flat_map(|execution| {
            let its = execution.jobs.iter();
            let open = its.filter(move |run| !is_over(run.row.state));
            open.map(move |run| (run, &execution.flow_runs[run.flow_run as usize].flow))
        });
        open.flat_map(|(run, flow)| run.job.needs().into_iter().chain(flow.needs()))
            .filter(|&id| is_held(id))
            .collect()
    }

    fn apply_executors(&mut self, executors: Puts<Executor>, step: &mut Step) {
        for executor in executors.gone {
            self.definitions.remove::<Executor>(executor);
            self.yard.remove_host(executor);
            step.changes.push(Change::ExecutorDeleted(executor));
            step.effects.push(Effect::Disconnect(executor));
        }
        for executor in executors.puts.into_values() {
            self.definitions.put(Arc::clone(&executor));
            self.yard.put_host(Arc::clone(&executor));
            step.changes
                .push(Change::ExecutorPut(Arc::clone(&executor)));
            step.effects.push(Effect::Connect(executor));
        }
    }

    fn apply_named<T: Planned>(&mut self, its: Puts<T>, step: &mut Step)
    where
        Definition: From<Arc<T>>,
    {
        for id in its.gone {
            self.definitions.remove::<T>(id);
            step.changes.push(Change::DefinitionDeleted(id.into()));
        }
        for it in its.puts.into_values() {
            self.definitions.put(Arc::clone(&it));
            step.changes.push(Change::DefinitionPut(it.into()));
        }
    }
}

/// Names that the edits give and take away, over those in force.
struct Names<Name, Id> {
    given: BTreeMap<Name, Id>,
    freed: BTreeSet<Name>,
}

impl<Name, Id> Default for Names<Name, Id> {
    fn default() -> Self {
        Self {
            given: BTreeMap::new(),
            freed: BTreeSet::new(),
        }
    }
}

impl<Name: Borrow<str> + Ord, Id: Copy> Names<Name, Id> {
    fn find(&self, name: &str, in_force: Option<Id>) -> Option<Id> {
        let kept = in_force.filter(|_| !self.freed.contains(name));
        self.given.get(name).copied().or(kept)
    }
}

#[derive(Default)]
struct Gone {
    flows: BTreeSet<FlowId>,
    jobs: BTreeSet<JobId>,
}

/// What a batch of edits would do, and what is wrong with it.
struct Plan<'a> {
    now: Timestamp,
    batch: &'a EditBatch,
    base: &'a Definitions,
    next_id: u64,
    /// One for each edit.
    ids: Vec<DefinitionId>,
    flow_names: Names<&'a str, FlowId>,
    job_names: BTreeMap<FlowId, Names<&'a str, JobId>>,
    /// One for each edit: the flow of the job that it puts.
    job_flows: Vec<Option<FlowId>>,
    /// The flow of the last job that named one.
    last_flow: Option<(&'a str, FlowId)>,
    gone: Gone,
    flows: BTreeMap<FlowId, Arc<Flow>>,
    jobs: BTreeMap<JobId, Arc<Job>>,
    nouns: Nouns,
    faults: Vec<Fault>,
}

impl<'a> Plan<'a> {
    fn new(base: &'a Definitions, next_id: u64, now: Timestamp, batch: &'a EditBatch) -> Self {
        Self {
            now,
            batch,
            base,
            next_id,
            ids: Vec::with_capacity(batch.edits.len()),
            flow_names: Names::default(),
            job_names: BTreeMap::new(),
            job_flows: vec![None; batch.edits.len()],
            last_flow: None,
            gone: Gone::default(),
            flows: BTreeMap::new(),
            jobs: BTreeMap::new(),
            nouns: Nouns::default(),
            faults: Vec::new(),
        }
    }

    fn check(&mut self, busy: &BTreeSet<ExecutorId>, held: &BTreeSet<DefinitionId>) {
        let edits = &self.batch.edits;
        self.delete();
        self.free_names();
        for (at, edit) in edits.iter().enumerate() {
            self.give_id(at, edit);
        }
        for (at, edit) in edits.iter().enumerate() {
            // Jobs name their flow, so their ids come when all flows have theirs.
            if let Edit::PutJob(draft) = edit {
                self.give_job_id(at, draft);
            }
        }
        for (at, edit) in edits.iter().enumerate() {
            match edit {
                Edit::PutFlow(draft) => self.put_flow(at, draft),
                Edit::PutJob(draft) => self.put_job(at, draft),
                Edit::PutExecutor(draft) => self.put_executor(at, draft, busy),
                Edit::Put(draft) => self.put_definition(at, draft),
                Edit::DeleteFlow { .. }
                | Edit::DeleteJob { .. }
                | Edit::DeleteExecutor { .. }
                | Edit::Delete { .. } => {}
            }
        }
        self.check_addresses();
        self.check_shared();
        self.check_deletes(busy, held);
    }

    fn fault(&mut self, at: usize, field: &str, error: DefinitionError) {
        let subject = self.subject(&self.batch.edits[at]);
        self.faults.push(Fault {
            edit: Some(at),
            subject,
            field: field.to_owned(),
            error,
        });
    }

    fn subject(&self, edit: &Edit) -> Subject {
        match edit {
            Edit::PutFlow(draft) => Subject::Flow {
                name: draft.name.clone(),
            },
            Edit::DeleteFlow { flow, .. } => Subject::Flow {
                name: self.flow_label(*flow),
            },
            Edit::PutJob(draft) => Subject::Job {
                flow: match &draft.flow {
                    FlowRef::Id(id) => self.flow_label(*id),
                    FlowRef::Name(name) => name.clone(),
                },
                name: draft.name.clone(),
            },
            Edit::DeleteJob { job, .. } => match self.base.job(*job) {
                Some(job) => Subject::Job {
                    flow: self.flow_label(job.flow),
                    name: job.name.clone(),
                },
                None => Subject::Job {
                    flow: String::new(),
                    name: job.to_string(),
                },
            },
            Edit::PutExecutor(draft) => Subject::Executor {
                name: draft.name.clone(),
            },
            Edit::Put(draft) => of_any_draft!(draft, it => subject_of(it)),
            Edit::DeleteExecutor { executor, .. } => Subject::Executor {
                name: self.label((*executor).into()),
            },
            Edit::Delete { definition, .. } => {
                Subject::of(definition.kind(), self.label(*definition))
            }
        }
    }

    fn flow_label(&self, id: FlowId) -> String {
        self.base
            .flow(id)
            .map_or_else(|| id.to_string(), |flow| flow.name.clone())
    }

    fn check_version(&mut self, at: usize, given: Option<u32>, current: u32) {
        if let Some(given) = given.filter(|&given| given != current) {
            self.fault(at, "version", DefinitionError::Stale { given, current });
        }
    }

    fn unknown(&mut self, at: usize, field: &str, what: &str, name: impl ToString) {
        let error = DefinitionError::Unknown {
            what: what.to_owned(),
            name: name.to_string(),
        };
        self.fault(at, field, error);
    }
}

/// Names as they would be after a batch.
struct AfterNames<'a> {
    base: &'a Definitions,
    /// Put by the batch; sorted by id, as the jobs are.
    flows: &'a [Arc<Flow>],
    jobs: &'a [Arc<Job>],
}

impl AfterNames<'_> {
    fn flow(&self, id: FlowId) -> String {
        let new = self.flows.binary_search_by_key(&id, |flow| flow.id);
        let new = new.ok().map(|at| &self.flows[at]);
        new.or_else(|| self.base.flow(id))
            .map_or_else(|| id.to_string(), |flow| flow.name.clone())
    }

    fn find_job(&self, id: JobId) -> Option<&Arc<Job>> {
        let new = self.jobs.binary_search_by_key(&id, |job| job.id);
        let new = new.ok().map(|at| &self.jobs[at]);
        new.or_else(|| self.base.job(id))
    }

    fn job(&self, id: JobId) -> String {
        match self.find_job(id) {
            Some(job) => format!("{}/{}", self.flow(job.flow), job.name),
            None => id.to_string(),
        }
    }
}

/// A job takes an output of one that it does not wait for. The batch may have put either, or a tie between them.
fn blind(job: JobId, upstream: JobId, ids: &[DefinitionId], names: &AfterNames<'_>) -> Fault {
    let reader = names.find_job(job);
    Fault {
        edit: ids.iter().position(|id| *id == job.into()),
        subject: Subject::Job {
            flow: reader.map_or_else(String::new, |it| names.flow(it.flow)),
            name: reader.map_or_else(String::new, |it| it.name.clone()),
        },
        field: "params".to_owned(),
        error: DefinitionError::NotUpstream {
            job: names.job(job),
            upstream: names.job(upstream),
        },
    }
}

/// A cycle in people's words: the jobs and flows that it passes, the first again at its end; with the days between, where the
/// next one asks for another date.
fn name_cycle(cycle: &[(Node, i32)], names: &AfterNames<'_>) -> Vec<String> {
    let mut path: Vec<String> = cycle
        .iter()
        .map(|(node, days)| match node {
            Node::FlowStart(flow) | Node::FlowEnd(flow) => names.flow(*flow),
            Node::Job(id) => {
                let name = names.job(*id);
                match days {
                    0 => name,
                    days => format!("{name}@{days:+}"),
                }
            }
        })
        .collect();
    path.dedup();
    if path.len() > 1 && path.first() == path.last() {
        path.pop();
    }
    path.extend(path.first().cloned());
    path
}

fn subject_of<D: Draft>(draft: &D) -> Subject {
    Subject::of(D::Noun::KIND, draft.header().name.clone())
}
