//! Why a job run has not started (R11): what holds it, as data, found by the predicates that decide.

use alloc::{string::String, vec::Vec};

use super::{
    Engine,
    execution::{Verdict, verdict},
    placement::{Need, meets},
    state::{FlowRunState, JobRunState},
};
use crate::{
    id::{ExecutionId, ExecutorId, FlowId, JobId, JobRunId},
    model::{Condition, Placement},
    time::{DataDate, Timestamp},
};

/// Where a live job run stands, and what holds it there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Explanation {
    /// Its state.
    pub state: JobRunState,
    /// What holds it; empty when it has started or has settled. All of these must change before it moves on, but of
    /// [`Hold::Executor`] one is enough: any executor that can take it will do.
    pub holds: Vec<Hold>,
    /// The earliest time at which it could start, if time is all that holds it.
    pub earliest: Option<Timestamp>,
}

/// One thing that holds a job run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "kind"))]
#[non_exhaustive]
pub enum Hold {
    /// A parent of its flow has not succeeded (R2).
    Parent {
        /// The parent.
        flow: FlowId,
        /// Its name.
        name: String,
        /// Where it stands.
        state: FlowRunState,
    },
    /// A job that it depends on has not come to the end asked for (R1).
    Dependency {
        /// The job.
        job: JobId,
        /// Its name, as `flow/job`.
        name: String,
        /// The end asked for.
        condition: Condition,
        /// Where it stands.
        state: JobRunState,
    },
    /// Its next attempt waits for its time.
    Retry {
        /// When.
        at: Timestamp,
    },
    /// As many attempts live as may (R7).
    GlobalLimit {
        /// The limit.
        limit: u32,
    },
    /// Another execution runs this job for this date (R7).
    SameJobLive {
        /// Which execution.
        execution: ExecutionId,
        /// The date.
        data_date: DataDate,
    },
    /// No executor meets its placement.
    NoExecutor {
        /// What it asks for.
        placement: Placement,
    },
    /// An executor that meets its placement cannot take it now. There is one for each that meets it, if none can.
    Executor {
        /// Which.
        executor: ExecutorId,
        /// Its name.
        name: String,
        /// Why not.
        trouble: HostTrouble,
    },
    /// The execution is paused (R10).
    Paused {
        /// By whom.
        by: String,
    },
    /// The execution is being stopped.
    Stopping {
        /// By whom.
        by: String,
    },
}

/// Why an executor cannot take a job run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "trouble"))]
pub enum HostTrouble {
    /// It is not enabled.
    Disabled,
    /// It is not connected.
    Offline {
        /// Why, if it is known.
        reason: Option<String>,
    },
    /// It has fewer slots than the job takes.
    TooSmall {
        /// Its slots.
        slots: u32,
        /// What the job takes.
        needs: u32,
    },
    /// Others have its slots.
    Full {
        /// Slots that are free.
        free: u32,
        /// What the job takes.
        needs: u32,
    },
    /// It is kept for a job run that goes first.
    Reserved,
}

impl Engine {
    /// Why a job run of a live execution stands where it stands; `None` if no live execution has it.
    ///
    /// # Complexity
    /// O(flow runs of its execution * its dependencies * log of its job runs + executors).
    #[must_use]
    pub fn explain(&self, job_run: JobRunId) -> Option<Explanation> {
        let seat = self.seat(job_run)?;
        let execution = self.executions.get(&seat.0)?;
        let run = &execution.jobs[seat.1 as usize];
        let state = run.row.state;
        let mut holds = Vec::new();
        if let Some(by) = execution
            .row
            .stopped_by
            .as_ref()
            .filter(|_| !state.is_settled())
        {
            holds.push(Hold::Stopping { by: by.clone() });
        }
        let waits = matches!(
            state,
            JobRunState::Blocked | JobRunState::Queued | JobRunState::RetryWait
        );
        if let Some(by) = execution.row.paused_by.as_ref().filter(|_| waits) {
            holds.push(Hold::Paused { by: by.clone() });
        }
        match state {
            JobRunState::Blocked => self.explain_blocked(seat, &mut holds),
            JobRunState::Queued => self.explain_queued(seat, &mut holds),
            JobRunState::RetryWait => holds.extend(run.row.retry_at.map(|at| Hold::Retry { at })),
            JobRunState::Dispatched
            | JobRunState::Running
            | JobRunState::Succeeded
            | JobRunState::Failed
            | JobRunState::Killed
            | JobRunState::UpstreamFailed
            | JobRunState::Skipped => {}
        }
        let earliest = match holds.as_slice() {
            [Hold::Retry { at }] => Some(*at),
            _ => None,
        };
        Some(Explanation {
            state,
            holds,
            earliest,
        })
    }

    fn explain_blocked(&self, seat: (ExecutionId, u32), holds: &mut Vec<Hold>) {
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        let run = &execution.jobs[seat.1 as usize];
        let flow_run = &execution.flow_runs[run.flow_run as usize];
        if flow_run.row.state == FlowRunState::Waiting {
            let parents = execution.flow_runs.iter().filter(|parent| {
                flow_run.flow.parents.contains(&parent.row.flow)
                    && parent.row.state != FlowRunState::Succeeded
            });
            holds.extend(parents.map(|parent| Hold::Parent {
                flow: parent.row.flow,
                name: parent.flow.name.clone(),
                state: parent.row.state,
            }));
        }
        let its = run.job.dependencies.iter();
        for dependency in its.filter(|it| it.is_of_same_date()) {
            let Some(other) = execution.find_job(dependency.job) else {
                continue;
            };
            let state = other.row.state;
            if matches!(
                verdict(dependency.condition, state),
                None | Some(Verdict::Broken)
            ) {
                let flow = &execution.flow_runs[other.flow_run as usize].flow.name;
                holds.push(Hold::Dependency {
                    job: dependency.job,
                    name: alloc::format!("{flow}/{}", other.job.name),
                    condition: dependency.condition,
                    state,
                });
            }
        }
    }

    fn explain_queued(&self, seat: (ExecutionId, u32), holds: &mut Vec<Hold>) {
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        let Some((need, rank)) = self.queue_place(seat) else {
            return;
        };
        let (job, data_date) = (
            execution.jobs[seat.1 as usize].row.job,
            execution.row.data_date,
        );
        if let Some((holder, _)) = self.claims.holder(job, data_date).filter(|&it| it != seat) {
            holds.push(Hold::SameJobLive {
                execution: holder,
                data_date,
            });
        }
        let limit = self.settings.max_running;
        if self.attempts.len() >= limit as usize {
            holds.push(Hold::GlobalLimit { limit });
        }
        let Need { placement, slots } = need;
        let mut met = false;
        for host in self
            .yard
            .hosts()
            .filter(|host| meets(&host.executor, &placement))
        {
            met = true;
            if let Some(trouble) = host.trouble_for(slots, rank) {
                let (executor, name) = (host.executor.id, host.executor.name.clone());
                holds.push(Hold::Executor {
                    executor,
                    name,
                    trouble,
                });
            }
        }
        if !met {
            holds.push(Hold::NoExecutor { placement });
        }
    }
}
