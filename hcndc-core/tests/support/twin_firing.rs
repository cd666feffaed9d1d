//! R9 as the twin sees it: every schedule's times walked one by one since it was made, each used once.

use std::collections::{BTreeMap, BTreeSet};

use hcndc_core::{
    engine::{Change, ExecutionRow, FiringOutcome, FiringRow, SkipReason, Step, TriggerKind},
    id::{FiringId, ScheduleId},
    model::{Definition, Missed, Overlap, Schedule, Trigger},
    time::Timestamp,
    trigger::TimingContext,
};

use super::store::Store;

#[derive(Debug, Default)]
struct TwinSchedule {
    /// All times up to here are used.
    used: Timestamp,
    /// As it was after the last step.
    old: Option<Schedule>,
}

/// All schedules, and every time that ever started an execution.
#[derive(Debug, Default)]
pub(crate) struct TwinSchedules {
    schedules: BTreeMap<ScheduleId, TwinSchedule>,
    started: BTreeSet<(ScheduleId, Timestamp)>,
    /// Firings that were told.
    told: BTreeSet<FiringId>,
}

/// Every fire time after one moment and up to another.
fn walk(schedule: &Schedule, after: Timestamp, until: Timestamp, store: &Store) -> Vec<Timestamp> {
    let Trigger::Time(timing) = &schedule.trigger else {
        return vec![];
    };
    let calendar = schedule
        .calendar
        .map(|id| match &store.definitions[&id.into()] {
            Definition::Calendar(it) => it.clone(),
            other => panic!("{other:?}"),
        });
    let context = TimingContext {
        zone: schedule.zone,
        calendar: calendar.as_ref().map(|it| &it.days),
        filter: schedule.filter.as_ref(),
        not_before: schedule.not_before,
        not_after: schedule.not_after,
    };
    let mut all = Vec::new();
    let mut after = after;
    while let Some(next) = timing.next(&context, after).filter(|it| *it <= until) {
        all.push(next);
        after = next;
    }
    all
}

impl TwinSchedules {
    pub(crate) fn follow(&mut self, now: Timestamp, step: &Step, store: &Store) {
        let mut rows: BTreeMap<ScheduleId, Vec<&FiringRow>> = BTreeMap::new();
        for change in &step.changes {
            if let Change::Firing(row) = change
                && self.told.insert(row.id)
            {
                assert_eq!(row.at, now);
                rows.entry(row.schedule).or_default().push(row);
            }
        }
        for schedule in store.schedules() {
            let id = &schedule.id;
            let its = self.schedules.entry(*id).or_insert_with(|| TwinSchedule {
                used: now,
                old: None,
            });
            // What was due by the schedule as it was before this step.
            let old = its.old.take().unwrap_or_else(|| (**schedule).clone());
            let due = walk(&old, its.used, now, store);
            let mut told: Vec<(Timestamp, Timestamp, &FiringRow)> = Vec::new();
            for row in rows.remove(id).unwrap_or_default() {
                told.push((row.from, row.to, row));
            }
            if !old.paused {
                check(&old, now, &due, &told);
                its.used = now;
            } else if !schedule.paused {
                let whole = due.first().copied().zip(due.last().copied());
                let skipped: Vec<_> = told.iter().map(|it| (it.0, it.1)).collect();
                assert_eq!(skipped, Vec::from_iter(whole), "a pause of {id} is one row");
                its.used = now;
            }
            its.old = Some((**schedule).clone());
        }
        // Those that were started in the name of another's schedule have none of ours.
        let ours =
            |row: &&ExecutionRow| row.trigger == TriggerKind::Schedule && row.schedule.is_some();
        for row in store.executions.values().filter(ours) {
            let key = (row.schedule.unwrap(), row.fire_time.unwrap());
            self.started.insert(key);
        }
        let scheduled = store.executions.values().filter(ours);
        assert_eq!(
            scheduled.count(),
            self.started.len(),
            "R9: a time fired twice"
        );
        self.check_instances(store);
    }

    fn check_instances(&self, store: &Store) {
        for schedule in store.schedules() {
            let id = &schedule.id;
            let live = store
                .executions
                .values()
                .filter(|row| row.schedule == Some(*id) && !row.state.is_ended());
            let live: Vec<_> = live.collect();
            let queued = store
                .firings
                .values()
                .filter(|row| row.schedule == *id && row.outcome == FiringOutcome::Queued);
            let room = live.len() < schedule.max_instances as usize;
            assert!(
                schedule.paused || !room || queued.count() == 0,
                "R9: {id} has room, and a firing waits"
            );
            let ours = live.iter().filter(|row| {
                row.resumes == 0
                    && row.trigger == TriggerKind::Schedule
                    && row.started_at > schedule.revision.updated_at
            });
            assert!(
                ours.count() <= schedule.max_instances as usize,
                "R9: instances of {id}"
            );
        }
    }
}

/// Each time that is due stands in exactly one row, in order, with the outcome that the policies ask for.
fn check(
    schedule: &Schedule,
    now: Timestamp,
    due: &[Timestamp],
    told: &[(Timestamp, Timestamp, &FiringRow)],
) {
    let late = |time: Timestamp| now.since(time) > schedule.misfire_grace;
    let last = due.last().copied();
    let mut covered = Vec::new();
    for (from, to, row) in told {
        let times: Vec<_> = due
            .iter()
            .copied()
            .filter(|it| from <= it && it <= to)
            .collect();
        assert_eq!(
            (times.first(), times.last()),
            (Some(from), Some(to)),
            "{row:?}"
        );
        covered.extend(times.iter().copied());
        match row.outcome {
            FiringOutcome::Skipped {
                reason: SkipReason::Misfired,
            } => assert!(times.iter().all(|it| late(*it)), "{row:?}"),
            FiringOutcome::Skipped {
                reason: SkipReason::Coalesced,
            } => {
                assert_eq!(schedule.missed, Missed::Coalesce);
                assert!(
                    times.iter().all(|it| !late(*it) && Some(*it) != last),
                    "{row:?}"
                );
            }
            FiringOutcome::Skipped {
                reason: SkipReason::MaxInstances,
            } => assert_eq!(schedule.overlap, Overlap::Skip),
            FiringOutcome::Queued => assert_eq!(schedule.overlap, Overlap::Queue),
            FiringOutcome::Started { .. } | FiringOutcome::Skipped { .. } => {
                assert!(
                    times.len() == 1 && !late(times[0]),
                    "R9: late, not skipped: {row:?}"
                );
            }
        }
    }
    assert_eq!(covered, due, "R9: each time is used once");
}
