//! Old history goes, and nothing else does.

mod support;

use std::{collections::BTreeMap, time::Duration};

use hcndc_core::{
    contract::sample,
    engine::{
        ActionKind, ActionRow, AlertRow, AttemptRow, AttemptState, BackfillRow, BackfillState,
        Change, ExecutionRow, ExecutionState, FiringRow, FlowRunRow, FlowRunState, JobRunRow,
        JobRunState,
    },
    id::{ActionId, ExecutionId, FiringId, JobId, JobRunId, ScheduleId},
    port::{
        ActionQuery, BackfillQuery, Commit, Cursor, CursorValue, ExecutionQuery, Fence,
        FiringQuery, History as _, JobRunQuery, PageRequest, Store as _,
    },
    time::Timestamp,
};
use hcndc_store_mysql::{Keep, Pruned, SqlStore};
use sea_orm::{ConnectionTrait as _, Database};
use support::{block_on, mysql, sqlite};

const DAY: i64 = 86_400_000_000;
/// Executions that ended, one a day.
const DAYS: u64 = 6;
const JOB_RUNS: u64 = 20;

fn day(day: u64) -> Timestamp {
    sample::at(i64::try_from(day).expect("a day") * DAY)
}

/// The id of the execution that ended on a day. What belongs to it has greater ones.
const fn execution_of(day: u64) -> u64 {
    day * 1_000
}

/// An execution of a flow run, job runs of two attempts each, and a stop of it.
fn ended(on: u64) -> Vec<Change> {
    let id = execution_of(on);
    let mut changes = vec![Change::Execution(ExecutionRow {
        state: ExecutionState::Succeeded,
        ended_at: Some(day(on)),
        ..sample::execution(id)
    })];
    changes.push(Change::FlowRun {
        from: None,
        row: FlowRunRow {
            state: FlowRunState::Succeeded,
            ..sample::flow_run(id + 1, id, 1)
        },
    });
    for at in 0..JOB_RUNS {
        let run = id + 100 + at;
        changes.push(Change::JobRun {
            from: None,
            row: JobRunRow {
                state: JobRunState::Succeeded,
                ..sample::job_run(run, id, id + 1, 11)
            },
        });
        for number in 1..=2 {
            changes.push(Change::Attempt(AttemptRow {
                state: AttemptState::Succeeded,
                ..sample::attempt(id + 200 + 2 * at + u64::from(number), id, run, number, 21)
            }));
        }
        let values = [("a", "1"), ("b", "2"), ("c", "")];
        changes.push(Change::Outputs(sample::outputs(id, run, 2, &values)));
    }
    changes.push(action(id + 2, id, day(on)));
    changes
}

fn action(id: u64, execution: u64, at: Timestamp) -> Change {
    Change::Action(ActionRow {
        id: ActionId(id),
        execution: ExecutionId(execution),
        job_run: None,
        kind: ActionKind::Stop,
        by: "anna".into(),
        at,
    })
}

/// What else grows: of each something old that may go, and something old that may not.
fn others() -> Vec<Change> {
    let firing = |row: FiringRow| Change::Firing(FiringRow { at: day(1), ..row });
    let backfill = |id, state| {
        Change::Backfill(BackfillRow {
            state,
            ended_at: Some(day(1)),
            ..sample::backfill(id)
        })
    };
    let told = AlertRow {
        raised_at: day(1),
        closed_at: Some(day(1)),
        escalate_at: None,
        ..sample::alert(9_101, 1)
    };
    let unanswered = AlertRow {
        raised_at: day(1),
        closed_at: Some(day(1)),
        ..sample::alert(9_103, 1)
    };
    let untold = AlertRow {
        raised_at: day(1),
        ..sample::alert(9_102, 1)
    };
    vec![
        firing(sample::firing(9_001, 71)),
        firing(sample::open_firing(9_002, 71)),
        firing(sample::firing(9_003, 71)),
        Change::ScheduleCursor(sample::cursor(71, Some(9_003))),
        Change::Alert(told),
        Change::Alert(untold),
        Change::Alert(unanswered),
        backfill(9_201, BackfillState::Succeeded),
        Change::BackfillDate(sample::backfill_date(9_201, "2026-01-01")),
        Change::BackfillDate(sample::backfill_date(9_201, "2026-01-02")),
        backfill(9_202, BackfillState::Failed),
        Change::BackfillDate(sample::backfill_date(9_202, "2026-01-01")),
        // Of the world's execution, which lives.
        action(9_301, 31, day(1)),
    ]
}

