//! `/graphs`: flows and jobs, and executions of them, with the places at which to draw them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use hcndc_core::{
    engine::{Engine, Rejected},
    id::{ExecutionId, FlowId, FlowRunId, JobId},
    model::{Condition, DefinitionError, Fault, Subject},
    port::{FlowRunView, History, JobRunQuery, JobRunView, Transport},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter as _;

use super::{
    body::Body,
    executions::find as find_execution,
    needs::READ,
    ports::read,
    problem::{Blame, BlameError, Problem, ProblemDto},
    query::Query,
    reference::Reference,
    revision::to_span,
    route::{HandedTo as _, Json, Route, at, at_id, body, having, query},
};
use crate::{
    app::App,
    interchange::Span,
    layout::{Layout, LayoutError, Size, Spacing, layout},
};

const JOBS: &str = "/api/v1/graphs/flows/{id}/jobs";
const AROUND: &str = "/api/v1/graphs/flows/{id}/around";
const FLOWS: &str = "/api/v1/graphs/flows";
const EXECUTION: &str = "/api/v1/graphs/executions/{id}";
const EXECUTION_JOBS: &str = "/api/v1/graphs/executions/{id}/jobs";
const LAYOUT: &str = "/api/v1/graphs/layout";

/// Job runs that are drawn at once at most: of more, one flow run at a time.
const MOST_RUNS: usize = 20_000;
/// Height of a node.
const HEIGHT: f64 = 40.0;

pub(super) fn routes<H: History + 'static, T: Transport + 'static>(
    app: &Arc<App<H, T>>,
) -> Vec<Route> {
    let app = having(app);
    let flow = |template| at_id::<FlowId>(template).and(app.clone());
    let execution = |template| at_id::<ExecutionId>(template).and(app.clone());
    let all = at(FLOWS).and(app.clone());
    vec![
        Route::get(JOBS, READ, flow(JOBS).handed_to(jobs)).by_leader(),
        Route::get(AROUND, READ, flow(AROUND).and(query()).handed_to(around)).by_leader(),
        Route::get(FLOWS, READ, all.handed_to(flows)).by_leader(),
        Route::get(
            EXECUTION,
            READ,
            execution(EXECUTION).handed_to(execution_flows),
        )
        .by_leader(),
        Route::get(
            EXECUTION_JOBS,
            READ,
            execution(EXECUTION_JOBS)
                .and(query())
                .handed_to(execution_jobs),
        )
        .by_leader(),
        Route::post(LAYOUT, READ, at(LAYOUT).and(body()).handed_to(lay_out)),
    ]
}

/// A drawing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Graph)]
pub(super) struct GraphDto {
    /// Width of the whole.
    width: f64,
    /// Height of the whole.
    height: f64,
    /// What is drawn.
    nodes: Vec<NodeDto>,
    /// What ties it.
    edges: Vec<EdgeDto>,
}

/// A flow, a job, or a run of one.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = GraphNode)]
pub(super) struct NodeDto {
    /// Its id: of the flow or job; in executions that of the flow run or job run; in layouts the one that was given.
    #[schema(value_type = u64)]
    id: NodeId,
    /// Its name; a job of another flow's as `flow/job`.
    name: String,
    /// Left edge.
    x: f64,
    /// Upper edge.
    y: f64,
    /// Width.
    width: f64,
    /// Height.
    height: f64,
    /// Layer, from 0, within what hangs together.
    layer: u32,
    /// The flow that it is, or is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<u64>,
    /// The job that it is, or is a run of.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<u64>,
    /// Whether it is enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    /// Of a job: the version that it is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    /// Of a flow: how many jobs it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<usize>,
    /// Of a run: where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// Whether it is of another flow than the one that is drawn, or, around a flow, whether there is more behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<bool>,
    /// Of a flow run: its job runs by state.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_runs: Option<BTreeMap<&'static str, u64>>,
}

/// What tells a node from the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
enum NodeId {
    Number(u64),
    Text(String),
}

