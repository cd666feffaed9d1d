//! Definitions: what people edit. A file for each noun, and [`Edit`] for changes to them.
//!
//! A definition that an [`Engine`](crate::engine::Engine) holds has been checked as a part of the
//! whole: names are unique, references exist, no cycle arises, numbers are in range.

mod alert;
mod calendar;
mod edit;
mod executor;
mod fault;
mod file;
mod flow;
mod job;
mod named;
mod param;
mod pool;
mod reference;
mod schedule;
mod secret;
mod source;
mod value;
mod webhook;
mod work;

pub use alert::{
    AlertChannel, AlertChannelDraft, AlertChannelKind, AlertEvent, AlertRule, AlertRuleDraft,
    Escalation,
};
pub use calendar::{Calendar, CalendarDraft};
pub use edit::{
    DefinitionDraft, DependencyDraft, Edit, ExecutorDraft, FlowDraft, JobDraft, LONGEST_TEXT,
    MOST_OUTSIDE_DEPENDENCIES, PlacementDraft,
};
pub use executor::Executor;
pub use fault::{DefinitionError, Fault, Subject};
pub use file::{
    FileEvent, FileEventDraft, FilePer, FileServer, FileServerDraft, FileServerKind, Window,
};
pub use flow::Flow;
pub use job::{Condition, Dependency, Job, Placement, Retry};
pub use named::{Definition, DefinitionId, DefinitionKind, Named};
pub use param::{
    ContextValue, JobParam, JobParamDraft, OutputSource, OutputSourceDraft, Param, ParamKind,
    ParamKindDraft, SharedParam, SharedParamDraft,
};
pub use pool::{Pool, PoolDraft};
pub use reference::{
    AlertChannelRef, AlertRuleRef, CalendarRef, DataSourceRef, ExecutorRef, FileEventRef,
    FileServerRef, FlowRef, JobRef, ParamRef, PoolRef, Ref,
};
pub use schedule::{Deadline, Missed, Overlap, Schedule, ScheduleDraft, Trigger, TriggerDraft};
pub use secret::Secret;
pub use source::{DataSource, DataSourceDraft, DataSourceKind};
pub use value::{Misfit, ValueType};
pub use webhook::{HookCondition, HookScheme, HookTest, Webhook, WebhookDraft};
pub use work::{
    GOOD_STATUSES, HttpCall, JobKind, JobKindDraft, KettleLevel, KettleRun, KettleTool, METHODS,
    SqlScript, statuses,
};

use crate::time::Timestamp;
use alloc::string::String;

/// Who made which version of a definition, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Revision {
    /// 1 for a new definition, one more at each edit.
    pub version: u32,
    /// When version 1 was made.
    pub created_at: Timestamp,
    /// Who made version 1.
    pub created_by: String,
    /// When this version was made.
    pub updated_at: Timestamp,
    /// Who made this version.
    pub updated_by: String,
}
