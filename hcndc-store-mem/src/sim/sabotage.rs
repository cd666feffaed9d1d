//! Small injected faults, one for each rule that the oracle keeps: what shows that it would notice.
//!
//! An engine with wrong beliefs is made by spoiling what it loads; a driver or store that breaks its contract by
//! spoiling what it stores.

use std::{sync::Arc, time::Duration};

use hcndc_core::{
    engine::{
        ActionKind, AttemptState, BackfillDateState, Change, ExecutionState, FlowRunState,
        JobRunState, Snapshot,
    },
    model::{Definition, Schedule},
    port::{Commit, Fence},
    time::Timestamp,
};

use super::world::World;

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The engine forgets, at a load, which jobs its jobs wait for.
    EngineForgetsDependencies,
    /// The engine forgets, at a load, which flows its flows wait for.
    EngineForgetsParents,
    /// The engine forgets, at a load, how many runs of a flow may run.
    EngineForgetsPlaces,
    /// The engine believes, at a load, that all flows have reached all dates.
    EngineOpensGates,
    /// The engine takes, at a load, any date that a job asks for to be its own.
    EngineForgetsOffsets,
    /// The engine waits, at a load, for nothing outside.
    EngineForgetsPatience,
    /// The engine runs what should have joined another run.
    EngineJoinsNothing,
    /// The engine has flow runs join whatever they could run beside.
    EngineJoinsAnything,
    /// What has joined a run succeeds whatever becomes of that.
    EngineSharesNoFailure,
    /// The engine forgets, at a load, that schedules have fired.
    EngineForgetsFirings,
    /// The engine believes, at a load, that schedules have fired for what is to come.
    EngineSkipsTimes,
    /// The engine fires, after a load, however late it is.
    EngineForgetsGrace,
    /// The engine forgets, at a load, how many executions of a schedule may be live.
    EngineForgetsInstances,
    /// The engine forgets, at a load, that schedules are paused.
    EngineFiresWhilePaused,
    /// Two fire times become one.
    EngineDoublesTimes,
    /// What became of fire times is not stored.
    StoreLosesFirings,
    /// The engine forgets, at a load, which files came.
    EngineForgetsFiles,
    /// The engine raises nothing.
    EngineRaisesNothing,
    /// The engine raises all alerts of a rule for one cause.
    EngineRaisesTwice,
    /// People are not told, and the engine hears that they were.
    NotifierTellsNobody,
    /// The engine runs what failed of a flow run again for ever.
    EngineRestartsForEver,
    /// The engine believes, at a load, that pools have ten times their slots.
    EngineMultipliesPools,
    /// The engine forgets, at a load, what is alive, and queues it anew.
    EngineForgetsAttempts,
    /// The engine believes, at a load, that executors have ten times their slots.
    EngineMultipliesSlots,
    /// The engine forgets, at a load, that executions are paused.
    EngineForgetsPauses,
    /// The engine tries again what people killed.
    EngineRetriesKilled,
    /// The engine leaves nothing out, whatever it was asked for.
    EngineStartsTooMuch,
    /// The engine runs what was left out.
    EngineRunsLeftOut,
    /// The engine forgets, at a load, that it was asked for some jobs only.
    EngineForgetsParts,
    /// What people made good revives nothing.
    EngineForgetsRevivals,
    /// A resume runs again what a rerun would.
    EngineResumesTooMuch,
    /// A reset leaves what succeeded as it is.
    EngineResetsHalf,
    /// Nothing that people do to executions is recorded.
    StoreLosesActions,
    /// The engine runs what is stopped, as far as anybody knows.
    EngineForgetsStops,
    /// The engine grants itself, at a load, more retries than there are.
    EngineRetriesForEver,
    /// Dates of backfills begin though others have failed.
    EngineFillsAfterFailures,
    /// The engine believes, at a load, that backfills may run ten times as many dates at once.
    EngineWidensBackfills,
    /// The engine, or whoever stores for it, never moves a data date.
    EngineForgetsDates,
    /// Flow runs succeed as soon as they start.
    EngineEndsFlowsEarly,
    /// The store says that it stored what it did not.
    StoreLosesCommits,
    /// The store stores the first half of large commits.
    StoreTearsCommits,
    /// The store takes commits under any fence.
    StoreTakesAnyFence,
    /// Attempts are not stored, so orders are given for what is not.
    StoreLosesAttempts,
    /// The executor runs an attempt again when the order comes again.
    ExecutorRunsTwice,
    /// The executor obeys any fence.
    ExecutorObeysAnyone,
    /// The executor reports every end as a success.
    ExecutorReportsSuccess,
    /// Ends of attempts are stored as other ends.
    StoreTurnsEnds,
    /// Nothing that a person stops is stored.
    StoreLosesStops,
    /// The executor never says that an attempt ended, and never ends one.
    ExecutorNeverEnds,
    /// What executors say is not recorded.
    RecordingForgetsReports,
}

