//! Edits: resolve names, check everything, then apply everything.

use alloc::{
    borrow::ToOwned as _,
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    sync::Arc,
    vec,
    vec::Vec,
};

use super::super::{
    Change, DefinitionId, EditBatch, Effect, Engine, Rejected, Reply, Step,
    definitions::Definitions,
};
use crate::{
    id::{ExecutorId, FlowId, JobId},
    mesh::Node,
    model::{
        DefinitionError, Dependency, Edit, Executor, ExecutorDraft, ExecutorRef, Fault, Flow,
        FlowDraft, FlowRef, Job, JobDraft, JobRef, LONGEST_TEXT, Param, Placement, PlacementDraft,
        Revision, Subject,
    },
    time::Timestamp,
};

/// What needs an executor while something runs there.
const LIVE_ATTEMPTS: &str = "attempts that run there";

impl Engine {
    pub(in super::super) fn on_edit(
        &mut self,
        batch: EditBatch,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let busy: BTreeSet<ExecutorId> = self
            .yard
            .hosts()
            .filter(|host| !host.attempts.is_empty())
            .map(|host| host.executor.id)
            .collect();
        let mut plan = Plan::new(&self.definitions, self.next_id.max(1), self.now, &batch);
        plan.check(&busy);
        let Plan {
            faults,
            ids,
            next_id,
            flows,
            jobs,
            executors,
            gone,
            ..
        } = plan;
        if !faults.is_empty() {
            return Err(Rejected::Definition { faults });
        }
        let flows: Vec<_> = flows.into_values().collect();
        let jobs: Vec<_> = jobs.into_values().collect();
        if let Some(cycle) = self
            .definitions
            .try_mesh(&gone.flows, &gone.jobs, &flows, &jobs)
        {
            let path = name_cycle(&cycle, &self.definitions, &flows, &jobs);
            let error = DefinitionError::Cycle { path };
            let fault = Fault {
                edit: None,
                subject: Subject::Mesh,
                field: String::new(),
                error,
            };
            return Err(Rejected::Definition {
                faults: vec![fault],
            });
        }

        self.next_id = next_id;
        for job in gone.jobs {
            self.definitions.remove_job(job);
            step.changes.push(Change::JobDeleted(job));
        }
        for flow in gone.flows {
            self.definitions.remove_flow(flow);
            step.changes.push(Change::FlowDeleted(flow));
        }
        for executor in gone.executors {
            self.definitions.remove_executor(executor);
            self.yard.remove_host(executor);
            step.changes.push(Change::ExecutorDeleted(executor));
            step.effects.push(Effect::Disconnect(executor));
        }
        for executor in executors.into_values() {
            self.definitions.put_executor(Arc::clone(&executor));
            self.yard.put_host(Arc::clone(&executor));
            step.changes
                .push(Change::ExecutorPut(Arc::clone(&executor)));
            step.effects.push(Effect::Connect(executor));
        }
        for flow in flows {
            self.definitions.put_flow(Arc::clone(&flow));
            step.changes.push(Change::FlowPut(flow));
        }
        for job in jobs {
            self.definitions.put_job(Arc::clone(&job));
            step.changes.push(Change::JobPut(job));
        }
        step.reply = Reply::Edited(ids);
        Ok(())
    }
}

/// Names that the edits give and take away, over those in force.
struct Names<Id> {
    given: BTreeMap<String, Id>,
    freed: BTreeSet<String>,
}

impl<Id> Default for Names<Id> {
    fn default() -> Self {
        Self {
            given: BTreeMap::new(),
            freed: BTreeSet::new(),
        }
    }
}

impl<Id: Copy> Names<Id> {
    fn find(&self, name: &str, in_force: Option<Id>) -> Option<Id> {
        let kept = in_force.filter(|_| !self.freed.contains(name));
        self.given.get(name).copied().or(kept)
    }
}

#[derive(Default)]
struct Gone {
    flows: BTreeSet<FlowId>,
    jobs: BTreeSet<JobId>,
    executors: BTreeSet<ExecutorId>,
}

