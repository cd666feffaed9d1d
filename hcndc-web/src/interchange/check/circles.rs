//! Circles over dates: jobs that wait for each other's runs of other dates, for ever.

use std::ops::RangeInclusive;

use hcndc_core::{
    id::{FlowId, JobId},
    mesh::{DateTie, Mesh as Graph, Node},
};

use super::places::{Faults, Mesh, indexes};
use crate::interchange::{
    fault::{Problem, Station},
    mesh_file::JobIndex,
    node::{field_path, item_path},
};

/// Days that a dependency may ask for; of others it is told that they may not.
const DAYS: RangeInclusive<i32> = -366..=366;

/// Tells one circle, at the first dependency of it that asks for another date. There are no cycles within one date.
pub(super) fn check(mesh: &Mesh<'_>, faults: &mut Faults<'_>) {
    let jobs = mesh.flows.iter().flat_map(|flow| &flow.jobs);
    let mut dependencies = jobs.flat_map(|job| &job.item.depends_on);
    if !dependencies.any(|it| it.offset_days > 0) {
        return;
    }
    let index = JobIndex::new(mesh.file);
    let places: Vec<(usize, usize)> = mesh
        .flows
        .iter()
        .enumerate()
        .flat_map(|(flow, it)| (0..it.jobs.len()).map(move |job| (flow, job)))
        .collect();
    let id_of = |place| places.binary_search(&place).ok().map(|at| JobId(at as u64));
    let mut graph = Graph::default();
    let mut ties = Vec::new();
    for (place, flow) in mesh.flows.iter().enumerate() {
        let parents = flow.item.parents.iter();
        let parents = parents.filter_map(|parent| index.find_flow(parent));
        graph.put_flow(FlowId(place as u64), parents.map(|it| FlowId(it as u64)));
    }
    for (at, &(flow, job)) in places.iter().enumerate() {
        let after = JobId(at as u64);
        let its = &mesh.flows[flow].jobs[job].item.depends_on;
        let its = its.iter().filter_map(|dependency| {
            let before = index.find_job(flow, &dependency.job).and_then(id_of)?;
            let days = dependency.offset_days;
            DAYS.contains(&days).then_some((before, days))
        });
        let (same, other): (Vec<_>, Vec<_>) = its.partition(|&(_, offset)| offset == 0);
        let same = same.into_iter().map(|(before, _)| before);
        graph.put_job(after, FlowId(flow as u64), same);
        ties.extend(other.into_iter().map(|(before, offset_days)| DateTie {
            before,
            after,
            offset_days,
        }));
    }
    let Some(mut circle) = graph.find_circle_over_dates(&ties) else {
        return;
    };
    // In a file each waits for the next.
    circle.reverse();
    let asked = circle.iter().position(|&(_, days)| days != 0).unwrap_or(0);
    let asking = asked.checked_sub(1).unwrap_or(circle.len() - 1);
    circle.rotate_left(asking);
    let place_of = |node: &Node| match node {
        Node::Job(JobId(at)) => places.get(*at as usize).copied(),
        Node::FlowStart(_) | Node::FlowEnd(_) => None,
    };
    let mut stations: Vec<Station> = circle
        .iter()
        .filter_map(|(node, days)| match node {
            Node::Job(_) => {
                let (flow, job) = place_of(node)?;
                let flow = &mesh.flows[flow];
                let mut name = flow.jobs[job].item.name.clone();
                if *days != 0 {
                    name += &format!("@{days:+}");
                }
                Some(Station::Job(flow.item.name.clone(), name))
            }
            Node::FlowStart(flow) | Node::FlowEnd(flow) => {
                let flow = mesh.flows.get(flow.0 as usize)?;
                Some(Station::Flow(flow.item.name.clone()))
            }
        })
        .collect();
    stations.dedup();
    let target = place_of(&circle[1 % circle.len()].0);
    let days = circle[1 % circle.len()].1;
    let Some((place, job)) = place_of(&circle[0].0) else {
        return;
    };
    let flow = &mesh.flows[place];
    let job = &flow.jobs[job];
    let mut items = indexes(job.node, "depends_on").zip(&job.item.depends_on);
    let item = items
        .find(|(_, it)| it.offset_days == days && index.find_job(place, &it.job) == target)
        .map_or(0, |(item, _)| item);
    let path = item_path(&field_path(&job.path(flow), "depends_on"), item);
    faults.tell(&path, Problem::Cycle { stations });
}
