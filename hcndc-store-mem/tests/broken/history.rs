//! The read side of a broken store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{
        ActionRow, AlertRow, AttemptRow, BackfillDateRow, BackfillDateState, Change, FiringRow,
        JobOutputs, JobRunState, ScheduleCursor, StartKeyRow,
    },
    id::{AttemptId, BackfillId, ExecutionId, FlowId, JobId, JobRunId, ScheduleId},
    model::{Definition, DefinitionId, Executor},
    port::{
        ActionQuery, AlertQuery, BackfillQuery, BackfillView, Cursor, CursorValue, DefinitionQuery,
        Direction, ErrorKind, ExecutionQuery, ExecutionView, ExecutorQuery, FiringQuery,
        FirstFailure, FlowQuery, FlowRunView, FlowView, History, JobQuery, JobRunQuery, JobRunView,
        JobView, LatestRun, LatestRunQuery, NamedSort, Page, PageRequest, PastRun, PastRunQuery,
        Tally, TallyQuery,
    },
    time::DataDate,
};
use hcndc_store_mem::MemStore;

use super::{
    fault::Fault,
    store::{Broken, Refused, ours},
};

impl Broken {
    /// What the reads look at.
    fn read(&self) -> MemStore {
        let memory = self.memory();
        match (self.fault, &memory.lagging) {
            (Fault::ReadsLag, Some(lagging)) => lagging.clone(),
            _ => self.inner.clone(),
        }
    }

    /// The page request that gets through.
    fn request(&self, sort: NamedSort, page: &PageRequest) -> Result<PageRequest, Refused> {
        let mut page = page.clone();
        match (self.fault, &mut page.after) {
            (Fault::OnlyAscends, _) => page.direction = Direction::Ascending,
            (Fault::RefusesLargeCursors, Some(after)) if i64::try_from(after.id).is_err() => {
                return Err(Refused(ErrorKind::Invalid));
            }
            (Fault::TakesAnyCursor, after @ Some(_)) => {
                let fits = after.as_ref().is_some_and(|after| {
                    matches!(
                        (sort, &after.value),
                        (NamedSort::Id, CursorValue::Id)
                            | (NamedSort::Name, CursorValue::Text(_))
                            | (NamedSort::UpdatedAt, CursorValue::Micros(_))
                    )
                });
                *after = after.take().filter(|_| fits);
            }
            // As if the key alone were the place.
            (Fault::RepeatsTies, Some(after)) if sort != NamedSort::Id => {
                after.id = match page.direction {
                    Direction::Ascending => after.id.saturating_sub(1),
                    Direction::Descending => after.id + 1,
                };
            }
            (Fault::SkipsTies, Some(after)) if sort != NamedSort::Id => {
                after.id = match page.direction {
                    Direction::Ascending => u64::MAX,
                    Direction::Descending => 0,
                };
            }
            _ => {}
        }
        Ok(page)
    }

    /// The page that gets back. `all` is every item that matches, sorted.
    fn page<T: Clone>(
        &self,
        request: &PageRequest,
        mut page: Page<T>,
        all: &[T],
        id: impl Fn(&T) -> u64,
    ) -> Page<T> {
        let place = |id| Cursor {
            value: CursorValue::Id,
            id,
        };
        match self.fault {
            Fault::AlwaysLeadsOn if page.next.is_none() => {
                page.next = Some(place(page.items.last().map_or(0, id)));
            }
            Fault::TakesAnyLimit => {
                page.items = all.iter().take(request.limit as usize).cloned().collect();
                page.next = None;
            }
            Fault::PagesByOffset => {
                // The "place" is how many have been shown.
                let skip = match &request.after {
                    Some(after) => usize::try_from(after.id).unwrap_or(usize::MAX),
                    None => 0,
                };
                let end = skip + request.limit as usize;
                page.items = all.iter().take(end).skip(skip).cloned().collect();
                page.next = (end < all.len()).then(|| place(end as u64));
            }
            _ => {}
        }
        page
    }

    /// The text filter that gets through; the rest is for [`matches`].
    fn text(&self, text: &str) -> String {
        match self.fault {
            Fault::IgnoresFilters
            | Fault::MatchesEither
            | Fault::TakesTextsAsPatterns
            | Fault::FoldsAllLetters
            | Fault::FoldsNothing => String::new(),
            _ => text.into(),
        }
    }

    /// What a broken text filter finds, of what [`text`](Self::text) let through.
    fn finds(&self, text: &str, name: &str, description: &str) -> bool {
        let (name, description) = (name.to_owned(), description.to_owned());
        match self.fault {
            Fault::TakesTextsAsPatterns => like(&format!("%{text}%"), &name),
            Fault::FoldsAllLetters => name.to_lowercase().contains(&text.to_lowercase()),
            Fault::FoldsNothing => name.contains(text) || description.contains(text),
            _ => true,
        }
    }
}

