//! Flow 2.0: a YAML file for each flow.

use std::collections::{BTreeMap, BTreeSet};

use super::super::de::wrong_type;
use super::super::fault::{Expected, Fault, Noun, Problem};
use super::super::near::nearest;
use super::super::node::{Node, Value, field_path, item_path};
use super::super::source::located;
use super::super::text::read_tree;
use super::files::{FileKind, Files, ProjectFile};
use super::project::{AzFlow, AzNode, AzTrigger, Embeds, Place, Project, Setting, Settings};

/// Minutes that a flow may wait for outside events, at least (`Constants.MIN_FLOW_TRIGGER_WAIT_TIME`).
const SHORTEST_WAIT_MINUTES: i64 = 1;

pub(super) fn read(files: &Files) -> Result<Project, Vec<Fault>> {
    let mut project = Project::default();
    let mut faults = Vec::new();
    for file in files.of(FileKind::Flow) {
        let read = read_tree(&file.bytes);
        faults.extend(located(&file.path, read.root.as_ref(), read.faults));
        if let Some(root) = read.root {
            let mut reader = Reader {
                file,
                faults: &mut faults,
            };
            project.flows.push(reader.flow(&root));
        }
    }
    match faults.is_empty() {
        true => Ok(project),
        false => Err(faults),
    }
}

