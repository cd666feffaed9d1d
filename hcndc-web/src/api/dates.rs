//! Dates and their formats in bodies; `/date-formats/preview`: how a date is written by one.

use std::sync::Arc;

use hcndc_core::{
    model::DefinitionError,
    port::{History, Transport},
    time::{DataDate, DateFormat},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    needs::READ,
    problem::{Blame, BlameError, Problem, ProblemDto},
    route::{HandedTo as _, Json, Route, at, body, having},
};
use crate::app::App;

const PREVIEW: &str = "/api/v1/date-formats/preview";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let args = at(PREVIEW).and(having(app)).and(body());
    vec![Route::post(PREVIEW, READ, args.handed_to(preview))]
}

/// The data date that a body gives, if it gives one.
pub(super) fn data_date(text: Option<&str>, blames: &mut Vec<Blame>) -> Option<DataDate> {
    let text = text?;
    let date = text.parse::<DataDate>();
    if date.is_err() {
        let text = text.to_owned();
        blames.push(Blame::of("data_date", BlameError::BadDate { text }));
    }
    date.ok()
}

/// The date format that a body gives, if it gives one.
pub(super) fn date_format(text: Option<&str>, blames: &mut Vec<Blame>) -> Option<DateFormat> {
    let text = text?;
    let format = text.parse::<DateFormat>();
    if format.is_err() {
        let error = DefinitionError::BadFormat {
            format: text.to_owned(),
        };
        blames.push(Blame::of("date_format", BlameError::Definition(error)));
    }
    format.ok()
}

/// A form of dates.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DateFormatBody, example = json!({"date_format": "%Y%m%d", "data_date": "2026-11-21"}))]
pub(super) struct DateFormatBody {
    /// Fields of dates as of `strftime`, and no time of day.
    date_format: String,
    /// Which date. Default: yesterday in the server's zone, for which a start is that names none.
    #[serde(default)]
    data_date: Option<String>,
}

/// A date in a form.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WrittenDate)]
pub(super) struct WrittenDto {
    /// Which date.
    #[schema(example = "2026-11-21")]
    data_date: String,
    /// The date, written so.
    #[schema(example = "20261121")]
    written: String,
}

/// Tells how a date is written by a date format.
#[utoipa::path(post, operation_id = "preview_date_format", path = "/api/v1/date-formats/preview", tag = "executions", request_body = DateFormatBody, responses(
    (status = 200, body = WrittenDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn preview<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    body: Body,
) -> Result<Json<WrittenDto>, Problem> {
    let body: DateFormatBody = body.json(&["date_format"]).await?;
    let mut blames = Vec::new();
    let date = data_date(body.data_date.as_deref(), &mut blames);
    let format = date_format(Some(&body.date_format), &mut blames);
    let (Some(format), true) = (format, blames.is_empty()) else {
        return Err(Problem::BadBody(blames));
    };
    let date = date.unwrap_or_else(|| app.yesterday());
    Ok(Json(WrittenDto {
        data_date: date.to_string(),
        written: format.write(date),
    }))
}
