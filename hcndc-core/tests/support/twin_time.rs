//! The twin's part of what time does to flow runs (R6): timeouts, and what failed and runs again by itself.

use hcndc_core::{
    engine::{FlowRunState, JobRunState, Step},
    time::Timestamp,
};

use super::{
    runs::Begun,
    store::Store,
    twin::{Phase, Twin, TwinExecution, is_good},
};

impl TwinExecution {
    /// What has failed by now may run again by itself. Tells whether there is any.
    pub(crate) fn plan_restarts(&mut self, before: &[FlowRunState], now: Timestamp) -> bool {
        let mut any = false;
        for (at, before) in before.iter().enumerate() {
            let run = &self.flows[at];
            let killed = self
                .jobs_of(run.flow.id)
                .any(|it| it.state == JobRunState::Killed);
            let may = run.begun == Begun::Runs
                && run.state == FlowRunState::Failed
                && *before != FlowRunState::Failed
                && run.restarts < run.flow.restart_retries
                && !run.timed_out
                && !killed;
            if may {
                self.flows[at].restart_at = Some(now.after(self.flows[at].flow.restart_delay));
                any = true;
            }
        }
        any
    }
}

impl Twin {
    /// The flow run that has taken too long for longest ends, and nothing more of it begins. Tells whether there was any.
    pub(crate) fn cut_off(&mut self) -> bool {
        let mut late = Vec::new();
        for (id, its) in self
            .executions
            .iter()
            .filter(|(_, its)| its.state.goes_on())
        {
            for (nth, flow) in its.flows.iter().enumerate() {
                let timeout = flow.flow.timeout;
                let until = timeout.map(|timeout| flow.started_at.after(timeout));
                let runs = flow.state == FlowRunState::Running && !flow.timed_out;
                let until = until.filter(|until| *until <= self.now && runs);
                late.extend(until.map(|until| (until, *id, nth)));
            }
        }
        // One by one: what the first ends may let jobs of the next begin, which are then cut off as others are.
        let Some(&(_, id, nth)) = late.iter().min() else {
            return false;
        };
        let its = self.executions.get_mut(&id).unwrap();
        let flow = &mut its.flows[nth];
        (flow.timed_out, flow.restart_at) = (true, None);
        let flow = flow.flow.id;
        for run in its.jobs.iter_mut().filter(|it| it.flow == flow) {
            match run.phase {
                _ if run.state.is_settled() => {}
                Phase::Live(id) => self.attempts.get_mut(&id).unwrap().kill(),
                _ if run.state == JobRunState::Blocked => {
                    run.fixed = Some(JobRunState::UpstreamFailed);
                }
                Phase::Idle | Phase::Retry(_) => {
                    (run.fixed, run.phase) = (Some(JobRunState::Killed), Phase::Idle);
                }
            }
        }
        true
    }

    /// What failed runs again when its time has come. Tells whether there was any.
    pub(crate) fn restart(&mut self, step: &Step, store: &Store) -> bool {
        let mut due = Vec::new();
        for (id, its) in self
            .executions
            .iter()
            .filter(|(_, its)| its.state.goes_on())
        {
            for (nth, flow) in its.flows.iter().enumerate() {
                let at = flow.restart_at.filter(|at| *at <= self.now);
                due.extend(at.map(|at| (at, *id, nth)));
            }
        }
        // One by one: what the first takes back has not failed when the next one looks.
        let Some(&(_, id, nth)) = due.iter().min() else {
            return false;
        };
        let its = self.executions.get_mut(&id).unwrap();
        let flow = &mut its.flows[nth];
        (flow.restart_at, flow.restarts) = (None, flow.restarts + 1);
        let flow = flow.flow.id;
        let bad = its.jobs_of(flow);
        let bad = bad.filter(|it| it.state.is_settled() && !is_good(it.state));
        let bad: Vec<_> = bad.map(|it| it.id).collect();
        self.take_back(id, &bad, None, store);
        self.take_over_met(step, store);
        true
    }
}
