//! A mesh file with the places of its values, or all of its faults.
//!
//! ```text
//! bytes ─ text ─▶ marked tree ─ de ─▶ MeshFile ─ check ─▶ MeshSource
//!           └────────────┴── faults ────┴──────────┴─▶ Vec<Fault>
//! ```
//!
//! A faulty value is told, put aside and taken for its default, so that the rest is checked as
//! well: one reading tells everything. Each flow, job and executor is read by itself, so the cost
//! of a fault does not grow with the file.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::check;
use super::de::{NodeReader, Outer, Stop, wrong_type};
use super::fault::{Expected, Fault, Problem};
use super::mesh_file::{MeshExecutor, MeshFile, MeshFlow, MeshJob};
use super::node::{Node, Position, Step, Value, field_path, item_path};
use super::text::{MAX_BYTES, read_json_tree, read_tree};

/// Faults that are told of one flow's head, one job or one executor before the rest of it is passed
/// over.
const MAX_FAULTS_PER_ITEM: usize = 50;

/// A sound mesh file that remembers where each of its values was written.
#[derive(Debug, Clone)]
pub struct MeshSource {
    /// What the file says.
    pub file: MeshFile,
    name: Arc<str>,
    root: Node,
}

impl MeshSource {
    /// Name of the file as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the value at a path such as `flows[2].jobs[0].command` was written; `None` if it was
    /// not.
    pub fn position(&self, path: &str) -> Option<Position> {
        self.root.at(path).map(|node| node.position)
    }

    /// A fault at a path of this file. If nothing was written there, it is told at the value around
    /// it.
    pub fn fault(&self, path: &str, problem: Problem) -> Fault {
        Places {
            name: self.name.clone(),
            root: Some(&self.root),
        }
        .fault(path, problem)
    }
}

/// Reads and checks the mesh file at `path`. Names in `set` are params that are given otherwise.
///
/// # Errors
/// All faults of the file, in the order of the text, at least one.
pub fn read_mesh(path: &Path, set: &[&str]) -> Result<MeshSource, Vec<Fault>> {
    let name = path.display().to_string();
    let bytes = read_bytes(path).map_err(|problem| {
        vec![Fault {
            file: name.as_str().into(),
            position: None,
            path: String::new(),
            problem,
        }]
    })?;
    parse_mesh(&name, &bytes, set)
}

/// The bytes of the file at `path`, unless they are too many.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    let unreadable = |fault: std::io::Error| Problem::Unreadable {
        reason: fault.to_string(),
    };
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(unreadable)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Problem::TooLarge { limit: MAX_BYTES });
    }
    Ok(bytes)
}

/// Parses and checks a mesh file's text; `name` is what faults call the file, `set` are params that
/// are given otherwise.
///
/// # Errors
/// All faults of the text, in its order, at least one.
pub fn parse_mesh(name: &str, text: &[u8], set: &[&str]) -> Result<MeshSource, Vec<Fault>> {
    parse(name, text, set, |_| true)
}

/// Parses and checks the text of a mesh file that [`export`](super::export) made. Definitions may hold what a person who
/// writes a file would have got wrong, and that may still be told so: params that only starts bring, labels that no
/// executor has yet, and no flow at all.
///
/// # Errors
/// All other faults of the text, in its order, at least one.
pub fn parse_exported(name: &str, text: &[u8]) -> Result<MeshSource, Vec<Fault>> {
    parse(name, text, &[], |fault| {
        !matches!(
            fault.problem,
            Problem::UnknownParam { .. }
                | Problem::BadPlaceholder { .. }
                | Problem::NoExecutorMatches { .. }
                | Problem::EmptyMesh
        )
    })
}

