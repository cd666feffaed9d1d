//! `/overview`: what the home page shows, in one answer.
//!
//! Everything is read off the engine or off the newest rows of an index, so that the answer takes as long with a million
//! executions as with a hundred.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::NaiveTime;
use chrono_tz::Tz;
use hcndc_core::{
    engine::{Engine, ExecutionState, JobRunState},
    id::{FlowId, JobRunId},
    port::{
        AlertQuery, Clock as _, Direction, ExecutionQuery, ExecutionView, History, JobRunQuery,
        PageRequest, Transport,
    },
    time::{DataDate, Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    alerts::AlertDto,
    caller::Caller,
    executions::ExecutionDto,
    jobs::FlowName,
    needs::READ,
    ports::read,
    problem::{Problem, ProblemDto},
    route::{Json, Route, at, caller, having},
    run_text,
};
use crate::{app::App, interchange::Lang};

const OVERVIEW: &str = "/api/v1/overview";

/// Executions of today that are counted at most.
const MOST_COUNTED: usize = 1_000;
/// Executions read at a time.
const PAGE: u32 = 200;
/// Executions, firings and alerts that are told of each list.
const TOLD: u32 = 10;
/// Days of the heat map.
const DAYS: i32 = 30;
/// Flows of the heat map at most.
const MOST_FLOWS: usize = 200;
/// Failed executions that the heat map looks at: the newest ones.
const MOST_FAILED: u32 = 500;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let args = at(OVERVIEW).and(having(app)).and(caller());
    vec![Route::get(OVERVIEW, READ, args.then(overview)).by_leader()]
}

/// Where everything stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Overview)]
pub(super) struct OverviewDto {
    /// When this was seen.
    at: String,
    /// The zone that days are of.
    #[schema(example = "Asia/Shanghai")]
    zone: &'static str,
    /// What was started today.
    today: TodayDto,
    /// How much is going on.
    load: LoadDto,
    /// Executions that have not ended, the newest first; at most 10.
    running: Vec<ExecutionDto>,
    /// Executions that failed last; at most 10.
    failed: Vec<FailedDto>,
    /// Executors.
    executors: Vec<ExecutorNow>,
    /// What fires next; at most 10.
    next: Vec<NextDto>,
    /// How the last 30 data dates went, by flow.
    heat: HeatDto,
    /// The newest alerts; at most 10.
    alerts: Vec<AlertDto>,
    /// Alerts that nobody was told of yet.
    alerts_waiting: usize,
}

/// What was started today.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = OverviewToday)]
struct TodayDto {
    /// Since when.
    since: String,
    /// Executions by state; states with none are left out.
    #[schema(value_type = BTreeMap<String, u64>, example = json!({"succeeded": 40, "running": 2}))]
    executions: BTreeMap<&'static str, u64>,
    /// Whether only the newest 1,000 were counted.
    is_cut: bool,
}

/// How much is going on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OverviewLoad)]
struct LoadDto {
    /// Executions that have not ended.
    executions: usize,
    /// Job runs that wait for a place to run.
    queued: usize,
    /// Attempts that executors were given and that have not ended.
    running: usize,
    /// Flows.
    flows: usize,
    /// Jobs.
    jobs: usize,
    /// Schedules that are not paused.
    schedules_active: usize,
    /// Schedules that are paused.
    schedules_paused: usize,
}

/// A failed execution, and the first of what failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OverviewFailed)]
struct FailedDto {
    /// The execution.
    execution: ExecutionDto,
    /// The job run that failed first, if one did.
    job_run: Option<u64>,
    /// Its job, as `flow/job`.
    job: Option<String>,
    /// Why, in the caller's language.
    message: Option<String>,
}

/// An executor and how it is doing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OverviewExecutor)]
struct ExecutorNow {
    /// Its id.
    id: u64,
    /// Its name.
    name: String,
    /// Whether it is given work.
    enabled: bool,
    /// Whether a connection stands.
    online: bool,
    /// Why not, if it is known.
    trouble: Option<String>,
    /// Slots that its jobs may take together.
    slots: u32,
    /// Slots that live attempts take.
    slots_used: u32,
    /// Mean number of runnable processes over the last minute.
    load_1m: Option<f64>,
    /// Processors.
    cores: Option<u32>,
}

/// A firing to come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OverviewNext)]
struct NextDto {
    /// The schedule's id.
    schedule: u64,
    /// Its name.
    name: String,
    /// Its flow.
    flow: FlowName,
    /// When.
    at: String,
}

/// How data dates went.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = OverviewHeat)]
struct HeatDto {
    /// The dates, the oldest first.
    #[schema(example = json!(["2026-11-20", "2026-11-21"]))]
    dates: Vec<String>,
    /// Flows that had something on one of them, those with failures first; at most 200.
    flows: Vec<HeatRow>,
}

/// How a flow's data dates went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OverviewHeatRow)]
struct HeatRow {
    /// The flow.
    flow: FlowName,
    /// A letter for each date: `s` it has succeeded, `f` an execution with it failed last, `r` it runs, `.` nothing.
    #[schema(example = "ssssfr")]
    days: String,
}

