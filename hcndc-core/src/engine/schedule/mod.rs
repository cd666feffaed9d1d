//! Schedules at work: how far each has used its times, which executions of it are live, which firings wait.
//!
//! ```text
//!   Timing ─► due: what is due, and what the policies make of it ─► firing ─► started │ queued │ skipped
//!     ▲                                                                └─► deadlines ─► alerts
//!     └──────────── cursor: all up to here is used, for ever
//! ```

mod due;
mod explain;
mod row;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};

use core::time::Duration;

use chrono::Days;

pub use explain::{ScheduleExplanation, ScheduleHold};
pub use row::{DueBy, DueState, FileKeyRow, FiringOutcome, FiringRow, ScheduleCursor, SkipReason};

pub(super) use due::{Times, span, take};

use crate::{
    id::{CalendarId, ExecutionId, FileEventId, FiringId, FlowId, ScheduleId},
    model::{Calendar, Deadline, Schedule, Trigger},
    time::{DataDate, Timestamp},
    trigger::{Timing, TimingContext, calendar::DayRule},
};

/// Firings of one schedule that may wait for their turn at most; more are skipped.
pub const LONGEST_FIRING_QUEUE: usize = 1_000;

/// Firings that one step takes up at most, so that a commit stays bounded; the rest is due at once.
pub(super) const MOST_FIRED: u32 = 1_000;

/// Dates that a schedule of dates catches up with at most; earlier ones are too late.
pub(super) const MOST_DATES: i32 = 366;

/// A schedule, and how far it is.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) schedule: Arc<Schedule>,
    pub(super) calendar: Option<Arc<Calendar>>,
    pub(super) cursor: ScheduleCursor,
    /// When its timer goes off.
    pub(super) armed: Option<Timestamp>,
    pub(super) live: BTreeSet<ExecutionId>,
    pub(super) queued: BTreeSet<FiringId>,
}

/// A schedule's fire times.
#[derive(Debug)]
pub(super) struct FireTimes<'a> {
    timing: &'a Timing,
    context: TimingContext<'a>,
}

impl Times for FireTimes<'_> {
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        self.timing.next(&self.context, after)
    }

    fn prev(&self, before: Timestamp) -> Option<Timestamp> {
        self.timing.prev(&self.context, before)
    }
}

impl Entry {
    pub(super) const fn new(schedule: Arc<Schedule>, cursor: ScheduleCursor) -> Self {
        Self {
            schedule,
            calendar: None,
            cursor,
            armed: None,
            live: BTreeSet::new(),
            queued: BTreeSet::new(),
        }
    }

    /// Its fire times; `None` if it does not go by the time.
    pub(super) fn times(&self) -> Option<FireTimes<'_>> {
        let Trigger::Time(timing) = &self.schedule.trigger else {
            return None;
        };
        let context = TimingContext {
            zone: self.schedule.zone,
            calendar: self.calendar.as_ref().map(|calendar| &calendar.days),
            filter: self.schedule.filter.as_ref(),
            not_before: self.schedule.not_before,
            not_after: self.schedule.not_after,
        };
        Some(FireTimes { timing, context })
    }

    /// The first fire time that is not used.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.times()?.next(self.cursor.time)
    }

    pub(super) fn has_room(&self) -> bool {
        self.live.len() < self.schedule.max_instances as usize
    }

    /// Whether it may fire at this moment for something that came, by its term and its days.
    pub(super) fn admits(&self, now: Timestamp) -> bool {
        let schedule = &self.schedule;
        let days = self.calendar.as_ref().map(|it| it.days.clone());
        let today = local_date(schedule, now);
        schedule.not_before.is_none_or(|first| first <= now)
            && schedule.not_after.is_none_or(|last| now <= last)
            && schedule
                .filter
                .as_ref()
                .is_none_or(|it| it.admits(today, &days.unwrap_or_default()))
    }
}

/// Schedules, their open firings, and what they wait for.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedules {
    pub(super) entries: BTreeMap<ScheduleId, Entry>,
    /// Firings that are open, and the latest of each schedule.
    pub(super) firings: BTreeMap<FiringId, FiringRow>,
    /// Executions of firings that are open.
    pub(super) watched: BTreeMap<ExecutionId, FiringId>,
    /// Schedules that wait for a file, for dates of a flow, and that go by a calendar.
    by_file: BTreeSet<(FileEventId, ScheduleId)>,
    by_flow: BTreeSet<(FlowId, ScheduleId)>,
    by_calendar: BTreeSet<(CalendarId, ScheduleId)>,
    /// Files that came.
    pub(super) files: BTreeMap<FileEventId, BTreeMap<String, Timestamp>>,
    /// Firings that this step took up.
    pub(super) fired: u32,
}

impl Schedules {
    pub(super) fn of_file(&self, event: FileEventId) -> Vec<ScheduleId> {
        let range = (event, ScheduleId(0))..=(event, ScheduleId(u64::MAX));
        self.by_file.range(range).map(|(_, id)| *id).collect()
    }

    pub(super) fn of_flow(&self, flow: FlowId) -> Vec<ScheduleId> {
        let range = (flow, ScheduleId(0))..=(flow, ScheduleId(u64::MAX));
        self.by_flow.range(range).map(|(_, id)| *id).collect()
    }