/// Parses and checks; what is found when the whole is checked counts only if it matters.
fn parse(
    name: &str,
    text: &[u8],
    set: &[&str],
    matters: impl Fn(&Fault) -> bool,
) -> Result<MeshSource, Vec<Fault>> {
    let name: Arc<str> = name.into();
    let read = read_tree(text);
    let mut faults = located(&name, read.root.as_ref(), read.faults);
    if let Some(mut root) = read.root {
        let mut reading = Reading {
            name: name.clone(),
            faults: &mut faults,
        };
        let file = reading.mesh(&mut root);
        if let Some(file) = file {
            let mut found = check::Faults::new(Places {
                name: name.clone(),
                root: Some(&root),
            });
            check::check(&file, &root, set, &mut found);
            faults.extend(found.into_vec().into_iter().filter(|it| matters(it)));
            if faults.is_empty() {
                return Ok(MeshSource { file, name, root });
            }
        }
    }
    faults.sort_by_key(|fault| fault.position);
    Err(faults)
}

/// Reads one JSON object, such as the body of a request, into a type that refuses what it does not know.
///
/// `name` is what faults call the text, and `required` are the fields that must be there, all of them texts.
///
/// # Errors
/// All faults of the text, in its order, at least one.
pub fn read_json_object<T: DeserializeOwned>(
    name: &str,
    text: &[u8],
    required: &[&'static str],
) -> Result<T, Vec<Fault>> {
    let name: Arc<str> = name.into();
    let read = read_json_tree(text);
    let mut faults = located(&name, read.root.as_ref(), read.faults);
    if let Some(mut root) = read.root {
        let required: Vec<_> = required
            .iter()
            .map(|&field| (field, Value::Text("".into())))
            .collect();
        let head = Head {
            apart: &[],
            required: &required,
        };
        let mut reading = Reading {
            name,
            faults: &mut faults,
        };
        if let Some(value) = reading.item(&mut root, "", &head)
            && faults.is_empty()
        {
            return Ok(value);
        }
    }
    faults.sort_by_key(|fault| fault.position);
    Err(faults)
}

/// Faults of reading, with the paths of the values that they are about.
pub(super) fn located(
    name: &Arc<str>,
    root: Option<&Node>,
    faults: Vec<(Position, Problem)>,
) -> Vec<Fault> {
    // A repeated key has no node: its path is that of the first one.
    let place = |position: Position, problem: &Problem| match problem {
        Problem::DuplicateKey { first, .. } => *first,
        _ => position,
    };
    let mut paths: HashMap<Position, String> = faults
        .iter()
        .map(|(position, problem)| (place(*position, problem), String::new()))
        .collect();
    if let Some(root) = root.filter(|_| !paths.is_empty()) {
        root.visit_places("", &mut |position, path| {
            if let Some(known) = paths.get_mut(&position) {
                path.clone_into(known);
            }
        });
    }
    let fault = |(position, problem)| {
        let path = paths
            .get(&place(position, &problem))
            .cloned()
            .unwrap_or_default();
        Fault {
            file: name.clone(),
            position: Some(position),
            path,
            problem,
        }
    };
    faults.into_iter().map(fault).collect()
}

/// Faults of a mesh that was not read from a text, such as one that a program made.
///
/// # Errors
/// All faults, without positions, at least one.
pub fn check_mesh(name: &str, file: &MeshFile, set: &[&str]) -> Result<(), Vec<Fault>> {
    let text = serde_json::to_vec(file).map_err(|fault| {
        let problem = Problem::Syntax {
            detail: fault.to_string(),
        };
        vec![Fault {
            file: name.into(),
            position: None,
            path: String::new(),
            problem,
        }]
    })?;
    match parse_mesh(name, &text, set) {
        Ok(_) => Ok(()),
        Err(mut faults) => {
            faults.iter_mut().for_each(|fault| fault.position = None);
            Err(faults)
        }
    }
}

/// Makes faults of paths.
#[derive(Debug, Clone)]
pub(super) struct Places<'a> {
    pub(super) name: Arc<str>,
    pub(super) root: Option<&'a Node>,
}

