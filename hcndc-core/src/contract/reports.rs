//! What each clause of [`Reports`] promises, case by case.

#![expect(
    clippy::missing_panics_doc,
    reason = "a case panics when its clause does not hold; that is all it does"
)]

use alloc::{vec, vec::Vec};

use super::{
    Opened, StoreFixture,
    sample::{self, at},
    store::{lead, put},
};
use crate::{
    engine::{Change, ExecutionRow, ExecutionState},
    id::{ExecutionId, JobRunId},
    port::{ExecutionEnd, Fence, Reports, Store},
};

/// What a case gets: a fresh store and its guard.
type Case<F> = Opened<<F as StoreFixture>::Store, <F as StoreFixture>::Guard>;

/// An execution that ended so many microseconds after the samples' time.
fn ended(id: u64, resumes: u32, micros: i64) -> Change {
    Change::Execution(ExecutionRow {
        state: ExecutionState::Succeeded,
        ended_at: Some(at(micros)),
        resumes,
        ..sample::execution(id)
    })
}

/// One that lives.
fn live(id: u64, resumes: u32) -> Change {
    Change::Execution(ExecutionRow {
        resumes,
        ..sample::execution(id)
    })
}

async fn ends_after<S: Reports>(store: &S, after: u64) -> Vec<ExecutionEnd> {
    store.ends(after, 1_000).await.expect("ends")
}

fn keys(ends: &[ExecutionEnd]) -> Vec<(u64, u32)> {
    let keys = ends.iter().map(|end| (end.execution.0, end.resumes));
    keys.collect()
}

/// Somebody else leads from now on.
async fn take_over<S: Store>(store: &S) -> Fence {
    let lease = store.acquire("the case", at(0), super::store::HOUR, None);
    let lease = lease.await.expect("acquire").given();
    lease.expect("its own lease").fence
}

/// Clauses 1 and 2: neither ids nor times decide, but which commit was first.
pub async fn ends_come_in_the_order_of_commits<F>(fixture: &F, case: &Case<F>)
where
    F: StoreFixture<Store: Reports>,
{
    let store = &case.store;
    let fence = lead(store).await;
    put(store, fence, vec![live(32, 0), live(31, 0)]).await;
    assert_eq!(ends_after(store, 0).await, []);
    put(store, fence, vec![ended(32, 0, 9_000)]).await;
    let first = ends_after(store, 0).await;
    put(store, fence, vec![ended(31, 0, 5)]).await;
    // The clock of the next one is behind.
    let fence = take_over(store).await;
    put(store, fence, vec![ended(30, 0, -7_000_000)]).await;
    let again = fixture.reopen(case).await;
    let ends = ends_after(&again, 0).await;
    assert_eq!(keys(&ends), [(32, 0), (31, 0), (30, 0)]);
    let grow = ends
        .windows(2)
        .all(|pair| pair[0].position < pair[1].position);
    assert!(grow && ends[0].position > 0, "{ends:?}");
    assert_eq!(ends[0], first[0]);
    let rest = ends_after(&again, first[0].position).await;
    assert_eq!(rest, ends[1..]);
    let end = ends[0];
    assert_eq!(
        (end.state, end.ended_at),
        (ExecutionState::Succeeded, at(9_000))
    );
    assert_eq!(end.next_id, 1_000);
}

/// Clauses 1 and 4: what goes on after its end ends another time.
pub async fn each_end_of_an_execution_is_kept<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: Reports>,
{
    let store = &case.store;
    let fence = lead(store).await;
    put(store, fence, vec![ended(31, 0, 1)]).await;
    put(store, fence, vec![live(31, 1)]).await;
    put(store, fence, vec![ended(31, 1, 5), ended(32, 0, 5)]).await;
    let of_it = store.ends_of(ExecutionId(31)).await.expect("ends");
    assert_eq!(keys(&of_it), [(31, 0), (31, 1)]);
    assert_eq!(of_it[1].ended_at, at(5));
    let all = ends_after(store, 0).await;
    assert_eq!(keys(&all), [(31, 0), (31, 1), (32, 0)]);
    assert_eq!(all[1].position, all[2].position);
    assert_eq!(store.ends_of(ExecutionId(99)).await.expect("ends"), []);
}

/// Clause 1: of a commit only what it leaves counts.
pub async fn an_end_that_was_none_is_not_told<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: Reports>,
{
    let store = &case.store;
    let fence = lead(store).await;
    put(store, fence, vec![ended(31, 0, 1), live(31, 1)]).await;
    assert_eq!(ends_after(store, 0).await, []);
    put(store, fence, vec![live(32, 0), ended(32, 0, 1)]).await;
    assert_eq!(keys(&ends_after(store, 0).await), [(32, 0)]);
}

/// Clause 3: a commit whose outcome nobody knows is sent again.
pub async fn an_end_that_is_stored_again_is_one<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: Reports>,
{
    let store = &case.store;
    let fence = lead(store).await;
    put(store, fence, vec![ended(31, 0, 1)]).await;
    let first = ends_after(store, 0).await;
    put(store, fence, vec![ended(32, 0, 1)]).await;
    put(store, fence, vec![ended(31, 0, 1)]).await;
    let ends = ends_after(store, 0).await;
    assert_eq!(ends.len(), 2);
    let again = ends.iter().find(|end| end.execution.0 == 31);
    assert!(again.expect("it is there").position >= first[0].position);
    // Whoever has read the first two misses nothing.
    let later = ends_after(store, first[0].position).await;
    assert!(keys(&later).contains(&(32, 0)), "{later:?}");
}

