//! Firings, cursors, files and alerts.

use alloc::{format, string::String};

use super::{at, date};
use crate::{
    engine::{
        AlertRow, DueBy, DueState, FileKeyRow, FiringOutcome, FiringRow, ScheduleCursor, SkipReason,
    },
    id::{
        AlertId, AlertRuleId, DataSourceId, ExecutionId, ExecutorId, FileEventId, FiringId,
        JobRunId, ScheduleId,
    },
    model::AlertEvent,
};

/// A firing that was too late, with nothing to come.
#[must_use]
pub fn firing(id: u64, schedule: u64) -> FiringRow {
    FiringRow {
        id: FiringId(id),
        schedule: ScheduleId(schedule),
        from: at(20),
        to: at(21),
        first_date: date("2026-11-20"),
        data_date: date("2026-11-21"),
        file: None,
        at: at(22),
        outcome: FiringOutcome::Skipped {
            reason: SkipReason::Misfired,
        },
        start_by: None,
        finish_by: None,
    }
}

/// A firing of a file that started an execution, with one deadline kept and one open.
#[must_use]
pub fn open_firing(id: u64, schedule: u64) -> FiringRow {
    FiringRow {
        file: Some(String::from("每日/2026-11-21 'a'.csv")),
        outcome: FiringOutcome::Started {
            execution: ExecutionId(31),
        },
        start_by: Some(DueBy {
            at: at(30),
            state: DueState::Kept,
        }),
        finish_by: Some(DueBy {
            at: at(31),
            state: DueState::Open,
        }),
        ..firing(id, schedule)
    }
}

/// The cursor of a schedule whose latest firing is this.
#[must_use]
pub fn cursor(schedule: u64, last: Option<u64>) -> ScheduleCursor {
    ScheduleCursor {
        schedule: ScheduleId(schedule),
        time: at(22),
        date: last.map(|_| date("2026-11-21")),
        last: last.map(FiringId),
    }
}

/// A file that came.
#[must_use]
pub fn file(event: u64, key: &str) -> FileKeyRow {
    FileKeyRow {
        event: FileEventId(event),
        key: key.into(),
        at: at(23),
    }
}

/// An alert that nobody was told of, with every field set.
#[must_use]
pub fn alert(id: u64, rule: u64) -> AlertRow {
    AlertRow {
        id: AlertId(id),
        rule: AlertRuleId(rule),
        event: AlertEvent::JobFailed,
        cause: format!("job run {id} attempt 1"),
        subject: String::from("订单/load"),
        schedule: Some(ScheduleId(71)),
        firing: Some(FiringId(5)),
        execution: Some(ExecutionId(31)),
        job_run: Some(JobRunId(51)),
        executor: Some(ExecutorId(21)),
        data_source: Some(DataSourceId(6)),
        data_date: Some(date("2026-11-21")),
        raised_at: at(24),
        closed_at: None,
        lasts: false,
        error: None,
        acknowledged_at: None,
        acknowledged_by: None,
        escalate_at: Some(at(54)),
        escalated: None,
        escalates: None,
        over_at: None,
    }
}
