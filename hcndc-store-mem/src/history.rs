//! The read side.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{
        ActionRow, AlertRow, AttemptRow, BackfillDateRow, BackfillRow, ExecutionRow,
        ExecutionState, FiringRow, FlowRunRow, JobOutputs, JobRunRow, JobRunState, ScheduleCursor,
        StartKeyRow,
    },
    id::{AttemptId, BackfillId, ExecutionId, FlowId, JobId, JobRunId, ScheduleId},
    model::{Definition, DefinitionId, Executor, Flow, Job, Revision},
    port::{
        ActionQuery, AlertQuery, BackfillQuery, BackfillView, Cursor, CursorValue, DefinitionQuery,
        ExecutionQuery, ExecutionView, ExecutorQuery, FiringQuery, FirstFailure, FlowQuery,
        FlowRunView, FlowView, History, JobQuery, JobRunQuery, JobRunView, JobView, LatestRun,
        LatestRunQuery, NamedSort, Page, PastRun, PastRunQuery, Tally, TallyQuery,
    },
    time::DataDate,
};

use crate::{
    MemError, MemStore,
    page::{Placed, page},
    tables::Tables,
};

#[async_trait]
impl History for MemStore {
    type Error = MemError;

    async fn flows(&self, query: &FlowQuery) -> Result<Page<FlowView>, MemError> {
        let tables = self.lock();
        let flows = tables.flows.values().filter(|flow| {
            holds(&query.text, &flow.name, &flow.description)
                && is_below(&query.directory, &flow.directory)
                && query.enabled.is_none_or(|enabled| enabled == flow.enabled)
        });
        let flows = flows.map(|flow| Placed {
            place: named(query.sort, flow.id.0, &flow.name, &flow.revision),
            row: flow,
        });
        page(flows, &query.page, |flow| Ok(tables.flow_view(flow)))
    }

    async fn flow(&self, flow: FlowId) -> Result<Option<FlowView>, MemError> {
        let tables = self.lock();
        Ok(tables.flows.get(&flow).map(|flow| tables.flow_view(flow)))
    }

    async fn jobs(&self, query: &JobQuery) -> Result<Page<JobView>, MemError> {
        let tables = self.lock();
        let jobs = tables.jobs.values().filter(|job| {
            holds(&query.text, &job.name, &job.description)
                && query.flow.is_none_or(|flow| flow == job.flow)
                && query.enabled.is_none_or(|enabled| enabled == job.enabled)
        });
        let jobs = jobs.map(|job| Placed {
            place: named(query.sort, job.id.0, &job.name, &job.revision),
            row: job,
        });
        page(jobs, &query.page, |job| Ok(tables.job_view(job)))
    }

    async fn job(&self, job: JobId) -> Result<Option<JobView>, MemError> {
        let tables = self.lock();
        Ok(tables.jobs.get(&job).map(|job| tables.job_view(job)))
    }

    async fn executors(&self, query: &ExecutorQuery) -> Result<Page<Arc<Executor>>, MemError> {
        let tables = self.lock();
        let executors = tables.executors.values().filter(|executor| {
            holds(&query.text, &executor.name, &executor.description)
                && query
                    .enabled
                    .is_none_or(|enabled| enabled == executor.enabled)
        });
        let executors = executors.map(|executor| Placed {
            place: named(
                query.sort,
                executor.id.0,
                &executor.name,
                &executor.revision,
            ),
            row: executor,
        });
        page(executors, &query.page, |executor| Ok(executor.clone()))
    }

    async fn definitions(&self, query: &DefinitionQuery) -> Result<Page<Definition>, MemError> {
        let tables = self.lock();
        let definitions = tables.definitions.values().filter(|it| {
            it.id().kind() == query.kind
                && holds(&query.text, it.name(), it.description())
                && is_below(&query.directory, it.directory())
        });
        let definitions = definitions.map(|it| Placed {
            place: named(query.sort, it.id().number(), it.name(), it.revision()),
            row: it,
        });
        page(definitions, &query.page, |it| Ok(it.clone()))
    }

