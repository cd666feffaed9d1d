//! From definitions back to a mesh file: what [`edits`](super::edits) puts, read the other way round.

mod nouns;

pub(super) use self::nouns::one;

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    engine::Engine,
    id::FlowId,
    model::{
        Condition, DataSourceRef, Dependency, Executor, Flow, Job, JobParam, Param, Placement,
        Retry,
    },
};

use super::{
    DependencyCondition, JobDependency, JobRetry, MeshExecutor, MeshFile, MeshFlow, MeshJob,
    MeshOutput, MeshParamValue, MeshWork, OutputJob, Span, TextMap,
};

/// Why there is no mesh file of some definitions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A job depends on a job of another flow whose name, written as `flow/job`, is that of a job of its own flow.
    #[error(
        "{job}: a dependency on {dependency} cannot be written, since a job of its own flow has that very name; rename one of them"
    )]
    Ambiguous {
        /// The job that depends, as `flow/job`.
        job: String,
        /// What it depends on.
        dependency: String,
    },
    /// A text is longer than a cell of a workbook may be.
    #[error(
        "{name}: a text of {length} characters is longer than a cell of a workbook may be; take csv"
    )]
    TooLong {
        /// The definition; a job as `flow/job`.
        name: String,
        /// Characters of the text.
        length: usize,
    },
}

/// All definitions of an engine as a mesh file, by kind and in the order in which they were made. Secrets are left out:
/// whoever puts the file keeps those that there are. Durations are told to the millisecond, rounded up.
///
/// Read it back with [`parse_exported`](super::parse_exported).
///
/// # Errors
/// [`ExportError`], for what no file can say.
pub fn export(engine: &Engine) -> Result<MeshFile, ExportError> {
    let mut jobs = BTreeMap::<FlowId, Vec<&Job>>::new();
    for job in engine.jobs() {
        jobs.entry(job.flow).or_default().push(job);
    }
    let flows = engine.flows().map(|it| {
        let jobs = jobs.get(&it.id).into_iter().flatten();
        let jobs = jobs.map(|it| job(engine, it));
        Ok(MeshFlow {
            jobs: jobs.collect::<Result<_, _>>()?,
            ..flow(engine, it)
        })
    });
    let mut file = MeshFile::of_flows(flows.collect::<Result<_, _>>()?);
    file.executors = engine.executors().map(|it| executor(it)).collect();
    nouns::add(engine, &mut file);
    Ok(file)
}

fn executor(it: &Executor) -> MeshExecutor {
    MeshExecutor {
        name: it.name.clone(),
        address: it.address.clone(),
        labels: texts(&it.labels),
        slots: Some(it.slots),
        enabled: it.enabled,
        description: said(&it.description),
    }
}

fn flow(engine: &Engine, it: &Flow) -> MeshFlow {
    let parents = it.parents.iter();
    let parents = parents.filter_map(|id| engine.flow(*id));
    let calendar = it.calendar.and_then(|id| engine.calendar(id));
    MeshFlow {
        description: said(&it.description),
        directory: it.directory.clone(),
        parents: parents.map(|flow| flow.name.clone()).collect(),
        enabled: it.enabled,
        priority: it.priority,
        owner: said(&it.owner),
        params: params(&it.params),
        env: texts(&it.env),
        workdir: said(&it.workdir),
        max_runs: it.max_runs,
        timeout: it.timeout.map(span),
        restart_retries: it.restart_retries,
        restart_delay: span(it.restart_delay),
        calendar: calendar.map(|it| it.name.clone()),
        ..MeshFlow::named(&it.name)
    }
}

