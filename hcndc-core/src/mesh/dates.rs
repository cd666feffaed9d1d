//! Circles over dates: jobs that wait for each other's runs of other dates, and never come to an end of it.

use alloc::{collections::BTreeMap, vec::Vec};

use petgraph::{
    algo::{bellman_ford::find_negative_cycle, tarjan_scc},
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef as _,
};

use super::{Mesh, Node};
use crate::id::JobId;

/// A dependency on a job's run of another date. It is no edge of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTie {
    /// What is waited for.
    pub before: JobId,
    /// Who waits.
    pub after: JobId,
    /// How many days later than its own date is that which `after` asks for; negative for earlier ones.
    pub offset_days: i32,
}

impl Mesh {
    /// A circle of this mesh and these ties on which the days add up to zero or more: round it, a job waits for itself, or for
    /// its own run of a later date, which waits in the same way. Each node comes with the days that the next one adds.
    /// `None` if there is none. Circles that go back in time are well: they end at the first date.
    ///
    /// The mesh by itself must have no cycle. Ties of jobs that it does not have count for nothing.
    ///
    /// # Complexity
    /// O(ties) if none asks for a later date; else O(nodes + edges), and O(nodes * edges) of what hangs together in a circle
    /// with such a tie (Tarjan, 1972; Bellman, 1958).
    #[must_use]
    pub fn find_circle_over_dates(&self, ties: &[DateTie]) -> Option<Vec<(Node, i32)>> {
        if ties.iter().all(|tie| tie.offset_days <= 0) {
            return None;
        }
        let mut all = self.graph.map(|_, node| *node, |_, ()| 0);
        for tie in ties {
            let ends = self.index_of(Node::Job(tie.before));
            if let Some((before, after)) = ends.zip(self.index_of(Node::Job(tie.after))) {
                all.add_edge(before, after, tie.offset_days);
            }
        }
        let parts = tarjan_scc(&all);
        let mut part_of = alloc::vec![0; petgraph::visit::NodeIndexable::node_bound(&all)];
        for (nth, part) in parts.iter().enumerate() {
            for node in part {
                part_of[node.index()] = nth;
            }
        }
        // Every circle lies in one part, and only one that goes forward somewhere can come round.
        let ahead = |nth: usize, node: NodeIndex| {
            let mut edges = all.edges(node);
            edges.any(|edge| *edge.weight() > 0 && part_of[edge.target().index()] == nth)
        };
        let mut parts = parts.iter().enumerate();
        parts.find_map(|(nth, part)| {
            if !part.iter().any(|&node| ahead(nth, node)) {
                return None;
            }
            let mut its = DiGraph::new();
            let places: BTreeMap<NodeIndex, NodeIndex> = part
                .iter()
                .map(|&node| (node, its.add_node(node)))
                .collect();
            // A circle has at most as many edges as nodes: so its weights add up to less than zero just if its days do not.
            let round = part.len() as f64 + 1.0;
            for edge in part.iter().flat_map(|&node| all.edges(node)) {
                if let Some(&to) = places.get(&edge.target()) {
                    let weight = -f64::from(*edge.weight()) * round - 1.0;
                    its.add_edge(places[&edge.source()], to, weight);
                }
            }
            let circle = find_negative_cycle(&its, NodeIndex::new(0))?;
            let circle: Vec<NodeIndex> = circle.iter().map(|&it| its[it]).collect();
            let next = circle.iter().cycle().skip(1);
            let steps = circle.iter().zip(next).map(|(&node, &next)| {
                let days = all.edges_connecting(node, next).map(|edge| *edge.weight());
                (all[node], days.max().unwrap_or(0))
            });
            Some(steps.collect())
        })
    }
}
