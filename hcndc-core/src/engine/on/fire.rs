//! Firing (R9): each time, file and date is used once, whatever comes of it.

use alloc::{string::String, sync::Arc, vec::Vec};

use super::{
    super::{
        Change, DueBy, DueState, Engine, ExecutionRow, ExecutionState, FileKeyRow, FiringOutcome,
        FiringRow, JobRunRow, JobRunState, LONGEST_FIRING_QUEUE, Rejected, Reply, ScheduleCursor,
        SkipReason, Start, Step, TriggerKind,
        schedule::{Entry, MOST_DATES, data_date, deadline, is_retimed, span, take},
        timer::{Timer, Which},
    },
    start::Opening,
};
use crate::{
    id::{ExecutionId, FileEventId, FiringId, FlowId, ScheduleId},
    model::{AlertEvent, Calendar, Deadline, Missed, Overlap, Schedule, Trigger},
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

    pub(in super::super) fn set_deadlines(&mut self, row: &FiringRow) {
        for (due, which) in [(row.start_by, Which::Start), (row.finish_by, Which::Finish)] {
            if let Some(due) = due.filter(|due| due.state == DueState::Open) {
                self.timers.set(due.at, Timer::Deadline(row.id, which));
            }
        }
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

    /// A schedule is new or changed. What was due by the old one has fired before.
    pub(in super::super) fn on_schedule_put(&mut self, new: Arc<Schedule>, step: &mut Step) {
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
    pub(in super::super) fn on_schedule_deleted(&mut self, id: ScheduleId, step: &mut Step) {
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
    pub(in super::super) fn on_calendar_put(&mut self, calendar: &Arc<Calendar>, step: &mut Step) {
        for id in self.schedules.of_calendar(calendar.id) {
            self.use_up(id, step);
            if let Some(entry) = self.schedules.entries.get_mut(&id) {
                entry.calendar = Some(Arc::clone(calendar));
            }
            self.store_cursor(id, step);
            self.arm(id);
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

    /// An execution moved that may belong to a schedule.
    pub(in super::super) fn on_scheduled_moved(&mut self, row: &ExecutionRow, step: &mut Step) {
        if let Some(id) = row.schedule
            && let Some(entry) = self.schedules.entries.get_mut(&id)
        {
            if row.state.is_ended() {
                entry.live.remove(&row.id);
                self.start_queued(id, step);
            } else {
                entry.live.insert(row.id);
            }
        }
        if row.state.is_ended() {
            let succeeded = row.state == ExecutionState::Succeeded;
            self.keep_deadlines(row.id, succeeded, step);
        }
    }

    /// A job run moved: if it began, so did its execution.
    pub(in super::super) fn on_scheduled_job(&mut self, row: &JobRunRow, step: &mut Step) {
        if row.state == JobRunState::Dispatched {
            self.keep_deadlines(row.execution, false, step);
        }
    }

    /// The execution of a firing has started, or succeeded: deadlines that are open are kept.
    fn keep_deadlines(&mut self, execution: ExecutionId, succeeded: bool, step: &mut Step) {
        let Some(id) = self.schedules.watched.get(&execution) else {
            return;
        };
        let Some(mut row) = self.schedules.firings.get(id).cloned() else {
            return;
        };
        let mut kept = false;
        for (due, which) in [
            (Some(&mut row.start_by), Which::Start),
            (succeeded.then_some(&mut row.finish_by), Which::Finish),
        ] {
            if let Some(Some(due)) = due
                && due.state == DueState::Open
            {
                due.state = DueState::Kept;
                self.timers.clear(due.at, Timer::Deadline(row.id, which));
                kept = true;
            }
        }
        if kept {
            step.changes.push(Change::Firing(row.clone()));
            self.schedules.hold(row);
        }
    }

    /// A deadline has come, and what it is for has not happened.
    pub(in super::super) fn on_deadline(&mut self, id: FiringId, which: Which, step: &mut Step) {
        let Some(mut row) = self.schedules.firings.get(&id).cloned() else {
            return;
        };
        let (due, event) = match which {
            Which::Start => (&mut row.start_by, AlertEvent::NotStartedBy),
            Which::Finish => (&mut row.finish_by, AlertEvent::NotFinishedBy),
        };
        let Some(due) = due.as_mut().filter(|due| due.state == DueState::Open) else {
            return;
        };
        due.state = DueState::Missed;
        step.changes.push(Change::Firing(row.clone()));
        self.alert_deadline(&row, event, step);
        self.schedules.hold(row);
    }

    /// Pauses or resumes schedules, all or none.
    pub(in super::super) fn on_pause_schedules(
        &mut self,
        ids: &[ScheduleId],
        paused: bool,
        by: &str,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        for &schedule in ids {
            if self.definitions.schedules.get(schedule).is_none() {
                return Err(Rejected::UnknownSchedule { schedule });
            }
        }
        for &id in ids {
            let Some(old) = self
                .definitions
                .schedules
                .get(id)
                .filter(|it| it.paused != paused)
            else {
                continue;
            };
            let mut new = (**old).clone();
            new.paused = paused;
            new.revision.version += 1;
            new.revision.updated_at = self.now;
            new.revision.updated_by = by.into();
            let new = Arc::new(new);
            self.definitions.put(Arc::clone(&new));
            step.changes.push(Change::DefinitionPut(new.into()));
        }
        Ok(())
    }

    /// Runs a schedule at once, whatever its times and limits.
    pub(in super::super) fn on_run_schedule(
        &mut self,
        id: ScheduleId,
        date: Option<DataDate>,
        by: String,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let schedule = self.definitions.schedules.get(id).cloned();
        let schedule = schedule.ok_or(Rejected::UnknownSchedule { schedule: id })?;
        let start = Start {
            flows: alloc::vec![schedule.flow],
            jobs: None,
            downstream: schedule.downstream,
            data_date: date.unwrap_or_else(|| data_date(&schedule, self.now)),
            params: schedule.params.clone(),
            trigger: TriggerKind::Manual,
            by,
        };
        let opening = Opening {
            schedule: Some(id),
            ..Opening::manual(start)
        };
        let execution = self.begin(opening, step)?;
        step.reply = Reply::Started(execution);
        Ok(())
    }

    /// Takes in what is stored of schedules. Their definitions and the live executions are in place.
    pub(in super::super) fn admit_schedules(
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
