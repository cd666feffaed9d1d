//! What an executor is sent to run an attempt, or would be: the values of the job's params, and all else that it needs.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    sync::Arc,
    vec::Vec,
};

use super::{
    Engine, ParamAsk, RunOrder, SourceAccess,
    execution::{Execution, NoOutput},
};
use crate::{
    id::{AttemptId, ExecutionId, JobId, JobRunId, ScheduleId},
    model::{Flow, Job, JobParam, OutputSource, Param, ParamKind},
    time::{DataDate, DateFormat},
};

/// The values of a job's params.
#[derive(Default)]
struct Values {
    /// In their order; those that must be asked are empty.
    params: Vec<Param>,
    /// What must be asked: what the execution brings no value of its own for.
    asks: Vec<ParamAsk>,
    /// Names of those that other jobs put out.
    literal: BTreeSet<String>,
    /// Why there is no value for one of them.
    missing: Option<String>,
}

/// For which run a job is looked at.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PreviewAsk {
    /// The date that it would be for.
    pub data_date: DataDate,
    /// How dates are written where a placeholder does not say so itself; `None` for `%Y-%m-%d`.
    pub date_format: Option<DateFormat>,
    /// Values that would go before the flow's and the job's own.
    pub params: Vec<Param>,
    /// The schedule that would start it.
    pub schedule: Option<ScheduleId>,
}

/// What an executor would be sent to run a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The order; nothing of it is stored, so its ids are zero.
    pub order: RunOrder,
    /// Params whose values must be asked first. The order has none for them.
    pub asks: Vec<ParamAsk>,
    /// Params that take an output of another job, which is known only in an execution: the order has their default, or
    /// `<flow/job: name>`.
    pub outputs: Vec<String>,
}

/// What an order takes from its run.
struct Run<'a> {
    attempt: AttemptId,
    execution: ExecutionId,
    job_run: JobRunId,
    number: u32,
    data_date: DataDate,
    date_format: Option<DateFormat>,
    given: &'a [Param],
}

impl RunOrder {
    /// Puts the value of a param that was [asked for](ParamAsk) into its places.
    pub fn set(&mut self, name: String, value: String) {
        for arg in self.args.iter_mut().filter(|arg| arg.name == name) {
            arg.value.clone_from(&value);
        }
        self.values.insert(name, value);
    }
}

impl Engine {
    /// What an executor would be sent to run a job, as it is defined now; `None` for an unknown job.
    #[must_use]
    pub fn preview(&self, job: JobId, ask: &PreviewAsk) -> Option<Preview> {
        let job = self.definitions.job(job)?;
        let flow = self.definitions.flow(job.flow)?;
        let mut outputs = Vec::new();
        let output = |name: &str, source: &OutputSource| {
            outputs.push(String::from(name));
            let of = self.definitions.job(source.job);
            let of = of.map_or_else(String::new, |job| self.definitions.job_label(job));
            let stand_in = || format!("<{of}: {}>", source.name);
            Ok(source.default.clone().unwrap_or_else(stand_in))
        };
        let its = self.values_of(job, &ask.params, ask.schedule, output);
        let run = Run {
            attempt: AttemptId(0),
            execution: ExecutionId(0),
            job_run: JobRunId(0),
            number: 1,
            data_date: ask.data_date,
            date_format: ask.date_format.clone(),
            given: &ask.params,
        };
        let (order, asks) = self.order_of(job, flow, its, run)?;
        Some(Preview {
            order,
            asks,
            outputs,
        })
    }

    /// The values of a job's params, in their order.
    fn values_of(
        &self,
        job: &Job,
        given: &[Param],
        schedule: Option<ScheduleId>,
        mut output: impl FnMut(&str, &OutputSource) -> Result<String, String>,
    ) -> Values {
        let is_given = |name: &str| given.iter().any(|it| it.name == name);
        let mut its = Values::default();
        for param in &job.params {
            let param = match param {
                JobParam::Own(param) => param.clone(),
                JobParam::Shared { shared } => {
                    let Some(shared) = self.definitions.params.get(*shared) else {
                        continue;
                    };
                    let name = shared.name.clone();
                    let value = match &shared.kind {
                        ParamKind::Static { value } => value.clone(),
                        ParamKind::Context { value } => value.placeholder().unwrap_or_else(|| {
                            let schedule = schedule.and_then(|id| self.schedule(id));
                            schedule.map_or_else(String::new, |it| it.name.clone())
                        }),
                        ParamKind::Sql {
                            data_source,
                            query,
                            timeout,
                            column,
                            value_type,
                        } => {
                            if !is_given(&name) {
                                its.asks.push(ParamAsk {
                                    param: shared.id,
                                    name: name.clone(),
                                    data_source: *data_source,
                                    query: query.clone(),
                                    timeout: *timeout,
                                    column: column.clone(),
                                    value_type: *value_type,
                                });
                            }
                            String::new()
                        }
                    };
                    Param { name, value }
                }
                JobParam::Output { name, .. } if is_given(name) => Param {
                    name: name.clone(),
                    value: String::new(),
                },
                JobParam::Output {
                    name,
                    output: source,
                } => {
                    let value = output(name, source).unwrap_or_else(|why| {
                        its.missing = Some(format!("param {name}: {why}"));
                        String::new()
                    });
                    its.literal.insert(name.clone());
                    Param {
                        name: name.clone(),
                        value,
                    }
                }
            };
            its.params.push(param);
        }
        its
    }

