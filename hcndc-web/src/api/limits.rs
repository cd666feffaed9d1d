//! Where callers may do what they may: roles can be limited to directories.
//!
//! It limits what changes and starts something, not what is read. Nothing is looked up for callers whom no directory
//! limits.

use hcndc_core::{
    engine::{Engine, Input},
    id::{ExecutionId, FlowId, ScheduleId},
    model::{DefinitionDraft, DefinitionId, Edit, FlowRef},
    port::{History, Permission},
};

use super::{caller::Caller, denial::Denial, ports::read, problem::Problem, trail::Told};
use crate::app::App;

impl<H: History, T> App<H, T> {
    /// That a caller may have this done.
    ///
    /// # Errors
    /// [`Denial::Forbidden`], [`Denial::ForbiddenThere`], and what can befall a look at what it is about.
    pub(super) async fn may_command(&self, caller: &Caller, input: &Input) -> Result<(), Problem> {
        let (permission, directories) = match input {
            Input::Edit(batch) => {
                for edit in &batch.edits {
                    caller.needs(permission_of(edit))?;
                }
                if caller.may_everywhere(Permission::Write) {
                    return Ok(());
                }
                let edits = batch.edits.clone();
                let directories = self.look(move |engine| edited(engine, &edits)).await?;
                (Permission::Write, directories)
            }
            Input::Start(start) => {
                caller.needs(Permission::Execute)?;
                if caller.may_everywhere(Permission::Execute) {
                    return Ok(());
                }
                let (flows, jobs) = (start.flows.clone(), start.jobs.clone().unwrap_or_default());
                let downstream = start.downstream;
                let look = move |engine: &Engine| {
                    let jobs = jobs.iter().filter_map(|job| engine.job(*job));
                    let flows = flows.into_iter().chain(jobs.map(|job| job.flow)).collect();
                    of_flows(engine, flows, downstream)
                };
                (Permission::Execute, self.look(look).await?)
            }
            Input::Stop { execution, .. }
            | Input::Pause { execution, .. }
            | Input::Unpause { execution, .. }
            | Input::Settle { execution, .. }
            | Input::Resume { execution, .. }
            | Input::Rerun { execution, .. }
            | Input::Reset { execution, .. } => {
                return self.may_run(caller, Some(*execution)).await;
            }
            Input::Kill { job_run, .. } => {
                caller.needs(Permission::Execute)?;
                if caller.may_everywhere(Permission::Execute) {
                    return Ok(());
                }
                let view = read(self.history.job_run(*job_run)).await?;
                let execution = view.map(|view| view.row.execution);
                return self.may_run(caller, execution).await;
            }
            Input::Backfill(request) => {
                caller.needs(Permission::Schedule)?;
                let (flow, downstream) = (request.flow, request.downstream);
                let look = move |engine: &Engine| of_flows(engine, vec![flow], downstream);
                (Permission::Schedule, self.look(look).await?)
            }
            Input::StopBackfill { backfill, .. } | Input::RestartBackfill { backfill, .. } => {
                caller.needs(Permission::Schedule)?;
                let view = read(self.history.backfill(*backfill)).await?;
                let flows = view.map(|view| (view.row.flow, view.row.downstream));
                let look = move |engine: &Engine| {
                    flows.map_or_else(Vec::new, |(flow, downstream)| {
                        of_flows(engine, vec![flow], downstream)
                    })
                };
                (Permission::Schedule, self.look(look).await?)
            }
            Input::PauseSchedules { schedules, .. } => {
                caller.needs(Permission::Schedule)?;
                let schedules = schedules.clone();
                let look = move |engine: &Engine| of_schedules(engine, &schedules);
                (Permission::Schedule, self.look(look).await?)
            }
            Input::RunSchedule {
                schedule,
                downstream,
                ..
            } => {
                caller.needs(Permission::Schedule)?;
                let (schedule, downstream) = (*schedule, downstream.unwrap_or(false));
                let look = move |engine: &Engine| {
                    let mut directories = of_schedules(engine, &[schedule]);
                    let flow = engine.schedule(schedule).map(|it| it.flow);
                    directories.extend(of_flows(engine, flow.into_iter().collect(), downstream));
                    directories
                };
                (Permission::Schedule, self.look(look).await?)
            }
            Input::Acknowledge { .. } => (Permission::Execute, Vec::new()),
            // These come from executors and from the server itself.
            Input::FileArrived { .. }
            | Input::Notified { .. }
            | Input::Report { .. }
            | Input::Resolved { .. }
            | Input::Configure(_)
            | Input::Wake => (Permission::Admin, Vec::new()),
        };
        caller.needs(permission)?;
        everywhere(caller, permission, &directories)
    }

    /// That a caller may do something to an execution: to all of its flows.
    async fn may_run(
        &self,
        caller: &Caller,
        execution: Option<ExecutionId>,
    ) -> Result<(), Problem> {
        let permission = Permission::Execute;
        caller.needs(permission)?;
        let Some(execution) = execution.filter(|_| !caller.may_everywhere(permission)) else {
            return Ok(());
        };
        let view = read(self.history.execution(execution)).await?;
        let flows: Vec<FlowId> = view.map_or_else(Vec::new, |view| {
            view.flows.into_iter().map(|(id, _)| id).collect()
        });
        let directories = self
            .look(move |engine| of_flows(engine, flows, false))
            .await?;
        everywhere(caller, permission, &directories)
    }
}

