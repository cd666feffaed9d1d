//! R9: schedules use each of their times once. A walk of the oracle's own over each schedule's times is compared with what is
//! stored of firings, of cursors, and of executions.

use std::sync::Arc;

use hcndc_core::{
    engine::{
        Change, ExecutionRow, FiringOutcome, FiringRow, ScheduleCursor, SkipReason, TriggerKind,
    },
    model::{Calendar, Definition, DefinitionId, Missed, Overlap, Schedule, Trigger},
    time::Timestamp,
    trigger::{Timing, TimingContext},
};

use super::super::oracle::Oracle;

/// What a schedule fires by.
#[derive(Clone, Debug)]
struct Pace {
    schedule: Arc<Schedule>,
    calendar: Option<Arc<Calendar>>,
    /// When that came to be.
    since: Timestamp,
}

impl Pace {
    /// Its first time after this one.
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let schedule = &self.schedule;
        let Trigger::Time(timing) = &schedule.trigger else {
            return None;
        };
        let context = TimingContext {
            zone: schedule.zone,
            calendar: self.calendar.as_ref().map(|it| &it.days),
            filter: schedule.filter.as_ref(),
            not_before: schedule.not_before,
            not_after: schedule.not_after,
        };
        timing.next(&context, after)
    }
}

/// How far a schedule is.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    /// What it fires by.
    by: Pace,
    /// What it fires by as soon as what has passed is used.
    next: Option<Pace>,
    /// All times up to here are used.
    used: Timestamp,
    /// When it last fired, by the clock of whoever led.
    fired_at: Option<Timestamp>,
}

impl Walk {
    const fn new(by: Pace) -> Self {
        Self {
            used: by.since,
            by,
            next: None,
            fired_at: None,
        }
    }

    /// What it will fire by once all that is stored counts.
    fn newest(&self) -> &Pace {
        self.next.as_ref().unwrap_or(&self.by)
    }

    /// The first time that is not used.
    fn due(&self) -> Option<Timestamp> {
        self.by.next(self.used)
    }

    /// What is wrong with a cursor.
    fn moves(&mut self, cursor: &ScheduleCursor) -> Option<String> {
        let passed = self.due().filter(|due| *due <= cursor.time);
        let back = cursor.time < self.used;
        let wrong = passed.map(|due| format!("{due} is used and nothing came of it"));
        let wrong = wrong.or_else(|| back.then(|| format!("{} comes again", self.used)));
        self.used = cursor.time.max(self.used);
        if let Some(next) = self.next.take_if(|next| cursor.time >= next.since) {
            self.by = next;
        }
        wrong
    }

    /// What is wrong with a firing of its times.
    fn fires(&mut self, row: &FiringRow, edited: bool) -> Option<String> {
        let due = self.due();
        if due != Some(row.from) || row.to < row.from {
            return Some(format!("{due:?} is due"));
        }
        // What was skipped together is walked over.
        while self.used < row.to {
            match self.due() {
                Some(due) if due <= row.to => self.used = due,
                other => return Some(format!("{} is no time of it, {other:?} is", row.to)),
            }
        }
        if row.to > row.at {
            return Some("it is not due yet".into());
        }
        if edited && self.next.is_none() {
            return None;
        }
        let oldest = row.at.before(self.by.schedule.misfire_grace);
        let pauses = self.next.as_ref().is_some_and(|next| next.schedule.paused);
        match row.outcome {
            FiringOutcome::Skipped { reason } => {
                let right = match reason {
                    SkipReason::Misfired => row.to < oldest,
                    SkipReason::Coalesced => self.by.schedule.missed == Missed::Coalesce,
                    SkipReason::Paused => self.by.schedule.paused,
                    // What is due when a pause begins fires.
                    SkipReason::Changed => self.next.is_some() && !pauses,
                    _ => return self.takes_one(row, oldest),
                };
                (!right).then(|| format!("{reason} is no reason"))
            }
            FiringOutcome::Started { .. } | FiringOutcome::Queued => self.takes_one(row, oldest),
        }
    }