/// SQL's LIKE, with `%` and `_`.
fn like(pattern: &str, text: &str) -> bool {
    let mut chars = pattern.chars();
    match chars.next() {
        None => text.is_empty(),
        Some('%') => {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| like(chars.as_str(), &text[at..]))
        }
        Some(first) => {
            let mut rest = text.chars();
            rest.next().is_some_and(|c| {
                (first == '_' || first == c) && like(chars.as_str(), rest.as_str())
            })
        }
    }
}

/// A request for everything.
fn everything(direction: Direction) -> PageRequest {
    PageRequest {
        after: None,
        limit: 1_000,
        direction,
    }
}

/// Everything in pages, whatever its size.
macro_rules! all {
    ($store:expr, $method:ident, $query:expr, $direction:expr) => {{
        let mut query = $query.clone();
        query.page = everything($direction);
        let mut all = Vec::new();
        loop {
            let page = ours($store.$method(&query).await)?;
            all.extend(page.items);
            match page.next {
                Some(next) => query.page.after = Some(next),
                None => break all,
            }
        }
    }};
}

#[async_trait]
impl History for Broken {
    type Error = Refused;

    async fn flows(&self, query: &FlowQuery) -> Result<Page<FlowView>, Refused> {
        let store = self.read();
        let mut through = query.clone();
        through.text = self.text(&query.text);
        through.page = self.request(query.sort, &query.page)?;
        match self.fault {
            Fault::IgnoresFilters => through.enabled = None,
            Fault::MatchesEither if query.enabled.is_some() => through.directory = String::new(),
            Fault::MatchesPartsOfDirectories => through.directory = String::new(),
            Fault::PagesByOffset => through.page.after = None,
            _ => {}
        }
        let mut all = all!(store, flows, through, through.page.direction);
        let mut page = ours(store.flows(&through).await)?;
        let finds = |view: &FlowView| {
            let flow = &view.flow;
            self.finds(&query.text, &flow.name, &flow.description)
                && (self.fault != Fault::MatchesPartsOfDirectories
                    || flow.directory.starts_with(&query.directory))
        };
        page.items.retain(finds);
        all.retain(finds);
        if self.fault == Fault::FoldsNamesWhenSorting && query.sort == NamedSort::Name {
            page.items.sort_by_key(|view| view.flow.name.to_lowercase());
        }
        let mut page = self.page(&query.page, page, &all, |view| view.flow.id.0);
        if self.fault == Fault::ListsDeleted {
            let memory = self.memory();
            let put = memory.commits.iter().flat_map(|commit| &commit.changes);
            for change in put {
                if let Change::FlowPut(flow) = change
                    && !page.items.iter().any(|view| view.flow.id == flow.id)
                {
                    page.items.push(FlowView {
                        flow: flow.clone(),
                        data_date: None,
                    });
                }
            }
        }
        Ok(page)
    }

    async fn flow(&self, flow: FlowId) -> Result<Option<FlowView>, Refused> {
        ours(self.read().flow(flow).await)
    }

    async fn definitions(&self, query: &DefinitionQuery) -> Result<Page<Definition>, Refused> {
        let store = self.read();
        let mut through = query.clone();
        through.text = self.text(&query.text);
        through.page = self.request(query.sort, &query.page)?;
        let all = all!(store, definitions, through, through.page.direction);
        let mut page = ours(store.definitions(&through).await)?;
        if self.fault == Fault::FoldsNamesWhenSorting && query.sort == NamedSort::Name {
            page.items.sort_by_key(|it| it.name().to_lowercase());
        }
        let mut page = self.page(&query.page, page, &all, |it| it.id().number());
        if self.fault == Fault::ListsDeleted {
            let memory = self.memory();
            let put = memory.commits.iter().flat_map(|commit| &commit.changes);
            for change in put {
                if let Change::DefinitionPut(it) = change
                    && it.id().kind() == query.kind
                    && !page.items.iter().any(|listed| listed.id() == it.id())
                {
                    page.items.push(it.clone());
                }
            }
        }
        Ok(page)
    }

    async fn definition(&self, id: DefinitionId) -> Result<Option<Definition>, Refused> {
        ours(self.read().definition(id).await)
    }

    async fn jobs(&self, query: &JobQuery) -> Result<Page<JobView>, Refused> {
        let store = self.read();
        let mut through = query.clone();
        through.text = self.text(&query.text);
        through.page = self.request(query.sort, &query.page)?;
        if self.fault == Fault::IgnoresFilters {
            through.flow = None;
        }
        let all = all!(store, jobs, through, through.page.direction);
        let mut page = ours(store.jobs(&through).await)?;
        if self.fault == Fault::FoldsNamesWhenSorting && query.sort == NamedSort::Name {
            page.items.sort_by_key(|view| view.job.name.to_lowercase());
        }
        Ok(self.page(&query.page, page, &all, |view| view.job.id.0))
    }