    async fn definition(&self, id: DefinitionId) -> Result<Option<Definition>, MemError> {
        Ok(self.lock().definitions.get(&id).cloned())
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<ExecutionView>, MemError> {
        let tables = self.lock();
        let takes_part = |row: &ExecutionRow, flow| {
            let mut runs = tables.flow_runs.values();
            runs.any(|run| run.execution == row.id && run.flow == flow)
        };
        let rows = tables.executions.values().filter(|row| {
            (query.states.is_empty() || query.states.contains(&row.state))
                && query
                    .data_date_from
                    .is_none_or(|from| from <= row.data_date)
                && query.data_date_to.is_none_or(|to| row.data_date <= to)
                && (query.schedule.is_none() || query.schedule == row.schedule)
                && (query.backfill.is_none() || query.backfill == row.backfill)
                && query.flow.is_none_or(|flow| takes_part(row, flow))
        });
        let rows = rows.map(|row| by_id(row.id.0, row));
        page(rows, &query.page, |row| tables.execution_view(row))
    }

    async fn flow_dates(
        &self,
        query: &ExecutionQuery,
    ) -> Result<BTreeSet<(FlowId, DataDate)>, MemError> {
        let views = self.executions(query).await?.items.into_iter();
        let dates = views.flat_map(|view| {
            let date = view.row.data_date;
            view.flows.into_iter().map(move |(flow, _)| (flow, date))
        });
        Ok(dates.collect())
    }

    async fn execution(&self, execution: ExecutionId) -> Result<Option<ExecutionView>, MemError> {
        let tables = self.lock();
        let row = tables.executions.get(&execution);
        row.map(|row| tables.execution_view(row)).transpose()
    }

    async fn flow_runs(&self, execution: ExecutionId) -> Result<Vec<FlowRunView>, MemError> {
        let tables = self.lock();
        let runs = tables.flow_runs.values();
        runs.filter(|run| run.execution == execution)
            .map(|run| tables.flow_run_view(run))
            .collect()
    }

    async fn latest_runs(&self, query: &LatestRunQuery) -> Result<Vec<LatestRun>, MemError> {
        let tables = self.lock();
        let mut latest = BTreeMap::<_, LatestRun>::new();
        // By id, so that the last one stays.
        for run in tables.flow_runs.values() {
            let execution = tables.executions.get(&run.execution);
            let date = execution.map(|execution| execution.data_date);
            let date = date.filter(|date| query.from <= *date && *date <= query.to);
            let Some(data_date) = date.filter(|_| query.flows.contains(&run.flow)) else {
                continue;
            };
            let before = latest.get(&(run.flow, data_date));
            let executions = before.map_or(0, |before| before.executions) + 1;
            let found = LatestRun {
                flow: run.flow,
                data_date,
                execution: run.execution,
                state: run.state,
                executions,
            };
            latest.insert((run.flow, data_date), found);
        }
        Ok(latest.into_values().collect())
    }

    async fn past_runs(&self, query: &PastRunQuery) -> Result<Page<PastRun>, MemError> {
        let tables = self.lock();
        let runs = tables.flow_runs.values();
        let runs = runs.filter(|run| run.flow == query.flow).filter_map(|run| {
            let execution = tables.executions.get(&run.execution)?;
            Some((run, execution))
        });
        let rows: Vec<PastRun> = runs
            .map(|(run, execution)| PastRun {
                row: *run,
                data_date: execution.data_date,
                execution_started_at: execution.started_at,
            })
            .collect();
        let rows = rows.iter().map(|run| by_id(run.row.execution.0, run));
        page(rows, &query.page, |run| Ok(*run))
    }

    async fn tally(&self, query: &TallyQuery) -> Result<Tally, MemError> {
        let tables = self.lock();
        let mut tally = Tally::default();
        let mut took = Vec::new();
        let rows = tables.executions.values();
        for row in rows.filter(|row| query.from <= row.started_at && row.started_at < query.to) {
            *tally.states.entry(row.state).or_default() += 1;
            tally.last_end = tally.last_end.max(row.ended_at);
            if let Some(end) = row
                .ended_at
                .filter(|_| row.state == ExecutionState::Succeeded)
            {
                took.push(end.since(row.started_at));
            }
        }
        took.sort_unstable();
        let wanted = query.percentiles.iter();
        let ranks = wanted.map(|it| TallyQuery::rank(*it, took.len() as u64));
        let found = ranks.filter_map(|rank| took.get(usize::try_from(rank).ok()?).copied());
        tally.durations = found.collect();
        Ok(tally)
    }

    async fn job_runs(&self, query: &JobRunQuery) -> Result<Page<JobRunView>, MemError> {
        let tables = self.lock();
        let runs = tables.job_runs.values().filter(|run| {
            query
                .execution
                .is_none_or(|execution| execution == run.execution)
                && query
                    .flow_run
                    .is_none_or(|flow_run| flow_run == run.flow_run)
                && query.job.is_none_or(|job| job == run.job)
                && (query.states.is_empty() || query.states.contains(&run.state))
        });
        let runs = runs.map(|run| by_id(run.id.0, run));
        page(runs, &query.page, |run| tables.job_run_view(run))
    }

    async fn job_run(&self, job_run: JobRunId) -> Result<Option<JobRunView>, MemError> {
        let tables = self.lock();
        let run = tables.job_runs.get(&job_run);
        run.map(|run| tables.job_run_view(run)).transpose()
    }

    async fn first_failures(
        &self,
        executions: &[ExecutionId],
    ) -> Result<Vec<FirstFailure>, MemError> {
        let tables = self.lock();
        let mut first = BTreeMap::new();
        for run in tables.job_runs.values() {
            let failed = [JobRunState::Failed, JobRunState::Killed].contains(&run.state);
            if failed && executions.contains(&run.execution) {
                first.entry(run.execution).or_insert(run);
            }
        }
        let found = first.into_values().map(|run| {
            let attempts = tables.attempts.values();
            let its = attempts.filter(|attempt| attempt.job_run == run.id);
            Ok(FirstFailure {
                run: tables.job_run_view(run)?,
                attempt: its.max_by_key(|attempt| attempt.number).cloned(),
            })
        });
        found.collect()
    }

    async fn attempts(&self, job_run: JobRunId) -> Result<Vec<AttemptRow>, MemError> {
        let tables = self.lock();
        let attempts = tables.attempts.values();
        let mut attempts: Vec<_> = attempts
            .filter(|attempt| attempt.job_run == job_run)
            .cloned()
            .collect();
        attempts.sort_by_key(|attempt| attempt.number);
        Ok(attempts)
    }

    async fn attempt(&self, attempt: AttemptId) -> Result<Option<AttemptRow>, MemError> {
        Ok(self.lock().attempts.get(&attempt).cloned())
    }

    async fn outputs(&self, job_run: JobRunId) -> Result<Option<JobOutputs>, MemError> {
        Ok(self.lock().outputs.get(&job_run).cloned())
    }

    async fn actions(&self, query: &ActionQuery) -> Result<Page<ActionRow>, MemError> {
        let tables = self.lock();
        let rows = tables.actions.values().filter(|row| {
            query.execution.is_none_or(|id| id == row.execution)
                && query.job_run.is_none_or(|id| row.job_run == Some(id))
        });
        let rows = rows.map(|row| by_id(row.id.0, row));
        page(rows, &query.page, |row| Ok(row.clone()))
    }

    async fn firings(&self, query: &FiringQuery) -> Result<Page<FiringRow>, MemError> {
        let tables = self.lock();
        let rows = tables.firings.values().filter(|row| {
            query.schedule.is_none_or(|id| id == row.schedule)
                && query
                    .started
                    .is_none_or(|started| started == row.execution().is_some())
        });
        let rows = rows.map(|row| by_id(row.id.0, row));
        page(rows, &query.page, |row| Ok(row.clone()))
    }

    async fn schedule_cursor(
        &self,
        schedule: ScheduleId,
    ) -> Result<Option<ScheduleCursor>, MemError> {
        Ok(self.lock().cursors.get(&schedule).copied())
    }

    async fn alerts(&self, query: &AlertQuery) -> Result<Page<AlertRow>, MemError> {
        let tables = self.lock();
        let rows = tables.alerts.values().filter(|row| {
            (query.schedule.is_none() || query.schedule == row.schedule)
                && (query.execution.is_none() || query.execution == row.execution)
                && query.rule.is_none_or(|rule| rule == row.rule)
                && (query.ids.is_empty() || query.ids.contains(&row.id))
                && (query.events.is_empty() || query.events.contains(&row.event))
                && query
                    .acknowledged
                    .is_none_or(|wanted| wanted == row.acknowledged_at.is_some())
                && query
                    .waiting
                    .is_none_or(|waiting| waiting == row.closed_at.is_none())
        });
        let rows = rows.map(|row| by_id(row.id.0, row));
        page(rows, &query.page, |row| Ok(row.clone()))
    }

    async fn backfills(&self, query: &BackfillQuery) -> Result<Page<BackfillView>, MemError> {
        let tables = self.lock();
        let rows = tables.backfills.values().filter(|row| {
            (query.states.is_empty() || query.states.contains(&row.state))
                && query.flow.is_none_or(|flow| flow == row.flow)
        });
        let rows = rows.map(|row| by_id(row.id.0, row));
        page(rows, &query.page, |row| Ok(tables.backfill_view(row)))
    }

    async fn backfill(&self, backfill: BackfillId) -> Result<Option<BackfillView>, MemError> {
        let tables = self.lock();
        let row = tables.backfills.get(&backfill);
        Ok(row.map(|row| tables.backfill_view(row)))
    }

    async fn start_key(&self, key: &str) -> Result<Option<StartKeyRow>, MemError> {
        let tables = self.lock();
        let mut keys = tables.start_keys.values().rev();
        Ok(keys.find(|row| row.key == key).cloned())
    }

    async fn backfill_dates(&self, backfill: BackfillId) -> Result<Vec<BackfillDateRow>, MemError> {
        Ok(self.lock().dates_of(backfill).copied().collect())
    }
}

impl Tables {
    fn flow_view(&self, flow: &Arc<Flow>) -> FlowView {
        FlowView {
            flow: flow.clone(),
            data_date: self.data_dates.get(&flow.id).copied(),
        }
    }

