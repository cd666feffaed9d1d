//! From a mesh file to edits: what the engine is asked to put so that it holds what the file says.

pub(super) mod nouns;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use hcndc_core::{
    engine::Engine,
    id::{ExecutorId, FlowId, JobId},
    model::{
        CalendarRef, Condition, DependencyDraft, Edit, ExecutorDraft, ExecutorRef, FlowDraft,
        FlowRef, JobDraft, JobParamDraft, JobRef, OutputSourceDraft, Param, ParamRef,
        PlacementDraft, PoolRef, Retry,
    },
};

use self::nouns::ExistingNouns;
use super::{
    DependencyCondition, JobDependency, JobIndex, MeshFile, MeshFlow, MeshJob, MeshParamValue,
    MeshParams, OutputJob, TextMap,
};

/// Ids of the definitions that an engine has, by name: what a file replaces instead of making it anew.
#[derive(Clone, Debug, Default)]
pub struct Existing {
    flows: HashMap<String, FlowId>,
    jobs: HashMap<(FlowId, String), JobId>,
    executors: HashMap<String, ExecutorId>,
    nouns: ExistingNouns,
}

impl Existing {
    /// All that the engine has.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        Self {
            flows: engine
                .flows()
                .map(|flow| (flow.name.clone(), flow.id))
                .collect(),
            jobs: engine
                .jobs()
                .map(|job| ((job.flow, job.name.clone()), job.id))
                .collect(),
            executors: engine
                .executors()
                .map(|it| (it.name.clone(), it.id))
                .collect(),
            nouns: ExistingNouns::of(engine),
        }
    }
}

/// Slots of an executor of whose slots the file says nothing.
const DEFAULT_SLOTS: u32 = 8;

/// Edits that put all that a checked file says, and delete nothing.
///
/// Relative working directories count from `base` when it is given, and so do jobs that name none; else from the
/// executor's own directory.
#[must_use]
pub fn edits(file: &MeshFile, base: Option<&Path>, existing: &Existing) -> Vec<Edit> {
    let index = JobIndex::new(file);
    let mut edits = nouns::edits(file, &existing.nouns);
    for executor in &file.executors {
        edits.push(Edit::PutExecutor(ExecutorDraft {
            id: existing.executors.get(&executor.name).copied(),
            version: None,
            name: executor.name.clone(),
            description: executor.description.clone().unwrap_or_default(),
            address: executor.address.clone(),
            labels: to_map(&executor.labels),
            slots: executor.slots.unwrap_or(DEFAULT_SLOTS),
            enabled: executor.enabled,
        }));
    }
    for (at, flow) in file.flows.iter().enumerate() {
        let id = existing.flows.get(&flow.name).copied();
        edits.push(Edit::PutFlow(flow_draft(file, flow, id, base)));
        for job in &flow.jobs {
            let id = id.and_then(|flow| existing.jobs.get(&(flow, job.name.clone())).copied());
            let dependencies = job.depends_on.iter();
            let dependencies = dependencies
                .map(|it| dependency_draft(file, &index, at, it))
                .collect();
            let params = job_params(&job.params, |job| {
                named_job(file, &index, at, &job.to_name())
            });
            edits.push(Edit::PutJob(job_draft(
                file,
                flow,
                job,
                id,
                base,
                dependencies,
                params,
            )));
        }
    }
    edits
}

fn flow_draft(
    file: &MeshFile,
    flow: &MeshFlow,
    id: Option<FlowId>,
    base: Option<&Path>,
) -> FlowDraft {
    FlowDraft {
        id,
        directory: flow.directory.clone(),
        description: flow.description.clone().unwrap_or_default(),
        owner: flow.owner.clone().unwrap_or_default(),
        enabled: flow.enabled,
        priority: flow.priority,
        parents: flow
            .parents
            .iter()
            .map(|name| FlowRef::Name(name.clone()))
            .collect(),
        params: overlay(&file.params, &flow.params),
        env: to_map(&file.env)
            .into_iter()
            .chain(to_map(&flow.env))
            .collect(),
        workdir: based(base, flow.workdir.as_deref().unwrap_or_default()),
        max_runs: flow.max_runs,
        timeout: flow.timeout.map(super::Span::duration),
        restart_retries: flow.restart_retries,
        restart_delay: flow.restart_delay.duration(),
        calendar: flow.calendar.clone().map(CalendarRef::Name),
        ..FlowDraft::new(flow.name.clone())
    }
}

