//! The mesh: which job and which flow waits for which, and the questions that this answers.
//!
//! [`Mesh`] is the graph that people edit, on petgraph: one node for each job, and two for each flow,
//! its start and its end. A flow's start comes before its jobs, these before its end (of which a flow has one even without jobs), and a
//! parent's end before its child's start. So one graph knows every way in which the mesh could
//! wait for itself. [`Rows`] is the same in a compact form for reading and running.

mod cycle;
mod dates;
mod graph;
mod order;

pub use dates::DateTie;
pub use graph::{Mesh, Node};
pub use order::{NotAcyclic, Rows};
