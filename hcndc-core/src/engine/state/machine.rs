//! The state machines, made from one table each: the states in order of life, and the moves.

use core::fmt;

macro_rules! machine {
    (
        $(#[$doc:meta])* $name:ident {
            $( $(#[$state_doc:meta])* $state:ident = $text:literal => [$($to:ident),*], )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
        pub enum $name { $( $(#[$state_doc])* $state, )* }

        impl $name {
            /// Every state, in order of life.
            pub const ALL: &[Self] = &[$(Self::$state),*];

            /// The name that stores, the API and the pages use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$state => $text,)* }
            }

            /// The state of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$state),)* _ => None }
            }

            /// The states that may follow this one.
            #[must_use]
            pub const fn moves(self) -> &'static [Self] {
                match self { $(Self::$state => &[$(Self::$to),*],)* }
            }

            /// Whether `to` may follow this one.
            #[must_use]
            pub fn can_move(self, to: Self) -> bool {
                self.moves().contains(&to)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

machine! {
    /// Where a job run stands.
    ///
    /// Settled states lead back to `Blocked` only by a resume, a rerun or a reset, or because a person settled what had
    /// kept them from running. A person may settle what waits or has failed, as skipped or as succeeded.
    JobRunState {
        /// Waits for other jobs, or for its flow run to start.
        Blocked = "blocked" => [Queued, Succeeded, UpstreamFailed, Skipped],
        /// Could run; waits for a place.
        Queued = "queued" => [Dispatched, Succeeded, Killed, Skipped],
        /// Given to an executor.
        Dispatched = "dispatched" => [Running, RetryWait, Succeeded, Failed, Killed],
        /// Its process runs.
        Running = "running" => [RetryWait, Succeeded, Failed, Killed],
        /// Failed, and waits for its next attempt.
        RetryWait = "retry_wait" => [Queued, Succeeded, Killed, Skipped],
        /// Ended with a code that counts as success, or a person said that it counts as such.
        Succeeded = "succeeded" => [Blocked],
        /// Ended otherwise, with no attempt left.
        Failed = "failed" => [Blocked, Succeeded, Skipped],
        /// Stopped by a person.
        Killed = "killed" => [Blocked, Succeeded, Skipped],
        /// Not run, because something before it failed.
        UpstreamFailed = "upstream_failed" => [Blocked, Succeeded, Skipped],
        /// Not run: it is not enabled, what it was to react to did not happen, or a person passed it over.
        Skipped = "skipped" => [Blocked],
    }
}

impl JobRunState {
    /// Whether an attempt is alive.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Dispatched | Self::Running)
    }

    /// Whether it will move without help from outside of itself and its executor.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(
            self,
            Self::Queued | Self::Dispatched | Self::Running | Self::RetryWait
        )
    }

    /// Whether it came to its end.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Killed | Self::UpstreamFailed | Self::Skipped
        )
    }
}

machine! {
    /// Where a flow run stands.
    FlowRunState {
        /// Waits for its parents, or for a place among the runs of its flow.
        Waiting = "waiting" => [Joined, Running],
        /// Shares the end of another run of its flow for its date (R5).
        Joined = "joined" => [Succeeded, Failed, Stopped],
        /// Its jobs may run.
        Running = "running" => [Succeeded, Failed, Stopped],
        /// All of its jobs succeeded or were skipped.
        Succeeded = "succeeded" => [Waiting],
        /// Nothing more of it can run, and something failed.
        Failed = "failed" => [Waiting],
        /// Its execution was stopped while it ran.
        Stopped = "stopped" => [Waiting],
    }
}

machine! {
    /// Where an execution stands.
    ExecutionState {
        /// Jobs run or may run.
        Running = "running" => [Paused, Stopping, Succeeded, Failed],
        /// What runs may end; nothing starts until a person lets it go on.
        Paused = "paused" => [Running, Stopping, Succeeded, Failed],
        /// Its jobs are being killed.
        Stopping = "stopping" => [Stopped],
        /// All of its flow runs succeeded.
        Succeeded = "succeeded" => [Running],
        /// Nothing more of it can run, and something failed.
        Failed = "failed" => [Running],
        /// A person ended it.
        Stopped = "stopped" => [Running],
    }
}

impl ExecutionState {
    /// Whether what of it ends sets other things going.
    #[must_use]
    pub const fn goes_on(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    /// Whether it came to its end.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

machine! {
    /// Where an attempt stands.
    AttemptState {
        /// Given to its executor.
        Dispatched = "dispatched" => [Running, Succeeded, Failed, TimedOut, Killed, NotStarted, Lost],
        /// Its process runs.
        Running = "running" => [Succeeded, Failed, TimedOut, Killed, Lost],
        /// It exited with a code that counts as success.
        Succeeded = "succeeded" => [],
        /// It exited with another code, or a signal ended it.
        Failed = "failed" => [],
        /// It ran longer than it may.
        TimedOut = "timed_out" => [],
        /// A person stopped it.
        Killed = "killed" => [],
        /// Its process could not be started.
        NotStarted = "not_started" => [],
        /// Its executor was lost, and it with it.
        Lost = "lost" => [],
    }
}

impl AttemptState {
    /// Whether it came to its end.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        self.moves().is_empty()
    }
}

machine! {
    /// Where a backfill stands.
    BackfillState {
        /// Dates run or may begin.
        Running = "running" => [Stopping, Succeeded, Failed],
        /// A person ends it; its executions are being stopped.
        Stopping = "stopping" => [Stopped, Succeeded],
        /// All of its dates succeeded.
        Succeeded = "succeeded" => [],
        /// A date failed or was stopped, and no other one runs.
        Failed = "failed" => [Running, Succeeded],
        /// A person ended it.
        Stopped = "stopped" => [Running, Succeeded],
    }
}

impl BackfillState {
    /// Whether it came to its end. All but the successful one can be taken up again.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

machine! {
    /// Where a date of a backfill stands.
    BackfillDateState {
        /// Its turn has not come.
        Waiting = "waiting" => [Running, Failed],
        /// Its execution is live.
        Running = "running" => [Succeeded, Failed, Stopped],
        /// Its execution succeeded.
        Succeeded = "succeeded" => [Running],
        /// Its execution failed, or could not begin.
        Failed = "failed" => [Waiting, Running],
        /// Its execution was stopped.
        Stopped = "stopped" => [Waiting, Running],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_states() {
        for &state in JobRunState::ALL {
            assert_eq!(JobRunState::from_name(state.as_str()), Some(state));
        }
        assert_eq!(ExecutionState::from_name("Running"), None);
    }

    #[test]
    fn settled_states_are_left_only_by_starting_over_or_for_the_better() {
        use JobRunState as S;
        for &state in S::ALL {
            let expected: &[S] = match state {
                S::Succeeded | S::Skipped => &[S::Blocked],
                S::Failed | S::Killed | S::UpstreamFailed => {
                    &[S::Blocked, S::Succeeded, S::Skipped]
                }
                S::Blocked | S::Queued | S::Dispatched | S::Running | S::RetryWait => continue,
            };
            assert!(state.is_settled());
            assert_eq!(state.moves(), expected);
        }
    }
}