    fn job_view(&self, job: &Arc<Job>) -> JobView {
        let flow = self.flows.get(&job.flow);
        JobView {
            job: job.clone(),
            flow_name: flow.map_or_else(String::new, |flow| flow.name.clone()),
        }
    }

    fn execution_view(&self, row: &ExecutionRow) -> Result<ExecutionView, MemError> {
        let runs = self.flow_runs.values();
        let runs = runs.filter(|run| run.execution == row.id);
        Ok(ExecutionView {
            row: row.clone(),
            flows: runs
                .map(|run| Ok((run.flow, self.flow_of(run)?.name.clone())))
                .collect::<Result<_, _>>()?,
            job_runs: self.count(|run| run.execution == row.id),
        })
    }

    fn flow_run_view(&self, row: &FlowRunRow) -> Result<FlowRunView, MemError> {
        Ok(FlowRunView {
            row: *row,
            flow_name: self.flow_of(row)?.name.clone(),
            job_runs: self.count(|run| run.flow_run == row.id),
        })
    }

    pub(crate) fn job_run_view(&self, row: &JobRunRow) -> Result<JobRunView, MemError> {
        let job = self.job_of(row)?;
        let flow_run = self.flow_runs.get(&row.flow_run);
        let flow_run = flow_run.ok_or(MemError::MissingFlowRun {
            job_run: row.id,
            flow_run: row.flow_run,
        })?;
        Ok(JobRunView {
            row: *row,
            flow: flow_run.flow,
            flow_name: self.flow_of(flow_run)?.name.clone(),
            job_name: job.name.clone(),
        })
    }

