//! A graph in compact form: rows of targets, and what an order of them tells.

use alloc::{vec, vec::Vec};

/// A directed graph whose nodes are numbered from 0: for each, its targets in one piece of one vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows<T> {
    starts: Vec<u32>,
    targets: Vec<(u32, T)>,
}

/// The graph has a cycle, where it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the graph has a cycle")]
pub struct NotAcyclic;

impl<T: Copy> Rows<T> {
    /// A graph of `nodes` nodes. Targets keep the order that `edges` have. Edges that name other nodes are left out.
    ///
    /// # Complexity
    /// O(nodes + edges).
    #[must_use]
    pub fn new(nodes: usize, edges: &[(u32, u32, T)]) -> Self {
        let inside = |edge: &&(u32, u32, T)| (edge.0 as usize) < nodes && (edge.1 as usize) < nodes;
        let mut starts = vec![0u32; nodes + 1];
        for edge in edges.iter().filter(inside) {
            starts[edge.0 as usize + 1] += 1;
        }
        for at in 0..nodes {
            starts[at + 1] += starts[at];
        }
        let mut place = starts.clone();
        let mut targets = match edges.iter().find(inside) {
            Some(edge) => vec![(0, edge.2); starts[nodes] as usize],
            None => Vec::new(),
        };
        for edge in edges.iter().filter(inside) {
            let at = &mut place[edge.0 as usize];
            targets[*at as usize] = (edge.1, edge.2);
            *at += 1;
        }
        Self { starts, targets }
    }

    /// Number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there are no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The targets of a node; none for a number that is no node's.
    #[must_use]
    pub fn row(&self, node: u32) -> &[(u32, T)] {
        let node = node as usize;
        match (self.starts.get(node), self.starts.get(node + 1)) {
            (Some(&start), Some(&end)) => &self.targets[start as usize..end as usize],
            _ => &[],
        }
    }

    /// The nodes in an order in which each comes before its targets (Kahn, 1962); of those that could be next, the
    /// one that could be longest.
    ///
    /// # Errors
    /// [`NotAcyclic`] if there is none.
    pub fn topological(&self) -> Result<Vec<u32>, NotAcyclic> {
        let mut waits = vec![0u32; self.len()];
        for &(target, _) in &self.targets {
            waits[target as usize] += 1;
        }
        let mut order: Vec<u32> = (0..self.len() as u32)
            .filter(|&node| waits[node as usize] == 0)
            .collect();
        let mut done = 0;
        while let Some(&node) = order.get(done) {
            done += 1;
            for &(target, _) in self.row(node) {
                waits[target as usize] -= 1;
                if waits[target as usize] == 0 {
                    order.push(target);
                }
            }
        }
        if order.len() == self.len() {
            Ok(order)
        } else {
            Err(NotAcyclic)
        }
    }

    /// For each node the greatest sum of weights on a way that starts with it, its own included.
    ///
    /// # Errors
    /// [`NotAcyclic`] if there is a cycle.
    pub fn longest_below(
        &self,
        mut weight: impl FnMut(u32) -> u64,
    ) -> Result<Vec<u64>, NotAcyclic> {
        let order = self.topological()?;
        let mut below = vec![0u64; self.len()];
        for &node in order.iter().rev() {
            let behind = self
                .row(node)
                .iter()
                .map(|&(next, _)| below[next as usize])
                .max();
            below[node as usize] = behind.unwrap_or(0).saturating_add(weight(node));
        }
        Ok(below)
    }

    /// For each node the greatest sum of weights on a way that leads to it, its own left out.
    ///
    /// # Errors
    /// [`NotAcyclic`] if there is a cycle.
    pub fn longest_before(
        &self,
        mut weight: impl FnMut(u32) -> u64,
    ) -> Result<Vec<u64>, NotAcyclic> {
        let mut before = vec![0u64; self.len()];
        for node in self.topological()? {
            let through = before[node as usize].saturating_add(weight(node));
            for &(target, _) in self.row(node) {
                let longest = &mut before[target as usize];
                *longest = through.max(*longest);
            }
        }
        Ok(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_edges_in_order_and_ignore_strangers() {
        let rows = Rows::new(
            3,
            &[
                (0, 2, 'a'),
                (1, 2, 'b'),
                (0, 1, 'c'),
                (7, 1, 'x'),
                (1, 9, 'y'),
            ],
        );
        assert_eq!(rows.row(0), &[(2, 'a'), (1, 'c')]);
        assert_eq!(rows.row(1), &[(2, 'b')]);
        assert_eq!(rows.row(9), &[]);
        assert_eq!(rows.topological(), Ok(vec![0, 1, 2]));
    }

    #[test]
    fn a_cycle_has_no_order() {
        assert_eq!(
            Rows::new(2, &[(0, 1, ()), (1, 0, ())]).topological(),
            Err(NotAcyclic)
        );
    }

    #[test]
    fn the_longest_way_counts_weights_not_steps() {
        let rows = Rows::new(4, &[(0, 1, ()), (1, 3, ()), (0, 2, ()), (2, 3, ())]);
        let weight = |node| [1, 1, 10, 1][node as usize];
        assert_eq!(rows.longest_below(weight), Ok(vec![12, 2, 11, 1]));
        assert_eq!(rows.longest_before(weight), Ok(vec![0, 1, 1, 11]));
    }
}
