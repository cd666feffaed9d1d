//! Which layer each node stands in, what hangs together, and dummies where an edge passes a layer.

use std::ops::Range;

use super::{Component, LayoutError, MOST_DUMMIES, Size};

/// The layer of each node: every edge leads to a greater one.
///
/// Layers are those of longest paths from the sources; then what has more edges below than above it moves down to them, which
/// shortens edges (as far as a single pass can; Gansner, Koutsofios, North and Vo, *A Technique for Drawing Directed Graphs*,
/// IEEE Trans. SE 19, 1993, have the optimum).
pub(super) fn layers(nodes: usize, edges: &[(usize, usize)]) -> Result<Vec<u32>, LayoutError> {
    let pairs = edges.iter().map(|&(from, to)| (from as u32, to as u32));
    let below = neighbours(nodes, pairs);
    let mut above = vec![0_u32; nodes];
    for &(_, to) in edges {
        above[to] += 1;
    }
    let mut open = above.clone();
    let mut topological: Vec<usize> = (0..nodes).filter(|&node| open[node] == 0).collect();
    let mut layers = vec![0_u32; nodes];
    let mut next = 0;
    while let Some(&node) = topological.get(next) {
        next += 1;
        for &to in below.of(node) {
            let to = to as usize;
            layers[to] = layers[to].max(layers[node] + 1);
            open[to] -= 1;
            if open[to] == 0 {
                topological.push(to);
            }
        }
    }
    if topological.len() < nodes {
        let path = cycle(&open, edges);
        return Err(LayoutError::Cycle { path });
    }
    for &node in topological.iter().rev() {
        let its = below.of(node);
        if its.len() > above[node] as usize
            && let Some(first) = its.iter().map(|&to| layers[to as usize]).min()
        {
            layers[node] = first - 1;
        }
    }
    Ok(layers)
}

/// A cycle among nodes that have open edges: each of them has one before it that is open, too.
fn cycle(open: &[u32], edges: &[(usize, usize)]) -> Vec<usize> {
    let mut before: Vec<Option<usize>> = vec![None; open.len()];
    for &(from, to) in edges {
        if open[from] > 0 && before[to].is_none() {
            before[to] = Some(from);
        }
    }
    let mut seen = vec![false; open.len()];
    let mut at = open.iter().position(|&open| open > 0).unwrap_or(0);
    while !seen[at] {
        seen[at] = true;
        at = before[at].unwrap_or(at);
    }
    let mut path = vec![at];
    let mut step = before[at].unwrap_or(at);
    while step != at {
        path.push(step);
        step = before[step].unwrap_or(at);
    }
    path.push(at);
    path.reverse();
    path
}

/// Lists of neighbours, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbours {
    starts: Vec<usize>,
    all: Vec<u32>,
}

impl Neighbours {
    pub(super) fn of(&self, node: usize) -> &[u32] {
        &self.all[self.starts[node]..self.starts[node + 1]]
    }
}

/// Of each node the ends of the pairs that begin with it, in the order of the pairs.
pub(super) fn neighbours(
    nodes: usize,
    pairs: impl Iterator<Item = (u32, u32)> + Clone,
) -> Neighbours {
    let mut starts = vec![0; nodes + 1];
    for (from, _) in pairs.clone() {
        starts[from as usize + 1] += 1;
    }
    for node in 0..nodes {
        starts[node + 1] += starts[node];
    }
    let mut free = starts.clone();
    let mut all = vec![0_u32; starts[nodes]];
    for (from, to) in pairs {
        let free = &mut free[from as usize];
        all[*free] = to;
        *free += 1;
    }
    Neighbours { starts, all }
}

