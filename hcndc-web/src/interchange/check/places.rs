//! The file's elements beside their nodes, and faults at paths.

use crate::interchange::fault::{Fault, Problem};
use crate::interchange::mesh_file::{MeshExecutor, MeshFile, MeshFlow, MeshJob};
use crate::interchange::node::{Node, Position};
use crate::interchange::source::Places;

/// A file with the nodes that its elements were read from.
pub(super) struct Mesh<'a> {
    pub(super) file: &'a MeshFile,
    pub(super) root: &'a Node,
    pub(super) executors: Vec<ExecutorAt<'a>>,
    pub(super) flows: Vec<FlowAt<'a>>,
}

pub(super) struct ExecutorAt<'a> {
    pub(super) item: &'a MeshExecutor,
    pub(super) node: &'a Node,
    index: usize,
}

pub(super) struct FlowAt<'a> {
    pub(super) item: &'a MeshFlow,
    pub(super) node: &'a Node,
    pub(super) jobs: Vec<JobAt<'a>>,
    index: usize,
}

pub(super) struct JobAt<'a> {
    pub(super) item: &'a MeshJob,
    pub(super) node: &'a Node,
    index: usize,
}

impl<'a> Mesh<'a> {
    pub(super) fn new(file: &'a MeshFile, root: &'a Node) -> Self {
        let executors = sound(root, "executors").zip(&file.executors);
        let flows = sound(root, "flows").zip(&file.flows);
        Self {
            file,
            root,
            executors: executors
                .map(|((index, node), item)| ExecutorAt { item, node, index })
                .collect(),
            flows: flows
                .map(|((index, node), item)| {
                    let jobs = sound(node, "jobs").zip(&item.jobs);
                    let jobs = jobs
                        .map(|((index, node), item)| JobAt { item, node, index })
                        .collect();
                    FlowAt {
                        item,
                        node,
                        jobs,
                        index,
                    }
                })
                .collect(),
        }
    }
}

fn sound<'a>(parent: &'a Node, field: &str) -> impl Iterator<Item = (usize, &'a Node)> {
    parent.field(field).into_iter().flat_map(Node::sound_items)
}

impl ExecutorAt<'_> {
    pub(super) fn path(&self) -> String {
        format!("executors[{}]", self.index)
    }
}

impl FlowAt<'_> {
    pub(super) fn path(&self) -> String {
        format!("flows[{}]", self.index)
    }
}

impl JobAt<'_> {
    pub(super) fn path(&self, flow: &FlowAt<'_>) -> String {
        format!("{}.jobs[{}]", flow.path(), self.index)
    }
}

/// Where `field` of an element was written.
pub(super) fn position_of(node: &Node, field: &str) -> Option<Position> {
    node.field(field).map(|node| node.position)
}

/// Indexes, in the text, of a list's sound items.
pub(super) fn indexes<'a>(node: &'a Node, field: &str) -> impl Iterator<Item = usize> + use<'a> {
    node.field(field)
        .into_iter()
        .flat_map(Node::sound_items)
        .map(|(index, _)| index)
}

/// Faults found so far.
pub(in crate::interchange) struct Faults<'a> {
    places: Places<'a>,
    found: Vec<Fault>,
}

impl<'a> Faults<'a> {
    pub(in crate::interchange) fn new(places: Places<'a>) -> Self {
        Self {
            places,
            found: Vec::new(),
        }
    }

    pub(in crate::interchange) fn into_vec(self) -> Vec<Fault> {
        self.found
    }

    /// Tells a fault at a path; if nothing was written there, its position is that of the value
    /// around it.
    pub(super) fn tell(&mut self, path: &str, problem: Problem) {
        self.found.push(self.places.fault(path, problem));
    }

    /// Tells a fault of a key.
    pub(super) fn tell_at(&mut self, position: Position, path: String, problem: Problem) {
        let file = self.places.name.clone();
        self.found.push(Fault {
            file,
            position: Some(position),
            path,
            problem,
        });
    }

    /// Tells a fault only of a sound value that was written: a missing or faulty one was told while
    /// reading.
    pub(super) fn tell_written(&mut self, path: &str, problem: Problem) {
        self.tell_if(path, |_| true, || problem);
    }

    /// Tells a fault only of a sound value that was written and for which `holds`.
    pub(super) fn tell_if(
        &mut self,
        path: &str,
        holds: impl Fn(&Node) -> bool,
        problem: impl FnOnce() -> Problem,
    ) {
        if self
            .places
            .root
            .and_then(|root| root.at(path))
            .is_some_and(|node| !node.faulty && holds(node))
        {
            self.tell(path, problem());
        }
    }
}
