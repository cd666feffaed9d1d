//! What is kept of runs that have ended: rows that also go.

use std::collections::BTreeMap;

use hcndc_core::{
    engine::{FlowDates, JobOutcome, JobRunState},
    id::{FlowId, JobId},
    time::DataDate,
};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};

use crate::{
    SqlError,
    entity::{self, FlowDateRange, JobOutcomes, Table},
    upsert::{chunks, upsert, values},
    writing::Writing,
};

/// What a commit says of the past; `None` for what goes.
#[derive(Default)]
pub(super) struct Past {
    pub(super) dates: BTreeMap<(FlowId, DataDate), Option<DataDate>>,
    pub(super) outcomes: BTreeMap<(JobId, DataDate), Option<JobRunState>>,
}

impl Past {
    pub(super) async fn store(&self, db: &mut impl Writing) -> Result<(), SqlError> {
        let gone = self.dates.iter().filter(|(_, to)| to.is_none());
        let gone = gone.map(|(&(flow, from), _)| (flow.0, from));
        let (id, date) = (FlowDateRange::FlowId, FlowDateRange::FromDate);
        delete(db, "delete dates of flows", id, date, gone).await?;
        let dates = self.dates.iter().filter_map(|(&(flow, from), &to)| {
            let to = to?;
            Some(FlowDates { flow, from, to })
        });
        let dates = values::<FlowDateRange>(dates)?;
        upsert::<FlowDateRange>(db, "store dates of flows", dates).await?;

        let gone = self.outcomes.iter().filter(|(_, state)| state.is_none());
        let gone = gone.map(|(&(job, date), _)| (job.0, date));
        let (id, date) = (JobOutcomes::JobId, JobOutcomes::DataDate);
        delete(db, "delete outcomes of jobs", id, date, gone).await?;
        let outcomes = self
            .outcomes
            .iter()
            .filter_map(|(&(job, data_date), &state)| {
                let state = state?;
                Some(JobOutcome {
                    job,
                    data_date,
                    state,
                })
            });
        let outcomes = values::<JobOutcomes>(outcomes)?;
        upsert::<JobOutcomes>(db, "store outcomes of jobs", outcomes).await
    }
}

/// Deletes rows by id and date: a statement for each date, for those of one commit are mostly of one.
async fn delete<T: Table>(
    db: &mut impl Writing,
    doing: &'static str,
    id: T,
    date: T,
    gone: impl Iterator<Item = (u64, DataDate)>,
) -> Result<(), SqlError> {
    let mut by_date = BTreeMap::<_, Vec<_>>::new();
    for (id, date) in gone {
        let id = entity::number("id", id)?;
        by_date.entry(date).or_default().push(id);
    }
    for (day, ids) in by_date {
        for piece in chunks(&ids) {
            let statement = Query::delete()
                .from_table(T::TABLE)
                .and_where(Expr::col(date).eq(entity::date(day)))
                .and_where(Expr::col(id).is_in(piece.iter().copied()))
                .to_owned();
            db.write(doing, &statement).await?;
        }
    }
    Ok(())
}
