//! What people do to schedules, and ask of them: pause, resume, run now; the times to come, and why one does not fire.

use std::sync::Arc;

use chrono_tz::Tz;
use hcndc_core::{
    engine::{Engine, Input, ScheduleHold},
    id::{FlowId, ScheduleId},
    model::{Calendar, DefinitionId, Schedule, Trigger},
    port::{History, StartKey, Transport},
    time::{DataDate, Timestamp},
    trigger::TimingContext,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::{self, Body},
    caller::Caller,
    dates::{self, date_format},
    executions::{
        ExecutionDto, NothingBody, execution_of, find as find_execution, param_faults, start_once,
    },
    firings::FiringDto,
    needs::{READ, SCHEDULE},
    problem::{Blame, Problem, ProblemDto},
    query::Query,
    resources,
    revision::map_to_params,
    route::{Created, HandedTo as _, Json, Route, at, at_id, body, caller, having, query},
    schedule_text,
    starts::{IdempotencyKey, idempotency_key},
};
use crate::{app::App, interchange::TextMap};

const PAUSE: &str = "/api/v1/schedules/{id}/pause";
const RESUME: &str = "/api/v1/schedules/{id}/resume";
const PAUSE_MANY: &str = "/api/v1/schedules/pause";
const RESUME_MANY: &str = "/api/v1/schedules/resume";
const RUN: &str = "/api/v1/schedules/{id}/run";
const NEXT: &str = "/api/v1/schedules/{id}/next";
const EXPLAIN: &str = "/api/v1/schedules/{id}/explain";

/// Times that are told when nobody says how many.
const USUAL_TIMES: u64 = 10;
/// Times that are told at most.
pub(super) const MOST_TIMES: u64 = 200;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let one = |template| {
        at_id::<ScheduleId>(template)
            .and(app.clone())
            .and(caller())
            .and(body())
    };
    let many = |template| at(template).and(app.clone()).and(caller()).and(body());
    let asks = |template| at_id::<ScheduleId>(template).and(app.clone());
    vec![
        Route::post(PAUSE, SCHEDULE, one(PAUSE).handed_to(pause)),
        Route::post(RESUME, SCHEDULE, one(RESUME).handed_to(resume)),
        Route::post(PAUSE_MANY, SCHEDULE, many(PAUSE_MANY).handed_to(pause_many)),
        Route::post(
            RESUME_MANY,
            SCHEDULE,
            many(RESUME_MANY).handed_to(resume_many),
        ),
        Route::post(
            RUN,
            SCHEDULE,
            at_id::<ScheduleId>(RUN)
                .and(app.clone())
                .and(caller())
                .and(idempotency_key())
                .and(body())
                .handed_to(run),
        ),
        Route::get(NEXT, READ, asks(NEXT).and(query()).handed_to(next)).by_leader(),
        Route::get(
            EXPLAIN,
            READ,
            asks(EXPLAIN).and(caller()).and(query()).handed_to(explain),
        )
        .by_leader(),
    ]
}

/// Which schedules.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SchedulesBody, example = json!({"ids": [7, 8]}))]
pub(super) struct IdsBody {
    /// Their ids.
    #[serde(default)]
    ids: Vec<u64>,
}

/// A run of a schedule at once.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RunBody, example = json!({"data_date": "2026-11-21", "with_downstream": true}))]
pub(super) struct RunBody {
    /// The date that it is for. Default: the one that it would have if it fired now.
    #[serde(default)]
    data_date: Option<String>,
    /// How dates are written in commands where a placeholder does not say so itself, as `strftime` does, such as `%Y%m%d`: fields of
    /// dates, and no time of day. Default: `%Y-%m-%d`.
    #[serde(default)]
    #[schema(example = "%Y%m%d")]
    date_format: Option<String>,
    /// Whether all flows downstream of its flow take part. Default: as the schedule says.
    #[serde(default)]
    with_downstream: Option<bool>,
    /// Values that go before the schedule's own.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    params: TextMap,
}

