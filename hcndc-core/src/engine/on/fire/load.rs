//! What is stored of schedules, taken in.

use alloc::{sync::Arc, vec::Vec};

use super::super::super::{Engine, FileKeyRow, FiringRow, ScheduleCursor, schedule::Entry};
use crate::{id::ScheduleId, model::Schedule};

impl Engine {
    /// Takes in what is stored of schedules. Their definitions and the live executions are in place.
    pub(in super::super::super) fn admit_schedules(
        &mut self,
        cursors: Vec<ScheduleCursor>,
        firings: Vec<FiringRow>,
        files: Vec<FileKeyRow>,
    ) {
        let now = self.now;
        let schedules: Vec<Arc<Schedule>> = self.definitions.schedules.iter().cloned().collect();
        for schedule in schedules {
            let id = schedule.id;
            let stored = cursors.binary_search_by_key(&id, |cursor| cursor.schedule);
            let fresh = ScheduleCursor {
                schedule: id,
                time: now,
                date: self.reached(&schedule),
                last: None,
            };
            let cursor = stored.ok().and_then(|at| cursors.get(at).copied());
            let mut entry = Entry::new(Arc::clone(&schedule), cursor.unwrap_or(fresh));
            let calendar = schedule.calendar;
            entry.calendar = calendar.and_then(|it| self.definitions.calendars.get(it).cloned());
            self.schedules.tie(&schedule);
            self.schedules.entries.insert(id, entry);
        }
        for execution in self.executions.values() {
            let row = &execution.row;
            if let Some(entry) = row
                .schedule
                .and_then(|id| self.schedules.entries.get_mut(&id))
            {
                entry.live.insert(row.id);
            }
        }
        for row in firings {
            self.set_deadlines(&row);
            self.schedules.hold(row);
        }
        for FileKeyRow { event, key, at } in files {
            self.schedules
                .files
                .entry(event)
                .or_default()
                .insert(key, at);
        }
        let ids: Vec<ScheduleId> = self.schedules.entries.keys().copied().collect();
        for id in ids {
            self.arm(id);
        }
    }
}
