//! Rows of jobs.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use hcndc_core::{
    engine::Engine,
    id::{ExecutorId, FlowId, JobId, ParamId},
    model::{
        Condition, DefinitionError, DependencyDraft, Flow, FlowRef, Job, JobDraft, JobKindDraft,
        JobParam, JobParamDraft, JobRef, Placement, PlacementDraft, Ref,
    },
};

use super::{
    SheetColumn as Column, SheetProblem,
    drafts::{of_dependency, of_job, of_param},
    faults::Faults,
    flows::unknown,
    header::shorten,
    row::{NameSearch, Numbers, View},
    value,
};
use crate::interchange::{Noun, near::NearBudget};

/// What rows make of jobs.
#[derive(Debug, Default)]
pub(super) struct JobRows {
    /// A draft each, with its row and the name of its flow; without those that have no flow or no name of their own.
    pub(super) drafts: Vec<(u32, String, JobDraft)>,
    /// Rows with another directory than their flow's.
    pub(super) directories: usize,
}

/// Names of what there is, also for those who miswrite one.
struct Known<'a> {
    flows: NameSearch<'a>,
    executors: NameSearch<'a>,
    executor_ids: HashMap<&'a str, ExecutorId>,
    params: NameSearch<'a>,
    /// By their flows.
    jobs: BTreeMap<FlowId, Vec<&'a str>>,
    budget: NearBudget,
}

