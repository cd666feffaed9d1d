//! References: parents, dependencies, executors and labels; those to other definitions are in [`named`].

mod named;

use std::collections::{HashMap, HashSet};

use hcndc_core::outputs;

use super::places::{Faults, FlowAt, JobAt, Mesh, indexes};
use crate::interchange::de::shorten;
use crate::interchange::fault::Problem;
use crate::interchange::mesh_file::{JobIndex, MeshParamValue};
use crate::interchange::near::NearBudget;
use crate::interchange::node::{Node, Position, field_path, item_path};
use crate::interchange::text_map::TextMap;

pub(super) fn check(mesh: &Mesh<'_>, budget: &NearBudget, faults: &mut Faults<'_>) {
    let known = Known::new(mesh, budget);
    named::check(mesh, &known.flow_names, budget, faults);
    let mut labels_met = HashMap::new();
    for (place, flow) in mesh.flows.iter().enumerate() {
        known.check_parents(flow, faults);
        for (own, job) in flow.jobs.iter().enumerate() {
            known.check_dependencies((place, own), flow, job, faults);
            known.check_outputs(place, flow, job, faults);
            known.check_executor(flow, job, faults);
            let labels: Vec<(&str, &str)> = job.item.labels.iter().collect();
            if !labels.is_empty() && !mesh.file.executors.is_empty() {
                let met = *labels_met
                    .entry(labels)
                    .or_insert_with_key(|labels| known.has_labels(labels));
                if !met {
                    let labels = owned(&job.item.labels);
                    faults.tell(
                        &field_path(&job.path(flow), "labels"),
                        Problem::NoExecutorMatches { labels },
                    );
                }
            }
        }
    }
}

fn owned(labels: &TextMap) -> Vec<(String, String)> {
    labels
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// All names that references can mean.
struct Known<'a> {
    mesh: &'a Mesh<'a>,
    budget: &'a NearBudget,
    index: JobIndex<'a>,
    flow_names: Vec<&'a str>,
    executor_names: HashSet<&'a str>,
    /// Some executor could not be read, so that its name may be any.
    executors_lost: bool,
    /// Names of flows and jobs that could not be read: they exist, so a reference to them is not
    /// unknown.
    lost_flows: HashSet<&'a str>,
    lost_jobs: HashSet<(&'a str, &'a str)>,
    /// The first flow that has a job of this name.
    owners: HashMap<&'a str, usize>,
}

impl<'a> Known<'a> {
    fn new(mesh: &'a Mesh<'a>, budget: &'a NearBudget) -> Self {
        let mut owners = HashMap::new();
        for (place, flow) in mesh.flows.iter().enumerate() {
            for job in &flow.jobs {
                owners.entry(job.item.name.as_str()).or_insert(place);
            }
        }
        let mut known = Self {
            mesh,
            budget,
            index: JobIndex::new(mesh.file),
            flow_names: mesh
                .flows
                .iter()
                .map(|flow| flow.item.name.as_str())
                .collect(),
            executor_names: mesh
                .file
                .executors
                .iter()
                .map(|executor| executor.name.as_str())
                .collect(),
            executors_lost: is_lost(mesh.root, "executors"),
            lost_flows: HashSet::new(),
            lost_jobs: HashSet::new(),
            owners,
        };
        for flow in written(mesh.root, "flows") {
            let Some(flow_name) = name_of(flow) else {
                continue;
            };
            if flow.faulty {
                known.lost_flows.insert(flow_name);
            }
            let lost = written(flow, "jobs")
                .iter()
                .filter(|job| flow.faulty || job.faulty);
            known
                .lost_jobs
                .extend(lost.filter_map(name_of).map(|job| (flow_name, job)));
        }
        known
    }

