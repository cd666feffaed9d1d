//! Firing (R9): each time, file and date is used once, whatever comes of it.

mod command;
mod deadline;
mod load;
mod put;

pub(in super::super) use command::RunChanged;

use alloc::{string::String, sync::Arc};

use super::{
    super::{
        Change, DueBy, DueState, Engine, FileKeyRow, FiringOutcome, FiringRow,
        LONGEST_FIRING_QUEUE, Rejected, SkipReason, Start, Step, TriggerKind,
        schedule::{Entry, MOST_DATES, data_date, deadline, take},
        timer::Timer,
    },
    start::Opening,
};
use crate::{
    id::{FileEventId, FiringId, FlowId, ScheduleId},
    model::{Deadline, Missed, Overlap, Schedule, Trigger},
    time::{DataDate, Timestamp},
};

/// What a schedule fires for.
#[derive(Clone, Debug)]
struct Occasion {
    trigger: TriggerKind,
    from: Timestamp,
    to: Timestamp,
    first_date: DataDate,
    data_date: DataDate,
    file: Option<String>,
}

impl Occasion {
    fn times(schedule: &Schedule, (from, to): (Timestamp, Timestamp)) -> Self {
        Self {
            trigger: TriggerKind::Schedule,
            from,
            to,
            first_date: data_date(schedule, from),
            data_date: data_date(schedule, to),
            file: None,
        }
    }

    const fn dates(now: Timestamp, first_date: DataDate, data_date: DataDate) -> Self {
        Self {
            trigger: TriggerKind::DataDate,
            from: now,
            to: now,
            first_date,
            data_date,
            file: None,
        }
    }
}

impl Engine {
    /// A schedule's timer went off: one of its fire times fires, and those that are too late or that another stands for are
    /// used with it.
    pub(in super::super) fn on_fire_time(&mut self, id: ScheduleId, step: &mut Step) {
        let now = self.now;
        let Some(entry) = self.schedules.entries.get_mut(&id) else {
            return;
        };
        entry.armed = None;
        let schedule = Arc::clone(&entry.schedule);
        let due = entry.times().filter(|_| !schedule.paused).and_then(|it| {
            take(
                &it,
                entry.cursor.time,
                now,
                schedule.misfire_grace,
                schedule.missed,
            )
        });
        let Some(due) = due else {
            self.arm(id);
            return;
        };
        entry.cursor.time = due.cursor;
        for (span, reason) in [
            (due.misfired, SkipReason::Misfired),
            (due.coalesced, SkipReason::Coalesced),
        ] {
            if let Some(span) = span {
                let skipped = FiringOutcome::Skipped { reason };
                self.record(&schedule, Occasion::times(&schedule, span), skipped, step);
            }
        }
        if let Some(time) = due.fires {
            let occasion = Occasion::times(&schedule, (time, time));
            self.fire(&schedule, occasion, step);
        }
        self.store_cursor(id, step);
        self.arm_at(id, due.next);
    }

    /// A file came.
    pub(in super::super) fn on_file_arrived(
        &mut self,
        event: FileEventId,
        key: String,
        date: Option<DataDate>,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        if self.definitions.file_events.get(event).is_none() {
            return Err(Rejected::UnknownFileEvent { event });
        }
        if key.is_empty() || key.chars().count() > 255 {
            return Err(Rejected::BadFileKey);
        }
        let now = self.now;
        let known = self.schedules.files.entry(event).or_default();
        if known.contains_key(&key) {
            return Ok(());
        }
        known.insert(key.clone(), now);
        let (at, row_key) = (now, key.clone());
        step.changes.push(Change::FileKey(FileKeyRow {
            event,
            key: row_key,
            at,
        }));
        for id in self.schedules.of_file(event) {
            let Some(entry) = self.schedules.entries.get(&id) else {
                continue;
            };
            let (schedule, admitted) = (Arc::clone(&entry.schedule), entry.admits(now));
            let data_date = date.unwrap_or_else(|| data_date(&schedule, now));
            let occasion = Occasion {
                trigger: TriggerKind::File,
                file: Some(key.clone()),
                ..Occasion::dates(now, data_date, data_date)
            };
            self.fire_admitted(&schedule, occasion, admitted, step);
            self.store_cursor(id, step);
        }
        Ok(())
    }

