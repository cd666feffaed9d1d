//! Layered drawings of directed graphs without circles: where each node stands, and the way of each edge.
//!
//! ```text
//! nodes, edges ─► components ─► layers ─► dummies on long edges ─► order within layers ─► places ─► packed side by side
//! ```
//!
//! The method is that of Sugiyama, Tagawa and Toda (*Methods for Visual Understanding of Hierarchical System Structures*,
//! IEEE Trans. SMC 11, 1981): `layer` gives layers along longest paths, `order` reduces crossings by barycentres, and
//! `place` draws each node to its neighbours under the distances that must be kept. It knows nothing of flows or jobs, and
//! the same input always gives the same output.

mod layer;
mod order;
mod place;

/// Bends of the edges of what hangs together, at most.
pub const MOST_DUMMIES: usize = 20_000;

/// A node's size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Its width, more than 0.
    pub width: f64,
    /// Its height, more than 0.
    pub height: f64,
}

/// Distances that are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spacing {
    /// Between neighbours of a layer. At least 2.
    pub beside: f64,
    /// Between a layer and the next. At least 2.
    pub below: f64,
    /// Around the whole.
    pub margin: f64,
}

impl Default for Spacing {
    fn default() -> Self {
        Self {
            beside: 28.0,
            below: 64.0,
            margin: 24.0,
        }
    }
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Placed {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Layer, from 0, within what hangs together.
    pub layer: u32,
}

/// A drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// Width of the whole.
    pub width: f64,
    /// Height of the whole.
    pub height: f64,
    /// Where each node stands, in the order of the input.
    pub nodes: Vec<Placed>,
    /// The way of each edge, in the order of the input: from the middle of the lower side of the one node to the middle of
    /// the upper side of the other, downwards all the way. At least two points.
    pub edges: Vec<Vec<[f64; 2]>>,
}

/// Why there is no drawing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// Nodes that come back to the first, which stands last again.
    #[error("cycle of {} nodes", path.len() - 1)]
    Cycle {
        /// By their places in the input.
        path: Vec<usize>,
    },
    /// An edge that names a node that is not there.
    #[error("edge {edge} has no node at one of its ends")]
    NoNode {
        /// By its place in the input.
        edge: usize,
    },
}

/// Draws a graph. Edges between the same two nodes may stand several times.
///
/// # Errors
/// [`LayoutError`].
///
/// # Complexity
/// O((n + d) log n) for n nodes and d dummies, of which there are no more than [`MOST_DUMMIES`]: the
/// longest of the edges beyond that are drawn straight.
pub fn layout(
    sizes: &[Size],
    edges: &[(usize, usize)],
    spacing: &Spacing,
) -> Result<Layout, LayoutError> {
    let bad = |(from, to): &(usize, usize)| *from >= sizes.len() || *to >= sizes.len();
    if let Some(edge) = edges.iter().position(bad) {
        return Err(LayoutError::NoNode { edge });
    }
    let layers = layer::layers(sizes.len(), edges)?;
    let mut whole = Layout {
        nodes: vec![Placed::default(); sizes.len()],
        edges: vec![Vec::new(); edges.len()],
        ..Layout::default()
    };
    let parts: Vec<Part> = layer::components(sizes.len(), edges)
        .into_iter()
        .map(|component| {
            let graph = layer::with_dummies(&component, sizes, edges, &layers);
            let order = order::order(&graph);
            Part::new(component, &graph, &order, sizes, edges, spacing)
        })
        .collect();
    pack(parts, spacing, &mut whole);
    Ok(whole)
}

/// What hangs together: nodes and edges of the input.
#[derive(Clone, Debug, Default)]
struct Component {
    nodes: Vec<usize>,
    edges: Vec<usize>,
}

/// A component, drawn by itself.
#[derive(Debug)]
struct Part {
    component: Component,
    width: f64,
    height: f64,
    nodes: Vec<Placed>,
    edges: Vec<Vec<[f64; 2]>>,
}

