//! What really happened, told by nobody who could be wrong: what was stored, change by change; what executors ran;
//! what callers were promised. The rules over it are in [`invariant`](super::invariant).

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::{ActionKind, ActionRow, Change, DefinitionId, EndCause, Violation},
    id::{
        AlertId, AlertRuleId, AttemptId, ExecutionId, FileEventId, FlowId, FlowRunId, JobId,
        JobRunId, ScheduleId,
    },
    model::{AlertEvent, Condition},
    port::{Commit, Fence},
    time::{DataDate, Timestamp},
};

use super::invariant::{Reach, Values, Walk, Wanted};
use crate::tables::Tables;

/// An attempt as its host knows it.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) host: usize,
    pub(crate) job_run: JobRunId,
    pub(crate) job: JobId,
    pub(crate) date: DataDate,
    pub(crate) slots: u32,
    pub(crate) end: Option<(Timestamp, EndCause)>,
}

/// Whatever is needed to judge.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    /// What is stored.
    pub(crate) rows: Tables,
    /// How many commits were stored.
    pub(crate) commits: u64,
    /// How often what came about that only what is stored shows.
    pub(crate) seen: BTreeMap<&'static str, u64>,
    /// Rules broken so far.
    pub(crate) found: Vec<Violation>,
    /// The rule that alone is looked at; all if there is none.
    pub(crate) only: Option<&'static str>,
    /// Attempts whose processes began.
    pub(crate) ran: BTreeMap<AttemptId, Ran>,
    /// Ends of attempts whose processes never began.
    pub(crate) never_began: BTreeMap<AttemptId, EndCause>,
    /// The highest fence that each host has seen.
    pub(crate) fences: BTreeMap<usize, Fence>,
    /// What was stored last.
    last: Option<(Fence, Commit)>,
    /// The newest fence under which something was stored.
    pub(crate) stored_under: Fence,
    /// The latest time at which whoever has a fence gave an order or fired: they were awake then.
    pub(crate) awake_at: (Fence, Timestamp),
    /// Names under which people did something that is stored.
    pub(crate) doers: BTreeSet<String>,
    /// What they did to executions.
    pub(crate) acted: BTreeMap<String, ActionKind>,
    /// The jobs that starts asked for, by who started; `None` for all.
    pub(crate) asked: BTreeMap<String, Option<Vec<JobId>>>,
    /// What people did by the commit that is looked at.
    pub(crate) hands: Vec<ActionRow>,
    /// Job runs that the commit must take back.
    pub(crate) to_reset: BTreeSet<JobRunId>,
    /// Job runs that people ever killed.
    pub(crate) kills: BTreeSet<JobRunId>,
    /// Attempts whose end was ever asked for.
    pub(crate) kill_asked: BTreeSet<AttemptId>,
    /// Job runs that people ever settled, or that run again because people settled others: what had begun because they failed
    /// keeps its turn.
    pub(crate) made_good: BTreeSet<JobRunId>,
    /// Executions of which something runs again by itself, by the commit that is looked at.
    pub(crate) restarting: BTreeSet<ExecutionId>,
    /// Job runs that could not run because their flow run took too long.
    pub(crate) cut_off: BTreeSet<JobRunId>,
    /// Job runs that failed with the run that theirs shared the end of.
    pub(crate) failed_with: BTreeSet<JobRunId>,
    /// Job runs that had failed when their flow run joined another.
    pub(crate) failed_before: BTreeMap<FlowRunId, Vec<JobRunId>>,
    /// How far schedules are.
    pub(crate) walks: BTreeMap<ScheduleId, Walk>,
    /// How far schedules are that wait for dates of flows.
    pub(crate) reaches: BTreeMap<ScheduleId, Reach>,
    /// Schedules that the commit that is looked at edits: a time that is due then may go by the policies before.
    pub(crate) edited: BTreeSet<ScheduleId>,
    /// Executions of schedules that end by the commit that is looked at.
    pub(crate) ending: BTreeMap<ScheduleId, usize>,
    /// Fire times for which there ever was an execution.
    pub(crate) fired: BTreeSet<(ScheduleId, Timestamp)>,
    /// File keys that were ever used, by any schedule; and those that schedules have to fire for by the commit that is looked at.
    pub(crate) keys: BTreeSet<(FileEventId, String)>,
    pub(crate) to_fire: BTreeSet<(ScheduleId, String)>,
    /// What alerts were ever raised for.
    pub(crate) raised: BTreeSet<(AlertRuleId, String, AlertEvent)>,
    /// What the commit that is looked at must raise, how often, and what it does.
    pub(crate) wanted: BTreeMap<Wanted, usize>,
    pub(crate) raised_now: BTreeMap<Wanted, usize>,
    /// What queries gave, and data sources that could not be reached.
    pub(crate) values: Values,
    /// The attempt that brought a job run to its end last.
    pub(crate) settled_by: BTreeMap<JobRunId, u32>,
    /// Alerts that others were told of.
    pub(crate) escalated: BTreeSet<AlertId>,
    /// Alerts that people were told.
    pub(crate) people_told: BTreeSet<AlertId>,
    /// Definitions that were ever stored.
    pub(crate) put: BTreeSet<DefinitionId>,
    /// Data dates by R3.
    pub(crate) dates: BTreeMap<FlowId, DataDate>,
    /// Conditions that jobs ever met, for which date.
    pub(crate) met: BTreeSet<(JobId, DataDate, Condition)>,
    /// Dates for which flows ever succeeded.
    pub(crate) succeeded: BTreeSet<(FlowId, DataDate)>,
    /// The most slots that each executor's host ever had.
    pub(crate) most_slots: BTreeMap<usize, u32>,
    /// The highest limit on attempts at once that was ever set.
    pub(crate) most_running: u32,
}

