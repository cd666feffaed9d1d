//! Definitions that there are, as drafts that would change nothing: a sheet changes what it has columns for.

use hcndc_core::model::{
    CalendarRef, Dependency, DependencyDraft, Flow, FlowDraft, FlowRef, Job, JobDraft, JobParam,
    JobParamDraft, JobRef, OutputSourceDraft, ParamRef, Placement, PlacementDraft, PoolRef, Ref,
};

pub(super) fn of_flow(flow: &Flow) -> FlowDraft {
    FlowDraft {
        id: Some(flow.id),
        version: Some(flow.revision.version),
        name: flow.name.clone(),
        directory: flow.directory.clone(),
        description: flow.description.clone(),
        owner: flow.owner.clone(),
        enabled: flow.enabled,
        priority: flow.priority,
        parents: flow.parents.iter().copied().map(FlowRef::Id).collect(),
        params: flow.params.clone(),
        env: flow.env.clone(),
        workdir: flow.workdir.clone(),
        max_runs: flow.max_runs,
        timeout: flow.timeout,
        restart_retries: flow.restart_retries,
        restart_delay: flow.restart_delay,
        calendar: flow.calendar.map(CalendarRef::Id),
    }
}

pub(super) fn of_job(job: &Job) -> JobDraft {
    JobDraft {
        id: Some(job.id),
        version: Some(job.revision.version),
        flow: FlowRef::Id(job.flow),
        name: job.name.clone(),
        description: job.description.clone(),
        enabled: job.enabled,
        priority: job.priority,
        dependencies: job.dependencies.iter().map(of_dependency).collect(),
        placement: match &job.placement {
            Placement::Any => PlacementDraft::Any,
            Placement::Executor(id) => PlacementDraft::Executor(Ref::Id(*id)),
            Placement::Labels(labels) => PlacementDraft::Labels(labels.clone()),
        },
        slots: job.slots,
        kind: job
            .kind
            .with_source(|id| Some(Ref::Id(*id)))
            .unwrap_or_default(),
        command: job.command.clone(),
        params: job.params.iter().map(of_param).collect(),
        env: job.env.clone(),
        workdir: job.workdir.clone(),
        success_codes: job.success_codes.clone(),
        retry: job.retry,
        timeout: job.timeout,
        pool: job.pool.map(PoolRef::Id),
        pool_slots: job.pool_slots,
        expected: job.expected,
    }
}

pub(super) fn of_dependency(tie: &Dependency) -> DependencyDraft {
    DependencyDraft {
        job: JobRef::Id(tie.job),
        condition: tie.condition,
        offset_days: tie.offset_days,
        wait_limit: tie.wait_limit,
    }
}

pub(super) fn of_param(param: &JobParam) -> JobParamDraft {
    match param {
        JobParam::Own(param) => JobParamDraft::Own(param.clone()),
        JobParam::Shared { shared } => JobParamDraft::Shared {
            shared: ParamRef::Id(*shared),
        },
        JobParam::Output { name, output } => JobParamDraft::Output {
            name: name.clone(),
            output: OutputSourceDraft {
                job: JobRef::Id(output.job),
                name: output.name.clone(),
                default: output.default.clone(),
            },
        },
    }
}
