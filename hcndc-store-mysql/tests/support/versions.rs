//! Commits that tell themselves apart.

use std::sync::Arc;

use hcndc_core::{
    contract::sample::World,
    engine::{Change, Snapshot},
    port::Commit,
};

/// Everything that there is, of every kind, in many statements; each version differs in many tables.
pub(crate) fn version(number: u32) -> Commit {
    let mut changes = World::new().changes();
    for change in &mut changes {
        match change {
            Change::FlowPut(flow) => Arc::make_mut(flow).description = number.to_string(),
            Change::JobPut(job) => Arc::make_mut(job).description = number.to_string(),
            Change::Execution(row) => row.resumes = number,
            Change::FlowRun { row, .. } => row.restarts = number,
            Change::JobRun { row, .. } => row.attempt = number,
            _ => {}
        }
    }
    Commit {
        next_id: 5_000,
        changes,
    }
}

/// What runs of a version, and nothing that people wrote: no quotes, which would not go in one piece. [`version`] goes before it.
pub(crate) fn version_of_runs(number: u32) -> Commit {
    let mut commit = version(number);
    commit
        .changes
        .retain(|change| matches!(change, Change::FlowRun { .. } | Change::JobRun { .. }));
    commit
}

/// The version that is stored, by each of its parts.
pub(crate) fn versions(snapshot: &Snapshot) -> Vec<u32> {
    let number = |text: &str| text.parse().expect("a version");
    let flows = snapshot
        .flows
        .iter()
        .map(|(flow, _)| number(&flow.description));
    let jobs = snapshot.jobs.iter().map(|it| number(&it.description));
    let mut found: Vec<u32> = flows.chain(jobs).collect();
    for execution in &snapshot.executions {
        found.push(execution.row.resumes);
        found.extend(execution.flow_runs.iter().map(|(row, _)| row.restarts));
        found.extend(execution.job_runs.iter().map(|(row, _)| row.attempt));
    }
    found
}
