//! The rules that hold between executions: R1 and R2 across them, R5, and the runs of a flow at once of R7.

use alloc::{collections::BTreeMap, vec::Vec};

use super::Violation;
use crate::{
    engine::{
        Engine, ExecutionState, FlowRunState,
        crossing::FlowSeat,
        execution::{Execution, Verdict},
        gate::Turn,
        placement::Seat,
        timer::Timer,
    },
    id::{FlowId, FlowRunId},
    time::{DataDate, Timestamp},
};

impl Engine {
    pub(super) fn check_crossings(&self, found: &mut Vec<Violation>) {
        let mut running: BTreeMap<FlowId, (u32, Timestamp)> = BTreeMap::new();
        let mut alone: BTreeMap<(FlowId, DataDate), FlowRunId> = BTreeMap::new();
        let (mut joined, mut runs) = (0, 0);
        for (&id, execution) in &self.executions {
            ensure!(
                found,
                "index",
                execution.waits == execution.count_waits(),
                "execution {id} miscounts what waits outside"
            );
            let date = execution.row.data_date;
            for (at, run) in execution.flow_runs.iter().enumerate() {
                let (row, seat) = (&run.row, (id, at as u32));
                let known = self.crossings.runs_of(row.flow, date).any(|it| it == seat);
                ensure!(
                    found,
                    "index",
                    known != (run.is_joined() || execution.row.partial),
                    "flow run {} is a run of its own and not known as one, or the other way round",
                    row.id
                );
                runs += usize::from(known);
                joined += usize::from(self.check_joined(execution, seat, found));
                self.check_turn(execution, seat, found);
                if row.state != FlowRunState::Running {
                    continue;
                }
                let (count, latest) = running.entry(row.flow).or_insert((0, Timestamp::MIN));
                *count += 1;
                *latest = row.started_at.unwrap_or(Timestamp::MAX).max(*latest);
                ensure!(
                    found,
                    "R2",
                    self.closed_gates(execution, run).next().is_none(),
                    "flow run {} runs before its parents outside",
                    row.id
                );
                let by_itself = execution.row.trigger.is_automatic()
                    && !execution.row.partial
                    && execution.row.resumes == 0
                    && execution.row.state != ExecutionState::Stopping;
                if by_itself {
                    let other = alone.insert((row.flow, date), row.id);
                    ensure!(
                        found,
                        "R5",
                        other.is_none(),
                        "flow run {} runs though {other:?} does",
                        row.id
                    );
                }
            }
            for &at in execution.outside.keys() {
                self.check_outside(execution, (id, at), found);
            }
        }
        ensure!(
            found,
            "index",
            self.crossings.sizes() == (runs, joined),
            "runs and joined runs are known that are not there"
        );
        for flow in self.definitions.flows() {
            let (count, latest) = running.remove(&flow.id).unwrap_or((0, Timestamp::MIN));
            ensure!(
                found,
                "index",
                self.crossings.running(flow.id) == count,
                "{count} runs of flow {} run, {} are counted",
                flow.id,
                self.crossings.running(flow.id)
            );
            // A limit that is lowered ends nothing; but whatever began since then has kept it.
            ensure!(
                found,
                "R7",
                flow.max_runs.is_none_or(|max| count <= max) || latest <= flow.revision.updated_at,
                "{count} runs of flow {} run, {:?} may",
                flow.id,
                flow.max_runs
            );
        }
    }

    /// A flow run that has joined another shares the end of one that runs. Tells whether it has joined one.
    fn check_joined(
        &self,
        execution: &Execution,
        seat: FlowSeat,
        found: &mut Vec<Violation>,
    ) -> bool {
        let row = &execution.flow_runs[seat.1 as usize].row;
        if row.state != FlowRunState::Joined {
            return false;
        }
        let other = row.joined_to.and_then(|it| self.flow_seat(it));
        let known = other.filter(|&other| self.crossings.joined_to(other).any(|it| it == seat));
        let runs = known.is_some_and(|it| self.runs(it));
        ensure!(
            found,
            "R5",
            runs || execution.row.state == ExecutionState::Stopping,
            "flow run {} has joined what does not run",
            row.id
        );
        known.is_some()
    }

    /// A flow run that waits has a reason, and is told when that is gone.
    fn check_turn(&self, execution: &Execution, seat: FlowSeat, found: &mut Vec<Violation>) {
        let run = &execution.flow_runs[seat.1 as usize];
        let date = execution.row.data_date;
        let known = match self.turn(seat) {
            None => return,
            Some(Turn::Parent(parent)) => self.crossings.is_at_gate(parent, date, seat),
            Some(Turn::Line) => {
                let (flow, priority) = (run.row.flow, run.flow.priority);
                self.crossings.is_in_line(flow, priority, seat)
            }
            Some(turn @ (Turn::Join(_) | Turn::JoinPast | Turn::Start)) => {
                ensure!(
                    found,
                    "R2",
                    false,
                    "flow run {} waits for nobody: {turn:?}",
                    run.row.id
                );
                return;
            }
        };
        ensure!(
            found,
            "index",
            known,
            "flow run {} waits where nobody sees it",
            run.row.id
        );
    }

    /// A job run that waits for runs outside has a reason, and is told when that is gone; one that moves has none.
    fn check_outside(&self, execution: &Execution, seat: Seat, found: &mut Vec<Violation>) {
        let run = &execution.jobs[seat.1 as usize];
        let id = run.row.id;
        let unmet = execution.unmet_outside(seat.1).count();
        ensure!(
            found,
            "R1",
            unmet == 0 || !run.row.state.is_active(),
            "job run {id} moves before its dependencies outside"
        );
        if !execution.looks_outside(seat.1) || execution.row.state == ExecutionState::Stopping {
            return;
        }
        let date = execution.row.data_date;
        let (mut waits, mut known) = (false, true);
        for (_, dependency) in execution.unmet_outside(seat.1) {
            let asked = date.plus_days(dependency.offset_days);
            let verdict = self
                .find_outside(dependency.job, asked)
                .verdict(&dependency);
            let until = self.waits_until(seat, &dependency);
            ensure!(
                found,
                "R1",
                verdict != Some(Verdict::Met),
                "job run {id} waits for job {} of {asked:?}, which is there",
                dependency.job
            );
            ensure!(
                found,
                "R1",
                verdict.is_some()
                    || until.is_none_or(|until| until > self.now)
                    || self.timers.is_due(self.now, Timer::WaitLimit(seat)),
                "job run {id} waits for job {} of {asked:?} for too long",
                dependency.job
            );
            waits |= verdict.is_none();
            known &=
                asked.is_none_or(|asked| self.crossings.is_watching(dependency.job, asked, seat));
        }
        ensure!(
            found,
            "R1",
            waits || !execution.job_waits(seat.1),
            "job run {id} waits for nothing"
        );
        ensure!(
            found,
            "index",
            known,
            "job run {id} waits where nobody sees it"
        );
    }
}
