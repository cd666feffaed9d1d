//! What an executor is sent to run an attempt: the values of the job's params, and all else that it needs.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use super::{
    Engine, ParamAsk, RunOrder, SourceAccess,
    execution::{Execution, NoOutput},
};
use crate::{
    id::AttemptId,
    model::{Job, JobParam, OutputSource, Param, ParamKind},
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

impl Engine {
    /// The values of a job's params, in their order.
    fn values_of(&self, job: &Job, execution: &Execution) -> Values {
        let row = &execution.row;
        let is_given = |name: &str| row.params.iter().any(|it| it.name == name);
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
                            let schedule = row.schedule.and_then(|id| self.schedule(id));
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
                JobParam::Output { name, output } => {
                    let value = match (execution.output(output), &output.default) {
                        (Ok(value), _) => String::from(value),
                        (Err(_), Some(default)) => default.clone(),
                        (Err(why), None) => {
                            let why = self.explain_no_output(execution, output, why);
                            its.missing = Some(format!("param {name}: {why}"));
                            String::new()
                        }
                    };
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
        let (job, given) = (&run.job, &execution.row.params);
        let Values {
            params,
            asks,
            literal,
            missing,
        } = self.values_of(job, execution);
        if let Some(missing) = missing {
            return Some(Err(missing));
        }
        let mut values: BTreeMap<_, _> = flow
            .params
            .iter()
            .chain(&params)
            .chain(given)
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
        let order = RunOrder {
            attempt: id,
            execution: attempt.row.execution,
            job_run: run.row.id,
            number: attempt.row.number,
            flow: flow.name.clone(),
            job: job.name.clone(),
            data_date: execution.row.data_date,
            date_format: execution.row.date_format.clone(),
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
        Some(Ok((order, asks)))
    }
}
