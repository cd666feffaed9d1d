//! The write side of a broken store: a sound one in memory, and something wrong around it.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard},
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use hcndc_core::{
    engine::{AlertRow, BackfillSnapshot, BackfillState, Change, ExecutionSnapshot, Snapshot},
    id::{AlertId, ExecutionId, FlowId},
    model::{DataSource, Definition, Flow, Job, Secret},
    port::{Asked, Commit, ErrorKind, Fence, Lease, PortError, Store},
    time::Timestamp,
};
use hcndc_store_mem::MemStore;

use super::fault::Fault;

/// What the wrapper remembers on its own.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) newest: Option<Lease>,
    pub(crate) commits: Vec<Commit>,
    pub(crate) fences: u64,
    pub(crate) lagging: Option<MemStore>,
    pub(crate) marks: BTreeMap<String, u64>,
}

/// A store that is broken in one way.
#[derive(Clone)]
pub(crate) struct Broken {
    pub(crate) inner: MemStore,
    pub(crate) fault: Fault,
    memory: Arc<Mutex<Memory>>,
}

/// An error of either.
#[derive(Debug, thiserror::Error)]
#[error("refused: {0:?}")]
pub(crate) struct Refused(pub(crate) ErrorKind);

impl PortError for Refused {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

/// Makes the error of the store inside ours.
pub(crate) fn ours<T>(result: Result<T, hcndc_store_mem::MemError>) -> Result<T, Refused> {
    result.map_err(|error| Refused(error.kind()))
}

impl Broken {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            inner: MemStore::new(),
            fault,
            memory: Arc::default(),
        }
    }

    pub(crate) fn reopen(&self) -> Self {
        match self.fault {
            Fault::ForgetsWhenClosed => Self::new(self.fault),
            Fault::ForgetsTheFence => {
                self.memory().fences = 0;
                self.clone()
            }
            _ => self.clone(),
        }
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory
            .lock()
            .expect("no case panics while it holds it")
    }

    fn newest_fence(&self) -> Fence {
        let memory = self.memory();
        memory.newest.as_ref().map_or(Fence(0), |lease| lease.fence)
    }

    /// The changes that get through.
    fn change(&self, commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        let changes = &mut commit.changes;
        match self.fault {
            Fault::ForgetsNextId => commit.next_id = 0,
            Fault::FirstChangeWins => changes.reverse(),
            Fault::CutsLongCommits => changes.truncate(2_048),
            Fault::LosesFirings => changes.retain(|c| !matches!(c, Change::Firing(_))),
            Fault::KeepsWhatDeletedUsed => {
                changes.retain(|c| !matches!(c, Change::DefinitionDeleted(_)));
            }
            Fault::NeverClosesAlerts => {
                for change in changes {
                    if let Change::Alert(row) = change {
                        row.closed_at = None;
                    }
                }
            }
            Fault::LosesBackfillDates => {
                changes.retain(|c| !matches!(c, Change::BackfillDate(_)));
            }
            Fault::LosesAttempts => changes.retain(|c| !matches!(c, Change::Attempt(_))),
            Fault::LosesSecrets => {
                for change in changes {
                    if let Change::DefinitionPut(Definition::DataSource(it)) = change {
                        let password = Secret::default();
                        let it = DataSource {
                            password,
                            ..(**it).clone()
                        };
                        *change = Change::DefinitionPut(it.into());
                    }
                }
            }
            Fault::NeverUnends => {
                let ended =
                    self.memory().commits.iter().flat_map(|c| &c.changes).any(
                        |change| matches!(change, Change::Execution(row) if row.state.is_ended()),
                    );
                changes.retain(|c| !(ended && matches!(c, Change::Execution(_))));
            }
            Fault::KeepsDatesOfDeleted => changes.retain(|c| !matches!(c, Change::FlowDeleted(_))),
            Fault::KeepsWhatIsPast => changes.retain(|c| {
                !matches!(
                    c,
                    Change::FlowDates { to: None, .. } | Change::JobOutcome { state: None, .. }
                )
            }),
            Fault::NewVersionsLoseDates => {
                let put = |c: &Change| match c {
                    Change::FlowPut(flow) => vec![Change::FlowDeleted(flow.id), c.clone()],
                    _ => vec![c.clone()],
                };
                commit.changes = changes.iter().flat_map(put).collect();
            }
            Fault::CountsRepeats => {
                let repeats = self
                    .memory()
                    .commits
                    .iter()
                    .filter(|c| **c == commit)
                    .count();
                for change in &mut commit.changes {
                    if let Change::Execution(row) = change {
                        row.resumes += u32::try_from(repeats).unwrap_or(u32::MAX);
                    }
                }
            }
            _ => {
                for change in changes {
                    self.change_one(change);
                }
            }
        }
        commit
    }

    fn change_one(&self, change: &mut Change) {
        match (self.fault, change) {
            (Fault::LosesMicroseconds, Change::JobRun { row, .. }) => {
                row.started_at = row.started_at.map(to_millis);
            }
            (Fault::LosesMicroseconds, Change::FlowPut(flow)) => {
                let revision = &mut Arc::make_mut(flow).revision;
                revision.updated_at = to_millis(revision.updated_at);
            }
            (Fault::ClampsNumbers, Change::Attempt(row)) => {
                row.number = row.number.min(i32::MAX.cast_unsigned());
            }
            (fault, Change::FlowPut(flow)) => spoil(fault, &mut Arc::make_mut(flow).name),
            (fault, Change::JobPut(job)) => spoil(fault, &mut Arc::make_mut(job).command),
            _ => {}
        }
    }

    /// Whether a sound store would take the commit, and this one does not.
    fn refuses(&self, commit: &Commit) -> bool {
        match self.fault {
            Fault::RefusesRepeats => self.memory().commits.contains(commit),
            Fault::RefusesTakenNames => {
                // A unique key, checked at each row, with new rows stored before old ones go.
                let mut names: Vec<(FlowId, String)> = Vec::new();
                let memory = self.memory();
                let stored = memory.commits.iter().flat_map(|c| &c.changes);
                for change in stored.chain(&commit.changes) {
                    if let Change::FlowPut(flow) = change {
                        if names
                            .iter()
                            .any(|(id, name)| *id != flow.id && *name == flow.name)
                        {
                            return true;
                        }
                        names.retain(|(id, _)| *id != flow.id);
                        names.push((flow.id, flow.name.clone()));
                    }
                }
                false
            }
            _ => false,
        }
    }
}

