//! Clauses 3 and 4: filters.

use alloc::{collections::BTreeSet, string::String, vec, vec::Vec};

use super::{Case, StoreFixture, walk};
use crate::{
    contract::{
        sample::{self, World, at, date},
        store::{lead, put},
    },
    engine::{ActionKind, ActionRow, Change, ExecutionRow, ExecutionState, JobRunRow, JobRunState},
    id::{ActionId, ExecutionId, FlowId, FlowRunId, JobId, JobRunId},
    model::{Executor, Flow, Job},
    port::{
        ActionQuery, Direction, ExecutionQuery, ExecutorQuery, FlowQuery, History, JobQuery,
        JobRunQuery, PageRequest,
    },
};

/// Ids of the flows that a query finds, in pages of two.
async fn flows<S: History>(store: &S, query: &FlowQuery) -> Vec<u64> {
    let views = walk(2, Direction::Ascending, async |page| {
        let query = FlowQuery {
            page,
            ..query.clone()
        };
        store.flows(&query).await
    });
    views.await.iter().map(|view| view.flow.id.0).collect()
}

/// Ids of the jobs that a query finds, in pages of two.
async fn jobs<S: History>(store: &S, query: &JobQuery) -> Vec<u64> {
    let views = walk(2, Direction::Ascending, async |page| {
        let query = JobQuery {
            page,
            ..query.clone()
        };
        store.jobs(&query).await
    });
    views.await.iter().map(|view| view.job.id.0).collect()
}

/// Ids of the executors that a query finds, in pages of two.
async fn executors<S: History>(store: &S, query: &ExecutorQuery) -> Vec<u64> {
    let executors = walk(2, Direction::Ascending, async |page| {
        let query = ExecutorQuery {
            page,
            ..query.clone()
        };
        store.executors(&query).await
    });
    executors
        .await
        .iter()
        .map(|executor| executor.id.0)
        .collect()
}

/// Ids of the executions that a query finds, in pages of two; their flows and dates are found by it, too.
async fn executions<S: History>(store: &S, query: &ExecutionQuery) -> Vec<u64> {
    let views = walk(2, Direction::Ascending, async |page| {
        let query = ExecutionQuery {
            page,
            ..query.clone()
        };
        let found = store.executions(&query).await?;
        let theirs = found.items.iter().flat_map(|view| {
            let flows = view.flows.iter();
            flows.map(|(flow, _)| (*flow, view.row.data_date))
        });
        let theirs: BTreeSet<_> = theirs.collect();
        assert_eq!(store.flow_dates(&query).await?, theirs);
        Ok::<_, S::Error>(found)
    });
    views.await.iter().map(|view| view.row.id.0).collect()
}

/// Ids of the job runs that a query finds, in pages of two.
async fn job_runs<S: History>(store: &S, query: &JobRunQuery) -> Vec<u64> {
    let views = walk(2, Direction::Ascending, async |page| {
        let query = JobRunQuery {
            page,
            ..query.clone()
        };
        store.job_runs(&query).await
    });
    views.await.iter().map(|view| view.row.id.0).collect()
}

/// Clause 3: flows by text in name or description, directory, and whether they are enabled; and by all of these.
pub async fn flows_are_filtered<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let flow = |id, name, directory: &str, description: &str, enabled| {
        sample::put_flow(&Flow {
            directory: directory.into(),
            description: description.into(),
            enabled,
            ..sample::flow(id, name)
        })
    };
    let changes = vec![
        flow(1, "orders", "/", "nightly", true),
        flow(2, "stock", "/retail", "after Orders", true),
        flow(3, "reorder", "/retail/daily", "", false),
        flow(4, "bills", "/retailers", "", true),
        flow(5, "orders 2", "/零售/日报", "", false),
        flow(6, "x", "/retail/daily/deep", "", true),
        flow(7, "y", "/retail.old", "", true),
        flow(8, "z", "/Retail", "", true),
    ];
    put(store, fence, changes).await;
    let all = FlowQuery::default;
    let text = |text: &str| FlowQuery {
        text: text.into(),
        ..all()
    };
    let directory = |directory: &str| FlowQuery {
        directory: directory.into(),
        ..all()
    };
    for (query, expected) in [
        (all(), vec![1, 2, 3, 4, 5, 6, 7, 8]),
        (text("order"), vec![1, 2, 3, 5]),
        (text("ORDERS"), vec![1, 2, 5]),
        (text("nightly"), vec![1]),
        (text("ordersnightly"), vec![]),
        (text("nobody"), vec![]),
        (directory("/"), vec![1, 2, 3, 4, 5, 6, 7, 8]),
        (directory("/retail"), vec![2, 3, 6]),
        (directory("/retail/"), vec![2, 3, 6]),
        (directory("/retail/daily"), vec![3, 6]),
        (directory("/零售"), vec![5]),
        (directory("/reta"), vec![]),
        (directory("/retail/d_ily"), vec![]),
    ] {
        assert_eq!(flows(store, &query).await, expected, "{query:?}");
    }
    for (enabled, expected) in [(true, vec![2, 6]), (false, vec![3])] {
        let query = FlowQuery {
            enabled: Some(enabled),
            directory: String::from("/retail"),
            ..all()
        };
        assert_eq!(flows(store, &query).await, expected, "{query:?}");
    }
    let query = FlowQuery {
        text: String::from("order"),
        directory: String::from("/retail"),
        enabled: Some(true),
        ..all()
    };
    assert_eq!(flows(store, &query).await, [2]);
}

