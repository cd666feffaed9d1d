//! Dependency cycles among flows and jobs together.
//!
//! A flow has a start and an end. Its start comes before its jobs, its jobs before its end, and a
//! parent's end before the start of its child.

use std::collections::{HashMap, HashSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::{Bfs, EdgeRef};

use super::places::{Faults, Mesh, indexes};
use crate::interchange::fault::{Problem, Station};
use crate::interchange::mesh_file::{JobIndex, MeshParamValue};
use crate::interchange::node::{field_path, item_path};

/// Cycles that are told at most; each stands in the way of the next, so more would help nobody.
const MAX_CYCLES: usize = 20;

#[derive(Clone, Copy)]
enum Stop {
    Start(usize),
    End(usize),
    Job(usize, usize),
}

/// What made an edge: nothing that is written, or the item of a `parents` or `depends_on` list.
type Written = Option<usize>;

/// Tells cycles until none is left when the first written reference of each told one is taken away. Returns whether there
/// was none.
pub(super) fn check(mesh: &Mesh<'_>, faults: &mut Faults<'_>) -> bool {
    let mut graph = waits(mesh);
    for told in 0..MAX_CYCLES {
        let mut found = false;
        for component in kosaraju_scc(&graph)
            .into_iter()
            .filter(|component| component.len() > 1)
        {
            found = true;
            let cycle = rotate(&graph, short_cycle(&graph, &component));
            tell(mesh, &graph, &cycle, faults);
            if let Some(edge) = cycle.first() {
                graph.remove_edge(*edge);
            }
        }
        if !found {
            if told == 0 {
                check_outputs(mesh, &graph, faults);
            }
            return told == 0;
        }
    }
    false
}

/// Tells params that take outputs of jobs which theirs do not wait for. The graph has no cycle.
fn check_outputs(mesh: &Mesh<'_>, graph: &DiGraph<Stop, Written>, faults: &mut Faults<'_>) {
    let index = JobIndex::new(mesh.file);
    let mut nodes: Option<HashMap<(usize, usize), NodeIndex>> = None;
    for (place, flow) in mesh.flows.iter().enumerate() {
        for (own, job) in flow.jobs.iter().enumerate() {
            let mut before: Option<HashSet<NodeIndex>> = None;
            for (name, value) in job.item.params.iter() {
                let MeshParamValue::Output(output) = value else {
                    continue;
                };
                // One that is unknown has been told.
                let Some(target) = index.find_job(place, &output.job.to_name()) else {
                    continue;
                };
                let nodes = nodes.get_or_insert_with(|| jobs_of(graph));
                let before = before.get_or_insert_with(|| {
                    let mut seen = HashSet::new();
                    let mut walk = nodes
                        .get(&(place, own))
                        .map(|start| Bfs::new(graph, *start));
                    while let Some(at) = walk.as_mut().and_then(|walk| walk.next(graph)) {
                        seen.insert(at);
                    }
                    seen
                });
                let is_upstream = target != (place, own)
                    && nodes.get(&target).is_some_and(|node| before.contains(node));
                if !is_upstream {
                    let upstream = &mesh.flows[target.0];
                    let path = field_path(&field_path(&job.path(flow), "params"), name);
                    let problem = Problem::NotUpstream {
                        job: format!("{}/{}", flow.item.name, job.item.name),
                        upstream: format!(
                            "{}/{}",
                            upstream.item.name, upstream.jobs[target.1].item.name
                        ),
                    };
                    faults.tell(&path, problem);
                }
            }
        }
    }
}

/// The nodes of jobs, by flow and job.
fn jobs_of(graph: &DiGraph<Stop, Written>) -> HashMap<(usize, usize), NodeIndex> {
    let jobs = graph.node_indices().filter_map(|node| match graph[node] {
        Stop::Job(flow, job) => Some(((flow, job), node)),
        Stop::Start(_) | Stop::End(_) => None,
    });
    jobs.collect()
}

/// The graph with an edge from each node to what it waits for.
fn waits(mesh: &Mesh<'_>) -> DiGraph<Stop, Written> {
    let index = JobIndex::new(mesh.file);
    let mut graph = DiGraph::new();
    let mut flows = Vec::with_capacity(mesh.flows.len());
    for (place, flow) in mesh.flows.iter().enumerate() {
        let start = graph.add_node(Stop::Start(place));
        let end = graph.add_node(Stop::End(place));
        let jobs: Vec<NodeIndex> = (0..flow.jobs.len())
            .map(|job| graph.add_node(Stop::Job(place, job)))
            .collect();
        for job in &jobs {
            graph.add_edge(*job, start, None);
            graph.add_edge(end, *job, None);
        }
        // Edges are walked from the newest: of equal ways, people understand the one through the
        // flow itself.
        graph.add_edge(end, start, None);
        flows.push((start, end, jobs));
    }
    for (place, flow) in mesh.flows.iter().enumerate() {
        for (item, parent) in indexes(flow.node, "parents").zip(&flow.item.parents) {
            if let Some(parent) = index.find_flow(parent).filter(|parent| *parent != place) {
                graph.add_edge(flows[place].0, flows[parent].1, Some(item));
            }
        }
        for (own, job) in flow.jobs.iter().enumerate() {
            for (item, dependency) in indexes(job.node, "depends_on").zip(&job.item.depends_on) {
                if let Some(target) = index
                    .find_job(place, &dependency.job)
                    .filter(|target| *target != (place, own) && dependency.is_of_same_date())
                {
                    graph.add_edge(flows[place].2[own], flows[target.0].2[target.1], Some(item));
                }
            }
        }
    }
    graph
}

/// Edges of a short cycle in a component: the shorter one of those through its first job and its
/// first flow.
fn short_cycle(graph: &DiGraph<Stop, Written>, component: &[NodeIndex]) -> Vec<EdgeIndex> {
    let inside: HashSet<NodeIndex> = component.iter().copied().collect();
    let first = |is_job: bool| {
        component
            .iter()
            .filter(|node| matches!(graph[**node], Stop::Job(..)) == is_job)
            .min()
    };
    let origins = [first(false), first(true)].into_iter().flatten();
    origins
        .map(|origin| shortest_through(graph, &inside, *origin))
        .min_by_key(Vec::len)
        .unwrap_or_default()
}

fn shortest_through(
    graph: &DiGraph<Stop, Written>,
    inside: &HashSet<NodeIndex>,
    origin: NodeIndex,
) -> Vec<EdgeIndex> {
    let mut reached: HashMap<NodeIndex, EdgeIndex> = HashMap::new();
    let mut queue = VecDeque::from([origin]);
    while let Some(node) = queue.pop_front() {
        for edge in graph
            .edges(node)
            .filter(|edge| inside.contains(&edge.target()))
        {
            let target = edge.target();
            if target != origin && reached.contains_key(&target) {
                continue;
            }
            reached.insert(target, edge.id());
            if target == origin {
                return walk_back(graph, &reached, origin);
            }
            queue.push_back(target);
        }
    }
    Vec::new()
}

fn walk_back(
    graph: &DiGraph<Stop, Written>,
    reached: &HashMap<NodeIndex, EdgeIndex>,
    origin: NodeIndex,
) -> Vec<EdgeIndex> {
    let mut edges = Vec::new();
    let mut node = origin;
    while let Some((edge, (source, _))) = reached
        .get(&node)
        .and_then(|edge| Some((*edge, graph.edge_endpoints(*edge)?)))
    {
        edges.push(edge);
        node = source;
        if node == origin {
            break;
        }
    }
    edges.reverse();
    edges
}

/// The cycle from its first written reference on: of those, the one that stands first in the file.
fn rotate(graph: &DiGraph<Stop, Written>, mut cycle: Vec<EdgeIndex>) -> Vec<EdgeIndex> {
    let place = |edge: &EdgeIndex| {
        graph
            .edge_endpoints(*edge)
            .map_or(usize::MAX, |(source, _)| source.index())
    };
    let written = cycle
        .iter()
        .enumerate()
        .filter(|(_, edge)| graph[**edge].is_some());
    if let Some((first, _)) = written.min_by_key(|(_, edge)| place(edge)) {
        cycle.rotate_left(first);
    }
    cycle
}

fn tell(
    mesh: &Mesh<'_>,
    graph: &DiGraph<Stop, Written>,
    cycle: &[EdgeIndex],
    faults: &mut Faults<'_>,
) {
    let stops: Vec<Stop> = cycle
        .iter()
        .filter_map(|edge| graph.edge_endpoints(*edge))
        .map(|(source, _)| graph[source])
        .collect();
    let mut stations: Vec<Station> = stops
        .iter()
        .map(|stop| match *stop {
            Stop::Start(flow) | Stop::End(flow) => {
                Station::Flow(mesh.flows[flow].item.name.clone())
            }
            Stop::Job(flow, job) => {
                let flow = &mesh.flows[flow];
                Station::Job(flow.item.name.clone(), flow.jobs[job].item.name.clone())
            }
        })
        .collect();
    // Start and end of a flow are one station to people.
    stations.dedup();
    if stations.len() > 1 && stations.first() == stations.last() {
        stations.pop();
    }
    let item = cycle
        .first()
        .and_then(|edge| graph[*edge])
        .unwrap_or_default();
    let path = match stops.first() {
        Some(Stop::Start(flow) | Stop::End(flow)) => {
            item_path(&field_path(&mesh.flows[*flow].path(), "parents"), item)
        }
        Some(Stop::Job(flow, job)) => {
            let flow = &mesh.flows[*flow];
            item_path(&field_path(&flow.jobs[*job].path(flow), "depends_on"), item)
        }
        None => return,
    };
    faults.tell(&path, Problem::Cycle { stations });
}
