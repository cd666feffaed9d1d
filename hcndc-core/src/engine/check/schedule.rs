//! R9: no time is due and unused, none was used twice, and nobody waits while there is room.

use alloc::{collections::BTreeSet, vec::Vec};

use super::{Engine, Violation};
use crate::engine::{FiringOutcome, MOST_OPEN_ALERTS, TriggerKind, timer::Timer};

impl Engine {
    pub(super) fn check_schedules(&self, found: &mut Vec<Violation>) {
        let mut used = BTreeSet::new();
        for execution in self.executions.values() {
            let row = &execution.row;
            // Those of an embedder's own schedules have none of ours.
            if row.trigger == TriggerKind::Schedule && row.schedule.is_some() {
                let key = (row.schedule, row.fire_time);
                ensure!(
                    found,
                    "R9",
                    row.fire_time.is_some() && used.insert(key),
                    "execution {} has the fire time of another",
                    row.id
                );
            }
        }
        for schedule in self.definitions.schedules.iter() {
            let id = schedule.id;
            let Some(entry) = self.schedules.entries.get(&id) else {
                ensure!(found, "index", false, "schedule {id} is not at work");
                continue;
            };
            ensure!(
                found,
                "index",
                **schedule == *entry.schedule,
                "schedule {id} works by an old version"
            );
            let next = entry.next().filter(|_| !schedule.paused);
            let set = entry
                .armed
                .is_none_or(|at| self.timers.is_set(at, Timer::Fire(id)));
            ensure!(
                found,
                "R9",
                next == entry.armed && set,
                "schedule {id} is to fire at {next:?}, and is armed for {:?}",
                entry.armed
            );
            let executions = self.executions.values();
            let live: BTreeSet<_> = executions
                .filter(|it| it.row.schedule == Some(id))
                .map(|it| it.row.id)
                .collect();
            ensure!(
                found,
                "index",
                live == entry.live,
                "schedule {id} miscounts its executions"
            );
            ensure!(
                found,
                "R9",
                schedule.paused || entry.queued.is_empty() || !entry.has_room(),
                "schedule {id} has room, and a firing waits"
            );
            // A limit that is lowered ends nothing, and people may start and resume as they like.
            let ours = live.iter().filter_map(|id| self.executions.get(id));
            let ours = ours.filter(|it| {
                it.row.trigger != TriggerKind::Manual
                    && it.row.resumes == 0
                    && it.row.started_at > schedule.revision.updated_at
            });
            ensure!(
                found,
                "R9",
                ours.count() <= schedule.max_instances as usize,
                "schedule {id} has more executions than {}",
                schedule.max_instances
            );
        }
        ensure!(
            found,
            "index",
            self.schedules.entries.len() == self.definitions.schedules.iter().count(),
            "a schedule that is no more is at work"
        );
        for (id, row) in &self.schedules.firings {
            let entry = self.schedules.entries.get(&row.schedule);
            let last = entry.is_some_and(|entry| entry.cursor.last == Some(*id));
            let queued = row.outcome == FiringOutcome::Queued;
            ensure!(
                found,
                "index",
                (row.is_open() || last)
                    && entry.is_some_and(|entry| entry.queued.contains(id) == queued),
                "firing {id} is held for nothing, or waits nowhere"
            );
            let watched = row
                .execution()
                .and_then(|it| self.schedules.watched.get(&it));
            ensure!(
                found,
                "index",
                (watched == Some(id)) == (row.is_open() && row.execution().is_some()),
                "the deadlines of firing {id} are watched wrongly"
            );
        }
        self.check_alerts(found);
    }

    fn check_alerts(&self, found: &mut Vec<Violation>) {
        ensure!(
            found,
            "index",
            self.alerts.untold_beyond(MOST_OPEN_ALERTS).is_none()
                && self.alerts.unanswered_beyond(MOST_OPEN_ALERTS).is_none(),
            "too many alerts are open"
        );
        for row in self.alerts.unanswered() {
            let id = row.id;
            ensure!(
                found,
                "index",
                row.escalate_at
                    .is_some_and(|at| self.timers.is_set(at, Timer::Escalate(id))),
                "alert {id} is never escalated"
            );
            ensure!(
                found,
                "R9",
                row.acknowledged_at.is_none() && row.over_at.is_none() && row.escalated.is_none(),
                "alert {id} is to be escalated for nothing"
            );
        }
    }
}
