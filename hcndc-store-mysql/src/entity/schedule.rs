//! `schedule`: current schedules. Nothing is pinned to a version of one, so older ones are not kept.

use hcndc_core::{
    model::{self, Trigger},
    trigger::Timing,
};
use sea_orm::{DeriveIden, Value};

use super::{Definitions, Table, common, id_if, number};
use crate::SqlError;

/// Columns of `schedule`.
#[derive(Clone, Copy, DeriveIden)]
pub(crate) enum Schedule {
    Table,
    Id,
    Version,
    Name,
    Directory,
    UpdatedAt,
    Search,
    /// The flow that it starts.
    FlowId,
    /// What makes it fire.
    TriggerKind,
    Paused,
    CalendarId,
    /// The whole of it as JSON; not queried.
    Definition,
}

impl Table for Schedule {
    type Row<'a> = (&'a model::Definition, &'a model::Schedule);

    const TABLE: Self = Self::Table;
    const KEY: &'static [Self] = &[Self::Id];
    const COLUMNS: &'static [Self] = &[
        Self::Id,
        Self::Version,
        Self::Name,
        Self::Directory,
        Self::UpdatedAt,
        Self::Search,
        Self::Definition,
        Self::FlowId,
        Self::TriggerKind,
        Self::Paused,
        Self::CalendarId,
    ];

    fn values((all, it): Self::Row<'_>) -> Result<Vec<Value>, SqlError> {
        let mut values = common(all, it)?;
        values.extend([
            number("flow", it.flow.0)?.into(),
            trigger_kind(&it.trigger).into(),
            it.paused.into(),
            id_if("calendar", it.calendar.map(|id| id.0))?,
        ]);
        Ok(values)
    }
}

impl Definitions for Schedule {
    type Model = model::Schedule;

    const NAME: &'static str = "schedule";
    const ID: Self = Self::Id;
    const SORT_NAME: Self = Self::Name;
    const DIRECTORY: Self = Self::Directory;
    const UPDATED_AT: Self = Self::UpdatedAt;
    const SEARCH: Self = Self::Search;
    const DEFINITION: Self = Self::Definition;
}

/// The name of a kind of trigger.
const fn trigger_kind(trigger: &Trigger) -> &'static str {
    match trigger {
        Trigger::Time(Timing::Cron(_)) => "cron",
        Trigger::Time(Timing::Interval(_)) => "interval",
        Trigger::Time(Timing::Calendar { .. }) => "calendar",
        Trigger::File(_) => "file",
        Trigger::DataDate(_) => "data_date",
    }
}