    /// Why a job run has no value of another's, in words.
    fn explain_no_output(
        &self,
        execution: &Execution,
        source: &OutputSource,
        why: NoOutput,
    ) -> String {
        let its = execution.find_job(source.job);
        let label = its.map(|run| run.label(execution)).or_else(|| {
            let job = self.definitions.job(source.job)?;
            Some(self.definitions.job_label(job))
        });
        let job = label.unwrap_or_else(|| format!("{}", source.job));
        let name = &source.name;
        match why {
            NoOutput::Elsewhere => {
                format!("job {job}, whose output {name:?} it takes, is no part of this execution")
            }
            NoOutput::Skipped => {
                format!("job {job} was skipped, so there is no output {name:?}")
            }
            NoOutput::NotRun => {
                format!("job {job} did not run, so there is no output {name:?}")
            }
            NoOutput::NotEnded => {
                format!("job {job} has not ended, so there is no output {name:?}")
            }
            NoOutput::Missing => format!("job {job} put out no {name:?}"),
        }
    }

    /// All that an executor needs to run a live attempt, but for values that must be asked, and what these are; or why it
    /// cannot begin.
    pub(super) fn run_order(
        &self,
        id: AttemptId,
    ) -> Option<Result<(RunOrder, Vec<ParamAsk>), String>> {
        let attempt = self.attempts.get(&id)?;
        let execution = self.executions.get(&attempt.row.execution)?;
        let run = execution.jobs.get(attempt.job as usize)?;
        let flow = &execution.flow_runs[run.flow_run as usize].flow;
        let (job, row) = (&run.job, &execution.row);
        let output =
            |_: &str, source: &OutputSource| match (execution.output(source), &source.default) {
                (Ok(value), _) => Ok(String::from(value)),
                (Err(_), Some(default)) => Ok(default.clone()),
                (Err(why), None) => Err(self.explain_no_output(execution, source, why)),
            };
        let mut its = self.values_of(job, &row.params, row.schedule, output);
        if let Some(missing) = its.missing.take() {
            return Some(Err(missing));
        }
        let run = Run {
            attempt: id,
            execution: row.id,
            job_run: run.row.id,
            number: attempt.row.number,
            data_date: row.data_date,
            date_format: row.date_format.clone(),
            given: &row.params,
        };
        let order = self.order_of(job, flow, its, run);
        Some(
            order
                .ok_or_else(|| String::from("its data source or the calendar of its flow is gone")),
        )
    }

    fn order_of(
        &self,
        job: &Job,
        flow: &Flow,
        its: Values,
        run: Run<'_>,
    ) -> Option<(RunOrder, Vec<ParamAsk>)> {
        let Values {
            params,
            asks,
            literal,
            missing: _,
        } = its;
        let mut values: BTreeMap<_, _> = flow
            .params
            .iter()
            .chain(&params)
            .chain(run.given)
            .map(|param| (param.name.clone(), param.value.clone()))
            .collect();
        for ask in &asks {
            values.remove(&ask.name);
        }
        let args = params.iter().map(|param| Param {
            name: param.name.clone(),
            value: values.get(&param.name).unwrap_or(&param.value).clone(),
        });
        let mut env = flow.env.clone();
        env.extend(
            job.env
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        let workdir = if job.workdir.is_empty() {
            &flow.workdir
        } else {
            &job.workdir
        };
        // A data source stays as long as a run is pinned to a job that needs it.
        let kind = job.kind.with_source(|id| {
            let source = self.definitions.data_sources.get(*id)?;
            Some(SourceAccess::from(&**source))
        })?;
        // It stays as long as a run that is pinned to its flow may run.
        let calendar = match flow.calendar {
            Some(id) => Some(Arc::clone(self.definitions.calendars.get(id)?)),
            None => None,
        };
        let order = RunOrder {
            attempt: run.attempt,
            execution: run.execution,
            job_run: run.job_run,
            number: run.number,
            flow: flow.name.clone(),
            job: job.name.clone(),
            data_date: run.data_date,
            date_format: run.date_format,
            calendar,
            kind,
            command: job.command.clone(),
            args: args.collect(),
            values,
            literal,
            env,
            workdir: workdir.clone(),
            timeout: job.timeout,
            grace: self.settings.kill_grace,
        };
        Some((order, asks))
    }
}
