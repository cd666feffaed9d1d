//! `/trends` and `/flows/{id}/trend`: how long things take, day by day and run by run, and which flows grow slow.
//!
//! A day's figures are read off one index; days that are over are kept for a while, for little of them changes any more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::NaiveDate;
use hcndc_core::{
    engine::{ExecutionState, FlowRunState},
    id::FlowId,
    port::{
        Clock as _, Direction, ExecutionQuery, History, PageRequest, PastRun, PastRunQuery, Tally,
        TallyQuery, Transport,
    },
    time::Timestamp,
};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    jobs::FlowName,
    needs::READ,
    ports::read,
    problem::{Problem, ProblemDto},
    query::Query,
    route::{HandedTo as _, Json, Route, at, at_id, having, query},
};
use crate::{app::App, day::first_moment};

const TRENDS: &str = "/api/v1/trends";
const TREND: &str = "/api/v1/flows/{id}/trend";

/// Days that are told when nobody says, and at most.
const USUAL_DAYS: u64 = 30;
const MOST_DAYS: u64 = 90;
/// Runs of a flow that are told when nobody says, and at most.
const USUAL_RUNS: u64 = 60;
const MOST_RUNS: u64 = 500;
/// Executions in which flows are looked for: the newest ones that have ended.
const LOOKED_AT: u32 = 200;
/// Flows of which the latest runs are compared at most, each a page of an index.
const MOST_FLOWS: usize = 40;
/// Runs by which it is told whether the latest one was slow.
const COMPARED: u32 = 30;
/// Durations that are told: the one in the middle, and the one that no more than a twentieth is longer than.
const PERCENTILES: [u8; 2] = [50, 95];
/// How long figures of a day that goes on are kept, and of one that is over.
const FRESH: Duration = Duration::from_secs(15);
const KEPT: Duration = Duration::from_secs(600);

/// Figures of days that were asked for lately, by when the days began.
type Kept = Arc<Mutex<BTreeMap<Timestamp, (Instant, DayDto)>>>;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let kept = Kept::default();
    let all = at(TRENDS).and(having(app)).and(having(&kept)).and(query());
    let one = at_id::<FlowId>(TREND).and(having(app)).and(query());
    vec![
        Route::get(TRENDS, READ, all.handed_to(trends)),
        Route::get(TREND, READ, one.handed_to(of_flow)),
    ]
}

/// How executions went, day by day, and flows by their latest runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trends)]
pub(super) struct TrendsDto {
    /// The zone that days are of.
    #[schema(example = "Asia/Shanghai")]
    zone: &'static str,
    /// The days, the oldest first; the last one is today.
    days: Vec<DayDto>,
    /// Flows that ran lately, with what their runs took: those that have grown slowest first; at most 40.
    flows: Vec<FlowTrendDto>,
}

/// What was started on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TrendDay)]
pub(super) struct DayDto {
    /// The day.
    #[schema(example = "2026-11-21")]
    date: String,
    /// Executions by state; states with none are left out.
    #[schema(value_type = BTreeMap<String, u64>, example = json!({"succeeded": 40, "failed": 2}))]
    executions: BTreeMap<&'static str, u64>,
    /// How long the one in the middle took of those that succeeded, in milliseconds.
    median_ms: Option<u64>,
    /// How long one took that no more than a twentieth of those that succeeded was longer than, in milliseconds.
    p95_ms: Option<u64>,
    /// When the last of them that has ended did so.
    last_end: Option<String>,
}

/// How long a flow's runs took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlowTrend)]
pub(super) struct FlowTrendDto {
    /// The flow.
    flow: FlowName,
    /// How long the run in the middle took of those that succeeded, in milliseconds.
    median_ms: Option<u64>,
    /// How long one took that no more than a twentieth of those that succeeded was longer than, in milliseconds.
    p95_ms: Option<u64>,
    /// How many times the median of those before it the latest run that succeeded took; null for fewer than four.
    #[schema(example = 1.6)]
    slower: Option<f64>,
    /// The runs, the oldest first.
    runs: Vec<PastRunDto>,
}

