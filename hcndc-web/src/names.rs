//! Names of flows and jobs by id, for those who are told of changes and want to speak of them.

use std::collections::HashMap;

use hcndc_core::{
    engine::{Change, Engine},
    id::{FlowId, JobId},
};

/// Names as they were last heard of; those of deleted definitions stay.
#[derive(Clone, Debug, Default)]
pub struct Names {
    flows: HashMap<FlowId, String>,
    jobs: HashMap<JobId, (FlowId, String)>,
}

impl Names {
    /// All names that the engine has now.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        Self {
            flows: engine
                .flows()
                .map(|flow| (flow.id, flow.name.clone()))
                .collect(),
            jobs: engine
                .jobs()
                .map(|job| (job.id, (job.flow, job.name.clone())))
                .collect(),
        }
    }

    /// Takes note of new definitions.
    pub fn note(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::FlowPut(flow) => {
                    self.flows.insert(flow.id, flow.name.clone());
                }
                Change::JobPut(job) => {
                    self.jobs.insert(job.id, (job.flow, job.name.clone()));
                }
                _ => {}
            }
        }
    }

    /// A flow's name; empty if nobody ever told it.
    #[must_use]
    pub fn flow(&self, flow: FlowId) -> &str {
        self.flows.get(&flow).map_or("", String::as_str)
    }

    /// The names of a job's flow and of the job.
    #[must_use]
    pub fn job(&self, job: JobId) -> (&str, &str) {
        self.jobs
            .get(&job)
            .map_or(("", ""), |(flow, name)| (self.flow(*flow), name))
    }
}