/// What a batch of edits would do, and what is wrong with it.
struct Plan<'a> {
    now: Timestamp,
    batch: &'a EditBatch,
    base: &'a Definitions,
    next_id: u64,
    /// One for each edit.
    ids: Vec<DefinitionId>,
    flow_names: Names<FlowId>,
    job_names: BTreeMap<FlowId, Names<JobId>>,
    executor_names: Names<ExecutorId>,
    gone: Gone,
    flows: BTreeMap<FlowId, Arc<Flow>>,
    jobs: BTreeMap<JobId, Arc<Job>>,
    executors: BTreeMap<ExecutorId, Arc<Executor>>,
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
            flow_names: Names {
                given: BTreeMap::new(),
                freed: BTreeSet::new(),
            },
            job_names: BTreeMap::new(),
            executor_names: Names {
                given: BTreeMap::new(),
                freed: BTreeSet::new(),
            },
            gone: Gone::default(),
            flows: BTreeMap::new(),
            jobs: BTreeMap::new(),
            executors: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    fn check(&mut self, busy: &BTreeSet<ExecutorId>) {
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
                Edit::DeleteFlow { .. } | Edit::DeleteJob { .. } | Edit::DeleteExecutor { .. } => {}
            }
        }
        self.check_addresses();
        self.check_deletes(busy);
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
            Edit::DeleteExecutor { executor, .. } => Subject::Executor {
                name: self
                    .base
                    .executor(*executor)
                    .map_or_else(|| executor.to_string(), |executor| executor.name.clone()),
            },
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

    fn delete(&mut self) {
        for (at, edit) in self.batch.edits.iter().enumerate() {
            match *edit {
                Edit::DeleteFlow { flow, version } => match self.base.flow(flow) {
                    Some(old) => {
                        self.check_version(at, version, old.revision.version);
                        self.gone.flows.insert(flow);
                        self.gone
                            .jobs
                            .extend(self.base.jobs_of(flow).map(|job| job.id));
                    }
                    None => self.unknown(at, "id", "flow", flow),
                },
                Edit::DeleteJob { job, version } => match self.base.job(job) {
                    Some(old) => {
                        self.check_version(at, version, old.revision.version);
                        self.gone.jobs.insert(job);
                    }
                    None => self.unknown(at, "id", "job", job),
                },
                Edit::DeleteExecutor { executor, version } => match self.base.executor(executor) {
                    Some(old) => {
                        self.check_version(at, version, old.revision.version);
                        self.gone.executors.insert(executor);
                    }
                    None => self.unknown(at, "id", "executor", executor),
                },
                Edit::PutFlow(_) | Edit::PutJob(_) | Edit::PutExecutor(_) => {}
            }
        }
    }

    /// Names of what is deleted or replaced are free for others of the same batch.
    fn free_names(&mut self) {
        let mut flows: Vec<FlowId> = self.gone.flows.iter().copied().collect();
        let mut jobs: Vec<JobId> = self.gone.jobs.iter().copied().collect();
        let mut executors: Vec<ExecutorId> = self.gone.executors.iter().copied().collect();
        for edit in &self.batch.edits {
            match edit {
                Edit::PutFlow(draft) => flows.extend(draft.id),
                Edit::PutJob(draft) => jobs.extend(draft.id),
                Edit::PutExecutor(draft) => executors.extend(draft.id),
                Edit::DeleteFlow { .. } | Edit::DeleteJob { .. } | Edit::DeleteExecutor { .. } => {}
            }
        }
        let flows = flows.into_iter().filter_map(|id| self.base.flow(id));
        self.flow_names
            .freed
            .extend(flows.map(|flow| flow.name.clone()));
        let executors = executors
            .into_iter()
            .filter_map(|id| self.base.executor(id));
        self.executor_names
            .freed
            .extend(executors.map(|executor| executor.name.clone()));
        for job in jobs.into_iter().filter_map(|id| self.base.job(id)) {
            self.job_names
                .entry(job.flow)
                .or_default()
                .freed
                .insert(job.name.clone());
        }
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn give_id(&mut self, at: usize, edit: &Edit) {
        let id = match edit {
            Edit::PutFlow(draft) => {
                let id = draft.id.unwrap_or_else(|| FlowId(self.take_id()));
                let in_force = self.base.flow_named(&draft.name).map(|flow| flow.id);
                if self.flow_names.find(&draft.name, in_force).is_some() {
                    self.fault(at, "name", DefinitionError::NameTaken);
                }
                self.flow_names.given.insert(draft.name.clone(), id);
                DefinitionId::Flow(id)
            }
            Edit::PutExecutor(draft) => {
                let id = draft.id.unwrap_or_else(|| ExecutorId(self.take_id()));
                let in_force = self
                    .base
                    .executor_named(&draft.name)
                    .map(|executor| executor.id);
                if self.executor_names.find(&draft.name, in_force).is_some() {
                    self.fault(at, "name", DefinitionError::NameTaken);
                }
                self.executor_names.given.insert(draft.name.clone(), id);
                DefinitionId::Executor(id)
            }
            Edit::PutJob(draft) => {
                DefinitionId::Job(draft.id.unwrap_or_else(|| JobId(self.take_id())))
            }
            Edit::DeleteFlow { flow, .. } => DefinitionId::Flow(*flow),
            Edit::DeleteJob { job, .. } => DefinitionId::Job(*job),
            Edit::DeleteExecutor { executor, .. } => DefinitionId::Executor(*executor),
        };
        self.ids.push(id);
    }

    fn give_job_id(&mut self, at: usize, draft: &JobDraft) {
        let DefinitionId::Job(id) = self.ids[at] else {
            return;
        };
        let Some(flow) = self.find_flow(&draft.flow) else {
            return;
        };
        let in_force = self.base.job_named(flow, &draft.name).map(|job| job.id);
        let names = self.job_names.entry(flow).or_default();
        let taken = names.find(&draft.name, in_force).is_some();
        names.given.insert(draft.name.clone(), id);
        if taken {
            self.fault(at, "name", DefinitionError::NameTaken);
        }
    }

    fn find_flow(&self, flow: &FlowRef) -> Option<FlowId> {
        // Ids of what this batch makes are not known to its author.
        let id = match flow {
            FlowRef::Id(id) => self.base.flow(*id)?.id,
            FlowRef::Name(name) => self
                .flow_names
                .find(name, self.base.flow_named(name).map(|flow| flow.id))?,
        };
        (!self.gone.flows.contains(&id)).then_some(id)
    }

    fn find_job(&self, job: &JobRef) -> Option<JobId> {
        let id = match job {
            JobRef::Id(id) => self.base.job(*id)?.id,
            JobRef::Name { flow, job } => {
                let flow = self.find_flow(&FlowRef::Name(flow.clone()))?;
                let in_force = self.base.job_named(flow, job).map(|job| job.id);
                match self.job_names.get(&flow) {
                    Some(names) => names.find(job, in_force)?,
                    None => in_force?,
                }
            }
        };
        (!self.gone.jobs.contains(&id)).then_some(id)
    }

    fn find_executor(&self, executor: &ExecutorRef) -> Option<ExecutorId> {
        let id = match executor {
            ExecutorRef::Id(id) => self.base.executor(*id)?.id,
            ExecutorRef::Name(name) => {
                let in_force = self.base.executor_named(name).map(|executor| executor.id);
                self.executor_names.find(name, in_force)?
            }
        };
        (!self.gone.executors.contains(&id)).then_some(id)
    }

    fn revision(&self, old: Option<&Revision>) -> Revision {
        let by = &self.batch.by;
        match old {
            Some(old) => Revision {
                version: old.version.saturating_add(1),
                updated_at: self.now,
                updated_by: by.clone(),
                ..old.clone()
            },
            None => Revision {
                version: 1,
                created_at: self.now,
                created_by: by.clone(),
                updated_at: self.now,
                updated_by: by.clone(),
            },
        }
    }

    fn put_flow(&mut self, at: usize, draft: &FlowDraft) {
        let DefinitionId::Flow(id) = self.ids[at] else {
            return;
        };
        let old = self
            .base
            .flow(id)
            .filter(|_| !self.gone.flows.contains(&id))
            .cloned();
        if draft.id.is_some() {
            match &old {
                Some(old) => self.check_version(at, draft.version, old.revision.version),
                None => self.unknown(at, "id", "flow", id),
            }
        }
        self.check_name(at, &draft.name, true);
        let segments_fit = draft.directory.starts_with('/')
            && !draft.directory.contains("//")
            && !draft.directory.chars().any(char::is_control);
        if !segments_fit || draft.directory.len() > 1024 {
            self.fault(at, "directory", DefinitionError::BadDirectory);
        }
        self.check_params(at, &draft.params);
        self.check_env(at, &draft.env);
        self.check_text(at, "workdir", &draft.workdir);
        self.check_text(at, "description", &draft.description);
        self.check_text(at, "owner", &draft.owner);
        let mut parents = Vec::with_capacity(draft.parents.len());
        for parent in &draft.parents {
            match self.find_flow(parent) {
                Some(parent) => parents.push(parent),
                None => self.unknown(at, "parents", "flow", ref_label(parent)),
            }
        }
        self.sort_unique(at, "parents", &mut parents);
        let flow = Flow {
            id,
            name: draft.name.clone(),
            directory: draft.directory.clone(),
            description: draft.description.clone(),
            owner: draft.owner.clone(),
            enabled: draft.enabled,
            priority: draft.priority,
            parents,
            params: draft.params.clone(),
            env: draft.env.clone(),
            workdir: draft.workdir.clone(),
            revision: self.revision(old.as_ref().map(|old| &old.revision)),
        };
        let same = |old: &Flow| {
            Flow {
                revision: flow.revision.clone(),
                ..old.clone()
            } == flow
        };
        if !old.as_deref().is_some_and(same) && self.flows.insert(id, Arc::new(flow)).is_some() {
            self.fault(
                at,
                "id",
                DefinitionError::Duplicate {
                    value: id.to_string(),
                },
            );
        }
    }

    fn put_job(&mut self, at: usize, draft: &JobDraft) {
        let DefinitionId::Job(id) = self.ids[at] else {
            return;
        };
        let old = self
            .base
            .job(id)
            .filter(|_| !self.gone.jobs.contains(&id))
            .cloned();
        if draft.id.is_some() {
            match &old {
                Some(old) => self.check_version(at, draft.version, old.revision.version),
                None => self.unknown(at, "id", "job", id),
            }
        }
        let flow = self.find_flow(&draft.flow);
        if flow.is_none() {
            self.unknown(at, "flow", "flow", ref_label(&draft.flow));
        }
        if let (Some(old), Some(flow)) = (&old, flow)
            && old.flow != flow
        {
            self.fault(at, "flow", DefinitionError::FlowChanged);
        }
        self.check_name(at, &draft.name, false);
        self.check_range(at, "slots", i64::from(draft.slots), 1, 1000);
        self.check_range(at, "retry.max", i64::from(draft.retry.max), 0, 100);
        let backoff = i64::from(draft.retry.backoff_permille);
        self.check_range(at, "retry.backoff_permille", backoff, 1000, 100_000);
        if draft.command.trim().is_empty() {
            self.fault(at, "command", DefinitionError::Empty);
        }
        if draft.timeout.is_some_and(|timeout| timeout.is_zero()) {
            self.fault(
                at,
                "timeout",
                DefinitionError::OutOfRange {
                    value: 0,
                    min: 1,
                    max: i64::MAX,
                },
            );
        }
        self.check_text(at, "command", &draft.command);
        self.check_text(at, "workdir", &draft.workdir);
        self.check_text(at, "description", &draft.description);
        self.check_params(at, &draft.params);
        self.check_env(at, &draft.env);
        let placement = self.placement(at, &draft.placement);
        let mut dependencies = Vec::with_capacity(draft.dependencies.len());
        for dependency in &draft.dependencies {
            match self.find_job(&dependency.job) {
                Some(job) => dependencies.push(Dependency {
                    job,
                    condition: dependency.condition,
                }),
                None => {
                    let label = match &dependency.job {
                        JobRef::Id(id) => id.to_string(),
                        JobRef::Name { flow, job } => format!("{flow}/{job}"),
                    };
                    self.unknown(at, "dependencies", "job", label);
                }
            }
        }
        let mut jobs: Vec<JobId> = dependencies
            .iter()
            .map(|dependency| dependency.job)
            .collect();
        self.sort_unique(at, "dependencies", &mut jobs);
        dependencies.sort_unstable();
        let mut success_codes = draft.success_codes.clone();
        success_codes.sort_unstable();
        success_codes.dedup();
        if success_codes.is_empty() {
            success_codes.push(0);
        }
        let Some(flow) = flow else { return };
        let job = Job {
            id,
            flow,
            name: draft.name.clone(),
            description: draft.description.clone(),
            enabled: draft.enabled,
            priority: draft.priority,
            dependencies,
            placement,
            slots: draft.slots,
            command: draft.command.clone(),
            params: draft.params.clone(),
            env: draft.env.clone(),
            workdir: draft.workdir.clone(),
            success_codes,
            retry: draft.retry,
            timeout: draft.timeout,
            revision: self.revision(old.as_ref().map(|old| &old.revision)),
        };
        let same = |old: &Job| {
            Job {
                revision: job.revision.clone(),
                ..old.clone()
            } == job
        };
        if !old.as_deref().is_some_and(same) && self.jobs.insert(id, Arc::new(job)).is_some() {
            self.fault(
                at,
                "id",
                DefinitionError::Duplicate {
                    value: id.to_string(),
                },
            );
        }
    }

    fn put_executor(&mut self, at: usize, draft: &ExecutorDraft, busy: &BTreeSet<ExecutorId>) {
        let DefinitionId::Executor(id) = self.ids[at] else {
            return;
        };
        let old = self
            .base
            .executor(id)
            .filter(|_| !self.gone.executors.contains(&id))
            .cloned();
        if draft.id.is_some() {
            match &old {
                Some(old) => self.check_version(at, draft.version, old.revision.version),
                None => self.unknown(at, "id", "executor", id),
            }
        }
        self.check_name(at, &draft.name, false);
        self.check_range(at, "slots", i64::from(draft.slots), 1, 100_000);
        if draft.address.trim().is_empty() {
            self.fault(at, "address", DefinitionError::Empty);
        }
        self.check_text(at, "address", &draft.address);
        // Who answers at the new address does not hold them: they would count as lost, and run a second time.
        if busy.contains(&id) && old.as_ref().is_some_and(|old| old.address != draft.address) {
            let users = vec![LIVE_ATTEMPTS.to_owned()];
            self.fault(at, "address", DefinitionError::InUse { users });
        }
        if draft.labels.keys().any(|key| key.trim().is_empty()) {
            self.fault(at, "labels", DefinitionError::Empty);
        }
        let executor = Executor {
            id,
            name: draft.name.clone(),
            description: draft.description.clone(),
            address: draft.address.clone(),
            labels: draft.labels.clone(),
            slots: draft.slots,
            enabled: draft.enabled,
            revision: self.revision(old.as_ref().map(|old| &old.revision)),
        };
        let same = |old: &Executor| {
            Executor {
                revision: executor.revision.clone(),
                ..old.clone()
            } == executor
        };
        if !old.as_deref().is_some_and(same)
            && self.executors.insert(id, Arc::new(executor)).is_some()
        {
            self.fault(
                at,
                "id",
                DefinitionError::Duplicate {
                    value: id.to_string(),
                },
            );
        }
    }

    fn placement(&mut self, at: usize, draft: &PlacementDraft) -> Placement {
        match draft {
            PlacementDraft::Any => Placement::Any,
            PlacementDraft::Executor(executor) => match self.find_executor(executor) {
                Some(executor) => Placement::Executor(executor),
                None => {
                    let label = match executor {
                        ExecutorRef::Id(id) => id.to_string(),
                        ExecutorRef::Name(name) => name.clone(),
                    };
                    self.unknown(at, "executor", "executor", label);
                    Placement::Any
                }
            },
            PlacementDraft::Labels(labels) => {
                if labels.is_empty() {
                    self.fault(at, "labels", DefinitionError::Empty);
                }
                Placement::Labels(labels.clone())
            }
        }
    }

    /// Two executors at one address would each end the other's attempts as strangers, and count its slots twice.
    fn check_addresses(&mut self) {
        let puts = |edit: &Edit| matches!(edit, Edit::PutExecutor(_));
        if !self.batch.edits.iter().any(puts) {
            return;
        }
        let mut at_address: BTreeMap<&str, Vec<&Arc<Executor>>> = BTreeMap::new();
        let stay = self.base.executors().filter(|executor| {
            !self.gone.executors.contains(&executor.id)
                && !self.executors.contains_key(&executor.id)
        });
        for executor in stay.chain(self.executors.values()) {
            at_address
                .entry(executor.address.trim())
                .or_default()
                .push(executor);
        }
        let mut taken = Vec::new();
        for (at, edit) in self.batch.edits.iter().enumerate() {
            if let (Edit::PutExecutor(draft), DefinitionId::Executor(id)) = (edit, self.ids[at])
                && let address = draft.address.trim()
                && !address.is_empty()
                && let Some(there) = at_address.get(address)
                && let Some(other) = there.iter().find(|other| other.id != id)
            {
                taken.push((at, other.name.clone()));
            }
        }
        for (at, by) in taken {
            self.fault(at, "address", DefinitionError::AddressTaken { by });
        }
    }

    /// What is deleted must not be needed by what stays.
    fn check_deletes(&mut self, busy: &BTreeSet<ExecutorId>) {
        let mut users: Vec<(usize, Vec<String>)> = Vec::new();
        for (at, edit) in self.batch.edits.iter().enumerate() {
            let its = match *edit {
                Edit::DeleteFlow { flow, .. } => {
                    let mut its = self.children_that_stay(flow);
                    for job in self.base.jobs_of(flow) {
                        its.extend(self.dependents_that_stay(job.id));
                    }
                    its
                }
                Edit::DeleteJob { job, .. } => self.dependents_that_stay(job),
                Edit::DeleteExecutor { executor, .. } => {
                    let mut its = self.jobs_that_name(executor);
                    if busy.contains(&executor) {
                        its.push(LIVE_ATTEMPTS.to_owned());
                    }
                    its
                }
                Edit::PutFlow(_) | Edit::PutJob(_) | Edit::PutExecutor(_) => continue,
            };
            users.push((at, its));
        }
        for (at, users) in users {
            if !users.is_empty() {
                self.fault(at, "", DefinitionError::InUse { users });
            }
        }
    }

    fn children_that_stay(&self, flow: FlowId) -> Vec<String> {
        let children = self.base.mesh().children(flow).into_iter();
        children
            .filter(|child| !self.gone.flows.contains(child))
            .filter_map(|child| self.flows.get(&child).or_else(|| self.base.flow(child)))
            .filter(|child| child.parents.contains(&flow))
            .map(|child| format!("flow {}", child.name))
            .collect()
    }

    fn dependents_that_stay(&self, job: JobId) -> Vec<String> {
        let dependents = self.base.mesh().dependents(job).into_iter();
        dependents
            .filter(|dependent| !self.gone.jobs.contains(dependent))
            .filter_map(|dependent| {
                self.jobs
                    .get(&dependent)
                    .or_else(|| self.base.job(dependent))
            })
            .filter(|dependent| dependent.dependencies.iter().any(|it| it.job == job))
            .map(|dependent| format!("job {}", self.base.job_label(dependent)))
            .collect()
    }

    fn jobs_that_name(&self, executor: ExecutorId) -> Vec<String> {
        let placement = Placement::Executor(executor);
        self.base
            .jobs()
            .filter(|job| !self.gone.jobs.contains(&job.id))
            .map(|job| self.jobs.get(&job.id).unwrap_or(job))
            .filter(|job| job.placement == placement)
            .map(|job| format!("job {}", self.base.job_label(job)))
            .collect()
    }

    fn check_name(&mut self, at: usize, name: &str, is_flow: bool) {
        let fits = (1..=255).contains(&name.chars().count())
            && !name.chars().any(char::is_control)
            && name.trim() == name
            && !(is_flow && name.contains('/'));
        if !fits {
            self.fault(at, "name", DefinitionError::BadName);
        }
    }

    fn check_range(&mut self, at: usize, field: &str, value: i64, min: i64, max: i64) {
        if !(min..=max).contains(&value) {
            self.fault(at, field, DefinitionError::OutOfRange { value, min, max });
        }
    }

    fn check_text(&mut self, at: usize, field: &str, text: &str) {
        if text.contains('\0') {
            self.fault(at, field, DefinitionError::Nul);
        }
        if text.len() > LONGEST_TEXT {
            let (length, max) = (text.len(), LONGEST_TEXT);
            self.fault(at, field, DefinitionError::TooLong { length, max });
        }
    }

    fn check_params(&mut self, at: usize, params: &[Param]) {
        let mut seen = BTreeSet::new();
        for param in params {
            let field = format!("params.{}", param.name);
            if !is_key(&param.name, &['.', '-']) {
                self.fault(
                    at,
                    "params",
                    DefinitionError::BadKey {
                        value: param.name.clone(),
                    },
                );
            }
            if !seen.insert(&param.name) {
                let error = DefinitionError::Duplicate {
                    value: param.name.clone(),
                };
                self.fault(at, "params", error);
            }
            self.check_text(at, &field, &param.value);
        }
    }

    fn check_env(&mut self, at: usize, env: &BTreeMap<String, String>) {
        for (name, value) in env {
            if !is_key(name, &[]) {
                self.fault(
                    at,
                    "env",
                    DefinitionError::BadKey {
                        value: name.clone(),
                    },
                );
            }
            self.check_text(at, &format!("env.{name}"), value);
        }
    }

    fn sort_unique<Id: Ord + Copy + ToString>(
        &mut self,
        at: usize,
        field: &str,
        ids: &mut Vec<Id>,
    ) {
        ids.sort_unstable();
        let twice = ids
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| pair[0]);
        for id in twice.collect::<BTreeSet<_>>() {
            self.fault(
                at,
                field,
                DefinitionError::Duplicate {
                    value: id.to_string(),
                },
            );
        }
        ids.dedup();
    }
}