/// Clause 4: those of one commit are not torn apart, so that a position says how far one has come.
pub async fn ends_of_one_commit_come_together<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: Reports>,
{
    let store = &case.store;
    let fence = lead(store).await;
    put(store, fence, vec![ended(40, 0, 1)]).await;
    put(store, fence, (31..36).map(|id| ended(id, 0, 1)).collect()).await;
    put(store, fence, vec![ended(30, 0, 1)]).await;
    let mut after = 0;
    let mut sizes = Vec::new();
    let mut seen = Vec::new();
    for _ in 0..10 {
        let ends = store.ends(after, 2).await.expect("ends");
        let Some(last) = ends.last() else { break };
        after = last.position;
        sizes.push(ends.len());
        seen.extend(keys(&ends));
    }
    assert_eq!(sizes, [6, 1]);
    let ids: Vec<u64> = seen.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [40, 31, 32, 33, 34, 35, 30]);
    assert_eq!(store.ends(0, 0).await.expect("ends").len(), 1);
    assert_eq!(store.ends(u64::MAX, 1).await.expect("ends"), []);
}

/// Clause 5: whoever begins at the last position sees what ends from then on, and all of it.
pub async fn from_the_last_position_on_all_is_seen<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: Reports>,
{
    let store = &case.store;
    assert_eq!(store.last_position().await.expect("a position"), 0);
    let fence = lead(store).await;
    put(store, fence, vec![ended(31, 0, 1)]).await;
    put(store, fence, vec![live(32, 0)]).await;
    let from = store.last_position().await.expect("a position");
    assert_eq!(ends_after(store, from).await, []);
    put(store, fence, vec![ended(32, 0, 1)]).await;
    assert_eq!(keys(&ends_after(store, from).await), [(32, 0)]);
    let fence = take_over(store).await;
    let later = store.last_position().await.expect("a position");
    assert!(later > from);
    put(store, fence, vec![ended(33, 0, 1)]).await;
    assert_eq!(keys(&ends_after(store, later).await), [(33, 0)]);
}

/// Clause 6: two reporters at once leave the mark of the one that is further.
pub async fn marks_only_go_forward<F>(fixture: &F, case: &Case<F>)
where
    F: StoreFixture<Store: Reports>,
{
    let store = &case.store;
    assert_eq!(store.mark("traces").await.expect("a mark"), None);
    for (put, stands) in [(0, 0), (7, 7), (7, 7), (3, 7), (12, 12)] {
        store.put_mark("traces", put).await.expect("put");
        assert_eq!(store.mark("traces").await.expect("a mark"), Some(stands));
    }
    store.put_mark("谱系 it's", 4).await.expect("put");
    let again = fixture.reopen(case).await;
    assert_eq!(again.mark("traces").await.expect("a mark"), Some(12));
    assert_eq!(again.mark("谱系 it's").await.expect("a mark"), Some(4));
    assert_eq!(again.mark("Traces").await.expect("a mark"), None);
}

/// Clause 7: pages of job runs by id, with all attempts, as they were pinned.
pub async fn job_runs_are_told_with_versions_and_attempts<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: Reports>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let world = sample::World::new();
    let mut changes = world.changes();
    let mut newer = world.jobs[0].clone();
    newer.name.push_str(" of today");
    newer.revision = sample::revision(newer.revision.version + 1);
    let run = world.job_runs[0];
    let more = [
        sample::attempt(903, run.execution.0, run.id.0, 8, 1),
        sample::attempt(902, run.execution.0, run.id.0, 9, 1),
    ];
    changes.extend(more.clone().map(Change::Attempt));
    put(store, fence, changes).await;
    put(store, fence, vec![sample::put_job(&newer)]).await;

    let all = store.run_stories(run.execution, None, 1_000).await;
    let all = all.expect("job runs");
    let ids: Vec<JobRunId> = all.iter().map(|story| story.row.id).collect();
    let mut expected: Vec<_> = world.job_runs.iter().collect();
    expected.retain(|row| row.execution == run.execution);
    expected.sort_by_key(|row| row.id);
    assert_eq!(
        ids,
        expected.iter().map(|row| row.id).collect::<Vec<JobRunId>>()
    );
    let story = all.iter().find(|story| story.row.id == run.id);
    let story = story.expect("it is there");
    assert_eq!(*story.job, world.jobs[0]);
    assert_eq!(story.attempts[story.attempts.len() - 2..], more);
    assert!(story.attempts.iter().all(|it| it.job_run == run.id));

    let mut paged = Vec::new();
    for _ in 0..100 {
        let after = paged
            .last()
            .map(|story: &crate::port::RunStory| story.row.id);
        let page = store.run_stories(run.execution, after, 1).await;
        let page = page.expect("a page");
        if page.is_empty() {
            break;
        }
        assert_eq!(page.len(), 1);
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let none = store.run_stories(ExecutionId(99_999), None, 10).await;
    assert_eq!(none.expect("job runs"), []);
}