    async fn job(&self, job: JobId) -> Result<Option<JobView>, Refused> {
        ours(self.read().job(job).await)
    }

    async fn executors(&self, query: &ExecutorQuery) -> Result<Page<Arc<Executor>>, Refused> {
        let store = self.read();
        let mut through = query.clone();
        through.text = self.text(&query.text);
        through.page = self.request(query.sort, &query.page)?;
        if self.fault == Fault::PagesByOffset {
            through.page.after = None;
        }
        let mut all = all!(store, executors, through, through.page.direction);
        let mut page = ours(store.executors(&through).await)?;
        let finds = |executor: &Arc<Executor>| {
            self.finds(&query.text, &executor.name, &executor.description)
        };
        page.items.retain(finds);
        all.retain(finds);
        if self.fault == Fault::FoldsNamesWhenSorting && query.sort == NamedSort::Name {
            page.items
                .sort_by_key(|executor| executor.name.to_lowercase());
        }
        Ok(self.page(&query.page, page, &all, |executor| executor.id.0))
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<ExecutionView>, Refused> {
        let store = self.read();
        let mut through = query.clone();
        through.page = self.request(NamedSort::Id, &query.page)?;
        match self.fault {
            Fault::IgnoresFilters => {
                through.states.clear();
                through.schedule = None;
            }
            Fault::LeavesOutTheLastDay => {
                through.data_date_to = query.data_date_to.and_then(|to| to.plus_days(-1));
            }
            _ => {}
        }
        let all = all!(store, executions, through, through.page.direction);
        let mut page = ours(store.executions(&through).await)?;
        for view in &mut page.items {
            self.count(&mut view.job_runs);
        }
        Ok(self.page(&query.page, page, &all, |view| view.row.id.0))
    }

    async fn flow_dates(
        &self,
        query: &ExecutionQuery,
    ) -> Result<BTreeSet<(FlowId, DataDate)>, Refused> {
        ours(self.read().flow_dates(query).await)
    }

    async fn execution(&self, execution: ExecutionId) -> Result<Option<ExecutionView>, Refused> {
        let found = ours(self.read().execution(execution).await)?;
        if found.is_none() && self.fault == Fault::FindsAnyExecution {
            let query = ExecutionQuery::default();
            let page = ours(self.read().executions(&query).await)?;
            return Ok(page.items.into_iter().next());
        }
        Ok(found)
    }

    async fn flow_runs(&self, execution: ExecutionId) -> Result<Vec<FlowRunView>, Refused> {
        let mut views = ours(self.read().flow_runs(execution).await)?;
        for view in &mut views {
            self.count(&mut view.job_runs);
        }
        Ok(views)
    }

    async fn latest_runs(&self, query: &LatestRunQuery) -> Result<Vec<LatestRun>, Refused> {
        let mut through = query.clone();
        if self.fault == Fault::IgnoresFilters {
            through.to = through.to.plus_days(366).unwrap_or(through.to);
        }
        ours(self.read().latest_runs(&through).await)
    }

    async fn past_runs(&self, query: &PastRunQuery) -> Result<Page<PastRun>, Refused> {
        let store = self.read();
        let mut through = query.clone();
        through.page = self.request(NamedSort::Id, &query.page)?;
        let all = all!(store, past_runs, through, through.page.direction);
        let page = ours(store.past_runs(&through).await)?;
        Ok(self.page(&query.page, page, &all, |run| run.row.execution.0))
    }

    async fn tally(&self, query: &TallyQuery) -> Result<Tally, Refused> {
        let mut through = query.clone();
        if self.fault == Fault::LeavesOutTheLastDay {
            through.to = through.to.before(Duration::from_micros(1));
        }
        ours(self.read().tally(&through).await)
    }

    async fn job_runs(&self, query: &JobRunQuery) -> Result<Page<JobRunView>, Refused> {
        let store = self.read();
        let mut through = query.clone();
        through.page = self.request(NamedSort::Id, &query.page)?;
        if self.fault == Fault::IgnoresFilters {
            through.flow_run = None;
        }
        let all = all!(store, job_runs, through, through.page.direction);
        let mut page = ours(store.job_runs(&through).await)?;
        if self.fault == Fault::ShowsNewNames {
            for view in &mut page.items {
                let job = ours(store.job(view.row.job).await)?;
                view.job_name = job.map(|job| job.job.name.clone()).unwrap_or_default();
            }
        }
        Ok(self.page(&query.page, page, &all, |view| view.row.id.0))
    }

    async fn job_run(&self, job_run: JobRunId) -> Result<Option<JobRunView>, Refused> {
        ours(self.read().job_run(job_run).await)
    }

    async fn first_failures(
        &self,
        executions: &[ExecutionId],
    ) -> Result<Vec<FirstFailure>, Refused> {
        let mut found = ours(self.read().first_failures(executions).await)?;
        if self.fault == Fault::IgnoresFilters {
            let of_any: Vec<_> = (1..99).map(ExecutionId).collect();
            found = ours(self.read().first_failures(&of_any).await)?;
        }
        if self.fault == Fault::SortsAttemptsById {
            for failure in &mut found {
                let attempts = ours(self.read().attempts(failure.run.row.id).await)?;
                failure.attempt = attempts.into_iter().max_by_key(|attempt| attempt.id);
            }
        }
        Ok(found)
    }

    async fn attempts(&self, job_run: JobRunId) -> Result<Vec<AttemptRow>, Refused> {
        let mut attempts = ours(self.read().attempts(job_run).await)?;
        if self.fault == Fault::SortsAttemptsById {
            attempts.sort_by_key(|attempt| attempt.id);
        }
        Ok(attempts)
    }

    async fn attempt(&self, attempt: AttemptId) -> Result<Option<AttemptRow>, Refused> {
        ours(self.read().attempt(attempt).await)
    }

    async fn outputs(&self, job_run: JobRunId) -> Result<Option<JobOutputs>, Refused> {
        ours(self.read().outputs(job_run).await)
    }

    async fn actions(&self, query: &ActionQuery) -> Result<Page<ActionRow>, Refused> {
        let store = self.read();
        let mut through = query.clone();
        through.page = self.request(NamedSort::Id, &query.page)?;
        if self.fault == Fault::IgnoresFilters {
            through.job_run = None;
        }
        let all = all!(store, actions, through, through.page.direction);
        let page = ours(store.actions(&through).await)?;
        Ok(self.page(&query.page, page, &all, |row| row.id.0))
    }

    async fn firings(&self, query: &FiringQuery) -> Result<Page<FiringRow>, Refused> {
        let store = self.read();
        let mut through = query.clone();
        through.page = self.request(NamedSort::Id, &query.page)?;
        if self.fault == Fault::IgnoresFilters {
            through.started = None;
        }
        let all = all!(store, firings, through, through.page.direction);
        let page = ours(store.firings(&through).await)?;
        Ok(self.page(&query.page, page, &all, |row| row.id.0))
    }

    async fn schedule_cursor(
        &self,
        schedule: ScheduleId,
    ) -> Result<Option<ScheduleCursor>, Refused> {
        ours(self.read().schedule_cursor(schedule).await)
    }

    async fn alerts(&self, query: &AlertQuery) -> Result<Page<AlertRow>, Refused> {
        let store = self.read();
        let mut through = query.clone();
        through.page = self.request(NamedSort::Id, &query.page)?;
        if self.fault == Fault::IgnoresFilters {
            through.rule = None;
        }
        let all = all!(store, alerts, through, through.page.direction);
        let page = ours(store.alerts(&through).await)?;
        Ok(self.page(&query.page, page, &all, |row| row.id.0))
    }

    async fn backfills(&self, query: &BackfillQuery) -> Result<Page<BackfillView>, Refused> {
        let store = self.read();
        let mut through = query.clone();
        through.page = self.request(NamedSort::Id, &query.page)?;
        if self.fault == Fault::IgnoresFilters {
            through.flow = None;
        }
        let all = all!(store, backfills, through, through.page.direction);
        let page = ours(store.backfills(&through).await)?;
        Ok(self.page(&query.page, page, &all, |view| view.row.id.0))
    }

    async fn backfill(&self, backfill: BackfillId) -> Result<Option<BackfillView>, Refused> {
        let mut found = ours(self.read().backfill(backfill).await)?;
        if self.fault == Fault::CountsEverything
            && let Some(view) = &mut found
        {
            for &state in BackfillDateState::ALL {
                view.dates.entry(state).or_default();
            }
        }
        Ok(found)
    }

    async fn start_key(&self, key: &str) -> Result<Option<StartKeyRow>, Refused> {
        let found = ours(self.read().start_key(key).await)?;
        Ok(found.filter(|_| self.fault != Fault::ForgetsKeys))
    }

    async fn backfill_dates(&self, backfill: BackfillId) -> Result<Vec<BackfillDateRow>, Refused> {
        ours(self.read().backfill_dates(backfill).await)
    }
}

impl Broken {
    /// Counts with the states that nothing is in.
    fn count(&self, counts: &mut BTreeMap<JobRunState, u64>) {
        if self.fault == Fault::CountsEverything {
            for &state in JobRunState::ALL {
                counts.entry(state).or_default();
            }
        }
    }
}