/// What hangs together, in the order of the first node of each.
pub(super) fn components(nodes: usize, edges: &[(usize, usize)]) -> Vec<Component> {
    let both = edges.iter().flat_map(|&(from, to)| {
        let (from, to) = (from as u32, to as u32);
        [(from, to), (to, from)]
    });
    let neighbours = neighbours(nodes, both);
    let mut of = vec![usize::MAX; nodes];
    let mut components: Vec<Component> = Vec::new();
    for start in 0..nodes {
        if of[start] != usize::MAX {
            continue;
        }
        let mut found = vec![start];
        of[start] = components.len();
        let mut next = 0;
        while let Some(&node) = found.get(next) {
            next += 1;
            for &other in neighbours.of(node) {
                let other = other as usize;
                if of[other] == usize::MAX {
                    of[other] = components.len();
                    found.push(other);
                }
            }
        }
        found.sort_unstable();
        components.push(Component {
            nodes: found,
            edges: Vec::new(),
        });
    }
    for (edge, &(from, _)) in edges.iter().enumerate() {
        components[of[from]].edges.push(edge);
    }
    components
}

/// A component with dummies: its nodes first, in their order, then dummies.
#[derive(Debug)]
pub(super) struct Layered {
    layers: Vec<u32>,
    sizes: Vec<Size>,
    real: usize,
    /// The way of each edge.
    pub(super) ways: Vec<Way>,
}

/// An edge: its ends, and the dummies between, from above.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) dummies: Range<u32>,
}

impl Layered {
    pub(super) fn len(&self) -> usize {
        self.layers.len()
    }

    pub(super) fn layer(&self, node: u32) -> u32 {
        self.layers[node as usize]
    }

    pub(super) fn width(&self, node: u32) -> f64 {
        // A dummy is a bend of a line.
        self.sizes.get(node as usize).map_or(1.0, |size| size.width)
    }

    pub(super) fn height(&self, node: u32) -> f64 {
        self.sizes
            .get(node as usize)
            .map_or(1.0, |size| size.height)
    }

    pub(super) fn is_dummy(&self, node: u32) -> bool {
        node as usize >= self.real
    }

    /// Pairs of nodes of neighbouring layers that an edge ties, the upper one first.
    pub(super) fn ties(&self) -> impl Iterator<Item = (u32, u32)> + Clone + '_ {
        let ties = self.ways.iter().flat_map(|way| {
            let upper = std::iter::once(way.from).chain(way.dummies.clone());
            let lower = way.dummies.clone().chain(std::iter::once(way.to));
            upper.zip(lower)
        });
        // One that was too long to get dummies ties nothing.
        ties.filter(|&(upper, lower)| self.layer(upper) + 1 == self.layer(lower))
    }

    /// How many layers there are.
    pub(super) fn depth(&self) -> usize {
        self.layers
            .iter()
            .max()
            .map_or(0, |last| *last as usize + 1)
    }
}

/// Puts dummies on edges that pass layers; on the shortest first, until there are as many as may be.
pub(super) fn with_dummies(
    component: &Component,
    sizes: &[Size],
    edges: &[(usize, usize)],
    layers: &[u32],
) -> Layered {
    let place = |node: usize| component.nodes.binary_search(&node).unwrap_or(0) as u32;
    let first = component.nodes.iter().map(|&node| layers[node]).min();
    let first = first.unwrap_or(0);
    let mut graph = Layered {
        layers: component
            .nodes
            .iter()
            .map(|&node| layers[node] - first)
            .collect(),
        sizes: component.nodes.iter().map(|&node| sizes[node]).collect(),
        real: component.nodes.len(),
        ways: component
            .edges
            .iter()
            .map(|&edge| {
                let (from, to) = edges[edge];
                Way {
                    from: place(from),
                    to: place(to),
                    dummies: 0..0,
                }
            })
            .collect(),
    };
    let span = |way: &Way| graph.layers[way.to as usize] - graph.layers[way.from as usize];
    let spans: Vec<u32> = graph.ways.iter().map(span).collect();
    let mut by_span: Vec<usize> = (0..spans.len()).filter(|&way| spans[way] > 1).collect();
    by_span.sort_by_key(|&way| spans[way]);
    for way in by_span {
        let dummies = spans[way] - 1;
        let begin = graph.layers.len() as u32;
        if graph.layers.len() - graph.real + dummies as usize > MOST_DUMMIES {
            break;
        }
        let top = graph.layers[graph.ways[way].from as usize];
        graph.layers.extend((1..=dummies).map(|down| top + down));
        graph.ways[way].dummies = begin..begin + dummies;
    }
    graph
}
