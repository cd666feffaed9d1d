//! R10: what people do to executions, and what nobody else may do.

use hcndc_core::{
    engine::{ActionKind, ActionRow, Change, ExecutionState, FlowRunState, JobRunRow, JobRunState},
    id::JobRunId,
    model::Condition,
};

use super::{super::oracle::Oracle, order::is_met};

impl Oracle {
    /// What people did, by a commit: it may stand before or after what came of it.
    pub(crate) fn note_actions(&mut self, changes: &[Change]) {
        self.hands.clear();
        self.to_reset.clear();
        for change in changes {
            let Change::Action(row) = change else {
                continue;
            };
            self.acted.insert(row.by.clone(), row.kind);
            match (row.kind, row.job_run) {
                (ActionKind::Kill, Some(run)) => {
                    self.kills.insert(run);
                }
                (ActionKind::Skip | ActionKind::MarkSucceeded, Some(run)) => {
                    self.made_good.insert(run);
                }
                (ActionKind::Reset, _) => {
                    let runs = self.rows.job_runs.values();
                    let runs = runs.filter(|run| run.execution == row.execution);
                    let done = runs.filter(|run| run.state != JobRunState::Blocked);
                    self.to_reset.extend(done.map(|run| run.id));
                }
                _ => {}
            }
            self.hands.push(row.clone());
        }
    }

    /// `R10`: what moves does so because somebody asked, where nothing else may move it; and nothing starts that is held.
    pub(crate) fn check_control(&mut self, change: &Change) {
        let wrong = match change {
            Change::Attempt(new) => {
                if new.kill_asked {
                    self.kill_asked.insert(new.id);
                }
                if self.rows.attempts.contains_key(&new.id) {
                    return;
                }
                let execution = self.rows.executions.get(&new.execution);
                let state = execution.map(|it| it.state);
                let run = self.rows.job_runs.get(&new.job_run);
                let left_out = run.is_none_or(|run| run.left_out);
                (state != Some(ExecutionState::Running) || left_out).then(|| {
                    let id = new.id;
                    format!("attempt {id} is made: {state:?}, left out: {left_out}")
                })
            }
            Change::Execution(row) => {
                let new = !self.rows.executions.contains_key(&row.id);
                let asked = self.asked.get(&row.started_by);
                let partial = asked.is_some_and(Option::is_some);
                (new && row.partial != partial)
                    .then(|| format!("execution {} is partial: {}", row.id, row.partial))
            }
            Change::FlowRun { row, .. } => {
                let old = self.rows.flow_runs.get(&row.id).map(|old| old.state);
                let starts = matches!(row.state, FlowRunState::Running | FlowRunState::Joined);
                let execution = self.rows.executions.get(&row.execution);
                let state = execution.map(|it| it.state);
                let held = state != Some(ExecutionState::Running);
                (held && starts && old == Some(FlowRunState::Waiting))
                    .then(|| format!("flow run {} starts in a {state:?} execution", row.id))
            }
            Change::JobRun { row, .. } => match self.rows.job_runs.get(&row.id) {
                None => self.misses_start(row),
                Some(old) if old.state == row.state => None,
                Some(old) => self.is_unasked(old.state, row),
            },
            _ => None,
        };
        if let Some(detail) = wrong {
            self.breaks("R10", detail);
        }
        if let Change::JobRun { row, .. } = change
            && row.state == JobRunState::Blocked
        {
            let old = self.rows.job_runs.get(&row.id);
            let restarts = self.restarting.contains(&row.execution);
            let failed = |old: &JobRunRow| match old.state {
                JobRunState::UpstreamFailed => true,
                JobRunState::Failed => restarts,
                _ => false,
            };
            if old.is_some_and(failed) {
                self.made_good.insert(row.id);
            }
            self.to_reset.remove(&row.id);
        }
        // Settled by hand; or what failed with a run that it had joined is good, because it was made so there.
        if let Change::JobRun { row, .. } = change
            && row.state == JobRunState::Skipped
            && let Some(old) = self.rows.job_runs.get(&row.id)
            && old.state == JobRunState::UpstreamFailed
        {
            self.made_good.insert(row.id);
        }
    }

    /// A start leaves out what it was not asked for, and nothing else.
    fn misses_start(&self, row: &JobRunRow) -> Option<String> {
        let execution = self.rows.executions.get(&row.execution)?;
        let asked = self.asked.get(&execution.started_by);
        let only = asked.and_then(Option::as_ref);
        let left_out = only.is_some_and(|only| !only.contains(&row.job));
        (left_out != row.left_out).then(|| {
            let (id, is) = (row.id, row.left_out);
            format!("job run {id} is left out: {is}, asked were {only:?}")
        })
    }

