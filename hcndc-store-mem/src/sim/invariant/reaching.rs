//! R9 for schedules that do not go by the time: flows that reach a date fire once for it, and no date is passed over in silence;
//! and whatever comes on a day at which a schedule does not fire is skipped.

use hcndc_core::{
    engine::{Change, FiringOutcome, FiringRow, SkipReason},
    id::{FlowId, ScheduleId},
    model::{Definition, DefinitionId, Missed, Schedule, Trigger},
    time::{DataDate, Timestamp},
    trigger::calendar::BusinessDays,
};

use super::super::oracle::Oracle;

/// How far a schedule that waits for dates of flows is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// All dates up to here are used.
    used: Option<DataDate>,
    /// It has just begun to wait for these flows: until its cursor is there, what comes belongs to what was before.
    new: Option<Timestamp>,
}

impl Oracle {
    /// `R9`: dates that flows reach.
    pub(crate) fn check_reached(&mut self, change: &Change) {
        let wrong = match change {
            Change::DefinitionPut(Definition::Schedule(new)) => {
                let old = self.rows.definitions.get(&new.id.into());
                let same =
                    matches!(old, Some(Definition::Schedule(old)) if old.trigger == new.trigger);
                match &new.trigger {
                    Trigger::DataDate(flows) if !same => {
                        let used = self.reached(flows);
                        let since = Some(new.revision.updated_at);
                        self.reaches.insert(new.id, Reach { used, new: since });
                    }
                    Trigger::DataDate(_) => {}
                    Trigger::Time(_) | Trigger::File(_) => {
                        self.reaches.remove(&new.id);
                    }
                }
                None
            }
            Change::DefinitionDeleted(DefinitionId::Schedule(id)) => {
                self.reaches.remove(id);
                None
            }
            Change::ScheduleCursor(cursor) => {
                let (is, schedule) = (cursor.date, cursor.schedule);
                self.reaches.get_mut(&schedule).and_then(|reach| {
                    let used = reach.used;
                    reach.new = reach.new.filter(|since| cursor.time < *since);
                    (used != is && reach.new.is_none()).then(|| {
                        format!("cursor of schedule {schedule}: {is:?}, and {used:?} is used")
                    })
                })
            }
            Change::Firing(row) if !self.rows.firings.contains_key(&row.id) => {
                let wrong = self.wrong_occasion(row);
                wrong.map(|it| format!("firing {} of schedule {}: {it}", row.id, row.schedule))
            }
            _ => None,
        };
        if let Some(detail) = wrong {
            self.breaks("R9", detail);
        }
    }

    /// `R9`, once a commit is stored: all dates that were reached are used.
    pub(crate) fn check_all_reached(&mut self) {
        let late = self.reaches.iter().find_map(|(id, reach)| {
            let schedule = self.schedule(*id)?;
            let Trigger::DataDate(flows) = &schedule.trigger else {
                return None;
            };
            let reached = self.reached(flows);
            (!schedule.paused && reached > reach.used).then_some((*id, reached))
        });
        self.holds("R9", late.is_none(), || {
            format!("schedule and date of which nothing came: {late:?}")
        });
        let mut new = self.reaches.iter().filter(|(_, reach)| reach.new.is_some());
        let unused = new.next().map(|(id, reach)| (*id, reach.used));
        self.holds("R9", unused.is_none(), || {
            format!("schedule that does not begin after the date that was reached: {unused:?}")
        });
    }

    /// What is wrong with a firing for something that came.
    fn wrong_occasion(&mut self, row: &FiringRow) -> Option<String> {
        let schedule = self.schedule(row.schedule)?;
        let missed = schedule.missed;
        let flows = match &schedule.trigger {
            Trigger::Time(_) => return None,
            Trigger::File(_) => &[][..],
            Trigger::DataDate(flows) => flows,
        };
        // What is used up because of an edit goes by what was before; if those were times, it is looked at there.
        let edited = self.edited.contains(&row.schedule);
        let of_times = match &schedule.trigger {
            Trigger::File(_) => row.file.is_none(),
            _ => self.reaches.get(&row.schedule)?.new.is_some(),
        };
        if edited && of_times {
            return None;
        }
        let used_up = edited
            && matches!(
                row.outcome,
                FiringOutcome::Skipped {
                    reason: SkipReason::Paused | SkipReason::Changed
                }
            );
        let excluded = !self.admits(schedule, row.at);
        let skipped = match row.outcome {
            FiringOutcome::Skipped { reason } => Some(reason),
            FiringOutcome::Started { .. } | FiringOutcome::Queued => None,
        };
        let (reached, paused) = (self.reached(flows), schedule.paused);
        let right = match skipped {
            _ if used_up => true,
            Some(SkipReason::Excluded) => excluded && !paused,
            Some(SkipReason::Paused) => paused,
            Some(SkipReason::Coalesced) => {
                missed == Missed::Coalesce && Some(row.data_date) < reached
            }
            Some(SkipReason::Misfired) => {
                let gap = row.first_date.plus_days(366);
                missed == Missed::CatchUp && gap <= reached
            }
            _ => !excluded && !paused && row.first_date == row.data_date,
        };
        if !right {
            let outcome = row.outcome;
            return Some(format!(
                "{outcome:?}; excluded: {excluded}, paused: {paused}, reached: {reached:?}"
            ));
        }
        // A file has whatever date it has.
        let reach = self.reaches.get_mut(&row.schedule)?;
        let due = reach
            .used
            .map_or(Some(row.first_date), |used| used.plus_days(1));
        let right = due == Some(row.first_date) && row.first_date <= row.data_date;
        reach.used = Some(row.data_date);
        *self.seen.entry("date used").or_default() += 1;
        if !used_up && Some(row.data_date) > reached {
            return Some(format!(
                "{} is not reached, only {reached:?}",
                row.data_date
            ));
        }
        (!right).then(|| format!("{} to {}, {due:?} is due", row.first_date, row.data_date))
    }

    /// The last date that all of these flows have reached.
    fn reached(&self, flows: &[FlowId]) -> Option<DataDate> {
        let dates = flows.iter().map(|flow| self.rows.data_dates.get(flow));
        dates.min().flatten().copied()
    }

    fn schedule(&self, id: ScheduleId) -> Option<&Schedule> {
        match self.rows.definitions.get(&id.into()) {
            Some(Definition::Schedule(schedule)) => Some(schedule),
            _ => None,
        }
    }

    /// Whether a schedule fires on the date of a moment.
    fn admits(&self, schedule: &Schedule, at: Timestamp) -> bool {
        let Some(filter) = &schedule.filter else {
            return true;
        };
        let calendar = schedule
            .calendar
            .map(|it| self.rows.definitions.get(&it.into()));
        let days = match calendar {
            Some(Some(Definition::Calendar(calendar))) => calendar.days.clone(),
            _ => BusinessDays::default(),
        };
        let today = DataDate::day_before(at, schedule.zone).plus_days(1);
        today.is_some_and(|today| filter.admits(today, &days))
    }
}
