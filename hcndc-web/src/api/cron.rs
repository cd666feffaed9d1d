//! `/cron/preview`: what a cron expression says, when it is due, and what may surprise.

use std::{ops::Range, sync::Arc};

use chrono::Datelike as _;
use chrono_tz::Tz;
use hcndc_core::{
    model::DefinitionError,
    port::{Clock as _, History, Transport},
    time::Timestamp,
    trigger::{
        Timing, TimingContext,
        cron::{Cron, Dialect, Language},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    caller::Caller,
    needs::READ,
    problem::{Blame, BlameError, Problem, ProblemDto},
    route::{HandedTo as _, Json, Route, at, body, caller, having},
    schedules::MOST_TIMES,
};
use crate::{
    app::App,
    cron_text,
    interchange::{self, Lang, MeshDayFilter, MeshDialect, day_filter},
};

const PREVIEW: &str = "/api/v1/cron/preview";

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let args = at(PREVIEW).and(having(app)).and(caller()).and(body());
    vec![Route::post(PREVIEW, READ, args.handed_to(preview))]
}

/// A cron expression, and how it is read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CronBody, example = json!({"expression": "30 2 * * mon-fri", "zone": "Asia/Shanghai", "count": 5}))]
pub(super) struct CronBody {
    /// The expression.
    expression: String,
    /// How it is read: `unix` (default), `quartz` or `apscheduler`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    dialect: MeshDialect,
    /// IANA zone. Default: `UTC`.
    #[serde(default)]
    zone: Option<String>,
    /// Times to tell: 0 to 200. Default: 10.
    #[serde(default)]
    count: Option<u64>,
    /// Name of the calendar that says which days are business days. Default: Monday to Friday are.
    #[serde(default)]
    calendar: Option<String>,
    /// Days on which it fires, as in a schedule's `filter`. Default: all.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    filter: Option<MeshDayFilter>,
    /// Only times later than this one. Default: now.
    #[serde(default)]
    after: Option<String>,
}

/// What a cron expression says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CronPreview)]
pub(super) struct PreviewDto {
    /// What it says, in the caller's language.
    #[schema(example = "at 02:30, Monday to Friday")]
    words: String,
    /// The same in Chinese.
    words_zh: String,
    /// The next times; fewer than asked for if there are no more.
    #[schema(example = json!(["2026-11-23T18:30:00.000000Z"]))]
    next: Vec<String>,
    /// What may surprise, with the changes of the clock of this year.
    warnings: Vec<WarningDto>,
}

/// Something that may surprise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CronWarning)]
struct WarningDto {
    /// Stable name of its kind: `skipped`, `doubled`, `never`, `either_day`, `both_days`, `wide_step`, `uneven_step` or
    /// `short_month`.
    #[schema(example = "skipped")]
    code: &'static str,
    /// What it is, in the caller's language.
    message: String,
}

/// Says what a cron expression means, when it is due next, and what may surprise its author.
///
/// A fault tells its place in the expression: `start` and `end`, in characters.
#[utoipa::path(post, operation_id = "preview_cron", path = "/api/v1/cron/preview", tag = "schedules", request_body = CronBody, responses(
    (status = 200, body = PreviewDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn preview<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<PreviewDto>, Problem> {
    let body: CronBody = body.json(&["expression"]).await?;
    let mut blames = Vec::new();
    let mut blame = |field: &str, error| blames.push(Blame::of(field, error));
    let zone = body.zone.as_deref().unwrap_or("UTC");
    let zone: Option<Tz> = zone.parse().ok();
    if zone.is_none() {
        let zone = body.zone.clone().unwrap_or_default();
        let problem = interchange::Problem::UnknownZone { zone, near: None };
        blame("zone", BlameError::Shape(problem));
    }
    let count = body.count.unwrap_or(10);
    if count > MOST_TIMES {
        let problem = interchange::Problem::OutOfRange {
            min: 0,
            max: MOST_TIMES as i64,
            found: count.to_string(),
        };
        blame("count", BlameError::Shape(problem));
    }
    let after = match body.after.as_deref().map(str::parse::<Timestamp>) {
        None => Some(app.clock.now()),
        Some(Ok(after)) => Some(after),
        Some(Err(_)) => {
            let text = body.after.clone().unwrap_or_default();
            blame("after", BlameError::BadTime { text });
            None
        }
    };
    let mut calendar = None;
    if let Some(name) = body.calendar.clone() {
        let wanted = name.clone();
        let found = app.look(move |engine| engine.find_calendar(&wanted).map(Arc::clone));
        calendar = found.await?;
        if calendar.is_none() {
            let what = "calendar".to_owned();
            let error = DefinitionError::Unknown { what, name };
            blame("calendar", BlameError::Definition(error));
        }
    }
    let cron = match Cron::parse(Dialect::from(body.dialect), &body.expression) {
        Ok(cron) => Some(cron),
        Err(error) => {
            let expression = body.expression.clone();
            let problem = interchange::Problem::BadCron { expression, error };
            blame("expression", BlameError::Shape(problem));
            None
        }
    };
    let (Some(zone), Some(after), Some(cron), true) = (zone, after, cron, blames.is_empty()) else {
        return Err(Problem::BadBody(blames));
    };
    let filter = body.filter.as_ref().map(day_filter);
    let year = after.to_utc().with_timezone(&zone).year();
    let warnings = cron_text::coded(&cron.lint(zone, year), zone, caller.lang);
    let (words, words_zh) = (cron.words(language(caller.lang)), cron.words(Language::Zh));
    let timing = Timing::Cron(cron);
    let context = TimingContext {
        calendar: calendar.as_deref().map(|it| &it.days),
        filter: filter.as_ref(),
        ..TimingContext::in_zone(zone)
    };
    let times = std::iter::successors(Some(after), |last| timing.next(&context, *last));
    Ok(Json(PreviewDto {
        words,
        words_zh,
        next: times
            .skip(1)
            .take(count as usize)
            .map(|at| at.to_string())
            .collect(),
        warnings: warnings
            .into_iter()
            .map(|(code, message)| WarningDto { code, message })
            .collect(),
    }))
}

const fn language(lang: Lang) -> Language {
    match lang {
        Lang::En => Language::En,
        Lang::Zh => Language::Zh,
    }
}

/// A range of bytes of a text as one of characters, which is what people and pages count.
pub(super) fn in_characters(text: &str, range: &Range<usize>) -> Range<usize> {
    let count = |end: usize| text.get(..end).map_or(0, |part| part.chars().count());
    count(range.start)..count(range.end)
}
