//! `/overview`: what the home page shows, in one answer.
//!
//! Everything is read off the engine or off the newest rows of an index, so that the answer takes as long with a million
//! executions as with a hundred.

use std::{collections::BTreeMap, sync::Arc};

use chrono_tz::Tz;
use futures_util::try_join;
use hcndc_core::{
    engine::{DueState, Engine, ExecutionState},
    id::FlowId,
    model::AlertEvent,
    port::{
        AlertQuery, Clock as _, Direction, ExecutionQuery, ExecutionView, FirstFailure, History,
        PageRequest, TallyQuery, Transport,
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
    route::{HandedTo as _, Json, Route, at, caller, having},
    run_text,
};
use crate::{app::App, day::first_moment, interchange::Lang};

const OVERVIEW: &str = "/api/v1/overview";

/// Executions, firings and alerts that are told of each list.
const TOLD: u32 = 10;
/// Deadlines that are told.
const TOLD_LATE: usize = 20;
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
    vec![Route::get(OVERVIEW, READ, args.handed_to(overview)).by_leader()]
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
    /// Deadlines of the latest firings of schedules that were missed and not made good, and those that come next; the
    /// missed ones first, at most 20.
    late: Vec<LateDto>,
    /// How the last 30 data dates went, by flow.
    heat: HeatDto,
    /// The newest alerts that nobody has acknowledged, but for good news; at most 10.
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

/// A deadline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OverviewLate)]
struct LateDto {
    /// The schedule's id.
    schedule: u64,
    /// Its name.
    name: String,
    /// Its flow.
    flow: FlowName,
    /// The date that it is for.
    #[schema(example = "2026-11-21")]
    data_date: String,
    /// What should have come: `start` or `finish`.
    #[schema(example = "finish")]
    what: &'static str,
    /// By when.
    by: String,
    /// `missed`, or `open` while it can still be kept.
    #[schema(example = "missed")]
    state: &'static str,
    /// The execution that it is about, if one was started.
    execution: Option<u64>,
    /// Whether that execution has not ended.
    live: bool,
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
    late: Vec<LateDto>,
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
    let date = now.to_utc().with_timezone(&zone).date_naive();
    let events = AlertEvent::ALL.iter().copied();
    let alerts = AlertQuery {
        events: events
            .filter(|event| *event != AlertEvent::ExecutionSucceeded)
            .collect(),
        acknowledged: Some(false),
        page: newest_page(TOLD),
        ..AlertQuery::default()
    };
    let (today, running, failed, heat, alerts) = try_join!(
        today(&app, first_moment(date, zone).unwrap_or(now), now),
        newest(&app, LIVE),
        failures(&app, caller.lang),
        heat(&app, seen.succeeded, &dates),
        read(app.history.alerts(&alerts)),
    )?;
    Ok(Json(OverviewDto {
        at: now.to_string(),
        zone: zone.name(),
        today,
        load: seen.load,
        running: running.into_iter().map(ExecutionDto::from).collect(),
        failed,
        executors: seen.executors,
        next: seen.next,
        late: seen.late,
        heat,
        alerts: alerts.items.into_iter().map(AlertDto::from).collect(),
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
        late: late(engine),
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
            flow: flow_name(engine, schedule.flow),
            at: at.to_string(),
        })
        .collect()
}

/// Deadlines of the latest firings: what was missed within the last day or is missed still, and what comes within the next.
fn late(engine: &Engine) -> Vec<LateDto> {
    let day = std::time::Duration::from_secs(86_400);
    let (earliest, latest) = (engine.now().before(day), engine.now().after(day));
    let mut found = Vec::new();
    for schedule in engine.schedules() {
        let last = engine.explain_schedule(schedule.id).and_then(|it| it.last);
        let Some(firing) = last else { continue };
        let execution = firing.execution();
        let live = execution.is_some_and(|id| engine.is_live(id));
        for (what, due) in [("start", firing.start_by), ("finish", firing.finish_by)] {
            let Some(due) = due else { continue };
            let told = match due.state {
                DueState::Missed => live || earliest < due.at,
                DueState::Open => due.at < latest,
                DueState::Kept | DueState::Lapsed => false,
            };
            if told {
                found.push((due, what, schedule, firing.data_date, execution, live));
            }
        }
    }
    found.sort_by_key(|(due, what, schedule, ..)| {
        (due.state == DueState::Open, due.at, schedule.id, *what)
    });
    found.truncate(TOLD_LATE);
    let told = found.into_iter();
    told.map(
        |(due, what, schedule, data_date, execution, live)| LateDto {
            schedule: schedule.id.0,
            name: schedule.name.clone(),
            flow: flow_name(engine, schedule.flow),
            data_date: data_date.to_string(),
            what,
            by: due.at.to_string(),
            state: due.state.as_str(),
            execution: execution.map(|id| id.0),
            live,
        },
    )
    .collect()
}

fn flow_name(engine: &Engine, id: FlowId) -> FlowName {
    let flow = engine.flow(id);
    FlowName {
        id: id.0,
        name: flow.map(|flow| flow.name.clone()).unwrap_or_default(),
    }
}

/// Executions that were started since then, by state.
async fn today<H: History, T>(
    app: &App<H, T>,
    since: Timestamp,
    now: Timestamp,
) -> Result<TodayDto, Problem> {
    let wanted = TallyQuery {
        from: since,
        // One that is started this very moment counts.
        to: now.after(std::time::Duration::from_secs(1)),
        percentiles: Vec::new(),
    };
    let states = read(app.history.tally(&wanted)).await?.states;
    let states = states.into_iter();
    Ok(TodayDto {
        since: since.to_string(),
        executions: states.map(|(state, n)| (state.as_str(), n)).collect(),
    })
}

async fn newest<H: History, T>(
    app: &App<H, T>,
    states: &[ExecutionState],
) -> Result<Vec<ExecutionView>, Problem> {
    let query = ExecutionQuery {
        states: states.to_vec(),
        page: newest_page(TOLD),
        ..ExecutionQuery::default()
    };
    Ok(read(app.history.executions(&query)).await?.items)
}

/// Executions that failed last, each with the first of what failed.
async fn failures<H: History, T>(app: &App<H, T>, lang: Lang) -> Result<Vec<FailedDto>, Problem> {
    let views = newest(app, &[ExecutionState::Failed]).await?;
    let executions: Vec<_> = views.iter().map(|view| view.row.id).collect();
    let first = read(app.history.first_failures(&executions)).await?;
    let first = first.into_iter().map(|it| (it.run.row.execution, it));
    let mut first: BTreeMap<_, _> = first.collect();
    let failed = views.into_iter().map(|view| {
        let first = first.remove(&view.row.id);
        FailedDto {
            execution: view.into(),
            message: first.as_ref().map(|it| message(it, lang)),
            job_run: first.as_ref().map(|it| it.run.row.id.0),
            job: first.map(|it| format!("{}/{}", it.run.flow_name, it.run.job_name)),
        }
    });
    Ok(failed.collect())
}

fn message(failure: &FirstFailure, lang: Lang) -> String {
    match &failure.attempt {
        Some(last) => {
            run_text::attempt_end(last.state, last.exit_code, last.signal, &last.message, lang)
        }
        None => run_text::standing(failure.run.row.state, lang),
    }
}

async fn heat<H: History, T>(
    app: &App<H, T>,
    succeeded: Vec<(FlowName, Vec<bool>)>,
    dates: &[DataDate],
) -> Result<HeatDto, Problem> {
    let failed = ExecutionQuery {
        states: vec![ExecutionState::Failed],
        data_date_from: dates.first().copied(),
        data_date_to: dates.last().copied(),
        page: newest_page(MOST_FAILED),
        ..ExecutionQuery::default()
    };
    let live = ExecutionQuery {
        states: LIVE.to_vec(),
        page: newest_page(MOST_FAILED),
        ..ExecutionQuery::default()
    };
    let (failed, live) = try_join!(
        read(app.history.flow_dates(&failed)),
        read(app.history.flow_dates(&live)),
    )?;
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
