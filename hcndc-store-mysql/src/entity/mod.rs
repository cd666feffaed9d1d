//! A file per table: its columns, and how a row of the core becomes values and comes back.
//!
//! Ids are signed 64-bit, times microseconds, states their names, lists that nobody queries JSON.

mod account;
mod action;
mod alert;
mod alert_channel;
mod alert_rule;
mod attempt;
mod audit;
mod backfill;
mod calendar;
mod data_source;
mod execution;
mod executor;
mod file_event;
mod file_server;
mod firing;
mod flow;
mod flow_run;
mod job;
mod job_output;
mod job_run;
mod leader;
mod past;
mod pool;
mod pruned_execution;
mod reader;
mod report;
mod schedule;
mod server;
mod shared_param;
mod webhook;

pub(crate) use account::{ApiToken, Role, SignIn, User, UserRole, UserSession, permission_text};
pub(crate) use action::Action;
pub(crate) use alert::Alert;
pub(crate) use alert_channel::AlertChannel;
pub(crate) use alert_rule::AlertRule;
pub(crate) use attempt::Attempt;
pub(crate) use audit::Audit;
pub(crate) use backfill::{Backfill, BackfillDate};
pub(crate) use calendar::Calendar;
pub(crate) use data_source::DataSource;
pub(crate) use execution::Execution;
pub(crate) use executor::Executor;
pub(crate) use file_event::FileEvent;
pub(crate) use file_server::FileServer;
pub(crate) use firing::{FileArrival, Firing, ScheduleCursor};
pub(crate) use flow::{Flow, FlowParent, FlowVersion};
pub(crate) use flow_run::FlowRun;
pub(crate) use job::{Job, JobDependency, JobVersion};
pub(crate) use job_output::JobOutput;
pub(crate) use job_run::JobRun;
pub(crate) use leader::Leader;
pub(crate) use past::{FlowDateRange, JobOutcomes};
pub(crate) use pool::Pool;
pub(crate) use pruned_execution::PrunedExecution;
pub(crate) use reader::Reader;
pub(crate) use report::{ExecutionEnd, ReportMark};
pub(crate) use schedule::Schedule;
pub(crate) use server::Server;
pub(crate) use shared_param::SharedParam;
pub(crate) use webhook::{Webhook, WebhookDelivery};

use std::time::Duration;

use hcndc_core::{
    model::Definition,
    time::{DataDate, DateFormat, Timestamp},
};
use sea_orm::{
    Value,
    sea_query::{Iden, IntoIden},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::SqlError;

/// A table that rows are upserted into.
pub(crate) trait Table: Iden + IntoIden + Copy + Send + Sync + 'static {
    /// What the core calls a row of it.
    type Row<'a>;

    /// The table itself.
    const TABLE: Self;
    /// The columns of the primary key.
    const KEY: &'static [Self];
    /// All columns that [`values`](Self::values) gives, in its order.
    const COLUMNS: &'static [Self];

    /// The row's values, one for each column.
    fn values(row: Self::Row<'_>) -> Result<Vec<Value>, SqlError>;
}

/// A table of current definitions of one kind, each with its whole as JSON beside what lists filter and sort by.
pub(crate) trait Definitions: Table {
    /// What the core calls one.
    type Model: DeserializeOwned + Into<Definition>;

    /// The table's name, for errors.
    const NAME: &'static str;
    /// The column of ids.
    const ID: Self;
    /// The column of names.
    const SORT_NAME: Self;
    /// The column of directories.
    const DIRECTORY: Self;
    /// The column of the times of the last edit.
    const UPDATED_AT: Self;
    /// The column that texts are searched in.
    const SEARCH: Self;
    /// The column of the JSON.
    const DEFINITION: Self;
}

/// The values that all such tables begin with: id, version, name, directory, time of the last edit, text to search in, JSON.
fn common<T: Serialize>(all: &Definition, it: &T) -> Result<Vec<Value>, SqlError> {
    let kind = all.id().kind().as_str();
    Ok(vec![
        number(kind, all.id().number())?.into(),
        i64::from(all.revision().version).into(),
        all.name().into(),
        all.directory().into(),
        time(all.revision().updated_at),
        search(all.name(), all.description()),
        json(kind, it)?,
    ])
}

/// An id that may be missing.
fn id_if(what: &'static str, id: Option<u64>) -> Result<Value, SqlError> {
    let id = id.map(|id| number(what, id)).transpose()?;
    Ok(id.into())
}

/// An id, or another number that must not be changed on the way.
pub(crate) fn number(what: &'static str, value: u64) -> Result<i64, SqlError> {
    i64::try_from(value).map_err(|_| SqlError::TooLarge { what, value })
}

/// A figure that others measured. One that is beyond all sense must not keep a commit from being stored.
fn figure(value: u64) -> Value {
    i64::try_from(value).unwrap_or(i64::MAX).into()
}

fn time(time: Timestamp) -> Value {
    time.as_micros().into()
}

fn time_if(time: Option<Timestamp>) -> Value {
    time.map(Timestamp::as_micros).into()
}

/// In microseconds. One that is longer than they can count is none that anybody waits for the end of.
fn duration_if(duration: Option<Duration>) -> Value {
    let micros = duration.map(|it| i64::try_from(it.as_micros()).unwrap_or(i64::MAX));
    micros.into()
}

pub(crate) fn date(date: DataDate) -> Value {
    date.to_naive().into()
}

fn date_format(format: Option<&DateFormat>) -> Value {
    format.map(DateFormat::as_str).into()
}

pub(crate) fn json<T: Serialize + ?Sized>(
    what: &'static str,
    value: &T,
) -> Result<Value, SqlError> {
    let text = serde_json::to_string(value);
    text.map(Into::into)
        .map_err(|source| SqlError::Json { what, source })
}

/// Between name and description in a column that texts are searched in. No name may hold it.
pub(crate) const SEARCH_SEPARATOR: char = '\u{1f}';

/// What the text filter of a list looks into: both, in ASCII lower case. Databases would fold other letters too, each in
/// its own way.
pub(crate) fn search(name: &str, description: &str) -> Value {
    let mut text = name.to_ascii_lowercase();
    text.push(SEARCH_SEPARATOR);
    text.push_str(&description.to_ascii_lowercase());
    text.into()
}
