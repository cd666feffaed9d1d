//! The graph that people edit.

use alloc::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    vec::Vec,
};
use core::time::Duration;

use petgraph::{
    Direction,
    stable_graph::{NodeIndex, StableDiGraph},
    visit::{Bfs, NodeIndexable as _, Reversed},
};

use super::{
    cycle,
    order::{NotAcyclic, Rows},
};
use crate::id::{FlowId, JobId};

/// A node of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// The moment when a flow's jobs may start.
    FlowStart(FlowId),
    /// A job.
    Job(JobId),
    /// The moment when a flow has succeeded.
    FlowEnd(FlowId),
}

/// All flows and jobs, and what waits for what.
///
/// Putting a flow or a job replaces what it waits for. Nothing here refuses a cycle: ask
/// [`find_cycle`](Self::find_cycle), and put back what was there before.
///
/// ```
/// use hcndc_core::{id::{FlowId, JobId}, mesh::{Mesh, Node}};
///
/// let mut mesh = Mesh::default();
/// mesh.put_flow(FlowId(1), []);
/// mesh.put_job(JobId(10), FlowId(1), []);
/// mesh.put_job(JobId(11), FlowId(1), [JobId(10)]);
/// assert_eq!(mesh.find_cycle(&[]), None);
///
/// mesh.put_job(JobId(10), FlowId(1), [JobId(11)]);
/// let cycle = mesh.find_cycle(&[Node::Job(JobId(10))]);
/// assert_eq!(cycle, Some(vec![Node::Job(JobId(10)), Node::Job(JobId(11))]));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Mesh {
    pub(super) graph: StableDiGraph<Node, ()>,
    jobs: BTreeMap<JobId, NodeIndex>,
    flows: BTreeMap<FlowId, Ends>,
}

/// The two nodes of a flow.
#[derive(Clone, Copy, Debug)]
struct Ends {
    start: NodeIndex,
    end: NodeIndex,
}

impl Mesh {
    /// Makes a flow, or replaces its parents. Parents that are not there yet are made.
    pub fn put_flow(&mut self, flow: FlowId, parents: impl IntoIterator<Item = FlowId>) {
        let start = self.flow_nodes(flow).start;
        let ends = parents
            .into_iter()
            .map(|parent| self.flow_nodes(parent).end);
        let ends = ends.collect();
        self.set_incoming(start, ends);
    }

    /// Makes a job, or replaces its dependencies. Flow and dependencies that are not there yet are made.
    pub fn put_job(
        &mut self,
        job: JobId,
        flow: FlowId,
        dependencies: impl IntoIterator<Item = JobId>,
    ) {
        let (known, node) = self.job_node(job);
        let Ends { start, end } = self.flow_nodes(flow);
        if known {
            self.graph.update_edge(node, end, ());
        } else {
            self.graph.add_edge(node, end, ());
        }
        let before = dependencies.into_iter().map(|job| self.job_node(job).1);
        let before = before.chain([start]).collect();
        self.set_incoming(node, before);
    }

    /// Removes a flow; its jobs stay, so remove them first.
    pub fn remove_flow(&mut self, flow: FlowId) {
        if let Some(Ends { start, end }) = self.flows.remove(&flow) {
            self.graph.remove_node(start);
            self.graph.remove_node(end);
        }
    }

    /// Removes a job.
    pub fn remove_job(&mut self, job: JobId) {
        if let Some(node) = self.jobs.remove(&job) {
            self.graph.remove_node(node);
        }
    }

