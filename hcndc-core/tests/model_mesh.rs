//! The mesh against a naive graph: puts and removals in any order, cycles, levels, critical paths.
//!
//! `HCNDC_TEST_SEED=n` plays one seed again, `HCNDC_TEST_SLOW=1` plays many more cases.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "support/seeds.rs"]
mod seeds;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hcndc_core::{
    id::{FlowId, JobId},
    mesh::{DateTie, Mesh, Node},
};
use proptest::prelude::*;

fn config(cases: u32) -> ProptestConfig {
    seeds::config(
        "model_mesh",
        cases,
        40,
        Some("proptest-regressions/model_mesh.txt"),
    )
}

/// Who waits for whom, as lists.
#[derive(Clone, Debug, Default)]
struct Naive {
    flows: BTreeMap<u64, BTreeSet<u64>>,
    jobs: BTreeMap<u64, (u64, BTreeSet<u64>)>,
}

impl Naive {
    /// What this node directly waits for.
    fn before(&self, node: Node) -> Vec<Node> {
        match node {
            Node::FlowStart(flow) => {
                let parents = self.flows.get(&flow.0).into_iter().flatten();
                parents
                    .map(|parent| Node::FlowEnd(FlowId(*parent)))
                    .collect()
            }
            Node::FlowEnd(flow) => {
                let its = self.jobs.iter().filter(|(_, (its, _))| *its == flow.0);
                let its = its.map(|(job, _)| Node::Job(JobId(*job)));
                its.chain([Node::FlowStart(flow)]).collect()
            }
            Node::Job(job) => {
                let (flow, before) = &self.jobs[&job.0];
                let before = before.iter().map(|job| Node::Job(JobId(*job)));
                before.chain([Node::FlowStart(FlowId(*flow))]).collect()
            }
        }
    }

    fn nodes(&self) -> Vec<Node> {
        let flows = self.flows.keys().map(|id| FlowId(*id));
        let ends = flows.flat_map(|id| [Node::FlowStart(id), Node::FlowEnd(id)]);
        let jobs = self.jobs.keys().map(|id| Node::Job(JobId(*id)));
        ends.chain(jobs).collect()
    }

    /// Whether the second is among all that the first waits for.
    fn waits_for(&self, node: Node, other: Node) -> bool {
        let mut seen = BTreeSet::new();
        let mut work = self.before(node);
        while let Some(next) = work.pop() {
            if next == other {
                return true;
            }
            if seen.insert(next) {
                work.extend(self.before(next));
            }
        }
        false
    }

    fn has_cycle(&self) -> bool {
        self.nodes()
            .into_iter()
            .any(|node| self.waits_for(node, node))
    }

    /// The longest way to a node, its own weight included; for meshes without a cycle.
    fn longest(
        &self,
        node: Node,
        weight: &dyn Fn(JobId) -> u64,
        memo: &mut BTreeMap<Node, u64>,
    ) -> u64 {
        if let Some(known) = memo.get(&node) {
            return *known;
        }
        let before = self.before(node).into_iter();
        let before = before.map(|it| self.longest(it, weight, memo)).max();
        let own = if let Node::Job(job) = node {
            weight(job)
        } else {
            0
        };
        let length = before.unwrap_or(0) + own;
        memo.insert(node, length);
        length
    }
}