impl Default for NodeId {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl From<Reference> for NodeId {
    fn from(reference: Reference) -> Self {
        match reference {
            Reference::Id(id) => Self::Number(id),
            Reference::Name(name) => Self::Text(name),
        }
    }
}

/// What ties two nodes: the one below waits for the one above.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = GraphEdge)]
pub(super) struct EdgeDto {
    /// The node above.
    #[schema(value_type = u64)]
    from: NodeId,
    /// The node below.
    #[schema(value_type = u64)]
    to: NodeId,
    /// What it ties: `parent` (a flow to a flow), `dependency` (a job to a job) or `jobs` (flows whose jobs are tied).
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// Of a dependency: the end that is waited for, `success`, `failure` or `done`.
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<&'static str>,
    /// Of a dependency on another data date: how many days off. It may lead upwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset_days: Option<i32>,
    /// Of a dependency: how long a run outside of the execution is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "4h")]
    wait_limit: Option<Span>,
    /// Its way, from the one to the other.
    #[schema(value_type = Vec<Vec<f64>>)]
    points: Vec<[f64; 2]>,
}

/// A graph that is to be drawn: nodes by their places.
#[derive(Debug, Default)]
struct Sketch {
    nodes: Vec<NodeDto>,
    edges: Vec<Tie>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tie {
    from: usize,
    to: usize,
    kind: &'static str,
    on: Option<&'static str>,
    offset_days: i32,
    wait_limit: Option<Duration>,
}

impl Tie {
    const fn new(from: usize, to: usize, kind: &'static str) -> Self {
        Self {
            from,
            to,
            kind,
            on: None,
            offset_days: 0,
            wait_limit: None,
        }
    }
}

/// A width in which a name is read. Wide characters take the place of two.
fn width_of(name: &str) -> f64 {
    let columns: usize = name
        .chars()
        .map(|letter| if letter.is_ascii() { 1 } else { 2 })
        .sum();
    (columns as f64 * 7.5 + 44.0).clamp(96.0, 280.0).round()
}

fn node(id: u64, name: String) -> NodeDto {
    NodeDto {
        id: NodeId::Number(id),
        width: width_of(&name),
        height: HEIGHT,
        name,
        ..NodeDto::default()
    }
}

impl Sketch {
    /// Draws it. What is of another date, or closes a circle of flows by ties of their jobs, is drawn straight.
    async fn draw(self) -> Result<Json<GraphDto>, Problem> {
        let drawn = tokio::task::spawn_blocking(move || self.draw_here());
        let drawn = drawn.await.map_err(|_| Problem::Internal)?;
        drawn.map(Json)
    }

    fn draw_here(self) -> Result<GraphDto, Problem> {
        let turns = turns(self.nodes.len(), &self.edges);
        let kept = self.edges.iter().zip(&turns).filter(|(_, turns)| !**turns);
        let pairs: Vec<(usize, usize)> = kept.map(|(tie, _)| (tie.from, tie.to)).collect();
        let sizes: Vec<Size> = self
            .nodes
            .iter()
            .map(|node| Size {
                width: node.width,
                height: node.height,
            })
            .collect();
        let drawn = layout(&sizes, &pairs, &Spacing::default()).map_err(|error| {
            tracing::error!(%error, "a graph without circles cannot be drawn");
            Problem::Internal
        })?;
        Ok(self.told(drawn, &turns))
    }