pub(super) fn read(engine: &Engine, rows: &[View<'_>], faults: &mut Faults<'_>) -> JobRows {
    let numbers = Numbers::read(rows, faults);
    let known = Known {
        flows: NameSearch::new(engine.flows().map(|it| &*it.name)),
        executors: NameSearch::new(engine.executors().map(|it| &*it.name)),
        executor_ids: engine.executors().map(|it| (&*it.name, it.id)).collect(),
        params: NameSearch::new(engine.params().map(|it| &*it.name)),
        jobs: names_of_jobs(engine),
        budget: NearBudget::new(),
    };
    let mut seen = HashMap::<(FlowId, &str), u32>::new();
    let mut made = JobRows::default();
    for view in rows {
        let row = view.number();
        let flow = flow_of(engine, view);
        if flow.is_none() {
            let text = view.trimmed(Column::Flow);
            let problem = match text.is_empty() {
                true => SheetProblem::EmptyCell,
                false => unknown(Noun::Flow, text, known.flows.nearest(text)),
            };
            faults.tell_if_new(row, Column::Flow, problem);
        }
        let name = view.trimmed(Column::Name);
        if name.is_empty() {
            faults.tell_if_new(row, Column::Name, SheetProblem::EmptyCell);
        }
        let Some(flow) = flow.filter(|_| !name.is_empty()) else {
            // What else is wrong with it is told all the same.
            let draft = JobDraft::new(FlowRef::Name(String::new()), name, "");
            fill(engine, view, None, draft, &numbers, &known, faults);
            continue;
        };
        if let Some(&first) = seen.get(&(flow.id, name)) {
            let name = shorten(&format!("{}/{name}", flow.name));
            faults.tell(row, Column::Name, SheetProblem::NameTwice { name, first });
            continue;
        }
        seen.insert((flow.id, name), row);
        let old = engine.find_job(flow.id, name);
        let draft = match old {
            Some(job) => of_job(job),
            None => JobDraft::new(FlowRef::Id(flow.id), name, ""),
        };
        if let Some(text) = view.filled(Column::Directory)
            && value::directory(text) != flow.directory
        {
            made.directories += 1;
        }
        let draft = fill(
            engine,
            view,
            old.map(|job| &**job),
            draft,
            &numbers,
            &known,
            faults,
        );
        made.drafts.push((row, flow.name.clone(), draft));
    }
    made
}

/// The flow that a row names, by id or by name.
fn flow_of<'e>(engine: &'e Engine, view: &View<'_>) -> Option<&'e Arc<Flow>> {
    let text = view.trimmed(Column::Flow);
    let id = value::whole(text).and_then(|id| engine.flow(FlowId(id)));
    id.or_else(|| engine.find_flow(text))
}

/// A draft with all that a row says.
fn fill(
    engine: &Engine,
    view: &View<'_>,
    old: Option<&Job>,
    mut draft: JobDraft,
    numbers: &Numbers<'_, '_>,
    known: &Known<'_>,
    faults: &mut Faults<'_>,
) -> JobDraft {
    let row = view.number();
    if let Some(text) = view.text(Column::Description) {
        text.clone_into(&mut draft.description);
    }
    if let Some(text) = view.text(Column::Workdir) {
        text.clone_into(&mut draft.workdir);
    }
    if let Some(text) = view.text(Column::Command) {
        text.clone_into(&mut draft.command);
    }
    if draft.kind == JobKindDraft::Shell && draft.command.trim().is_empty() {
        faults.tell_if_new(row, Column::Command, SheetProblem::EmptyCell);
    }
    if let Some(text) = view.text(Column::Executor) {
        draft.placement = placement(engine, view, text.trim(), old, known, faults);
    }
    if let Some(text) = view.text(Column::SuccessCodes) {
        draft.success_codes = success_codes(view, text, faults);
    }
    if view.has(Column::Params) {
        draft.params = params(engine, view, old, known, faults);
    }
    if view.has(Column::DependsOnNumbers) || view.has(Column::DependsOnIds) {
        draft.dependencies = dependencies(engine, view, old, numbers, known, faults);
    }
    draft
}

/// Where a job runs. An empty cell leaves labels alone, which no cell can say.
fn placement(
    engine: &Engine,
    view: &View<'_>,
    text: &str,
    old: Option<&Job>,
    known: &Known<'_>,
    faults: &mut Faults<'_>,
) -> PlacementDraft {
    if text.is_empty() {
        return match old.map(|job| &job.placement) {
            Some(Placement::Labels(labels)) => PlacementDraft::Labels(labels.clone()),
            Some(Placement::Any | Placement::Executor(_)) | None => PlacementDraft::Any,
        };
    }
    let id = value::whole(text).and_then(|id| engine.executor(ExecutorId(id)));
    let id = id.map(|executor| executor.id);
    match id.or_else(|| known.executor_ids.get(text).copied()) {
        Some(id) => PlacementDraft::Executor(Ref::Id(id)),
        None => {
            let near = known.executors.nearest(text);
            let problem = unknown(Noun::Executor, text, near);
            faults.tell(view.number(), Column::Executor, problem);
            PlacementDraft::Any
        }
    }
}

/// Exit codes that mean success; 0 alone if the cell is empty.
fn success_codes(view: &View<'_>, text: &str, faults: &mut Faults<'_>) -> Vec<u8> {
    let mut codes = Vec::new();
    for item in value::items(text).flat_map(str::split_whitespace) {
        let Some(number) = value::whole(item) else {
            let text = shorten(item);
            let problem = SheetProblem::NotANumber { text };
            faults.tell(view.number(), Column::SuccessCodes, problem);
            continue;
        };
        match u8::try_from(number) {
            Ok(code) => codes.push(code),
            Err(_) => {
                let error = DefinitionError::OutOfRange {
                    value: i64::try_from(number).unwrap_or(i64::MAX),
                    min: 0,
                    max: u8::MAX.into(),
                };
                let problem = SheetProblem::Definition(error);
                faults.tell(view.number(), Column::SuccessCodes, problem);
            }
        }
    }
    if codes.is_empty() {
        codes.push(0);
    }
    codes
}

/// The shared params of a job, behind those of its own, which no cell can say.
fn params(
    engine: &Engine,
    view: &View<'_>,
    old: Option<&Job>,
    known: &Known<'_>,
    faults: &mut Faults<'_>,
) -> Vec<JobParamDraft> {
    let column = Column::Params;
    let find = |text: &str| {
        let id = value::whole(text).and_then(|id| engine.param(ParamId(id)));
        id.or_else(|| engine.find_param(text)).map(|it| it.id)
    };
    let (mut wanted, missing) = view.references(column, find);
    for text in missing {
        let problem = unknown(Noun::SharedParam, text, known.params.nearest(text));
        faults.tell(view.number(), column, problem);
    }
    let mut seen = BTreeSet::new();
    wanted.retain(|id| seen.insert(*id));
    let old = old.map(|job| &*job.params).unwrap_or_default();
    let shared = old.iter().filter_map(|param| match param {
        JobParam::Own(_) | JobParam::Output { .. } => None,
        JobParam::Shared { shared } => Some(*shared),
    });
    let shared: Vec<ParamId> = shared.collect();
    let draft = |id: ParamId| JobParamDraft::Shared {
        shared: Ref::Id(id),
    };
    // In the same order: then those between them stay where they are.
    let same = shared == wanted;
    let kept = old.iter().filter_map(|param| match param {
        JobParam::Own(_) | JobParam::Output { .. } => Some(of_param(param)),
        JobParam::Shared { shared } => same.then(|| draft(*shared)),
    });
    let new = wanted.iter().copied().filter(|_| !same).map(draft);
    kept.chain(new).collect()
}

/// What a job waits for. Conditions, dates and limits of waiting that there are stay: no cell can say them.
fn dependencies(
    engine: &Engine,
    view: &View<'_>,
    old: Option<&Job>,
    numbers: &Numbers<'_, '_>,
    known: &Known<'_>,
    faults: &mut Faults<'_>,
) -> Vec<DependencyDraft> {
    let row = view.number();
    let old_ties = old.map(|job| &*job.dependencies).unwrap_or_default();
    let mut drafts = Vec::<DependencyDraft>::new();
    let mut seen = BTreeSet::new();
    let mut wait = |job: JobRef, id: Option<JobId>, own: bool, column, faults: &mut Faults<'_>| {
        if !seen.insert(job.clone()) {
            return;
        }
        let kept = old_ties.iter().filter(|tie| Some(tie.job) == id);
        let kept: Vec<DependencyDraft> = kept.map(of_dependency).collect();
        if kept.is_empty() && own {
            faults.tell(row, column, SheetProblem::OwnDependency);
            return;
        }
        match kept.is_empty() {
            true => drafts.push(DependencyDraft::new(job, Condition::Success)),
            false => drafts.extend(kept),
        }
    };
    for other in numbers.rows(view, faults) {
        let name = other.trimmed(Column::Name);
        // A row without a flow or a name is a fault of its own.
        let Some(flow) = flow_of(engine, other).filter(|_| !name.is_empty()) else {
            continue;
        };
        let there = engine.find_job(flow.id, name).map(|job| job.id);
        let job = match there {
            Some(id) => JobRef::Id(id),
            None => JobRef::Name {
                flow: flow.name.clone(),
                job: name.to_owned(),
            },
        };
        let own = other.number() == row;
        wait(job, there, own, Column::DependsOnNumbers, faults);
    }
    let column = Column::DependsOnIds;
    let find = |text: &str| find_job(engine, text);
    let (found, missing) = view.references(column, find);
    for id in found {
        let own = old.is_some_and(|job| job.id == id);
        wait(JobRef::Id(id), Some(id), own, column, faults);
    }
    for text in missing {
        let near = known.near_job(engine, text);
        faults.tell(row, column, unknown(Noun::Job, text, near));
    }
    drafts
}

