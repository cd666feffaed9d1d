//! Traced workflows of the WfCommons project (WfFormat 1.5 and 1.4) → mesh file.
//!
//! A task becomes a job that sleeps as long as the task ran. Edges are those that either of the two
//! ends names.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::de::{shorten, wrong_type};
use super::fault::{Expected, Fault, Noun, Problem};
use super::mesh_file::{JobDependency, MeshFile, MeshFlow, MeshJob};
use super::node::{Node, Value, field_path, item_path};
use super::source::{check_mesh, located, read_bytes};
use super::text::read_json_tree;

/// Longest name of a flow or job, in characters.
const MAX_NAME: usize = 255;

/// Reads the trace at `path` as a mesh of one flow, each runtime multiplied by `time_scale` (zero
/// or more).
///
/// # Errors
/// All faults of the trace, in the order of the text, at least one.
pub fn import_wfcommons(path: &Path, time_scale: f64) -> Result<MeshFile, Vec<Fault>> {
    let name = path.display().to_string();
    let bytes = read_bytes(path).map_err(|problem| {
        vec![Fault {
            file: name.as_str().into(),
            position: None,
            path: String::new(),
            problem,
        }]
    })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    parse_wfcommons(&name, &stem, &bytes, time_scale)
}

/// Parses a trace's text; `name` is what faults call the file, `flow` names the flow if the trace
/// has no name.
///
/// # Errors
/// All faults of the text, in its order, at least one.
pub fn parse_wfcommons(
    name: &str,
    flow: &str,
    text: &[u8],
    time_scale: f64,
) -> Result<MeshFile, Vec<Fault>> {
    let read = read_json_tree(text);
    let file: Arc<str> = name.into();
    let mut trace = Trace {
        faults: located(&file, read.root.as_ref(), read.faults),
        file,
    };
    let mesh = read
        .root
        .and_then(|root| trace.mesh(&root, flow, time_scale));
    let mut faults = trace.faults;
    if let (Some((mesh, cycle_path)), true) = (mesh, faults.is_empty()) {
        // What is left to go wrong is the graph as a whole.
        match check_mesh(name, &mesh, &[]) {
            Ok(()) => return Ok(mesh),
            Err(found) => faults.extend(found.into_iter().map(|fault| Fault {
                path: cycle_path.clone(),
                ..fault
            })),
        }
    }
    faults.sort_by_key(|fault| fault.position);
    Err(faults)
}

struct Trace {
    file: Arc<str>,
    faults: Vec<Fault>,
}

impl Trace {
    fn tell(&mut self, node: &Node, path: String, problem: Problem) {
        self.faults.push(Fault {
            file: self.file.clone(),
            position: Some(node.position),
            path,
            problem,
        });
    }

    fn missing(&mut self, node: &Node, path: &str, field: &str) {
        self.tell(
            node,
            path.to_owned(),
            Problem::MissingField {
                field: field.to_owned(),
            },
        );
    }

