//! What people ask of schedules.

use alloc::{string::String, sync::Arc, vec::Vec};

use super::super::{
    super::{Change, Engine, Rejected, Reply, Start, Step, TriggerKind, schedule::data_date},
    start::Opening,
};
use crate::{
    id::ScheduleId,
    model::Param,
    time::{DataDate, DateFormat},
};

/// What a run of a schedule has that is not the schedule's.
pub(in super::super::super) struct RunChanged {
    pub(in super::super::super) data_date: Option<DataDate>,
    pub(in super::super::super) date_format: Option<DateFormat>,
    pub(in super::super::super) downstream: Option<bool>,
    pub(in super::super::super) params: Vec<Param>,
}

impl Engine {
    /// Pauses or resumes schedules, all or none.
    pub(in super::super::super) fn on_pause_schedules(
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

    /// Runs a schedule at once, whatever its times and limits; with another date, in another form, with or without what is
    /// downstream, and with params over its own.
    pub(in super::super::super) fn on_run_schedule(
        &mut self,
        id: ScheduleId,
        changed: RunChanged,
        by: String,
        step: &mut Step,
    ) -> Result<(), Rejected> {
        let schedule = self.definitions.schedules.get(id).cloned();
        let schedule = schedule.ok_or(Rejected::UnknownSchedule { schedule: id })?;
        let start = Start {
            flows: alloc::vec![schedule.flow],
            jobs: None,
            downstream: changed.downstream.unwrap_or(schedule.downstream),
            data_date: changed
                .data_date
                .unwrap_or_else(|| data_date(&schedule, self.now)),
            date_format: changed.date_format,
            params: over(&schedule.params, changed.params),
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
}

/// Params with values over them: where the name is the same, the value is; others come after.
fn over(own: &[Param], values: Vec<Param>) -> Vec<Param> {
    let mut params = own.to_vec();
    for value in values {
        match params.iter_mut().find(|it| it.name == value.name) {
            Some(it) => it.value = value.value,
            None => params.push(value),
        }
    }
    params
}