    /// R3 moved the date of a flow.
    pub(in super::super) fn on_flow_reached(&mut self, flow: FlowId, step: &mut Step) {
        for id in self.schedules.of_flow(flow) {
            self.fire_dates(id, step);
        }
    }

    /// Dates that all flows of a schedule have reached, and that it has not used.
    fn fire_dates(&mut self, id: ScheduleId, step: &mut Step) {
        let now = self.now;
        let Some(entry) = self.schedules.entries.get(&id) else {
            return;
        };
        let schedule = Arc::clone(&entry.schedule);
        let Some(reached) = self.reached(&schedule).filter(|_| !schedule.paused) else {
            return;
        };
        let used = entry.cursor.date;
        if used.is_some_and(|used| reached <= used) {
            return;
        }
        let admitted = entry.admits(now);
        let first = used.and_then(|used| used.plus_days(1)).unwrap_or(reached);
        // What is left to fire begins here.
        let from = match schedule.missed {
            Missed::Coalesce => reached,
            Missed::CatchUp => reached
                .plus_days(1 - MOST_DATES)
                .map_or(first, |earliest| first.max(earliest)),
        };
        if let Some(last) = from.plus_days(-1).filter(|last| first <= *last) {
            let reason = match schedule.missed {
                Missed::Coalesce => SkipReason::Coalesced,
                Missed::CatchUp => SkipReason::Misfired,
            };
            let skipped = FiringOutcome::Skipped { reason };
            self.record(&schedule, Occasion::dates(now, first, last), skipped, step);
        }
        let mut next = Some(from);
        while let Some(date) = next.filter(|date| *date <= reached) {
            self.fire_admitted(&schedule, Occasion::dates(now, date, date), admitted, step);
            next = date.plus_days(1);
        }
        if let Some(entry) = self.schedules.entries.get_mut(&id) {
            entry.cursor.date = Some(reached);
        }
        self.store_cursor(id, step);
    }

    /// The last date that all flows of a schedule have reached.
    pub(in super::super) fn reached(&self, schedule: &Schedule) -> Option<DataDate> {
        let Trigger::DataDate(flows) = &schedule.trigger else {
            return None;
        };
        let dates = flows.iter().map(|flow| self.definitions.data_date(*flow));
        dates.min().flatten()
    }

    /// Fires for what came by itself, if the schedule fires at such a time.
    fn fire_admitted(
        &mut self,
        schedule: &Arc<Schedule>,
        occasion: Occasion,
        admitted: bool,
        step: &mut Step,
    ) {
        let reason = match (schedule.paused, admitted) {
            (true, _) => SkipReason::Paused,
            (false, false) => SkipReason::Excluded,
            (false, true) => return self.fire(schedule, occasion, step),
        };
        let skipped = FiringOutcome::Skipped { reason };
        self.record(schedule, occasion, skipped, step);
    }

    /// Starts an execution, or has it wait for its turn, or skips it, by the schedule's policy.
    fn fire(&mut self, schedule: &Arc<Schedule>, occasion: Occasion, step: &mut Step) {
        self.schedules.fired += 1;
        let Some(entry) = self.schedules.entries.get(&schedule.id) else {
            return;
        };
        let outcome = match (entry.has_room(), schedule.overlap) {
            (true, _) => self.open(
                schedule,
                occasion.trigger,
                occasion.to,
                occasion.data_date,
                step,
            ),
            (false, Overlap::Skip) => FiringOutcome::Skipped {
                reason: SkipReason::MaxInstances,
            },
            (false, Overlap::Queue) if entry.queued.len() < LONGEST_FIRING_QUEUE => {
                FiringOutcome::Queued
            }
            (false, Overlap::Queue) => FiringOutcome::Skipped {
                reason: SkipReason::QueueFull,
            },
        };
        self.record(schedule, occasion, outcome, step);
    }