    /// What is wrong with a firing that is meant to start something.
    fn takes_one(&mut self, row: &FiringRow, oldest: Timestamp) -> Option<String> {
        let before = self.fired_at.replace(row.at);
        let twice = self.by.schedule.missed == Missed::Coalesce && before == Some(row.at);
        if self.by.schedule.paused {
            Some("it is paused".into())
        } else if row.from != row.to || twice {
            Some("it stands for several".into())
        } else if row.to < oldest {
            Some("it is too late".into())
        } else {
            None
        }
    }
}

/// Whether an edit changes when a schedule fires.
fn is_retimed(old: &Schedule, new: &Schedule) -> bool {
    (
        &old.trigger,
        old.zone,
        &old.filter,
        old.paused,
        old.calendar,
    ) != (
        &new.trigger,
        new.zone,
        &new.filter,
        new.paused,
        new.calendar,
    ) || (old.not_before, old.not_after) != (new.not_before, new.not_after)
}

impl Oracle {
    /// `R9`: every fire time is used exactly once, for one execution or one recorded skip.
    pub(crate) fn check_firing(&mut self, change: &Change) {
        let wrong = match change {
            Change::DefinitionPut(Definition::Schedule(new)) => {
                self.edited.insert(new.id);
                let calendar = new
                    .calendar
                    .and_then(|it| self.rows.definitions.get(&it.into()));
                let pace = Pace {
                    schedule: new.clone(),
                    calendar: match calendar {
                        Some(Definition::Calendar(calendar)) => Some(calendar.clone()),
                        _ => None,
                    },
                    since: new.revision.updated_at,
                };
                let walk = self.walks.entry(new.id);
                let walk = walk.or_insert_with(|| Walk::new(pace.clone()));
                if is_retimed(&walk.newest().schedule, new) || walk.next.is_some() {
                    walk.next = Some(pace);
                } else {
                    walk.by = pace;
                }
                None
            }
            Change::DefinitionPut(Definition::Calendar(new)) => {
                for (id, walk) in &mut self.walks {
                    let pace = walk.newest();
                    if pace.schedule.calendar == Some(new.id) {
                        self.edited.insert(*id);
                        walk.next = Some(Pace {
                            schedule: pace.schedule.clone(),
                            calendar: Some(new.clone()),
                            since: new.revision.updated_at,
                        });
                    }
                }
                None
            }
            Change::DefinitionDeleted(DefinitionId::Schedule(id)) => {
                self.walks.remove(id);
                None
            }
            Change::ScheduleCursor(cursor) => {
                let walk = self.walks.get_mut(&cursor.schedule);
                let wrong = walk.and_then(|walk| walk.moves(cursor));
                wrong.map(|it| format!("cursor of schedule {}: {it}", cursor.schedule))
            }
            Change::Firing(row) => {
                let wrong = self.wrong_firing(row);
                wrong.map(|it| format!("firing {} of schedule {}: {it}", row.id, row.schedule))
            }
            Change::Execution(row) => {
                if let Some(schedule) = row.schedule.filter(|_| row.state.is_ended()) {
                    *self.ending.entry(schedule).or_default() += 1;
                }
                let new = !self.rows.executions.contains_key(&row.id);
                new.then(|| self.fires_twice(row)).flatten()
            }
            _ => None,
        };
        if let Some(detail) = wrong {
            self.breaks("R9", detail);
        }
    }

    /// `R9`: a file's key is used once, for ever.
    pub(crate) fn check_file(&mut self, change: &Change) {
        match change {
            Change::FileKey(row) => {
                let (event, key) = (row.event, row.key.clone());
                let new = self.keys.insert((event, key.clone()));
                self.holds("R9", new, || format!("file {key} of {event} comes again"));
                let wait = self.rows.schedules();
                let wait = wait.filter(|it| it.trigger == Trigger::File(event));
                self.to_fire.extend(wait.map(|it| (it.id, row.key.clone())));
            }
            Change::Firing(row) if !self.rows.firings.contains_key(&row.id) => {
                if let Some(key) = &row.file {
                    let fires = self.to_fire.remove(&(row.schedule, key.clone()));
                    let (id, schedule) = (row.id, row.schedule);
                    self.holds("R9", fires, || {
                        format!("firing {id} of schedule {schedule} is for no file that came")
                    });
                }
            }
            _ => {}
        }
    }