impl Part {
    fn new(
        component: Component,
        graph: &layer::Layered,
        order: &[Vec<u32>],
        sizes: &[Size],
        edges: &[(usize, usize)],
        spacing: &Spacing,
    ) -> Self {
        let centers = place::centers(graph, order, spacing.beside);
        let heights: Vec<f64> = order
            .iter()
            .map(|layer| {
                let heights = layer.iter().map(|&node| graph.height(node));
                heights.fold(1.0, f64::max)
            })
            .collect();
        let tops: Vec<f64> = heights
            .iter()
            .scan(0.0, |top, height| {
                let this = *top;
                *top += height + spacing.below;
                Some(this)
            })
            .collect();
        let left = (0..graph.len() as u32)
            .map(|node| centers[node as usize] - graph.width(node) / 2.0)
            .fold(f64::INFINITY, f64::min);
        let middle = |node: u32| {
            let layer = graph.layer(node) as usize;
            tops[layer] + heights[layer] / 2.0
        };
        let nodes: Vec<Placed> = component
            .nodes
            .iter()
            .enumerate()
            .map(|(at, &node)| Placed {
                x: round(centers[at] - sizes[node].width / 2.0 - left),
                y: round(middle(at as u32) - sizes[node].height / 2.0),
                layer: graph.layer(at as u32),
            })
            .collect();
        let width = (0..graph.len() as u32)
            .map(|node| centers[node as usize] + graph.width(node) / 2.0 - left)
            .fold(0.0, f64::max);
        let height = tops.last().copied().unwrap_or(0.0) + heights.last().copied().unwrap_or(0.0);
        let edges = component
            .edges
            .iter()
            .zip(&graph.ways)
            .map(|(&edge, way)| {
                let (from, to) = edges[edge];
                let (first, last) = (way.from as usize, way.to as usize);
                let mut points = vec![[
                    round(nodes[first].x + sizes[from].width / 2.0),
                    round(nodes[first].y + sizes[from].height),
                ]];
                points.extend(
                    way.dummies
                        .clone()
                        .map(|node| [round(centers[node as usize] - left), round(middle(node))]),
                );
                points.push([
                    round(nodes[last].x + sizes[to].width / 2.0),
                    round(nodes[last].y),
                ]);
                points
            })
            .collect();
        Self {
            component,
            width,
            height,
            nodes,
            edges,
        }
    }
}

/// Whole tenths: short to write, and far finer than what a screen shows.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Puts components on shelves, the tallest first, so that the whole is about as wide as a screen is.
fn pack(mut parts: Vec<Part>, spacing: &Spacing, whole: &mut Layout) {
    const ASPECT: f64 = 1.6;
    let gap = spacing.below.max(spacing.beside);
    let area: f64 = parts
        .iter()
        .map(|part| (part.width + gap) * (part.height + gap))
        .sum();
    let widest = parts.iter().map(|part| part.width).fold(0.0, f64::max);
    let shelf = widest.max((area * ASPECT).sqrt());
    // Equals stay in the order of the input.
    parts.sort_by(|one, two| two.height.total_cmp(&one.height));
    let (mut x, mut y, mut tall) = (0.0_f64, 0.0_f64, 0.0_f64);
    let (mut width, mut height) = (0.0_f64, 0.0_f64);
    for part in parts {
        if x > 0.0 && x + part.width > shelf {
            y += tall + gap;
            (x, tall) = (0.0, 0.0);
        }
        let (left, top) = (round(x + spacing.margin), round(y + spacing.margin));
        for (&node, placed) in part.component.nodes.iter().zip(&part.nodes) {
            whole.nodes[node] = Placed {
                x: round(placed.x + left),
                y: round(placed.y + top),
                layer: placed.layer,
            };
        }
        for (&edge, points) in part.component.edges.iter().zip(part.edges) {
            whole.edges[edge] = points
                .into_iter()
                .map(|[x, y]| [round(x + left), round(y + top)])
                .collect();
        }
        tall = tall.max(part.height);
        width = width.max(x + part.width);
        height = height.max(y + part.height);
        x += part.width + gap;
    }
    whole.width = round(width + 2.0 * spacing.margin);
    whole.height = round(height + 2.0 * spacing.margin);
}

#[cfg(test)]
mod tests;