impl Places<'_> {
    pub(super) fn fault(&self, path: &str, problem: Problem) -> Fault {
        Fault {
            file: self.name.clone(),
            position: self.position(path),
            path: path.to_owned(),
            problem,
        }
    }

    fn position(&self, path: &str) -> Option<Position> {
        let mut path = path;
        loop {
            if let Some(node) = self.root?.at(path) {
                return Some(node.position);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

/// Reads elements of a file, and records what is wrong with them.
pub(super) struct Reading<'a> {
    pub(super) name: Arc<str>,
    pub(super) faults: &'a mut Vec<Fault>,
}

impl Reading<'_> {
    fn tell(&mut self, position: Position, path: String, problem: Problem) {
        self.faults.push(Fault {
            file: self.name.clone(),
            position: Some(position),
            path,
            problem,
        });
    }

    fn mesh(&mut self, root: &mut Node) -> Option<MeshFile> {
        let head = Head {
            apart: &[
                "flows",
                "executors",
                "pools",
                "calendars",
                "data_sources",
                "shared_params",
                "file_servers",
                "file_events",
                "alert_channels",
                "alert_rules",
                "webhooks",
                "schedules",
                "roles",
                "users",
            ],
            required: &[("hcndc", Value::Number("1".into()))],
        };
        let mut file: MeshFile = self.item(root, "", &head)?;
        if root.entry("flows").is_none() {
            self.tell(
                root.position,
                String::new(),
                Problem::MissingField {
                    field: "flows".to_owned(),
                },
            );
        }
        let named = |other: (&'static str, Value)| [("name", Value::Text("".into())), other];
        let executor = named(("address", Value::Text("".into())));
        file.executors = self.list(root, "", "executors", |reading, node, path| {
            reading.item::<MeshExecutor>(
                node,
                path,
                &Head {
                    apart: &[],
                    required: &executor,
                },
            )
        });
        self.definitions(root, &mut file);
        file.roles = self.items(root, "roles", &[("name", Value::Text("".into()))]);
        file.users = self.items(root, "users", &[("account", Value::Text("".into()))]);
        let job = named(("command", Value::Text("".into())));
        file.flows = self.list(root, "", "flows", |reading, node, path| {
            let head = Head {
                apart: &["jobs"],
                required: &[("name", Value::Text("".into()))],
            };
            let mut flow: MeshFlow = reading.item(node, path, &head)?;
            flow.jobs = reading.list(node, path, "jobs", |reading, node, path| {
                reading.item::<MeshJob>(
                    node,
                    path,
                    &Head {
                        apart: &[],
                        required: &job,
                    },
                )
            });
            Some(flow)
        });
        Some(file)
    }

    /// Reads the lists beside flows and executors. Where a required field has no stand-in, an element without it is passed
    /// over, and its name counts as known.
    pub(super) fn definitions(&mut self, root: &mut Node, file: &mut MeshFile) {
        let text = |field| (field, Value::Text("".into()));
        let name = text("name");
        let slots = ("slots", Value::Number("1".into()));
        file.pools = self.items(root, "pools", &[name.clone(), slots]);
        let named = [name.clone()];
        file.calendars = self.items(root, "calendars", &named);
        file.data_sources = self.items(root, "data_sources", &named);
        file.shared_params = self.items(root, "shared_params", &named);
        file.file_servers = self.items(root, "file_servers", &named);
        let event = [name.clone(), text("server"), text("path")];
        file.file_events = self.items(root, "file_events", &event);
        file.alert_channels = self.items(root, "alert_channels", &named);
        let rule = [name.clone(), ("events", Value::List(Vec::new()))];
        file.alert_rules = self.items(root, "alert_rules", &rule);
        let hook = [name.clone(), ("flows", Value::List(Vec::new()))];
        file.webhooks = self.items(root, "webhooks", &hook);
        let schedule = [name, text("flow"), text("trigger")];
        file.schedules = self.items(root, "schedules", &schedule);
    }

    /// Reads a list of the file whose elements hold no further lists of that kind.
    fn items<T: DeserializeOwned>(
        &mut self,
        root: &mut Node,
        field: &str,
        required: &[(&'static str, Value)],
    ) -> Vec<T> {
        self.list(root, "", field, |reading, node, path| {
            let head = Head {
                apart: &[],
                required,
            };
            reading.item(node, path, &head)
        })
    }

    /// Reads a list one element at a time; elements that cannot be read at all are marked faulty.
    fn list<T>(
        &mut self,
        parent: &mut Node,
        prefix: &str,
        field: &str,
        mut read: impl FnMut(&mut Self, &mut Node, &str) -> Option<T>,
    ) -> Vec<T> {
        let Value::Map(entries) = &mut parent.value else {
            return Vec::new();
        };
        let Some(entry) = entries.iter_mut().find(|entry| &*entry.key == field) else {
            return Vec::new();
        };
        let path = field_path(prefix, field);
        let node = &mut entry.node;
        match &mut node.value {
            Value::Null => return Vec::new(),
            Value::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.iter_mut().enumerate() {
                    match read(self, item, &item_path(&path, index)) {
                        Some(value) => list.push(value),
                        None => item.faulty = true,
                    }
                }
                return list;
            }
            _ => {}
        }
        node.faulty = true;
        self.tell(
            node.position,
            path,
            wrong_type(node, Expected::List).problem,
        );
        Vec::new()
    }

    /// Reads one element, telling and putting aside what is faulty in it; `None` if nothing is left
    /// of it.
    fn item<T: DeserializeOwned>(
        &mut self,
        node: &mut Node,
        path: &str,
        head: &Head<'_>,
    ) -> Option<T> {
        if !matches!(node.value, Value::Map(_)) {
            self.tell(
                node.position,
                path.to_owned(),
                wrong_type(node, Expected::Map).problem,
            );
            return None;
        }
        let position = node.position;
        let nodes: Vec<Node> = head
            .required
            .iter()
            .map(|(_, value)| Node::new(position, value.clone()))
            .collect();
        let empty = Node::new(position, Value::List(Vec::new()));
        let mut stand_ins: Vec<(&'static str, &Node)> = Vec::new();
        if head.apart.contains(&"flows") {
            stand_ins.push(("flows", &empty));
        }
        // Each round but the last puts one node aside or lets one stand in, so it ends.
        for _ in 0..MAX_FAULTS_PER_ITEM {
            let outer = Outer {
                apart: head.apart,
                stand_ins: &stand_ins,
            };
            let stop = match T::deserialize(NodeReader::new(node, &outer)) {
                Ok(value) => return Some(value),
                Err(stop) => stop,
            };
            match &stop.problem {
                Problem::MissingField { field } if stop.steps.is_empty() => {
                    let index = head.required.iter().position(|(name, _)| name == field);
                    // If it is there, then it is faulty and was told.
                    if node.entry(field).is_none_or(|entry| !entry.node.faulty) {
                        self.tell(position, path.to_owned(), stop.problem);
                    }
                    // Where nothing can stand in for it, the element is passed over.
                    let index = index?;
                    stand_ins.push((head.required[index].0, &nodes[index]));
                }
                _ => self.put_aside(node, path, stop),
            }
        }
        self.tell(
            position,
            path.to_owned(),
            Problem::TooManyFaults {
                limit: MAX_FAULTS_PER_ITEM,
            },
        );
        None
    }

    fn put_aside(&mut self, item: &mut Node, prefix: &str, stop: Stop) {
        let Stop {
            mut steps,
            problem,
            at_key,
        } = stop;
        steps.reverse();
        let path = item.path(prefix, &steps);
        let key = match (at_key, steps.split_last()) {
            (true, Some((Step::Entry(index), above))) => item
                .descend_mut(above)
                .and_then(|map| map.entries().get(*index))
                .map(|entry| entry.position),
            _ => None,
        };
        if let Some(node) = item.descend_mut(&steps) {
            node.faulty = true;
            // A required field that is there but missed was faulty, and told.
            if let Problem::MissingField { field } = &problem
                && node.entry(field).is_some_and(|entry| entry.node.faulty)
            {
                return;
            }
            // Nor could a map be understood of which a part is missing that was faulty, and told.
            if matches!(problem, Problem::WrongType { .. })
                && node.entries().iter().any(|entry| entry.node.faulty)
            {
                return;
            }
            let position = key.unwrap_or(node.position);
            self.tell(position, path, problem);
        }
    }
}

/// How an element's head is read.
struct Head<'a> {
    /// Lists in it that are read one element at a time.
    apart: &'a [&'static str],
    /// Required fields, and what stands in for them once they are told as missing.
    required: &'a [(&'static str, Value)],
}
