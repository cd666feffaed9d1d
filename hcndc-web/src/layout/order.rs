//! In which order nodes stand within their layers, so that few edges cross.
//!
//! Layers are swept downwards and upwards; each takes the order of the barycentres of its nodes' neighbours in the layer
//! before (Sugiyama, Tagawa and Toda 1981). Crossings are counted as in Barth, Jünger and Mutzel, *Simple and Efficient
//! Bilayer Cross Counting*, Graph Drawing 2002, and the best order that was seen is kept.

use super::layer::{Layered, Neighbours, neighbours};

/// Sweeps at most.
const SWEEPS: usize = 16;
/// Sweeps without a better order after which there are no more.
const PATIENCE: usize = 3;
/// Nodes and ties of all sweeps together, about: larger graphs get fewer sweeps.
const WORK: usize = 250_000;

/// Bits of a barycentre below one.
const FINE: u32 = 10;

/// Of each layer its nodes, from the left.
pub(super) fn order(graph: &Layered) -> Vec<Vec<u32>> {
    let mut order = first(graph);
    let ties: Vec<(u32, u32)> = graph.ties().collect();
    let below = neighbours(graph.len(), ties.iter().copied());
    let above = neighbours(
        graph.len(),
        ties.iter().map(|&(upper, lower)| (lower, upper)),
    );
    let mut places = vec![0_u32; graph.len()];
    note(&order, &mut places);
    let mut best = order.clone();
    let mut fewest = crossings(&order, &below, &places);
    let sweeps = (WORK / (graph.len() + ties.len()).max(1)).clamp(4, SWEEPS);
    let mut stale = 0;
    let mut keyed = Vec::new();
    for sweep in 0..sweeps {
        if fewest == 0 || stale == PATIENCE {
            break;
        }
        if sweep % 2 == 0 {
            for layer in order.iter_mut().skip(1) {
                sort(layer, &above, &mut places, &mut keyed);
            }
        } else {
            for layer in order.iter_mut().rev().skip(1) {
                sort(layer, &below, &mut places, &mut keyed);
            }
        }
        let count = crossings(&order, &below, &places);
        if count < fewest {
            fewest = count;
            best.clone_from(&order);
            stale = 0;
        } else {
            stale += 1;
        }
    }
    best
}

/// A first order: as a walk from the sources finds them, so that what hangs together stands together.
fn first(graph: &Layered) -> Vec<Vec<u32>> {
    let below = neighbours(graph.len(), graph.ties());
    let mut order: Vec<Vec<u32>> = vec![Vec::new(); graph.depth()];
    let mut seen = vec![false; graph.len()];
    let mut starts: Vec<u32> = (0..graph.len() as u32).collect();
    starts.sort_by_key(|&node| graph.layer(node));
    for start in starts {
        let mut stack = vec![start];
        while let Some(node) = stack.pop() {
            if std::mem::replace(&mut seen[node as usize], true) {
                continue;
            }
            order[graph.layer(node) as usize].push(node);
            let its = below.of(node as usize).iter().rev().copied();
            stack.extend(its.filter(|&to| !seen[to as usize]));
        }
    }
    order
}

fn note(order: &[Vec<u32>], places: &mut [u32]) {
    for layer in order {
        for (place, &node) in layer.iter().enumerate() {
            places[node as usize] = place as u32;
        }
    }
}

/// Sorts a layer by barycentres; what has no neighbour there keeps its place as its barycentre.
fn sort(
    layer: &mut [u32],
    neighbours: &Neighbours,
    places: &mut [u32],
    keyed: &mut Vec<(u64, u32)>,
) {
    keyed.clear();
    keyed.extend(layer.iter().enumerate().map(|(place, &node)| {
        let its = neighbours.of(node as usize);
        let barycentre = match its.len() as u64 {
            0 => (place as u64) << FINE,
            count => {
                let sum: u64 = its.iter().map(|&it| u64::from(places[it as usize])).sum();
                (sum << FINE) / count
            }
        };
        // Equals stay as they are.
        (barycentre << 32 | place as u64, node)
    }));
    keyed.sort_unstable();
    for (place, (slot, (_, node))) in layer.iter_mut().zip(keyed).enumerate() {
        *slot = *node;
        places[*node as usize] = place as u32;
    }
}

/// How many pairs of edges cross, by an accumulator tree for each pair of layers.
fn crossings(order: &[Vec<u32>], below: &Neighbours, places: &[u32]) -> u64 {
    let mut count = 0;
    let mut ends: Vec<u32> = Vec::new();
    let mut tree: Vec<u32> = Vec::new();
    for pair in order.windows(2) {
        let [upper, lower] = pair else { continue };
        ends.clear();
        for &node in upper {
            let from = ends.len();
            ends.extend(
                below
                    .of(node as usize)
                    .iter()
                    .map(|&to| places[to as usize]),
            );
            ends[from..].sort_unstable();
        }
        // Of the ends before it, those further right cross an edge.
        tree.clear();
        tree.resize(lower.len() + 1, 0);
        for (before, &end) in ends.iter().enumerate() {
            let mut at = end as usize + 1;
            let mut not_right = 0_u32;
            while at > 0 {
                not_right += tree[at];
                at &= at - 1;
            }
            count += before as u64 - u64::from(not_right);
            let mut at = end as usize + 1;
            while at < tree.len() {
                tree[at] += 1;
                at += at & at.wrapping_neg();
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossings_are_counted_as_a_slow_count_does() {
        // Three above, three below, drawn from left to right; every pair of edges that crosses counts once.
        let ties = [(0_u32, 5_u32), (0, 3), (1, 4), (2, 3), (2, 3), (1, 5)];
        let below = neighbours(6, ties.iter().copied());
        let order = vec![vec![0, 1, 2], vec![3, 4, 5]];
        let mut places = vec![0; 6];
        note(&order, &mut places);
        let mut slow = 0;
        for (at, one) in ties.iter().enumerate() {
            for two in &ties[at + 1..] {
                let (up, down) = (
                    i64::from(one.0) - i64::from(two.0),
                    i64::from(one.1) - i64::from(two.1),
                );
                slow += u64::from(up * down < 0);
            }
        }
        assert_eq!(crossings(&order, &below, &places), slow);
    }
}
