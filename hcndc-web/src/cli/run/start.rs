//! The start of a run: definitions are put, and all flows start.

use std::path::Path;

use hcndc_core::{
    engine::{EditBatch, Engine, Input, Reply, Start, TriggerKind},
    id::{ExecutionId, FlowId},
    model::{Edit, ExecutorDraft},
    time::DataDate,
};

use super::RunArgs;
use crate::{
    handle::{CommandError, SchedulerHandle},
    interchange::{Existing, MeshFile, edits},
    local_executor,
};

/// Puts the definitions, and starts all flows that are enabled.
pub(super) async fn start(
    handle: &SchedulerHandle,
    args: &RunArgs,
    mesh: &MeshFile,
    base: &Path,
    limit: u32,
) -> Result<ExecutionId, CommandError> {
    // What an earlier run on the same folder left when it was killed would compete with this one.
    let live = |engine: &Engine| -> Vec<ExecutionId> {
        engine
            .snapshot()
            .executions
            .iter()
            .map(|live| live.row.id)
            .collect()
    };
    for execution in handle.look(live).await? {
        let by = "hcndc run".to_owned();
        // One that is stopping already is as good.
        let _ = handle.command(Input::Stop { execution, by }).await;
    }
    let existing = handle.look(Existing::of).await?;
    let mut edits = edits(mesh, Some(base), &existing);
    if mesh.executors.is_empty() {
        let widest = mesh
            .flows
            .iter()
            .flat_map(|flow| &flow.jobs)
            .map(|job| job.slots)
            .max();
        let slots = limit.max(widest.unwrap_or(1));
        let mut draft = ExecutorDraft::new(local_executor::NAME, local_executor::ADDRESS, slots);
        let known = |engine: &Engine| {
            engine
                .executors()
                .find(|it| it.name == local_executor::NAME)
                .map(|it| it.id)
        };
        draft.id = handle.look(known).await?;
        edits.push(Edit::PutExecutor(draft));
    }
    let by = std::env::var("USER").unwrap_or_else(|_| "cli".to_owned());
    handle
        .command(Input::Edit(EditBatch {
            by: by.clone(),
            edits,
        }))
        .await?;
    let enabled: Vec<String> = mesh
        .flows
        .iter()
        .filter(|flow| flow.enabled)
        .map(|flow| flow.name.clone())
        .collect();
    let flows: Vec<FlowId> = handle
        .look(move |engine| {
            enabled
                .iter()
                .filter_map(|name| engine.find_flow(name))
                .map(|flow| flow.id)
                .collect()
        })
        .await?;
    let zone = mesh.zone.parse().unwrap_or(chrono_tz::UTC);
    let data_date = args
        .date
        .unwrap_or_else(|| DataDate::day_before(chrono::Utc::now().into(), zone));
    let start = Start {
        flows,
        jobs: None,
        downstream: false,
        data_date,
        date_format: args.date_format.clone(),
        params: args.set.clone(),
        trigger: TriggerKind::Manual,
        by,
    };
    match handle.command(Input::Start(start)).await? {
        Reply::Started(execution) => Ok(execution),
        _ => Err(CommandError::Stopped),
    }
}
