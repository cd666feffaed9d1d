//! Clause 10: texts.

use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};

use super::{Case, StoreFixture, lead, load, put};
use crate::{
    contract::sample,
    engine::{AttemptRow, Change, ExecutionRow},
    model::{Executor, Flow, Job, Param, Placement, Revision},
};

/// Every text of every row is this one.
fn rows(text: &str, id: u64) -> (Flow, Job, Executor, ExecutionRow, AttemptRow) {
    let text = String::from(text);
    let params = vec![Param {
        name: text.clone(),
        value: text.clone(),
    }];
    let env = BTreeMap::from([(text.clone(), text.clone())]);
    let revision = Revision {
        created_by: text.clone(),
        updated_by: text.clone(),
        ..sample::revision(1)
    };
    let flow = Flow {
        name: text.clone(),
        directory: text.clone(),
        description: text.clone(),
        owner: text.clone(),
        params: params.clone(),
        env: env.clone(),
        workdir: text.clone(),
        revision: revision.clone(),
        ..sample::flow(id, "")
    };
    let job = Job {
        name: text.clone(),
        description: text.clone(),
        placement: Placement::Labels(env.clone()),
        command: text.clone(),
        params: params.iter().cloned().map(Into::into).collect(),
        env: env.clone(),
        workdir: text.clone(),
        revision: revision.clone(),
        ..sample::job(id, id, "")
    };
    let executor = Executor {
        name: text.clone(),
        description: text.clone(),
        address: text.clone(),
        labels: env,
        revision,
        ..sample::executor(id, "")
    };
    let execution = ExecutionRow {
        params,
        started_by: text.clone(),
        stopped_by: Some(text.clone()),
        paused_by: Some(text.clone()),
        resumed_by: Some(text.clone()),
        ..sample::execution(id)
    };
    let attempt = AttemptRow {
        message: text,
        ..sample::attempt(id, id, id, 1, id)
    };
    (flow, job, executor, execution, attempt)
}

async fn assert_texts_come_back<F: StoreFixture>(case: &Case<F>, texts: &[String]) {
    let fence = lead(&case.store).await;
    let rows: Vec<_> = texts.iter().zip(1..).map(|(t, id)| rows(t, id)).collect();
    let mut changes = Vec::new();
    for (flow, job, executor, execution, attempt) in &rows {
        changes.extend([
            sample::put_flow(flow),
            sample::put_job(job),
            sample::put_executor(executor),
            Change::Execution(execution.clone()),
            Change::Attempt(attempt.clone()),
        ]);
    }
    put(&case.store, fence, changes).await;
    let snapshot = load(&case.store).await;
    assert_eq!(snapshot.flows.len(), rows.len());
    for (n, (flow, job, executor, execution, attempt)) in rows.iter().enumerate() {
        assert_eq!(*snapshot.flows[n].0, *flow);
        assert_eq!(*snapshot.jobs[n], *job);
        assert_eq!(*snapshot.executors[n], *executor);
        assert_eq!(snapshot.executions[n].row, *execution);
        assert_eq!(
            snapshot.executions[n].attempts,
            core::slice::from_ref(attempt)
        );
    }
}

/// Clause 10: quotes, escapes, emoji, combining marks, control characters, outer spaces; in every field.
pub async fn texts_come_back_as_given<F: StoreFixture>(_: &F, case: &Case<F>) {
    let texts: Vec<_> = sample::AWKWARD.iter().copied().map(String::from).collect();
    assert_texts_come_back::<F>(case, &texts).await;
}

/// Clause 10: names and users of 255 four-byte characters; a description, a command and a message of a megabyte.
pub async fn long_texts_come_back_whole<F: StoreFixture>(_: &F, case: &Case<F>) {
    assert_texts_come_back::<F>(case, &["🚀".repeat(255)]).await;
    let fence = lead(&case.store).await;
    let long = "每'日\\".repeat(120_000);
    let job = Job {
        description: long.clone(),
        command: long.clone(),
        ..sample::job(1, 1, "j")
    };
    let attempt = AttemptRow {
        message: long,
        ..sample::attempt(1, 1, 1, 1, 1)
    };
    let changes = vec![sample::put_job(&job), Change::Attempt(attempt.clone())];
    put(&case.store, fence, changes).await;
    let snapshot = load(&case.store).await;
    assert!(*snapshot.jobs[0] == job);
    assert!(snapshot.executions[0].attempts == [attempt]);
}

/// Clause 10: names are compared byte by byte, so that these are different ones.
pub async fn names_that_look_alike_stay_apart<F: StoreFixture>(_: &F, case: &Case<F>) {
    let mut names: Vec<_> = ["A", "a", "a ", "á", "a\u{301}", "ａ", "ß", "ss", "SS"]
        .map(String::from)
        .into();
    names.extend(["x".repeat(255), "X".repeat(255)]);
    assert_texts_come_back::<F>(case, &names).await;
}