impl Oracle {
    /// Notes that a rule is broken.
    pub(crate) fn breaks(&mut self, rule: &'static str, detail: String) {
        if self.only.is_none_or(|only| only == rule) {
            self.found.push(Violation { rule, detail });
        }
    }

    /// Notes that a rule is broken unless it holds.
    pub(crate) fn holds(
        &mut self,
        rule: &'static str,
        holds: bool,
        detail: impl FnOnce() -> String,
    ) {
        if !holds {
            self.breaks(rule, detail());
        }
    }

    /// A commit was really stored.
    pub(crate) fn stored(&mut self, fence: Fence, commit: &Commit) {
        self.commits += 1;
        self.check_term(fence);
        // One whose outcome was unknown is stored again, and changes nothing.
        let last = Some((fence, commit.clone()));
        if self.last == last {
            return;
        }
        self.last = last;
        self.note_actions(&commit.changes);
        self.ending.clear();
        self.edited.clear();
        self.restarting.clear();
        for change in &commit.changes {
            self.check_move(change);
            self.check_start(change);
            self.check_limits_of(change);
            self.check_result(change);
            self.check_ends(change);
            self.check_control(change);
            self.check_crossing(change);
            self.check_firing(change);
            self.check_file(change);
            self.check_reached(change);
            self.check_alert(change);
            self.check_date_begins(change);
            self.note_doers(change);
            self.note_dates(change);
            self.note_met(change);
            self.note_settled(change);
            let next_id = 0;
            let changes = vec![change.clone()];
            self.rows.apply(&Commit { next_id, changes });
            if let Change::ExecutorPut(executor) = change
                && let Some(host) = executor.address.strip_prefix("host")
                && let Ok(host) = host.parse()
            {
                let most = self.most_slots.entry(host).or_default();
                *most = (*most).max(executor.slots);
            }
        }
        self.check_dates();
        self.check_hands();
        self.check_raised();
        self.check_files();
        self.check_all_reached();
        self.check_backfills(&commit.changes);
    }

    /// A process began.
    pub(crate) fn began(&mut self, now: Timestamp, host: usize, attempt: AttemptId) {
        self.check_begin(now, host, attempt);
        let Some(row) = self.rows.attempts.get(&attempt) else {
            return;
        };
        let (Some(run), Some(execution)) = (
            self.rows.job_runs.get(&row.job_run),
            self.rows.executions.get(&row.execution),
        ) else {
            return;
        };
        let ran = Ran {
            host,
            job_run: row.job_run,
            job: run.job,
            date: execution.data_date,
            slots: row.slots,
            end: None,
        };
        self.ran.insert(attempt, ran);
        self.check_crowd(host, attempt);
    }

    /// A process ended, or never began.
    pub(crate) fn ended(&mut self, now: Timestamp, attempt: AttemptId, cause: &EndCause) {
        match self.ran.get_mut(&attempt) {
            Some(ran) => ran.end = Some((now, cause.clone())),
            None => {
                self.never_began.insert(attempt, cause.clone());
            }
        }
    }

    /// Attempts whose processes are alive, but for those that were given up as lost.
    pub(crate) fn alive(&self) -> impl Iterator<Item = (AttemptId, &Ran)> {
        let alive = self.ran.iter().filter(|(_, ran)| ran.end.is_none());
        alive
            .filter(|(attempt, _)| !self.is_given_up(**attempt))
            .map(|(&attempt, ran)| (attempt, ran))
    }
}
