//! Who is meant: ids for what is new, and names that the batch gives and takes away.

use alloc::vec::Vec;

use super::Plan;
use crate::{
    engine::DefinitionId,
    id::{ExecutorId, FlowId, JobId},
    model::{DefinitionError, Edit, ExecutorRef, FlowRef, JobDraft, JobRef},
};

impl Plan<'_> {
    pub(super) fn delete(&mut self) {
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
    pub(super) fn free_names(&mut self) {
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

    pub(super) fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    pub(super) fn give_id(&mut self, at: usize, edit: &Edit) {
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

    pub(super) fn give_job_id(&mut self, at: usize, draft: &JobDraft) {
        let DefinitionId::Job(id) = self.ids[at] else {
            return;
        };
        let Some(flow) = self.find_flow(&draft.flow) else {
            return;
        };
        let in_force = self.base.job_named(flow, &draft.name).map(|job| job.id);
        let names = self.job_names.entry(flow).or_default();
        let taken = names.find(&draft.name, in_force).is_some();
        self.new_jobs.insert(id, flow);
        names.given.insert(draft.name.clone(), id);
        if taken {
            self.fault(at, "name", DefinitionError::NameTaken);
        }
    }

    pub(super) fn find_flow(&self, flow: &FlowRef) -> Option<FlowId> {
        // Ids of what this batch makes are not known to its author.
        let id = match flow {
            FlowRef::Id(id) => self.base.flow(*id)?.id,
            FlowRef::Name(name) => self
                .flow_names
                .find(name, self.base.flow_named(name).map(|flow| flow.id))?,
        };
        (!self.gone.flows.contains(&id)).then_some(id)
    }

    pub(super) fn find_job(&self, job: &JobRef) -> Option<JobId> {
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

    /// The flow of a job that [`find_job`](Self::find_job) found.
    pub(super) fn flow_of(&self, job: JobId) -> Option<FlowId> {
        let in_force = self.base.job(job).map(|job| job.flow);
        in_force.or_else(|| self.new_jobs.get(&job).copied())
    }

    pub(super) fn find_executor(&self, executor: &ExecutorRef) -> Option<ExecutorId> {
        let id = match executor {
            ExecutorRef::Id(id) => self.base.executor(*id)?.id,
            ExecutorRef::Name(name) => {
                let in_force = self.base.executor_named(name).map(|executor| executor.id);
                self.executor_names.find(name, in_force)?
            }
        };
        (!self.gone.executors.contains(&id)).then_some(id)
    }
}