    fn told(self, drawn: Layout, turns: &[bool]) -> GraphDto {
        let Self { mut nodes, edges } = self;
        for (node, placed) in nodes.iter_mut().zip(&drawn.nodes) {
            (node.x, node.y, node.layer) = (placed.x, placed.y, placed.layer);
        }
        let mut ways = drawn.edges.into_iter();
        let middle = |node: &NodeDto| [node.x + node.width / 2.0, node.y + node.height / 2.0];
        let edges = edges
            .iter()
            .zip(turns)
            .map(|(tie, turns)| {
                let (from, to) = (&nodes[tie.from], &nodes[tie.to]);
                let way = if *turns { None } else { ways.next() };
                EdgeDto {
                    from: from.id.clone(),
                    to: to.id.clone(),
                    kind: (!tie.kind.is_empty()).then_some(tie.kind),
                    on: tie.on,
                    offset_days: (tie.offset_days != 0).then_some(tie.offset_days),
                    wait_limit: tie.wait_limit.map(to_span),
                    points: way.unwrap_or_else(|| vec![middle(from), middle(to)]),
                }
            })
            .collect();
        GraphDto {
            width: drawn.width,
            height: drawn.height,
            nodes,
            edges,
        }
    }
}

/// Which ties lead back to where a walk came from, or are of another date: without them there is no circle.
fn turns(nodes: usize, ties: &[Tie]) -> Vec<bool> {
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    let mut turns = vec![false; ties.len()];
    for (at, tie) in ties.iter().enumerate() {
        if tie.offset_days != 0 || tie.from == tie.to {
            turns[at] = true;
        } else {
            below[tie.from].push(at);
        }
    }
    // 0: not seen, 1: on the way, 2: done.
    let mut seen = vec![0_u8; nodes];
    for start in 0..nodes {
        if seen[start] != 0 {
            continue;
        }
        seen[start] = 1;
        let mut way = vec![(start, 0)];
        while let Some((node, next)) = way.last_mut() {
            let Some(&at) = below[*node].get(*next) else {
                seen[*node] = 2;
                way.pop();
                continue;
            };
            *next += 1;
            let to = ties[at].to;
            match seen[to] {
                0 => {
                    seen[to] = 1;
                    way.push((to, 0));
                }
                1 => turns[at] = true,
                _ => {}
            }
        }
    }
    turns
}

const fn on(condition: Condition) -> &'static str {
    match condition {
        Condition::Success => "success",
        Condition::Failure => "failure",
        Condition::Done => "done",
    }
}

/// Tells the jobs of a flow, what ties them, and the jobs of other flows that they wait for.
#[utoipa::path(get, operation_id = "draw_jobs", path = "/api/v1/graphs/flows/{id}/jobs", tag = "graphs", params(("id" = u64, Path)), responses(
    (status = 200, body = GraphDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn jobs<H: History, T: Transport>(
    id: FlowId,
    app: Arc<App<H, T>>,
) -> Result<Json<GraphDto>, Problem> {
    let sketch = app.look(move |engine| {
        engine.flow(id)?;
        let own = engine.jobs().filter(|job| job.flow == id);
        let own: Vec<JobId> = own.map(|job| job.id).collect();
        Some(sketch_jobs(engine, id, &own))
    });
    let sketch = sketch.await?.ok_or_else(|| Problem::from(id))?;
    sketch.draw().await
}

fn sketch_jobs(engine: &Engine, flow: FlowId, own: &[JobId]) -> Sketch {
    let mut sketch = Sketch::default();
    let mut places: BTreeMap<JobId, usize> = BTreeMap::new();
    let outside = own.iter().filter_map(|id| engine.job(*id)).flat_map(|job| {
        let ties = job.dependencies.iter().map(|tie| tie.job);
        ties.filter(|other| engine.job(*other).is_some_and(|other| other.flow != flow))
    });
    let outside: BTreeSet<JobId> = outside.collect();
    for id in own.iter().copied().chain(outside) {
        let Some(job) = engine.job(id) else { continue };
        let is_outside = job.flow != flow;
        let name = match is_outside {
            true => {
                let flow = engine.flow(job.flow).map_or("", |flow| &*flow.name);
                format!("{flow}/{}", job.name)
            }
            false => job.name.clone(),
        };
        places.insert(id, sketch.nodes.len());
        sketch.nodes.push(NodeDto {
            flow: Some(job.flow.0),
            job: Some(id.0),
            enabled: Some(job.enabled),
            version: Some(job.revision.version),
            outside: is_outside.then_some(true),
            ..node(id.0, name)
        });
    }
    for job in own.iter().filter_map(|id| engine.job(*id)) {
        for tie in &job.dependencies {
            if let (Some(&from), Some(&to)) = (places.get(&tie.job), places.get(&job.id)) {
                sketch.edges.push(Tie {
                    on: Some(on(tie.condition)),
                    offset_days: tie.offset_days,
                    wait_limit: tie.wait_limit,
                    ..Tie::new(from, to, "dependency")
                });
            }
        }
    }
    sketch
}

/// What ties flows: by parents, and by jobs of the one that wait for jobs of the other; the upper one first.
fn flow_ties(engine: &Engine) -> BTreeSet<(FlowId, FlowId, &'static str)> {
    let mut ties = BTreeSet::new();
    for flow in engine.flows() {
        ties.extend(
            flow.parents
                .iter()
                .map(|parent| (*parent, flow.id, "parent")),
        );
    }
    for job in engine.jobs() {
        for tie in job.dependencies.iter().filter(|tie| tie.offset_days == 0) {
            let Some(other) = engine.job(tie.job).map(|other| other.flow) else {
                continue;
            };
            if other != job.flow && !ties.contains(&(other, job.flow, "parent")) {
                ties.insert((other, job.flow, "jobs"));
            }
        }
    }
    ties
}

fn sketch_flows(
    engine: &Engine,
    chosen: Option<&BTreeSet<FlowId>>,
    ties: &BTreeSet<(FlowId, FlowId, &'static str)>,
) -> Sketch {
    let mut sketch = Sketch::default();
    let mut places: BTreeMap<FlowId, usize> = BTreeMap::new();
    let mut jobs: BTreeMap<FlowId, usize> = BTreeMap::new();
    for job in engine.jobs() {
        *jobs.entry(job.flow).or_default() += 1;
    }
    for flow in engine.flows() {
        if chosen.is_some_and(|chosen| !chosen.contains(&flow.id)) {
            continue;
        }
        places.insert(flow.id, sketch.nodes.len());
        sketch.nodes.push(NodeDto {
            flow: Some(flow.id.0),
            enabled: Some(flow.enabled),
            jobs: Some(jobs.get(&flow.id).copied().unwrap_or(0)),
            ..node(flow.id.0, flow.name.clone())
        });
    }
    for (from, to, kind) in ties {
        match (places.get(from), places.get(to)) {
            (Some(&from), Some(&to)) => sketch.edges.push(Tie::new(from, to, kind)),
            // There is more behind it than is drawn.
            (Some(&drawn), None) | (None, Some(&drawn)) => {
                sketch.nodes[drawn].outside = Some(true);
            }
            (None, None) => {}
        }
    }
    sketch
}

/// Tells all flows and what ties them.
#[utoipa::path(get, operation_id = "draw_flows", path = "/api/v1/graphs/flows", tag = "graphs", responses((status = 200, body = GraphDto)))]
pub(super) async fn flows<H: History, T: Transport>(
    app: Arc<App<H, T>>,
) -> Result<Json<GraphDto>, Problem> {
    let sketch = app.look(|engine| sketch_flows(engine, None, &flow_ties(engine)));
    sketch.await?.draw().await
}

/// Tells a flow and those that it is tied to, in so many steps, upwards and downwards.
#[utoipa::path(get, operation_id = "draw_flows_around", path = "/api/v1/graphs/flows/{id}/around", tag = "graphs", params(
    ("id" = u64, Path),
    ("depth" = Option<u32>, Query, description = "Steps: 1 to 100; default 1"),
), responses(
    (status = 200, body = GraphDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn around<H: History, T: Transport>(
    id: FlowId,
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<GraphDto>, Problem> {
    let depth = query.number("depth", 1, 100).unwrap_or(1);
    query.finish()?;
    let sketch = app.look(move |engine| {
        engine.flow(id)?;
        let ties = flow_ties(engine);
        let mut chosen = BTreeSet::from([id]);
        // Up from what was found upwards, down from what was found downwards: not to all the children of a parent.
        for up in [true, false] {
            let mut edge = BTreeSet::from([id]);
            for _ in 0..depth {
                let step = ties.iter().filter_map(|&(from, to, _)| match up {
                    true => edge.contains(&to).then_some(from),
                    false => edge.contains(&from).then_some(to),
                });
                let step: BTreeSet<FlowId> = step.filter(|it| !chosen.contains(it)).collect();
                if step.is_empty() {
                    break;
                }
                chosen.extend(step.iter().copied());
                edge = step;
            }
        }
        Some(sketch_flows(engine, Some(&chosen), &ties))
    });
    let sketch = sketch.await?.ok_or_else(|| Problem::from(id))?;
    sketch.draw().await
}

/// Tells the flow runs of an execution, where they stand, and what ties their flows now.
#[utoipa::path(get, operation_id = "draw_execution", path = "/api/v1/graphs/executions/{id}", tag = "graphs", params(("id" = u64, Path)), responses(
    (status = 200, body = GraphDto),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn execution_flows<H: History, T: Transport>(
    id: ExecutionId,
    app: Arc<App<H, T>>,
) -> Result<Json<GraphDto>, Problem> {
    let runs = read(app.history.flow_runs(id)).await?;
    if runs.is_empty() {
        find_execution(&app, id).await?;
    }
    let sketch = app.look(move |engine| sketch_flow_runs(engine, runs));
    sketch.await?.draw().await
}

fn sketch_flow_runs(engine: &Engine, runs: Vec<FlowRunView>) -> Sketch {
    let mut sketch = Sketch::default();
    let mut places: BTreeMap<FlowId, usize> = BTreeMap::new();
    for run in runs {
        places.insert(run.row.flow, sketch.nodes.len());
        let counts = run.job_runs.iter();
        sketch.nodes.push(NodeDto {
            flow: Some(run.row.flow.0),
            state: Some(run.row.state.as_str()),
            job_runs: Some(counts.map(|(state, n)| (state.as_str(), *n)).collect()),
            ..node(run.row.id.0, run.flow_name)
        });
    }
    for (from, to, kind) in flow_ties(engine) {
        if let (Some(&from), Some(&to)) = (places.get(&from), places.get(&to)) {
            sketch.edges.push(Tie::new(from, to, kind));
        }
    }
    sketch
}

/// Tells the job runs of an execution, where they stand, and what ties their jobs now.
#[utoipa::path(get, operation_id = "draw_job_runs", path = "/api/v1/graphs/executions/{id}/jobs", tag = "graphs", params(
    ("id" = u64, Path),
    ("flow_run" = Option<u64>, Query, description = "Only of this flow run; needed if there are more than 20,000 in all"),
), responses(
    (status = 200, body = GraphDto),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 404, body = ProblemDto, content_type = "application/problem+json"),
))]
pub(super) async fn execution_jobs<H: History, T: Transport>(
    id: ExecutionId,
    app: Arc<App<H, T>>,
    mut query: Query,
) -> Result<Json<GraphDto>, Problem> {
    let mut wanted = JobRunQuery {
        execution: Some(id),
        flow_run: query.id("flow_run").map(FlowRunId),
        ..JobRunQuery::default()
    };
    query.finish()?;
    wanted.page.limit = 1_000;
    let mut runs: Vec<JobRunView> = Vec::new();
    loop {
        let page = read(app.history.job_runs(&wanted)).await?;
        runs.extend(page.items);
        if runs.len() > MOST_RUNS {
            let (count, max) = (runs.len(), MOST_RUNS);
            let error = BlameError::Definition(DefinitionError::TooMany { count, max });
            return Err(Problem::BadQuery(vec![Blame::of("flow_run", error)]));
        }
        match page.next {
            Some(next) => wanted.page.after = Some(next),
            None => break,
        }
    }
    if runs.is_empty() {
        find_execution(&app, id).await?;
    }
    let sketch = app.look(move |engine| sketch_job_runs(engine, runs));
    sketch.await?.draw().await
}

fn sketch_job_runs(engine: &Engine, runs: Vec<JobRunView>) -> Sketch {
    let mut sketch = Sketch::default();
    let flows: BTreeSet<FlowId> = runs.iter().map(|run| run.flow).collect();
    let mut places: BTreeMap<JobId, usize> = BTreeMap::new();
    for run in runs {
        places.insert(run.row.job, sketch.nodes.len());
        let name = match flows.len() {
            1 => run.job_name,
            _ => format!("{}/{}", run.flow_name, run.job_name),
        };
        sketch.nodes.push(NodeDto {
            flow: Some(run.flow.0),
            job: Some(run.row.job.0),
            state: Some(run.row.state.as_str()),
            ..node(run.row.id.0, name)
        });
    }
    for (id, &to) in &places {
        let Some(job) = engine.job(*id) else { continue };
        for tie in job.dependencies.iter().filter(|tie| tie.offset_days == 0) {
            if let Some(&from) = places.get(&tie.job) {
                sketch.edges.push(Tie {
                    on: Some(on(tie.condition)),
                    ..Tie::new(from, to, "dependency")
                });
            }
        }
    }
    sketch
}

/// A graph that is being edited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LayoutBody, example = json!({"nodes": [{"id": "a"}, {"id": "b", "name": "load"}], "edges": [{"from": "a", "to": "b"}]}))]
pub(super) struct LayoutBody {
    /// Its nodes, each with an id of its own.
    nodes: Vec<LayoutNode>,
    /// Its edges.
    #[serde(default)]
    edges: Vec<LayoutEdge>,
}

/// A node that is to be drawn.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LayoutNode {
    /// A number or a text.
    id: Reference,
    /// What is written on it. Default: its id.
    #[serde(default)]
    name: Option<String>,
    /// Its width, 1 to 2,000. Default: what its name needs.
    #[serde(default)]
    width: Option<f64>,
    /// Its height, 1 to 2,000. Default: 40.
    #[serde(default)]
    height: Option<f64>,
}

