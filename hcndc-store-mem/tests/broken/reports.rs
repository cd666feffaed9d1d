//! What reporters read of a broken store.

use async_trait::async_trait;
use hcndc_core::{
    engine::Change,
    id::{ExecutionId, JobRunId},
    port::{ExecutionEnd, History as _, Reports, RunStory},
};

use super::{
    fault::Fault,
    store::{Broken, Refused, ours},
};

impl Broken {
    /// All ends, in whatever order this store has them.
    async fn all_ends(&self) -> Result<Vec<ExecutionEnd>, Refused> {
        let mut ends = ours(self.inner.ends(0, u32::MAX).await)?;
        match self.fault {
            Fault::OrdersEndsByTime => {
                ends.sort_by_key(|end| end.ended_at);
                for (end, position) in ends.iter_mut().zip(1..) {
                    end.position = position;
                }
            }
            Fault::TellsEndsOfEveryCommit => ends = self.ends_of_every_commit(),
            Fault::KeepsOneEnd => {
                let latest = ends.clone();
                ends.retain(|end| {
                    let later = |other: &ExecutionEnd| {
                        other.execution == end.execution && other.resumes > end.resumes
                    };
                    !latest.iter().any(later)
                });
            }
            _ => {}
        }
        Ok(ends)
    }

    fn ends_of_every_commit(&self) -> Vec<ExecutionEnd> {
        let memory = self.memory();
        let commits = memory.commits.iter().zip(1..);
        let ends = commits.flat_map(|(commit, position)| {
            commit
                .changes
                .iter()
                .filter_map(move |change| match change {
                    Change::Execution(row) => Some(ExecutionEnd {
                        execution: row.id,
                        resumes: row.resumes,
                        position,
                        state: row.state,
                        ended_at: row.ended_at?,
                        next_id: commit.next_id,
                    }),
                    _ => None,
                })
        });
        ends.collect()
    }
}

#[async_trait]
impl Reports for Broken {
    type Error = Refused;

    async fn ends(&self, after: u64, limit: u32) -> Result<Vec<ExecutionEnd>, Refused> {
        let mut ends = self.all_ends().await?;
        ends.retain(|end| end.position > after);
        let limit = limit.max(1) as usize;
        let last = ends.get(limit - 1).map(|end| end.position);
        ends.retain(|end| last.is_none_or(|last| end.position <= last));
        if self.fault == Fault::TearsCommitsApart {
            ends.truncate(limit);
        }
        Ok(ends)
    }

    async fn ends_of(&self, execution: ExecutionId) -> Result<Vec<ExecutionEnd>, Refused> {
        let mut ends = self.all_ends().await?;
        ends.retain(|end| end.execution == execution);
        Ok(ends)
    }

    async fn last_position(&self) -> Result<u64, Refused> {
        match self.fault {
            Fault::StandsStill => Ok(0),
            _ => ours(self.inner.last_position().await),
        }
    }

    async fn run_stories(
        &self,
        execution: ExecutionId,
        after: Option<JobRunId>,
        limit: u32,
    ) -> Result<Vec<RunStory>, Refused> {
        let stories = self.inner.run_stories(execution, after, limit).await;
        let mut stories = ours(stories)?;
        for story in &mut stories {
            if self.fault == Fault::ShowsNewNames
                && let Some(view) = ours(self.inner.job(story.row.job).await)?
            {
                story.job = view.job;
            }
            if self.fault == Fault::SortsAttemptsById {
                story.attempts.sort_by_key(|attempt| attempt.id);
            }
        }
        Ok(stories)
    }

    async fn mark(&self, name: &str) -> Result<Option<u64>, Refused> {
        if self.fault == Fault::MarksGoBack {
            return Ok(self.memory().marks.get(name).copied());
        }
        ours(self.inner.mark(name).await)
    }

    async fn put_mark(&self, name: &str, position: u64) -> Result<(), Refused> {
        self.memory().marks.insert(name.to_owned(), position);
        ours(self.inner.put_mark(name, position).await)
    }
}