/// What only the engine knows.
struct Seen {
    load: LoadDto,
    executors: Vec<ExecutorNow>,
    next: Vec<NextDto>,
    succeeded: Vec<(FlowName, Vec<bool>)>,
    alerts_waiting: usize,
}

/// Tells what the home page shows.
#[utoipa::path(get, operation_id = "overview", path = "/api/v1/overview", tag = "overview", responses(
    (status = 200, body = OverviewDto),
    (status = 503, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn overview<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    caller: Caller,
) -> Result<Json<OverviewDto>, Problem> {
    let (now, zone) = (app.clock.now(), app.settings.zone);
    let dates = dates(now, zone);
    let wanted = dates.clone();
    let seen = app.look(move |engine| see(engine, &wanted)).await?;
    let today = today(&app, midnight(now, zone)).await?;
    let running = newest(&app, LIVE, TOLD).await?;
    let failed = newest(&app, &[ExecutionState::Failed], TOLD).await?;
    let mut told = Vec::with_capacity(failed.len());
    for view in failed {
        told.push(failure(&app, view, caller.lang).await?);
    }
    let heat = heat(&app, seen.succeeded, &dates).await?;
    let alerts = AlertQuery {
        page: newest_page(TOLD),
        ..AlertQuery::default()
    };
    let alerts = read(app.history.alerts(&alerts)).await?.items;
    Ok(Json(OverviewDto {
        at: now.to_string(),
        zone: zone.name(),
        today,
        load: seen.load,
        running: running.into_iter().map(ExecutionDto::from).collect(),
        failed: told,
        executors: seen.executors,
        next: seen.next,
        heat,
        alerts: alerts.into_iter().map(AlertDto::from).collect(),
        alerts_waiting: seen.alerts_waiting,
    }))
}

/// States of executions that have not ended.
const LIVE: &[ExecutionState] = &[
    ExecutionState::Running,
    ExecutionState::Paused,
    ExecutionState::Stopping,
];

fn newest_page(limit: u32) -> PageRequest {
    PageRequest {
        after: None,
        limit,
        direction: Direction::Descending,
    }
}

/// The data dates of the heat map, the oldest first; the last is yesterday's.
fn dates(now: Timestamp, zone: Tz) -> Vec<DataDate> {
    let last = DataDate::day_before(now, zone);
    let back = (0..DAYS).rev();
    back.filter_map(|days| last.plus_days(-days)).collect()
}

/// The first moment of today.
fn midnight(now: Timestamp, zone: Tz) -> Timestamp {
    use chrono::TimeZone as _;
    let today = now.to_utc().with_timezone(&zone).date_naive();
    let midnight = today.and_time(NaiveTime::MIN);
    // Where the clock jumps over midnight, the day begins within the hours after it.
    let first = (0..=4).find_map(|half_hours| {
        let at = midnight + chrono::Duration::minutes(30 * half_hours);
        zone.from_local_datetime(&at).earliest()
    });
    first.map_or(now, |at| at.to_utc().into())
}

fn see(engine: &Engine, dates: &[DataDate]) -> Seen {
    let (executions, queued, running) = engine.load_figures();
    let paused = engine.schedules().filter(|it| it.paused).count();
    let executors = engine.executors().map(|it| {
        let health = engine.executor_health(it.id);
        let figures = health.as_ref().and_then(|it| it.figures.as_ref());
        ExecutorNow {
            id: it.id.0,
            name: it.name.clone(),
            enabled: it.enabled,
            online: health.as_ref().is_some_and(|it| it.online),
            slots: it.slots,
            slots_used: health.as_ref().map_or(0, |it| it.slots_used),
            load_1m: figures.map(|it| it.load_1m),
            cores: figures.map(|it| it.cores),
            trouble: health.and_then(|it| it.trouble),
        }
    });
    Seen {
        load: LoadDto {
            executions,
            queued,
            running,
            flows: engine.flows().count(),
            jobs: engine.jobs().count(),
            schedules_active: engine.schedules().count() - paused,
            schedules_paused: paused,
        },
        executors: executors.collect(),
        next: next(engine),
        succeeded: engine
            .flows()
            .map(|flow| {
                let name = FlowName {
                    id: flow.id.0,
                    name: flow.name.clone(),
                };
                let ranges: Vec<_> = engine.succeeded_dates(flow.id).collect();
                let days = dates.iter().map(|date| {
                    let mut ranges = ranges.iter();
                    ranges.any(|(from, to)| from <= date && date <= to)
                });
                (name, days.collect())
            })
            .collect(),
        alerts_waiting: engine.undelivered().count(),
    }
}

fn next(engine: &Engine) -> Vec<NextDto> {
    let mut due: Vec<_> = engine
        .schedules()
        .filter(|schedule| !schedule.paused)
        .filter_map(|schedule| {
            let next = engine.explain_schedule(schedule.id)?.next?;
            Some((next, schedule))
        })
        .collect();
    due.sort_by_key(|(at, schedule)| (*at, schedule.id));
    due.truncate(TOLD as usize);
    due.into_iter()
        .map(|(at, schedule)| NextDto {
            schedule: schedule.id.0,
            name: schedule.name.clone(),
            flow: FlowName {
                id: schedule.flow.0,
                name: engine
                    .flow(schedule.flow)
                    .map(|flow| flow.name.clone())
                    .unwrap_or_default(),
            },
            at: at.to_string(),
        })
        .collect()
}

