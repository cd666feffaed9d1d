//! Schedules and calendars that are new, changed or gone: what has passed is used up first.

use alloc::{sync::Arc, vec::Vec};

use super::{
    super::super::{
        Change, DueState, Engine, FiringOutcome, FiringRow, ScheduleCursor, SkipReason, Step,
        schedule::{Entry, is_retimed, span},
        timer::{Timer, Which},
    },
    Occasion,
};
use crate::{
    id::ScheduleId,
    model::{Calendar, Schedule},
};

impl Engine {
    /// A schedule is new or changed. What was due by the old one has fired before.
    pub(in super::super::super) fn on_schedule_put(&mut self, new: Arc<Schedule>, step: &mut Step) {
        let (id, now) = (new.id, self.now);
        let reached = self.reached(&new);
        let calendar = new
            .calendar
            .and_then(|it| self.definitions.calendars.get(it).cloned());
        match self.schedules.entries.get(&id) {
            None => {
                let cursor = ScheduleCursor {
                    schedule: id,
                    time: now,
                    date: reached,
                    last: None,
                };
                let entry = Entry::new(Arc::clone(&new), cursor);
                self.schedules.entries.insert(id, entry);
                self.schedules.tie(&new);
                self.put_entry(id, new, calendar);
                self.store_cursor(id, step);
            }
            Some(entry) => {
                let old = Arc::clone(&entry.schedule);
                let retimed = is_retimed(&old, &new);
                if retimed {
                    self.use_up(id, step);
                }
                self.schedules.untie(&old);
                self.schedules.tie(&new);
                let retriggered = old.trigger != new.trigger;
                self.put_entry(id, new, calendar);
                if let Some(entry) = self.schedules.entries.get_mut(&id).filter(|_| retriggered) {
                    entry.cursor.date = reached;
                }
                if retimed {
                    self.store_cursor(id, step);
                }
                self.start_queued(id, step);
            }
        }
        self.arm(id);
    }

    fn put_entry(&mut self, id: ScheduleId, new: Arc<Schedule>, calendar: Option<Arc<Calendar>>) {
        if let Some(entry) = self.schedules.entries.get_mut(&id) {
            entry.schedule = new;
            entry.calendar = calendar;
        }
    }

    /// Times and dates that have passed, and that nobody took up, are used: the schedule was paused, or is changed.
    fn use_up(&mut self, id: ScheduleId, step: &mut Step) {
        let now = self.now;
        let Some(entry) = self.schedules.entries.get(&id) else {
            return;
        };
        let schedule = Arc::clone(&entry.schedule);
        let reason = if schedule.paused {
            SkipReason::Paused
        } else {
            SkipReason::Changed
        };
        let skipped = FiringOutcome::Skipped { reason };
        let passed = entry
            .times()
            .and_then(|times| span(&times, entry.cursor.time, now));
        let used = entry.cursor.date;
        let reached = self.reached(&schedule).filter(|it| Some(*it) > used);
        if let Some(passed) = passed {
            self.record(&schedule, Occasion::times(&schedule, passed), skipped, step);
        }
        if let Some(reached) = reached {
            let first = used.and_then(|used| used.plus_days(1)).unwrap_or(reached);
            let occasion = Occasion::dates(now, first, reached);
            self.record(&schedule, occasion, skipped, step);
        }
        if let Some(entry) = self.schedules.entries.get_mut(&id) {
            entry.cursor.time = now.max(entry.cursor.time);
            entry.cursor.date = reached.or(used);
        }
    }

    /// A schedule is no more: what waits for its turn is skipped, and its deadlines lapse. What runs goes on.
    pub(in super::super::super) fn on_schedule_deleted(&mut self, id: ScheduleId, step: &mut Step) {
        let Some(entry) = self.schedules.entries.get(&id) else {
            return;
        };
        let schedule = Arc::clone(&entry.schedule);
        self.arm_at(id, None);
        self.schedules.untie(&schedule);
        let mut its: Vec<FiringRow> = Vec::new();
        self.schedules.firings.retain(|_, row| {
            let other = row.schedule != id;
            if !other {
                its.push(row.clone());
            }
            other
        });
        self.schedules.entries.remove(&id);
        for mut row in its {
            if let Some(execution) = row.execution() {
                self.schedules.watched.remove(&execution);
            }
            if !row.is_open() {
                continue;
            }
            if row.outcome == FiringOutcome::Queued {
                let reason = SkipReason::Deleted;
                row.outcome = FiringOutcome::Skipped { reason };
            }
            for (due, which) in [
                (&mut row.start_by, Which::Start),
                (&mut row.finish_by, Which::Finish),
            ] {
                if let Some(due) = due.as_mut().filter(|due| due.state == DueState::Open) {
                    self.timers.clear(due.at, Timer::Deadline(row.id, which));
                    due.state = DueState::Lapsed;
                }
            }
            step.changes.push(Change::Firing(row));
        }
    }

    /// A calendar changed: what has passed is settled, and its schedules fire by the new one.
    pub(in super::super::super) fn on_calendar_put(
        &mut self,
        calendar: &Arc<Calendar>,
        step: &mut Step,
    ) {
        for id in self.schedules.of_calendar(calendar.id) {
            self.use_up(id, step);
            if let Some(entry) = self.schedules.entries.get_mut(&id) {
                entry.calendar = Some(Arc::clone(calendar));
            }
            self.store_cursor(id, step);
            self.arm(id);
        }
    }
}
