//! Clauses 4 and 5 for backfills.

use alloc::{string::String, vec};

use super::{Case, StoreFixture, lead, load, put};
use crate::{
    contract::sample::{self, at},
    engine::{
        BackfillDateRow, BackfillDateState, BackfillRow, BackfillSnapshot, BackfillState, Change,
    },
    id::ExecutionId,
};

/// Clause 5: with all of their dates, until all of these have succeeded.
pub async fn a_backfill_is_loaded_until_it_succeeds<F: StoreFixture>(fixture: &F, case: &Case<F>) {
    let fence = lead(&case.store).await;
    let mut row = BackfillRow {
        downstream: true,
        parallel: 366,
        date_format: Some(sample::date_format("%Y%m%d")),
        params: vec![sample::param("zone", "华东"), sample::param("empty", "")],
        ended_at: Some(at(60)),
        stopped_by: Some(String::from("o'brien")),
        restarted_by: Some(String::from("王芳")),
        restarts: 3,
        ..sample::backfill(81)
    };
    let mut dates = vec![
        sample::backfill_date(81, "2026-01-31"),
        sample::backfill_date(81, "2026-02-01"),
        sample::backfill_date(81, "2026-02-02"),
    ];
    let mut changes = vec![Change::Backfill(row.clone())];
    changes.extend(dates.iter().copied().map(Change::BackfillDate));
    changes.extend([
        Change::Backfill(sample::backfill(9)),
        Change::BackfillDate(sample::backfill_date(9, "2026-01-31")),
    ]);
    put(&case.store, fence, changes).await;
    dates[1] = BackfillDateRow {
        state: BackfillDateState::Failed,
        execution: Some(ExecutionId(31)),
        ..dates[1]
    };
    put(&case.store, fence, vec![Change::BackfillDate(dates[1])]).await;
    for &state in BackfillState::ALL {
        row.state = state;
        put(&case.store, fence, vec![Change::Backfill(row.clone())]).await;
        let mut expected = vec![BackfillSnapshot {
            row: sample::backfill(9),
            dates: vec![sample::backfill_date(9, "2026-01-31")],
        }];
        if state != BackfillState::Succeeded {
            expected.push(BackfillSnapshot {
                row: row.clone(),
                dates: dates.clone(),
            });
        }
        assert_eq!(load(&case.store).await.backfills, expected, "{state}");
        let again = fixture.reopen(case).await;
        assert_eq!(load(&again).await.backfills, expected, "{state}");
    }
}