impl Sabotage {
    pub(crate) fn spoil_load(self, loaded: &mut Snapshot) {
        match self {
            Self::EngineForgetsDependencies => {
                for (_, job) in runs(loaded) {
                    Arc::make_mut(job).dependencies.clear();
                }
                for job in &mut loaded.jobs {
                    Arc::make_mut(job).dependencies.clear();
                }
            }
            Self::EngineForgetsParents => {
                for (flow, _) in &mut loaded.flows {
                    Arc::make_mut(flow).parents.clear();
                }
                for execution in &mut loaded.executions {
                    for (_, flow) in &mut execution.flow_runs {
                        Arc::make_mut(flow).parents.clear();
                    }
                }
            }
            Self::EngineForgetsAttempts => {
                for (row, _) in runs(loaded) {
                    if row.state.is_live() {
                        row.state = JobRunState::Queued;
                    }
                }
                for execution in &mut loaded.executions {
                    execution.attempts.clear();
                }
            }
            Self::EngineMultipliesSlots => {
                for executor in &mut loaded.executors {
                    Arc::make_mut(executor).slots *= 10;
                }
            }
            Self::EngineRetriesForEver => {
                for (_, job) in runs(loaded) {
                    Arc::make_mut(job).retry.max = 50;
                }
            }
            Self::EngineWidensBackfills => {
                for backfill in &mut loaded.backfills {
                    backfill.row.parallel *= 10;
                }
            }
            Self::EngineForgetsPlaces => {
                for (flow, _) in &mut loaded.flows {
                    Arc::make_mut(flow).max_runs = None;
                }
            }
            Self::EngineOpensGates => {
                for (_, date) in &mut loaded.flows {
                    *date = "2026-12-31".parse().ok();
                }
            }
            Self::EngineForgetsOffsets => {
                for (_, job) in runs(loaded) {
                    for dependency in &mut Arc::make_mut(job).dependencies {
                        dependency.offset_days = 0;
                    }
                }
            }
            Self::EngineForgetsPatience => {
                for (_, job) in runs(loaded) {
                    for dependency in &mut Arc::make_mut(job).dependencies {
                        dependency.wait_limit = Some(Duration::from_micros(1));
                    }
                }
            }
            Self::EngineForgetsFirings => {
                for cursor in &mut loaded.cursors {
                    cursor.time = cursor.time.before(Duration::from_secs(600));
                }
            }
            Self::EngineSkipsTimes => {
                for cursor in &mut loaded.cursors {
                    cursor.time = cursor.time.after(Duration::from_secs(600));
                }
            }
            Self::EngineForgetsGrace => {
                for schedule in schedules(loaded) {
                    schedule.misfire_grace = Duration::from_secs(3_600);
                }
            }
            Self::EngineForgetsInstances => {
                for schedule in schedules(loaded) {
                    schedule.max_instances = 1_000;
                }
            }
            Self::EngineFiresWhilePaused => {
                for schedule in schedules(loaded) {
                    schedule.paused = false;
                }
            }
            Self::EngineForgetsFiles => loaded.files.clear(),
            Self::EngineRestartsForEver => {
                for execution in &mut loaded.executions {
                    for (_, flow) in &mut execution.flow_runs {
                        Arc::make_mut(flow).restart_retries = 100;
                    }
                }
            }
            Self::EngineMultipliesPools => {
                for definition in &mut loaded.definitions {
                    if let Definition::Pool(pool) = definition {
                        Arc::make_mut(pool).slots *= 10;
                    }
                }
            }
            Self::EngineForgetsPauses => {
                for execution in &mut loaded.executions {
                    let row = &mut execution.row;
                    if row.state == ExecutionState::Paused {
                        row.state = ExecutionState::Running;
                    }
                }
            }
            Self::EngineForgetsParts => {
                for execution in &mut loaded.executions {
                    execution.row.partial = false;
                    for (row, _) in &mut execution.job_runs {
                        row.left_out = false;
                    }
                }
            }
            Self::EngineForgetsDates
            | Self::EngineRetriesKilled
            | Self::EngineStartsTooMuch
            | Self::EngineRunsLeftOut
            | Self::EngineJoinsNothing
            | Self::EngineJoinsAnything
            | Self::EngineSharesNoFailure
            | Self::EngineDoublesTimes
            | Self::StoreLosesFirings
            | Self::EngineRaisesNothing
            | Self::EngineRaisesTwice
            | Self::NotifierTellsNobody
            | Self::EngineFillsAfterFailures
            | Self::EngineForgetsRevivals
            | Self::EngineResumesTooMuch
            | Self::EngineResetsHalf
            | Self::StoreLosesActions
            | Self::EngineForgetsStops
            | Self::EngineEndsFlowsEarly
            | Self::StoreLosesCommits
            | Self::StoreTearsCommits
            | Self::StoreTakesAnyFence
            | Self::StoreLosesAttempts
            | Self::ExecutorRunsTwice
            | Self::ExecutorObeysAnyone
            | Self::ExecutorReportsSuccess
            | Self::StoreTurnsEnds
            | Self::StoreLosesStops
            | Self::ExecutorNeverEnds
            | Self::RecordingForgetsReports => {}
        }
    }

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
            Self::EngineForgetsDependencies
            | Self::EngineForgetsParents
            | Self::EngineForgetsPauses
            | Self::EngineMultipliesPools
            | Self::EngineRestartsForEver
            | Self::EngineForgetsFiles
            | Self::NotifierTellsNobody
            | Self::EngineForgetsFirings
            | Self::EngineSkipsTimes
            | Self::EngineForgetsGrace
            | Self::EngineForgetsInstances
            | Self::EngineFiresWhilePaused
            | Self::EngineForgetsPlaces
            | Self::EngineOpensGates
            | Self::EngineForgetsOffsets
            | Self::EngineForgetsPatience
            | Self::EngineForgetsParts
            | Self::EngineForgetsAttempts
            | Self::EngineMultipliesSlots
            | Self::EngineRetriesForEver
            | Self::EngineWidensBackfills
            | Self::ExecutorRunsTwice
            | Self::ExecutorObeysAnyone
            | Self::ExecutorReportsSuccess
            | Self::ExecutorNeverEnds
            | Self::RecordingForgetsReports => {}
        }
        Some((fence, commit))
    }
}

/// All schedules of a snapshot.
fn schedules(loaded: &mut Snapshot) -> impl Iterator<Item = &mut Schedule> {
    loaded.definitions.iter_mut().filter_map(|it| match it {
        Definition::Schedule(schedule) => Some(Arc::make_mut(schedule)),
        _ => None,
    })
}

/// All job runs of a snapshot with the jobs that they are pinned to.
fn runs(
    loaded: &mut Snapshot,
) -> impl Iterator<
    Item = (
        &mut hcndc_core::engine::JobRunRow,
        &mut Arc<hcndc_core::model::Job>,
    ),
> {
    let executions = loaded.executions.iter_mut();
    let runs = executions.flat_map(|it| it.job_runs.iter_mut());
    runs.map(|(row, job)| (row, job))
}

impl World {
    pub(crate) fn obeys_anyone(&self) -> bool {
        self.sabotage == Some(Sabotage::ExecutorObeysAnyone)
    }
}