    fn open(
        &mut self,
        schedule: &Arc<Schedule>,
        trigger: TriggerKind,
        fire_time: Timestamp,
        data_date: DataDate,
        step: &mut Step,
    ) -> FiringOutcome {
        let start = Start {
            flows: alloc::vec![schedule.flow],
            jobs: None,
            downstream: schedule.downstream,
            data_date,
            date_format: None,
            params: schedule.params.clone(),
            trigger,
            by: schedule.name.clone(),
        };
        let opening = Opening {
            schedule: Some(schedule.id),
            fire_time: Some(fire_time),
            ..Opening::manual(start)
        };
        match self.begin(opening, step) {
            Ok(execution) => {
                // Before its rows are looked at, for the next fire time may come before that. It may have ended at once.
                if self.is_live(execution)
                    && let Some(entry) = self.schedules.entries.get_mut(&schedule.id)
                {
                    entry.live.insert(execution);
                }
                FiringOutcome::Started { execution }
            }
            Err(Rejected::FlowDisabled { .. }) => FiringOutcome::Skipped {
                reason: SkipReason::FlowDisabled,
            },
            Err(_) => FiringOutcome::Skipped {
                reason: SkipReason::Refused,
            },
        }
    }

    /// Records what became of a firing, and sets its deadlines.
    fn record(
        &mut self,
        schedule: &Schedule,
        occasion: Occasion,
        outcome: FiringOutcome,
        step: &mut Step,
    ) {
        let id = FiringId(self.take_id());
        let wanted = matches!(outcome, FiringOutcome::Skipped { reason } if reason.is_wanted());
        let due = |by: Option<Deadline>| {
            by.filter(|_| !wanted).map(|by| DueBy {
                at: deadline(schedule, by, occasion.to),
                state: DueState::Open,
            })
        };
        let row = FiringRow {
            id,
            schedule: schedule.id,
            from: occasion.from,
            to: occasion.to,
            first_date: occasion.first_date,
            start_by: due(schedule.start_by),
            finish_by: due(schedule.finish_by),
            data_date: occasion.data_date,
            file: occasion.file,
            at: self.now,
            outcome,
        };
        self.set_deadlines(&row);
        step.changes.push(Change::Firing(row.clone()));
        self.schedules.set_last(schedule.id, id);
        self.schedules.hold(row);
    }

    fn store_cursor(&self, id: ScheduleId, step: &mut Step) {
        if let Some(entry) = self.schedules.entries.get(&id) {
            step.changes.push(Change::ScheduleCursor(entry.cursor));
        }
    }

    /// Sets the timer of a schedule anew.
    pub(in super::super) fn arm(&mut self, id: ScheduleId) {
        let entry = self.schedules.entries.get(&id);
        let next = entry.filter(|it| !it.schedule.paused).and_then(Entry::next);
        self.arm_at(id, next);
    }

    fn arm_at(&mut self, id: ScheduleId, next: Option<Timestamp>) {
        let Some(entry) = self.schedules.entries.get_mut(&id) else {
            return;
        };
        if let Some(at) = entry.armed {
            self.timers.clear(at, Timer::Fire(id));
        }
        entry.armed = next;
        if let Some(at) = next {
            self.timers.set(at, Timer::Fire(id));
        }
    }

    /// Firings that wait start while there is room.
    pub(in super::super) fn start_queued(&mut self, id: ScheduleId, step: &mut Step) {
        while let Some(entry) = self.schedules.entries.get(&id) {
            let schedule = Arc::clone(&entry.schedule);
            let first = entry.queued.first().copied();
            let Some(mut row) = first
                .filter(|_| entry.has_room() && !schedule.paused)
                .and_then(|first| self.schedules.firings.get(&first).cloned())
            else {
                return;
            };
            let trigger = match (&row.file, &schedule.trigger) {
                (Some(_), _) => TriggerKind::File,
                (None, Trigger::DataDate(_)) => TriggerKind::DataDate,
                (None, Trigger::Time(_) | Trigger::File(_)) => TriggerKind::Schedule,
            };
            row.outcome = self.open(&schedule, trigger, row.to, row.data_date, step);
            step.changes.push(Change::Firing(row.clone()));
            self.schedules.hold(row);
        }
    }
}
