//! The file's elements beside their nodes, and faults at paths.

use crate::interchange::fault::{Fault, Problem};
use crate::interchange::mesh_file::{MeshFile, MeshFlow, MeshJob};
use crate::interchange::node::{Node, Position};
use crate::interchange::source::Places;

/// A file with the nodes that its elements were read from.
pub(super) struct Mesh<'a> {
    pub(super) file: &'a MeshFile,
    pub(super) root: &'a Node,
    pub(super) flows: Vec<FlowAt<'a>>,
}

/// An element of a list of the file.
pub(super) struct At<'a, T> {
    pub(super) item: &'a T,
    pub(super) node: &'a Node,
    list: &'static str,
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
        let flows = sound(root, "flows").zip(&file.flows);
        Self {
            file,
            root,
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

impl<'a> Mesh<'a> {
    /// The elements of a list of the file beside their nodes.
    pub(super) fn list<T>(
        &self,
        list: &'static str,
        items: &'a [T],
    ) -> impl Iterator<Item = At<'a, T>> + use<'a, T> {
        let sound = sound(self.root, list).zip(items);
        sound.map(move |((index, node), item)| At {
            item,
            node,
            list,
            index,
        })
    }
}

fn sound<'a>(parent: &'a Node, field: &str) -> impl Iterator<Item = (usize, &'a Node)> + use<'a> {
    parent.field(field).into_iter().flat_map(Node::sound_items)
}

impl<T> At<'_, T> {
    pub(super) fn path(&self) -> String {
        format!("{}[{}]", self.list, self.index)
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

    /// Indexes, in the text, of the sound items of a list at a path.
    pub(super) fn indexes(&self, path: &str) -> Vec<usize> {
        let node = self.places.root.and_then(|root| root.at(path));
        let items = node.into_iter().flat_map(Node::sound_items);
        items.map(|(index, _)| index).collect()
    }

    /// Where the value at a path is written.
    pub(super) fn position(&self, path: &str) -> Option<Position> {
        let node = self.places.root.and_then(|root| root.at(path));
        node.map(|node| node.position)
    }

    /// Whether a sound value is written at a path.
    pub(super) fn is_sound(&self, path: &str) -> bool {
        let node = self.places.root.and_then(|root| root.at(path));
        node.is_some_and(|node| !node.faulty)
    }

    /// Whether a value at a path was told to be faulty while reading.
    pub(super) fn is_faulty(&self, path: &str) -> bool {
        let node = self.places.root.and_then(|root| root.at(path));
        node.is_some_and(|node| node.faulty)
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