async fn fill(store: &SqlStore) -> Fence {
    let fence = support::lead(store, "a", Duration::from_secs(1)).await;
    let mut changes = sample::World::new().changes();
    changes.extend((1..=DAYS).flat_map(ended));
    changes.extend(others());
    let commit = Commit {
        next_id: 10_000,
        changes,
    };
    store.commit(fence, &commit).await.expect("commit");
    fence
}

/// What ended on the first three days is too old.
fn keep() -> Keep {
    Keep {
        history_since: Some(day(4)),
        audit_since: Some(day(2)),
    }
}

async fn executions(store: &SqlStore) -> Vec<u64> {
    let page = store.executions(&ExecutionQuery::default()).await;
    let page = page.expect("list executions");
    page.items.iter().map(|it| it.row.id.0).collect()
}

async fn job_runs(store: &SqlStore, query: JobRunQuery) -> usize {
    let page = PageRequest {
        limit: 1_000,
        ..PageRequest::default()
    };
    let query = JobRunQuery { page, ..query };
    let page = store.job_runs(&query).await.expect("list job runs");
    page.items.len()
}

async fn old_history_goes_and_nothing_else(store: &SqlStore) {
    fill(store).await;
    let before = store.load().await.expect("load");
    let planned = store.prunable(keep()).await.expect("look");
    // Nothing has gone by looking.
    assert_eq!(executions(store).await.len(), 7);
    let pruned = prune(store, keep(), 7).await;
    assert_eq!(pruned.rows, planned.rows);
    let expected: BTreeMap<_, _> = [
        ("action", 1),
        ("alert", 1),
        ("attempt", 120),
        ("backfill", 1),
        ("backfill_date", 2),
        ("execution", 3),
        ("firing", 1),
        ("flow_run", 3),
        ("job_output", 180),
        ("job_run", 60),
    ]
    .into();
    assert_eq!(pruned.rows, expected);

    assert_eq!(store.load().await.expect("load"), before);
    assert_eq!(executions(store).await, [31, 4_000, 5_000, 6_000]);
    for gone in 1..=3 {
        let id = ExecutionId(execution_of(gone));
        assert_eq!(store.execution(id).await.expect("look"), None);
        assert_eq!(store.load_execution(id).await.expect("load"), None);
        let run = store.job_run(JobRunId(execution_of(gone) + 100)).await;
        assert_eq!(run.expect("look"), None);
    }
    let firings = store.firings(&FiringQuery::default()).await.expect("list");
    let firings: Vec<_> = firings.items.iter().map(|it| it.id).collect();
    assert_eq!(firings, [FiringId(9_002), FiringId(9_003)]);
    let cursor = store.schedule_cursor(ScheduleId(71)).await.expect("look");
    assert_eq!(cursor.and_then(|it| it.last), Some(FiringId(9_003)));
    let backfills = store.backfills(&BackfillQuery::default()).await;
    let backfills: Vec<_> = backfills.expect("list").items;
    assert_eq!(backfills.len(), 1);
    assert_eq!(backfills[0].row.state, BackfillState::Failed);
    assert_eq!(backfills[0].dates.values().sum::<u64>(), 1);
    // What people did is kept longer than what they did it to, and for what lives in any case.
    let actions = store.actions(&ActionQuery::default()).await.expect("list");
    let actions: Vec<_> = actions.items.iter().map(|it| it.id.0).collect();
    assert_eq!(actions, [2_002, 3_002, 4_002, 5_002, 6_002, 9_301]);

    // A page that was left at a row that is gone goes on behind it.
    let after = PageRequest {
        after: Some(Cursor {
            value: CursorValue::Id,
            id: 3_000,
        }),
        ..PageRequest::default()
    };
    let query = ExecutionQuery {
        page: after,
        ..ExecutionQuery::default()
    };
    let page = store.executions(&query).await.expect("list");
    assert_eq!(page.items.len(), 3);
    let nothing = store.prune(keep(), 7).await.expect("prune");
    assert_eq!((nothing.total(), nothing.more), (0, false));
}