    /// The value under `field` if it is there and not null.
    fn optional<'a>(node: &'a Node, field: &str) -> Option<&'a Node> {
        node.field(field).filter(|node| node.value != Value::Null)
    }

    /// The map under `field`.
    fn map<'a>(&mut self, node: &'a Node, path: &str, field: &str) -> Option<&'a Node> {
        let Some(found) = Self::optional(node, field) else {
            self.missing(node, path, field);
            return None;
        };
        if !matches!(found.value, Value::Map(_)) {
            self.tell(
                found,
                field_path(path, field),
                wrong_type(found, Expected::Map).problem,
            );
            return None;
        }
        Some(found)
    }

    /// The items of the list under `field`; none if there is no such field.
    fn list<'a>(&mut self, node: &'a Node, path: &str, field: &str) -> &'a [Node] {
        let Some(found) = Self::optional(node, field) else {
            return &[];
        };
        if !matches!(found.value, Value::List(_)) {
            self.tell(
                found,
                field_path(path, field),
                wrong_type(found, Expected::List).problem,
            );
        }
        found.items()
    }

    /// The text under `field`, a number as written; `None` if there is none.
    fn text<'a>(&mut self, node: &'a Node, path: &str, field: &str) -> Option<&'a str> {
        let found = Self::optional(node, field)?;
        match &found.value {
            Value::Text(text) | Value::Number(text) => Some(text),
            _ => {
                self.tell(
                    found,
                    field_path(path, field),
                    wrong_type(found, Expected::Text).problem,
                );
                None
            }
        }
    }

    fn mesh(&mut self, root: &Node, stem: &str, time_scale: f64) -> Option<(MeshFile, String)> {
        if !matches!(root.value, Value::Map(_)) {
            self.tell(root, String::new(), wrong_type(root, Expected::Map).problem);
            return None;
        }
        let version = self.text(root, "", "schemaVersion");
        match version {
            Some("1.5" | "1.4") => {}
            Some(found) => {
                let node = root.field("schemaVersion").unwrap_or(root);
                self.tell(
                    node,
                    "schemaVersion".to_owned(),
                    Problem::WfVersion {
                        found: shorten(found),
                    },
                );
                return None;
            }
            None => {
                if Self::optional(root, "schemaVersion").is_none() {
                    self.missing(root, "", "schemaVersion");
                }
                return None;
            }
        }
        let workflow = self.map(root, "", "workflow")?;
        // Before 1.5, what was asked and what was measured stood in the same tasks.
        let split = Self::optional(workflow, "specification").is_some() || version == Some("1.5");
        let (specification, path) = if split {
            (
                self.map(workflow, "workflow", "specification")?,
                "workflow.specification",
            )
        } else {
            (workflow, "workflow")
        };
        if Self::optional(specification, "tasks").is_none() {
            self.missing(specification, path, "tasks");
            return None;
        }
        let tasks = self.tasks(specification, path);
        let measured = if split {
            self.measured(workflow)
        } else {
            HashMap::new()
        };
        let name = self.text(root, "", "name").map(str::to_owned);
        let mut flow = MeshFlow::named(flow_name(name.as_deref().unwrap_or_default(), stem));
        let origin = name.as_deref().unwrap_or(stem);
        flow.description = Some(format!("traced workflow {origin}, runtimes × {time_scale}"));
        flow.jobs = self.jobs(&tasks, &measured, time_scale);
        self.edges(&tasks, &mut flow.jobs);
        Some((MeshFile::of_flows(vec![flow]), field_path(path, "tasks")))
    }

    /// Tasks that have an id (or, for want of one, a name) of their own.
    fn tasks<'a>(&mut self, specification: &'a Node, path: &str) -> Vec<Task<'a>> {
        let list = field_path(path, "tasks");
        let mut tasks: Vec<Task<'a>> = Vec::new();
        let mut seen = HashMap::new();
        for (index, node) in self.list(specification, path, "tasks").iter().enumerate() {
            let path = item_path(&list, index);
            if !matches!(node.value, Value::Map(_)) {
                self.tell(node, path, wrong_type(node, Expected::Map).problem);
                continue;
            }
            let title = self.text(node, &path, "name");
            let Some(id) = self.text(node, &path, "id").or(title) else {
                if Self::optional(node, "id").is_none() {
                    self.missing(node, &path, "id");
                }
                continue;
            };
            let job = job_name(id);
            let position = node.field("id").unwrap_or(node).position;
            if let Some(first) = seen.get(&job) {
                let problem = Problem::DuplicateName {
                    noun: Noun::Task,
                    name: shorten(id),
                    first: Some(*first),
                };
                self.tell(
                    node.field("id").unwrap_or(node),
                    field_path(&path, "id"),
                    problem,
                );
                continue;
            }
            seen.insert(job.clone(), position);
            tasks.push(Task {
                node,
                path,
                id,
                title,
                job,
            });
        }
        tasks
    }

    /// What was measured, by task id; nothing where the trace has no such section.
    fn measured<'a>(&mut self, workflow: &'a Node) -> HashMap<&'a str, (&'a Node, String)> {
        if Self::optional(workflow, "execution").is_none() {
            return HashMap::new();
        }
        let path = "workflow.execution";
        let Some(execution) = self.map(workflow, "workflow", "execution") else {
            return HashMap::new();
        };
        let mut measured = HashMap::new();
        for (index, node) in self.list(execution, path, "tasks").iter().enumerate() {
            let path = item_path(&field_path(path, "tasks"), index);
            let id = self
                .text(node, &path, "id")
                .or_else(|| node.field("name").and_then(Node::text));
            if let Some(id) = id {
                measured.insert(id, (node, path));
            }
        }
        measured
    }

    fn jobs(
        &mut self,
        tasks: &[Task<'_>],
        measured: &HashMap<&str, (&Node, String)>,
        time_scale: f64,
    ) -> Vec<MeshJob> {
        let mut jobs = Vec::with_capacity(tasks.len());
        for task in tasks {
            let (node, path) = measured
                .get(task.id)
                .map_or((task.node, task.path.as_str()), |(node, path)| {
                    (*node, path.as_str())
                });
            let seconds = self.runtime(node, path);
            let mut job = MeshJob::new(task.job.clone(), sleep(seconds, time_scale));
            let program =
                Self::optional(node, "command").and_then(|command| command.field("program"));
            job.description = describe(task, program.and_then(Node::text));
            jobs.push(job);
        }
        jobs
    }

    /// Seconds that a task ran; 0 where nothing was measured.
    fn runtime(&mut self, node: &Node, path: &str) -> f64 {
        // 1.4 and earlier also knew the shorter name.
        let Some((field, found)) = ["runtimeInSeconds", "runtime"]
            .iter()
            .find_map(|field| Some((field, Self::optional(node, field)?)))
        else {
            return 0.0;
        };
        let Value::Number(written) = &found.value else {
            self.tell(
                found,
                field_path(path, field),
                wrong_type(found, Expected::Number).problem,
            );
            return 0.0;
        };
        match written.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => seconds,
            _ => {
                self.tell(
                    found,
                    field_path(path, field),
                    Problem::WfBadRuntime {
                        found: shorten(written),
                    },
                );
                0.0
            }
        }
    }

    /// Dependencies from both ends of each edge, in the order of the tasks, none twice.
    fn edges(&mut self, tasks: &[Task<'_>], jobs: &mut [MeshJob]) {
        let mut places: HashMap<&str, usize> = HashMap::new();
        // Some traces name tasks by their titles: that holds where one title is one task, and no
        // id.
        let mut titles: HashMap<&str, Option<usize>> = HashMap::new();
        for (place, task) in tasks.iter().enumerate() {
            places.insert(task.id, place);
            if let Some(title) = task.title {
                titles
                    .entry(title)
                    .and_modify(|known| *known = None)
                    .or_insert(Some(place));
            }
        }
        let mut parents: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
        for (place, task) in tasks.iter().enumerate() {
            for field in ["parents", "children"] {
                let list = field_path(&task.path, field);
                for (index, node) in self.list(task.node, &task.path, field).iter().enumerate() {
                    let (Value::Text(name) | Value::Number(name)) = &node.value else {
                        self.tell(
                            node,
                            item_path(&list, index),
                            wrong_type(node, Expected::Text).problem,
                        );
                        continue;
                    };
                    let other = places
                        .get(&**name)
                        .copied()
                        .or_else(|| titles.get(&**name).copied().flatten());
                    let Some(other) = other else {
                        self.tell(
                            node,
                            item_path(&list, index),
                            Problem::WfUnknownTask {
                                name: shorten(name),
                            },
                        );
                        continue;
                    };
                    if other == place {
                        self.tell(node, item_path(&list, index), Problem::OwnDependency);
                        continue;
                    }
                    let (parent, child) = if field == "parents" {
                        (other, place)
                    } else {
                        (place, other)
                    };
                    parents[child].push(parent);
                }
            }
        }
        for (job, mut parents) in parents.into_iter().enumerate() {
            parents.sort_unstable();
            parents.dedup();
            jobs[job].depends_on = parents
                .iter()
                .map(|parent| JobDependency::on_success(&tasks[*parent].job))
                .collect();
        }
    }
}

