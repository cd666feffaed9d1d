//! References by name to what stands in lists of the file: pools, calendars, data sources and so on.

use std::collections::{HashMap, HashSet};

use hcndc_core::model::{DataSourceKind, DefinitionError, MOST_OUTSIDE_DEPENDENCIES};

use super::is_lost;
use crate::interchange::check::places::{Faults, Mesh};
use crate::interchange::de::shorten;
use crate::interchange::definitions::nouns::data_source_kind;
use crate::interchange::fault::{Noun, Problem};
use crate::interchange::mesh_file::{
    JobIndex, MeshDataSourceKind, MeshParamValue, MeshSql, MeshTrigger,
};
use crate::interchange::near::NearBudget;
use crate::interchange::node::{Position, field_path, item_path};

/// The names of one list.
struct Names<'a> {
    noun: Noun,
    names: Vec<&'a str>,
    set: HashSet<&'a str>,
    lost: bool,
    budget: &'a NearBudget,
}

impl<'a> Names<'a> {
    fn new(
        mesh: &Mesh<'_>,
        noun: Noun,
        names: impl Iterator<Item = &'a String>,
        budget: &'a NearBudget,
    ) -> Self {
        let names: Vec<&str> = names.map(String::as_str).collect();
        Self {
            noun,
            set: names.iter().copied().collect(),
            names,
            lost: is_lost(mesh.root, noun.list()),
            budget,
        }
    }

    fn check(&self, name: &str, path: &str, faults: &mut Faults<'_>) {
        if self.lost || self.set.contains(name) {
            return;
        }
        let near = self.budget.nearest(name, self.names.iter().copied());
        let problem = Problem::UnknownName {
            noun: self.noun,
            name: shorten(name),
            near: near.map(str::to_owned),
        };
        // What stands in for a missing reference was told as missing.
        faults.tell_written(path, problem);
    }

    /// A list of references, each of which may stand there once.
    fn check_list(&self, names: &[String], path: &str, faults: &mut Faults<'_>) {
        let mut seen: HashMap<&str, Option<Position>> = HashMap::new();
        for (item, name) in faults.indexes(path).into_iter().zip(names) {
            let path = item_path(path, item);
            if let Some(first) = seen.get(name.as_str()) {
                let problem = Problem::Repeated {
                    name: shorten(name),
                    first: *first,
                };
                faults.tell(&path, problem);
                continue;
            }
            seen.insert(name, faults.position(&path));
            self.check(name, &path, faults);
        }
    }
}

pub(super) fn check(
    mesh: &Mesh<'_>,
    flow_names: &[&str],
    budget: &NearBudget,
    faults: &mut Faults<'_>,
) {
    let file = mesh.file;
    let names = |noun, names: &mut dyn Iterator<Item = _>| Names::new(mesh, noun, names, budget);
    let flows = Names {
        noun: Noun::Flow,
        set: flow_names.iter().copied().collect(),
        names: flow_names.to_vec(),
        lost: is_lost(mesh.root, "flows"),
        budget,
    };
    let calendars = names(
        Noun::Calendar,
        &mut file.calendars.iter().map(|it| &it.name),
    );
    for flow in mesh.list("flows", &file.flows) {
        if let Some(calendar) = &flow.item.calendar {
            calendars.check(calendar, &field_path(&flow.path(), "calendar"), faults);
        }
    }
    let rules = names(
        Noun::AlertRule,
        &mut file.alert_rules.iter().map(|it| &it.name),
    );
    let events = names(
        Noun::FileEvent,
        &mut file.file_events.iter().map(|it| &it.name),
    );
    for schedule in mesh.list("schedules", &file.schedules) {
        let (item, path) = (schedule.item, schedule.path());
        flows.check(&item.flow, &field_path(&path, "flow"), faults);
        if let Some(calendar) = &item.calendar {
            calendars.check(calendar, &field_path(&path, "calendar"), faults);
        }
        rules.check_list(&item.alerts, &field_path(&path, "alerts"), faults);
        let trigger = field_path(&path, "trigger");
        match &item.trigger {
            MeshTrigger::File(event) => {
                events.check(event, &field_path(&trigger, "file"), faults);
            }
            MeshTrigger::DataDate(parents) => {
                let list = field_path(&trigger, "data_date_of");
                flows.check_list(parents, &list, faults);
                for (index, parent) in faults.indexes(&list).into_iter().zip(parents) {
                    if *parent == item.flow {
                        faults.tell(&item_path(&list, index), Problem::OwnDataDate);
                    }
                }
            }
            MeshTrigger::Cron { .. } | MeshTrigger::Interval { .. } | MeshTrigger::Days { .. } => {}
        }
    }
    let servers = names(
        Noun::FileServer,
        &mut file.file_servers.iter().map(|it| &it.name),
    );
    for event in mesh.list("file_events", &file.file_events) {
        let path = field_path(&event.path(), "server");
        servers.check(&event.item.server, &path, faults);
    }
    let sources = names(
        Noun::DataSource,
        &mut file.data_sources.iter().map(|it| &it.name),
    );
    for param in mesh.list("shared_params", &file.shared_params) {
        if let Some(sql) = &param.item.sql {
            let path = field_path(&field_path(&param.path(), "sql"), "data_source");
            sources.check(&sql.data_source, &path, faults);
        }
    }
    let channels = names(
        Noun::AlertChannel,
        &mut file.alert_channels.iter().map(|it| &it.name),
    );
    for rule in mesh.list("alert_rules", &file.alert_rules) {
        let path = field_path(&rule.path(), "channels");
        channels.check_list(&rule.item.channels, &path, faults);
        if let Some(escalation) = &rule.item.escalation {
            let path = field_path(&field_path(&rule.path(), "escalation"), "channels");
            channels.check_list(&escalation.channels, &path, faults);
        }
    }
    for hook in mesh.list("webhooks", &file.webhooks) {
        let path = field_path(&hook.path(), "flows");
        flows.check_list(&hook.item.flows, &path, faults);
    }
    check_jobs(mesh, budget, faults);
}

