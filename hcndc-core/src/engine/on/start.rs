//! Starts, by people and by whatever else starts executions.

use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

use super::super::{
    Engine, ExecutionRow, ExecutionState, Rejected, Reply, Start, Step, TriggerKind,
    execution::Execution,
};
use crate::{
    id::{BackfillId, ExecutionId, FlowId, FlowRunId, JobId, JobRunId, ScheduleId},
    model::{Flow, Job},
    time::Timestamp,
};

/// An execution that is to begin: what is asked for, and what asks.
#[derive(Clone, Debug)]
pub(in super::super) struct Opening {
    pub(in super::super) start: Start,
    pub(in super::super) schedule: Option<ScheduleId>,
    pub(in super::super) fire_time: Option<Timestamp>,
    pub(in super::super) backfill: Option<BackfillId>,
}

impl Opening {
    pub(in super::super) const fn manual(start: Start) -> Self {
        Self {
            start,
            schedule: None,
            fire_time: None,
            backfill: None,
        }
    }
}

impl Engine {
    pub(in super::super) fn on_start(
        &mut self,
        start: Start,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let trigger = match start.trigger {
            // Dates of backfills are begun by their backfills.
            TriggerKind::Backfill => TriggerKind::Manual,
            trigger @ (TriggerKind::Manual
            | TriggerKind::Schedule
            | TriggerKind::File
            | TriggerKind::DataDate
            | TriggerKind::Webhook) => trigger,
        };
        let start = Start { trigger, ..start };
        let id = self.begin(Opening::manual(start), step)?;
        step.reply = Reply::Started(id);
        Ok(())
    }

    /// Begins an execution, whatever asks for it.
    pub(in super::super) fn begin(
        &mut self,
        opening: Opening,
        step: &mut Step,
    ) -> Result<ExecutionId, Rejected> {
        let start = opening.start;
        let (asked, only) = self.asked(&start)?;
        for &flow in &asked {
            self.refuse_flow(flow)?;
        }
        let chosen = self.definitions.selection(&asked, start.downstream);
        let flows: Vec<(Arc<Flow>, Vec<Arc<Job>>)> = chosen
            .iter()
            .filter_map(|&id| self.definitions.flow(id).cloned())
            .map(|flow| {
                let jobs = self.definitions.jobs_of(flow.id).cloned().collect();
                (flow, jobs)
            })
            .collect();
        let inside: Vec<&Arc<Job>> = flows.iter().flat_map(|(_, jobs)| jobs).collect();
        let jobs = inside.len();
        let id = ExecutionId(self.take_id());
        let first_flow_run = FlowRunId(self.take_ids(flows.len()));
        let first_job_run = JobRunId(self.take_ids(jobs));
        let row = ExecutionRow {
            id,
            state: ExecutionState::Running,
            trigger: start.trigger,
            schedule: opening.schedule,
            fire_time: opening.fire_time,
            backfill: opening.backfill,
            data_date: start.data_date,
            date_format: start.date_format,
            params: start.params,
            started_by: start.by,
            started_at: self.now,
            ended_at: None,
            stopped_by: None,
            paused_by: None,
            resumed_by: None,
            resumes: 0,
            partial: only.is_some(),
        };
        let mut execution = Execution::new(row, flows, first_flow_run, first_job_run);
        if let Some(only) = only {
            execution.leave_out(&only);
        }
        execution.announce(&mut step.changes);
        self.insert(execution);
        self.advance(id, step, Execution::offer_flows);
        Ok(id)
    }

    /// Refuses a flow that no execution can begin with.
    pub(super) fn refuse_flow(&self, flow: FlowId) -> Result<(), Rejected> {
        match self.definitions.flow(flow) {
            None => Err(Rejected::UnknownFlow { flow }),
            Some(found) if !found.enabled => Err(Rejected::FlowDisabled { flow }),
            Some(_) => Ok(()),
        }
    }

    /// The flows that a start asks for, each once, and the jobs if it asks for some only, sorted.
    fn asked(&self, start: &Start) -> Result<(Vec<FlowId>, Option<Vec<JobId>>), Rejected> {
        let mut flows: BTreeSet<FlowId> = start.flows.iter().copied().collect();
        let mut only = start.jobs.clone();
        if let Some(jobs) = &mut only {
            if jobs.is_empty() {
                return Err(Rejected::NoJobs);
            }
            for &job in jobs.iter() {
                let found = self.definitions.job(job);
                flows.insert(found.ok_or(Rejected::UnknownJob { job })?.flow);
            }
            jobs.sort_unstable();
        }
        if flows.is_empty() {
            return Err(Rejected::NoFlows);
        }
        Ok((flows.into_iter().collect(), only))
    }

    /// R1 inside one execution of these flows: every job waited for must take part, if its flow does. One that does not was
    /// added since the execution was started.
    pub(super) fn refuse_newer_dependencies(
        &self,
        jobs: &[&Arc<Job>],
        flows: &BTreeSet<FlowId>,
    ) -> Result<(), Rejected> {
        let mut inside: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        inside.sort_unstable();
        for job in jobs {
            for dependency in job.dependencies.iter().filter(|it| it.is_of_same_date()) {
                if inside.binary_search(&dependency.job).is_err()
                    && let Some(missing) = self.definitions.job(dependency.job)
                    && flows.contains(&missing.flow)
                {
                    let job = self.definitions.job_label(job);
                    let depends_on = self.definitions.job_label(missing);
                    return Err(Rejected::NewerDependency { job, depends_on });
                }
            }
        }
        Ok(())
    }
}

impl Execution {
    /// Leaves out all job runs but those of these jobs, which are sorted.
    fn leave_out(&mut self, only: &[JobId]) {
        for run in &mut self.jobs {
            run.row.left_out = only.binary_search(&run.row.job).is_err();
        }
    }
}