fn to_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_micros() / 1_000 * 1_000)
}

fn spoil(fault: Fault, text: &mut String) {
    match fault {
        Fault::TrimsTexts => *text = text.trim_end().into(),
        Fault::CutsTexts => *text = text.chars().take(65_535).collect(),
        Fault::FoldsNames => *text = text.to_lowercase(),
        Fault::LosesFourByteCharacters => {
            *text = text.replace(|c: char| c.len_utf8() == 4, "?");
        }
        _ => {}
    }
}

/// Lets others have their turn.
async fn yield_once() {
    let mut first = true;
    poll_fn(|_| {
        if std::mem::take(&mut first) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

#[async_trait]
impl Store for Broken {
    type Error = Refused;

    async fn load(&self) -> Result<Snapshot, Refused> {
        let mut snapshot = ours(self.inner.load().await)?;
        match self.fault {
            Fault::StartsWithSomething => snapshot.next_id = snapshot.next_id.max(1),
            Fault::TakesAnyNextId => {
                let memory = self.memory();
                snapshot.next_id = memory.commits.last().map_or(0, |commit| commit.next_id);
            }
            Fault::SortsIdsAsText => {
                snapshot.flows.sort_by_key(|(flow, _)| flow.id.to_string());
            }
            Fault::LosesStopping => {
                let state = hcndc_core::engine::ExecutionState::Running;
                snapshot.executions.retain(|e| e.row.state == state);
            }
            Fault::LoadsEndedExecutions => {
                let mut ids: Vec<_> = self.stored_executions();
                ids.sort_unstable();
                ids.dedup();
                snapshot.executions.clear();
                for id in ids {
                    snapshot
                        .executions
                        .extend(ours(self.inner.load_execution(id).await)?);
                }
            }
            Fault::LoadsEndedBackfills => {
                let memory = self.memory();
                let stored = memory.commits.iter().flat_map(|commit| &commit.changes);
                for change in stored {
                    if let Change::Backfill(row) = change
                        && row.state == BackfillState::Succeeded
                    {
                        let (row, dates) = (row.clone(), vec![]);
                        snapshot.backfills.push(BackfillSnapshot { row, dates });
                    }
                }
            }
            Fault::PinsNothing => {
                let flows: Vec<_> = snapshot
                    .flows
                    .iter()
                    .map(|(flow, _)| flow.clone())
                    .collect();
                for execution in &mut snapshot.executions {
                    unpin(execution, &flows, &snapshot.jobs);
                }
            }
            Fault::DeletesVersions => {
                let jobs: Vec<_> = snapshot.jobs.iter().map(|job| job.id).collect();
                for execution in &mut snapshot.executions {
                    execution
                        .job_runs
                        .retain(|(run, _)| jobs.contains(&run.job));
                }
            }
            _ => {}
        }
        Ok(snapshot)
    }

    async fn load_alerts(&self, alerts: &[AlertId]) -> Result<Vec<AlertRow>, Refused> {
        let mut found = ours(self.inner.load_alerts(alerts).await)?;
        if self.fault == Fault::LoadsAlertsAlone {
            found.retain(|row| alerts.contains(&row.id));
        }
        Ok(found)
    }

    async fn load_execution(
        &self,
        execution: ExecutionId,
    ) -> Result<Option<ExecutionSnapshot>, Refused> {
        let mut found = ours(self.inner.load_execution(execution).await)?;
        match self.fault {
            Fault::FindsLiveOnly => found = found.filter(|e| !e.row.state.is_ended()),
            Fault::FindsAnyExecution if found.is_none() => {
                if let Some(id) = self.stored_executions().first() {
                    found = ours(self.inner.load_execution(*id).await)?;
                }
            }
            Fault::PinsNothing => {
                let current = ours(self.inner.load().await)?;
                let flows: Vec<_> = current.flows.into_iter().map(|(flow, _)| flow).collect();
                if let Some(execution) = &mut found {
                    execution
                        .job_runs
                        .retain(|(run, _)| current.jobs.iter().any(|job| job.id == run.job));
                    unpin(execution, &flows, &current.jobs);
                }
            }
            _ => {}
        }
        Ok(found)
    }

    async fn commit(&self, fence: Fence, commit: &Commit) -> Result<(), Refused> {
        let newest = self.newest_fence();
        if self.refuses(commit) {
            return Err(Refused(ErrorKind::Invalid));
        }
        let commit_of = self.change(commit);
        self.memory().lagging = Some(self.copy().await);
        let through = match self.fault {
            Fault::TakesAnyFence => newest,
            Fault::TakesFutureFences if fence > newest => newest,
            Fault::NeedsNoLease if newest == Fence(0) => {
                let now = Timestamp::from_micros(0);
                let lease = self
                    .inner
                    .acquire("nobody", now, Duration::ZERO, None)
                    .await;
                ours(lease)?.given().expect("nobody leads").fence
            }
            Fault::ChecksTheFenceTooEarly if fence == newest => {
                yield_once().await;
                self.newest_fence()
            }
            _ => fence,
        };
        if self.fault == Fault::TearsCommits || self.fault == Fault::StoresHalfOfRefused {
            let half = commit_of.changes.len() / 2;
            let first = Commit {
                changes: commit_of.changes[..half].to_vec(),
                ..commit_of
            };
            let through = match self.fault {
                Fault::TearsCommits => through,
                _ => newest,
            };
            ours(self.inner.commit(through, &first).await)?;
            yield_once().await;
        }
        ours(self.inner.commit(through, &commit_of).await)?;
        self.memory().commits.push(commit.clone());
        Ok(())
    }

    async fn acquire(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
        outlasted: Option<&Lease>,
    ) -> Result<Asked, Refused> {
        let last = self.memory().newest.clone();
        let folded = holder.trim_end().to_lowercase();
        let (mut holder, mut outlasted) = (holder, outlasted.cloned());
        match (self.fault, &last) {
            (Fault::GivesEveryoneALease, Some(_)) => outlasted = Some(self.stands().await?),
            (Fault::OutlastsAnyMark | Fault::HidesSignsOfLife, Some(_)) if outlasted.is_some() => {
                outlasted = Some(self.stands().await?);
            }
            (Fault::FoldsHolders, Some(_)) => holder = &folded,
            (Fault::LeasesNeverEnd, Some(last)) if last.holder != holder => {
                return Ok(Asked::Held(last.clone()));
            }
            (Fault::KeepsTheFence, Some(last)) if last.holder == holder => {
                return Ok(Asked::Given(last.clone()));
            }
            (Fault::LocksItselfOut, Some(last)) if last.expires_at > now => {
                return Ok(Asked::Held(last.clone()));
            }
            _ => {}
        }
        let asked = self.inner.acquire(holder, now, ttl, outlasted.as_ref());
        let mut asked = ours(asked.await)?;
        match (&mut asked, last) {
            (Asked::Given(lease), _) => {
                self.memory().newest = Some(lease.clone());
                if self.fault == Fault::ForgetsTheFence {
                    let mut memory = self.memory();
                    memory.fences += 1;
                    lease.fence = Fence(memory.fences);
                }
            }
            (Asked::Held(lease), Some(last)) if self.fault == Fault::HidesSignsOfLife => {
                *lease = last;
            }
            (Asked::Held(_), _) => {}
        }
        Ok(asked)
    }

    async fn renew(&self, lease: &Lease, now: Timestamp, ttl: Duration) -> Result<Lease, Refused> {
        let last = self.memory().newest.clone();
        match (self.fault, last) {
            (Fault::RenewsAsNewTerm, _) => {
                let again = self.acquire(&lease.holder, now, ttl, None).await?;
                again.given().ok_or(Refused(ErrorKind::Fenced))
            }
            (Fault::RenewsNothing, Some(last)) => Ok(last),
            (Fault::RenewsAnyLease, Some(last)) => ours(self.inner.renew(&last, now, ttl).await),
            _ => ours(self.inner.renew(lease, now, ttl).await),
        }
    }

    async fn release(&self, lease: &Lease) -> Result<(), Refused> {
        let last = self.memory().newest.clone();
        match (self.fault, last) {
            (Fault::ReleasesNothing, _) => Ok(()),
            (Fault::ReleasesAnyLease, Some(last)) => ours(self.inner.release(&last).await),
            _ => ours(self.inner.release(lease).await),
        }
    }
}

impl Broken {
    /// The lease that keeps everybody out.
    async fn stands(&self) -> Result<Lease, Refused> {
        let now = Timestamp::from_micros(0);
        let asked = self
            .inner
            .acquire("whoever looks", now, Duration::ZERO, None);
        match ours(asked.await)? {
            Asked::Held(lease) | Asked::Given(lease) => Ok(lease),
        }
    }

    /// Every execution that was ever stored, in order of storing.
    fn stored_executions(&self) -> Vec<ExecutionId> {
        let memory = self.memory();
        let changes = memory.commits.iter().flat_map(|commit| &commit.changes);
        changes
            .filter_map(|change| match change {
                Change::Execution(row) => Some(row.id),
                _ => None,
            })
            .collect()
    }

    /// A store that holds what this one holds now.
    async fn copy(&self) -> MemStore {
        let copy = MemStore::new();
        let now = Timestamp::from_micros(0);
        let lease = copy.acquire("copy", now, Duration::ZERO, None).await;
        let lease = lease.expect("in memory").given().expect("nobody leads");
        let commits = self.memory().commits.clone();
        for commit in commits {
            let done = copy.commit(lease.fence, &commit).await;
            done.expect("in memory");
        }
        copy
    }
}

/// Replaces pinned versions by current ones.
fn unpin(execution: &mut ExecutionSnapshot, flows: &[Arc<Flow>], jobs: &[Arc<Job>]) {
    for (run, flow) in &mut execution.flow_runs {
        if let Some(current) = flows.iter().find(|flow| flow.id == run.flow) {
            *flow = current.clone();
        }
    }
    for (run, job) in &mut execution.job_runs {
        if let Some(current) = jobs.iter().find(|job| job.id == run.job) {
            *job = current.clone();
        }
    }
}
