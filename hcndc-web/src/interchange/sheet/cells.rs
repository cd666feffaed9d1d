//! What a definition says in each column of a sheet.

use std::collections::BTreeMap;

use hcndc_core::{
    engine::Engine,
    id::{FlowId, JobId},
    model::{Flow, Job, JobParam, Placement},
};

use super::{SheetColumn, value::is_ambiguous};

/// What rows of the same sheet are called.
#[derive(Debug, Clone, Copy)]
pub(super) enum Naming<'a, Id> {
    /// By their numbers; others by name, or by id where a name would be taken for something else.
    Numbers(&'a BTreeMap<Id, u32>),
    /// All by name, for people.
    Names,
}

impl<Id: Ord + Copy> Naming<'_, Id> {
    fn number(self, id: Id) -> Option<u32> {
        match self {
            Self::Numbers(numbers) => numbers.get(&id).copied(),
            Self::Names => None,
        }
    }

    /// How a definition is named where ids and names stand.
    fn name(self, name: String, id: u64) -> String {
        match self {
            Self::Numbers(_) if is_ambiguous(&name) => id.to_string(),
            Self::Numbers(_) | Self::Names => name,
        }
    }
}

/// What a flow says in a column.
pub(super) fn of_flow(
    engine: &Engine,
    flow: &Flow,
    column: SheetColumn,
    naming: Naming<'_, FlowId>,
) -> String {
    match column {
        SheetColumn::Number => naming
            .number(flow.id)
            .map_or_else(String::new, |it| it.to_string()),
        SheetColumn::Name => flow.name.clone(),
        SheetColumn::Description => flow.description.clone(),
        SheetColumn::Directory => flow.directory.clone(),
        SheetColumn::DataDate => {
            let date = engine.data_date(flow.id);
            date.map_or_else(String::new, |date| date.to_string())
        }
        SheetColumn::Retries => flow.restart_retries.to_string(),
        SheetColumn::DependsOnNumbers => {
            let numbers = flow.parents.iter().filter_map(|id| naming.number(*id));
            joined(numbers)
        }
        SheetColumn::DependsOnIds => {
            let parents = flow.parents.iter().copied();
            let outside = parents.filter(|id| naming.number(*id).is_none());
            let parents = outside.filter_map(|id| engine.flow(id));
            joined(parents.map(|it| naming.name(it.name.clone(), it.id.0)))
        }
        SheetColumn::Flow
        | SheetColumn::Executor
        | SheetColumn::Workdir
        | SheetColumn::Command
        | SheetColumn::Params
        | SheetColumn::SuccessCodes => String::new(),
    }
}

/// What a job says in a column.
pub(super) fn of_job(
    engine: &Engine,
    job: &Job,
    column: SheetColumn,
    naming: Naming<'_, JobId>,
) -> String {
    let flow = engine.flow(job.flow);
    match column {
        SheetColumn::Number => naming
            .number(job.id)
            .map_or_else(String::new, |it| it.to_string()),
        SheetColumn::Flow => flow.map_or_else(String::new, |flow| {
            naming.name(flow.name.clone(), flow.id.0)
        }),
        SheetColumn::Name => job.name.clone(),
        SheetColumn::Description => job.description.clone(),
        SheetColumn::Executor => match &job.placement {
            Placement::Executor(id) => engine
                .executor(*id)
                .map_or_else(String::new, |it| naming.name(it.name.clone(), it.id.0)),
            Placement::Any | Placement::Labels(_) => String::new(),
        },
        SheetColumn::Directory => flow.map_or_else(String::new, |flow| flow.directory.clone()),
        SheetColumn::Workdir => job.workdir.clone(),
        SheetColumn::Command => job.command.clone(),
        SheetColumn::DependsOnNumbers => {
            let ties = job.dependencies.iter();
            joined(once(ties.filter_map(|tie| naming.number(tie.job))))
        }
        SheetColumn::DependsOnIds => {
            let ties = job.dependencies.iter().map(|tie| tie.job);
            let outside = ties.filter(|id| naming.number(*id).is_none());
            let jobs = outside.filter_map(|id| engine.job(id));
            let names = jobs.map(|it| {
                let flow = engine.flow(it.flow).map_or("", |flow| &*flow.name);
                naming.name(format!("{flow}/{}", it.name), it.id.0)
            });
            joined(once(names))
        }
        SheetColumn::Params => {
            let shared = job.params.iter().filter_map(|param| match param {
                JobParam::Own(_) | JobParam::Output { .. } => None,
                JobParam::Shared { shared } => engine.param(*shared),
            });
            joined(shared.map(|it| naming.name(it.name.clone(), it.id.0)))
        }
        SheetColumn::SuccessCodes => joined(job.success_codes.iter().copied()),
        SheetColumn::DataDate | SheetColumn::Retries => String::new(),
    }
}

/// Items without those that are like the one before: a job may wait for several dates of another.
fn once<T: PartialEq>(items: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    let mut items: Vec<T> = items.collect();
    items.dedup();
    items.into_iter()
}

fn joined(items: impl Iterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    items.join(",")
}
