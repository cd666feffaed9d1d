//! Placeholders: that they are well-formed and that every param they name is defined.

use std::collections::HashSet;

use super::places::{Faults, FlowAt, JobAt, Mesh};
use crate::interchange::fault::Problem;
use crate::interchange::near::NearBudget;
use crate::interchange::node::{Node, Value, field_path};
use crate::interchange::placeholder::{Placeholder, placeholders};

pub(super) fn check(mesh: &Mesh<'_>, set: &[&str], budget: &NearBudget, faults: &mut Faults<'_>) {
    let mut common: HashSet<&str> = set.iter().copied().collect();
    common.extend(names(mesh.root));
    let common = Scope {
        names: vec![&common],
        budget,
    };
    // Texts above the jobs are read by each job with its own params: a param must be known to all
    // of them.
    let all_know = |name: &str| {
        let mut jobs = mesh
            .flows
            .iter()
            .flat_map(|flow| flow.jobs.iter().map(move |job| (flow, job)))
            .peekable();
        jobs.peek().is_some() && jobs.all(|(flow, job)| knows(flow, job, name))
    };
    check_texts(mesh.root, "", &common, &all_know, faults);
    for flow in &mesh.flows {
        let own: HashSet<&str> = names(flow.node).collect();
        let scope = common.with(&own);
        let all_know = |name: &str| {
            !flow.jobs.is_empty() && flow.jobs.iter().all(|job| knows(flow, job, name))
        };
        check_texts(flow.node, &flow.path(), &scope, &all_know, faults);
        for job in &flow.jobs {
            let own: HashSet<&str> = names(job.node).collect();
            check_texts(
                job.node,
                &job.path(flow),
                &scope.with(&own),
                &|_| false,
                faults,
            );
        }
    }
}

fn knows(flow: &FlowAt<'_>, job: &JobAt<'_>, name: &str) -> bool {
    [flow.node, job.node]
        .into_iter()
        .any(|node| names(node).any(|known| known == name))
}

/// Names of the params defined at `node`, those with faulty values too.
fn names(node: &Node) -> impl Iterator<Item = &str> {
    node.entry("params")
        .into_iter()
        .flat_map(|entry| entry.node.entries())
        .map(|entry| &*entry.key)
}

/// The params that a text can see, in layers.
struct Scope<'a> {
    names: Vec<&'a HashSet<&'a str>>,
    budget: &'a NearBudget,
}

impl<'a> Scope<'a> {
    fn with<'b>(&self, own: &'b HashSet<&'b str>) -> Scope<'b>
    where
        'a: 'b,
    {
        let mut names: Vec<&'b HashSet<&'b str>> =
            self.names.iter().map(|names| &**names).collect();
        names.push(own);
        Scope {
            names,
            budget: self.budget,
        }
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|names| names.contains(name))
    }

    fn nearest(&self, name: &str) -> Option<String> {
        if !self
            .budget
            .allows(self.names.iter().map(|names| names.len()).sum())
        {
            return None;
        }
        let mut known: Vec<&str> = self
            .names
            .iter()
            .flat_map(|names| names.iter().copied())
            .collect();
        known.sort_unstable();
        self.budget.nearest(name, known).map(str::to_owned)
    }
}

/// Texts of one mesh, flow or job in which placeholders are replaced.
fn check_texts(
    node: &Node,
    path: &str,
    scope: &Scope<'_>,
    known_below: &dyn Fn(&str) -> bool,
    faults: &mut Faults<'_>,
) {
    for field in ["command", "workdir", "params", "env"] {
        let Some(value) = node.field(field) else {
            continue;
        };
        let path = field_path(path, field);
        match &value.value {
            Value::Text(text) => check_text(text, value, &path, scope, known_below, faults),
            Value::Map(entries) => {
                for entry in entries.iter().filter(|entry| !entry.node.faulty) {
                    if let Some(text) = entry.node.text() {
                        check_text(
                            text,
                            &entry.node,
                            &field_path(&path, &entry.key),
                            scope,
                            known_below,
                            faults,
                        );
                    }
                }
            }
            _ => {}
        }
    }
}

fn check_text(
    text: &str,
    node: &Node,
    path: &str,
    scope: &Scope<'_>,
    known_below: &dyn Fn(&str) -> bool,
    faults: &mut Faults<'_>,
) {
    if text.contains('\0') {
        faults.tell_at(node.position, path.to_owned(), Problem::NulCharacter);
    }
    let (length, max) = (text.len(), hcndc_core::model::LONGEST_TEXT);
    if length > max {
        let problem = Problem::TextTooLong { length, max };
        faults.tell_at(node.position, path.to_owned(), problem);
    }
    let mut told = HashSet::new();
    for placeholder in placeholders(text) {
        let problem = match placeholder {
            Placeholder::Param(name)
                if scope.has(&name) || known_below(&name) || !told.insert(name.clone()) =>
            {
                continue;
            }
            Placeholder::Param(name) => Problem::UnknownParam {
                near: scope.nearest(&name),
                name,
            },
            Placeholder::Bad(placeholder) => Problem::BadPlaceholder {
                placeholder: crate::interchange::de::shorten(placeholder),
            },
        };
        faults.tell_at(node.position, path.to_owned(), problem);
    }
}
