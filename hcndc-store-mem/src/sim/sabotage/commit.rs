//! Drivers and stores that break their contract, and engines of which only what is stored shows it.

use hcndc_core::{
    engine::{
        ActionKind, AttemptState, BackfillDateState, Change, ExecutionState, FlowRunState,
        JobRunState, TriggerKind,
    },
    port::{Commit, Fence},
    time::Timestamp,
};

use super::Sabotage;

impl Sabotage {
    /// What is stored instead, and under which fence; `None` for nothing.
    pub(crate) fn spoil_commit(
        self,
        commit: &Commit,
        fence: Fence,
        newest: Option<Fence>,
    ) -> Option<(Fence, Commit)> {
        let mut commit = commit.clone();
        match self {
            Self::StoreLosesCommits => {
                let begins = |change: &Change| {
                    matches!(
                        change,
                        Change::FlowRun { from: None, .. } | Change::FlowPut(_)
                    )
                };
                // The mesh must be made, or nothing ever happens.
                if commit.next_id > 100 && commit.changes.iter().any(begins) {
                    return None;
                }
            }
            Self::StoreTearsCommits => {
                let all = commit.changes.len();
                if commit.next_id > 100 && all > 3 {
                    commit.changes.truncate(all / 2);
                }
            }
            Self::StoreTakesAnyFence => return Some((newest.unwrap_or(fence), commit)),
            Self::StoreLosesAttempts => {
                let kept = |change: &Change| !matches!(change, Change::Attempt(_));
                commit.changes.retain(kept);
            }
            Self::EngineForgetsDates => {
                let kept = |change: &Change| !matches!(change, Change::FlowDataDate { .. });
                commit.changes.retain(kept);
            }
            Self::EngineForgetsStops => {
                for change in &mut commit.changes {
                    if let Change::Execution(row) = change
                        && row.resumes > 0
                        && row.state == ExecutionState::Running
                    {
                        row.state = ExecutionState::Stopped;
                    }
                }
            }
            Self::EngineEndsFlowsEarly => {
                for change in &mut commit.changes {
                    if let Change::FlowRun { row, .. } = change
                        && row.state == FlowRunState::Running
                    {
                        row.state = FlowRunState::Succeeded;
                    }
                }
            }
            Self::StoreTurnsEnds => {
                for change in &mut commit.changes {
                    if let Change::Attempt(row) = change
                        && row.state == AttemptState::Failed
                    {
                        row.state = AttemptState::Succeeded;
                    }
                }
            }
            Self::StoreLosesStops => {
                for change in &mut commit.changes {
                    if let Change::Execution(row) = change {
                        row.stopped_by = None;
                    }
                }
            }
            Self::EngineForgetsRevivals => {
                commit.changes.retain(|change| {
                    !matches!(
                        change,
                        Change::JobRun { from: Some(JobRunState::UpstreamFailed), row }
                            if row.state == JobRunState::Blocked
                    )
                });
            }
            Self::EngineJoinsNothing => {
                for change in &mut commit.changes {
                    if let Change::FlowRun { row, .. } = change
                        && row.state == FlowRunState::Joined
                    {
                        row.state = FlowRunState::Running;
                    }
                }
            }
            Self::EngineJoinsAnything => {
                for change in &mut commit.changes {
                    if let Change::FlowRun { row, .. } = change
                        && row.state == FlowRunState::Running
                    {
                        row.state = FlowRunState::Joined;
                    }
                }
            }
            Self::EngineSharesNoFailure => {
                for change in &mut commit.changes {
                    if let Change::FlowRun { from, row } = change
                        && *from == Some(FlowRunState::Joined)
                    {
                        row.state = FlowRunState::Succeeded;
                    }
                }
            }
            Self::EngineDoublesTimes => {
                for change in &mut commit.changes {
                    if let Change::Execution(row) = change {
                        row.fire_time = row.fire_time.map(|_| Timestamp::default());
                    }
                }
            }
            Self::StoreLosesFirings => {
                let kept = |change: &Change| !matches!(change, Change::Firing(_));
                commit.changes.retain(kept);
            }
            Self::EngineRaisesNothing => {
                let kept = |change: &Change| !matches!(change, Change::Alert(_));
                commit.changes.retain(kept);
            }
            Self::EngineRaisesTwice => {
                for change in &mut commit.changes {
                    if let Change::Alert(row) = change {
                        row.cause = "something".into();
                    }
                }
            }
            Self::StoreForgetsAcknowledgements => {
                for change in &mut commit.changes {
                    if let Change::Alert(row) = change {
                        (row.acknowledged_at, row.acknowledged_by) = (None, None);
                    }
                }
            }
            Self::EngineForgetsEscalations => {
                for change in &mut commit.changes {
                    if let Change::Alert(row) = change {
                        row.escalated = None;
                    }
                }
            }
            Self::EngineFillsAfterFailures => {
                for change in &mut commit.changes {
                    if let Change::BackfillDate(row) = change
                        && row.state == BackfillDateState::Waiting
                        && row.execution.is_none()
                    {
                        row.state = BackfillDateState::Failed;
                    }
                }
            }
            Self::EngineRetriesKilled => {
                for change in &mut commit.changes {
                    if let Change::JobRun {
                        from: Some(from),
                        row,
                    } = change
                        && from.is_live()
                        && row.state == JobRunState::Killed
                    {
                        row.state = JobRunState::RetryWait;
                    }
                }
            }
            Self::EngineStartsTooMuch => {
                for change in &mut commit.changes {
                    if let Change::JobRun { from: None, row } = change {
                        row.left_out = false;
                    }
                }
            }
            Self::EngineRunsLeftOut => {
                for change in &mut commit.changes {
                    if let Change::JobRun { row, .. } = change
                        && row.state == JobRunState::Queued
                    {
                        row.left_out = true;
                    }
                }
            }
            Self::EngineResumesTooMuch => {
                for change in &mut commit.changes {
                    if let Change::Action(row) = change
                        && matches!(row.kind, ActionKind::Rerun | ActionKind::Reset)
                    {
                        row.kind = ActionKind::Resume;
                    }
                }
            }
            Self::EngineResetsHalf => {
                commit.changes.retain(|change| {
                    !matches!(
                        change,
                        Change::JobRun { from: Some(JobRunState::Succeeded), row }
                            if row.state == JobRunState::Blocked
                    )
                });
            }
            Self::StoreLosesActions => {
                let kept = |change: &Change| !matches!(change, Change::Action(_));
                commit.changes.retain(kept);
            }
            Self::EngineGoesOnWhenCutOff => {
                for change in &mut commit.changes {
                    if let Change::FlowRun { row, .. } = change {
                        row.timed_out = row.state == FlowRunState::Running;
                    }
                }
            }
            Self::EngineEndsExecutionsEarly => {
                for change in &mut commit.changes {
                    if let Change::Execution(row) = change
                        && row.state == ExecutionState::Stopping
                    {
                        row.state = ExecutionState::Stopped;
                    }
                }
            }
            Self::StoreTurnsExecutions => {
                for change in &mut commit.changes {
                    if let Change::Execution(row) = change
                        && row.state == ExecutionState::Failed
                    {
                        row.state = ExecutionState::Succeeded;
                    }
                }
            }
            Self::StoreForgetsParts => {
                for change in &mut commit.changes {
                    if let Change::Execution(row) = change {
                        row.partial = false;
                    }
                }
            }
            Self::StoreDoublesExecutions => {
                let twins = commit.changes.iter().filter_map(|change| match change {
                    Change::Execution(row) if row.trigger == TriggerKind::Manual => {
                        let mut twin = row.clone();
                        twin.id.0 += 1_000_000;
                        Some(Change::Execution(twin))
                    }
                    _ => None,
                });
                let twins: Vec<Change> = twins.collect();
                commit.changes.extend(twins);
            }
            // It is not what is stored that they spoil.
            _ => {}
        }
        Some((fence, commit))
    }
}
