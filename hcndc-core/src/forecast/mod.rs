//! What will run when (R12): the engine itself, played forward over expected durations.
//!
//! ```text
//!   engine as it stands ─► a copy ─► what-if: edits, executors lost ─► play: ends after expected durations ─► Forecast
//! ```
//!
//! Nothing is guessed apart from how long jobs take and that they succeed: the copy fires, gates, queues and places as the
//! original would, so limits, pools and calendars count as they will tonight. [`Forecast::compare`] tells what a change of
//! definitions would change.
//!
//! # Examples
//! ```
//! use core::time::Duration;
//! use hcndc_core::{engine::*, forecast::{Assumptions, forecast}, model::*, time::Timestamp};
//!
//! let mut engine = Engine::default();
//! let now: Timestamp = "2026-11-21T18:00:00Z".parse()?;
//! let mut load = JobDraft::new(FlowRef::Name("nightly".into()), "load", "sh load.sh");
//! load.expected = Some(Duration::from_secs(600));
//! let edits = vec![
//!     Edit::PutExecutor(ExecutorDraft::new("here", "local", 4)),
//!     Edit::PutFlow(FlowDraft::new("nightly")),
//!     Edit::PutJob(load),
//! ];
//! engine.apply(now, Input::Edit(EditBatch { by: "ann".into(), edits }))?;
//! let flow = engine.find_flow("nightly").expect("just made").id;
//! let start = Start { flows: vec![flow], jobs: None, downstream: false, data_date: "2026-11-21".parse()?, date_format: None, params: vec![], trigger: TriggerKind::Manual, by: "ann".into() };
//! engine.apply(now, Input::Start(start))?;
//!
//! let tonight = forecast(&engine, &Assumptions::until(now.after(Duration::from_secs(86_400))))?;
//! let end = tonight.executions.values().next().expect("the one that runs").ended_at;
//! assert_eq!(end, Some(now.after(Duration::from_secs(600))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compare;
mod play;
mod usual;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::time::Duration;

pub use compare::{Comparison, Fire, Moved, MovedFlow, Times};
pub use usual::usual_durations;

use self::play::Player;
use crate::{
    engine::{
        AlertRow, DueState, Engine, ExecutionState, FiringRow, FlowRunState, Hold, Input,
        JobRunState, Rejected, TriggerKind,
    },
    id::{
        AlertId, ExecutionId, ExecutorId, FiringId, FlowId, FlowRunId, JobId, JobRunId, ScheduleId,
    },
    model::Edit,
    time::{DataDate, Timestamp},
};

/// What a forecast takes for granted.
#[derive(Clone, Debug, PartialEq)]
pub struct Assumptions {
    /// When to stop looking ahead.
    pub until: Timestamp,
    /// How long jobs take, such as [what they usually took](usual_durations); over what their definitions expect.
    pub durations: BTreeMap<JobId, Duration>,
    /// How long a job takes of which nothing is known. Default one minute.
    pub otherwise: Duration,
    /// Which executors will be there.
    pub hosts: Hosts,
    /// Executors that are lost from the start.
    pub lost: BTreeSet<ExecutorId>,
    /// Edits made first: what would be if.
    pub edits: Vec<Edit>,
    /// Other inputs that will come, such as files and starts, each at its time.
    pub inputs: Vec<(Timestamp, Input)>,
    /// Events after which the forecast breaks off and says so: a bound on its time and memory. Default ten million.
    pub events: u64,
}

impl Assumptions {
    /// All as it is, until this time.
    #[must_use]
    pub const fn until(until: Timestamp) -> Self {
        Self {
            until,
            durations: BTreeMap::new(),
            otherwise: Duration::from_secs(60),
            hosts: Hosts::AllUp,
            lost: BTreeSet::new(),
            edits: Vec::new(),
            inputs: Vec::new(),
            events: 10_000_000,
        }
    }
}

/// Which executors will be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// All that are enabled, whether they are connected now or not.
    #[default]
    AllUp,
    /// Those that are connected now.
    AsTheyAre,
}

