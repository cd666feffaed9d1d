//! What is stored of firings.

use alloc::string::String;

use crate::{
    id::{ExecutionId, FileEventId, FiringId, ScheduleId},
    time::{DataDate, Timestamp},
};

/// How far a schedule has used its times or dates (R9): what lies behind is used for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ScheduleCursor {
    /// Key.
    pub schedule: ScheduleId,
    /// All fire times up to here are used.
    pub time: Timestamp,
    /// Of a schedule that waits for dates of flows: all dates up to here are used. `None` before the first.
    pub date: Option<DataDate>,
    /// Its latest firing.
    pub last: Option<FiringId>,
}

/// What became of one fire time, of several in a row, of a file or of a date.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FiringRow {
    /// Key; grows with time.
    pub id: FiringId,
    /// Whose.
    pub schedule: ScheduleId,
    /// The first fire time that it is about; of a file or a date, when it came.
    pub from: Timestamp,
    /// The last fire time that it is about; the first one, unless several were skipped together.
    pub to: Timestamp,
    /// The data date of the first.
    pub first_date: DataDate,
    /// The data date of the last.
    pub data_date: DataDate,
    /// The file that came, by its key.
    pub file: Option<String>,
    /// When the engine took it up.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: FiringOutcome,
    /// By when it must have started, if its schedule says so.
    pub start_by: Option<DueBy>,
    /// By when it must have succeeded, if its schedule says so.
    pub finish_by: Option<DueBy>,
}

impl FiringRow {
    /// Whether something of it is still to come: it waits for its turn, or a deadline is not decided.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let open = |due: Option<DueBy>| due.is_some_and(|due| due.state == DueState::Open);
        self.outcome == FiringOutcome::Queued || open(self.start_by) || open(self.finish_by)
    }

    /// The execution that it started.
    #[must_use]
    pub const fn execution(&self) -> Option<ExecutionId> {
        match self.outcome {
            FiringOutcome::Started { execution } => Some(execution),
            FiringOutcome::Queued | FiringOutcome::Skipped { .. } => None,
        }
    }
}

/// What became of a firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "outcome"))]
pub enum FiringOutcome {
    /// It started an execution.
    Started {
        /// Which.
        execution: ExecutionId,
    },
    /// As many executions of its schedule are live as may be; it starts when one of them has ended.
    Queued,
    /// It starts nothing, for ever.
    Skipped {
        /// Why.
        reason: SkipReason,
    },
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name that stores, the API and the pages use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Why a firing starts nothing.
    SkipReason {
        /// It was later than the misfire grace allows.
        Misfired = "misfired",
        /// A later one stands for it.
        Coalesced = "coalesced",
        /// As many executions of its schedule were live as may be.
        MaxInstances = "max_instances",
        /// As many firings waited for their turn as may.
        QueueFull = "queue_full",
        /// Its schedule was paused.
        Paused = "paused",
        /// The schedule's times were changed before it was taken up.
        Changed = "changed",
        /// The schedule was deleted while it waited for its turn.
        Deleted = "deleted",
        /// A file or a date came on a day, or at a time, at which the schedule does not fire.
        Excluded = "excluded",
        /// The flow is not enabled.
        FlowDisabled = "flow_disabled",
        /// The flow could not be started.
        Refused = "refused",
    }
}

impl SkipReason {
    /// Whether somebody wanted it so; then no deadline applies.
    #[must_use]
    pub const fn is_wanted(self) -> bool {
        matches!(
            self,
            Self::Coalesced | Self::Paused | Self::Changed | Self::Deleted | Self::Excluded
        )
    }
}

/// A deadline of a firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DueBy {
    /// The moment.
    pub at: Timestamp,
    /// Whether it was kept.
    pub state: DueState,
}

words! {
    /// Whether a deadline was kept.
    DueState {
        /// Not decided.
        Open = "open",
        /// It was.
        Kept = "kept",
        /// It was not.
        Missed = "missed",
        /// The schedule was deleted before.
        Lapsed = "lapsed",
    }
}

/// A file that came: keyed by both, and never used twice.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FileKeyRow {
    /// The file event.
    pub event: FileEventId,
    /// What tells it from other files of the event, such as its date or its name.
    pub key: String,
    /// When it came.
    pub at: Timestamp,
}
