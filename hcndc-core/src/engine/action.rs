//! What people did to executions, as it is stored (R10).

use alloc::string::String;

use crate::{
    id::{ActionId, ExecutionId, JobRunId},
    time::Timestamp,
};

/// One thing that a person did to an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ActionRow {
    /// Key; grows with time.
    pub id: ActionId,
    /// To which execution.
    pub execution: ExecutionId,
    /// To which job run of it; `None` if to the whole. A command that names several has a row for each.
    pub job_run: Option<JobRunId>,
    /// What.
    pub kind: ActionKind,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $text:literal,)*) => {
        /// What a person can do to an execution or a job run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
        pub enum ActionKind { $($(#[$doc])* $kind,)* }

        impl ActionKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The name that stores, the API and the pages use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $text,)* }
            }

            /// The kind of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$kind),)* _ => None }
            }
        }
    };
}

kinds! {
    /// Killed what ran, and ended the execution.
    Stop = "stop",
    /// Let what runs end, and kept the rest from starting.
    Pause = "pause",
    /// Let a paused execution go on.
    Unpause = "unpause",
    /// Went on where a failed or stopped execution broke.
    Resume = "resume",
    /// Ran a job run, and all below it, again.
    Rerun = "rerun",
    /// Ran the whole execution anew.
    Reset = "reset",
    /// Settled a job run as skipped.
    Skip = "skip",
    /// Settled a job run as succeeded.
    MarkSucceeded = "mark_succeeded",
    /// Ended the attempt of a job run, or kept it from having one.
    Kill = "kill",
}

#[cfg(test)]
mod tests {
    use super::ActionKind;

    #[test]
    fn names_lead_back_to_their_kinds() {
        for &kind in ActionKind::ALL {
            assert_eq!(ActionKind::from_name(kind.as_str()), Some(kind));
        }
        assert_eq!(ActionKind::from_name("start"), None);
    }
}