/// Batches until there is no more; what is there is whole after each of them.
async fn prune(store: &SqlStore, keep: Keep, rows: u32) -> Pruned {
    let mut all = Pruned::default();
    loop {
        let pruned = store.prune(keep, rows).await.expect("prune");
        all.add(&pruned);
        for (table, count) in &pruned.rows {
            assert!(*count <= u64::from(rows), "{count} rows of {table}");
        }
        for execution in executions(store)
            .await
            .into_iter()
            .filter(|id| *id >= 1_000)
        {
            let query = JobRunQuery {
                execution: Some(ExecutionId(execution)),
                ..JobRunQuery::default()
            };
            assert_eq!(job_runs(store, query).await, 20, "of {execution}");
        }
        // Job runs of what is gone are listed as long as they are there, and need the names of their flows.
        let query = JobRunQuery {
            job: Some(JobId(11)),
            ..JobRunQuery::default()
        };
        job_runs(store, query).await;
        if !pruned.more {
            return all;
        }
        assert!(pruned.total() > 0, "more to do, and nothing done");
    }
}

/// Whoever reads an old execution is about to resume it: it stays until another term begins, whose commits cannot be
/// those of that reader.
async fn what_is_read_to_go_on_with_stays(store: &SqlStore) {
    let fence = fill(store).await;
    let id = ExecutionId(execution_of(1));
    let loaded = store.load_execution(id).await.expect("load");
    let loaded = loaded.expect("it is there");
    let pruned = prune(store, keep(), 100).await;
    assert_eq!(pruned.rows["execution"], 2);
    assert_eq!(store.load_execution(id).await.expect("load"), Some(loaded));

    // The resume comes through, and what lives stays in any term.
    let resumed = ExecutionRow {
        state: ExecutionState::Running,
        ended_at: None,
        ..sample::execution(id.0)
    };
    let commit = Commit {
        next_id: 10_000,
        changes: vec![Change::Execution(resumed)],
    };
    store.commit(fence, &commit).await.expect("commit");
    support::lead(store, "a", Duration::from_secs(1)).await;
    assert_eq!(prune(store, keep(), 100).await.total(), 0);
    let live = store.load().await.expect("load").executions;
    let live = live.iter().find(|it| it.row.id == id).expect("it lives");
    assert_eq!(live.job_runs.len(), 20);
}

async fn what_nobody_goes_on_with_goes_in_the_next_term(store: &SqlStore) {
    fill(store).await;
    let id = ExecutionId(execution_of(1));
    store.load_execution(id).await.expect("load");
    assert_eq!(prune(store, keep(), 100).await.rows["execution"], 2);
    support::lead(store, "a", Duration::from_secs(1)).await;
    assert_eq!(prune(store, keep(), 100).await.rows["execution"], 1);
    assert_eq!(store.load_execution(id).await.expect("load"), None);
}

/// A call that was cut off is taken up by the next, of another process.
async fn a_retention_that_was_cut_off_goes_on(store: &SqlStore, again: &SqlStore) {
    fill(store).await;
    let first = store.prune(keep(), 3).await.expect("prune");
    assert!(first.more);
    assert_eq!(first.rows["execution"], 3);
    let rest = prune(again, keep(), 100).await;
    assert_eq!(rest.rows.get("execution"), None);
    assert_eq!((rest.rows["job_run"], rest.rows["attempt"]), (60, 120));
}

