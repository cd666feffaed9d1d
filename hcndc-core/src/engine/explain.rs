//! Why a job run has not started (R11): what holds it, as data, found by the predicates that decide.

use alloc::{string::String, vec::Vec};

use super::{
    Engine,
    execution::{Execution, FlowRun, Verdict, verdict},
    placement::Seat,
    state::{FlowRunState, JobRunState},
};
use crate::{
    id::{
        DataSourceId, ExecutionId, ExecutorId, FlowId, FlowRunId, JobId, JobRunId, ParamId, PoolId,
    },
    model::{Condition, Dependency, Placement},
    time::{DataDate, Timestamp},
};

/// Where a live job run stands, and what holds it there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Explanation {
    /// Its state.
    pub state: JobRunState,
    /// What holds it; empty when it was given to an executor or has settled. All of these must change before it moves on, but of
    /// [`Hold::Executor`] one is enough: any executor that can take it will do.
    pub holds: Vec<Hold>,
    /// The earliest time at which it could start, if time is all that holds it.
    pub earliest: Option<Timestamp>,
}

/// Where a live flow run stands, and what holds it there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FlowExplanation {
    /// Its state.
    pub state: FlowRunState,
    /// What keeps it from starting, all of it; empty when it has started or come to its end.
    pub holds: Vec<Hold>,
}

