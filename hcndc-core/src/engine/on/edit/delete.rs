//! What is deleted must not be needed by what stays.

use alloc::{borrow::ToOwned as _, collections::BTreeSet, format, string::String, vec::Vec};

use super::{LIVE_ATTEMPTS, Plan};
use crate::{
    id::{ExecutorId, FlowId, JobId},
    model::{DefinitionError, Edit, Placement},
};

impl Plan<'_> {
    /// What is deleted must not be needed by what stays.
    pub(super) fn check_deletes(&mut self, busy: &BTreeSet<ExecutorId>) {
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

    pub(super) fn children_that_stay(&self, flow: FlowId) -> Vec<String> {
        let children = self.base.mesh().children(flow).into_iter();
        children
            .filter(|child| !self.gone.flows.contains(child))
            .filter_map(|child| self.flows.get(&child).or_else(|| self.base.flow(child)))
            .filter(|child| child.parents.contains(&flow))
            .map(|child| format!("flow {}", child.name))
            .collect()
    }

    pub(super) fn dependents_that_stay(&self, job: JobId) -> Vec<String> {
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

    pub(super) fn jobs_that_name(&self, executor: ExecutorId) -> Vec<String> {
        let placement = Placement::Executor(executor);
        self.base
            .jobs()
            .filter(|job| !self.gone.jobs.contains(&job.id))
            .map(|job| self.jobs.get(&job.id).unwrap_or(job))
            .filter(|job| job.placement == placement)
            .map(|job| format!("job {}", self.base.job_label(job)))
            .collect()
    }
}
