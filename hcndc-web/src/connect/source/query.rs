//! The queries of params with the values of a run in the places of their placeholders.

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::ResolveOrder,
    id::ExecutionId,
    model::DataSourceKind,
    time::{DataDate, DateFormat},
};
use hcndc_exec::executor::template::{self, Context, Dates, Subject};
pub use hcndc_exec::work::fill::{QueryError, fill as fill_with};

/// Whether a query asks for the number of its attempt.
#[must_use]
pub fn names_attempt(query: &str) -> bool {
    let found = template::placeholders(query).unwrap_or_default();
    found.iter().any(|it| it.subject == Subject::Attempt)
}

/// A query's text for this order.
///
/// # Errors
/// [`QueryError`].
pub fn fill(
    query: &str,
    order: &ResolveOrder,
    attempt: u32,
    kind: DataSourceKind,
) -> Result<String, QueryError> {
    let context = Context {
        dates: Dates {
            data_date: order.data_date,
            format: order.date_format.as_ref(),
            business: order.calendar.as_deref().map(|it| &it.days),
        },
        flow: &order.flow,
        job: &order.job,
        execution: order.execution,
        attempt,
        values: &order.values,
        literal: &order.literal,
    };
    fill_with(query, context, kind)
}

/// No value is what another job has put out.
static NONE: BTreeSet<String> = BTreeSet::new();

/// What is known where a param is tried out: a date and how dates are written, and nothing of a run.
#[must_use]
pub const fn trial<'a>(
    data_date: DataDate,
    format: Option<&'a DateFormat>,
    values: &'a BTreeMap<String, String>,
) -> Context<'a> {
    Context {
        dates: Dates {
            data_date,
            format,
            business: None,
        },
        flow: "test",
        job: "test",
        execution: ExecutionId(0),
        attempt: 1,
        values,
        literal: &NONE,
    }
}