    /// Whether a job run's flow run took too long.
    pub(crate) fn is_cut_off(&self, row: &JobRunRow) -> bool {
        let flow_run = self.rows.flow_runs.get(&row.flow_run);
        flow_run.is_some_and(|it| it.timed_out)
    }

    /// What is wrong with a move that only people can ask for.
    fn is_unasked(&self, from: JobRunState, row: &JobRunRow) -> Option<String> {
        use JobRunState as S;
        let mut hands = self.hands.iter();
        let joins = self.shares_ends(row);
        let on_it = |kind: ActionKind| {
            move |hand: &ActionRow| hand.job_run == Some(row.id) && hand.kind == kind
        };
        let asked = match (from, row.state) {
            (S::Blocked | S::Queued | S::RetryWait, S::Succeeded)
            | (S::Failed | S::Killed | S::UpstreamFailed, S::Succeeded) => {
                hands.any(on_it(ActionKind::MarkSucceeded))
            }
            (S::Queued | S::RetryWait | S::Failed | S::Killed, S::Skipped) => {
                hands.any(on_it(ActionKind::Skip))
            }
            (S::UpstreamFailed, S::Skipped) => joins || hands.any(on_it(ActionKind::Skip)),
            (S::Failed | S::UpstreamFailed, S::Blocked)
                if self.restarting.contains(&row.execution) =>
            {
                true
            }
            (_, S::Blocked) => {
                joins
                    || hands.any(|hand| {
                        hand.execution == row.execution
                            && match hand.kind {
                                ActionKind::Rerun | ActionKind::Reset => true,
                                ActionKind::Resume => !matches!(from, S::Succeeded | S::Skipped),
                                ActionKind::Skip | ActionKind::MarkSucceeded => {
                                    from == S::UpstreamFailed
                                }
                                _ => false,
                            }
                    })
            }
            (_, S::Killed) => {
                let execution = self.rows.executions.get(&row.execution);
                let stops = execution.is_some_and(|it| it.state == ExecutionState::Stopping);
                stops || self.is_cut_off(row) || self.kills.contains(&row.id)
            }
            (_, S::RetryWait) => {
                let its = self.rows.attempts.values();
                let its = its.filter(|it| it.job_run == row.id);
                let last = its.max_by_key(|it| it.number);
                last.is_some_and(|last| !self.kill_asked.contains(&last.id))
            }
            _ => true,
        };
        let (id, to) = (row.id, row.state);
        (!asked).then(|| format!("job run {id} goes from {from} to {to}, and nobody asked for it"))
    }

    /// Whether something of a job run's execution shares the end of another run: what is made good there is good here.
    fn shares_ends(&self, row: &JobRunRow) -> bool {
        let runs = self.rows.flow_runs.values();
        let mut runs = runs.filter(|run| run.execution == row.execution);
        runs.any(|run| run.joined_to.is_some())
    }

    /// `R10`, once a commit is stored: a reset leaves nothing as it was, and what a person made good holds nothing back.
    pub(crate) fn check_hands(&mut self) {
        let left = self.to_reset.first().copied();
        self.holds("R10", left.is_none(), || {
            format!("a reset leaves job run {left:?} as it was")
        });
        let settles = self
            .hands
            .iter()
            .filter(|hand| matches!(hand.kind, ActionKind::Skip | ActionKind::MarkSucceeded));
        let executions: Vec<_> = settles.map(|hand| hand.execution).collect();
        let runs = self.rows.job_runs.values();
        let mut runs = runs.filter(|run| executions.contains(&run.execution));
        let held =
            runs.find(|run| run.state == JobRunState::UpstreamFailed && !self.has_reason(run));
        let held: Option<JobRunId> = held.map(|run| run.id);
        self.holds("R10", held.is_none(), || {
            format!("job run {held:?} stays upstream_failed, and nothing before it failed")
        });
    }

    /// Whether there is something because of which a job run could not run.
    fn has_reason(&self, run: &JobRunRow) -> bool {
        let rows = &self.rows;
        let Ok(job) = rows.job_of(run) else {
            return false;
        };
        // Of what is cut off nothing begins any more, whyever it had failed.
        let flow_run = rows.flow_runs.get(&run.flow_run);
        let is_cut = flow_run.is_some_and(|it| it.timed_out) || self.cut_off.contains(&run.id);
        if is_cut || self.failed_with.contains(&run.id) {
            return true;
        }
        job.dependencies.iter().any(|dependency| {
            let inside = rows.job_runs.values();
            let mut inside = inside.filter(|it| it.execution == run.execution);
            let before = inside.find(|it| it.job == dependency.job);
            match before.filter(|_| dependency.offset_days == 0) {
                Some(before) => {
                    dependency.condition == Condition::Success
                        && is_met(Condition::Failure, before.state)
                }
                None => dependency.wait_limit.is_some(),
            }
        })
    }
}