fn job_draft(
    file: &MeshFile,
    flow: &MeshFlow,
    job: &MeshJob,
    id: Option<JobId>,
    base: Option<&Path>,
    dependencies: Vec<DependencyDraft>,
    params: Vec<JobParamDraft>,
) -> JobDraft {
    let placement = match &job.executor {
        Some(name) => PlacementDraft::Executor(ExecutorRef::Name(name.clone())),
        None if job.labels.is_empty() => PlacementDraft::Any,
        None => PlacementDraft::Labels(to_map(&job.labels)),
    };
    let retry = file.retry_of(job).map(|retry| Retry {
        max: retry.max,
        delay: retry.delay.duration(),
        backoff_permille: retry.backoff_permille(),
        cap: retry.cap.map(super::Span::duration),
    });
    JobDraft {
        id,
        description: job.description.clone().unwrap_or_default(),
        enabled: job.enabled,
        priority: job.priority,
        dependencies,
        placement,
        slots: job.slots,
        params,
        env: to_map(&job.env),
        workdir: job
            .workdir
            .as_deref()
            .map(|workdir| based(base, workdir))
            .unwrap_or_default(),
        success_codes: job.success_codes.clone(),
        retry: retry.unwrap_or_default(),
        timeout: file.timeout_of(job).map(super::Span::duration),
        pool: job.pool.clone().map(PoolRef::Name),
        pool_slots: job.pool_slots,
        expected: job.expected.map(super::Span::duration),
        kind: job.work().kind(),
        ..JobDraft::new(
            FlowRef::Name(flow.name.clone()),
            job.name.clone(),
            job.command.clone(),
        )
    }
}

/// Params of a job, as the engine takes them, by what the names of jobs mean to it.
pub(crate) fn job_params(
    params: &MeshParams,
    find_job: impl Fn(&OutputJob) -> JobRef,
) -> Vec<JobParamDraft> {
    let drafts = params.iter().map(|(name, value)| {
        let name = name.to_owned();
        match value {
            MeshParamValue::Text(value) => {
                let value = value.clone();
                JobParamDraft::Own(Param { name, value })
            }
            MeshParamValue::Shared => JobParamDraft::Shared {
                shared: ParamRef::Name(name),
            },
            MeshParamValue::Output(output) => JobParamDraft::Output {
                output: OutputSourceDraft {
                    job: find_job(&output.job),
                    name: output.name.clone().unwrap_or_else(|| name.clone()),
                    default: output.default.clone(),
                },
                name,
            },
        }
    });
    drafts.collect()
}

/// The job that a name means to a job of the flow at `flow`; in a checked file there is one.
fn dependency_draft(
    file: &MeshFile,
    index: &JobIndex<'_>,
    flow: usize,
    dependency: &JobDependency,
) -> DependencyDraft {
    let condition = match dependency.on {
        DependencyCondition::Success => Condition::Success,
        DependencyCondition::Failure => Condition::Failure,
        DependencyCondition::Done => Condition::Done,
    };
    DependencyDraft {
        job: named_job(file, index, flow, &dependency.job),
        condition,
        offset_days: dependency.offset_days,
        wait_limit: dependency.wait_limit.map(super::Span::duration),
    }
}

/// The job that a name means to a job of the flow at `flow`.
fn named_job(file: &MeshFile, index: &JobIndex<'_>, flow: usize, name: &str) -> JobRef {
    let (flow, job) = match index.find_job(flow, name) {
        Some((flow, job)) => (&file.flows[flow].name, &*file.flows[flow].jobs[job].name),
        None => (&file.flows[flow].name, name),
    };
    JobRef::Name {
        flow: flow.clone(),
        job: job.to_owned(),
    }
}

/// A working directory that counts from `base`. One that starts with a placeholder may turn out absolute, and is left to
/// the executor.
fn based(base: Option<&Path>, workdir: &str) -> String {
    match base {
        Some(base) if !workdir.starts_with("${") => {
            let joined = if workdir.is_empty() {
                base.to_path_buf()
            } else {
                base.join(workdir)
            };
            joined.to_string_lossy().into_owned()
        }
        _ => workdir.to_owned(),
    }
}

