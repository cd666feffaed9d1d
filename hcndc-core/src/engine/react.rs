//! What follows from what a step changed: firings that waited, dates of backfills, deadlines, alerts.
//!
//! It looks at the rows that the step tells to store, whoever wrote them: so no other part of the engine needs to know
//! who waits for what.

use super::{Change, Engine, Step};
use crate::model::{Definition, DefinitionId};

impl Engine {
    /// Looks at the changes from `seen` on, and does what follows from them, which may lead to further changes.
    pub(super) fn react(&mut self, step: &mut Step, seen: &mut usize) {
        while let Some(change) = step.changes.get(*seen) {
            *seen += 1;
            match change {
                Change::Execution(row) => {
                    let row = row.clone();
                    self.on_backfill_moved(&row, step);
                    self.on_scheduled_moved(&row, step);
                    self.alert_execution(&row, step);
                }
                Change::JobRun { from, row } if *from != Some(row.state) => {
                    let row = *row;
                    self.on_scheduled_job(&row, step);
                    self.end_alerts_of_job(&row, step);
                    self.alert_job(&row, step);
                    self.watch_length(&row);
                }
                Change::FlowDataDate { flow, .. } => {
                    let flow = *flow;
                    self.on_flow_reached(flow, step);
                }
                Change::DefinitionPut(Definition::Schedule(schedule)) => {
                    let schedule = schedule.clone();
                    self.on_schedule_put(schedule, step);
                }
                Change::DefinitionPut(Definition::Calendar(calendar)) => {
                    let calendar = calendar.clone();
                    self.on_calendar_put(&calendar, step);
                }
                Change::DefinitionDeleted(DefinitionId::Schedule(id)) => {
                    let id = *id;
                    self.on_schedule_deleted(id, step);
                }
                Change::DefinitionDeleted(DefinitionId::DataSource(id)) => {
                    let id = *id;
                    self.settle_source(id, step);
                }
                Change::Firing(row) if row.execution().is_some() => {
                    let id = row.id;
                    self.end_alerts_of_started(id, step);
                }
                Change::Action(row) => {
                    let row = row.clone();
                    self.acknowledge_of(&row, step);
                }
                Change::ExecutorDeleted(id) => {
                    let id = *id;
                    self.end_alerts_of_executor(id, step);
                }
                Change::DefinitionDeleted(DefinitionId::FileEvent(id)) => {
                    self.schedules.files.remove(id);
                }
                Change::FlowDates { .. }
                | Change::JobOutcome { .. }
                | Change::FlowPut(_)
                | Change::FlowDeleted(_)
                | Change::JobPut(_)
                | Change::JobDeleted(_)
                | Change::ExecutorPut(_)
                | Change::DefinitionPut(
                    Definition::Pool(_)
                    | Definition::Param(_)
                    | Definition::DataSource(_)
                    | Definition::FileServer(_)
                    | Definition::FileEvent(_)
                    | Definition::AlertChannel(_)
                    | Definition::AlertRule(_)
                    | Definition::Webhook(_),
                )
                | Change::DefinitionDeleted(
                    DefinitionId::Flow(_)
                    | DefinitionId::Job(_)
                    | DefinitionId::Executor(_)
                    | DefinitionId::Calendar(_)
                    | DefinitionId::Pool(_)
                    | DefinitionId::Param(_)
                    | DefinitionId::FileServer(_)
                    | DefinitionId::AlertChannel(_)
                    | DefinitionId::AlertRule(_)
                    | DefinitionId::Webhook(_),
                )
                | Change::FlowRun { .. }
                | Change::JobRun { .. }
                | Change::Attempt(_)
                | Change::Outputs(_)
                | Change::Backfill(_)
                | Change::BackfillDate(_)
                | Change::ScheduleCursor(_)
                | Change::Firing(_)
                | Change::FileKey(_)
                | Change::Alert(_)
                | Change::StartKey(_) => {}
            }
        }
    }
}