/// One thing that holds a job run or a flow run.
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
    /// A parent of its flow that takes no part in its execution has not reached its date (R2).
    OutsideParent {
        /// The parent.
        flow: FlowId,
        /// Its name.
        name: String,
        /// The date that it is to reach.
        needs: DataDate,
        /// The date that it has reached.
        reached: Option<DataDate>,
    },
    /// Its flow run shares the end of another, which runs (R5).
    Joined {
        /// The other's execution.
        execution: ExecutionId,
        /// The other.
        flow_run: FlowRunId,
    },
    /// As many runs of its flow run as may (R7).
    FlowRuns {
        /// The flow.
        flow: FlowId,
        /// The limit.
        limit: u32,
        /// Runs that run; more than the limit if that was lowered.
        running: u32,
    },
    /// A job that it depends on, of a flow that takes no part in its execution or for another date, has not come to the
    /// end asked for (R1). Somebody has to run that flow for that date, if nobody does.
    OutsideDependency {
        /// The job.
        job: JobId,
        /// Its name, as `flow/job`.
        name: String,
        /// Its flow.
        flow: FlowId,
        /// The date asked for.
        data_date: DataDate,
        /// The end asked for.
        condition: Condition,
        /// The live execution that has the latest run of the flow for that date; `None` if no live one has one.
        execution: Option<ExecutionId>,
        /// Where the latest run stands; `None` if there was none.
        state: Option<JobRunState>,
        /// When it counts as failed unless it has come to that end; `None` if it may take as long as it takes, or if the flow
        /// run has not started.
        until: Option<Timestamp>,
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
    /// What has failed of the flow run waits until it runs again.
    Restart {
        /// When.
        at: Timestamp,
    },
    /// The pool that it draws from cannot give what it needs now (R7).
    Pool {
        /// Which.
        pool: PoolId,
        /// Its name.
        name: String,
        /// Why not.
        trouble: SlotTrouble,
    },
    /// It has its place, and a param of it waits for the answer to its query. There is one for each that was asked.
    Param {
        /// Which.
        param: ParamId,
        /// Its name.
        name: String,
        /// The data source that is asked.
        data_source: DataSourceId,
        /// The name of the data source.
        source: String,
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

/// Why slots, of an executor or of a pool, cannot be had now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "trouble"))]
pub enum SlotTrouble {
    /// There are fewer than the job takes.
    TooSmall {
        /// How many there are.
        slots: u32,
        /// What the job takes.
        needs: u32,
    },
    /// Others have them.
    Full {
        /// How many are free.
        free: u32,
        /// What the job takes.
        needs: u32,
    },
    /// They are kept for a job run that goes first.
    Reserved,
}

impl SlotTrouble {
    /// Why so many of these slots cannot be had; `None` if they can.
    pub(super) const fn of(slots: u32, used: u32, needs: u32, is_kept: bool) -> Option<Self> {
        let free = slots.saturating_sub(used);
        if slots < needs {
            Some(Self::TooSmall { slots, needs })
        } else if free < needs {
            Some(Self::Full { free, needs })
        } else if is_kept {
            Some(Self::Reserved)
        } else {
            None
        }
    }
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
    /// Its slots cannot be had.
    #[cfg_attr(feature = "serde", serde(untagged))]
    Slots(SlotTrouble),
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
            JobRunState::Dispatched => self.explain_dispatched(run.attempt, &mut holds),
            JobRunState::Running
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

    /// Why a flow run of a live execution stands where it stands; `None` if no live execution has it.
    ///
    /// # Complexity
    /// O(flow runs of its execution + its parents).
    #[must_use]
    pub fn explain_flow_run(&self, flow_run: FlowRunId) -> Option<FlowExplanation> {
        let (id, at) = self.flow_seat(flow_run)?;
        let execution = self.executions.get(&id)?;
        let run = &execution.flow_runs[at as usize];
        let mut holds = Vec::new();
        let state = run.row.state;
        let by = execution.row.stopped_by.as_ref();
        let ended = matches!(
            state,
            FlowRunState::Succeeded | FlowRunState::Failed | FlowRunState::Stopped
        );
        holds.extend(
            by.filter(|_| !ended)
                .map(|by| Hold::Stopping { by: by.clone() }),
        );
        self.explain_gates(execution, run, &mut holds);
        Some(FlowExplanation { state, holds })
    }

    /// What keeps a flow run from starting: nothing, once it has.
    fn explain_gates(&self, execution: &Execution, run: &FlowRun, holds: &mut Vec<Hold>) {
        match run.row.state {
            FlowRunState::Waiting => {}
            FlowRunState::Joined => {
                let other = run.row.joined_to;
                let other = other.and_then(|it| Some((self.flow_seat(it)?.0, it)));
                holds.extend(other.map(|(execution, flow_run)| Hold::Joined {
                    execution,
                    flow_run,
                }));
                return;
            }
            FlowRunState::Running => {
                holds.extend(run.row.restart_at.map(|at| Hold::Restart { at }));
                return;
            }
            FlowRunState::Succeeded | FlowRunState::Failed | FlowRunState::Stopped => return,
        }
        let parents = execution.flow_runs.iter().filter(|parent| {
            run.flow.parents.contains(&parent.row.flow)
                && parent.row.state != FlowRunState::Succeeded
        });
        holds.extend(parents.map(|parent| Hold::Parent {
            flow: parent.row.flow,
            name: parent.flow.name.clone(),
            state: parent.row.state,
        }));
        let needs = execution.row.data_date;
        let gates = self.closed_gates(execution, run);
        holds.extend(gates.map(|(flow, reached)| {
            Hold::OutsideParent {
                flow,
                name: self
                    .flow(flow)
                    .map(|flow| flow.name.clone())
                    .unwrap_or_default(),
                needs,
                reached,
            }
        }));
        let flow = run.row.flow;
        if self.find_join(execution, run).is_none() {
            holds.extend(self.full_of(flow).map(|limit| Hold::FlowRuns {
                flow,
                limit,
                running: self.crossings.running(flow),
            }));
        }
    }

    /// What a dependency on a run outside waits for; `None` if it does not.
    fn explain_outside(&self, seat: Seat, dependency: &Dependency) -> Option<Hold> {
        let own = self.executions.get(&seat.0)?.row.data_date;
        let asked = own.plus_days(dependency.offset_days);
        let found = self.find_outside(dependency.job, asked);
        if found.verdict(dependency).is_some() {
            return None;
        }
        let job = self.definitions.job(dependency.job)?;
        Some(Hold::OutsideDependency {
            job: dependency.job,
            name: self.definitions.job_label(job),
            flow: job.flow,
            data_date: asked.unwrap_or(own),
            condition: dependency.condition,
            execution: found.execution,
            state: found.state,
            until: self.waits_until(seat, dependency),
        })
    }

    fn explain_blocked(&self, seat: (ExecutionId, u32), holds: &mut Vec<Hold>) {
        let Some(execution) = self.executions.get(&seat.0) else {
            return;
        };
        let run = &execution.jobs[seat.1 as usize];
        let flow_run = &execution.flow_runs[run.flow_run as usize];
        self.explain_gates(execution, flow_run, holds);
        if flow_run.row.state == FlowRunState::Joined {
            // It runs no more by itself, so that nothing else matters to it.
            return;
        }
        for (_, dependency) in execution.unmet_outside(seat.1) {
            holds.extend(self.explain_outside(seat, &dependency));
        }
        for dependency in run
            .job
            .dependencies
            .iter()
            .filter(|it| it.is_of_same_date())
        {
            let Some(other) = execution.find_job(dependency.job) else {
                continue;
            };
            let state = other.row.state;
            if matches!(
                verdict(dependency.condition, state),
                None | Some(Verdict::Broken)
            ) {
                holds.push(Hold::Dependency {
                    job: dependency.job,
                    name: other.label(execution),
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
        if let Some(draw) = need.pool
            && let Some(trouble) = self.yard.pool_trouble(&need, rank)
        {
            let name = self.definitions.pools.get(draw.pool);
            holds.push(Hold::Pool {
                pool: draw.pool,
                name: name.map_or_else(String::new, |it| it.name.clone()),
                trouble,
            });
        }
        let hosts = self.yard.hosts();
        let meeting = hosts.filter(|host| host.meets(&need.placement));
        let mut troubles = Vec::new();
        for host in meeting {
            let Some(trouble) = host.trouble_for(need.slots, rank) else {
                // One is enough.
                return;
            };
            let (executor, name) = (host.executor.id, host.executor.name.clone());
            troubles.push(Hold::Executor {
                executor,
                name,
                trouble,
            });
        }
        let met = !troubles.is_empty();
        holds.extend(troubles);
        if !met {
            let placement = need.placement;
            holds.push(Hold::NoExecutor { placement });
        }
    }
}