/// A commit waits for no more than the batch that is at work.
async fn a_commit_comes_between_two_batches(store: &SqlStore) {
    let fence = fill(store).await;
    let commit = Commit {
        next_id: 10_001,
        changes: vec![action(9_400, 31, day(5))],
    };
    // Both are asked for together, batch after batch.
    let mut together = 0;
    loop {
        let (pruned, committed) =
            tokio::join!(store.prune(keep(), 10), store.commit(fence, &commit));
        committed.expect("commit");
        together += 1;
        if !pruned.expect("prune").more {
            break;
        }
    }
    assert!(together > 10, "{together} commits");
}

async fn nothing_goes_where_all_is_kept(store: &SqlStore) {
    fill(store).await;
    let pruned = prune(store, Keep::default(), 10).await;
    assert_eq!(pruned.total(), 0);
    let planned = store.prunable(Keep::default()).await.expect("look");
    assert_eq!(planned.total(), 0);
}

/// Each case on each database.
macro_rules! on_both {
    ($($case:ident: $sqlite:ident, $mysql:ident;)*) => { $(
        #[test]
        fn $sqlite() {
            let directory = tempfile::tempdir().expect("a directory");
            block_on(async {
                let store = SqlStore::connect(&sqlite::url(&directory)).await;
                $case(&store.expect("connect")).await;
            });
        }

        #[test]
        fn $mysql() {
            if mysql::is_skipped(stringify!($mysql)) {
                return;
            }
            block_on(async {
                let schema = mysql::Schema::create().await;
                let store = SqlStore::connect(&schema.url).await;
                $case(&store.expect("connect")).await;
            });
        }
    )* };
}

on_both! {
    old_history_goes_and_nothing_else:
        old_history_goes_and_nothing_else_from_sqlite, old_history_goes_and_nothing_else_from_mysql;
    what_is_read_to_go_on_with_stays:
        what_is_read_to_go_on_with_stays_on_sqlite, what_is_read_to_go_on_with_stays_on_mysql;
    what_nobody_goes_on_with_goes_in_the_next_term:
        what_nobody_goes_on_with_goes_from_sqlite, what_nobody_goes_on_with_goes_from_mysql;
    a_commit_comes_between_two_batches:
        a_commit_comes_between_two_batches_on_sqlite, a_commit_comes_between_two_batches_on_mysql;
    nothing_goes_where_all_is_kept:
        nothing_goes_from_sqlite_where_all_is_kept, nothing_goes_from_mysql_where_all_is_kept;
}

#[test]
fn a_retention_that_was_cut_off_goes_on_with_sqlite() {
    let directory = tempfile::tempdir().expect("a directory");
    block_on(async {
        let url = sqlite::url(&directory);
        let store = SqlStore::connect(&url).await.expect("connect");
        let again = SqlStore::connect(&url).await.expect("connect");
        a_retention_that_was_cut_off_goes_on(&store, &again).await;
    });
}

/// What retention locks is old, so a scheduler that commits does not wait for it.
#[test]
fn mysql_commits_while_a_retention_is_in_the_middle_of_a_batch() {
    if mysql::is_skipped("mysql_commits_while_a_retention_is_in_the_middle_of_a_batch") {
        return;
    }
    block_on(async {
        let schema = mysql::Schema::create().await;
        let store = SqlStore::connect(&schema.url).await.expect("connect");
        let fence = fill(&store).await;
        let mut options = sea_orm::ConnectOptions::new(&schema.url);
        options.max_connections(1);
        let other = Database::connect(options).await.expect("connect");
        let cut = day(4).as_micros();
        for statement in [
            "BEGIN".to_owned(),
            format!("SELECT id FROM execution WHERE ended_at < {cut} FOR UPDATE"),
            "DELETE FROM execution WHERE id IN (1000, 2000, 3000)".to_owned(),
            "DELETE FROM attempt WHERE job_run_id BETWEEN 1100 AND 1119".to_owned(),
        ] {
            other
                .execute_unprepared(&statement)
                .await
                .expect(&statement);
        }
        let mut changes = ended(7);
        changes.push(action(9_400, 31, day(5)));
        let commit = Commit {
            next_id: 10_001,
            changes,
        };
        store.commit(fence, &commit).await.expect("commit");
        other.execute_unprepared("ROLLBACK").await.expect("end");
        other.close().await.expect("close");
    });
}
