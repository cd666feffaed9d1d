//! Ids: one newtype for each kind of thing, so that no bare number crosses a function.
//!
//! All ids come from one counter of the [engine](crate::engine), which never gives a number twice,
//! not even after what it named was deleted; but for those of users and what belongs to them, which the store of accounts
//! gives. Stores keep them as signed 64-bit integers.

use core::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $name(pub u64);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl core::str::FromStr for $name {
            type Err = core::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A flow.
    FlowId,
    /// A job.
    JobId,
    /// An executor.
    ExecutorId,
    /// An execution: what one start set going.
    ExecutionId,
    /// A flow's part of an execution.
    FlowRunId,
    /// A job's part of an execution.
    JobRunId,
    /// One try at a job run; the key by which executors know it, for ever.
    AttemptId,
    /// What a person did to an execution.
    ActionId,
    /// A schedule.
    ScheduleId,
    /// A calendar of business days.
    CalendarId,
    /// A pool of slots.
    PoolId,
    /// A param that jobs share.
    ParamId,
    /// A data source.
    DataSourceId,
    /// A file server.
    FileServerId,
    /// A file event.
    FileEventId,
    /// An alert channel.
    AlertChannelId,
    /// An alert rule.
    AlertRuleId,
    /// A webhook.
    WebhookId,
    /// A delivery to a webhook.
    DeliveryId,
    /// A backfill: one request to run a range of dates.
    BackfillId,
    /// A firing: what became of one fire time, or of several in a row.
    FiringId,
    /// An alert: one thing that people are told.
    AlertId,
    /// A user.
    UserId,
    /// A role.
    RoleId,
    /// A token of the API.
    TokenId,
    /// An entry of the audit trail.
    AuditId,
}
