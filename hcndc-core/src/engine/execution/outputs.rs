//! What job runs of an execution have put out, and what others read of it.
//!
//! The values are those of the attempt that brought the run to its end last, so those that met a dependency on it. Of them only
//! what a job of the execution reads is held; the rest is for people, and stored.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::mem;

use super::{
    super::{
        change::{Change, ExecutionSnapshot, JobOutputs},
        state::JobRunState,
    },
    Execution, JobRun, Moves,
};
use crate::{
    id::JobId,
    model::{Job, JobParam, OutputSource},
};

/// Why a job run has no value of another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum NoOutput {
    /// The other's flow takes no part in the execution.
    Elsewhere,
    /// It was passed over.
    Skipped,
    /// It did not run.
    NotRun,
    /// It runs again.
    NotEnded,
    /// It ran, and put out no such value.
    Missing,
}

/// What of other jobs a job's params read.
pub(super) fn sources(job: &Job) -> impl Iterator<Item = &OutputSource> {
    job.params.iter().filter_map(|param| match param {
        JobParam::Own(_) | JobParam::Shared { .. } => None,
        JobParam::Output { output, .. } => Some(output),
    })
}

impl ExecutionSnapshot {
    /// Leaves out the values that none of its jobs reads, as an engine does that takes it in.
    pub fn drop_unread_outputs(&mut self) {
        let mut read: BTreeMap<JobId, BTreeSet<&str>> = BTreeMap::new();
        for source in self.job_runs.iter().flat_map(|(_, job)| sources(job)) {
            read.entry(source.job).or_default().insert(&source.name);
        }
        let jobs: BTreeMap<_, _> = self
            .job_runs
            .iter()
            .map(|(row, _)| (row.id, row.job))
            .collect();
        for outputs in &mut self.outputs {
            let names = jobs.get(&outputs.job_run).and_then(|job| read.get(job));
            let is_read = |name: &String| names.is_some_and(|names| names.contains(name.as_str()));
            outputs.values.retain(|name, _| is_read(name));
        }
    }
}

impl Execution {
    /// Finds out what job runs read of each other.
    pub(super) fn wire_outputs(&mut self, by_job: &BTreeMap<JobId, u32>) {
        self.read.clear();
        for source in self.jobs.iter().flat_map(|run| sources(&run.job)) {
            if let Some(&at) = by_job.get(&source.job) {
                let names = self.read.entry(at).or_default();
                names.insert(source.name.clone());
            }
        }
    }

    /// Forgets the values that nobody reads: they are stored.
    pub(in super::super) fn drop_unread_outputs(&mut self) {
        for (at, outputs) in &mut self.outputs {
            let names = self.read.get(at);
            outputs
                .values
                .retain(|name, _| names.is_some_and(|names| names.contains(name)));
        }
    }

    /// Takes in what is stored. Tells whether it fits.
    pub(super) fn restore_outputs(&mut self, stored: Vec<JobOutputs>) -> bool {
        for outputs in stored {
            let at = self.position(outputs.job_run);
            let Some(at) = at.filter(|_| outputs.execution == self.row.id) else {
                return false;
            };
            self.outputs.insert(at, outputs);
        }
        true
    }

    /// An attempt has brought a job run to its end, and put out this.
    pub(in super::super) fn put_out(
        &mut self,
        at: u32,
        values: BTreeMap<String, String>,
        moves: &mut Moves<'_>,
    ) {
        // There is nothing to replace, and nothing to put in its place.
        if values.is_empty() && self.outputs.remove(&at).is_none() {
            return;
        }
        let row = &self.jobs[at as usize].row;
        let mut outputs = JobOutputs {
            execution: row.execution,
            job_run: row.id,
            attempt: row.attempt,
            values,
        };
        let names = self.read.get(&at);
        let is_read = |name: &String| names.is_some_and(|names| names.contains(name));
        let held = outputs.values.iter().filter(|(name, _)| is_read(name));
        let held = held.map(|(name, value)| (name.clone(), value.clone()));
        let held = held.collect();
        if !outputs.values.is_empty() {
            let values = mem::take(&mut outputs.values);
            let held = JobOutputs {
                values: held,
                ..outputs.clone()
            };
            self.outputs.insert(at, held);
            outputs.values = values;
        }
        moves.changes.push(Change::Outputs(outputs));
    }

    /// The value that a param takes of another job of this execution.
    pub(in super::super) fn output(&self, source: &OutputSource) -> Result<&str, NoOutput> {
        let other = self.find_job(source.job).ok_or(NoOutput::Elsewhere)?;
        match other.row.state {
            JobRunState::Skipped => return Err(NoOutput::Skipped),
            JobRunState::UpstreamFailed => return Err(NoOutput::NotRun),
            JobRunState::Blocked
            | JobRunState::Queued
            | JobRunState::Dispatched
            | JobRunState::Running
            | JobRunState::RetryWait => return Err(NoOutput::NotEnded),
            JobRunState::Succeeded | JobRunState::Failed | JobRunState::Killed => {}
        }
        let at = self.position(other.row.id).ok_or(NoOutput::Elsewhere)?;
        let its = self.outputs.get(&at);
        let value = its.and_then(|its| its.values.get(&source.name));
        value.map(String::as_str).ok_or(NoOutput::Missing)
    }

    /// What others read of this job run.
    pub(in super::super) fn read_of(&self, at: u32) -> impl Iterator<Item = &str> {
        let names = self.read.get(&at).into_iter().flatten();
        names.map(String::as_str)
    }

    /// All that is held of what its job runs have put out, by job run.
    pub(in super::super) fn held_outputs(&self) -> impl Iterator<Item = &JobOutputs> {
        self.outputs.values()
    }
}

impl JobRun {
    /// The job as people name it.
    pub(in super::super) fn label(&self, execution: &Execution) -> String {
        let flow = &execution.flow_runs[self.flow_run as usize].flow.name;
        alloc::format!("{flow}/{}", self.job.name)
    }
}