    pub(super) fn of_calendar(&self, calendar: CalendarId) -> Vec<ScheduleId> {
        let range = (calendar, ScheduleId(0))..=(calendar, ScheduleId(u64::MAX));
        self.by_calendar.range(range).map(|(_, id)| *id).collect()
    }

    /// Takes out what a schedule is found by; its entry stays.
    pub(super) fn untie(&mut self, schedule: &Schedule) {
        self.tie_or_untie(schedule, false);
    }

    /// Puts in what a schedule is found by.
    pub(super) fn tie(&mut self, schedule: &Schedule) {
        self.tie_or_untie(schedule, true);
    }

    fn tie_or_untie(&mut self, schedule: &Schedule, tie: bool) {
        fn set<K: Ord>(ties: &mut BTreeSet<K>, key: K, tie: bool) {
            if tie {
                ties.insert(key);
            } else {
                ties.remove(&key);
            }
        }
        match &schedule.trigger {
            Trigger::Time(_) => {}
            Trigger::File(event) => set(&mut self.by_file, (*event, schedule.id), tie),
            Trigger::DataDate(flows) => {
                for flow in flows {
                    set(&mut self.by_flow, (*flow, schedule.id), tie);
                }
            }
        }
        if let Some(calendar) = schedule.calendar {
            set(&mut self.by_calendar, (calendar, schedule.id), tie);
        }
    }

    /// Holds a firing as long as something of it is open, or it is the latest of its schedule.
    pub(super) fn hold(&mut self, row: FiringRow) {
        let (id, open) = (row.id, row.is_open());
        if let Some(execution) = row.execution() {
            if open {
                self.watched.insert(execution, id);
            } else {
                self.watched.remove(&execution);
            }
        }
        let mut last = false;
        if let Some(entry) = self.entries.get_mut(&row.schedule) {
            last = entry.cursor.last == Some(id);
            if row.outcome == FiringOutcome::Queued {
                entry.queued.insert(id);
            } else {
                entry.queued.remove(&id);
            }
        }
        if open || last {
            self.firings.insert(id, row);
        } else {
            self.firings.remove(&id);
        }
    }

    /// The latest firing of a schedule changes; the one before is forgotten unless it is open.
    pub(super) fn set_last(&mut self, schedule: ScheduleId, last: FiringId) {
        let Some(entry) = self.entries.get_mut(&schedule) else {
            return;
        };
        let before = entry.cursor.last.replace(last);
        if let Some(before) = before
            && self.firings.get(&before).is_some_and(|row| !row.is_open())
        {
            self.firings.remove(&before);
        }
    }

    pub(super) fn cursors(&self) -> Vec<ScheduleCursor> {
        self.entries.values().map(|entry| entry.cursor).collect()
    }

    pub(super) fn file_keys(&self) -> Vec<FileKeyRow> {
        let events = self.files.iter();
        let keys = events.flat_map(|(event, keys)| keys.iter().map(move |key| (*event, key)));
        keys.map(|(event, (key, at))| FileKeyRow {
            event,
            key: key.clone(),
            at: *at,
        })
        .collect()
    }
}

/// The date of a moment in the schedule's zone.
pub(super) fn local_date(schedule: &Schedule, time: Timestamp) -> DataDate {
    let date = time.to_utc().with_timezone(&schedule.zone).date_naive();
    // One day beyond the calendar at most, by the zone.
    let within = DataDate::new(date)
        .or_else(|| DataDate::new(date + Days::new(1)))
        .or_else(|| DataDate::new(date - Days::new(1)));
    within.unwrap_or_else(|| DataDate::day_before(time, chrono_tz::Tz::UTC))
}

/// The data date of a fire time: its local date and the schedule's offset.
pub(super) fn data_date(schedule: &Schedule, time: Timestamp) -> DataDate {
    let date = local_date(schedule, time);
    date.plus_days(schedule.date_offset).unwrap_or(date)
}

/// The moment of a deadline for a fire time. Where the clock is changed, as for fire times: in a gap the first moment
/// after it, in an overlap the first of the two.
pub(super) fn deadline(schedule: &Schedule, deadline: Deadline, time: Timestamp) -> Timestamp {
    let day = local_date(schedule, time).plus_days(i32::from(deadline.days));
    let timing = day.map(|day| Timing::Calendar {
        rule: DayRule::Listed {
            dates: BTreeSet::from([day]),
        },
        at: BTreeSet::from([deadline.at]),
    });
    // Days begin no earlier than that anywhere.
    let from = time.before(Duration::from_secs(3 * 86_400));
    timing
        .and_then(|timing| timing.next(&TimingContext::in_zone(schedule.zone), from))
        .unwrap_or(Timestamp::MAX)
}

/// Whether an edit changes when a schedule fires.
pub(super) fn is_retimed(old: &Schedule, new: &Schedule) -> bool {
    old.trigger != new.trigger
        || old.zone != new.zone
        || old.calendar != new.calendar
        || old.filter != new.filter
        || old.not_before != new.not_before
        || old.not_after != new.not_after
        || old.paused != new.paused
}