struct Task<'a> {
    node: &'a Node,
    path: String,
    id: &'a str,
    title: Option<&'a str>,
    job: String,
}

fn describe(task: &Task<'_>, program: Option<&str>) -> Option<String> {
    let title = task.title.unwrap_or(task.id);
    let program =
        program.and_then(|program| program.lines().map(str::trim).find(|line| !line.is_empty()));
    match program {
        Some(program) if program != title => Some(format!("{title}: {}", shorten(program))),
        _ if title != task.job => Some(title.to_owned()),
        _ => None,
    }
}

/// A command that takes as long as the task did: microseconds are kept, nothing finer.
fn sleep(seconds: f64, time_scale: f64) -> String {
    let text = format!("{:.6}", (seconds * time_scale).max(0.0));
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "0" {
        "true".to_owned()
    } else {
        format!("sleep {text}")
    }
}

/// The id without what a job's name may not hold.
fn job_name(id: &str) -> String {
    let clean: String = id
        .chars()
        .map(|c| if c.is_control() { '_' } else { c })
        .collect();
    let clean = clean.trim();
    if clean.is_empty() {
        return "_".to_owned();
    }
    cut(clean)
}

fn flow_name(name: &str, stem: &str) -> String {
    let clean = |text: &str| {
        let text: String = text
            .chars()
            .map(|c| {
                if c.is_control() {
                    '_'
                } else if c == '/' {
                    '-'
                } else {
                    c
                }
            })
            .collect();
        cut(text.trim())
    };
    [clean(name), clean(stem)]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "workflow".to_owned())
}

fn cut(name: &str) -> String {
    name.chars()
        .take(MAX_NAME)
        .collect::<String>()
        .trim_end()
        .to_owned()
}