/// Clause 3: jobs by text, flow, and whether they are enabled; and by all of these.
pub async fn jobs_are_filtered<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let job = |id, flow, name, enabled| {
        sample::put_job(&Job {
            description: String::from("SQL"),
            enabled,
            ..sample::job(id, flow, name)
        })
    };
    let changes = vec![
        sample::put_flow(&sample::flow(1, "f")),
        sample::put_flow(&sample::flow(2, "g")),
        job(11, 1, "load", true),
        job(12, 1, "unload", false),
        job(13, 2, "load", true),
        job(14, 2, "sum", true),
        job(15, 2, "Download", false),
    ];
    put(store, fence, changes).await;
    let query = |text: &str, flow: Option<u64>, enabled| JobQuery {
        text: text.into(),
        flow: flow.map(FlowId),
        enabled,
        ..JobQuery::default()
    };
    for (query, expected) in [
        (query("", None, None), vec![11, 12, 13, 14, 15]),
        (query("load", None, None), vec![11, 12, 13, 15]),
        (query("sql", None, None), vec![11, 12, 13, 14, 15]),
        (query("", Some(1), None), vec![11, 12]),
        (query("", Some(3), None), vec![]),
        (query("", Some(u64::MAX), None), vec![]),
        (query("", None, Some(true)), vec![11, 13, 14]),
        (query("", Some(2), Some(false)), vec![15]),
        (query("load", Some(2), Some(true)), vec![13]),
    ] {
        assert_eq!(jobs(store, &query).await, expected, "{query:?}");
    }
}

/// Clause 3: executors by text and whether they are enabled.
pub async fn executors_are_filtered<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let executor = |id, name, description: &str, enabled| {
        sample::put_executor(&Executor {
            description: description.into(),
            enabled,
            ..sample::executor(id, name)
        })
    };
    let changes = vec![
        executor(1, "etl-01", "rack A", true),
        executor(2, "etl-02", "rack b", false),
        executor(3, "web", "", true),
    ];
    put(store, fence, changes).await;
    let query = |text: &str, enabled| ExecutorQuery {
        text: text.into(),
        enabled,
        ..ExecutorQuery::default()
    };
    for (query, expected) in [
        (query("", None), vec![1, 2, 3]),
        (query("ETL", None), vec![1, 2]),
        (query("RACK B", None), vec![2]),
        (query("", Some(true)), vec![1, 3]),
        (query("etl", Some(true)), vec![1]),
    ] {
        assert_eq!(executors(store, &query).await, expected, "{query:?}");
    }
}

/// Clause 3: executions by states, flow and dates, ends included; and by all of these.
pub async fn executions_are_filtered<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    use ExecutionState::{Failed, Running, Stopped, Stopping, Succeeded};
    let store = &case.store;
    let fence = lead(store).await;
    let mut changes = vec![
        sample::put_flow(&sample::flow(1, "f")),
        sample::put_flow(&sample::flow(2, "g")),
    ];
    let rows = [
        (11, Running, "2026-01-31", vec![1, 2]),
        (12, Failed, "2026-02-01", vec![1]),
        (13, Succeeded, "2026-02-01", vec![2]),
        (14, Succeeded, "2026-02-28", vec![1, 2]),
        (15, Stopped, "2026-03-01", vec![]),
    ];
    for (id, state, data_date, flows) in rows {
        changes.push(Change::Execution(ExecutionRow {
            state,
            data_date: date(data_date),
            ..sample::execution(id)
        }));
        let runs = flows.into_iter();
        let runs = runs.map(|flow| sample::flow_run(id * 10 + flow, id, flow));
        changes.extend(runs.map(sample::put_flow_run));
    }
    put(store, fence, changes).await;
    let query =
        |states: &[ExecutionState], flow: Option<u64>, from: &str, to: &str| ExecutionQuery {
            states: states.into(),
            flow: flow.map(FlowId),
            data_date_from: from.parse().ok(),
            data_date_to: to.parse().ok(),
            ..ExecutionQuery::default()
        };
    for (query, expected) in [
        (query(&[], None, "", ""), vec![11, 12, 13, 14, 15]),
        (query(&[Running], None, "", ""), vec![11]),
        (query(&[Succeeded, Failed], None, "", ""), vec![12, 13, 14]),
        (query(&[Stopping], None, "", ""), vec![]),
        (query(&[], Some(1), "", ""), vec![11, 12, 14]),
        (query(&[], Some(2), "", ""), vec![11, 13, 14]),
        (query(&[], Some(3), "", ""), vec![]),
        (query(&[], Some(u64::MAX), "", ""), vec![]),
        (query(&[], None, "2026-02-01", ""), vec![12, 13, 14, 15]),
        (query(&[], None, "", "2026-02-01"), vec![11, 12, 13]),
        (
            query(&[], None, "2026-02-01", "2026-02-28"),
            vec![12, 13, 14],
        ),
        (query(&[], None, "2026-02-02", "2026-02-01"), vec![]),
        (
            query(&[Succeeded], Some(1), "2026-02-01", "2026-12-31"),
            vec![14],
        ),
    ] {
        assert_eq!(executions(store, &query).await, expected, "{query:?}");
    }
}

