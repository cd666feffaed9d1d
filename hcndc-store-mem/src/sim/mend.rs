//! What takes away whatever could hold executions for ever.

use std::collections::BTreeMap;

use hcndc_core::model::{
    Definition, Dependency, DependencyDraft, Edit, ExecutorDraft, ExecutorRef, FlowDraft, FlowRef,
    Job, JobDraft, JobRef, Placement, PlacementDraft, PoolDraft,
};

use super::mesh::ZONES;
use crate::tables::Tables;

/// A job with those of its dependencies alone that are for its own date, and they wait for as long as it takes.
fn tied(job: &Job) -> JobDraft {
    let mut draft = JobDraft::new(FlowRef::Id(job.flow), &job.name, &job.command);
    (draft.id, draft.enabled, draft.priority) = (Some(job.id), job.enabled, job.priority);
    let ties = job.dependencies.iter().filter(|it| it.offset_days == 0);
    draft.dependencies = ties
        .map(|it| DependencyDraft::new(JobRef::Id(it.job), it.condition))
        .collect();
    draft.placement = match &job.placement {
        Placement::Any => PlacementDraft::Any,
        Placement::Executor(id) => PlacementDraft::Executor(ExecutorRef::Id(*id)),
        Placement::Labels(labels) => PlacementDraft::Labels(labels.clone()),
    };
    (draft.slots, draft.success_codes) = (job.slots, job.success_codes.clone());
    (draft.retry, draft.timeout) = (job.retry, job.timeout);
    draft
}

/// Whether nothing is defined any more that has a reason to wait for ever.
pub(crate) fn is_mended(rows: &Tables) -> bool {
    let executors = &rows.executors;
    !executors.is_empty() && executors.values().all(|it| it.enabled && it.slots == 8) && {
        let open = |edit: &Edit| matches!(edit, Edit::PutFlow(_) | Edit::PutJob(_) | Edit::Put(_));
        !mend(rows).iter().any(open)
    }
}

/// Edits after which every executor is there for everybody, and no limit and no other date holds anything, so that nothing has
/// a reason to wait for ever.
pub(crate) fn mend(rows: &Tables) -> Vec<Edit> {
    let labels = |zone: &str| BTreeMap::from([("zone".into(), zone.into())]);
    let mut edits = Vec::new();
    for executor in rows.executors.values() {
        let mut draft = ExecutorDraft::new(&executor.name, &executor.address, 8);
        (draft.id, draft.labels) = (Some(executor.id), executor.labels.clone());
        edits.push(Edit::PutExecutor(draft));
    }
    for definition in rows.definitions.values() {
        if let Definition::Pool(pool) = definition
            && pool.slots < 8
        {
            let mut draft = PoolDraft::new(&pool.name, 8);
            draft.id = Some(pool.id);
            edits.push(draft.into());
        }
    }
    let ties = |it: &Dependency| it.offset_days == 0 && it.wait_limit.is_none();
    for job in rows.jobs.values() {
        if !job.dependencies.iter().all(ties) {
            edits.push(Edit::PutJob(tied(job)));
        }
    }
    for flow in rows.flows.values() {
        if flow.enabled && flow.max_runs.is_none() && flow.timeout.is_none() {
            continue;
        }

        let mut draft = FlowDraft::new(&flow.name);
        (draft.id, draft.priority) = (Some(flow.id), flow.priority);
        draft.parents = flow.parents.iter().map(|&flow| FlowRef::Id(flow)).collect();
        edits.push(Edit::PutFlow(draft));
    }
    for zone in ZONES {
        let has =
            |labels: &BTreeMap<String, String>| labels.get("zone").is_some_and(|it| it == zone);
        if !rows.executors.values().any(|it| has(&it.labels)) {
            // Two definitions of one host: jobs reach it by either.
            let number = if zone == ZONES[0] { 100 } else { 101 };
            let name = format!("host{number}");
            let mut draft = ExecutorDraft::new(&name, &name, 8);
            draft.labels = labels(zone);
            edits.push(Edit::PutExecutor(draft));
        }
    }
    edits
}