/// A run of a flow.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PastRun)]
struct PastRunDto {
    /// Its execution.
    execution: u64,
    /// The date that it is for.
    #[schema(example = "2026-11-21")]
    data_date: String,
    /// Where it stands: `waiting`, `running`, `succeeded`, `failed`, …
    #[schema(example = "succeeded")]
    state: &'static str,
    /// When its execution was started.
    asked_at: String,
    /// When it began, if it did.
    started_at: Option<String>,
    /// When it ended, if it did.
    ended_at: Option<String>,
    /// How long it waited in its execution before it began, in milliseconds; up to now if it still does.
    waited_ms: u64,
    /// How long it ran, in milliseconds; up to now if it still does.
    ran_ms: u64,
}

/// Tells how executions went, day by day, and which flows take longer than they used to.
#[utoipa::path(get, operation_id = "trends", path = "/api/v1/trends", tag = "overview", params(
    ("days" = Option<u32>, Query, description = "1 to 90 days up to today, in the server's zone; default 30"),
), responses(
    (status = 200, body = TrendsDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn trends<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    kept: Kept,
    mut query: Query,
) -> Result<Json<TrendsDto>, Problem> {
    let days = query.number("days", 1, MOST_DAYS).unwrap_or(USUAL_DAYS);
    query.finish()?;
    let (now, zone) = (app.clock.now(), app.settings.zone);
    let today = now.to_utc().with_timezone(&zone).date_naive();
    let first = today - chrono::Days::new(days - 1);
    let mut told = Vec::new();
    for day in first.iter_days().take_while(|day| *day <= today) {
        told.push(of_day(&app, &kept, day, day == today).await?);
    }
    Ok(Json(TrendsDto {
        zone: zone.name(),
        days: told,
        flows: flows(&app, now).await?,
    }))
}

/// Tells a flow's latest runs: how long each waited and ran, and what is usual.
#[utoipa::path(get, operation_id = "flow_trend", path = "/api/v1/flows/{id}/trend", tag = "flows", params(
    ("id" = u64, Path),
    ("runs" = Option<u32>, Query, description = "1 to 500 of the latest; default 60"),
), responses(
    (status = 200, body = FlowTrendDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn of_flow<H: History, T: Transport>(
    id: FlowId,
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<FlowTrendDto>, Problem> {
    let runs = query.number("runs", 1, MOST_RUNS).unwrap_or(USUAL_RUNS);
    query.finish()?;
    let view = read(app.history.flow(id)).await?;
    let view = view.ok_or_else(|| Problem::from(id))?;
    let name = FlowName {
        id: id.0,
        name: view.flow.name.clone(),
    };
    let now = app.clock.now();
    flow(&app, name, runs as u32, now).await.map(Json)
}

async fn of_day<H: History, T>(
    app: &App<H, T>,
    kept: &Kept,
    day: NaiveDate,
    goes_on: bool,
) -> Result<DayDto, Problem> {
    let zone = app.settings.zone;
    let next = day.succ_opt().and_then(|next| first_moment(next, zone));
    let (Some(from), Some(to)) = (first_moment(day, zone), next) else {
        return Ok(DayDto::new(day, &Tally::default()));
    };
    let age = if goes_on { FRESH } else { KEPT };
    let known = kept.lock().await.get(&from).cloned();
    if let Some((_, told)) = known.filter(|(seen, _)| seen.elapsed() < age) {
        return Ok(told);
    }
    let wanted = TallyQuery {
        from,
        to,
        percentiles: PERCENTILES.to_vec(),
    };
    let told = DayDto::new(day, &read(app.history.tally(&wanted)).await?);
    let mut kept = kept.lock().await;
    // What nobody asks for any more must not pile up.
    kept.retain(|_, (seen, _)| seen.elapsed() < KEPT);
    kept.insert(from, (Instant::now(), told.clone()));
    Ok(told)
}

impl DayDto {
    fn new(day: NaiveDate, tally: &Tally) -> Self {
        let states = tally.states.iter();
        let took = |at: usize| tally.durations.get(at).map(millis);
        Self {
            date: day.to_string(),
            executions: states.map(|(state, n)| (state.as_str(), *n)).collect(),
            median_ms: took(0),
            p95_ms: took(1),
            last_end: tally.last_end.map(|at| at.to_string()),
        }
    }
}

fn millis(duration: &Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Flows that ended lately, those first whose latest run took longest beside what is usual.
async fn flows<H: History, T>(
    app: &App<H, T>,
    now: Timestamp,
) -> Result<Vec<FlowTrendDto>, Problem> {
    let ended = ExecutionQuery {
        states: vec![ExecutionState::Succeeded, ExecutionState::Failed],
        page: newest(LOOKED_AT),
        ..ExecutionQuery::default()
    };
    let mut seen = BTreeSet::new();
    let mut told = Vec::new();
    let executions = read(app.history.executions(&ended)).await?.items;
    let names = executions.into_iter().flat_map(|view| view.flows);
    for (id, name) in names.filter(|(id, _)| seen.insert(*id)).take(MOST_FLOWS) {
        told.push(flow(app, FlowName { id: id.0, name }, COMPARED, now).await?);
    }
    told.sort_by(|one, two| {
        let slower = |it: &FlowTrendDto| it.slower.unwrap_or_default();
        let order = slower(two).total_cmp(&slower(one));
        order.then(two.median_ms.cmp(&one.median_ms))
    });
    Ok(told)
}

fn newest(limit: u32) -> PageRequest {
    PageRequest {
        after: None,
        limit,
        direction: Direction::Descending,
    }
}

async fn flow<H: History, T>(
    app: &App<H, T>,
    name: FlowName,
    runs: u32,
    now: Timestamp,
) -> Result<FlowTrendDto, Problem> {
    let wanted = PastRunQuery {
        flow: FlowId(name.id),
        page: newest(runs),
    };
    let mut runs = read(app.history.past_runs(&wanted)).await?.items;
    runs.reverse();
    let good: Vec<Duration> = runs.iter().filter_map(own_duration).collect();
    let mut sorted = good.clone();
    sorted.sort_unstable();
    Ok(FlowTrendDto {
        flow: name,
        median_ms: percentile(&sorted, PERCENTILES[0]),
        p95_ms: percentile(&sorted, PERCENTILES[1]),
        slower: slower(&good),
        runs: runs.iter().map(|run| PastRunDto::new(run, now)).collect(),
    })
}

/// How long a run took that succeeded by itself: one that shared the end of another says nothing of its own.
fn own_duration(run: &PastRun) -> Option<Duration> {
    let row = &run.row;
    if row.state != FlowRunState::Succeeded || row.joined_to.is_some() {
        return None;
    }
    Some(row.ended_at?.since(row.started_at?))
}

fn percentile(sorted: &[Duration], percentile: u8) -> Option<u64> {
    let rank = TallyQuery::rank(percentile, sorted.len() as u64);
    sorted.get(usize::try_from(rank).ok()?).map(millis)
}

/// How many times the usual duration the last one is, if there are enough to tell what is usual.
fn slower(good: &[Duration]) -> Option<f64> {
    let (last, before) = good.split_last()?;
    if before.len() < 3 {
        return None;
    }
    let mut before = before.to_vec();
    before.sort_unstable();
    // Of what is done in no time, twice as long is nothing.
    let usual = percentile(&before, 50)?.max(1_000);
    let times = millis(last) as f64 / usual as f64;
    Some((times * 100.0).round() / 100.0)
}

impl PastRunDto {
    fn new(run: &PastRun, now: Timestamp) -> Self {
        let row = &run.row;
        let began = row.started_at.or(row.ended_at).unwrap_or(now);
        let ended = row.ended_at.unwrap_or(now);
        let ran = row.started_at.map(|began| ended.since(began));
        Self {
            execution: row.execution.0,
            data_date: run.data_date.to_string(),
            state: row.state.as_str(),
            asked_at: run.execution_started_at.to_string(),
            started_at: row.started_at.map(|at| at.to_string()),
            ended_at: row.ended_at.map(|at| at.to_string()),
            waited_ms: millis(&began.since(run.execution_started_at)),
            ran_ms: millis(&ran.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(all: &[u64]) -> Vec<Duration> {
        all.iter().map(|it| Duration::from_secs(*it)).collect()
    }

    #[test]
    fn a_run_is_slow_beside_the_ones_before_it_only() {
        assert_eq!(slower(&secs(&[10, 10, 10])), None);
        assert_eq!(slower(&secs(&[10, 12, 11, 33])), Some(3.0));
        assert_eq!(slower(&secs(&[33, 10, 12, 11, 11])), Some(1.0));
        assert_eq!(slower(&[]), None);
        // Milliseconds are no news.
        let short = [2_u64, 2, 2, 20].map(Duration::from_millis);
        assert_eq!(slower(&short), Some(0.02));
    }
}