/// An edge that is to be drawn.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LayoutEdge {
    /// The node above.
    from: Reference,
    /// The node below.
    to: Reference,
}

/// Draws a graph that is being edited.
#[utoipa::path(post, operation_id = "lay_out", path = "/api/v1/graphs/layout", tag = "graphs", request_body = LayoutBody, responses(
    (status = 200, body = Object, description = "As other graphs are told, but that ids are those that were given: numbers or texts"),
    (status = 400, body = ProblemDto, content_type = "application/problem+json"),
    (status = 422, body = ProblemDto, content_type = "application/problem+json", description = "`bad_definition`, with a fault `cycle` that names it"),
))]
pub(super) async fn lay_out(body: Body) -> Result<Json<GraphDto>, Problem> {
    let body: LayoutBody = body.large_json().await?;
    let mut blames = Vec::new();
    let mut sketch = Sketch::default();
    let mut places: BTreeMap<NodeId, usize> = BTreeMap::new();
    for (at, given) in body.nodes.into_iter().enumerate() {
        let name = given.name.unwrap_or_else(|| given.id.to_string());
        let id = NodeId::from(given.id);
        let side = |given: Option<f64>, usual: f64| {
            let side = given.unwrap_or(usual);
            if side.is_finite() {
                side.clamp(1.0, 2_000.0)
            } else {
                usual
            }
        };
        let (width, height) = (
            side(given.width, width_of(&name)),
            side(given.height, HEIGHT),
        );
        if places.insert(id.clone(), at).is_some() {
            let value = name.clone();
            let error = BlameError::Definition(DefinitionError::Duplicate { value });
            blames.push(Blame::of(format!("nodes[{at}].id"), error));
        }
        sketch.nodes.push(NodeDto {
            id,
            name,
            width,
            height,
            ..NodeDto::default()
        });
    }
    for (at, given) in body.edges.into_iter().enumerate() {
        let mut end = |field: &str, given: Reference| {
            let name = given.to_string();
            let place = places.get(&NodeId::from(given)).copied();
            if place.is_none() {
                let what = "node".to_owned();
                let error = BlameError::Definition(DefinitionError::Unknown { what, name });
                blames.push(Blame::of(format!("edges[{at}].{field}"), error));
            }
            place
        };
        if let (Some(from), Some(to)) = (end("from", given.from), end("to", given.to)) {
            sketch.edges.push(Tie::new(from, to, ""));
        }
    }
    if !blames.is_empty() {
        return Err(Problem::BadBody(blames));
    }
    let drawn = tokio::task::spawn_blocking(move || {
        let sizes = sketch.nodes.iter().map(|node| Size {
            width: node.width,
            height: node.height,
        });
        let sizes: Vec<Size> = sizes.collect();
        let pairs: Vec<_> = sketch.edges.iter().map(|tie| (tie.from, tie.to)).collect();
        match layout(&sizes, &pairs, &Spacing::default()) {
            Ok(drawn) => {
                let turns = vec![false; pairs.len()];
                Ok(sketch.told(drawn, &turns))
            }
            Err(LayoutError::Cycle { path }) => {
                let path = path.iter().map(|&at| sketch.nodes[at].name.clone());
                let error = DefinitionError::Cycle {
                    path: path.collect(),
                };
                let fault = Fault {
                    edit: None,
                    subject: Subject::Mesh,
                    field: "edges".to_owned(),
                    error,
                };
                let faults = vec![fault];
                Err(Problem::Refused(Rejected::Definition { faults }))
            }
            Err(_) => Err(Problem::Internal),
        }
    });
    drawn.await.map_err(|_| Problem::Internal)?.map(Json)
}
