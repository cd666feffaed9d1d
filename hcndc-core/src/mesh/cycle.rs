//! Finding a cycle, and naming a short one.

use alloc::{collections::VecDeque, vec, vec::Vec};

use petgraph::{
    algo::toposort,
    stable_graph::NodeIndex,
    visit::{Dfs, NodeIndexable as _, Reversed},
};

use super::{Mesh, Node};

/// With more changed nodes than this, one walk over everything is cheaper than a walk from each.
const FEW: usize = 16;

pub(super) fn find(mesh: &Mesh, changed: &[Node]) -> Option<Vec<Node>> {
    let on_cycle = if changed.is_empty() || changed.len() > FEW {
        toposort(&mesh.graph, None)
            .err()
            .map(|cycle| cycle.node_id())
    } else {
        // A cycle that a change made passes through what was changed.
        changed
            .iter()
            .filter_map(|&node| mesh.index_of(node))
            .find(|&node| comes_back(mesh, node))
    }?;
    Some(shortest(mesh, on_cycle))
}

fn comes_back(mesh: &Mesh, start: NodeIndex) -> bool {
    let mut walk = Dfs::new(&mesh.graph, start);
    while let Some(node) = walk.next(&mesh.graph) {
        if mesh.graph.contains_edge(node, start) {
            return true;
        }
    }
    false
}

/// The shortest cycle through a node of some cycle, from its smallest node on.
fn shortest(mesh: &Mesh, start: NodeIndex) -> Vec<Node> {
    // petgraph names a node that a cycle can be reached from; walk back until one comes round.
    let start = if comes_back(mesh, start) {
        start
    } else {
        let mut walk = Dfs::new(Reversed(&mesh.graph), start);
        let mut found = start;
        while let Some(node) = walk.next(Reversed(&mesh.graph)) {
            if comes_back(mesh, node) {
                found = node;
                break;
            }
        }
        found
    };
    let mut from = vec![None; mesh.graph.node_bound()];
    let mut queue = VecDeque::from([start]);
    let mut cycle = Vec::new();
    'search: while let Some(node) = queue.pop_front() {
        for next in mesh.graph.neighbors(node) {
            if next == start {
                let mut at = Some(node);
                while let Some(here) = at {
                    cycle.push(mesh.graph[here]);
                    at = if here == start {
                        None
                    } else {
                        from[here.index()]
                    };
                }
                break 'search;
            }
            if from[next.index()].is_none() {
                from[next.index()] = Some(node);
                queue.push_back(next);
            }
        }
    }
    cycle.reverse();
    let smallest = cycle
        .iter()
        .enumerate()
        .min_by_key(|(_, node)| **node)
        .map_or(0, |(at, _)| at);
    cycle.rotate_left(smallest);
    cycle
}