/// Schedules that were paused or resumed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    /// The schedules, as they are now.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Value>,
}

/// Times to come.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TimesDto {
    /// The zone that the schedule goes by.
    #[schema(example = "Asia/Shanghai")]
    zone: &'static str,
    /// The times, the next one first; none for a schedule that waits for files or dates. A pause is left out of account.
    #[schema(example = json!(["2026-11-21T18:30:00.000000Z"]))]
    next: Vec<String>,
    /// The data date of each.
    #[schema(example = json!(["2026-11-21"]))]
    data_dates: Vec<String>,
}

/// Where a schedule stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScheduleExplanationDto {
    /// When it fires next, if time alone decides that; in the past while it catches up. Null while it is paused.
    next: Option<String>,
    /// Where it stands in one sentence, in the caller's language.
    message: String,
    /// All that keeps it from starting an execution now, but for the time. Every one of these must change.
    holds: Vec<ScheduleHoldDto>,
    /// All fire times up to here are used.
    used_until: String,
    /// Of a schedule that waits for dates of flows: all dates up to here are used.
    used_date: Option<String>,
    /// Its latest firing, and what became of it.
    last: Option<FiringDto>,
    /// Firings that wait for their turn, in their order.
    queued: Vec<FiringDto>,
    /// Its live executions.
    live: Vec<u64>,
}

/// One thing that keeps a schedule from starting an execution.
#[derive(Debug, Serialize, ToSchema)]
struct ScheduleHoldDto {
    /// What: `paused`, `flow_disabled`, `not_before`, `not_after`, `no_times`, `max_instances`, `file` or `dates`.
    #[schema(example = "paused")]
    kind: &'static str,
    /// What it is, in the caller's language.
    message: String,
}

async fn set_paused<H: History, T: Transport>(
    app: &App<H, T>,
    caller: Caller,
    ids: Vec<ScheduleId>,
    paused: bool,
) -> Result<Vec<Value>, Problem> {
    let input = Input::PauseSchedules {
        schedules: ids.clone(),
        paused,
        by: caller.by.clone(),
    };
    if !ids.is_empty() {
        app.command(&caller, input).await?;
    }
    app.look(move |engine| {
        let ids = ids.into_iter().map(DefinitionId::from);
        ids.filter_map(|id| resources::find_in(engine, id))
            .collect()
    })
    .await
}

async fn set_one_paused<H: History, T: Transport>(
    id: ScheduleId,
    app: &App<H, T>,
    caller: Caller,
    body: Body,
    paused: bool,
) -> Result<Json<Value>, Problem> {
    let NothingBody {} = body.optional_json().await?;
    let told = set_paused(app, caller, vec![id], paused).await?;
    let told = told.into_iter().next();
    told.map(Json)
        .ok_or_else(|| Problem::from(DefinitionId::from(id)))
}

