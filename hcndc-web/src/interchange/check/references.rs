//! References: parents, dependencies, executors and labels.

use std::collections::HashMap;

use super::places::{Faults, FlowAt, JobAt, Mesh, indexes, position_of};
use crate::interchange::de::shorten;
use crate::interchange::fault::Problem;
use crate::interchange::mesh_file::JobIndex;
use crate::interchange::near::NearBudget;
use crate::interchange::node::{Node, Position, field_path, item_path};
use crate::interchange::text_map::TextMap;

pub(super) fn check(mesh: &Mesh<'_>, budget: &NearBudget, faults: &mut Faults<'_>) {
    let index = JobIndex::new(mesh.file);
    let put_aside = PutAside::new(mesh.root);
    let flow_names: Vec<&str> = mesh
        .flows
        .iter()
        .map(|flow| flow.item.name.as_str())
        .collect();
    let executor_names: Vec<&str> = mesh
        .executors
        .iter()
        .map(|executor| executor.item.name.as_str())
        .collect();
    for (place, flow) in mesh.flows.iter().enumerate() {
        check_parents(flow, &index, &put_aside, &flow_names, budget, faults);
        for (own, job) in flow.jobs.iter().enumerate() {
            let found = |name: &str| index.find_job(place, name);
            check_dependencies(
                mesh,
                (place, own),
                flow,
                job,
                &found,
                &put_aside,
                budget,
                faults,
            );
            check_executor(mesh, flow, job, &executor_names, budget, faults);
        }
    }
}

/// Names of flows and jobs that could not be read: they exist, so a reference to them is not unknown.
struct PutAside<'a> {
    flows: Vec<&'a str>,
    jobs: Vec<(&'a str, &'a str)>,
}

impl<'a> PutAside<'a> {
    fn new(root: &'a Node) -> Self {
        let name = |node: &'a Node| node.field("name").and_then(Node::text);
        let items = |node: &'a Node, field: &str| {
            node.entry(field)
                .map_or(&[][..], |entry| entry.node.items())
        };
        let mut names = Self {
            flows: Vec::new(),
            jobs: Vec::new(),
        };
        for flow in items(root, "flows") {
            let Some(flow_name) = name(flow) else {
                continue;
            };
            if flow.faulty {
                names.flows.push(flow_name);
            }
            let lost = items(flow, "jobs")
                .iter()
                .filter(|job| flow.faulty || job.faulty);
            names
                .jobs
                .extend(lost.filter_map(name).map(|job| (flow_name, job)));
        }
        names
    }

    fn has_job(&self, flow: &str, name: &str) -> bool {
        self.jobs
            .iter()
            .any(|known| *known == (flow, name) || name.split_once('/') == Some(*known))
    }
}

fn check_parents(
    flow: &FlowAt<'_>,
    index: &JobIndex<'_>,
    put_aside: &PutAside<'_>,
    names: &[&str],
    budget: &NearBudget,
    faults: &mut Faults<'_>,
) {
    let list = field_path(&flow.path(), "parents");
    let mut seen: HashMap<&str, Option<Position>> = HashMap::new();
    for (item, parent) in indexes(flow.node, "parents").zip(&flow.item.parents) {
        let path = item_path(&list, item);
        if *parent == flow.item.name {
            faults.tell(&path, Problem::OwnParent);
        } else if index.find_flow(parent).is_none() && !put_aside.flows.contains(&parent.as_str()) {
            let near = budget
                .nearest(parent, names.iter().copied())
                .map(str::to_owned);
            faults.tell(
                &path,
                Problem::UnknownParent {
                    name: shorten(parent),
                    near,
                },
            );
        } else if let Some(first) = seen.get(parent.as_str()) {
            faults.tell(
                &path,
                Problem::Repeated {
                    name: shorten(parent),
                    first: *first,
                },
            );
        }
        let position = flow
            .node
            .field("parents")
            .and_then(|list| list.items().get(item))
            .map(|node| node.position);
        seen.entry(parent).or_insert(position);
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "one place's view of the whole mesh"
)]
fn check_dependencies(
    mesh: &Mesh<'_>,
    own: (usize, usize),
    flow: &FlowAt<'_>,
    job: &JobAt<'_>,
    find: &impl Fn(&str) -> Option<(usize, usize)>,
    put_aside: &PutAside<'_>,
    budget: &NearBudget,
    faults: &mut Faults<'_>,
) {
    if job.item.depends_on.is_empty() {
        return;
    }
    let list = field_path(&job.path(flow), "depends_on");
    let nodes = job.node.field("depends_on").map_or(&[][..], Node::items);
    let mut seen: HashMap<(usize, usize), Option<Position>> = HashMap::new();
    for (item, dependency) in indexes(job.node, "depends_on").zip(&job.item.depends_on) {
        let name = dependency.job.as_str();
        let path = || {
            let path = item_path(&list, item);
            if nodes[item].field("job").is_some() {
                field_path(&path, "job")
            } else {
                path
            }
        };
        let Some(target) = find(name) else {
            if !put_aside.has_job(&flow.item.name, name) {
                let near = nearest_job(mesh, flow, name, budget);
                faults.tell(
                    &path(),
                    Problem::UnknownDependency {
                        name: shorten(name),
                        near,
                    },
                );
            }
            continue;
        };
        if target == own || name == job.item.name {
            faults.tell(&path(), Problem::OwnDependency);
        } else if let Some(first) = seen.get(&target) {
            faults.tell(
                &path(),
                Problem::Repeated {
                    name: shorten(name),
                    first: *first,
                },
            );
        } else {
            seen.insert(target, nodes.get(item).map(|node| node.position));
        }
    }
}