struct Reader<'a> {
    file: &'a ProjectFile,
    faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    fn place(&self, node: &Node) -> Place {
        Place {
            file: self.file.path.clone(),
            position: Some(node.position),
        }
    }

    fn tell(&mut self, node: &Node, path: &str, problem: Problem) {
        let fault = self.place(node).fault(path, problem);
        self.faults.push(fault);
    }

    fn flow(&mut self, root: &Node) -> AzFlow {
        AzFlow {
            name: self.file.stem().to_owned(),
            params: self.settings(root, ""),
            nodes: self.nodes(root, ""),
            trigger: given(root, "trigger").and_then(|node| self.trigger(node)),
        }
    }

    /// A scalar as it was written.
    fn text<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) | Value::Number(text) | Value::Bool(_, text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => {
                self.tell(node, path, wrong_type(node, Expected::Scalar).problem);
                None
            }
        }
    }

    fn settings(&mut self, node: &Node, path: &str) -> Settings {
        let mut settings = Settings::new();
        let path = field_path(path, "config");
        let Some(config) = given(node, "config") else {
            return settings;
        };
        for entry in self.map(config, &path) {
            // A key without a value says nothing.
            if entry.node.value == Value::Null {
                continue;
            }
            if let Some(value) = self.text(&entry.node, &field_path(&path, &entry.key)) {
                let at = self.place(&entry.node);
                let value = value.to_owned();
                settings.insert(entry.key.to_string(), Setting { value, at });
            }
        }
        settings
    }

    fn map<'n>(&mut self, node: &'n Node, path: &str) -> &'n [super::super::node::Entry] {
        if !matches!(node.value, Value::Map(_)) {
            self.tell(node, path, wrong_type(node, Expected::Map).problem);
        }
        node.entries()
    }

    fn list<'n>(&mut self, node: &'n Node, field: &str, path: &str) -> &'n [Node] {
        let Some(list) = given(node, field) else {
            return &[];
        };
        if !matches!(list.value, Value::List(_)) {
            self.tell(list, path, wrong_type(list, Expected::List).problem);
        }
        list.items()
    }

    fn nodes(&mut self, around: &Node, path: &str) -> Vec<AzNode> {
        let path = field_path(path, "nodes");
        let mut nodes: Vec<AzNode> = Vec::new();
        let mut first = BTreeMap::new();
        for (index, item) in self.list(around, "nodes", &path).iter().enumerate() {
            let path = item_path(&path, index);
            let Some(node) = self.node(item, &path) else {
                continue;
            };
            if let Some(first) = first.insert(node.name.clone(), item.position) {
                let (noun, name, first) = (Noun::Job, node.name, Some(first));
                self.tell(item, &path, Problem::DuplicateName { noun, name, first });
                continue;
            }
            nodes.push(node);
        }
        let names: BTreeSet<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        for (other, at) in nodes.iter().flat_map(|node| &node.depends_on) {
            if !names.contains(other.as_str()) {
                let near = nearest(other, names.iter().copied()).map(str::to_owned);
                let name = other.clone();
                let fault = at.fault("dependsOn", Problem::UnknownDependency { name, near });
                self.faults.push(fault);
            }
        }
        nodes
    }

    fn node(&mut self, node: &Node, path: &str) -> Option<AzNode> {
        if self.map(node, path).is_empty() {
            return None;
        }
        let name = self.required(node, path, "name")?;
        let kind = self.required(node, path, "type")?;
        let mut depends_on: Vec<(String, Place)> = Vec::new();
        let list = field_path(path, "dependsOn");
        for (index, item) in self.list(node, "dependsOn", &list).iter().enumerate() {
            if let Some(other) = self.text(item, &item_path(&list, index))
                && !depends_on.iter().any(|(known, _)| known == other)
            {
                depends_on.push((other.to_owned(), self.place(item)));
            }
        }
        let condition = given(node, "condition")
            .and_then(|it| self.text(it, &field_path(path, "condition")))
            .map(str::to_owned);
        let embeds = match kind == "flow" {
            true => Embeds::Inline(self.nodes(node, path)),
            false => Embeds::Nothing,
        };
        Some(AzNode {
            at: self.place(node),
            depends_on,
            condition,
            near: Settings::new(),
            own: self.settings(node, path),
            embeds,
            name,
            kind,
        })
    }

    fn required(&mut self, node: &Node, path: &str, field: &str) -> Option<String> {
        let Some(found) = given(node, field) else {
            let field = field.to_owned();
            self.tell(node, path, Problem::MissingField { field });
            return None;
        };
        let text = self.text(found, &field_path(path, field))?;
        Some(text.to_owned())
    }

    fn trigger(&mut self, trigger: &Node) -> Option<AzTrigger> {
        let path = "trigger";
        let Some(schedule) = given(trigger, "schedule") else {
            let field = "schedule".to_owned();
            self.tell(trigger, path, Problem::MissingField { field });
            return None;
        };
        let path = "trigger.schedule";
        let kind = self.required(schedule, path, "type")?;
        if kind != "cron" {
            let (word, known) = (kind, vec!["cron".to_owned()]);
            self.tell(
                schedule,
                "trigger.schedule.type",
                Problem::UnknownWord { word, known },
            );
            return None;
        }
        let cron = self.required(schedule, path, "value")?;
        let list = "trigger.triggerDependencies";
        let mut events = Vec::new();
        for (index, item) in self
            .list(trigger, "triggerDependencies", list)
            .iter()
            .enumerate()
        {
            events.extend(self.required(item, &item_path(list, index), "name"));
        }
        let wait = given(trigger, "maxWaitMins");
        match wait.map(|node| (node, &node.value)) {
            None if !events.is_empty() => {
                let field = "maxWaitMins".to_owned();
                self.tell(trigger, "trigger", Problem::MissingField { field });
            }
            Some((node, Value::Number(written))) => {
                let minutes = written.parse::<i64>().unwrap_or(0);
                if minutes < SHORTEST_WAIT_MINUTES {
                    let problem = Problem::OutOfRange {
                        min: SHORTEST_WAIT_MINUTES,
                        max: i64::from(i32::MAX),
                        found: written.to_string(),
                    };
                    self.tell(node, "trigger.maxWaitMins", problem);
                }
            }
            None => {}
            Some((node, _)) => {
                let problem = wrong_type(node, Expected::Integer).problem;
                self.tell(node, "trigger.maxWaitMins", problem);
            }
        }
        Some(AzTrigger { cron, events })
    }
}

/// The value under a key that has one.
fn given<'n>(node: &'n Node, field: &str) -> Option<&'n Node> {
    node.field(field).filter(|node| node.value != Value::Null)
}
