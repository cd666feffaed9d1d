//! Names: what they may look like, and that none stands for two things.

use std::collections::HashMap;

use super::places::{Faults, Mesh, position_of};
use crate::interchange::de::shorten;
use crate::interchange::fault::{NameRule, Noun, Problem};
use crate::interchange::node::{Node, Position, field_path};
use crate::interchange::placeholder::is_param_name;

const MAX_NAME: usize = 255;

pub(super) fn check(mesh: &Mesh<'_>, faults: &mut Faults<'_>) {
    if let Some(name) = &mesh.file.name {
        check_name(Noun::Mesh, name, "", faults);
    }
    check_maps(mesh.root, "", faults);
    let file = mesh.file;
    list(mesh, Noun::Executor, &file.executors, |it| &it.name, faults);
    list(mesh, Noun::Pool, &file.pools, |it| &it.name, faults);
    list(mesh, Noun::Calendar, &file.calendars, |it| &it.name, faults);
    list(
        mesh,
        Noun::DataSource,
        &file.data_sources,
        |it| &it.name,
        faults,
    );
    list(
        mesh,
        Noun::SharedParam,
        &file.shared_params,
        |it| &it.name,
        faults,
    );
    list(
        mesh,
        Noun::FileServer,
        &file.file_servers,
        |it| &it.name,
        faults,
    );
    list(
        mesh,
        Noun::FileEvent,
        &file.file_events,
        |it| &it.name,
        faults,
    );
    list(
        mesh,
        Noun::AlertChannel,
        &file.alert_channels,
        |it| &it.name,
        faults,
    );
    list(
        mesh,
        Noun::AlertRule,
        &file.alert_rules,
        |it| &it.name,
        faults,
    );
    list(mesh, Noun::Webhook, &file.webhooks, |it| &it.name, faults);
    list(mesh, Noun::Schedule, &file.schedules, |it| &it.name, faults);
    list(mesh, Noun::Role, &file.roles, |it| &it.name, faults);
    for schedule in mesh.list("schedules", &file.schedules) {
        check_maps(schedule.node, &schedule.path(), faults);
    }
    for hook in mesh.list("webhooks", &file.webhooks) {
        check_maps(hook.node, &hook.path(), faults);
    }
    let mut flows = Seen::new(Noun::Flow);
    for flow in &mesh.flows {
        let path = flow.path();
        check_name(Noun::Flow, &flow.item.name, &path, faults);
        flows.add(
            &flow.item.name,
            position_of(flow.node, "name"),
            &path,
            faults,
        );
        check_maps(flow.node, &path, faults);
        let mut jobs = Seen::new(Noun::Job);
        for job in &flow.jobs {
            let path = job.path(flow);
            check_name(Noun::Job, &job.item.name, &path, faults);
            jobs.add(&job.item.name, position_of(job.node, "name"), &path, faults);
            check_maps(job.node, &path, faults);
        }
    }
}

/// Names of a list of the file.
fn list<'a, T>(
    mesh: &Mesh<'a>,
    noun: Noun,
    items: &'a [T],
    name: impl Fn(&'a T) -> &'a str,
    faults: &mut Faults<'_>,
) {
    let mut seen = Seen::new(noun);
    for element in mesh.list(noun.list(), items) {
        let (name, path) = (name(element.item), element.path());
        check_name(noun, name, &path, faults);
        seen.add(name, position_of(element.node, "name"), &path, faults);
    }
}

/// Tells every rule that `name` breaks.
fn check_name(noun: Noun, name: &str, path: &str, faults: &mut Faults<'_>) {
    let broken = [
        (name.is_empty(), NameRule::NotEmpty),
        (name.chars().count() > MAX_NAME, NameRule::AtMost(MAX_NAME)),
        (name.contains(char::is_control), NameRule::NoControl),
        (name.trim() != name, NameRule::NoOuterSpace),
        (noun == Noun::Flow && name.contains('/'), NameRule::NoSlash),
        (
            noun == Noun::SharedParam && !name.is_empty() && !is_param_name(name),
            NameRule::ParamPattern,
        ),
    ];
    for (_, rule) in broken.into_iter().filter(|(broken, _)| *broken) {
        faults.tell_written(
            &field_path(path, "name"),
            Problem::BadName {
                noun,
                name: shorten(name),
                rule,
            },
        );
    }
}

/// Names of params and environment variables.
fn check_maps(node: &Node, path: &str, faults: &mut Faults<'_>) {
    for (field, noun, rule) in [
        ("params", Noun::Param, NameRule::ParamPattern),
        ("env", Noun::Env, NameRule::EnvPattern),
    ] {
        let Some(map) = node.field(field) else {
            continue;
        };
        for entry in map.entries() {
            let env_holds = || is_param_name(&entry.key) && !entry.key.contains(['.', '-']);
            let holds = if noun == Noun::Env {
                env_holds()
            } else {
                is_param_name(&entry.key)
            };
            let path = || field_path(&field_path(path, field), &entry.key);
            if entry.key.chars().count() > MAX_NAME {
                let name = shorten(&entry.key);
                let problem = Problem::BadName {
                    noun,
                    name,
                    rule: NameRule::AtMost(MAX_NAME),
                };
                faults.tell_at(entry.position, path(), problem);
            } else if !holds {
                faults.tell_at(
                    entry.position,
                    path(),
                    Problem::BadName {
                        noun,
                        name: shorten(&entry.key),
                        rule,
                    },
                );
            }
        }
    }
}

struct Seen<'a> {
    noun: Noun,
    names: HashMap<&'a str, Option<Position>>,
}

impl<'a> Seen<'a> {
    fn new(noun: Noun) -> Self {
        Self {
            noun,
            names: HashMap::new(),
        }
    }

    fn add(
        &mut self,
        name: &'a str,
        position: Option<Position>,
        path: &str,
        faults: &mut Faults<'_>,
    ) {
        if name.is_empty() {
            return;
        }
        match self.names.get(name) {
            Some(first) => {
                let problem = Problem::DuplicateName {
                    noun: self.noun,
                    name: shorten(name),
                    first: *first,
                };
                faults.tell(&field_path(path, "name"), problem);
            }
            None => {
                self.names.insert(name, position);
            }
        }
    }
}