fn check_jobs(mesh: &Mesh<'_>, budget: &NearBudget, faults: &mut Faults<'_>) {
    let pools = mesh.file.pools.iter();
    let slots: HashMap<&str, u32> = pools.map(|it| (it.name.as_str(), it.slots)).collect();
    let names = mesh.file.pools.iter().map(|it| &it.name);
    let pools = Names::new(mesh, Noun::Pool, names, budget);
    let names = mesh.file.shared_params.iter().map(|it| &it.name);
    let shared = Names::new(mesh, Noun::SharedParam, names, budget);
    let names = mesh.file.data_sources.iter().map(|it| &it.name);
    let sources = Names::new(mesh, Noun::DataSource, names, budget);
    let kinds = mesh.file.data_sources.iter();
    let kinds: HashMap<&str, MeshDataSourceKind> =
        kinds.map(|it| (it.name.as_str(), it.kind)).collect();
    let index = JobIndex::new(mesh.file);
    for (place, flow) in mesh.flows.iter().enumerate() {
        for job in &flow.jobs {
            if let Some(pool) = &job.item.pool {
                let path = job.path(flow);
                pools.check(pool, &field_path(&path, "pool"), faults);
                if let Some(&slots) = slots.get(pool.as_str())
                    && job.item.pool_slots > slots
                {
                    let pool = shorten(pool);
                    let problem = Problem::PoolTooSmall { pool, slots };
                    faults.tell(&field_path(&path, "pool_slots"), problem);
                }
            }
            if let Some(sql) = &job.item.sql {
                let path = field_path(&job.path(flow), "sql");
                sources.check(&sql.data_source, &field_path(&path, "data_source"), faults);
                if let Some(kind) = kinds.get(sql.data_source.as_str()) {
                    check_statements(sql, data_source_kind(*kind), &path, faults);
                }
            }
            let params = job.item.params.iter();
            for (name, _) in params.filter(|(_, value)| **value == MeshParamValue::Shared) {
                let path = field_path(&job.path(flow), "params");
                shared.check(name, &field_path(&path, name), faults);
            }
            let outside = job.item.depends_on.iter().filter(|it| {
                let other = index.find_job(place, &it.job);
                !it.is_of_same_date() || other.is_some_and(|(flow, _)| flow != place)
            });
            let count = outside.count();
            if count > MOST_OUTSIDE_DEPENDENCIES {
                let max = MOST_OUTSIDE_DEPENDENCIES;
                let path = field_path(&job.path(flow), "depends_on");
                faults.tell(&path, Problem::TooMany { count, max });
            }
        }
    }
}

/// Whether a job's statements can be run on a data source of this kind.
fn check_statements(sql: &MeshSql, kind: DataSourceKind, path: &str, faults: &mut Faults<'_>) {
    let name = kind.as_str().to_owned();
    if !kind.runs_statements() {
        let error = DefinitionError::NoStatements { kind: name };
        faults.tell(&field_path(path, "data_source"), Problem::Definition(error));
    } else if sql.transaction && !kind.has_transactions() {
        let error = DefinitionError::NoTransaction { kind: name };
        faults.tell(&field_path(path, "transaction"), Problem::Definition(error));
    }
}