fn job(engine: &Engine, it: &Job) -> Result<MeshJob, ExportError> {
    let dependencies = it.dependencies.iter();
    let dependencies = dependencies.filter_map(|tie| dependency(engine, it, tie).transpose());
    let params = it.params.iter().filter_map(|param| match param {
        JobParam::Own(param) => {
            let value = MeshParamValue::Text(param.value.clone());
            Some(Ok((param.name.clone(), value)))
        }
        JobParam::Shared { shared } => {
            let shared = engine.param(*shared)?;
            Some(Ok((shared.name.clone(), MeshParamValue::Shared)))
        }
        JobParam::Output { name, output } => {
            let other = engine.job(output.job)?;
            Some(name_for(engine, it, other).map(|job| {
                let value = MeshOutput {
                    job: OutputJob::Name(job),
                    name: (output.name != *name).then(|| output.name.clone()),
                    default: output.default.clone(),
                };
                (name.clone(), MeshParamValue::Output(value))
            }))
        }
    });
    let params = params.collect::<Result<_, ExportError>>()?;
    let (executor, labels) = match &it.placement {
        Placement::Any => (None, TextMap::default()),
        Placement::Executor(id) => (engine.executor(*id), TextMap::default()),
        Placement::Labels(labels) => (None, texts(labels)),
    };
    let pool = it.pool.and_then(|id| engine.pool(id));
    let MeshWork { http, sql, kettle } = work(engine, it);
    Ok(MeshJob {
        http,
        sql,
        kettle,
        description: said(&it.description),
        workdir: said(&it.workdir),
        depends_on: dependencies.collect::<Result<_, _>>()?,
        params,
        env: texts(&it.env),
        success_codes: it.success_codes.clone(),
        retry: (it.retry != Retry::default()).then(|| retry(it.retry)),
        timeout: it.timeout.map(span),
        priority: it.priority,
        slots: it.slots,
        executor: executor.map(|executor| executor.name.clone()),
        labels,
        pool: pool.map(|pool| pool.name.clone()),
        pool_slots: it.pool_slots,
        expected: it.expected.map(span),
        enabled: it.enabled,
        ..MeshJob::new(&it.name, &it.command)
    })
}

/// What a job does in the place of a command, with its data source by name.
pub(crate) fn work(engine: &Engine, it: &Job) -> MeshWork {
    // What jobs need is not deleted.
    let kind = it.kind.with_source(|id| {
        let source = engine.data_source(*id)?;
        Some(DataSourceRef::Name(source.name.clone()))
    });
    kind.map(|kind| MeshWork::of(&kind)).unwrap_or_default()
}

fn retry(retry: Retry) -> JobRetry {
    JobRetry {
        max: retry.max,
        delay: span(retry.delay),
        backoff: f64::from(retry.backoff_permille) / 1_000.0,
        cap: retry.cap.map(span),
    }
}

/// `None` for a job that is gone, which no job can depend on.
fn dependency(
    engine: &Engine,
    job: &Job,
    tie: &Dependency,
) -> Result<Option<JobDependency>, ExportError> {
    let Some(other) = engine.job(tie.job) else {
        return Ok(None);
    };
    Ok(Some(JobDependency {
        job: name_for(engine, job, other)?,
        on: match tie.condition {
            Condition::Success => DependencyCondition::Success,
            Condition::Failure => DependencyCondition::Failure,
            Condition::Done => DependencyCondition::Done,
        },
        offset_days: tie.offset_days,
        wait_limit: tie.wait_limit.map(span),
    }))
}

/// What a job calls another one.
fn name_for(engine: &Engine, job: &Job, other: &Job) -> Result<String, ExportError> {
    let flow_name = |flow| engine.flow(flow).map_or("", |flow| &*flow.name);
    if other.flow == job.flow {
        return Ok(other.name.clone());
    }
    let name = format!("{}/{}", flow_name(other.flow), other.name);
    if engine.find_job(job.flow, &name).is_some() {
        return Err(ExportError::Ambiguous {
            job: format!("{}/{}", flow_name(job.flow), job.name),
            dependency: name,
        });
    }
    Ok(name)
}

/// A text, if there is one.
fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn texts(map: &BTreeMap<String, String>) -> TextMap {
    let pairs = map.iter();
    pairs.map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn params(params: &[Param]) -> TextMap {
    let pairs = params.iter();
    pairs
        .map(|it| (it.name.clone(), it.value.clone()))
        .collect()
}

/// What a file can say of a duration: whole milliseconds, up to the longest that it can hold.
fn span(duration: Duration) -> Span {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    let millis = u64::try_from(millis).unwrap_or(u64::MAX);
    Span::from_millis(millis).unwrap_or(Span::LONGEST)
}