/// What will be, as far as it was looked ahead.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Forecast {
    /// From when.
    pub from: Timestamp,
    /// Until when; earlier than asked if it was broken off.
    pub until: Timestamp,
    /// Whether it was broken off after the number of events that it may take.
    pub is_cut: bool,
    /// Executions that run or start in this time.
    pub executions: BTreeMap<ExecutionId, ExecutionForecast>,
    /// Flow runs of these.
    pub flow_runs: BTreeMap<FlowRunId, FlowRunForecast>,
    /// Job runs of these.
    pub job_runs: BTreeMap<JobRunId, JobRunForecast>,
    /// Names of the flows that occur.
    pub flows: BTreeMap<FlowId, String>,
    /// Names of the jobs that occur, without their flows'.
    pub jobs: BTreeMap<JobId, String>,
    /// Names of the executors.
    pub executors: BTreeMap<ExecutorId, String>,
    /// What becomes of fire times, deadlines missed too.
    pub firings: BTreeMap<FiringId, FiringRow>,
    /// What people will be told of.
    pub alerts: BTreeMap<AlertId, AlertRow>,
    /// Names of the schedules.
    pub schedules: BTreeMap<ScheduleId, String>,
}

/// An execution to come, or one that runs now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ExecutionForecast {
    /// What starts it.
    pub trigger: TriggerKind,
    /// The schedule that it belongs to.
    pub schedule: Option<ScheduleId>,
    /// The fire time that it stands for.
    pub fire_time: Option<Timestamp>,
    /// The date that it is for.
    pub data_date: DataDate,
    /// When it starts, or started.
    pub started_at: Timestamp,
    /// When it ends, if that is in sight.
    pub ended_at: Option<Timestamp>,
    /// Where it stands at the end of the forecast.
    pub state: ExecutionState,
}

/// A flow run to come, or one that runs now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FlowRunForecast {
    /// Its execution.
    pub execution: ExecutionId,
    /// Its flow.
    pub flow: FlowId,
    /// When it starts, if that is in sight.
    pub started_at: Option<Timestamp>,
    /// When it ends, if that is in sight.
    pub ended_at: Option<Timestamp>,
    /// Where it stands at the end of the forecast.
    pub state: FlowRunState,
}

/// A job run to come, or one that runs now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct JobRunForecast {
    /// Its flow run.
    pub flow_run: FlowRunId,
    /// Its job.
    pub job: JobId,
    /// When all that it depends on is there.
    pub queued_at: Option<Timestamp>,
    /// When it is given to an executor.
    pub started_at: Option<Timestamp>,
    /// When it ends.
    pub ended_at: Option<Timestamp>,
    /// Where it runs.
    pub executor: Option<ExecutorId>,
    /// Where it stands at the end of the forecast.
    pub state: JobRunState,
    /// What holds it when it is queued and cannot start at once: limits, pools, executors. At the end of the forecast,
    /// what holds one that has not come that far.
    pub waits: Vec<Hold>,
}

impl JobRunForecast {
    /// How long it waits for a place once all that it depends on is there; zero while that is not in sight.
    #[must_use]
    pub fn queue_time(&self) -> Duration {
        match (self.queued_at, self.started_at) {
            (Some(queued), Some(started)) => started.since(queued),
            _ => Duration::ZERO,
        }
    }
}

/// A deadline that will be missed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MissedDeadline {
    /// Name of the schedule.
    pub schedule: String,
    /// The fire time that it is about.
    pub fire_time: Timestamp,
    /// The date that it is about.
    pub data_date: DataDate,
    /// The moment by which it should have come.
    pub at: Timestamp,
    /// What should have come.
    pub what: DeadlineKind,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum DeadlineKind {
    /// The start.
    Start,
    /// The success.
    Finish,
}

impl Forecast {
    /// Deadlines that will be missed, by schedule and time.
    #[must_use]
    pub fn missed_deadlines(&self) -> Vec<MissedDeadline> {
        let mut found = Vec::new();
        for firing in self.firings.values() {
            let both = [
                (DeadlineKind::Start, firing.start_by),
                (DeadlineKind::Finish, firing.finish_by),
            ];
            for (what, due) in both {
                if let Some(due) = due.filter(|due| due.state == DueState::Missed) {
                    let name = self.schedules.get(&firing.schedule);
                    found.push(MissedDeadline {
                        schedule: name.cloned().unwrap_or_default(),
                        fire_time: firing.from,
                        data_date: firing.data_date,
                        at: due.at,
                        what,
                    });
                }
            }
        }
        found.sort();
        found
    }
}

/// Plays a copy of the engine forward.
///
/// Jobs succeed after the time that is expected of them; one whose timeout is shorter times out.
///
/// # Errors
/// [`Rejected`] if the edits are refused.
///
/// # Complexity
/// A copy of the engine, and for each job run what the engine itself takes for it.
pub fn forecast(engine: &Engine, assumptions: &Assumptions) -> Result<Forecast, Rejected> {
    let mut player = Player::new(engine, assumptions)?;
    player.play();
    Ok(player.finish())
}