/// Executions that were started since then, by state; read from the newest back.
async fn today<H: History, T>(app: &App<H, T>, since: Timestamp) -> Result<TodayDto, Problem> {
    let mut query = ExecutionQuery {
        page: newest_page(PAGE),
        ..ExecutionQuery::default()
    };
    let mut today = TodayDto {
        since: since.to_string(),
        ..TodayDto::default()
    };
    let mut counted = 0;
    loop {
        let page = read(app.history.executions(&query)).await?;
        for view in page.items {
            if view.row.started_at < since {
                return Ok(today);
            }
            *today.executions.entry(view.row.state.as_str()).or_default() += 1;
            counted += 1;
        }
        let Some(next) = page.next else {
            return Ok(today);
        };
        if counted >= MOST_COUNTED {
            today.is_cut = true;
            return Ok(today);
        }
        query.page.after = Some(next);
    }
}

async fn newest<H: History, T>(
    app: &App<H, T>,
    states: &[ExecutionState],
    limit: u32,
) -> Result<Vec<ExecutionView>, Problem> {
    let query = ExecutionQuery {
        states: states.to_vec(),
        page: newest_page(limit),
        ..ExecutionQuery::default()
    };
    Ok(read(app.history.executions(&query)).await?.items)
}

/// An execution that failed, and the first job run of it that did.
async fn failure<H: History, T>(
    app: &App<H, T>,
    view: ExecutionView,
    lang: Lang,
) -> Result<FailedDto, Problem> {
    let wanted = JobRunQuery {
        execution: Some(view.row.id),
        states: vec![JobRunState::Failed, JobRunState::Killed],
        page: PageRequest {
            limit: 1,
            ..PageRequest::default()
        },
        ..JobRunQuery::default()
    };
    let first = read(app.history.job_runs(&wanted)).await?.items;
    let first = first.into_iter().next();
    let message = match &first {
        Some(run) => Some(message(app, run.row.id, run.row.state, lang).await?),
        None => None,
    };
    Ok(FailedDto {
        execution: view.into(),
        job_run: first.as_ref().map(|run| run.row.id.0),
        job: first.map(|run| format!("{}/{}", run.flow_name, run.job_name)),
        message,
    })
}

async fn message<H: History, T>(
    app: &App<H, T>,
    run: JobRunId,
    state: JobRunState,
    lang: Lang,
) -> Result<String, Problem> {
    let attempts = read(app.history.attempts(run)).await?;
    Ok(match attempts.last() {
        Some(last) => {
            run_text::attempt_end(last.state, last.exit_code, last.signal, &last.message, lang)
        }
        None => run_text::standing(state, lang),
    })
}

async fn heat<H: History, T>(
    app: &App<H, T>,
    succeeded: Vec<(FlowName, Vec<bool>)>,
    dates: &[DataDate],
) -> Result<HeatDto, Problem> {
    let of = |views: Vec<ExecutionView>| -> BTreeSet<(FlowId, DataDate)> {
        let pairs = views.into_iter().flat_map(|view| {
            let date = view.row.data_date;
            view.flows.into_iter().map(move |(flow, _)| (flow, date))
        });
        pairs.collect()
    };
    let failed = ExecutionQuery {
        states: vec![ExecutionState::Failed],
        data_date_from: dates.first().copied(),
        data_date_to: dates.last().copied(),
        page: newest_page(MOST_FAILED),
        ..ExecutionQuery::default()
    };
    let failed = of(read(app.history.executions(&failed)).await?.items);
    let live = of(newest(app, LIVE, MOST_FAILED).await?);
    let mut rows: Vec<(bool, HeatRow)> = succeeded
        .into_iter()
        .filter_map(|(flow, succeeded)| {
            let id = FlowId(flow.id);
            let days: String = dates
                .iter()
                .zip(succeeded)
                .map(|(date, succeeded)| {
                    if live.contains(&(id, *date)) {
                        'r'
                    } else if succeeded {
                        's'
                    } else if failed.contains(&(id, *date)) {
                        'f'
                    } else {
                        '.'
                    }
                })
                .collect();
            let has_failed = days.contains('f');
            let is_blank = days.bytes().all(|day| day == b'.');
            (!is_blank).then_some((has_failed, HeatRow { flow, days }))
        })
        .collect();
    rows.sort_by(|(failed, one), (other_failed, two)| {
        let order = other_failed.cmp(failed);
        order.then_with(|| one.flow.name.cmp(&two.flow.name))
    });
    rows.truncate(MOST_FLOWS);
    Ok(HeatDto {
        dates: dates.iter().map(DataDate::to_string).collect(),
        flows: rows.into_iter().map(|(_, row)| row).collect(),
    })
}