    fn check_parents(&self, flow: &FlowAt<'_>, faults: &mut Faults<'_>) {
        let list = field_path(&flow.path(), "parents");
        let nodes = written(flow.node, "parents");
        let mut seen: HashMap<&str, Option<Position>> = HashMap::new();
        for (item, parent) in indexes(flow.node, "parents").zip(&flow.item.parents) {
            let path = item_path(&list, item);
            if *parent == flow.item.name {
                faults.tell(&path, Problem::OwnParent);
            } else if self.index.find_flow(parent).is_none()
                && !self.lost_flows.contains(parent.as_str())
            {
                let near = self
                    .budget
                    .nearest(parent, self.flow_names.iter().copied())
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
            seen.entry(parent)
                .or_insert_with(|| nodes.get(item).map(|node| node.position));
        }
    }

    fn check_dependencies(
        &self,
        own: (usize, usize),
        flow: &FlowAt<'_>,
        job: &JobAt<'_>,
        faults: &mut Faults<'_>,
    ) {
        let nodes = written(job.node, "depends_on");
        let mut seen: HashMap<((usize, usize), i32), Option<Position>> = HashMap::new();
        for (item, dependency) in indexes(job.node, "depends_on").zip(&job.item.depends_on) {
            let name = dependency.job.as_str();
            let path = || {
                let path = item_path(&field_path(&job.path(flow), "depends_on"), item);
                if nodes[item].field("job").is_some() {
                    field_path(&path, "job")
                } else {
                    path
                }
            };
            match self.index.find_job(own.0, name) {
                // A second job of the same name means itself too. For another date a job may well wait for itself.
                Some(target)
                    if dependency.is_of_same_date() && (target == own || name == job.item.name) =>
                {
                    faults.tell(&path(), Problem::OwnDependency);
                }
                Some(target) => {
                    let target = (target, dependency.offset_days);
                    if let Some(first) = seen.get(&target) {
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
                None if self.is_lost(&flow.item.name, name) => {}
                None => {
                    let near = self.nearest_job(flow, name);
                    faults.tell(
                        &path(),
                        Problem::UnknownDependency {
                            name: shorten(name),
                            near,
                        },
                    );
                }
            }
        }
    }

    /// Jobs whose outputs params take, and the names of these.
    fn check_outputs(
        &self,
        place: usize,
        flow: &FlowAt<'_>,
        job: &JobAt<'_>,
        faults: &mut Faults<'_>,
    ) {
        for (param, value) in job.item.params.iter() {
            let MeshParamValue::Output(output) = value else {
                continue;
            };
            let path = field_path(&field_path(&job.path(flow), "params"), param);
            let name = output.job.to_name();
            if self.index.find_job(place, &name).is_none() && !self.is_lost(&flow.item.name, &name)
            {
                let near = self.nearest_job(flow, &name);
                let problem = Problem::UnknownDependency {
                    name: shorten(&name),
                    near,
                };
                faults.tell(&field_path(&path, "output"), problem);
            }
            let name = output.name.as_deref().unwrap_or(param);
            let secret = outputs::is_secret_name(name);
            if secret || !outputs::is_name(name) {
                let problem = Problem::BadOutputName {
                    name: shorten(name),
                    secret,
                };
                faults.tell(&path, problem);
            }
        }
    }

    fn is_lost(&self, flow: &str, name: &str) -> bool {
        self.lost_jobs.contains(&(flow, name))
            || name
                .split_once('/')
                .is_some_and(|(flow, job)| self.lost_jobs.contains(&(flow, job)))
    }

    /// A near name among the jobs of the same flow; else, for a bare name, the job of that name in
    /// another flow; else a near name in the flow that stands before the slash, or in the flow of a
    /// name near to that.
    fn nearest_job(&self, flow: &FlowAt<'_>, name: &str) -> Option<String> {
        let jobs = |flow: &FlowAt<'_>, name: &str| {
            self.budget
                .nearest(name, flow.item.jobs.iter().map(|job| job.name.as_str()))
                .map(str::to_owned)
        };
        if let Some(near) = jobs(flow, name) {
            return Some(near);
        }
        let Some((flow_name, job_name)) = name.split_once('/') else {
            let owner = self.owners.get(name)?;
            return Some(format!("{}/{name}", self.flow_names[*owner]));
        };
        let other = self.index.find_flow(flow_name).or_else(|| {
            let near = self
                .budget
                .nearest(flow_name, self.flow_names.iter().copied())?;
            self.index.find_flow(near)
        })?;
        let job = match self.index.find_job(other, job_name) {
            Some((flow, _)) if flow == other => job_name.to_owned(),
            _ => jobs(&self.mesh.flows[other], job_name)?,
        };
        Some(format!("{}/{job}", self.flow_names[other]))
    }

    fn check_executor(&self, flow: &FlowAt<'_>, job: &JobAt<'_>, faults: &mut Faults<'_>) {
        let Some(name) = &job.item.executor else {
            return;
        };
        if self.executor_names.contains(name.as_str()) || self.executors_lost {
            return;
        }
        let executors = self.mesh.file.executors.iter();
        let names = executors.map(|executor| executor.name.as_str());
        let near = self.budget.nearest(name, names).map(str::to_owned);
        let path = field_path(&job.path(flow), "executor");
        faults.tell(
            &path,
            Problem::UnknownExecutor {
                name: shorten(name),
                near,
            },
        );
    }

    /// Whether some executor has all of `labels`.
    fn has_labels(&self, labels: &[(&str, &str)]) -> bool {
        let has = |own: &TextMap| {
            labels
                .iter()
                .all(|(name, value)| own.find(name) == Some(*value))
        };
        self.executors_lost
            || self
                .mesh
                .file
                .executors
                .iter()
                .any(|executor| has(&executor.labels))
    }
}

/// Whether some element of a list of the file could not be read, so that its name may be any.
fn is_lost(root: &Node, list: &str) -> bool {
    root.entry(list).is_some_and(|entry| entry.node.faulty)
        || written(root, list).iter().any(|item| item.faulty)
}

/// The items of a list as written, faulty ones too.
fn written<'a>(parent: &'a Node, field: &str) -> &'a [Node] {
    parent.entry(field).map_or(&[], |entry| entry.node.items())
}

fn name_of(node: &Node) -> Option<&str> {
    node.field("name").and_then(Node::text)
}