fn is_key(name: &str, also: &[char]) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|it| it.is_ascii_alphanumeric() || it == '_' || also.contains(&it))
        && name.len() <= 255
}

fn ref_label(flow: &FlowRef) -> String {
    match flow {
        FlowRef::Id(id) => id.to_string(),
        FlowRef::Name(name) => name.clone(),
    }
}

/// A cycle in people's words: the jobs and flows that it passes, the first again at its end.
/// `flows` and `jobs` are sorted by id.
fn name_cycle(
    cycle: &[Node],
    base: &Definitions,
    flows: &[Arc<Flow>],
    jobs: &[Arc<Job>],
) -> Vec<String> {
    let flow_name = |id: FlowId| {
        let new = flows
            .binary_search_by_key(&id, |flow| flow.id)
            .ok()
            .map(|at| &flows[at]);
        new.or_else(|| base.flow(id))
            .map_or_else(|| id.to_string(), |flow| flow.name.clone())
    };
    let mut path: Vec<String> = cycle
        .iter()
        .map(|node| match node {
            Node::FlowStart(flow) | Node::FlowEnd(flow) => flow_name(*flow),
            Node::Job(id) => {
                let new = jobs
                    .binary_search_by_key(id, |job| job.id)
                    .ok()
                    .map(|at| &jobs[at]);
                match new.or_else(|| base.job(*id)) {
                    Some(job) => format!("{}/{}", flow_name(job.flow), job.name),
                    None => id.to_string(),
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
