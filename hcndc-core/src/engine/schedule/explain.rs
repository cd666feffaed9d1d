//! Why a schedule does not fire, and when it will (R11).

use alloc::{string::String, vec::Vec};

use super::{FiringOutcome, FiringRow, ScheduleCursor};
use crate::{
    engine::Engine,
    id::{ExecutionId, FileEventId, FlowId, ScheduleId},
    model::Trigger,
    time::{DataDate, Timestamp},
};

/// Where a schedule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ScheduleExplanation {
    /// When it fires next, if time alone decides that; in the past while it catches up. `None` while it is paused.
    pub next: Option<Timestamp>,
    /// All that keeps it from starting an execution now, but for the time. Every one of these must change.
    pub holds: Vec<ScheduleHold>,
    /// How far it has used its times.
    pub cursor: ScheduleCursor,
    /// Its latest firing, and what became of it.
    pub last: Option<FiringRow>,
    /// Firings that wait for their turn, in their order.
    pub queued: Vec<FiringRow>,
    /// Its live executions, by id.
    pub live: Vec<ExecutionId>,
}

/// One thing that keeps a schedule from starting an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "kind"))]
#[non_exhaustive]
pub enum ScheduleHold {
    /// It is paused.
    Paused {
        /// Who edited it last.
        by: String,
        /// When.
        since: Timestamp,
    },
    /// Its flow is not enabled.
    FlowDisabled {
        /// The flow.
        flow: FlowId,
    },
    /// Its term has not begun.
    NotBefore {
        /// When it does.
        at: Timestamp,
    },
    /// Its term is over.
    NotAfter {
        /// When it ended.
        at: Timestamp,
    },
    /// No time is left at which it fires.
    NoTimes,
    /// As many executions of it are live as may be.
    MaxInstances {
        /// How many may be.
        most: u32,
    },
    /// It waits for a file.
    File {
        /// The file event.
        event: FileEventId,
    },
    /// It waits for flows to reach a date.
    Dates {
        /// The date that all of its flows have reached is used; it waits for a later one.
        after: Option<DataDate>,
        /// Flows that have not reached a later date, with the dates that they have.
        flows: Vec<(FlowId, Option<DataDate>)>,
    },
}

impl Engine {
    /// Why a schedule does not fire, what became of its latest firing, and when it fires next; `None` for an unknown one.
    ///
    /// # Complexity
    /// O(firings that wait, executions that live and flows that are waited for), each of this schedule.
    #[must_use]
    pub fn explain_schedule(&self, schedule: ScheduleId) -> Option<ScheduleExplanation> {
        let entry = self.schedules.entries.get(&schedule)?;
        let schedule = &entry.schedule;
        let mut holds = Vec::new();
        if schedule.paused {
            holds.push(ScheduleHold::Paused {
                by: schedule.revision.updated_by.clone(),
                since: schedule.revision.updated_at,
            });
        }
        let flow = schedule.flow;
        if self.definitions.flow(flow).is_none_or(|it| !it.enabled) {
            holds.push(ScheduleHold::FlowDisabled { flow });
        }
        let now = self.now;
        holds.extend(
            schedule
                .not_before
                .filter(|at| now < *at)
                .map(|at| ScheduleHold::NotBefore { at }),
        );
        let over = schedule.not_after.filter(|at| *at < now);
        holds.extend(over.map(|at| ScheduleHold::NotAfter { at }));
        if !entry.has_room() {
            let most = schedule.max_instances;
            holds.push(ScheduleHold::MaxInstances { most });
        }
        let next = entry.next();
        match &schedule.trigger {
            Trigger::Time(_) if next.is_none() && over.is_none() => {
                holds.push(ScheduleHold::NoTimes);
            }
            Trigger::Time(_) => {}
            Trigger::File(event) => holds.push(ScheduleHold::File { event: *event }),
            Trigger::DataDate(flows) => {
                let after = entry.cursor.date;
                let dates = flows
                    .iter()
                    .map(|it| (*it, self.definitions.data_date(*it)));
                let flows = dates.filter(|(_, date)| *date <= after).collect();
                holds.push(ScheduleHold::Dates { after, flows });
            }
        }
        let firing = |id| self.schedules.firings.get(id).cloned();
        Some(ScheduleExplanation {
            next: next.filter(|_| !schedule.paused),
            holds,
            cursor: entry.cursor,
            last: entry.cursor.last.as_ref().and_then(firing),
            queued: entry
                .queued
                .iter()
                .filter_map(firing)
                .filter(|row| row.outcome == FiringOutcome::Queued)
                .collect(),
            live: entry.live.iter().copied().collect(),
        })
    }
}
