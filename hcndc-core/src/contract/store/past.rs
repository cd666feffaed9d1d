//! Clauses 1 and 5: what is kept of runs that have ended.

use alloc::vec;

use super::{Case, StoreFixture, lead, load, put};
use crate::{
    contract::sample::{
        date, flow, flow_dates, job_outcome, put_flow, put_flow_dates, put_job_outcome,
    },
    engine::{Change, JobRunState},
    id::{FlowId, JobId},
};

/// Clauses 1 and 5: ranges grow and go, outcomes change and go, and what stays is sorted by id and date.
pub async fn dates_and_outcomes_come_and_go<F: StoreFixture>(fixture: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let changes = vec![
        put_flow(&flow(9, "a")),
        put_flow(&flow(10, "b")),
        put_flow_dates(&flow_dates(10, "2026-11-01", "2026-11-01")),
        put_flow_dates(&flow_dates(9, "2026-11-03", "2026-11-09")),
        put_flow_dates(&flow_dates(9, "2026-11-01", "2026-11-01")),
        put_job_outcome(&job_outcome(9, "2026-11-10", JobRunState::Failed)),
        put_job_outcome(&job_outcome(10, "2026-11-10", JobRunState::Killed)),
        put_job_outcome(&job_outcome(9, "2026-11-02", JobRunState::Blocked)),
    ];
    put(&case.store, fence, changes).await;
    let loaded = load(&case.store).await;
    let dates = [
        flow_dates(9, "2026-11-01", "2026-11-01"),
        flow_dates(9, "2026-11-03", "2026-11-09"),
        flow_dates(10, "2026-11-01", "2026-11-01"),
    ];
    assert_eq!(loaded.flow_dates, dates);
    let outcomes = [
        job_outcome(9, "2026-11-02", JobRunState::Blocked),
        job_outcome(9, "2026-11-10", JobRunState::Failed),
        job_outcome(10, "2026-11-10", JobRunState::Killed),
    ];
    assert_eq!(loaded.job_outcomes, outcomes);

    // The second day closes the gap; the tenth succeeds after all for one job.
    let changes = vec![
        Change::FlowDates {
            flow: FlowId(9),
            from: date("2026-11-03"),
            to: None,
        },
        put_flow_dates(&flow_dates(9, "2026-11-01", "2026-11-09")),
        put_job_outcome(&job_outcome(9, "2026-11-02", JobRunState::Succeeded)),
        Change::JobOutcome {
            job: JobId(9),
            data_date: date("2026-11-10"),
            state: None,
        },
    ];
    put(&case.store, fence, changes).await;
    let again = fixture.reopen(case).await;
    let loaded = load(&again).await;
    let dates = [
        flow_dates(9, "2026-11-01", "2026-11-09"),
        flow_dates(10, "2026-11-01", "2026-11-01"),
    ];
    assert_eq!(loaded.flow_dates, dates);
    let outcomes = [
        job_outcome(9, "2026-11-02", JobRunState::Succeeded),
        job_outcome(10, "2026-11-10", JobRunState::Killed),
    ];
    assert_eq!(loaded.job_outcomes, outcomes);
}

/// Clause 1: also where a row comes and goes within one commit.
pub async fn of_one_date_the_last_change_wins<F: StoreFixture>(_: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let gone = Change::FlowDates {
        flow: FlowId(9),
        from: date("2026-11-03"),
        to: None,
    };
    let forgotten = Change::JobOutcome {
        job: JobId(9),
        data_date: date("2026-11-10"),
        state: None,
    };
    let failed = put_job_outcome(&job_outcome(9, "2026-11-10", JobRunState::Failed));
    let changes = vec![
        put_flow(&flow(9, "a")),
        put_flow_dates(&flow_dates(9, "2026-11-03", "2026-11-03")),
        gone.clone(),
        forgotten.clone(),
        failed,
    ];
    put(&case.store, fence, changes).await;
    let loaded = load(&case.store).await;
    assert_eq!(loaded.flow_dates, []);
    let outcome = job_outcome(9, "2026-11-10", JobRunState::Failed);
    assert_eq!(loaded.job_outcomes, [outcome]);
    let changes = vec![
        gone,
        put_flow_dates(&flow_dates(9, "2026-11-03", "2026-11-04")),
        put_job_outcome(&outcome),
        forgotten,
    ];
    put(&case.store, fence, changes).await;
    let loaded = load(&case.store).await;
    let dates = flow_dates(9, "2026-11-03", "2026-11-04");
    assert_eq!(
        (loaded.flow_dates, loaded.job_outcomes),
        (vec![dates], vec![])
    );
}