/// Clause 3: job runs by execution, flow run, job and states; and by all of these.
pub async fn job_runs_are_filtered<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let mut changes = World::new().changes();
    let run = |id, flow_run, job, state| {
        sample::put_job_run(JobRunRow {
            state,
            ..sample::job_run(id, 32, flow_run, job)
        })
    };
    changes.extend([
        Change::Execution(sample::execution(32)),
        sample::put_flow_run(sample::flow_run(43, 32, 1)),
        sample::put_flow_run(sample::flow_run(44, 32, 2)),
        run(61, 43, 11, JobRunState::Failed),
        run(62, 43, 12, JobRunState::UpstreamFailed),
        run(63, 44, 13, JobRunState::Failed),
    ]);
    put(store, fence, changes).await;
    let all = JobRunQuery::default;
    let of = |execution: u64| JobRunQuery {
        execution: Some(ExecutionId(execution)),
        ..all()
    };
    let states = |states: &[JobRunState]| JobRunQuery {
        states: states.into(),
        ..all()
    };
    let job = |job: u64| JobRunQuery {
        job: Some(JobId(job)),
        ..all()
    };
    let flow_run = |flow_run: u64| JobRunQuery {
        flow_run: Some(FlowRunId(flow_run)),
        ..all()
    };
    let many = JobRunQuery {
        execution: Some(ExecutionId(32)),
        flow_run: Some(FlowRunId(43)),
        job: Some(JobId(11)),
        states: vec![JobRunState::Failed, JobRunState::Killed],
        ..all()
    };
    for (query, expected) in [
        (all(), vec![51, 52, 53, 61, 62, 63]),
        (of(31), vec![51, 52, 53]),
        (of(32), vec![61, 62, 63]),
        (of(33), vec![]),
        (of(u64::MAX), vec![]),
        (flow_run(41), vec![51, 52]),
        (flow_run(44), vec![63]),
        (job(11), vec![51, 61]),
        (states(&[JobRunState::Failed]), vec![61, 63]),
        (
            states(&[JobRunState::Blocked, JobRunState::Running]),
            vec![51, 53],
        ),
        (states(&[JobRunState::Skipped]), vec![]),
        (many.clone(), vec![61]),
    ] {
        assert_eq!(job_runs(store, &query).await, expected, "{query:?}");
    }
    let elsewhere = JobRunQuery {
        execution: Some(ExecutionId(31)),
        ..many
    };
    assert_eq!(job_runs(store, &elsewhere).await, [0_u64; 0]);
}

/// Clause 3: no items, and nothing to go on with.
pub async fn what_matches_nothing_is_an_empty_page<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    for filled in [false, true] {
        if filled {
            let fence = lead(store).await;
            put(store, fence, World::new().changes()).await;
        }
        let query = FlowQuery {
            text: String::from("nobody"),
            page: PageRequest {
                limit: 1,
                ..PageRequest::default()
            },
            ..FlowQuery::default()
        };
        let page = store.flows(&query).await.expect("a page");
        assert!(page.items.is_empty() && page.next.is_none());
        let query = ExecutionQuery {
            states: vec![ExecutionState::Failed],
            ..ExecutionQuery::default()
        };
        let page = store.executions(&query).await.expect("a page");
        assert!(page.items.is_empty() && page.next.is_none());
    }
}