fn to_map(texts: &TextMap) -> BTreeMap<String, String> {
    texts
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn to_params(texts: &TextMap) -> Vec<Param> {
    let pairs = texts.iter();
    pairs
        .map(|(name, value)| Param {
            name: name.to_owned(),
            value: value.to_owned(),
        })
        .collect()
}

/// The first list, with values of the second where it has the same name, and then the rest of the second.
fn overlay(below: &TextMap, above: &TextMap) -> Vec<Param> {
    let mut params = to_params(below);
    for param in to_params(above) {
        match params.iter_mut().find(|it| it.name == param.name) {
            Some(it) => it.value = param.value,
            None => params.push(param),
        }
    }
    params
}

#[cfg(test)]
mod tests {
    use hcndc_core::{
        engine::{EditBatch, Input},
        time::Timestamp,
    };

    use super::*;
    use crate::interchange::parse_mesh;

    const TEXT: &str = "
hcndc: 1
params: {out: out, day: '1'}
env: {LC_ALL: C}
defaults: {timeout: 10m, retry: {max: 2, delay: 1s, backoff: 1.5}}
flows:
  - name: a
    params: {day: '2'}
    jobs:
      - {name: x, command: 'true'}
      - {name: b/x, command: 'true', workdir: sub}
  - name: b
    parents: [a]
    workdir: /srv
    jobs:
      - {name: x, command: 'true', depends_on: [a/x, {job: a/b/x, on: done}]}
";

    fn apply(engine: &mut Engine) -> Vec<Edit> {
        let mesh = parse_mesh("mesh.yaml", TEXT.as_bytes(), &[]).unwrap();
        let edits = edits(&mesh.file, Some(Path::new("/base")), &Existing::of(engine));
        let batch = EditBatch {
            by: "test".into(),
            edits: edits.clone(),
        };
        engine
            .apply(Timestamp::from_micros(0), Input::Edit(batch))
            .unwrap();
        edits
    }

    #[test]
    fn a_file_becomes_definitions_with_defaults_and_bases_resolved() {
        let mut engine = Engine::default();
        apply(&mut engine);
        let a = engine.find_flow("a").unwrap().clone();
        assert_eq!(a.workdir, "/base");
        let params: Vec<_> = a
            .params
            .iter()
            .map(|it| (it.name.as_str(), it.value.as_str()))
            .collect();
        assert_eq!(params, [("out", "out"), ("day", "2")]);
        let odd = engine.find_job(a.id, "b/x").unwrap();
        assert_eq!(
            (odd.workdir.as_str(), odd.retry.backoff_permille),
            ("/base/sub", 1500)
        );
        let b = engine.find_flow("b").unwrap();
        assert_eq!(b.workdir, "/srv");
        let x = engine.find_job(b.id, "x").unwrap();
        assert_eq!(x.dependencies.len(), 2);
        assert!(
            x.dependencies
                .iter()
                .any(|it| it.job == odd.id && it.condition == Condition::Done)
        );
    }

    /// All of the format, as far as jobs may use it.
    const WHOLE: &str = include_str!("../../tests/data/whole.yaml");

    fn apply_whole(engine: &mut Engine) {
        let mesh = parse_mesh("whole.yaml", WHOLE.as_bytes(), &["day"]).unwrap();
        let edits = edits(&mesh.file, None, &Existing::of(engine));
        let by = "test".into();
        let batch = Input::Edit(EditBatch { by, edits });
        engine.apply(Timestamp::from_micros(0), batch).unwrap();
    }

    #[test]
    fn all_that_a_file_says_is_there() {
        let mut engine = Engine::default();
        apply_whole(&mut engine);
        let load = engine.find_flow("load").unwrap().clone();
        assert_eq!((load.max_runs, load.restart_retries), (Some(2), 3));
        let merge = engine.find_job(load.id, "merge").unwrap();
        let pool = engine.find_pool("warehouse").unwrap();
        assert_eq!((merge.pool, merge.pool_slots), (Some(pool.id), 2));
        let before = merge.dependencies.iter().find(|it| it.job == merge.id);
        let before = before.unwrap();
        assert_eq!(before.offset_days, -1);
        assert_eq!(
            before.wait_limit,
            Some(std::time::Duration::from_secs(14_400))
        );
        let names: Vec<_> = engine.schedules().map(|it| &*it.name).collect();
        assert_eq!(
            names,
            [
                "nightly", "quartz", "often", "hourly", "month", "payday", "mid", "some",
                "arrived", "reached"
            ]
        );
        let nightly = engine.find_schedule("nightly").unwrap();
        assert_eq!(nightly.zone, chrono_tz::Europe::Berlin);
        assert_eq!(nightly.alerts.len(), 2);
        let month = engine.find_schedule("month").unwrap();
        assert_eq!(month.zone, chrono_tz::Asia::Shanghai);
        let dw = engine.find_data_source("dw").unwrap();
        assert_eq!(dw.password.reveal(), "s3cret");
        assert_eq!(engine.other_definitions().count(), 29);
    }

    #[test]
    fn what_a_file_does_not_say_of_secrets_stays() {
        let mut engine = Engine::default();
        apply_whole(&mut engine);
        let before = engine.snapshot();
        let silent = WHOLE
            .replace("password: \"s3cret\"", "")
            .replace(", secret: \"s3cret\"", "");
        let mesh = parse_mesh("m.yaml", silent.as_bytes(), &["day"]).unwrap();
        let edits = edits(&mesh.file, None, &Existing::of(&engine));
        let by = "test".into();
        let batch = Input::Edit(EditBatch { by, edits });
        engine.apply(Timestamp::from_micros(1), batch).unwrap();
        assert_eq!(engine.snapshot(), before);
    }

    #[test]
    fn the_same_file_again_changes_nothing() {
        let mut engine = Engine::default();
        apply(&mut engine);
        apply_whole(&mut engine);
        let before = engine.snapshot();
        apply(&mut engine);
        apply_whole(&mut engine);
        assert_eq!(engine.snapshot(), before);
    }
}
