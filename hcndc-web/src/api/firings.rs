//! `/firings`: what became of the times, files and dates of schedules.

use hcndc_core::engine::{DueBy, FiringOutcome, FiringRow};
use serde::Serialize;
use utoipa::ToSchema;

/// What became of one fire time, of several in a row, of a file or of a date.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Firing)]
pub(super) struct FiringDto {
    /// Its id; grows with time.
    id: u64,
    /// The schedule's id.
    schedule: u64,
    /// The first fire time that it is about.
    #[schema(example = "2026-11-21T18:00:00.000000Z")]
    from: String,
    /// The last fire time that it is about; the first one, unless several were skipped together.
    #[schema(example = "2026-11-21T18:00:00.000000Z")]
    to: String,
    /// The data date of the last.
    #[schema(example = "2026-11-20")]
    data_date: String,
    /// The file that came, by its key.
    file: Option<String>,
    /// When it was taken up.
    at: String,
    /// What became of it.
    outcome: Outcome,
    /// Why it was skipped: `misfired`, `coalesced`, `max_instances`, `queue_full`, `paused`, `changed`, `deleted`,
    /// `excluded`, `flow_disabled` or `refused`.
    #[schema(example = "misfired")]
    reason: Option<&'static str>,
    /// The execution that it started.
    execution: Option<u64>,
    /// By when it must have started.
    start_by: Option<DueDto>,
    /// By when it must have succeeded.
    finish_by: Option<DueDto>,
}

/// What became of a firing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FiringOutcome)]
enum Outcome {
    Started,
    Queued,
    Skipped,
}

/// A deadline of a firing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DueBy)]
struct DueDto {
    /// The moment.
    at: String,
    /// Whether it was kept: `open`, `kept`, `missed` or `lapsed`.
    #[schema(example = "open")]
    state: &'static str,
}

impl From<&FiringRow> for FiringDto {
    fn from(row: &FiringRow) -> Self {
        let (outcome, reason) = match row.outcome {
            FiringOutcome::Started { .. } => (Outcome::Started, None),
            FiringOutcome::Queued => (Outcome::Queued, None),
            FiringOutcome::Skipped { reason } => (Outcome::Skipped, Some(reason.as_str())),
        };
        Self {
            id: row.id.0,
            schedule: row.schedule.0,
            from: row.from.to_string(),
            to: row.to.to_string(),
            data_date: row.data_date.to_string(),
            file: row.file.clone(),
            at: row.at.to_string(),
            outcome,
            reason,
            execution: row.execution().map(|id| id.0),
            start_by: row.start_by.map(DueDto::from),
            finish_by: row.finish_by.map(DueDto::from),
        }
    }
}

impl From<DueBy> for DueDto {
    fn from(due: DueBy) -> Self {
        Self {
            at: due.at.to_string(),
            state: due.state.as_str(),
        }
    }
}
