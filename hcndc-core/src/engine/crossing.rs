//! What runs of one execution wait for in others, each by what it waits for; so whatever moves finds whom that concerns
//! without a search.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::cmp::Reverse;

use super::placement::Seat;
use crate::{
    id::{ExecutionId, FlowId, JobId},
    time::DataDate,
};

/// A flow run of a live execution, by its place there.
pub(super) type FlowSeat = (ExecutionId, u32);

pub(super) const FIRST: (ExecutionId, u32) = (ExecutionId(0), 0);
pub(super) const LAST: (ExecutionId, u32) = (ExecutionId(u64::MAX), u32::MAX);

/// All that crosses from one execution to another.
#[derive(Clone, Debug, Default)]
pub(super) struct Crossings {
    /// Flow runs of live executions by flow and date; those that have joined another are left out.
    runs: BTreeSet<(FlowId, DataDate, FlowSeat)>,
    /// Number of runs of each flow that run.
    running: BTreeMap<FlowId, u32>,
    /// Flow runs that wait for a place among the runs of their flow, the next one first.
    line: BTreeSet<(FlowId, Reverse<i32>, FlowSeat)>,
    /// Flow runs that wait for a flow to reach a date, by that flow.
    gates: BTreeMap<FlowId, BTreeSet<(DataDate, FlowSeat)>>,
    /// Flow runs that have joined another, by that other.
    joined: BTreeSet<(FlowSeat, FlowSeat)>,
    /// Job runs that wait for runs of a job, by that job; with the date that they ask for.
    watchers: BTreeMap<JobId, BTreeSet<(DataDate, Seat)>>,
}

impl Crossings {
    /// A live execution has a run of this flow.
    pub(super) fn add_run(&mut self, flow: FlowId, date: DataDate, seat: FlowSeat) {
        self.runs.insert((flow, date, seat));
    }

    pub(super) fn remove_run(&mut self, flow: FlowId, date: DataDate, seat: FlowSeat) {
        self.runs.remove(&(flow, date, seat));
    }

    /// Runs of this flow for this date in live executions, the latest first.
    pub(super) fn runs_of(
        &self,
        flow: FlowId,
        date: DataDate,
    ) -> impl Iterator<Item = FlowSeat> + use<'_> {
        let runs = self.runs.range((flow, date, FIRST)..=(flow, date, LAST));
        runs.rev().map(|&(_, _, seat)| seat)
    }

    /// How many runs of this flow run.
    pub(super) fn running(&self, flow: FlowId) -> u32 {
        self.running.get(&flow).copied().unwrap_or(0)
    }

    pub(super) fn begin_run(&mut self, flow: FlowId) {
        *self.running.entry(flow).or_insert(0) += 1;
    }

    pub(super) fn end_run(&mut self, flow: FlowId) {
        if let Some(running) = self.running.get_mut(&flow) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.running.remove(&flow);
            }
        }
    }

    /// A flow run of this priority stands in the line of its flow.
    pub(super) fn stand(&mut self, flow: FlowId, priority: i32, seat: FlowSeat) {
        self.line.insert((flow, Reverse(priority), seat));
    }

    pub(super) fn leave_line(&mut self, flow: FlowId, priority: i32, seat: FlowSeat) {
        self.line.remove(&(flow, Reverse(priority), seat));
    }

    /// Whoever is next to have a place among the runs of this flow.
    pub(super) fn first_in_line(&self, flow: FlowId) -> Option<FlowSeat> {
        let first = (flow, Reverse(i32::MAX), FIRST);
        let mut line = self.line.range(first..=(flow, Reverse(i32::MIN), LAST));
        line.next().map(|&(_, _, seat)| seat)
    }

    pub(super) fn is_in_line(&self, flow: FlowId, priority: i32, seat: FlowSeat) -> bool {
        self.line.contains(&(flow, Reverse(priority), seat))
    }

    /// A flow run waits for this flow to reach this date.
    pub(super) fn wait_for_parent(&mut self, parent: FlowId, date: DataDate, seat: FlowSeat) {
        self.gates.entry(parent).or_default().insert((date, seat));
    }

    pub(super) fn leave_gate(&mut self, parent: FlowId, date: DataDate, seat: FlowSeat) {
        if let Some(its) = self.gates.get_mut(&parent) {
            its.remove(&(date, seat));
            if its.is_empty() {
                self.gates.remove(&parent);
            }
        }
    }

    /// Takes out those who waited for this flow to reach this date or an earlier one; any date, if none is given.
    pub(super) fn open_gate(&mut self, parent: FlowId, reached: Option<DataDate>) -> Vec<FlowSeat> {
        let mut open = Vec::new();
        let Some(its) = self.gates.get_mut(&parent) else {
            return open;
        };
        while let Some(&(date, seat)) = its.first()
            && reached.is_none_or(|reached| date <= reached)
        {
            its.pop_first();
            open.push(seat);
        }
        if its.is_empty() {
            self.gates.remove(&parent);
        }
        open
    }

    pub(super) fn is_at_gate(&self, parent: FlowId, date: DataDate, seat: FlowSeat) -> bool {
        let its = self.gates.get(&parent);
        its.is_some_and(|its| its.contains(&(date, seat)))
    }

    /// A flow run shares the end of another from now on.
    pub(super) fn join(&mut self, other: FlowSeat, seat: FlowSeat) {
        self.joined.insert((other, seat));
    }

    pub(super) fn part(&mut self, other: FlowSeat, seat: FlowSeat) {
        self.joined.remove(&(other, seat));
    }

    /// Whether any flow run has joined another.
    pub(super) fn is_any_joined(&self) -> bool {
        !self.joined.is_empty()
    }

    /// Those who have joined this flow run.
    pub(super) fn joined_to(&self, other: FlowSeat) -> impl Iterator<Item = FlowSeat> + use<'_> {
        let joined = self.joined.range((other, FIRST)..=(other, LAST));
        joined.map(|&(_, seat)| seat)
    }

    /// A job run waits for what becomes of this job's run for this date.
    pub(super) fn watch(&mut self, job: JobId, date: DataDate, seat: Seat) {
        self.watchers.entry(job).or_default().insert((date, seat));
    }

    pub(super) fn unwatch(&mut self, job: JobId, date: DataDate, seat: Seat) {
        if let Some(its) = self.watchers.get_mut(&job) {
            its.remove(&(date, seat));
            if its.is_empty() {
                self.watchers.remove(&job);
            }
        }
    }

    /// Whether any job run waits for runs outside.
    pub(super) fn is_any_watching(&self) -> bool {
        !self.watchers.is_empty()
    }

    /// Those who wait for this job's run for this date; for any date, if none is given.
    pub(super) fn watchers_of(
        &self,
        job: JobId,
        date: Option<DataDate>,
    ) -> impl Iterator<Item = Seat> + use<'_> {
        let its = self.watchers.get(&job);
        let one = its.zip(date);
        let one = one
            .into_iter()
            .flat_map(|(its, date)| its.range((date, FIRST)..=(date, LAST)));
        let all = its.filter(|_| date.is_none()).into_iter().flatten();
        one.chain(all).map(|&(_, seat)| seat)
    }

    /// Number of runs and of runs that have joined another.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.runs.len(), self.joined.len())
    }

    pub(super) fn is_watching(&self, job: JobId, date: DataDate, seat: Seat) -> bool {
        let its = self.watchers.get(&job);
        its.is_some_and(|its| its.contains(&(date, seat)))
    }
}