/// Clause 4: nothing in a text has a meaning of its own.
pub async fn a_text_filter_takes_every_character_as_itself<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let names = [
        "100% done",
        "100 done",
        "a_b",
        "axb",
        "back\\slash",
        "backslash",
        "it's",
        "say \"hi\"",
        "[a-z]",
        "a*b?",
        "!bang",
        "🚀",
        "日报",
        "new\nline",
        "%",
        "\\%",
        "a",
        "^$.",
    ];
    let flows_of = names.iter().zip(1..);
    let changes = flows_of.map(|(name, id)| sample::put_flow(&sample::flow(id, name)));
    put(store, fence, changes.collect()).await;
    let texts = names.into_iter().chain([
        "0%",
        "_",
        "\\",
        "'",
        "\"",
        "[",
        "*",
        "?",
        "!",
        "\n",
        "\\\\",
        "''",
        "$",
        ".",
        "a_",
        "🚀🚀",
        "报",
        "' OR 1=1 --",
        "\u{1f}",
        "\u{301}",
    ]);
    for text in texts {
        let query = FlowQuery {
            text: text.into(),
            ..FlowQuery::default()
        };
        let hits = names
            .iter()
            .zip(1..)
            .filter(|(name, _)| name.contains(text));
        let expected: Vec<u64> = hits.map(|(_, id)| id).collect();
        assert_eq!(flows(store, &query).await, expected, "{text:?}");
    }
}

/// Clause 4 and [`FlowQuery::text`]: `a` finds `A`; no other letters are folded, and no marks dropped.
pub async fn a_text_filter_ignores_the_case_of_ascii_letters_only<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let names = [
        "Straße", "STRASSE", "ÉTÉ", "été", "ete", "Żółw", "K", "\u{212a}", "ＡＢ", "ab",
    ];
    let changes = names
        .iter()
        .zip(1..)
        .map(|(name, id)| sample::put_executor(&sample::executor(id, name)));
    put(store, fence, changes.collect()).await;
    for (text, expected) in [
        ("stra", vec![1, 2]),
        ("STRASS", vec![2]),
        ("ß", vec![1]),
        ("É", vec![3]),
        ("é", vec![4]),
        ("ÉtÉ", vec![3]),
        ("E", vec![1, 2, 5]),
        ("ŻÓŁW", vec![]),
        ("żółw", vec![]),
        ("ŻółW", vec![6]),
        ("k", vec![7]),
        ("aB", vec![10]),
        ("ａｂ", vec![]),
    ] {
        let query = ExecutorQuery {
            text: text.into(),
            ..ExecutorQuery::default()
        };
        assert_eq!(executors(store, &query).await, expected, "{text:?}");
    }
}

/// Clauses 1, 2 and 3: actions come back whole, by execution, by job run and by both, in pages.
pub async fn actions_are_listed_by_execution_and_job_run<F>(_: &F, case: &Case<F>)
where
    F: StoreFixture<Store: History>,
{
    let store = &case.store;
    let fence = lead(store).await;
    let action = |id: u64, execution: u64, job_run: Option<u64>, kind| ActionRow {
        id: ActionId(id),
        execution: ExecutionId(execution),
        job_run: job_run.map(JobRunId),
        kind,
        by: String::from("o'brien 王芳"),
        at: at(i64::try_from(id).unwrap_or_default()),
    };
    // One of each kind, by one execution after the other.
    let mut rows = Vec::new();
    for (&kind, id) in ActionKind::ALL.iter().zip(71..) {
        rows.push(action(id, 31 + id % 2, None, kind));
    }
    rows.push(action(91, 31, Some(51), ActionKind::Skip));
    rows.push(action(92, 31, Some(52), ActionKind::Skip));
    rows.push(action(93, 32, Some(61), ActionKind::Kill));
    let changes = rows.iter().cloned().map(Change::Action);
    put(store, fence, changes.rev().collect()).await;

    let listed = async |query: ActionQuery| {
        walk(2, query.page.direction, async |page| {
            let query = ActionQuery {
                page,
                ..query.clone()
            };
            store.actions(&query).await
        })
        .await
    };
    let of = |execution: Option<u64>, job_run: Option<u64>| ActionQuery {
        execution: execution.map(ExecutionId),
        job_run: job_run.map(JobRunId),
        ..ActionQuery::default()
    };
    assert_eq!(listed(of(None, None)).await, rows);
    let its = rows.iter().filter(|row| row.execution == ExecutionId(31));
    let its: Vec<_> = its.cloned().collect();
    assert_eq!(listed(of(Some(31), None)).await, its);
    let mut latest = of(Some(31), None);
    latest.page.direction = Direction::Descending;
    let backwards: Vec<_> = its.into_iter().rev().collect();
    assert_eq!(listed(latest).await, backwards);
    let expected = rows.iter().filter(|row| row.job_run == Some(JobRunId(52)));
    let expected: Vec<_> = expected.cloned().collect();
    assert_eq!(listed(of(None, Some(52))).await, expected);
    assert_eq!(listed(of(Some(31), Some(52))).await, expected);
    assert_eq!(listed(of(Some(32), Some(52))).await, []);
    assert_eq!(listed(of(Some(u64::MAX), None)).await, []);
}
