//! Engines with wrong beliefs.

use std::{sync::Arc, time::Duration};

use hcndc_core::{
    engine::{ExecutionState, JobRunState, Snapshot},
    model::{Definition, Schedule},
    trigger::calendar::BusinessDays,
};

use super::Sabotage;

impl Sabotage {
    /// Spoils what an engine is made of.
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
            Self::EngineForgetsOutputs => {
                for execution in &mut loaded.executions {
                    execution.outputs.clear();
                }
            }
            Self::EngineForgetsOutages => loaded.alerts.retain(|row| !row.lasts),
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
            Self::EngineForgetsTimeouts => {
                for execution in &mut loaded.executions {
                    for (_, flow) in &mut execution.flow_runs {
                        Arc::make_mut(flow).timeout = None;
                    }
                }
            }
            Self::EngineForgetsDays => {
                for schedule in schedules(loaded) {
                    schedule.filter = None;
                }
            }
            Self::EngineForgetsCalendars => {
                for definition in &mut loaded.definitions {
                    if let Definition::Calendar(calendar) = definition {
                        Arc::make_mut(calendar).days = BusinessDays::default();
                    }
                }
            }
            Self::EngineForgetsReached => {
                for cursor in &mut loaded.cursors {
                    cursor.date = cursor.date.and_then(|date| date.plus_days(-2));
                }
            }
            Self::EngineSkipsDates => {
                for cursor in &mut loaded.cursors {
                    cursor.date = "2026-12-31".parse().ok();
                }
            }
            // It is not what is loaded that they spoil.
            _ => {}
        }
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
