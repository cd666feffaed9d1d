//! The twin's part of what people do: stop, kill, settle, take up again.

use std::{collections::BTreeSet, sync::Arc};

use hcndc_core::{
    engine::{
        ActionKind, Change, ExecutionState, FlowRunState, Input, JobRunState, SettledAs, Step,
    },
    id::{ExecutionId, FlowId, JobRunId},
    model::Condition,
};

use super::{
    runs::Begun,
    store::Store,
    twin::{Phase, Twin, TwinJob, is_good},
};

impl Twin {
    pub(crate) fn stop(&mut self, id: ExecutionId) {
        let its = self.executions.get_mut(&id).unwrap();
        its.state = ExecutionState::Stopping;
        for run in &mut its.jobs {
            match (run.phase, run.state.is_active()) {
                (Phase::Live(attempt), _) => self.attempts.get_mut(&attempt).unwrap().kill = true,
                (_, true) => {
                    run.phase = Phase::Idle;
                    run.fixed = Some(JobRunState::Killed);
                }
                (_, false) => {}
            }
        }
    }

    pub(crate) fn kill(&mut self, job_run: JobRunId) {
        let mut runs = self.executions.values_mut().flat_map(|its| &mut its.jobs);
        let run = runs.find(|it| it.id == job_run).unwrap();
        assert!(run.state.is_active());
        if let Phase::Live(attempt) = run.phase {
            self.attempts.get_mut(&attempt).unwrap().kill = true;
        } else {
            (run.phase, run.fixed) = (Phase::Idle, Some(JobRunState::Killed));
        }
    }

    pub(crate) fn settle(
        &mut self,
        id: ExecutionId,
        named: &[JobRunId],
        to: JobRunState,
        store: &Store,
    ) {
        let its = &self.executions[&id];
        for run in its.jobs.iter().filter(|it| named.contains(&it.id)) {
            assert!(!is_good(run.state) && !matches!(run.phase, Phase::Live(_)));
            assert_ne!(its.flow_state(run.flow), Some(FlowRunState::Joined));
        }
        self.take_back(id, named, Some(to), store);
    }

    /// Gives job runs a good end whatever they were, or another beginning; what failed only because of them may run.
    pub(super) fn take_back(
        &mut self,
        id: ExecutionId,
        named: &[JobRunId],
        to: Option<JobRunState>,
        store: &Store,
    ) {
        let its = self.executions.get_mut(&id).unwrap();
        // What did not run because of them: try what remains when they are good, until nothing changes.
        let mut revived: BTreeSet<JobRunId> = named.iter().copied().collect();
        loop {
            let broken_by = |run: &TwinJob| {
                let ties = run.job.dependencies.iter();
                let ties =
                    ties.filter(|tie| tie.offset_days == 0 && tie.condition == Condition::Success);
                let others = ties.filter_map(|tie| its.job(tie.job));
                let bad = others.filter(|it| it.state.is_settled() && !is_good(it.state));
                bad.map(|it| it.id).collect::<Vec<_>>()
            };
            let below = |run: &TwinJob| broken_by(run).iter().any(|id| revived.contains(id));
            let broken = |run: &TwinJob| !broken_by(run).iter().all(|id| revived.contains(id));
            let next = its.jobs.iter().find(|run| {
                let flow = its.flows.iter().find(|it| it.flow.id == run.flow).unwrap();
                let cut_off = flow.state == FlowRunState::Running && flow.timed_out;
                let failed = run.state == JobRunState::UpstreamFailed
                    && flow.state != FlowRunState::Joined
                    && !cut_off;
                failed && !revived.contains(&run.id) && below(run) && !broken(run)
            });
            match next.map(|run| run.id) {
                Some(next) => revived.insert(next),
                None => break,
            };
        }
        let ended = its.state.is_ended();
        for run in its.jobs.iter_mut().filter(|it| named.contains(&it.id)) {
            (run.fixed, run.phase) = (to, Phase::Idle);
            if to.is_none() {
                (run.tries, run.met, run.let_go) = (0, 0, false);
                run.waits_outside = true;
            }
        }
        revived.retain(|it| !named.contains(it));
        if ended {
            let named: BTreeSet<_> = named.iter().copied().collect();
            let its = &mut self.executions.get_mut(&id).unwrap().jobs;
            for run in its.iter_mut().filter(|it| named.contains(&it.id)) {
                run.state = to.unwrap();
            }
            let revived: Vec<_> = revived.into_iter().collect();
            self.again(id, &revived, &BTreeSet::new(), store);
            return;
        }
        for run in &mut its.jobs {
            // Those that failed for good stay so: nothing is worked out anew but what was revived.
            let again = revived.contains(&run.id) || (to.is_none() && named.contains(&run.id));
            if run.state.is_settled() && !again && run.fixed.is_none() {
                run.fixed = Some(run.state);
            }
            if revived.contains(&run.id) {
                (run.fixed, run.met, run.waits_outside) = (None, 0, true);
                // Another that is made good in the same step finds it so.
                run.state = JobRunState::Blocked;
            }
        }
        for flow in its
            .flows
            .iter_mut()
            .filter(|it| it.state == FlowRunState::Failed)
        {
            let mut runs = its.jobs.iter().filter(|run| run.flow == flow.flow.id);
            let again = runs.clone().any(|run| revived.contains(&run.id));
            if again || runs.all(|run| run.fixed.is_some_and(is_good)) {
                (flow.state, flow.begun) = (FlowRunState::Waiting, Begun::Not);
                flow.timed_out = false;
            }
        }
    }