    fn backfill_view(&self, row: &BackfillRow) -> BackfillView {
        let mut dates = BTreeMap::new();
        for date in self.dates_of(row.id) {
            *dates.entry(date.state).or_default() += 1;
        }
        BackfillView {
            row: row.clone(),
            dates,
        }
    }

    fn count(&self, of: impl Fn(&JobRunRow) -> bool) -> BTreeMap<JobRunState, u64> {
        let mut counts = BTreeMap::new();
        for run in self.job_runs.values().filter(|run| of(run)) {
            *counts.entry(run.state).or_default() += 1;
        }
        counts
    }
}

/// The place of a definition in a list of this sort.
fn named(sort: NamedSort, id: u64, name: &str, revision: &Revision) -> Cursor {
    let value = match sort {
        NamedSort::Id => CursorValue::Id,
        NamedSort::Name => CursorValue::Text(name.into()),
        NamedSort::UpdatedAt => CursorValue::Micros(revision.updated_at.as_micros()),
    };
    Cursor { value, id }
}

fn by_id<T>(id: u64, row: T) -> Placed<T> {
    let value = CursorValue::Id;
    Placed {
        place: Cursor { value, id },
        row,
    }
}

/// Whether the name or the description holds the text, whatever the case of ASCII letters.
fn holds(text: &str, name: &str, description: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let has = |whole: &str| whole.to_ascii_lowercase().contains(&text);
    has(name) || has(description)
}

/// Whether `directory` is `top` or below it. A slash at the end of `top` makes no difference.
fn is_below(top: &str, directory: &str) -> bool {
    let top = top.trim_end_matches('/');
    let rest = directory.strip_prefix(top);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn a_directory_is_below_itself_and_its_parents_only() {
        for (top, directory, below) in [
            ("", "/", true),
            ("/", "/", true),
            ("/", "/a", true),
            ("/a", "/a", true),
            ("/a/", "/a", true),
            ("/a", "/a/b", true),
            ("/a", "/ab", false),
            ("/a/b", "/a", false),
            ("/a", "/", false),
        ] {
            assert_eq!(is_below(top, directory), below, "{directory} below {top}");
        }
    }
}
