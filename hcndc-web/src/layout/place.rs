//! Where nodes stand in their layers from left to right: near to their neighbours above and below.
//!
//! Each layer in turn is given the places that are nearest, in the mean of squares, to where the neighbours of its nodes would
//! have them, under the order and the distances that must be kept; that is an isotonic regression, which pooling adjacent
//! violators solves in one pass (Ayer, Brunk, Ewing, Reid and Silverman, *An Empirical Distribution Function for Sampling with
//! Incomplete Information*, Ann. Math. Stat. 26, 1955). Inner parts of long edges weigh more, so that these are straight
//! (weights as in Gansner et al. 1993).

use super::layer::{Layered, Neighbours, neighbours};

/// Sweeps down and up.
const SWEEPS: usize = 4;
/// Distance between the bends of two edges, of the distance between nodes.
const THIN: f64 = 0.4;

/// The middle of each node.
pub(super) fn centers(graph: &Layered, order: &[Vec<u32>], beside: f64) -> Vec<f64> {
    let below = neighbours(graph.len(), graph.ties());
    let ties = graph.ties();
    let above = neighbours(graph.len(), ties.map(|(upper, lower)| (lower, upper)));
    let mut centers = vec![0.0; graph.len()];
    let mut layers: Vec<Layer<'_>> = order
        .iter()
        .map(|nodes| Layer::new(graph, nodes, beside))
        .collect();
    for layer in &layers {
        let middle = layer.offsets.last().copied().unwrap_or(0.0) / 2.0;
        for (&node, offset) in layer.nodes.iter().zip(&layer.offsets) {
            centers[node as usize] = offset - middle;
        }
    }
    for _ in 0..SWEEPS {
        for layer in layers.iter_mut().skip(1) {
            layer.draw(graph, &above, &mut centers);
        }
        for layer in layers.iter_mut().rev().skip(1) {
            layer.draw(graph, &below, &mut centers);
        }
    }
    centers
}

/// A layer: its nodes, and how far each is from the first at least.
#[derive(Debug)]
struct Layer<'a> {
    nodes: &'a [u32],
    offsets: Vec<f64>,
    blocks: Vec<Block>,
}

/// Neighbours that touch: how many, their weight, and the mean of their wishes.
#[derive(Clone, Copy, Debug)]
struct Block {
    count: usize,
    weight: f64,
    mean: f64,
}

impl<'a> Layer<'a> {
    fn new(graph: &Layered, nodes: &'a [u32], beside: f64) -> Self {
        let mut offsets = Vec::with_capacity(nodes.len());
        let mut offset = 0.0;
        for (at, &node) in nodes.iter().enumerate() {
            if let Some(&before) = at.checked_sub(1).and_then(|before| nodes.get(before)) {
                let gap = match graph.is_dummy(node) && graph.is_dummy(before) {
                    true => beside * THIN,
                    false => beside,
                };
                offset += (graph.width(before) + graph.width(node)) / 2.0 + gap;
            }
            offsets.push(offset);
        }
        Self {
            nodes,
            offsets,
            blocks: Vec::new(),
        }
    }

    /// Moves its nodes as near to their neighbours as may be.
    fn draw(&mut self, graph: &Layered, neighbours: &Neighbours, centers: &mut [f64]) {
        self.blocks.clear();
        for (&node, offset) in self.nodes.iter().zip(&self.offsets) {
            let (mut sum, mut weight) = (0.0, 0.0);
            for &other in neighbours.of(node as usize) {
                let pull = match (graph.is_dummy(node), graph.is_dummy(other)) {
                    (true, true) => 8.0,
                    (true, false) | (false, true) => 2.0,
                    (false, false) => 1.0,
                };
                sum += pull * centers[other as usize];
                weight += pull;
            }
            // Without neighbours it stays where it is, if others let it.
            let (wish, weight) = match weight > 0.0 {
                true => (sum / weight, weight),
                false => (centers[node as usize], 0.01),
            };
            self.blocks.push(Block {
                count: 1,
                weight,
                mean: wish - offset,
            });
            while let [.., before, last] = self.blocks.as_slice()
                && before.mean > last.mean
            {
                let weight = before.weight + last.weight;
                let merged = Block {
                    count: before.count + last.count,
                    weight,
                    mean: (before.mean * before.weight + last.mean * last.weight) / weight,
                };
                self.blocks.pop();
                if let Some(before) = self.blocks.last_mut() {
                    *before = merged;
                }
            }
        }
        let means = self
            .blocks
            .iter()
            .flat_map(|block| std::iter::repeat_n(block.mean, block.count));
        for ((&node, offset), mean) in self.nodes.iter().zip(&self.offsets).zip(means) {
            centers[node as usize] = mean + offset;
        }
    }
}