const fn permission_of(edit: &Edit) -> Permission {
    match edit {
        Edit::PutExecutor(_)
        | Edit::DeleteExecutor { .. }
        | Edit::Delete {
            definition: DefinitionId::Executor(_),
            ..
        } => Permission::Admin,
        Edit::PutFlow(_)
        | Edit::DeleteFlow { .. }
        | Edit::PutJob(_)
        | Edit::DeleteJob { .. }
        | Edit::Put(_)
        | Edit::Delete { .. } => Permission::Write,
    }
}

fn everywhere(
    caller: &Caller,
    permission: Permission,
    directories: &[String],
) -> Result<(), Problem> {
    let mut directories = directories.iter();
    match directories.find(|directory| !caller.may_in(permission, directory)) {
        None => Ok(()),
        Some(directory) => Err(Denial::ForbiddenThere {
            permission,
            directory: directory.clone(),
        }
        .into()),
    }
}

/// Directories of flows, with what is downstream of them. A flow that is gone lies nowhere.
fn of_flows(engine: &Engine, mut flows: Vec<FlowId>, downstream: bool) -> Vec<String> {
    if downstream {
        flows = engine.with_downstream(&flows).into_iter().collect();
    }
    let found = flows.iter().filter_map(|flow| engine.flow(*flow));
    found.map(|flow| flow.directory.clone()).collect()
}

/// Directories of schedules, and of what they start.
fn of_schedules(engine: &Engine, schedules: &[ScheduleId]) -> Vec<String> {
    let mut directories = Vec::new();
    for schedule in schedules.iter().filter_map(|id| engine.schedule(*id)) {
        directories.push(schedule.directory.clone());
        directories.extend(of_flows(engine, vec![schedule.flow], schedule.downstream));
    }
    directories
}

/// Directories in which edits change something: where it lies, and where it is put.
fn edited(engine: &Engine, edits: &[Edit]) -> Vec<String> {
    let made = |flow: &FlowRef| match flow {
        FlowRef::Id(id) => engine.flow(*id).map(|flow| flow.directory.clone()),
        // One that the same batch puts lies where that says.
        FlowRef::Name(name) => edits
            .iter()
            .find_map(|edit| match edit {
                Edit::PutFlow(draft) if draft.name == *name => Some(draft.directory.clone()),
                _ => None,
            })
            .or_else(|| engine.find_flow(name).map(|flow| flow.directory.clone())),
    };
    let mut directories = Vec::new();
    for edit in edits {
        if permission_of(edit) != Permission::Write {
            continue;
        }
        let there = Told::target(edit).and_then(|id| Told::of(engine, id));
        directories.extend(there.map(|it| it.directory));
        match edit {
            Edit::PutFlow(draft) => directories.push(draft.directory.clone()),
            Edit::PutJob(draft) => directories.extend(made(&draft.flow)),
            Edit::Put(draft) => {
                directories.push(directory_of(draft).to_owned());
                // Whoever may schedule a flow can run it.
                if let DefinitionDraft::Schedule(draft) = draft {
                    directories.extend(made(&draft.flow));
                    if draft.downstream
                        && let Some(flow) = find(engine, &draft.flow)
                    {
                        directories.extend(of_flows(engine, vec![flow], true));
                    }
                }
                // Whoever makes a webhook can have its flows run.
                if let DefinitionDraft::Webhook(draft) = draft {
                    directories.extend(draft.flows.iter().filter_map(made));
                    if draft.downstream {
                        let flows = draft.flows.iter().filter_map(|it| find(engine, it));
                        directories.extend(of_flows(engine, flows.collect(), true));
                    }
                }
            }
            Edit::PutExecutor(_)
            | Edit::DeleteExecutor { .. }
            | Edit::DeleteFlow { .. }
            | Edit::DeleteJob { .. }
            | Edit::Delete { .. } => {}
        }
    }
    directories
}

fn find(engine: &Engine, flow: &FlowRef) -> Option<FlowId> {
    match flow {
        FlowRef::Id(id) => Some(*id),
        FlowRef::Name(name) => engine.find_flow(name).map(|flow| flow.id),
    }
}

fn directory_of(draft: &DefinitionDraft) -> &str {
    match draft {
        DefinitionDraft::Schedule(it) => &it.directory,
        DefinitionDraft::Calendar(it) => &it.directory,
        DefinitionDraft::Pool(it) => &it.directory,
        DefinitionDraft::Param(it) => &it.directory,
        DefinitionDraft::DataSource(it) => &it.directory,
        DefinitionDraft::FileServer(it) => &it.directory,
        DefinitionDraft::FileEvent(it) => &it.directory,
        DefinitionDraft::AlertChannel(it) => &it.directory,
        DefinitionDraft::AlertRule(it) => &it.directory,
        DefinitionDraft::Webhook(it) => &it.directory,
    }
}
