//! `/grid`: how flows went, date by date; a row for each flow.

use std::{collections::BTreeMap, sync::Arc};

use hcndc_core::{
    id::FlowId,
    port::{Clock as _, FlowQuery, History, LatestRun, LatestRunQuery, NamedSort, Transport},
    time::DataDate,
};
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    jobs::FlowName,
    needs::READ,
    page::{Asked, NAMED},
    ports::read,
    problem::{BlameError, Problem, ProblemDto},
    query::Query,
    route::{HandedTo as _, Json, Route, at, having, query},
};
use crate::{app::App, interchange};

const GRID: &str = "/api/v1/grid";

/// Dates that are told when nobody says.
const USUAL: i32 = 14;
/// Dates at most.
const MOST: i32 = 62;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let args = at(GRID).and(having(app)).and(query());
    vec![Route::get(GRID, READ, args.handed_to(grid))]
}

/// A page of flows, and how each went for each date.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grid)]
pub(super) struct GridDto {
    /// The dates, the oldest first.
    #[schema(example = json!(["2026-11-20", "2026-11-21"]))]
    dates: Vec<String>,
    /// The flows, sorted.
    items: Vec<RowDto>,
    /// Ask for the next page with this; null on the last.
    next_cursor: Option<String>,
}

/// How a flow went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GridRow)]
struct RowDto {
    /// The flow.
    flow: FlowName,
    /// Where it is filed.
    #[schema(example = "/retail")]
    directory: String,
    /// Dates with a run, the oldest first.
    runs: Vec<CellDto>,
}

/// How a flow last went for a date.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GridCell)]
struct CellDto {
    /// The date.
    #[schema(example = "2026-11-21")]
    data_date: String,
    /// The flow's state in the latest execution: `waiting`, `running`, `succeeded`, `failed`, …
    #[schema(example = "succeeded")]
    state: &'static str,
    /// The latest execution.
    execution: u64,
    /// How many executions there were, this one among them.
    executions: u64,
}

impl From<LatestRun> for CellDto {
    fn from(run: LatestRun) -> Self {
        Self {
            data_date: run.data_date.to_string(),
            state: run.state.as_str(),
            execution: run.execution.0,
            executions: run.executions,
        }
    }
}

/// Tells how flows went for each date: by what ran last of each.
#[utoipa::path(get, operation_id = "grid", path = "/api/v1/grid", tag = "executions", params(
    ("from" = Option<String>, Query, description = "The first data date; default: 13 days before the last"),
    ("to" = Option<String>, Query, description = "The last data date, at most 62 in all; default: yesterday, in the server's zone"),
    ("text" = Option<String>, Query, description = "Flows whose name or description holds this"),
    ("directory" = Option<String>, Query, description = "Flows filed here or below"),
    ("sort" = Option<String>, Query, description = "`id`, `name` or `updated_at` of flows; with `-` downwards"),
    ("limit" = Option<u32>, Query, description = "1 to 1000 flows; default 100"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
), responses(
    (status = 200, body = GridDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn grid<H: History, T: Transport>(
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<GridDto>, Problem> {
    let asked = Asked::<NamedSort>::of(&mut query, &NAMED);
    let wanted = FlowQuery {
        text: query.text("text").unwrap_or_default(),
        directory: query.text("directory").unwrap_or_default(),
        enabled: None,
        sort: asked.by,
        page: asked.page.clone(),
    };
    let last = query.date("to");
    let last = last.unwrap_or_else(|| DataDate::day_before(app.clock.now(), app.settings.zone));
    let first = query.date("from").or_else(|| last.plus_days(1 - USUAL));
    let dates = dates(&mut query, first.unwrap_or(last), last);
    query.finish()?;
    let page = read(app.history.flows(&wanted)).await?;
    let runs = LatestRunQuery {
        flows: page.items.iter().map(|view| view.flow.id).collect(),
        from: first.unwrap_or(last),
        to: last,
    };
    let mut by_flow = BTreeMap::<FlowId, Vec<CellDto>>::new();
    for run in read(app.history.latest_runs(&runs)).await? {
        by_flow.entry(run.flow).or_default().push(run.into());
    }
    let page = asked.tell(page, |view| RowDto {
        flow: FlowName {
            id: view.flow.id.0,
            name: view.flow.name.clone(),
        },
        directory: view.flow.directory.clone(),
        runs: by_flow.remove(&view.flow.id).unwrap_or_default(),
    });
    Ok(Json(GridDto {
        dates: dates.iter().map(DataDate::to_string).collect(),
        items: page.items,
        next_cursor: page.next_cursor,
    }))
}

/// All dates of the range; blames one that is empty or too long.
fn dates(query: &mut Query, first: DataDate, last: DataDate) -> Vec<DataDate> {
    let days = (0..=MOST).map_while(|days| first.plus_days(days).filter(|date| *date <= last));
    let dates: Vec<_> = days.collect();
    // A day beyond the last one that may be is found, and counted, too.
    if dates.is_empty() || dates.len() > MOST.unsigned_abs() as usize {
        let error = interchange::Problem::OutOfRange {
            min: 1,
            max: MOST.into(),
            found: dates.len().to_string(),
        };
        query.blame("to", BlameError::Shape(error));
    }
    dates
}
