//! How long jobs usually take, by what they took.

use alloc::{collections::BTreeMap, vec, vec::Vec};
use core::time::Duration;

use crate::{
    engine::{JobRunRow, JobRunState},
    id::JobId,
    port::{Direction, History, JobRunQuery, PageRequest},
};

/// What jobs took in the middle of their latest successful runs, for [`Assumptions::durations`](super::Assumptions::durations).
///
/// Of each job at most so many runs are looked at, 1 to 1,000. Jobs that never succeeded are left out.
///
/// # Errors
/// Those of the history.
///
/// # Complexity
/// One page of the history for each job.
pub async fn usual_durations<H: History>(
    history: &H,
    jobs: impl IntoIterator<Item = JobId>,
    runs: u32,
) -> Result<BTreeMap<JobId, Duration>, H::Error> {
    let mut usual = BTreeMap::new();
    for job in jobs {
        let latest = JobRunQuery {
            job: Some(job),
            states: vec![JobRunState::Succeeded],
            page: PageRequest {
                limit: runs,
                direction: Direction::Descending,
                ..PageRequest::default()
            },
            ..JobRunQuery::default()
        };
        let latest = history.job_runs(&latest).await?.items;
        let took = latest.iter().filter_map(|it| duration_of(&it.row));
        if let Some(median) = median(took.collect()) {
            usual.insert(job, median);
        }
    }
    Ok(usual)
}

/// What the last attempt of a job run took; `None` if none of it ran, as when a person marked it as succeeded.
fn duration_of(row: &JobRunRow) -> Option<Duration> {
    let micros = row.ended_at?.as_micros() - row.started_at?.as_micros();
    Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}

/// The one in the middle; of two, the shorter.
fn median(mut durations: Vec<Duration>) -> Option<Duration> {
    durations.sort_unstable();
    let last = durations.len().checked_sub(1)?;
    durations.get(last / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_of_those_that_there_were() {
        let of = |secs: &[u64]| {
            let all = secs.iter().map(|&it| Duration::from_secs(it));
            median(all.collect()).map(|it| it.as_secs())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7]), Some(7));
        assert_eq!(of(&[9, 1]), Some(1));
        assert_eq!(of(&[900, 3, 5]), Some(5));
        assert_eq!(of(&[4, 3, 2, 1]), Some(2));
    }
}