/// Near names among the jobs of the same flow, then among those of the flow named before the slash, or of the flow
/// whose name is nearest to it; last, a job of exactly this name in another flow.
fn nearest_job(
    mesh: &Mesh<'_>,
    flow: &FlowAt<'_>,
    name: &str,
    budget: &NearBudget,
) -> Option<String> {
    let jobs = |flow: &FlowAt<'_>, name: &str| {
        budget
            .nearest(name, flow.item.jobs.iter().map(|job| job.name.as_str()))
            .map(str::to_owned)
    };
    if let Some(near) = jobs(flow, name) {
        return Some(near);
    }
    let Some((flow_name, job_name)) = name.split_once('/') else {
        let flows: Vec<&FlowAt<'_>> = mesh.flows.iter().collect();
        // Spend from the same budget: this looks at every job.
        let total = flows.iter().map(|flow| flow.item.jobs.len()).sum::<usize>();
        budget.nearest("", std::iter::repeat_n("", total));
        let owner = flows
            .into_iter()
            .find(|flow| flow.item.jobs.iter().any(|job| job.name == name))?;
        return Some(format!("{}/{name}", owner.item.name));
    };
    let names: Vec<&str> = mesh
        .flows
        .iter()
        .map(|flow| flow.item.name.as_str())
        .collect();
    let exact = names.contains(&flow_name).then_some(flow_name);
    let flow_name = exact.or_else(|| budget.nearest(flow_name, names.iter().copied()))?;
    let other = mesh.flows.iter().find(|flow| flow.item.name == flow_name)?;
    let exact = other
        .item
        .jobs
        .iter()
        .any(|job| job.name == job_name)
        .then(|| job_name.to_owned());
    exact
        .or_else(|| jobs(other, job_name))
        .map(|job| format!("{flow_name}/{job}"))
}

fn check_executor(
    mesh: &Mesh<'_>,
    flow: &FlowAt<'_>,
    job: &JobAt<'_>,
    names: &[&str],
    budget: &NearBudget,
    faults: &mut Faults<'_>,
) {
    if let Some(name) = &job.item.executor
        && !names.contains(&name.as_str())
        && position_of(job.node, "executor").is_some()
        && mesh
            .root
            .entry("executors")
            .is_none_or(|entry| !has_faulty(&entry.node))
    {
        let near = budget
            .nearest(name, names.iter().copied())
            .map(str::to_owned);
        let path = field_path(&job.path(flow), "executor");
        faults.tell(
            &path,
            Problem::UnknownExecutor {
                name: shorten(name),
                near,
            },
        );
    }
    let labels = &job.item.labels;
    if !labels.is_empty() && !mesh.executors.is_empty() {
        let has = |own: &TextMap| {
            labels
                .iter()
                .all(|(name, value)| own.find(name) == Some(value))
        };
        let met = mesh
            .executors
            .iter()
            .any(|executor| has(&executor.item.labels));
        if !met {
            let labels = labels
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            faults.tell(
                &field_path(&job.path(flow), "labels"),
                Problem::NoExecutorMatches { labels },
            );
        }
    }
}

fn has_faulty(list: &Node) -> bool {
    list.faulty || list.items().iter().any(|item| item.faulty)
}