#[derive(Clone, Debug)]
enum Op {
    PutFlow(u64, Vec<u64>),
    PutJob(u64, Vec<u64>),
    RemoveJob(u64),
    RemoveFlow(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let flow = || 0u64..5;
    let job = || 0u64..12;
    let op = prop_oneof![
        2 => (flow(), prop::collection::vec(flow(), 0..2)).prop_map(|(flow, parents)| Op::PutFlow(flow, parents)),
        6 => (job(), prop::collection::vec(job(), 0..3)).prop_map(|(job, before)| Op::PutJob(job, before)),
        1 => job().prop_map(Op::RemoveJob),
        1 => flow().prop_map(Op::RemoveFlow),
    ];
    prop::collection::vec(op, 1..40)
}

/// Does as an engine would: nothing is named that is not there, and nothing goes that is needed.
/// With `keep`, what makes a cycle is taken back.
fn play(ops: &[Op], keep: bool) -> (Mesh, Naive) {
    let (mut mesh, mut naive) = (Mesh::default(), Naive::default());
    for op in ops {
        let old = naive.clone();
        let changed = match op {
            Op::PutFlow(flow, parents) => {
                let parents = parents.iter().filter(|it| naive.flows.contains_key(it));
                let parents: BTreeSet<u64> = parents.copied().collect();
                mesh.put_flow(FlowId(*flow), parents.iter().map(|it| FlowId(*it)));
                naive.flows.insert(*flow, parents);
                Node::FlowStart(FlowId(*flow))
            }
            Op::PutJob(job, before) => {
                // A job's flow follows from its number, for it never moves.
                let flow = job % 5;
                if !naive.flows.contains_key(&flow) {
                    continue;
                }
                let before = before.iter().filter(|it| naive.jobs.contains_key(it));
                let before: BTreeSet<u64> = before.copied().collect();
                let ids = before.iter().map(|it| JobId(*it));
                mesh.put_job(JobId(*job), FlowId(flow), ids);
                naive.jobs.insert(*job, (flow, before));
                Node::Job(JobId(*job))
            }
            Op::RemoveJob(job) => {
                if !naive.jobs.values().any(|(_, before)| before.contains(job)) {
                    mesh.remove_job(JobId(*job));
                    naive.jobs.remove(job);
                }
                continue;
            }
            Op::RemoveFlow(flow) => {
                let parent = naive.flows.values().any(|parents| parents.contains(flow));
                if !parent && !naive.jobs.values().any(|(its, _)| its == flow) {
                    mesh.remove_flow(FlowId(*flow));
                    naive.flows.remove(flow);
                }
                continue;
            }
        };
        let expected = naive.has_cycle();
        if keep || !expected {
            assert_eq!(mesh.find_cycle(&[]).is_some(), expected, "{naive:?}");
        }
        if !keep {
            // Until now there was none, so a look from what changed is enough.
            let found = mesh.find_cycle(&[changed]);
            assert_eq!(found.is_some(), expected, "{naive:?}");
            if let Some(cycle) = found {
                check_cycle(&cycle, &naive);
                naive = old;
                match changed {
                    Node::Job(job) => match naive.jobs.get(&job.0) {
                        Some((flow, before)) => {
                            mesh.put_job(job, FlowId(*flow), before.iter().map(|it| JobId(*it)));
                        }
                        None => mesh.remove_job(job),
                    },
                    Node::FlowStart(flow) | Node::FlowEnd(flow) => match naive.flows.get(&flow.0) {
                        Some(parents) => {
                            mesh.put_flow(flow, parents.iter().map(|it| FlowId(*it)));
                        }
                        None => mesh.remove_flow(flow),
                    },
                }
            }
        }
    }
    (mesh, naive)
}

/// Each waits for the one before it, the first for the last; no node twice; the smallest first.
fn check_cycle(cycle: &[Node], naive: &Naive) {
    assert!(!cycle.is_empty());
    for (at, node) in cycle.iter().enumerate() {
        let before = cycle[(at + cycle.len() - 1) % cycle.len()];
        assert!(
            naive.before(*node).contains(&before),
            "{cycle:?} of {naive:?}"
        );
    }
    let once: BTreeSet<_> = cycle.iter().collect();
    assert_eq!(once.len(), cycle.len());
    assert_eq!(once.first(), Some(&&cycle[0]));
}

#[test]
fn a_cycle_is_found_exactly_if_there_is_one() {
    proptest!(config(1500), |(ops in ops())| {
        let (mesh, naive) = play(&ops, true);
        if let Some(cycle) = mesh.find_cycle(&[]) {
            check_cycle(&cycle, &naive);
            prop_assert!(mesh.levels().is_err());
        }
    });
}

#[test]
fn what_makes_no_cycle_is_kept_and_measured() {
    proptest!(config(1500), |(ops in ops(), weights in prop::collection::vec(0u64..50, 12))| {
        let (mesh, naive) = play(&ops, false);
        let dependencies = naive.jobs.values().map(|(_, before)| before.len()).sum();
        prop_assert_eq!(mesh.size(), (naive.jobs.len(), dependencies));

        let levels = mesh.levels().unwrap();
        let mut memo = BTreeMap::new();
        for &job in naive.jobs.keys() {
            let ways = naive.longest(Node::Job(JobId(job)), &|_| 1, &mut memo);
            prop_assert_eq!(u64::from(levels[&JobId(job)]), ways - 1);
            let dependents: Vec<JobId> = naive
                .jobs
                .iter()
                .filter(|(_, (_, before))| before.contains(&job))
                .map(|(id, _)| JobId(*id))
                .collect();
            prop_assert_eq!(mesh.dependents(JobId(job)), dependents);
        }
        prop_assert_eq!(levels.len(), naive.jobs.len());
        for &flow in naive.flows.keys() {
            let its = naive.flows.iter().filter(|(_, parents)| parents.contains(&flow));
            let children: Vec<FlowId> = its.map(|(id, _)| FlowId(*id)).collect();
            prop_assert_eq!(mesh.children(FlowId(flow)), children);
        }

        let weight = |job: JobId| weights[job.0 as usize];
        let (length, path) = mesh.critical_path(|job| Duration::from_micros(weight(job))).unwrap();
        let mut memo = BTreeMap::new();
        let nodes = naive.nodes().into_iter();
        let longest = nodes.map(|node| naive.longest(node, &weight, &mut memo)).max();
        prop_assert_eq!(length.as_micros() as u64, longest.unwrap_or(0));
        prop_assert_eq!(path.iter().map(|job| weight(*job)).sum::<u64>(), length.as_micros() as u64);
        for pair in path.windows(2) {
            prop_assert!(naive.waits_for(Node::Job(pair[1]), Node::Job(pair[0])));
        }
    });
}

#[test]
fn rows_know_every_edge() {
    proptest!(config(300), |(ops in ops())| {
        let (mesh, naive) = play(&ops, false);
        let (rows, nodes) = mesh.to_rows();
        let mut edges: Vec<(Node, Node)> = Vec::new();
        for at in 0..rows.len() as u32 {
            edges.extend(rows.row(at).iter().map(|&(to, ())| (nodes[at as usize], nodes[to as usize])));
        }
        edges.sort_unstable();
        let mut expected: Vec<(Node, Node)> = Vec::new();
        for node in naive.nodes() {
            expected.extend(naive.before(node).into_iter().map(|before| (before, node)));
        }
        expected.sort_unstable();
        prop_assert_eq!(edges, expected);
        let order = rows.topological().unwrap();
        let place: BTreeMap<Node, usize> = order.iter().enumerate().map(|(at, node)| (nodes[*node as usize], at)).collect();
        for node in naive.nodes() {
            for before in naive.before(node) {
                prop_assert!(place[&before] < place[&node]);
            }
        }
    });
}

/// The greatest number of days that a way from `at` back to `start` can add up to, over nodes that are passed once; by looking at
/// every way.
fn most_days(
    naive: &Naive,
    ties: &[DateTie],
    start: Node,
    at: Node,
    seen: &mut BTreeSet<Node>,
) -> Option<i32> {
    let mut before: Vec<(Node, i32)> = naive.before(at).into_iter().map(|it| (it, 0)).collect();
    let its = ties.iter().filter(|tie| Node::Job(tie.after) == at);
    before.extend(its.map(|tie| (Node::Job(tie.before), tie.offset_days)));
    let mut most = None;
    for (node, days) in before {
        let rest = if node == start {
            Some(0)
        } else if seen.insert(node) {
            let rest = most_days(naive, ties, start, node, seen);
            seen.remove(&node);
            rest
        } else {
            None
        };
        most = most.max(rest.map(|rest| rest + days));
    }
    most
}

#[test]
fn a_circle_over_dates_is_found_exactly_if_one_does_not_go_back_in_time() {
    let tie = (0u64..12, 0u64..12, prop::sample::select(vec![-2, -1, 1, 2])).prop_map(
        |(before, after, offset_days)| DateTie {
            before: JobId(before),
            after: JobId(after),
            offset_days,
        },
    );
    let ties = prop::collection::vec(tie, 1..5);
    let ops = prop::collection::vec(ops(), 1..2)
        .prop_map(|ops| ops.concat().into_iter().take(12).collect::<Vec<_>>());
    proptest!(config(1500), |(ops in ops, ties in ties)| {
        let (mesh, naive) = play(&ops, false);
        let known = |job: JobId| naive.jobs.contains_key(&job.0);
        let ties: Vec<_> = ties.into_iter().filter(|it| known(it.before) && known(it.after)).collect();
        let expected = naive.nodes().into_iter().any(|node| {
            let most = most_days(&naive, &ties, node, node, &mut BTreeSet::new());
            most.is_some_and(|days| days >= 0)
        });
        let found = mesh.find_circle_over_dates(&ties);
        prop_assert_eq!(found.is_some(), expected, "{:?} {:?}", naive, ties);
        if let Some(circle) = found {
            let days: i32 = circle.iter().map(|(_, days)| days).sum();
            prop_assert!(days >= 0, "{:?}", circle);
            for (at, &(node, days)) in circle.iter().enumerate() {
                let next = circle[(at + 1) % circle.len()].0;
                let tied = ties.iter().any(|it| {
                    (Node::Job(it.before), Node::Job(it.after), it.offset_days) == (node, next, days)
                });
                prop_assert!(tied || (days == 0 && naive.before(next).contains(&node)), "{:?}", circle);
            }
        }
    });
}
