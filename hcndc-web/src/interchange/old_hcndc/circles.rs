//! Circles of dependencies: the first HCNDC took them, and never ran what stood in them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Builder, JobPlace, NAME, OldMatter};
use crate::interchange::{Fault, JobDependency, Problem, Station, parse_exported, to_json};

/// Jobs of other flows that one job may wait for.
const MOST_OUTSIDE: usize = hcndc_core::model::MOST_OUTSIDE_DEPENDENCIES;

/// A reference from one thing to another, by places in the mesh.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tie {
    Parent(usize, usize),
    Dependency(usize, usize, usize),
}

/// Leaves out ties until there is no circle, and adds the ties between jobs of different flows that make none.
///
/// In a circle of the ties that the first HCNDC waited for, nothing ever ran: what stands in it comes over switched off. Ties
/// between flows' jobs it drew and did not wait for, so what stands in a circle of those did run, and goes on.
pub(super) fn open(builder: &mut Builder<'_>) {
    let mut circles = circles(builder);
    while !circles.is_empty() {
        let ties: BTreeSet<Tie> = circles.iter().filter_map(first_tie).collect();
        for circle in &circles {
            switch_off(builder, circle);
        }
        if ties.is_empty() {
            return;
        }
        // From the back, so that places before them stay.
        for tie in ties.into_iter().rev() {
            remove(builder, tie);
        }
        circles = self::circles(builder);
    }
    let mut added = add_outside(builder);
    loop {
        let circles = self::circles(builder);
        let found: BTreeSet<(JobPlace, JobPlace)> = circles
            .iter()
            .filter_map(|circle| {
                let ties = outside_of(builder, circle).into_iter();
                ties.filter(|tie| added.contains_key(tie)).max()
            })
            .collect();
        if found.is_empty() {
            break;
        }
        for (own, other) in found {
            let job = builder.job_name(other);
            let ties = &mut builder.mesh.flows[own.0].jobs[own.1].depends_on;
            ties.retain(|it| it.job != job);
            let id = added.remove(&(own, other)).unwrap_or(0);
            let told = builder.job_name(own);
            let matter = OldMatter::OutsideCircle { job };
            builder.report.note("tb_jobs", id, &told, matter);
            builder.report.moved_out("tb_job_prep");
        }
    }
    for ((own, other), id) in added {
        let (told, job) = (builder.job_name(own), builder.job_name(other));
        let matter = OldMatter::Outside { job };
        builder.report.note("tb_jobs", id, &told, matter);
    }
}

/// A circle as the check of meshes tells it.
struct Circle {
    path: String,
    stations: Vec<Station>,
}

fn circles(builder: &Builder<'_>) -> Vec<Circle> {
    let checked = parse_exported(NAME, to_json(&builder.mesh).as_bytes());
    let faults = checked.err().unwrap_or_default();
    let circle = |fault: Fault| match fault.problem {
        Problem::Cycle { stations } => Some(Circle {
            path: fault.path,
            stations,
        }),
        _ => None,
    };
    faults.into_iter().filter_map(circle).collect()
}

/// The tie that a circle is told at: `flows[2].parents[0]` or `flows[2].jobs[1].depends_on[0]`.
fn first_tie(circle: &Circle) -> Option<Tie> {
    let numbers = circle.path.split('[').skip(1);
    let numbers: Option<Vec<usize>> = numbers
        .map(|part| part.split(']').next()?.parse().ok())
        .collect();
    match (numbers?.as_slice(), circle.path.contains("depends_on")) {
        (&[flow, job, item], true) => Some(Tie::Dependency(flow, job, item)),
        (&[flow, item], false) => Some(Tie::Parent(flow, item)),
        _ => None,
    }
}

/// Switches off all that stands in a circle, and says so.
fn switch_off(builder: &mut Builder<'_>, circle: &Circle) {
    let name = |station: &Station| match station {
        Station::Flow(flow) => flow.clone(),
        Station::Job(flow, job) => format!("{flow}/{job}"),
    };
    let names: Vec<String> = circle.stations.iter().map(name).collect();
    let mut first = true;
    for station in &circle.stations {
        let (table, id, told) = match station {
            Station::Flow(name) => {
                let Some(at) = find_flow(builder, name) else {
                    continue;
                };
                builder.mesh.flows[at].enabled = false;
                let id = builder.flows.iter().find(|(_, place)| **place == at);
                ("tb_interface", id.map(|(id, _)| *id), name.clone())
            }
            Station::Job(flow, name) => {
                let Some(place) = find_job(builder, flow, name) else {
                    continue;
                };
                builder.mesh.flows[place.0].jobs[place.1].enabled = false;
                let id = builder.jobs.iter().find(|(_, it)| **it == place);
                ("tb_jobs", id.map(|(id, _)| *id), builder.job_name(place))
            }
        };
        // A circle is told once, at what comes first in it.
        if std::mem::take(&mut first) {
            let stations = names.clone();
            let matter = OldMatter::Circle { stations };
            builder.report.note(table, id.unwrap_or(0), &told, matter);
        }
    }
}

fn remove(builder: &mut Builder<'_>, tie: Tie) {
    let table = match tie {
        Tie::Parent(flow, item) => {
            builder.mesh.flows[flow].parents.remove(item);
            "tb_interface_parent"
        }
        Tie::Dependency(flow, job, item) => {
            builder.mesh.flows[flow].jobs[job].depends_on.remove(item);
            "tb_job_prep"
        }
    };
    builder.report.moved_out(table);
}

/// Adds the ties between jobs of different flows, as many as a job may have; which they are.
fn add_outside(builder: &mut Builder<'_>) -> BTreeMap<(JobPlace, JobPlace), i64> {
    let mut counts: BTreeMap<JobPlace, usize> = BTreeMap::new();
    let mut added = BTreeMap::new();
    for (id, other) in std::mem::take(&mut builder.outside) {
        let (own, from) = (builder.jobs[&id], builder.jobs[&other]);
        let (told, job) = (builder.job_name(own), builder.job_name(from));
        let count = counts.entry(own).or_default();
        *count += 1;
        if *count > MOST_OUTSIDE {
            let matter = OldMatter::TooManyOutside { job };
            builder.report.note("tb_jobs", id, &told, matter);
            builder.report.moved_out("tb_job_prep");
            continue;
        }
        let tie = JobDependency::on_success(&job);
        builder.mesh.flows[own.0].jobs[own.1].depends_on.push(tie);
        added.insert((own, from), id);
    }
    added
}

/// Ties of a circle that lead from a job to one of another flow.
fn outside_of(builder: &Builder<'_>, circle: &Circle) -> Vec<(JobPlace, JobPlace)> {
    let place = |station: &Station| match station {
        Station::Job(flow, job) => find_job(builder, flow, job),
        Station::Flow(_) => None,
    };
    let next = circle.stations.iter().cycle().skip(1);
    let pairs = circle.stations.iter().zip(next);
    let pairs = pairs.filter_map(|(own, other)| Some((place(own)?, place(other)?)));
    pairs.filter(|(own, other)| own.0 != other.0).collect()
}

fn find_flow(builder: &Builder<'_>, name: &str) -> Option<usize> {
    builder.mesh.flows.iter().position(|it| it.name == name)
}

fn find_job(builder: &Builder<'_>, flow: &str, name: &str) -> Option<JobPlace> {
    let flow = find_flow(builder, flow)?;
    let mut jobs = builder.mesh.flows[flow].jobs.iter();
    Some((flow, jobs.position(|it| it.name == name)?))
}