/// A job by its id, or as `flow/job`.
fn find_job(engine: &Engine, text: &str) -> Option<JobId> {
    let id = value::whole(text).and_then(|id| engine.job(JobId(id)));
    let named = || {
        let (flow, job) = text.split_once('/')?;
        let flow = engine.find_flow(flow.trim())?;
        engine.find_job(flow.id, job.trim())
    };
    id.or_else(named).map(|job| job.id)
}

/// Jobs of a flow among which a near name is looked for, at most.
const MOST_COMPARED: usize = 1_000;

fn names_of_jobs(engine: &Engine) -> BTreeMap<FlowId, Vec<&str>> {
    let mut names = BTreeMap::<_, Vec<_>>::new();
    for job in engine.jobs() {
        names.entry(job.flow).or_default().push(&*job.name);
    }
    names
}

impl Known<'_> {
    /// The job of the flow that is named whose name is nearest.
    fn near_job(&self, engine: &Engine, text: &str) -> Option<String> {
        let (flow, name) = text.split_once('/')?;
        let flow = engine.find_flow(flow.trim())?;
        let names = self.jobs.get(&flow.id)?.iter().copied();
        let near = self
            .budget
            .nearest(name.trim(), names.take(MOST_COMPARED))?;
        Some(format!("{}/{near}", flow.name))
    }
}