    /// `R9`, once a commit is stored: nothing is left to fire for a file that came.
    pub(crate) fn check_files(&mut self) {
        let left = std::mem::take(&mut self.to_fire);
        self.holds("R9", left.is_empty(), || {
            format!("nothing came of files: {left:?}")
        });
    }

    fn wrong_firing(&mut self, row: &FiringRow) -> Option<String> {
        let what = match row.outcome {
            FiringOutcome::Started { .. } => "fired",
            FiringOutcome::Queued => "queued a firing",
            FiringOutcome::Skipped { reason } => reason.as_str(),
        };
        let old = self.rows.firings.get(&row.id).map(|old| old.outcome);
        if old != Some(row.outcome) {
            *self.seen.entry(what).or_default() += 1;
            let schedule = self.walks.get(&row.schedule).map(|walk| &walk.by.schedule);
            if schedule
                .is_some_and(|it| matches!(it.trigger, Trigger::Time(Timing::Calendar { .. })))
            {
                *self.seen.entry("day of a rule").or_default() += 1;
            }
        }
        let wrong = match old {
            Some(old) => {
                let legal = old == row.outcome || old == FiringOutcome::Queued;
                (!legal).then(|| format!("it was {old:?}, and is {:?}", row.outcome))
            }
            None => {
                self.note_awake(row.at);
                let walk = self.walks.get_mut(&row.schedule);
                let walk = walk.filter(|walk| matches!(walk.by.schedule.trigger, Trigger::Time(_)));
                let edited = self.edited.contains(&row.schedule);
                walk.and_then(|walk| walk.fires(row, edited))
            }
        };
        let started = old != Some(row.outcome);
        wrong.or_else(|| self.wrong_outcome(row).filter(|_| started))
    }

    /// What a firing came to fits its execution, and the number of those that may be live.
    fn wrong_outcome(&self, row: &FiringRow) -> Option<String> {
        let walk = self.walks.get(&row.schedule)?;
        let live = self.rows.executions.values();
        let live = live.filter(|it| {
            it.schedule == Some(row.schedule)
                && !it.state.is_ended()
                && Some(it.id) != row.execution()
        });
        let live: Vec<&ExecutionRow> = live.collect();
        // People may start and resume as they like, and may do so as the time comes.
        let by_itself = |it: &&&ExecutionRow| it.trigger != TriggerKind::Manual && it.resumes == 0;
        let alone = live.iter().filter(by_itself).count();
        let (live, most) = (live.len(), walk.by.schedule.max_instances as usize);
        // An edit may just change how many may be live, or what becomes of the others.
        let clear = walk.next.is_none() && !self.edited.contains(&row.schedule);
        // What has just ended may have been there when the time came.
        let ending = self.ending.get(&row.schedule).copied();
        let full = live + ending.unwrap_or_default() >= most;
        let skips = walk.by.schedule.overlap == Overlap::Skip;
        match row.outcome {
            FiringOutcome::Started { execution } => {
                let its = self.rows.executions.get(&execution);
                let right = its.is_some_and(|its| {
                    its.schedule == Some(row.schedule)
                        && its.data_date == row.data_date
                        && its.fire_time == Some(row.to)
                });
                if !right {
                    return Some(format!("it started {its:?}"));
                }
                if walk.by.schedule.paused && clear {
                    return Some("it is paused".into());
                }
                (alone >= most && clear).then(|| format!("{alone} of {most} are live"))
            }
            FiringOutcome::Queued => {
                ((!full || skips) && clear).then(|| format!("it waits, {live} are live"))
            }
            FiringOutcome::Skipped {
                reason: SkipReason::MaxInstances,
            } => ((!full || !skips) && clear).then(|| format!("only {live} are live")),
            FiringOutcome::Skipped { .. } => None,
        }
    }

    /// No two executions stand for one fire time.
    fn fires_twice(&mut self, row: &ExecutionRow) -> Option<String> {
        let (schedule, time) = (row.schedule?, row.fire_time?);
        if row.trigger != TriggerKind::Schedule {
            return None;
        }
        let new = self.fired.insert((schedule, time));
        (!new).then(|| {
            let id = row.id;
            format!("execution {id} is the second of schedule {schedule} for {time}")
        })
    }
}