/// Pauses a schedule: what is due now still fires, what falls into the pause is skipped.
#[utoipa::path(post, operation_id = "pause_schedule", path = "/api/v1/schedules/{id}/pause", tag = "schedules", params(("id" = u64, Path)), responses(
    (status = 200, body = Object, description = "The schedule"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn pause<H: History, T: Transport>(
    id: ScheduleId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Value>, Problem> {
    set_one_paused(id, &app, caller, body, true).await
}

/// Lets a paused schedule fire again.
#[utoipa::path(post, operation_id = "resume_schedule", path = "/api/v1/schedules/{id}/resume", tag = "schedules", params(("id" = u64, Path)), responses(
    (status = 200, body = Object, description = "The schedule"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn resume<H: History, T: Transport>(
    id: ScheduleId,
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Value>, Problem> {
    set_one_paused(id, &app, caller, body, false).await
}

async fn set_many_paused<H: History, T: Transport>(
    app: &App<H, T>,
    caller: Caller,
    body: Body,
    paused: bool,
) -> Result<Json<Changed>, Problem> {
    let body: IdsBody = body.json(&[]).await?;
    let ids = body.ids.into_iter().map(ScheduleId).collect();
    let items = set_paused(app, caller, ids, paused).await?;
    Ok(Json(Changed { items }))
}

/// Pauses many schedules, all or none.
#[utoipa::path(post, operation_id = "pause_schedules", path = "/api/v1/schedules/pause", tag = "schedules", request_body = IdsBody, responses(
    (status = 200, body = Changed),
    (status = 404, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_schedule`: one of them"),
))]
pub(super) async fn pause_many<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Changed>, Problem> {
    set_many_paused(&app, caller, body, true).await
}

/// Lets many paused schedules fire again, all or none.
#[utoipa::path(post, operation_id = "resume_schedules", path = "/api/v1/schedules/resume", tag = "schedules", request_body = IdsBody, responses(
    (status = 200, body = Changed),
    (status = 404, body = ProblemDto, content_type = "application/problem+json", description = "`unknown_schedule`: one of them"),
))]
pub(super) async fn resume_many<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
    body: Body,
) -> Result<Json<Changed>, Problem> {
    set_many_paused(&app, caller, body, false).await
}

/// Runs a schedule at once, whatever its times and limits.
///
/// With the header `Idempotency-Key`, a repeated request gets the first one's execution.
#[utoipa::path(post, operation_id = "run_schedule", path = "/api/v1/schedules/{id}/run", tag = "schedules", params(
    ("id" = u64, Path),
    ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 characters"),
), request_body = RunBody, responses(
    (status = 201, body = ExecutionDto, headers(("Location" = String))),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
    (status = 409, body = ProblemDto, content_type = "application/problem+json", description = "`flow_disabled`"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`idempotency_key_reused`"),
))]
pub(super) async fn run<H: History + 'static, T: Transport + 'static>(
    schedule: ScheduleId,
    app: Arc<App<H, T>>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body,
) -> Result<Created<ExecutionDto>, Problem> {
    let bytes = body.optional_json_bytes().await?;
    // The same body for another schedule is another request.
    let request = [bytes.as_ref(), format!("schedule {schedule}").as_bytes()].concat();
    let start = |key: Option<StartKey>| {
        let (app, bytes) = (Arc::clone(&app), bytes.clone());
        async move {
            let asked: RunBody = body::parse(&bytes, &[])?;
            let input = to_run(schedule, caller.clone(), asked)?;
            start_once(&app, &caller, key, async |_: &App<H, T>| Ok(input)).await
        }
    };
    let id = execution_of(app.starts.once(key, &request, start).await?)?;
    Ok(Created {
        location: format!("/api/v1/executions/{id}"),
        body: find_execution(&app, id).await?,
    })
}

fn to_run(schedule: ScheduleId, caller: Caller, body: RunBody) -> Result<Input, Problem> {
    let mut blames: Vec<Blame> = body.params.iter().filter_map(param_faults).collect();
    let data_date = dates::data_date(body.data_date.as_deref(), &mut blames);
    let date_format = date_format(body.date_format.as_deref(), &mut blames);
    if !blames.is_empty() {
        return Err(Problem::BadBody(blames));
    }
    Ok(Input::RunSchedule {
        schedule,
        data_date,
        date_format,
        downstream: body.with_downstream,
        params: map_to_params(&body.params),
        by: caller.by,
    })
}

/// Tells the times at which a schedule will fire.
#[utoipa::path(get, operation_id = "list_times_of_schedule", path = "/api/v1/schedules/{id}/next", tag = "schedules", params(
    ("id" = u64, Path),
    ("count" = Option<u32>, Query, description = "How many: 1 to 200; default 10"),
), responses(
    (status = 200, body = TimesDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn next<H: History, T: Transport>(
    id: ScheduleId,
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<TimesDto>, Problem> {
    let count = query.number("count", 1, MOST_TIMES).unwrap_or(USUAL_TIMES);
    query.finish()?;
    let found = app.look(move |engine| {
        let schedule = engine.schedule(id)?;
        let calendar = schedule.calendar.and_then(|id| engine.calendar(id));
        Some((Arc::clone(schedule), calendar.map(Arc::clone)))
    });
    let found = found.await?;
    let (schedule, calendar) = found.ok_or_else(|| Problem::from(DefinitionId::from(id)))?;
    let now = hcndc_core::port::Clock::now(&app.clock);
    let times = times(&schedule, calendar.as_deref(), now, count as usize);
    let date = |at: &Timestamp| data_date(*at, schedule.zone, schedule.date_offset);
    Ok(Json(TimesDto {
        zone: schedule.zone.name(),
        data_dates: times.iter().map(date).map(|it| it.to_string()).collect(),
        next: times.iter().map(Timestamp::to_string).collect(),
    }))
}

/// The next times of a schedule, if it goes by time.
pub(super) fn times(
    schedule: &Schedule,
    calendar: Option<&Calendar>,
    after: Timestamp,
    count: usize,
) -> Vec<Timestamp> {
    let Trigger::Time(timing) = &schedule.trigger else {
        return Vec::new();
    };
    let context = TimingContext {
        zone: schedule.zone,
        calendar: calendar.map(|it| &it.days),
        filter: schedule.filter.as_ref(),
        not_before: schedule.not_before,
        not_after: schedule.not_after,
    };
    let times = std::iter::successors(Some(after), |last| timing.next(&context, *last));
    times.skip(1).take(count).collect()
}

/// The data date of a fire time: its local date and the schedule's offset.
pub(super) fn data_date(at: Timestamp, zone: Tz, offset: i32) -> DataDate {
    let before = DataDate::day_before(at, zone);
    before.plus_days(offset + 1).unwrap_or(before)
}

/// Tells why a schedule does not start an execution now, what became of its latest firing, and when it fires next.
#[utoipa::path(get, operation_id = "explain_schedule", path = "/api/v1/schedules/{id}/explain", tag = "schedules", params(
    ("id" = u64, Path),
    ("zone" = Option<String>, Query, description = "The IANA zone of times within the sentences; default: UTC, in the form of the other times"),
), responses(
    (status = 200, body = ScheduleExplanationDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn explain<H: History, T: Transport>(
    id: ScheduleId,
    app: Arc<App<H, T>>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<ScheduleExplanationDto>, Problem> {
    let zone = query.zone("zone");
    query.finish()?;
    let found = app.look(move |engine| {
        let found = engine.explain_schedule(id)?;
        let holds = found.holds.iter();
        let holds: Vec<_> = holds
            .map(|hold| hold_dto(engine, hold, zone, &caller))
            .collect();
        let said: Vec<&str> = holds.iter().map(|hold| hold.message.as_str()).collect();
        Some(ScheduleExplanationDto {
            next: found.next.map(|at| at.to_string()),
            message: schedule_text::standing(found.next, &said, zone, caller.lang),
            holds,
            used_until: found.cursor.time.to_string(),
            used_date: found.cursor.date.map(|date| date.to_string()),
            last: found.last.as_ref().map(FiringDto::from),
            queued: found.queued.iter().map(FiringDto::from).collect(),
            live: found.live.iter().map(|id| id.0).collect(),
        })
    });
    let found = found.await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::from(DefinitionId::from(id)))
}

fn hold_dto(
    engine: &Engine,
    hold: &ScheduleHold,
    zone: Option<Tz>,
    caller: &Caller,
) -> ScheduleHoldDto {
    let flow = |id: FlowId| engine.flow(id).map_or("", |flow| &*flow.name).to_owned();
    let event = |id| {
        let event = engine.file_event(id);
        event.map_or("", |event| &*event.name).to_owned()
    };
    let (kind, message) = schedule_text::hold(hold, &flow, &event, zone, caller.lang);
    ScheduleHoldDto { kind, message }
}