    pub(crate) fn reopen(&mut self, id: ExecutionId, from: Option<&Vec<JobRunId>>, store: &Store) {
        let its = self.executions.get_mut(&id).unwrap();
        let (again, flows_again) = match from {
            Some(from) => {
                for run in its.jobs.iter_mut().filter(|it| from.contains(&it.id)) {
                    run.left_out = false;
                }
                its.below(from)
            }
            None => {
                let broken = its.jobs.iter().filter(|run| !is_good(run.state));
                let broken: Vec<_> = broken.collect();
                let flows = broken.iter().map(|run| run.flow).collect();
                (broken.iter().map(|run| run.id).collect(), flows)
            }
        };
        let again: Vec<_> = again.into_iter().collect();
        self.again(id, &again, &flows_again, store);
    }

    pub(crate) fn again(
        &mut self,
        id: ExecutionId,
        again: &[JobRunId],
        flows_again: &BTreeSet<FlowId>,
        store: &Store,
    ) {
        let its = self.executions.get_mut(&id).unwrap();
        assert!(its.state.is_ended());
        its.state = ExecutionState::Running;
        its.resumed = true;
        let mut flows_again = flows_again.clone();
        for run in &mut its.jobs {
            let starts_over = again.contains(&run.id);
            if starts_over {
                flows_again.insert(run.flow);
            }
            if run.state.is_settled() && !starts_over {
                run.fixed = Some(run.state);
                continue;
            }
            (run.fixed, run.phase, run.tries) = (None, Phase::Idle, 0);
            run.let_go = false;
            (run.met, run.waits_outside) = (0, true);
            match store.jobs.get(&run.job.id) {
                Some(job) => run.job = Arc::clone(job),
                None => run.fixed = Some(JobRunState::Skipped),
            }
        }
        for at in 0..its.flows.len() {
            let run = &its.flows[at];
            // What is complete stays pinned; the rest is read afresh.
            let again = flows_again.contains(&run.flow.id);
            let complete = run.state == FlowRunState::Succeeded && !again;
            if !complete {
                its.flows[at].begun = Begun::Not;
                its.flows[at].state = FlowRunState::Waiting;
                (its.flows[at].restarts, its.flows[at].timed_out) = (0, false);
            }
            let run = &its.flows[at];
            if let Some((flow, _)) = store.flows.get(&run.flow.id).filter(|_| !complete) {
                its.flows[at].flow = Arc::clone(flow);
            }
            if !complete {
                its.flows[at].state = FlowRunState::Waiting;
            }
        }
    }

    /// R10: what a person did is recorded, with who it was.
    pub(crate) fn check_action(&self, input: &Input, step: &Step) {
        // It stops executions of its own.
        if matches!(input, Input::StopBackfill { .. }) {
            return;
        }
        let recorded: Vec<_> = step
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Action(row) => Some((row.execution, row.job_run, row.kind, row.by.clone())),
                _ => None,
            })
            .collect();
        let whole = |id: &ExecutionId, kind, by: &String| vec![(*id, None, kind, by.clone())];
        let each = |id: &ExecutionId, runs: &[JobRunId], kind, by: &String| {
            let runs = runs.iter();
            runs.map(|run| (*id, Some(*run), kind, by.clone()))
                .collect()
        };
        use ActionKind as K;
        let expected: Vec<(_, _, _, String)> = match input {
            Input::Stop { execution, by } => whole(execution, K::Stop, by),
            Input::Pause { execution, by } => whole(execution, K::Pause, by),
            Input::Unpause { execution, by } => whole(execution, K::Unpause, by),
            Input::Resume { execution, by, .. } => whole(execution, K::Resume, by),
            Input::Reset { execution, by, .. } => whole(execution, K::Reset, by),
            Input::Rerun {
                execution,
                from,
                by,
                ..
            } => each(execution, from, K::Rerun, by),
            Input::Kill { job_run, by } => {
                let its = self.executions.iter();
                let mut its = its.filter(|(_, it)| it.jobs.iter().any(|run| run.id == *job_run));
                each(its.next().unwrap().0, &[*job_run], K::Kill, by)
            }
            Input::Settle {
                execution,
                job_runs,
                settled,
                by,
                ..
            } => {
                let kind = match settled {
                    SettledAs::Skipped => K::Skip,
                    SettledAs::Succeeded => K::MarkSucceeded,
                };
                each(execution, job_runs, kind, by)
            }
            _ => vec![],
        };
        assert_eq!(recorded, expected, "R10");
    }
}
