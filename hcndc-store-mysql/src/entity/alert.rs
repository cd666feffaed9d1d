//! `alert`: what people were told, or are to be.

use hcndc_core::{
    engine::AlertRow,
    id::{
        AlertId, AlertRuleId, DataSourceId, ExecutionId, ExecutorId, FiringId, JobRunId, ScheduleId,
    },
    model::AlertEvent,
};
use sea_orm::{DeriveIden, QueryResult, Value};

use super::{Reader, Table, number, time, time_if};
use crate::SqlError;

/// Columns of `alert`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Alert {
    Table,
    Id,
    RuleId,
    Event,
    Cause,
    ScheduleId,
    FiringId,
    ExecutionId,
    JobRunId,
    ExecutorId,
    DataSourceId,
    DataDate,
    RaisedAt,
    ClosedAt,
    Error,
    Lasts,
    AcknowledgedAt,
    AcknowledgedBy,
    EscalateAt,
    EscalatedId,
    EscalatesId,
    OverAt,
    Subject,
    /// Whether an engine has to know of it: what a load asks for.
    Open,
}

impl Table for Alert {
    type Row<'a> = &'a AlertRow;

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::RuleId,
        Self::Event,
        Self::Cause,
        Self::ScheduleId,
        Self::FiringId,
        Self::ExecutionId,
        Self::JobRunId,
        Self::ExecutorId,
        Self::DataSourceId,
        Self::DataDate,
        Self::RaisedAt,
        Self::ClosedAt,
        Self::Error,
        Self::Lasts,
        Self::Open,
        Self::AcknowledgedAt,
        Self::AcknowledgedBy,
        Self::EscalateAt,
        Self::EscalatedId,
        Self::EscalatesId,
        Self::OverAt,
        Self::Subject,
    ];

    fn values(row: &AlertRow) -> Result<Vec<Value>, SqlError> {
        let id = |what, id: Option<u64>| id.map(|id| number(what, id)).transpose();
        Ok(vec![
            number("alert", row.id.0)?.into(),
            number("alert rule", row.rule.0)?.into(),
            row.event.as_str().into(),
            row.cause.as_str().into(),
            id("schedule", row.schedule.map(|id| id.0))?.into(),
            id("firing", row.firing.map(|id| id.0))?.into(),
            id("execution", row.execution.map(|id| id.0))?.into(),
            id("job run", row.job_run.map(|id| id.0))?.into(),
            id("executor", row.executor.map(|id| id.0))?.into(),
            id("data source", row.data_source.map(|id| id.0))?.into(),
            row.data_date.map(|date| date.to_naive()).into(),
            time(row.raised_at),
            time_if(row.closed_at),
            row.error.as_deref().into(),
            row.lasts.into(),
            row.is_open().into(),
            time_if(row.acknowledged_at),
            row.acknowledged_by.as_deref().into(),
            time_if(row.escalate_at),
            id("alert", row.escalated.map(|id| id.0))?.into(),
            id("alert", row.escalates.map(|id| id.0))?.into(),
            time_if(row.over_at),
            row.subject.as_str().into(),
        ])
    }
}

impl Alert {
    /// The row that these columns hold.
    pub(crate) fn read(row: &QueryResult) -> Result<AlertRow, SqlError> {
        let row = Reader::new("alert", row);
        Ok(AlertRow {
            id: AlertId(row.number("id")?),
            rule: AlertRuleId(row.number("rule_id")?),
            event: row.named("event", AlertEvent::from_name)?,
            cause: row.column("cause")?,
            schedule: row.number_if("schedule_id")?.map(ScheduleId),
            firing: row.number_if("firing_id")?.map(FiringId),
            execution: row.number_if("execution_id")?.map(ExecutionId),
            job_run: row.number_if("job_run_id")?.map(JobRunId),
            executor: row.number_if("executor_id")?.map(ExecutorId),
            data_source: row.number_if("data_source_id")?.map(DataSourceId),
            data_date: row.date_if("data_date")?,
            raised_at: row.time("raised_at")?,
            closed_at: row.time_if("closed_at")?,
            error: row.column("error")?,
            lasts: row.column("lasts")?,
            acknowledged_at: row.time_if("acknowledged_at")?,
            acknowledged_by: row.column("acknowledged_by")?,
            escalate_at: row.time_if("escalate_at")?,
            escalated: row.number_if("escalated_id")?.map(AlertId),
            escalates: row.number_if("escalates_id")?.map(AlertId),
            over_at: row.time_if("over_at")?,
            subject: row.column::<Option<String>>("subject")?.unwrap_or_default(),
        })
    }
}
