//! What is deleted must not be needed by what stays.

use alloc::{borrow::ToOwned as _, collections::BTreeSet, format, string::String, vec::Vec};

use super::{
    LIVE_ATTEMPTS, OPEN_RUNS, Plan,
    nouns::{Planned, of_any_id},
};
use crate::{
    engine::DefinitionId,
    id::{ExecutorId, FlowId, JobId},
    model::{DefinitionError, Named as _},
};

impl Plan<'_> {
    /// What is deleted must not be needed by what stays.
    pub(super) fn check_deletes(
        &mut self,
        busy: &BTreeSet<ExecutorId>,
        held: &BTreeSet<DefinitionId>,
    ) {
        let mut users: Vec<(usize, Vec<String>)> = Vec::new();
        for (at, edit) in self.batch.edits.iter().enumerate() {
            let Some((id, _)) = edit.deletes() else {
                continue;
            };
            let mut its = Vec::new();
            if let DefinitionId::Flow(flow) = id {
                its.extend(self.children_that_stay(flow));
                for job in self.base.jobs_of(flow) {
                    its.extend(self.dependents_that_stay(job.id));
                    its.extend(self.users_that_stay(job.id.into()));
                }
            }
            if let DefinitionId::Job(job) = id {
                its.extend(self.dependents_that_stay(job));
            }
            its.extend(self.users_that_stay(id));
            if let DefinitionId::Executor(executor) = id
                && busy.contains(&executor)
            {
                its.push(LIVE_ATTEMPTS.to_owned());
            }
            if held.contains(&id) {
                its.push(OPEN_RUNS.to_owned());
            }
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
        let dependents = self.base.dependents(job).into_iter();
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

    /// What needs it otherwise than the mesh ties flows and jobs.
    fn users_that_stay(&self, need: DefinitionId) -> Vec<String> {
        let users = self.base.users(need);
        let labels = users.filter_map(|user| {
            of_any_id!(
                user,
                flow flow => self.flow_that_needs(flow, need),
                job job => self.job_that_needs(job, need),
                self.named_that_needs(id, need)
            )
        });
        labels.collect()
    }

    fn flow_that_needs(&self, flow: FlowId, need: DefinitionId) -> Option<String> {
        let after = self.flows.get(&flow).or_else(|| self.base.flow(flow))?;
        let needs = !self.gone.flows.contains(&flow) && after.needs().contains(&need);
        needs.then(|| format!("flow {}", after.name))
    }

    fn job_that_needs(&self, job: JobId, need: DefinitionId) -> Option<String> {
        let after = self.jobs.get(&job).or_else(|| self.base.job(job))?;
        let needs = !self.gone.jobs.contains(&job) && after.needs().contains(&need);
        needs.then(|| format!("job {}", self.base.job_label(after)))
    }

    fn named_that_needs<T: Planned>(&self, id: T::Id, need: DefinitionId) -> Option<String> {
        let after = self.after::<T>(id)?;
        let needs = after.needs().contains(&need);
        needs.then(|| format!("{} {}", T::KIND, after.name()))
    }
}