    /// Number of jobs and of dependencies among them.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let is_job = |index: NodeIndex| matches!(self.graph[index], Node::Job(_));
        let ends = self
            .graph
            .edge_indices()
            .filter_map(|edge| self.graph.edge_endpoints(edge));
        let dependencies = ends.filter(|&(from, to)| is_job(from) && is_job(to));
        (self.jobs.len(), dependencies.count())
    }

    /// Jobs that depend on this one, by id.
    #[must_use]
    pub fn dependents(&self, job: JobId) -> Vec<JobId> {
        let mut jobs: Vec<_> = self
            .after(Node::Job(job))
            .filter_map(|node| {
                if let Node::Job(job) = node {
                    Some(job)
                } else {
                    None
                }
            })
            .collect();
        jobs.sort_unstable();
        jobs
    }

    /// Flows whose parent this one is, by id.
    #[must_use]
    pub fn children(&self, flow: FlowId) -> Vec<FlowId> {
        let mut flows: Vec<_> = self
            .after(Node::FlowEnd(flow))
            .filter_map(|node| {
                if let Node::FlowStart(flow) = node {
                    Some(flow)
                } else {
                    None
                }
            })
            .collect();
        flows.sort_unstable();
        flows
    }

    /// A way on which the mesh waits for itself: each node waits for the one before it, the first for the last.
    /// `None` if there is none.
    ///
    /// `changed` are the nodes whose incoming edges were replaced since the mesh last had no cycle; empty for "anything".
    ///
    /// # Complexity
    /// With few changed nodes, O(what comes after them); else O(nodes + edges).
    #[must_use]
    pub fn find_cycle(&self, changed: &[Node]) -> Option<Vec<Node>> {
        cycle::find(self, changed)
    }

    /// The mesh in compact form, and the node that each row stands for, sorted.
    #[must_use]
    pub fn to_rows(&self) -> (Rows<()>, Vec<Node>) {
        let starts = self.flows.values().map(|ends| ends.start);
        let ends = self.flows.values().map(|ends| ends.end);
        let sorted = starts.chain(self.jobs.values().copied()).chain(ends);
        let mut nodes = Vec::with_capacity(self.graph.node_count());
        let mut rank = alloc::vec![0u32; self.graph.node_bound()];
        for (at, index) in sorted.enumerate() {
            nodes.push(self.graph[index]);
            rank[index.index()] = at as u32;
        }
        let edges: Vec<_> = self
            .graph
            .edge_indices()
            .filter_map(|edge| self.graph.edge_endpoints(edge))
            .map(|(from, to)| (rank[from.index()], rank[to.index()], ()))
            .collect();
        (Rows::new(nodes.len(), &edges), nodes)
    }

    /// Each job's level: the number of jobs on the longest way to it, 0 for those that wait for none.
    ///
    /// # Errors
    /// [`NotAcyclic`] if there is a cycle.
    pub fn levels(&self) -> Result<BTreeMap<JobId, u32>, NotAcyclic> {
        let (rows, nodes) = self.to_rows();
        let before =
            rows.longest_before(|at| u64::from(matches!(nodes[at as usize], Node::Job(_))))?;
        Ok(nodes
            .iter()
            .zip(before)
            .filter_map(|(node, length)| {
                let Node::Job(job) = node else { return None };
                Some((*job, u32::try_from(length).unwrap_or(u32::MAX)))
            })
            .collect())
    }

    /// The longest way through the mesh when each job takes what `duration` says: its length, and its jobs in order.
    /// No schedule can be shorter, whatever the number of executors.
    ///
    /// # Errors
    /// [`NotAcyclic`] if there is a cycle.
    pub fn critical_path(
        &self,
        mut duration: impl FnMut(JobId) -> Duration,
    ) -> Result<(Duration, Vec<JobId>), NotAcyclic> {
        let (rows, nodes) = self.to_rows();
        let weights: Vec<u64> = nodes
            .iter()
            .map(|node| match node {
                Node::Job(job) => u64::try_from(duration(*job).as_micros()).unwrap_or(u64::MAX),
                Node::FlowStart(_) | Node::FlowEnd(_) => 0,
            })
            .collect();
        let below = rows.longest_below(|at| weights[at as usize])?;
        let mut at = (0..nodes.len()).max_by_key(|&at| (below[at], core::cmp::Reverse(at)));
        let length = at.map_or(0, |at| below[at]);
        let mut path = Vec::new();
        while let Some(here) = at {
            if let Node::Job(job) = nodes[here] {
                path.push(job);
            }
            at = rows
                .row(here as u32)
                .iter()
                .map(|&(next, ())| next as usize)
                .max_by_key(|&next| (below[next], core::cmp::Reverse(next)));
        }
        Ok((Duration::from_micros(length), path))
    }

    /// Flows that hold a job or a flow start right behind this flow: its children, and flows with a job that depends on one of its jobs.
    #[must_use]
    pub(crate) fn flows_behind(
        &self,
        flow: FlowId,
        flow_of: impl Fn(JobId) -> Option<FlowId>,
    ) -> BTreeSet<FlowId> {
        let jobs = self.after(Node::FlowStart(flow));
        let by_jobs = jobs.flat_map(|job| self.after(job)).filter_map(|node| {
            if let Node::Job(job) = node {
                flow_of(job)
            } else {
                None
            }
        });
        let mut flows: BTreeSet<_> = self.children(flow).into_iter().chain(by_jobs).collect();
        flows.remove(&flow);
        flows
    }

    /// Which of these jobs a node waits for, directly or through others.
    ///
    /// # Complexity
    /// O(what comes before it), less once all are found.
    #[must_use]
    pub(crate) fn find_before(&self, node: Node, jobs: &BTreeSet<JobId>) -> BTreeSet<JobId> {
        let mut found = BTreeSet::new();
        let Some(start) = self.index_of(node) else {
            return found;
        };
        let before = Reversed(&self.graph);
        let mut walk = Bfs::new(before, start);
        while found.len() < jobs.len()
            && let Some(at) = walk.next(before)
        {
            if let Node::Job(job) = self.graph[at]
                && at != start
                && jobs.contains(&job)
            {
                found.insert(job);
            }
        }
        found
    }

    fn after(&self, node: Node) -> impl Iterator<Item = Node> {
        self.index_of(node)
            .into_iter()
            .flat_map(|index| self.graph.neighbors(index))
            .map(|index| self.graph[index])
    }

    /// Where a node is in the graph.
    pub(super) fn index_of(&self, node: Node) -> Option<NodeIndex> {
        match node {
            Node::Job(job) => self.jobs.get(&job).copied(),
            Node::FlowStart(flow) => self.flows.get(&flow).map(|ends| ends.start),
            Node::FlowEnd(flow) => self.flows.get(&flow).map(|ends| ends.end),
        }
    }

    /// A job's node, and whether it was there before.
    fn job_node(&mut self, job: JobId) -> (bool, NodeIndex) {
        match self.jobs.entry(job) {
            Entry::Occupied(entry) => (true, *entry.get()),
            Entry::Vacant(entry) => (false, *entry.insert(self.graph.add_node(Node::Job(job)))),
        }
    }

    /// A flow's start and its end. They are tied, for a flow without jobs passes the wait on too.
    fn flow_nodes(&mut self, flow: FlowId) -> Ends {
        let graph = &mut self.graph;
        *self.flows.entry(flow).or_insert_with(|| {
            let start = graph.add_node(Node::FlowStart(flow));
            let end = graph.add_node(Node::FlowEnd(flow));
            graph.add_edge(start, end, ());
            Ends { start, end }
        })
    }

    /// Makes these the only nodes with an edge to this one. Edges that stay are not touched: to take one away means a walk
    /// over all that leave the same node, which many may.
    fn set_incoming(&mut self, node: NodeIndex, mut from: Vec<NodeIndex>) {
        from.sort_unstable();
        from.dedup();
        let mut stays = alloc::vec![false; from.len()];
        let mut walk = self
            .graph
            .neighbors_directed(node, Direction::Incoming)
            .detach();
        while let Some((edge, before)) = walk.next(&self.graph) {
            match from.binary_search(&before) {
                Ok(at) => stays[at] = true,
                Err(_) => {
                    self.graph.remove_edge(edge);
                }
            }
        }
        for (before, _) in from.into_iter().zip(stays).filter(|&(_, stays)| !stays) {
            self.graph.add_edge(before, node, ());
        }
    }
}
